//! `data "orgmirror_aws_organization"`: the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::aws::{DiscoveryError, KeyAge, Options};
use crate::model::snapshot::{Account, OrganizationalUnit, Selected, Selection, SelectionError};
use crate::provider::credentials::{self, AssumeRoleArgument, Replacement, replacements};
use crate::provider::data::Data;
use crate::provider::timeouts::{Timeouts, read_timeout, timeouts};
use crate::provider::{arguments, late};
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::types::Type;
use terraform_plugin::value::{Set, Value};

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct AwsOrganization;

/// Its configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    assume_role: Value<AssumeRoleArgument>,
    profile: Value<String>,
    region: Value<String>,
    organizational_unit_ids: Value<Set<String>>,
    exclude_organizational_unit_ids: Value<Set<String>>,
    exclude_account_ids: Value<Set<String>>,
    include_management_account: Value<bool>,
    include_tags: Value<bool>,
    timeouts: Value<Timeouts>,
    id: Value<String>,
    arn: Value<String>,
    feature_set: Value<String>,
    management_account_id: Value<String>,
    partition: Value<String>,
    root_id: Value<String>,
    organizational_units: Value<BTreeMap<String, UnitState>>,
    accounts: Value<BTreeMap<String, AccountState>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct UnitState {
    arn: Value<String>,
    name: Value<String>,
    parent_id: Value<String>,
    path: Value<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct AccountState {
    arn: Value<String>,
    name: Value<String>,
    email: Value<String>,
    state: Value<String>,
    parent_id: Value<String>,
    path: Value<String>,
    joined_at: Value<String>,
    joined_method: Value<String>,
    tags: Value<BTreeMap<String, Value<String>>>,
}

impl From<OrganizationalUnit> for UnitState {
    fn from(unit: OrganizationalUnit) -> Self {
        Self {
            arn: unit.arn.into(),
            name: unit.name.into(),
            parent_id: unit.parent_id.into(),
            path: unit.path.into(),
        }
    }
}

impl From<Account> for AccountState {
    fn from(account: Account) -> Self {
        Self {
            arn: account.arn.into(),
            name: account.name.into(),
            email: account.email.into(),
            state: account.state.into(),
            parent_id: account.parent_id.into(),
            path: account.path.into(),
            joined_at: account.joined_at.into(),
            joined_method: account.joined_method.into(),
            tags: account.tags.map_or(Value::Null, late::map_value),
        }
    }
}

#[async_trait]
impl DataSource for AwsOrganization {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "aws_organization"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "One consistent reading of an AWS organization: a snapshot. It is complete or an error, never partial. \
             Credentials are those of the provider, of the management account or of a delegated administrator for AWS \
             Organizations.",
            attributes(),
        )
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let replacement = Replacement {
            assume_role: &config.assume_role,
            profile: &config.profile,
            region: &config.region,
        };
        let settings = match replacement.settings(context.data) {
            Ok(settings) => settings,
            Err(unknown) => {
                diagnostics.push(unknown.diagnostic("Reading the AWS organization"));
                return None;
            }
        };
        let rotation_days = context.data.credential_rotation_days();
        let options = Options {
            key_age: rotation_days.is_some(),
            ..options(&config)
        };
        let reading = context
            .data
            .reader()
            .read(&settings, &options, context.cancelled)
            .await;
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => {
                diagnostics.push(failed(&error));
                return None;
            }
        };
        if let (Some(key), Some(days)) = (&reading.key_age, rotation_days) {
            warn_of_old_key(key, days, diagnostics);
        }
        match reading.snapshot.select(&selection(&config)) {
            Ok(selected) => {
                warn_of_absent(&selected, diagnostics);
                Some(fill(config, selected))
            }
            Err(error) => {
                diagnostics.push(not_selected(&error));
                None
            }
        }
    }
}

