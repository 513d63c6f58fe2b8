//! One round of a reading: reads everything once, in parallel where possible.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;

use aws_sdk_organizations::types;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::calls::Failure;
use super::error::{CallError, DiscoveryError, malformed, required};
use super::{CONCURRENCY, PAGE, Reading};

/// An OU that the walk met.
pub(super) struct Unit {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) parents: BTreeSet<String>,
}

/// An account in a list.
pub(super) struct Listed {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) state: String,
    pub(super) joined_at: Option<String>,
    pub(super) joined_method: Option<String>,
    /// The parent, from `Paths`; none if the service does not return it.
    pub(super) parent_id: Option<String>,
}

/// Result of one round, before the cross-check.
#[derive(Default)]
pub(super) struct Round {
    pub(super) root_id: Option<String>,
    pub(super) units: BTreeMap<String, Unit>,
    pub(super) accounts: BTreeMap<String, Listed>,
    /// Accounts that ListAccounts named.
    pub(super) listed: BTreeSet<String>,
    /// Parents that Paths or per-parent lists gave, by account.
    pub(super) parents: BTreeMap<String, BTreeSet<String>>,
    /// OUs that were gone when their children were listed.
    pub(super) gone: BTreeSet<String>,
    /// Whether accounts are listed per parent, because one came without Paths.
    pub(super) per_parent: bool,
}

/// One call to make; lists continue where the token says.
enum Step {
    Roots(Option<String>),
    Accounts(Option<String>),
    Units(String, Option<String>),
    AccountsUnder(String, Option<String>),
}

/// What a [`Step`] gave.
enum Answer {
    Roots(Vec<types::Root>, Option<String>),
    Accounts(Vec<types::Account>, Option<String>),
    Units(String, Vec<types::OrganizationalUnit>, Option<String>),
    AccountsUnder(String, Vec<types::Account>, Option<String>),
    Gone(String),
}

