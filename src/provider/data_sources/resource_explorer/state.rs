//! Configuration and result.

use std::collections::{BTreeMap, BTreeSet};

use describe::Describe;

use crate::model::checks;
use crate::model::readiness::{Index, Indexes, Readings, WantedIndexes, aggregator, readiness};
use crate::model::service_control::{Obstacle, Place, Stopped};
use crate::provider::concurrency::Concurrency;
use crate::provider::credentials::Replacement;
use crate::provider::timeouts::Timeouts;
use terraform_plugin::value::{Set, Value};

/// What is asked, and how.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(super) struct Arguments {
    /// The integration whose connections are asked. By reference, it also lets the data source wait for pending changes of the
    /// integration.
    #[field(required, check_string(checks::not_empty))]
    pub(super) integration_id: Value<String>,
    /// Region that is to have the aggregator index.
    #[field(required, check_string(checks::region))]
    pub(super) aggregator_region: Value<String>,
    /// Regions that are to have an index; `aggregator_region` is always one of them. An index in any other Region is a problem.
    #[field(required, min_items(1), check_string(checks::region))]
    pub(super) regions: Value<Set<String>>,
    /// Only accounts of these OUs, and of all below them. Default: all of the integration.
    #[field(optional, min_items(1), check_string(checks::unit_id))]
    pub(super) organizational_unit_ids: Value<Set<String>>,
    #[field(
        flatten,
        reworded("this reading", "this reading of the AWS organization")
    )]
    pub(super) replacement: Replacement,
    #[field(flatten)]
    pub(super) concurrency: Concurrency,
    /// Time limits.
    #[field(optional, reworded("the reading", "all of it"))]
    pub(super) timeouts: Value<Timeouts>,
}

/// What there is to know of the accounts.
#[derive(Describe)]
#[describe(planned = PlannedResults)]
pub(super) struct Results {
    /// Whether there is no problem.
    ready: bool,
    /// What is not as it should be, in words, each with the accounts that have it.
    problems: Vec<String>,
    /// Whether Resource Explorer has trusted access to the AWS organization; null for accounts written by hand.
    trusted_access: Option<bool>,
    /// The accounts that were asked, by ID.
    accounts: BTreeMap<String, AccountEntry>,
    /// What service control policies deny or restrict of setting up Resource Explorer in the wanted Regions. They do not apply
    /// to the management account.
    service_control_policies: Vec<ObstacleEntry>,
    /// Accounts that were not asked: the state of a connection's account is not `ACTIVE`, an override disables the connection,
    /// or an `ACTIVE` account has none in the integration.
    skipped_account_ids: BTreeSet<String>,
}

#[derive(Describe)]
#[describe(planned = PlannedAccountEntry)]
struct AccountEntry {
    /// Effective handle of the account's connection.
    handle: Option<String>,
    /// Whether it has no problem.
    ready: bool,
    /// What is not as it should be, in words.
    problems: Vec<String>,
    /// Region of the aggregator index; null: there is none.
    aggregator_region: Option<String>,
    /// The indexes by Region, wanted or not; Regions without one are absent. Null where the account could not be read.
    indexes: Option<BTreeMap<String, IndexEntry>>,
    /// Why the account could not be read, and what to do about it.
    error: Option<String>,
}

#[derive(Default, Describe)]
#[describe(planned = PlannedIndexEntry)]
struct IndexEntry {
    /// `LOCAL` or `AGGREGATOR`.
    r#type: Option<String>,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING` or `DELETED`.
    state: Option<String>,
    /// ARN of the Region's default view; null: it has none, or the Region is not a wanted one.
    default_view_arn: Option<String>,
    /// Why the Region could not be read; then the rest is null.
    error: Option<String>,
}

