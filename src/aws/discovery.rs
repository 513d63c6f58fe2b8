//! One consistent reading of an AWS organization.
//!
//! `ListAccounts`, whose pages come one after another, runs beside a walk of the OUs in parallel. Where the service returns an
//! account's `Paths`, they give its parent; where not, every parent's accounts are listed too. What was read is then
//! cross-checked: every account must have one parent, which the walk must have met. Accounts that do not are asked about
//! one by one (`ListParents`); if that does not settle it, the organization changed while it was read, and the reading is made
//! again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_organizations::types;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use super::calls::Failure;
use super::credentials::{ConnectError, Session, principal};
use super::denial::Denial;
use crate::model::snapshot::{AccountFacts, Facts, Snapshot, SnapshotError, UnitFacts};

/// The API's limit: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>.
const PAGE: i32 = 20;
/// Calls under way at once. The service allows a burst of about this many before it throttles; the pacer does the rest.
const CONCURRENCY: usize = 16;
/// How often the organization is read before it counts as never at rest.
const ROUNDS: usize = 4;
/// Between rounds: AWS Organizations takes a moment until every list shows a change.
const PAUSE: Duration = Duration::from_millis(250);
/// More unsettled accounts than this are cheaper to read again than to ask about one by one: ListParents is throttled
/// the most.
const ASK_AT_MOST: usize = 20;
/// For finding out who the caller is, to say it in an error.
const CALLER_TIMEOUT: Duration = Duration::from_secs(10);

/// What to read, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Options {
    /// Whether to read every account's tags: one call per account.
    pub include_tags: bool,
    /// The whole reading, credentials included, takes at most this long.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            include_tags: false,
            timeout: Duration::from_secs(30 * 60),
        }
    }
}

/// Why an AWS organization could not be read. Every variant is one thing a user can act on;
/// [`DiscoveryError::fix`] says how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// AWS could not be talked to, or not any more.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// IAM does not allow a call.
    #[error("AWS refuses {action}{}: {message}",
        principal.as_ref().filter(|arn| !message.contains(*arn)).map_or_else(String::new, |arn| format!(" to {arn}")))]
    MissingPermission {
        /// As in IAM policies: `organizations:ListAccounts`.
        action: String,
        /// ARN of the caller, where known.
        principal: Option<String>,
        /// What AWS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
    /// The caller's account is in no AWS organization.
    #[error("{} is not in an AWS organization",
        account_id.as_ref().map_or_else(|| "the account of these credentials".to_owned(), |id| format!("account {id}")))]
    NotInOrganization {
        /// The caller's account, where known.
        account_id: Option<String>,
    },
    /// The caller's account is a member that may not read the AWS organization.
    #[error("AWS refuses {action} to account {account_id}, which is neither the management account of the AWS organization{} nor a delegated administrator",
        management_account_id.as_ref().map_or_else(String::new, |id| format!(" ({id})")))]
    NotAdministrator {
        /// The caller's account.
        account_id: String,
        /// The management account, where known.
        management_account_id: Option<String>,
        /// The call that was refused.
        action: String,
    },
    /// The reading took longer than its timeout.
    #[error("reading the AWS organization did not end within {} seconds ({accounts} accounts and {organizational_units} OUs were read, AWS throttled {throttled} calls)", after.as_secs_f64().ceil())]
    TimedOut {
        /// The timeout.
        after: Duration,
        /// Accounts read until then.
        accounts: usize,
        /// OUs read until then.
        organizational_units: usize,
        /// Calls that AWS throttled.
        throttled: u64,
    },
    /// Every reading contradicted itself.
    #[error("the AWS organization was read {rounds} times, and each reading contradicted itself: {}", problems.join("; "))]
    Inconsistent {
        /// How often it was read.
        rounds: usize,
        /// Accounts that the last reading could not place.
        accounts: Vec<String>,
        /// OUs that the last reading could not place.
        organizational_units: Vec<String>,
        /// What was wrong in the last reading, at most ten of it.
        problems: Vec<String>,
    },
    /// An answer that the API does not allow for.
    #[error("AWS answered {action} in a way that makes no snapshot: {what}")]
    Malformed {
        /// As in IAM policies.
        action: String,
        /// What was wrong.
        what: String,
    },
    /// What was read is no tree.
    #[error("what was read of the AWS organization makes no snapshot: {0}")]
    Snapshot(#[from] SnapshotError),
    /// The run was stopped.
    #[error("the reading of the AWS organization was cancelled")]
    Cancelled,
}

