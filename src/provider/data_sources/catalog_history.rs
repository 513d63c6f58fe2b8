//! `data "orgmirror_catalog_history"`: who changed what in the catalog, and when.

use async_trait::async_trait;
use describe::Describe;

use crate::catalog::{Action, Change, Entry};
use crate::model::checks::sentence;
use crate::provider::catalog_ops::{open_catalog, read_document};
use crate::provider::data::Data;
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

/// How many changes are read unless said otherwise.
const DEFAULT_LIMIT: i64 = 20;

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct CatalogHistory;

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    /// How many changes to read, at least 1. Default 20.
    #[field(optional, at_least(1))]
    limit: Value<i64>,
    /// The changes, the last one first.
    changes: Value<Vec<ChangeState>>,
}

#[derive(Debug, Clone, PartialEq, Default, Describe)]
struct ChangeState {
    /// Version of the catalog that the change made. What was committed together has one version.
    version: Value<i64>,
    /// When, by the clock of the host that made it: RFC 3339, UTC. The order is that of the versions.
    at: Value<String>,
    /// ARN of the AWS caller where it is known, else user and host.
    who: Value<String>,
    /// Such as `orgmirror_workspace`.
    resource_type: Value<String>,
    /// ID of the resource.
    id: Value<String>,
    /// What the resource is called: its import ID.
    handle: Value<String>,
    /// `create`, `update` or `delete`.
    action: Value<String>,
    /// The whole record of the change, for `jsondecode`: the settings, folders and connections that differ, before and after.
    json: Value<String>,
}

#[async_trait]
impl DataSource for CatalogHistory {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "catalog_history"
    }

    fn schema(&self) -> Schema {
        Schema::of::<State>(
            "The last changes of the catalog: who, when, which resource, and what differs. Every commit leaves a record; \
             secrets and external IDs are never in it.",
        )
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = diagnostics.record(open_catalog(context.data))?;
        diagnostics.record(read_document(context.data).await)?;
        let limit = config.limit.known().copied().unwrap_or(DEFAULT_LIMIT);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // Every commit has at least one change.
        let entries = match catalog.history(limit).await {
            Ok(entries) => entries,
            Err(error) => {
                diagnostics.error("The history cannot be read", sentence(&error));
                return None;
            }
        };
        let changes = entries.iter().rev().flat_map(|entry| {
            entry
                .changes
                .iter()
                .rev()
                .map(move |change| ChangeState::of(entry, change))
        });
        Some(State {
            changes: Value::Known(changes.take(limit).collect()),
            ..config
        })
    }
}

impl ChangeState {
    fn of(entry: &Entry, change: &Change) -> Self {
        let action = match change.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        };
        Self {
            version: i64::try_from(entry.version).map_or(Value::Null, Value::Known),
            at: entry.at.clone().into(),
            who: entry.who.to_string().into(),
            resource_type: change.resource_type.clone().into(),
            id: change.id.clone().into(),
            handle: change.handle.clone().into(),
            action: action.into(),
            json: serde_json::to_string(change).map_or(Value::Null, Value::Known),
        }
    }
}