impl Reading<'_> {
    /// Reads everything once, in parallel where possible.
    pub(super) async fn read_round(&self) -> Result<Round, (&'static str, CallError)> {
        self.accounts.store(0, Ordering::Relaxed);
        self.units.store(0, Ordering::Relaxed);
        let mut round = Round::default();
        let mut waiting = VecDeque::from([Step::Accounts(None), Step::Roots(None)]);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < CONCURRENCY
                && let Some(step) = waiting.pop_front()
            {
                running.push(self.step(step));
            }
            let Some(answer) = running.next().await else {
                return Ok(round);
            };
            match answer? {
                Answer::Roots(page, next) => {
                    for root in page {
                        let id = root.id.unwrap_or_default();
                        if round.root_id.as_ref().is_some_and(|known| *known != id) {
                            return Err((
                                "organizations:ListRoots",
                                malformed("organizations:ListRoots", "more than one root").into(),
                            ));
                        }
                        if round.root_id.is_none() {
                            waiting.push_back(Step::Units(id.clone(), None));
                            if round.per_parent {
                                waiting.push_back(Step::AccountsUnder(id.clone(), None));
                            }
                            round.root_id = Some(id);
                        }
                    }
                    if next.is_some() {
                        waiting.push_back(Step::Roots(next));
                    }
                }
                Answer::Accounts(page, next) => {
                    // The pages come one after another, so the next one goes first.
                    if next.is_some() {
                        waiting.push_front(Step::Accounts(next));
                    }
                    for account in page {
                        let (id, listed) = parse_account("organizations:ListAccounts", account)
                            .map_err(|error| ("organizations:ListAccounts", error.into()))?;
                        if listed.parent_id.is_none() && !round.per_parent {
                            round.per_parent = true;
                            let parents = round.root_id.iter().chain(round.units.keys());
                            waiting.extend(
                                parents.map(|parent| Step::AccountsUnder(parent.clone(), None)),
                            );
                        }
                        if let Some(parent) = &listed.parent_id {
                            round
                                .parents
                                .entry(id.clone())
                                .or_default()
                                .insert(parent.clone());
                        }
                        round.listed.insert(id.clone());
                        round.accounts.insert(id, listed);
                    }
                    self.accounts.store(round.listed.len(), Ordering::Relaxed);
                }
                Answer::Units(parent, page, next) => {
                    const ACTION: &str = "organizations:ListOrganizationalUnitsForParent";
                    if next.is_some() {
                        waiting.push_back(Step::Units(parent.clone(), next));
                    }
                    for unit in page {
                        let read = (|| {
                            let id = required(ACTION, "an OU", "Id", unit.id)?;
                            let arn = required(ACTION, &id, "Arn", unit.arn)?;
                            let name = required(ACTION, &id, "Name", unit.name)?;
                            Ok::<_, DiscoveryError>((id, arn, name))
                        })();
                        let (id, arn, name) = read.map_err(|error| (ACTION, error.into()))?;
                        if let Some(known) = round.units.get_mut(&id) {
                            known.parents.insert(parent.clone());
                            continue;
                        }
                        waiting.push_back(Step::Units(id.clone(), None));
                        if round.per_parent {
                            waiting.push_back(Step::AccountsUnder(id.clone(), None));
                        }
                        let parents = BTreeSet::from([parent.clone()]);
                        round.units.insert(id, Unit { arn, name, parents });
                    }
                    self.units.store(round.units.len(), Ordering::Relaxed);
                }
                Answer::AccountsUnder(parent, page, next) => {
                    const ACTION: &str = "organizations:ListAccountsForParent";
                    if next.is_some() {
                        waiting.push_back(Step::AccountsUnder(parent.clone(), next));
                    }
                    for account in page {
                        let (id, listed) = parse_account(ACTION, account)
                            .map_err(|error| (ACTION, error.into()))?;
                        round
                            .parents
                            .entry(id.clone())
                            .or_default()
                            .insert(parent.clone());
                        round.accounts.entry(id).or_insert(listed);
                    }
                }
                Answer::Gone(parent) => {
                    round.gone.insert(parent);
                }
            }
        }
    }

    async fn step(&self, step: Step) -> Result<Answer, (&'static str, CallError)> {
        let client = &self.session.organizations;
        let pacer = &self.session.pacer;
        match step {
            Step::Roots(token) => {
                const ACTION: &str = "organizations:ListRoots";
                let answer = pacer
                    .call(ACTION, || {
                        client
                            .list_roots()
                            .max_results(PAGE)
                            .set_next_token(token.clone())
                            .send()
                    })
                    .await
                    .map_err(|failure| (ACTION, failure.into()))?;
                Ok(Answer::Roots(
                    answer.roots.unwrap_or_default(),
                    answer.next_token,
                ))
            }
            Step::Accounts(token) => {
                const ACTION: &str = "organizations:ListAccounts";
                let answer = pacer
                    .call(ACTION, || {
                        client
                            .list_accounts()
                            .max_results(PAGE)
                            .set_next_token(token.clone())
                            .send()
                    })
                    .await
                    .map_err(|failure| (ACTION, failure.into()))?;
                Ok(Answer::Accounts(
                    answer.accounts.unwrap_or_default(),
                    answer.next_token,
                ))
            }
            Step::Units(parent, token) => {
                const ACTION: &str = "organizations:ListOrganizationalUnitsForParent";
                let answer = pacer
                    .call(ACTION, || {
                        client
                            .list_organizational_units_for_parent()
                            .parent_id(&parent)
                            .max_results(PAGE)
                            .set_next_token(token.clone())
                            .send()
                    })
                    .await;
                match answer {
                    Ok(answer) => Ok(Answer::Units(
                        parent,
                        answer.organizational_units.unwrap_or_default(),
                        answer.next_token,
                    )),
                    Err(Failure::Gone) => Ok(Answer::Gone(parent)),
                    Err(failure) => Err((ACTION, failure.into())),
                }
            }
            Step::AccountsUnder(parent, token) => {
                const ACTION: &str = "organizations:ListAccountsForParent";
                let answer = pacer
                    .call(ACTION, || {
                        client
                            .list_accounts_for_parent()
                            .parent_id(&parent)
                            .max_results(PAGE)
                            .set_next_token(token.clone())
                            .send()
                    })
                    .await;
                match answer {
                    Ok(answer) => Ok(Answer::AccountsUnder(
                        parent,
                        answer.accounts.unwrap_or_default(),
                        answer.next_token,
                    )),
                    Err(Failure::Gone) => Ok(Answer::Gone(parent)),
                    Err(failure) => Err((ACTION, failure.into())),
                }
            }
        }
    }
}

