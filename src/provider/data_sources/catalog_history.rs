//! `data "orgmirror_catalog_history"`: who changed what in the catalog, and when.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::catalog::{Action, Change, Entry};
use crate::provider::arguments::sentence;
use crate::provider::catalog_ops::{open_catalog, read_document};
use crate::provider::data::Data;
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::value::Value;

/// How many changes are read unless said otherwise.
const DEFAULT_LIMIT: i64 = 20;

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct CatalogHistory;

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    limit: Value<i64>,
    changes: Value<Vec<ChangeState>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct ChangeState {
    version: Value<i64>,
    at: Value<String>,
    who: Value<String>,
    resource_type: Value<String>,
    id: Value<String>,
    handle: Value<String>,
    action: Value<String>,
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
        let text = |name: &str, description: &str| {
            Attribute::string(name).computed().description(description)
        };
        Schema::new(
            "The last changes of the catalog: who, when, which resource, and what differs. Every commit leaves a record; \
             secrets and external IDs are never in it.",
            vec![
                Attribute::number("limit")
                    .optional()
                    .at_least(1)
                    .description("How many changes to read, at least 1. Default 20."),
                Attribute::nested_list(
                    "changes",
                    vec![
                        Attribute::number("version").computed().description(
                            "Version of the catalog that the change made. What was committed together has one version.",
                        ),
                        text(
                            "at",
                            "When, by the clock of the host that made it: RFC 3339, UTC. The order is that of the versions.",
                        ),
                        text(
                            "who",
                            "ARN of the AWS caller where it is known, else user and host.",
                        ),
                        text("resource_type", "Such as `orgmirror_workspace`."),
                        text("id", "ID of the resource."),
                        text("handle", "What the resource is called: its import ID."),
                        text("action", "`create`, `update` or `delete`."),
                        text(
                            "json",
                            "The whole record of the change, for `jsondecode`: the settings, folders and connections that \
                             differ, before and after.",
                        ),
                    ],
                )
                .computed()
                .description("The changes, the last one first."),
            ],
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