fn attributes() -> Vec<Attribute> {
    let [assume_role, profile, region] = replacements(
        "reading",
        "Region whose partition is meant, for this reading.",
    );
    let ids = |name: &str| Attribute::set(name, Type::String).optional();
    vec![
        assume_role,
        profile,
        region,
        ids("organizational_unit_ids")
            .min_items(1)
            .check_string(arguments::unit_id)
            .description(
                "Read only these OUs, with everything below them. Their ancestors stay, without their accounts.",
            ),
        ids("exclude_organizational_unit_ids")
            .check_string(arguments::unit_id)
            .description(
                "Leave out these OUs, with everything below them. Wins over `organizational_unit_ids`.",
            ),
        ids("exclude_account_ids")
            .check_string(arguments::account_id)
            .description("Leave out these accounts."),
        Attribute::bool("include_management_account")
            .optional()
            .description("Whether the management account is part of the snapshot. Default `true`."),
        Attribute::bool("include_tags")
            .optional()
            .description(
                "Whether to read every account's tags. In the management account they are read in bulk, which needs \
                 `tag:GetResources`; else, and for accounts without tags, it costs one call per account. Default `false`.",
            ),
        timeouts("How long the reading may take. Default `30m`."),
        Attribute::string("id").computed().description("ID of the AWS organization, such as `o-a1b2c3d4e5`."),
        Attribute::string("arn").computed().description("ARN of the AWS organization."),
        Attribute::string("feature_set").computed().description("`ALL` or `CONSOLIDATED_BILLING`."),
        Attribute::string("management_account_id").computed().description("ID of the management account."),
        Attribute::string("partition").computed().description("`aws`, `aws-us-gov` or `aws-cn`."),
        Attribute::string("root_id").computed().description("ID of the root, such as `r-ab12`."),
        Attribute::nested_map(
            "organizational_units",
            vec![
                Attribute::string("arn").computed().description("ARN of the OU."),
                Attribute::string("name").computed().description("Name of the OU."),
                Attribute::string("parent_id").computed().description("ID of the root or of the OU above."),
                Attribute::string("path").computed().description(
                    "Names from the root on, such as `/Workloads/Prod`; `/` and `%` inside a name are written `%2F` and \
                     `%25`.",
                ),
            ],
        )
        .computed()
        .description("The OUs by ID; the root is not among them."),
        Attribute::nested_map(
            "accounts",
            vec![
                Attribute::string("arn").computed().description("ARN of the account."),
                Attribute::string("name").computed().description("Name of the account."),
                Attribute::string("email").computed().description("E-mail address of the account's root user."),
                Attribute::string("state").computed().description(
                    "`PENDING_ACTIVATION`, `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or `CLOSED`.",
                ),
                Attribute::string("parent_id").computed().description("ID of the root or OU that holds the account."),
                Attribute::string("path").computed().description("Path of the root or OU that holds the account."),
                Attribute::string("joined_at").computed().description(
                    "When the account joined the AWS organization: RFC 3339, UTC.",
                ),
                Attribute::string("joined_method").computed().description("`INVITED` or `CREATED`."),
                Attribute::map("tags", Type::String).computed().description(
                    "The account's tags; null unless `include_tags`.",
                ),
            ],
        )
        .computed()
        .description("The accounts by ID, in every state."),
    ]
}

fn options(config: &State) -> Options {
    let defaults = Options::default();
    Options {
        include_tags: config.include_tags == Value::Known(true),
        timeout: read_timeout(&config.timeouts).unwrap_or(defaults.timeout),
        ..defaults
    }
}

fn known_ids(ids: &Value<Set<String>>) -> Option<BTreeSet<String>> {
    late::set(ids).known().cloned().flatten()
}

fn selection(config: &State) -> Selection {
    Selection {
        organizational_unit_ids: known_ids(&config.organizational_unit_ids),
        exclude_organizational_unit_ids: known_ids(&config.exclude_organizational_unit_ids)
            .unwrap_or_default(),
        exclude_account_ids: known_ids(&config.exclude_account_ids).unwrap_or_default(),
        include_management_account: config.include_management_account != Value::Known(false),
    }
}

