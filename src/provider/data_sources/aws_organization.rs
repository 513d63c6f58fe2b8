//! `data "orgmirror_aws_organization"`: the snapshot.

use std::collections::BTreeSet;

use async_trait::async_trait;
use describe::{Describe, Known, whole};

use crate::aws::{DiscoveryError, KeyAge, Options};
use crate::model::checks;
use crate::model::snapshot::{PlannedSnapshot, Selected, Selection, SelectionError};
use crate::provider::credentials::{self, Replacement};
use crate::provider::data::Data;
use crate::provider::timeouts::{Timeouts, read_timeout};
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::{Set, Value};

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct AwsOrganization;

/// What is read, and how.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
struct Arguments {
    #[field(flatten)]
    replacement: Replacement,
    /// Read only these OUs, with everything below them. Their ancestors stay, without their accounts.
    #[field(optional, min_items(1), check_string(checks::unit_id))]
    organizational_unit_ids: Value<Set<String>>,
    /// Leave out these OUs, with everything below them. Wins over `organizational_unit_ids`.
    #[field(optional, check_string(checks::unit_id))]
    exclude_organizational_unit_ids: Value<Set<String>>,
    /// Leave out these accounts.
    #[field(optional, check_string(checks::account_id))]
    exclude_account_ids: Value<Set<String>>,
    /// Whether the management account is part of the snapshot. Default `true`.
    #[field(optional)]
    include_management_account: Value<bool>,
    /// Whether to read every account's tags. In the management account they are read in bulk, which needs `tag:GetResources`;
    /// else, and for accounts without tags, it costs one call per account. Default `false`.
    #[field(optional)]
    include_tags: Value<bool>,
    /// Time limits.
    #[field(optional)]
    timeouts: Value<Timeouts>,
}

/// Its configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    #[field(flatten)]
    arguments: Arguments,
    #[field(flatten)]
    snapshot: PlannedSnapshot,
}

#[async_trait]
impl DataSource for AwsOrganization {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "aws_organization"
    }

    fn schema(&self) -> Schema {
        Schema::of::<State>(
            "One consistent reading of an AWS organization: a snapshot. It is complete or an error, never partial. \
             Credentials are those of the provider, of the management account or of a delegated administrator for AWS \
             Organizations.",
        )
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let settings = match context.data.settings_with(&config.arguments.replacement) {
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

fn options(config: &State) -> Options {
    let defaults = Options::default();
    Options {
        include_tags: config.arguments.include_tags == Value::Known(true),
        timeout: read_timeout(&config.arguments.timeouts).unwrap_or(defaults.timeout),
        ..defaults
    }
}

fn known_ids(ids: &Value<Set<String>>) -> Option<BTreeSet<String>> {
    whole(ids).into_known()
}

fn selection(config: &State) -> Selection {
    Selection {
        organizational_unit_ids: known_ids(&config.arguments.organizational_unit_ids),
        exclude_organizational_unit_ids: known_ids(
            &config.arguments.exclude_organizational_unit_ids,
        )
        .unwrap_or_default(),
        exclude_account_ids: known_ids(&config.arguments.exclude_account_ids).unwrap_or_default(),
        include_management_account: config.arguments.include_management_account
            != Value::Known(false),
    }
}

fn fill(config: State, selected: Selected) -> State {
    State {
        snapshot: selected.snapshot.into_planned(),
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
        format!("{} {fix}", checks::sentence(error)),
    )
    .at(Path::of(argument))
}

pub(super) fn failed(error: &DiscoveryError) -> Diagnostic {
    Diagnostic::error(
        summary(error),
        format!("{} {}", checks::sentence(error), error.fix()),
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