#[derive(Describe)]
#[describe(planned = PlannedObstacleEntry)]
struct ObstacleEntry {
    /// ID of the policy; null where it is that no policy allows.
    policy_id: Option<String>,
    /// Name of the policy.
    policy_name: Option<String>,
    /// Its `Sid`, else its number in the policy.
    statement: Option<String>,
    /// Root, OU or account that the policy is attached to, or where none allows.
    target_id: String,
    /// `denies`, `does_not_allow`, `may_deny`, `may_not_allow` (conditions or resources decide, which only AWS can judge) or
    /// `restricts_region` (it denies other actions by `aws:RequestedRegion`, which is no problem here).
    verdict: String,
    /// `cloudformation:CreateStack`, `resource-explorer-2:CreateIndex` or both; empty with `restricts_region`.
    actions: BTreeSet<String>,
    /// The wanted Regions that it is about.
    regions: BTreeSet<String>,
    /// The accounts that it is about.
    account_ids: BTreeSet<String>,
    /// All of that in words.
    message: String,
}

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    #[field(flatten)]
    pub(super) arguments: Arguments,
    #[field(flatten)]
    pub(super) results: PlannedResults,
}

/// The findings.
pub(super) struct Found {
    /// Effective handles of the connections that were asked, by account ID.
    pub(super) handles: BTreeMap<String, String>,
    /// Accounts that are asked for and cannot be asked.
    pub(super) skipped: BTreeSet<String>,
    pub(super) wanted: WantedIndexes,
    pub(super) readings: Readings,
}

impl From<Found> for Results {
    fn from(found: Found) -> Self {
        let Found {
            mut handles,
            skipped,
            wanted,
            readings,
        } = found;
        let mut judged = readiness(&readings, &wanted);
        let accounts = readings.accounts.iter().map(|(account_id, reading)| {
            let handle = handles.remove(account_id);
            let problems = judged.accounts.remove(account_id).unwrap_or_default();
            (
                account_id.clone(),
                AccountEntry::of(handle, reading, problems),
            )
        });
        Self {
            accounts: accounts.collect(),
            ready: judged.problems.is_empty(),
            problems: judged.problems,
            trusted_access: readings.trusted_access,
            service_control_policies: readings.obstacles.iter().map(ObstacleEntry::from).collect(),
            skipped_account_ids: skipped,
        }
    }
}

impl AccountEntry {
    fn of(
        handle: Option<String>,
        reading: &Result<Indexes, String>,
        problems: Vec<String>,
    ) -> Self {
        let indexes = reading.as_ref().ok();
        let entries = |indexes: &Indexes| {
            let entries = indexes.iter();
            entries
                .map(|(region, index)| (region.clone(), index.into()))
                .collect()
        };
        Self {
            handle,
            ready: problems.is_empty(),
            problems,
            aggregator_region: indexes
                .and_then(aggregator)
                .map(|(region, _)| region.to_owned()),
            indexes: indexes.map(entries),
            error: reading.as_ref().err().cloned(),
        }
    }
}

impl From<&Result<Index, String>> for IndexEntry {
    fn from(index: &Result<Index, String>) -> Self {
        match index {
            Ok(index) => Self {
                r#type: Some(index.kind.clone()),
                state: Some(index.state.clone()),
                default_view_arn: index.default_view_arn.clone(),
                error: None,
            },
            Err(error) => Self {
                error: Some(error.clone()),
                ..Self::default()
            },
        }
    }
}

impl From<(&Place, &Stopped)> for ObstacleEntry {
    fn from((place, stopped): (&Place, &Stopped)) -> Self {
        let name = place.statement.as_ref();
        let actions = stopped.actions.iter().map(|action| (*action).to_owned());
        Self {
            policy_id: name.map(|name| name.policy_id.clone()),
            policy_name: name.map(|name| name.policy_name.clone()),
            statement: name.map(|name| name.statement.clone()),
            target_id: place.target_id.clone(),
            verdict: place.verdict.name().to_owned(),
            actions: actions.collect(),
            regions: stopped.regions.clone(),
            account_ids: stopped.account_ids.clone(),
            message: Obstacle(place, stopped).to_string(),
        }
    }
}