fn fill(config: State, selected: Selected) -> State {
    let snapshot = selected.snapshot;
    let units = snapshot.organizational_units.into_iter();
    let accounts = snapshot.accounts.into_iter();
    State {
        id: snapshot.id.into(),
        arn: snapshot.arn.into(),
        feature_set: snapshot.feature_set.into(),
        management_account_id: snapshot.management_account_id.into(),
        partition: snapshot.partition.into(),
        root_id: snapshot.root_id.into(),
        organizational_units: Value::Known(units.map(|(id, unit)| (id, unit.into())).collect()),
        accounts: Value::Known(accounts.map(|(id, account)| (id, account.into())).collect()),
        ..config
    }
}

fn warn_of_old_key(key: &KeyAge, rotation_days: u64, diagnostics: &mut Diagnostics) {
    if key.days <= rotation_days {
        return;
    }
    diagnostics.warning(
        "The access key in use is old",
        format!(
            "The AWS access key that ends in {} is {} days old, and credential_rotation_days of the provider is \
             {rotation_days}. Make a second key for its user, use that one instead, and delete the old one when nothing \
             uses it any more. Better than any key is what needs no rotation: single sign-on, or the role of a pipeline.",
            key.last_four, key.days
        ),
    );
}

fn warn_of_absent(selected: &Selected, diagnostics: &mut Diagnostics) {
    for (argument, what, ids) in [
        (
            "exclude_organizational_unit_ids",
            "OUs",
            &selected.absent_unit_ids,
        ),
        (
            "exclude_account_ids",
            "accounts",
            &selected.absent_account_ids,
        ),
    ] {
        if !ids.is_empty() {
            diagnostics.warning_at(
                Path::of(argument),
                format!("Excluded {what} are not in the AWS organization"),
                format!(
                    "{argument} holds {}, which the AWS organization {} does not have. Excluding them does nothing: \
                     check for a typing error, or remove them.",
                    ids.join(", "),
                    selected.snapshot.id
                ),
            );
        }
    }
}

pub(super) fn not_selected(error: &SelectionError) -> Diagnostic {
    let (argument, fix) = match error {
        SelectionError::UnknownUnits { .. } => (
            "organizational_unit_ids",
            "Use IDs of OUs of this AWS organization, or leave organizational_unit_ids out for all of them.",
        ),
        SelectionError::NothingIncluded => (
            "organizational_unit_ids",
            "Leave organizational_unit_ids out for all OUs, or name some.",
        ),
        SelectionError::RootExcluded { .. } => {
            ("exclude_organizational_unit_ids", "Exclude OUs instead.")
        }
    };
    Diagnostic::error(
        "Invalid selection of OUs",
        format!("{} {fix}", arguments::sentence(error)),
    )
    .at(Path::of(argument))
}

pub(super) fn failed(error: &DiscoveryError) -> Diagnostic {
    Diagnostic::error(
        summary(error),
        format!("{} {}", arguments::sentence(error), error.fix()),
    )
}

/// One line per cause that a user can act on.
fn summary(error: &DiscoveryError) -> &'static str {
    match error {
        DiscoveryError::Connect(error) => credentials::summary(error),
        DiscoveryError::MissingPermission { .. } => {
            "Missing permission to read the AWS organization"
        }
        DiscoveryError::NotInOrganization { .. } => "The account is not in an AWS organization",
        DiscoveryError::NotAdministrator { .. } => "The account may not read the AWS organization",
        DiscoveryError::TimedOut { .. } => "Reading the AWS organization timed out",
        DiscoveryError::Inconsistent { .. } => {
            "The AWS organization kept changing while it was read"
        }
        DiscoveryError::Malformed { .. } | DiscoveryError::Snapshot(_) => {
            "The AWS organization was not read completely"
        }
        DiscoveryError::Cancelled => "Reading the AWS organization was cancelled",
    }
}
