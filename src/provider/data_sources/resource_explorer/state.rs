//! Configuration and result.

use std::collections::{BTreeMap, BTreeSet};

use describe::Field;
use serde::{Deserialize, Serialize};

use crate::model::readiness::{Index, Indexes, Readings, WantedIndexes, aggregator, readiness};
use crate::model::service_control::{Obstacle, Place, Stopped};
use crate::provider::credentials::AssumeRoleArgument;
use crate::provider::timeouts::Timeouts;
use terraform_plugin::schema::Attribute;
use terraform_plugin::types::Type;
use terraform_plugin::value::{Set, Value};

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    pub(super) integration_id: Value<String>,
    pub(super) aggregator_region: Value<String>,
    pub(super) regions: Value<Set<String>>,
    pub(super) organizational_unit_ids: Value<Set<String>>,
    pub(super) assume_role: Value<AssumeRoleArgument>,
    pub(super) profile: Value<String>,
    pub(super) region: Value<String>,
    pub(super) concurrency: Value<i64>,
    pub(super) timeouts: Value<Timeouts>,
    ready: Value<bool>,
    problems: Value<Vec<Value<String>>>,
    trusted_access: Value<bool>,
    accounts: Value<BTreeMap<String, AccountState>>,
    service_control_policies: Value<Vec<ObstacleState>>,
    skipped_account_ids: Value<Set<String>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct AccountState {
    handle: Value<String>,
    ready: Value<bool>,
    problems: Value<Vec<Value<String>>>,
    aggregator_region: Value<String>,
    indexes: Value<BTreeMap<String, IndexState>>,
    error: Value<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct IndexState {
    r#type: Value<String>,
    state: Value<String>,
    default_view_arn: Value<String>,
    error: Value<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct ObstacleState {
    policy_id: Value<String>,
    policy_name: Value<String>,
    statement: Value<String>,
    target_id: Value<String>,
    verdict: Value<String>,
    actions: Value<Set<String>>,
    regions: Value<Set<String>>,
    account_ids: Value<Set<String>>,
    message: Value<String>,
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

/// The computed attributes.
pub(super) fn results() -> Vec<Attribute> {
    let string =
        |name: &str, description: &str| Attribute::string(name).computed().description(description);
    let strings = |name: &str, description: &str| {
        Attribute::set(name, Type::String)
            .computed()
            .description(description)
    };
    let problems = |description: &str| {
        Attribute::list("problems", Type::String)
            .computed()
            .description(description)
    };
    let index = vec![
        string("type", "`LOCAL` or `AGGREGATOR`."),
        string(
            "state",
            "`CREATING`, `ACTIVE`, `UPDATING`, `DELETING` or `DELETED`.",
        ),
        string(
            "default_view_arn",
            "ARN of the Region's default view; null: it has none, or the Region is not a wanted one.",
        ),
        string(
            "error",
            "Why the Region could not be read; then the rest is null.",
        ),
    ];
    let account = vec![
        string("handle", "Effective handle of the account's connection."),
        Attribute::bool("ready")
            .computed()
            .description("Whether it has no problem."),
        problems("What is not as it should be, in words."),
        string("aggregator_region", "Region of the aggregator index; null: there is none."),
        Attribute::nested_map("indexes", index)
            .computed()
            .description(
                "The indexes by Region, wanted or not; Regions without one are absent. Null where the account could not be \
                 read.",
            ),
        string("error", "Why the account could not be read, and what to do about it."),
    ];
    let obstacle = vec![
        string(
            "policy_id",
            "ID of the policy; null where it is that no policy allows.",
        ),
        string("policy_name", "Name of the policy."),
        string("statement", "Its `Sid`, else its number in the policy."),
        string(
            "target_id",
            "Root, OU or account that the policy is attached to, or where none allows.",
        ),
        string(
            "verdict",
            "`denies`, `does_not_allow`, `may_deny`, `may_not_allow` (conditions or resources decide, which only AWS can \
             judge) or `restricts_region` (it denies other actions by `aws:RequestedRegion`, which is no problem here).",
        ),
        strings(
            "actions",
            "`cloudformation:CreateStack`, `resource-explorer-2:CreateIndex` or both; empty with `restricts_region`.",
        ),
        strings("regions", "The wanted Regions that it is about."),
        strings("account_ids", "The accounts that it is about."),
        string("message", "All of that in words."),
    ];
    vec![
        Attribute::bool("ready")
            .computed()
            .description("Whether there is no problem."),
        problems("What is not as it should be, in words, each with the accounts that have it."),
        Attribute::bool("trusted_access").computed().description(
            "Whether Resource Explorer has trusted access to the AWS organization; null for accounts written by hand.",
        ),
        Attribute::nested_map("accounts", account)
            .computed()
            .description("The accounts that were asked, by ID."),
        Attribute::nested_list("service_control_policies", obstacle)
            .computed()
            .description(
                "What service control policies deny or restrict of setting up Resource Explorer in the wanted Regions. They \
                 do not apply to the management account.",
            ),
        strings(
            "skipped_account_ids",
            "Accounts that were not asked: the state of a connection's account is not `ACTIVE`, an override disables the \
             connection, or an `ACTIVE` account has none in the integration.",
        ),
    ]
}

impl State {
    pub(super) fn fill(self, found: Found) -> Self {
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
                AccountState::of(handle, reading, problems),
            )
        });
        Self {
            accounts: Value::Known(accounts.collect()),
            ready: judged.problems.is_empty().into(),
            problems: words(judged.problems),
            trusted_access: readings.trusted_access.into(),
            service_control_policies: Value::Known(
                readings.obstacles.iter().map(ObstacleState::from).collect(),
            ),
            skipped_account_ids: skipped.into_value(),
            ..self
        }
    }
}