impl DiscoveryError {
    /// What the user can do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Connect(error) => error.fix(),
            Self::MissingPermission {
                action,
                principal,
                message,
                ..
            } => {
                let principal = principal.as_deref().unwrap_or("the caller");
                let fix = match Denial::of(message) {
                    Some(denial) => denial.fix(action, principal),
                    None => format!(
                        "Allow {action} in a policy of {principal}. If a policy allows it already, look for a service control policy, permissions boundary or session \
                         policy that does not."
                    ),
                };
                format!("{fix} The whole policy that discovery needs is in docs/guides/getting-started.md.")
            }
            Self::NotInOrganization { .. } => "Use credentials of the organization's management account or of a delegated administrator (profile, access_key or assume_role). To mirror \
                accounts without an AWS organization, list them by hand: aws_organization = { accounts = { \"111122223333\" = { name = \"sandbox\" } } }."
                .to_owned(),
            Self::NotAdministrator {
                account_id,
                management_account_id,
                ..
            } => {
                let management = management_account_id
                    .as_ref()
                    .map_or_else(|| "the management account".to_owned(), |id| format!("the management account {id}"));
                format!(
                    "Assume a role in {management} (assume_role), or let {management} register {account_id} as a delegated administrator, or allow it to read with a \
                     resource-based delegation policy (docs/guides/getting-started.md has one)."
                )
            }
            Self::TimedOut { throttled, .. } if *throttled > 0 => "AWS throttles these calls per account, for all tools together. Allow more time with timeouts = { read = \"...\" }, or run when less else \
                is running."
                .to_owned(),
            Self::TimedOut { .. } => {
                "Allow more time with timeouts = { read = \"...\" }, and check the network.".to_owned()
            }
            Self::Inconsistent { .. } => "The organization is being changed right now: try again when that is done. If the same accounts or OUs are named again, look at \
                them in the AWS console: an account must be under an OU that exists."
                .to_owned(),
            Self::Malformed { .. } | Self::Snapshot(_) => "Check that the endpoint is AWS Organizations (endpoints, AWS_ENDPOINT_URL); if it is, please report this.".to_owned(),
            Self::Cancelled => "Run it again.".to_owned(),
        }
    }
}

impl Session {
    /// Reads the AWS organization that the session's account is in.
    ///
    /// # Errors
    /// When it cannot be read whole: the result is complete or an error. When `cancelled` is, at once.
    pub async fn discover(
        &self,
        options: &Options,
        cancelled: &CancellationToken,
    ) -> Result<Snapshot, DiscoveryError> {
        let reading = Reading {
            session: self,
            include_tags: options.include_tags,
            throttled_before: self.pacer.throttled(),
            accounts: AtomicUsize::new(0),
            units: AtomicUsize::new(0),
        };
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(DiscoveryError::Cancelled),
            read = tokio::time::timeout(options.timeout, reading.read()) => match read {
                Ok(read) => read,
                Err(_) => Err(reading.timed_out(options.timeout)),
            },
        }
    }
}

/// What DescribeOrganization says.
struct Organization {
    id: String,
    arn: String,
    feature_set: String,
    management_account_id: String,
}

/// One OU as the walk meets it.
struct Unit {
    arn: String,
    name: String,
    parents: BTreeSet<String>,
}

/// One account as the lists name it.
struct Listed {
    arn: String,
    name: String,
    email: String,
    state: String,
    joined_at: Option<String>,
    joined_method: Option<String>,
    /// The parent, from `Paths`; none where the service does not say.
    parent_id: Option<String>,
}

/// What one round read, before it is checked.
#[derive(Default)]
struct Round {
    root_id: Option<String>,
    units: BTreeMap<String, Unit>,
    accounts: BTreeMap<String, Listed>,
    /// Accounts that ListAccounts named.
    listed: BTreeSet<String>,
    /// Parents that Paths or per-parent lists gave, by account.
    parents: BTreeMap<String, BTreeSet<String>>,
    /// OUs that were gone when their children were listed.
    gone: BTreeSet<String>,
    /// Whether accounts are listed per parent, because one came without Paths.
    per_parent: bool,
}

/// A round that agrees with itself.
struct Consistent {
    root_id: String,
    units: BTreeMap<String, Unit>,
    /// With the parent of each.
    accounts: BTreeMap<String, (Listed, String)>,
}

/// What in a round contradicts itself.
#[derive(Default)]
struct Contradictions {
    accounts: BTreeSet<String>,
    units: BTreeSet<String>,
    problems: Vec<String>,
}

