//! One consistent reading of an AWS organization.
//!
//! `ListAccounts`, whose pages come one after another, runs beside a walk of the OUs in parallel. Where the service returns an
//! account's `Paths`, they give its parent; where not, every parent's accounts are listed too. What was read is then
//! cross-checked: every account must have one parent, which the walk must have met. For accounts that do not, the reading
//! asks for the parents one by one (`ListParents`). If contradictions remain, the organization changed meanwhile, and the
//! next round reads it again. Tags are read in bulk if possible, else account by account.

mod cross_check;
mod error;
mod round;
mod tags;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio_util::sync::CancellationToken;

use super::session::Session;
use crate::model::partition;
use crate::model::snapshot::{Account, OrganizationalUnit, Snapshot, SnapshotParts};
use cross_check::{Consistent, CrossCheckError};
use error::{malformed, required};
use round::Round;
use tags::TagsBy;

pub use error::DiscoveryError;

/// The API's limit: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>.
const PAGE: i32 = 20;
/// Calls under way at once. The service allows a burst of about this many before it throttles; the pacer does the rest.
const CONCURRENCY: usize = 16;
/// How often the organization is read before it counts as never at rest.
const ROUNDS: usize = 4;
/// Between rounds: AWS Organizations takes a moment until every list shows a change.
const PAUSE: Duration = Duration::from_millis(250);

/// What to read, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Options {
    /// Whether to read every account's tags.
    pub include_tags: bool,
    /// Whether a [`Reader`](super::Reader) finds out how old the access key in use is.
    pub key_age: bool,
    /// The whole reading, credentials included, takes at most this long.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            include_tags: false,
            key_age: false,
            timeout: Duration::from_secs(30 * 60),
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
        let in_bulk = async { Ok(self.tags_in_bulk().await) };
        let ((organization, mut round), in_bulk) = tokio::try_join!(self.first_round(), in_bulk)?;
        let mut tags = BTreeMap::new();
        let mut number = 1;
        loop {
            let contradictions = match self.cross_check(round, &organization).await {
                Ok(consistent) => {
                    let left = self.read_tags(&consistent, &in_bulk, &mut tags, &organization);
                    match left.await? {
                        None => return assemble(organization, consistent, tags),
                        Some(contradictions) => contradictions,
                    }
                }
                Err(CrossCheckError::Contradictions(contradictions)) => contradictions,
                Err(CrossCheckError::Failed(error)) => return Err(error),
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
            round = match self.read_round().await {
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
        let round = pin!(self.read_round());
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

    fn timed_out(&self, after: Duration) -> DiscoveryError {
        DiscoveryError::TimedOut {
            after,
            accounts: self.accounts.load(Ordering::Relaxed),
            organizational_units: self.units.load(Ordering::Relaxed),
            throttled: self.session.pacer.throttled() - self.throttled_before,
        }
    }
}

fn assemble(
    organization: Organization,
    consistent: Consistent,
    mut tags: TagsBy,
) -> Result<Snapshot, DiscoveryError> {
    let organizational_units = consistent
        .units
        .into_iter()
        .filter_map(|(id, unit)| {
            let parent_id = unit.parents.into_iter().next()?;
            let unit = OrganizationalUnit {
                arn: unit.arn,
                name: unit.name,
                parent_id,
                path: String::new(),
            };
            Some((id, unit))
        })
        .collect();
    let accounts = consistent
        .accounts
        .into_iter()
        .map(|(id, (account, parent_id))| {
            let account = Account {
                arn: account.arn,
                name: account.name,
                email: account.email,
                state: account.state,
                parent_id,
                path: String::new(),
                joined_at: account.joined_at,
                joined_method: account.joined_method,
                tags: tags.remove(&id),
            };
            (id, account)
        })
        .collect();
    let partition = partition::of_arn(&organization.arn).unwrap_or(partition::AWS);
    let organization = Snapshot {
        partition: partition.to_owned(),
        id: organization.id,
        arn: organization.arn,
        feature_set: organization.feature_set,
        management_account_id: organization.management_account_id,
        root_id: consistent.root_id,
        ..Snapshot::default()
    };
    Ok(Snapshot::assemble(SnapshotParts {
        organization,
        organizational_units,
        accounts,
    })?)
}