fn words(problems: Vec<String>) -> Value<Vec<Value<String>>> {
    Value::Known(problems.into_iter().map(Value::Known).collect())
}

impl AccountState {
    fn of(
        handle: Option<String>,
        reading: &Result<Indexes, String>,
        problems: Vec<String>,
    ) -> Self {
        let indexes = reading.as_ref().ok();
        Self {
            handle: handle.into(),
            ready: problems.is_empty().into(),
            problems: words(problems),
            aggregator_region: indexes
                .and_then(aggregator)
                .map(|(region, _)| region.to_owned())
                .into(),
            indexes: indexes
                .map(|indexes| {
                    indexes
                        .iter()
                        .map(|(region, index)| (region.clone(), index.into()))
                        .collect()
                })
                .into(),
            error: reading.as_ref().err().cloned().into(),
        }
    }
}

impl From<&Result<Index, String>> for IndexState {
    fn from(index: &Result<Index, String>) -> Self {
        match index {
            Ok(index) => Self {
                r#type: index.kind.clone().into(),
                state: index.state.clone().into(),
                default_view_arn: index.default_view_arn.clone().into(),
                error: Value::Null,
            },
            Err(error) => Self {
                error: error.clone().into(),
                ..Self::default()
            },
        }
    }
}

impl From<(&Place, &Stopped)> for ObstacleState {
    fn from((place, stopped): (&Place, &Stopped)) -> Self {
        let name = place.statement.as_ref();
        let actions = stopped.actions.iter().map(|action| (*action).to_owned());
        Self {
            policy_id: name.map(|name| name.policy_id.clone()).into(),
            policy_name: name.map(|name| name.policy_name.clone()).into(),
            statement: name.map(|name| name.statement.clone()).into(),
            target_id: place.target_id.clone().into(),
            verdict: place.verdict.name().into(),
            actions: actions.collect::<BTreeSet<String>>().into_value(),
            regions: stopped.regions.clone().into_value(),
            account_ids: stopped.account_ids.clone().into_value(),
            message: Obstacle(place, stopped).to_string().into(),
        }
    }
}
