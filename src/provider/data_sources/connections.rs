//! `data "orgmirror_connections"`: effective connections, and why they are visible.

mod state;

use async_trait::async_trait;

use crate::provider::catalog_ops::{open_catalog, read_document};
use crate::provider::data::Data;
use crate::provider::selection::{Selection, selection};
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::types::Type;
use terraform_plugin::value::Value;

use state::{ConnectionState, State};

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct Connections;

#[async_trait]
impl DataSource for Connections {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "connections"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        mut config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(read_document(context.data).await)?;
        let selection = Selection {
            workspace: &config.workspace,
            integration_id: &config.integration_id,
            folder_path: &config.folder_path,
        };
        let selected = diagnostics.record(selection.of(&document, catalog))?;
        let states = selected.connections.iter().map(|connection| {
            let state = ConnectionState::of(connection, selected.is_published(connection));
            (connection.handle.to_owned(), state)
        });
        config.connections = Value::Known(states.collect());
        Some(config)
    }
}

fn schema() -> Schema {
    let [workspace, integration_id, folder_path] = selection(
        "Only what is visible to this workspace, `organization/workspace`, whether it attaches it or not, and whether the \
         connection is `ACTIVE` and enabled or not: `published` says that. A workspace that is not declared sees what it \
         would see if it were: grants hold for workspaces declared later.",
    );
    Schema::new(
        "Effective connections of the catalog: with overrides and inheritance worked out, under the handles they are \
         published under, each with the permissions that make it visible. Without arguments: all of the tenant.",
        vec![
            workspace,
            integration_id,
            folder_path,
            Attribute::nested_map("connections", connection_attributes())
                .computed()
                .description("The connections by effective handle."),
        ],
    )
}

fn connection_attributes() -> Vec<Attribute> {
    let string =
        |name: &str, description: &str| Attribute::string(name).computed().description(description);
    let strings = |name: &str, description: &str| {
        Attribute::set(name, Type::String)
            .computed()
            .description(description)
    };
    vec![
        string("account_id", "ID of the account."),
        string("integration_id", "ID of its integration."),
        string("name", "Name of the account."),
        string("email", "E-mail address of the account's root user."),
        string("state", "State of the account; only `ACTIVE` ones are published."),
        Attribute::map("tags", Type::String)
            .computed()
            .description("The account's tags; null where they were not read."),
        string("handle", "Effective handle: what it is published under."),
        string("folder_id", "ID of the folder that holds the account."),
        string("path", "Path of that folder."),
        string("role_arn", "ARN of the role that tools assume."),
        string("external_id", "External ID that tools pass; null: none."),
        strings("regions", "Regions that tools look at; `*` is all, and there may be globs."),
        string("default_region", "Region where a tool wants one."),
        Attribute::number("max_error_retry_attempts")
            .computed()
            .description("Total attempts of a call that fails in passing."),
        Attribute::number("min_error_retry_delay")
            .computed()
            .description("Least delay between attempts, in milliseconds."),
        strings(
            "ignore_error_codes",
            "Error codes of AWS that tools ignore, in addition to their own not-found codes.",
        ),
        Attribute::bool("enabled")
            .computed()
            .description("False where an override keeps it out of every publication."),
        Attribute::bool("published").computed().description(
            "Whether it is in what is published for `workspace`: the workspace is declared and attaches it, and the \
             connection is `ACTIVE` and enabled. Null without `workspace`.",
        ),
        Attribute::nested_set(
            "owners",
            vec![
                string("attribute", "Attribute of your directory."),
                strings("values", "Values of that attribute."),
            ],
        )
        .computed()
        .description(
            "Who owns it: from the account's tags, else the integration's `owners`; null where it has none.",
        ),
        string(
            "sign_in_url",
            "Opens the account in the AWS access portal; null without `sso`.",
        ),
        string(
            "custom_access_details",
            "What the integration says about access, in its own words; null: nothing.",
        ),
        Attribute::nested_list("granted_by", grant_attributes())
            .computed()
            .description(
                "The grants that make it visible, from the root folder down: with `workspace` those that cover the \
                 workspace, else all.",
            ),
    ]
}

fn grant_attributes() -> Vec<Attribute> {
    let string =
        |name: &str, description: &str| Attribute::string(name).computed().description(description);
    vec![
        string(
            "resource_type",
            "Type of the resource that grants: `orgmirror_integration` (its `permissions`), \
             `orgmirror_folder_permission` or `orgmirror_connection_permission`.",
        ),
        string(
            "permission_id",
            "ID of the permission; null for `permissions` of the integration.",
        ),
        string("grantee", "To whom: `*`, an organization, or a workspace."),
        string(
            "folder_id",
            "ID of the granted folder; null for a grant of the connection itself.",
        ),
        string("folder_path", "Path of the granted folder."),
        string(
            "account_id",
            "ID of the account, where the connection itself is granted.",
        ),
        Attribute::map("match_tags", Type::String)
            .computed()
            .description("Tags that the grant asks for; null: none."),
    ]
}