impl Contradictions {
    fn account(&mut self, id: &str, problem: String) {
        self.accounts.insert(id.to_owned());
        self.problems.push(problem);
    }

    fn unit(&mut self, id: &str, problem: String) {
        self.units.insert(id.to_owned());
        self.problems.push(problem);
    }

    fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
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

struct Reading<'a> {
    session: &'a Session,
    include_tags: bool,
    throttled_before: u64,
    /// Progress, for the error that says how far the reading came.
    accounts: AtomicUsize,
    units: AtomicUsize,
}

impl Reading<'_> {
    async fn read(&self) -> Result<Snapshot, DiscoveryError> {
        let (organization, mut round) = self.first_round().await?;
        let mut tags = BTreeMap::new();
        let mut number = 1;
        loop {
            let contradictions = match self.settle(round, &organization).await {
                Ok(mut consistent) => {
                    match self
                        .read_tags(&mut consistent, &mut tags, &organization)
                        .await?
                    {
                        None => return assemble(organization, consistent, tags, self.include_tags),
                        Some(contradictions) => contradictions,
                    }
                }
                Err(Unsettled::Contradictions(contradictions)) => contradictions,
                Err(Unsettled::Failed(error)) => return Err(error),
            };
            if number >= ROUNDS {
                return Err(DiscoveryError::Inconsistent {
                    rounds: number,
                    accounts: contradictions.accounts.into_iter().collect(),
                    organizational_units: contradictions.units.into_iter().collect(),
                    problems: contradictions.problems.into_iter().take(10).collect(),
                });
            }
            tracing::debug!(
                round = number,
                problems = contradictions.problems.len(),
                "the AWS organization changed while it was read"
            );
            tokio::time::sleep(PAUSE * (1 << (number - 1))).await;
            number += 1;
            round = match self.round().await {
                Ok(round) => round,
                Err((action, failure)) => {
                    return Err(self.error(action, failure, Some(&organization)).await);
                }
            };
        }
    }

    /// The first round beside DescribeOrganization, whose answer decides whether there is an organization at all.
    async fn first_round(&self) -> Result<(Organization, Round), DiscoveryError> {
        let describe = pin!(self.describe());
        let round = pin!(self.round());
        let (organization, round) = match select(describe, round).await {
            Either::Left((organization, round)) => (organization?, round.await),
            Either::Right((round, describe)) => (describe.await?, round),
        };
        match round {
            Ok(round) => Ok((organization, round)),
            Err((action, failure)) => Err(self.error(action, failure, Some(&organization)).await),
        }
    }

    async fn describe(&self) -> Result<Organization, DiscoveryError> {
        const ACTION: &str = "organizations:DescribeOrganization";
        let client = &self.session.organizations;
        let answer = self
            .session
            .pacer
            .call(ACTION, || client.describe_organization().send())
            .await;
        let organization = match answer {
            Ok(answer) => answer.organization,
            Err(failure) => return Err(self.error(ACTION, failure, None).await),
        };
        let organization = organization.ok_or_else(|| malformed(ACTION, "no organization"))?;
        let management_account_id = required(
            ACTION,
            "the organization",
            "MasterAccountId",
            organization.master_account_id,
        )?;
        Ok(Organization {
            id: required(ACTION, "the organization", "Id", organization.id)?,
            arn: required(ACTION, "the organization", "Arn", organization.arn)?,
            feature_set: organization
                .feature_set
                .map_or_else(|| "ALL".to_owned(), |set| set.as_str().to_owned()),
            management_account_id,
        })
    }

    /// Reads everything once, as parallel as it goes.
    async fn round(&self) -> Result<Round, (&'static str, CallError)> {
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
                    // Its pages come one after another: nothing may make the next one wait.
                    if next.is_some() {
                        waiting.push_front(Step::Accounts(next));
                    }
                    for account in page {
                        let (id, listed) = listed("organizations:ListAccounts", account)
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
                        let (id, listed) =
                            listed(ACTION, account).map_err(|error| (ACTION, error.into()))?;
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

    /// Checks a round against itself, and asks about the few accounts whose parent it leaves open.
    async fn settle(
        &self,
        mut round: Round,
        organization: &Organization,
    ) -> Result<Consistent, Unsettled> {
        let mut wrong = Contradictions::default();
        let Some(root_id) = round.root_id.take() else {
            return Err(Unsettled::Failed(malformed(
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
            return Err(Unsettled::Contradictions(wrong));
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
            return Err(Unsettled::Contradictions(wrong));
        }
        let mut asked: FuturesUnordered<_> = open
            .iter()
            .map(|id| async move { (id, self.parents_of(id, organization).await) })
            .collect();
        let mut settled = BTreeMap::new();
        while let Some((id, parents)) = asked.next().await {
            settled.insert(id.clone(), parents.map_err(Unsettled::Failed)?);
        }
        drop(asked);
        for (id, parents) in settled {
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
            return Err(Unsettled::Contradictions(wrong));
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

    /// An account's parents; none when the account has left.
    async fn parents_of(
        &self,
        id: &str,
        organization: &Organization,
    ) -> Result<Option<BTreeSet<String>>, DiscoveryError> {
        const ACTION: &str = "organizations:ListParents";
        let client = &self.session.organizations;
        let mut parents = BTreeSet::new();
        let mut token: Option<String> = None;
        loop {
            let answer = self
                .session
                .pacer
                .call(ACTION, || {
                    client
                        .list_parents()
                        .child_id(id)
                        .max_results(PAGE)
                        .set_next_token(token.clone())
                        .send()
                })
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(Failure::Gone) => return Ok(None),
                Err(failure) => {
                    return Err(self.error(ACTION, failure, Some(organization)).await);
                }
            };
            parents.extend(
                answer
                    .parents
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|parent| parent.id),
            );
            token = answer.next_token;
            if token.is_none() {
                return Ok(Some(parents));
            }
        }
    }

    /// Reads the tags that `tags` does not hold yet. Some: accounts left meanwhile.
    async fn read_tags(
        &self,
        consistent: &mut Consistent,
        tags: &mut BTreeMap<String, BTreeMap<String, String>>,
        organization: &Organization,
    ) -> Result<Option<Contradictions>, DiscoveryError> {
        if !self.include_tags {
            return Ok(None);
        }
        let mut waiting = consistent
            .accounts
            .keys()
            .filter(|id| !tags.contains_key(*id))
            .cloned()
            .collect::<Vec<_>>()
            .into_iter();
        let mut wrong = Contradictions::default();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < CONCURRENCY
                && let Some(id) = waiting.next()
            {
                running.push(async {
                    let read = self.tags_of(&id).await;
                    (id, read)
                });
            }
            match running.next().await {
                None => break,
                Some((id, Ok(read))) => {
                    tags.insert(id, read);
                }
                Some((id, Err(Failure::Gone))) => {
                    let problem = format!("account {id} was listed, then gone");
                    wrong.account(&id, problem);
                }
                Some((_, Err(failure))) => {
                    return Err(self.error(TAGS_ACTION, failure, Some(organization)).await);
                }
            }
        }
        Ok((!wrong.is_empty()).then_some(wrong))
    }

    async fn tags_of(&self, id: &str) -> Result<BTreeMap<String, String>, Failure> {
        let client = &self.session.organizations;
        let mut tags = BTreeMap::new();
        let mut token: Option<String> = None;
        loop {
            let answer = self
                .session
                .pacer
                .call(TAGS_ACTION, || {
                    client
                        .list_tags_for_resource()
                        .resource_id(id)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            tags.extend(
                answer
                    .tags
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value)),
            );
            token = answer.next_token;
            if token.is_none() {
                return Ok(tags);
            }
        }
    }

    /// What a failed call means to the user.
    async fn error(
        &self,
        action: &'static str,
        error: impl Into<CallError>,
        organization: Option<&Organization>,
    ) -> DiscoveryError {
        let failure = match error.into() {
            CallError::Failure(failure) => failure,
            CallError::Error(error) => return *error,
        };
        match failure {
            Failure::NotInUse => DiscoveryError::NotInOrganization {
                account_id: self.caller().await.map(|(account_id, _)| account_id),
            },
            Failure::Denied {
                message,
                request_id,
            } => {
                // IAM names the principal; AWS Organizations itself, which refuses members, does not.
                if let Some(principal) = principal(&message) {
                    return DiscoveryError::MissingPermission {
                        action: action.to_owned(),
                        principal: Some(principal.to_owned()),
                        message,
                        request_id,
                    };
                }
                let management = organization.map(|known| known.management_account_id.clone());
                match self.caller().await {
                    Some((account_id, _))
                        if management.as_ref().is_some_and(|id| *id != account_id) =>
                    {
                        DiscoveryError::NotAdministrator {
                            account_id,
                            management_account_id: management,
                            action: action.to_owned(),
                        }
                    }
                    caller => DiscoveryError::MissingPermission {
                        action: action.to_owned(),
                        principal: caller.map(|(_, arn)| arn),
                        message,
                        request_id,
                    },
                }
            }
            failure => {
                ConnectError::of(action, &self.session.organizations_endpoint, failure).into()
            }
        }
    }

    async fn caller(&self) -> Option<(String, String)> {
        self.session.caller(CALLER_TIMEOUT).await.ok()
    }

    fn timed_out(&self, after: Duration) -> DiscoveryError {
        DiscoveryError::TimedOut {
            after,
            accounts: self.accounts.load(Ordering::Relaxed),
            organizational_units: self.units.load(Ordering::Relaxed),
            throttled: self.session.pacer.throttled() - self.throttled_before,
        }
    }
}

const TAGS_ACTION: &str = "organizations:ListTagsForResource";

/// Why a round did not become a snapshot.
enum Unsettled {
    Contradictions(Contradictions),
    Failed(DiscoveryError),
}

/// Why a call gave nothing to go on with.
enum CallError {
    Failure(Failure),
    Error(Box<DiscoveryError>),
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<DiscoveryError> for CallError {
    fn from(error: DiscoveryError) -> Self {
        Self::Error(Box::new(error))
    }
}

fn assemble(
    organization: Organization,
    consistent: Consistent,
    mut tags: BTreeMap<String, BTreeMap<String, String>>,
    include_tags: bool,
) -> Result<Snapshot, DiscoveryError> {
    let organizational_units = consistent
        .units
        .into_iter()
        .filter_map(|(id, unit)| {
            let parent_id = unit.parents.into_iter().next()?;
            Some(UnitFacts {
                id,
                arn: unit.arn,
                name: unit.name,
                parent_id,
            })
        })
        .collect();
    let accounts = consistent
        .accounts
        .into_iter()
        .map(|(id, (account, parent))| AccountFacts {
            tags: include_tags.then(|| tags.remove(&id).unwrap_or_default()),
            id,
            arn: account.arn,
            name: account.name,
            email: account.email,
            state: account.state,
            parent_id: Some(parent),
            joined_at: account.joined_at,
            joined_method: account.joined_method,
        })
        .collect();
    let partition = organization.arn.split(':').nth(1).unwrap_or("aws");
    Ok(Snapshot::assemble(Facts {
        partition: partition.to_owned(),
        id: organization.id,
        arn: organization.arn,
        feature_set: organization.feature_set,
        management_account_id: organization.management_account_id,
        root_id: consistent.root_id,
        organizational_units,
        accounts,
    })?)
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

fn listed(action: &str, account: types::Account) -> Result<(String, Listed), DiscoveryError> {
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

/// The parent in `o-.../r-.../ou-.../123456789012/`; none where the text has another form, which is then as if there
/// were none.
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

fn required(
    action: &str,
    what: &str,
    key: &str,
    value: Option<String>,
) -> Result<String, DiscoveryError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| malformed(action, &format!("{what} has no {key}")))
}

fn malformed(action: &str, what: &str) -> DiscoveryError {
    DiscoveryError::Malformed {
        action: action.to_owned(),
        what: what.to_owned(),
    }
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
        let read = |account: types::builders::AccountBuilder| listed("an action", account.build());
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
    fn joined_is_told_in_whole_seconds() {
        let joined = account()
            .state(types::AccountState::Active)
            .joined_timestamp(aws_sdk_organizations::primitives::DateTime::from_millis(
                1_577_836_800_987,
            ));
        let (_, read) = listed("an action", joined.build()).unwrap();
        assert_eq!(read.joined_at.as_deref(), Some("2020-01-01T00:00:00Z"));
    }

    #[test]
    fn several_paths_are_as_good_as_none() {
        let twice = account()
            .state(types::AccountState::Active)
            .paths("o-abc/r-xyz/111122223333/")
            .paths("o-abc/r-xyz/ou-xyz-1/111122223333/");
        assert_eq!(
            listed("an action", twice.build()).unwrap().1.parent_id,
            None
        );
    }

    #[test]
    fn the_principal_is_the_one_that_iam_names() {
        assert_eq!(
            principal(
                "User: arn:aws:iam::111122223333:user/x is not authorized to perform: organizations:ListRoots"
            ),
            Some("arn:aws:iam::111122223333:user/x")
        );
        assert_eq!(
            principal("You don't have permissions to access this resource."),
            None
        );
    }
}
