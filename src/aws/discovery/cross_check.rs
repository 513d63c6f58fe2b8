//! Cross-checks what one round read, and asks about the accounts whose parent it leaves open.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::super::calls::{Failure, pages};
use super::error::{DiscoveryError, malformed};
use super::round::{Listed, Round, Unit};
use super::{Organization, PAGE, Reading};

/// Reading everything again is cheaper than asking about more accounts than this: AWS throttles ListParents the most.
const ASK_AT_MOST: usize = 20;

/// A round without contradictions.
pub(super) struct Consistent {
    pub(super) root_id: String,
    pub(super) units: BTreeMap<String, Unit>,
    /// Each account with its parent.
    pub(super) accounts: BTreeMap<String, (Listed, String)>,
}

/// The contradictions in a round.
#[derive(Default)]
pub(super) struct Contradictions {
    pub(super) accounts: BTreeSet<String>,
    pub(super) units: BTreeSet<String>,
    pub(super) problems: Vec<String>,
}

impl Contradictions {
    pub(super) fn account(&mut self, id: &str, problem: String) {
        self.accounts.insert(id.to_owned());
        self.problems.push(problem);
    }

    pub(super) fn unit(&mut self, id: &str, problem: String) {
        self.units.insert(id.to_owned());
        self.problems.push(problem);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Why a round did not pass the cross-check.
pub(super) enum CrossCheckError {
    Contradictions(Contradictions),
    Failed(DiscoveryError),
}

impl Reading<'_> {
    /// Cross-checks a round, and asks about the few accounts whose parent it leaves open.
    pub(super) async fn cross_check(
        &self,
        mut round: Round,
        organization: &Organization,
    ) -> Result<Consistent, CrossCheckError> {
        let mut wrong = Contradictions::default();
        let Some(root_id) = round.root_id.take() else {
            return Err(CrossCheckError::Failed(malformed(
                "organizations:ListRoots",
                "no root",
            )));
        };
        for (id, unit) in &round.units {
            if round.gone.contains(id) {
                wrong.unit(id, format!("OU {id} was listed, then gone"));
            }
            if unit.parents.len() > 1 {
                let parents: Vec<&str> = unit.parents.iter().map(String::as_str).collect();
                wrong.unit(id, format!("OU {id} was under {}", parents.join(" and ")));
            }
        }
        if !wrong.is_empty() {
            return Err(CrossCheckError::Contradictions(wrong));
        }
        let known = |id: &String| *id == root_id || round.units.contains_key(id);
        let open: Vec<String> = round
            .accounts
            .keys()
            .filter(|id| {
                let parents = round.parents.get(*id);
                !round.listed.contains(*id)
                    || parents
                        .is_none_or(|parents| parents.len() != 1 || !parents.iter().all(known))
            })
            .cloned()
            .collect();
        if open.len() > ASK_AT_MOST {
            for id in &open {
                wrong.account(id, open_problem(id, &round));
            }
            return Err(CrossCheckError::Contradictions(wrong));
        }
        let mut asked: FuturesUnordered<_> = open
            .iter()
            .map(|id| async move { (id, self.parents_of(id, organization).await) })
            .collect();
        let mut answers = BTreeMap::new();
        while let Some((id, parents)) = asked.next().await {
            answers.insert(id.clone(), parents.map_err(CrossCheckError::Failed)?);
        }
        drop(asked);
        for (id, parents) in answers {
            match parents {
                // It has left the AWS organization.
                None => {
                    round.accounts.remove(&id);
                }
                Some(parents) if parents.len() == 1 && parents.iter().all(known) => {
                    round.parents.insert(id, parents);
                }
                Some(_) => wrong.account(&id, open_problem(&id, &round)),
            }
        }
        if !round
            .accounts
            .contains_key(&organization.management_account_id)
        {
            let id = &organization.management_account_id;
            wrong.account(id, format!("the management account {id} was not listed"));
        }
        if !wrong.is_empty() {
            return Err(CrossCheckError::Contradictions(wrong));
        }
        let mut parents = round.parents;
        let accounts = round
            .accounts
            .into_iter()
            .filter_map(|(id, account)| {
                let parent = parents.remove(&id)?.pop_first()?;
                Some((id, (account, parent)))
            })
            .collect();
        Ok(Consistent {
            root_id,
            units: round.units,
            accounts,
        })
    }

    /// Asks for an account's parents; none if the account has left.
    async fn parents_of(
        &self,
        id: &str,
        organization: &Organization,
    ) -> Result<Option<BTreeSet<String>>, DiscoveryError> {
        const ACTION: &str = "organizations:ListParents";
        let parents = pages(|token| async move {
            let list = || {
                let client = &self.session.organizations;
                client
                    .list_parents()
                    .child_id(id)
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            };
            let answer = self.session.pacer.call(ACTION, list).await?;
            Ok((answer.parents, answer.next_token))
        });
        match parents.await {
            Ok(parents) => {
                let ids = parents.into_iter().filter_map(|parent| parent.id);
                Ok(Some(ids.collect()))
            }
            Err(Failure::Gone) => Ok(None),
            Err(failure) => Err(self.error(ACTION, failure, Some(organization)).await),
        }
    }
}

fn open_problem(id: &str, round: &Round) -> String {
    let parents: Vec<&str> = round
        .parents
        .get(id)
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    match parents.as_slice() {
        [] => format!("account {id} was listed but is under no parent"),
        [parent] if !round.listed.contains(id) => {
            format!("account {id} was under {parent} but not listed")
        }
        [parent] => format!("account {id} was under {parent}, which the walk did not meet"),
        several => format!("account {id} was under {}", several.join(" and ")),
    }
}