fn parse_account(
    action: &str,
    account: types::Account,
) -> Result<(String, Listed), DiscoveryError> {
    let id = required(action, "an account", "Id", account.id)?;
    let what = format!("account {id}");
    // `State` decides; AWS retires `Status`, whose values mean the same.
    let state = account
        .state
        .map(|state| state.as_str().to_owned())
        .or_else(|| account.status.map(|status| status.as_str().to_owned()));
    let parent_id = account
        .paths
        .as_deref()
        .and_then(|paths| <&[String; 1]>::try_from(paths).ok())
        .and_then(|[path]| parent_in_path(path, &id));
    let joined_at = account
        .joined_timestamp
        .and_then(|at| OffsetDateTime::from_unix_timestamp(at.secs()).ok())
        .and_then(|at| at.format(&Rfc3339).ok());
    let listed = Listed {
        arn: required(action, &what, "Arn", account.arn)?,
        name: required(action, &what, "Name", account.name)?,
        email: account.email.unwrap_or_default(),
        state: required(action, &what, "State", state)?,
        joined_at,
        joined_method: account
            .joined_method
            .map(|method| method.as_str().to_owned()),
        parent_id,
    };
    Ok((id, listed))
}

/// The parent in `o-.../r-.../ou-.../123456789012/`; none if the path has another form.
fn parent_in_path(path: &str, account_id: &str) -> Option<String> {
    let mut ids = path.trim_end_matches('/').split('/');
    if !ids.next()?.starts_with("o-") || ids.next_back()? != account_id {
        return None;
    }
    let root = ids.next()?;
    if !root.starts_with("r-") || !ids.clone().all(|id| id.starts_with("ou-")) {
        return None;
    }
    Some(ids.next_back().unwrap_or(root).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_gives_the_parent() {
        let parent = |path| parent_in_path(path, "111122223333");
        assert_eq!(
            parent("o-abc/r-xyz/ou-xyz-1/ou-xyz-2/111122223333/").as_deref(),
            Some("ou-xyz-2")
        );
        assert_eq!(
            parent("o-abc/r-xyz/111122223333/").as_deref(),
            Some("r-xyz")
        );
        assert_eq!(parent("o-abc/r-xyz/111122223333").as_deref(), Some("r-xyz"));
        for other in [
            "",
            "/",
            "o-abc",
            "o-abc/111122223333/",
            "o-abc/r-xyz/",
            "o-abc/r-xyz/ou-xyz-1/444455556666/",
            "o-abc/ou-xyz-1/111122223333/",
            "o-abc/r-xyz/Workloads/111122223333/",
            "r-xyz/111122223333/",
        ] {
            assert_eq!(parent(other), None, "{other}");
        }
    }

    fn account() -> types::builders::AccountBuilder {
        types::Account::builder()
            .id("111122223333")
            .arn("arn:aws:organizations::111122223333:account/o-abc/111122223333")
            .name("sandbox")
            .email("sandbox@example.com")
    }

    #[test]
    fn state_decides_over_status() {
        let read =
            |account: types::builders::AccountBuilder| parse_account("an action", account.build());
        let both = account()
            .state(types::AccountState::Closed)
            .status(types::AccountStatus::Suspended);
        assert_eq!(read(both).unwrap().1.state, "CLOSED");
        let old = account().status(types::AccountStatus::PendingClosure);
        assert_eq!(read(old).unwrap().1.state, "PENDING_CLOSURE");
        let newer = account().state("HIBERNATING".into());
        assert_eq!(read(newer).unwrap().1.state, "HIBERNATING");
        assert!(matches!(
            read(account()),
            Err(DiscoveryError::Malformed { .. })
        ));
    }

    #[test]
    fn the_time_of_joining_is_in_whole_seconds() {
        let joined = account()
            .state(types::AccountState::Active)
            .joined_timestamp(aws_sdk_organizations::primitives::DateTime::from_millis(
                1_577_836_800_987,
            ));
        let (_, read) = parse_account("an action", joined.build()).unwrap();
        assert_eq!(read.joined_at.as_deref(), Some("2020-01-01T00:00:00Z"));
    }

    #[test]
    fn several_paths_are_as_good_as_none() {
        let twice = account()
            .state(types::AccountState::Active)
            .paths("o-abc/r-xyz/111122223333/")
            .paths("o-abc/r-xyz/ou-xyz-1/111122223333/");
        assert_eq!(
            parse_account("an action", twice.build())
                .unwrap()
                .1
                .parent_id,
            None
        );
    }
}
