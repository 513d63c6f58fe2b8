//! `data "orgmirror_connections"`: effective connections, and why they are visible.

mod state;

use async_trait::async_trait;

use crate::catalog::{Catalog, Document};
use crate::framework::data_source::DataSource;
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::resource::Context;
use crate::framework::schema::{Attribute, Schema, Violation};
use crate::framework::types::Type;
use crate::framework::value::Value;
use crate::model::folder_ref::FolderRef;
use crate::model::grantee::Grantee;
use crate::model::integration::Integration;
use crate::model::near::near;
use crate::model::visibility::{EffectiveConnection, Resolved, is_attached};
use crate::model::workspace::{Publish, Workspace};
use crate::provider::arguments;
use crate::provider::kept::{IntegrationBy, integration_by, opened, readable};
use crate::provider::orgmirror::Data;

use state::{ConnectionState, State};

/// The data source.
#[derive(Debug)]
pub struct Connections;

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
        let catalog = opened(context.data, diagnostics)?;
        let document = readable(context.data, diagnostics).await?;
        let found = connections(&config, &document, catalog);
        match found {
            Ok(found) => {
                config.connections = Value::Known(found.into_iter().collect());
                Some(config)
            }
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                None
            }
        }
    }
}

fn schema() -> Schema {
    Schema::new(
        "Effective connections of the catalog: with overrides and inheritance worked out, under the handles they are \
         published under, each with the permissions that make it visible. Without arguments: all of the tenant.",
        vec![
            Attribute::string("workspace")
                .optional()
                .check_string(workspace_name)
                .description(
                    "Only what is visible to this workspace, `organization/workspace`, whether it attaches it or not, and \
                     whether the connection is `ACTIVE` and enabled or not: `published` says that. A workspace that is \
                     not declared sees what it would see if it were: grants hold for workspaces declared later.",
                ),
            Attribute::string("integration_id")
                .optional()
                .check_string(arguments::not_empty)
                .description(
                    "Only connections of this integration. By reference, it also lets the data source wait for pending \
                     changes of the integration.",
                ),
            Attribute::string("folder_path")
                .optional()
                .check_string(arguments::folder_path)
                .description(
                    "Only connections of the folder at this path and of all folders below, such as `/Workloads`. A path \
                     where no folder is, is an error.",
                ),
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

fn workspace_name(value: &str) -> Result<(), Violation> {
    if let Ok(Grantee::Workspace { .. }) = value.parse() {
        return Ok(());
    }
    Err(Violation::new(
        "It must be a workspace, written organization/workspace.",
        "Write it like \"acme/security\".",
    ))
}

/// What is asked for, by handle.
fn connections(
    config: &State,
    document: &Document,
    catalog: &Catalog,
) -> Result<Vec<(String, ConnectionState)>, Diagnostic> {
    let tenant = document.tenant();
    let integration_id = config.integration_id.known();
    if let Some(id) = integration_id {
        let fix = "Give orgmirror_integration.NAME.id, or data.orgmirror_integration.NAME.id where it is declared in \
                   another configuration.";
        integration_by(IntegrationBy::Id(id), catalog, Some(document), fix)
            .map_err(|diagnostic| diagnostic.at(Path::of("integration_id")))?;
    }
    let asked = |integration: &Integration| integration_id.is_none_or(|id| *id == integration.id);
    let folder_path = config.folder_path.known();
    if let Some(path) = folder_path {
        let integrations: Vec<&Integration> = tenant
            .each::<Integration>()
            .filter(|integration| asked(integration))
            .collect();
        let folder = FolderRef::Path(path.clone());
        if !integrations
            .iter()
            .any(|integration| folder.find(&integration.mirror).is_some())
        {
            return Err(no_such_folder(path, &integrations));
        }
    }
    let resolved = Resolved::of(tenant);
    let workspace = config.workspace.known().and_then(|name| {
        let (organization, handle) = name.split_once('/')?;
        Some((organization, handle))
    });
    let declared =
        workspace.and_then(|(organization, handle)| tenant.workspace(organization, handle));
    let found = match (declared, workspace) {
        (Some(workspace), _) => resolved.visible(workspace),
        (None, Some((organization, handle))) => resolved.visible(&undeclared(organization, handle)),
        (None, None) => resolved.connections(),
    };
    let is_published = |connection: &EffectiveConnection<'_>| {
        workspace.map(|_| {
            connection.is_publishable()
                && declared.is_some_and(|workspace| is_attached(workspace, connection))
        })
    };
    let is_below = |connection: &EffectiveConnection<'_>| {
        folder_path.is_none_or(|path| {
            let mut folders = connection.folders();
            folders.any(|(_, folder)| folder.path.known() == Some(path))
        })
    };
    Ok(found
        .iter()
        .filter(|connection| asked(connection.integration) && is_below(connection))
        .map(|connection| {
            let state = ConnectionState::of(connection, is_published(connection));
            (connection.handle.to_owned(), state)
        })
        .collect())
}

/// Stands for a workspace that nobody has declared yet.
fn undeclared(organization: &str, handle: &str) -> Workspace {
    Workspace {
        id: String::new(),
        organization: organization.to_owned(),
        handle: handle.to_owned(),
        attach: None,
        publish: Publish::new(),
    }
}

fn no_such_folder(path: &str, integrations: &[&Integration]) -> Diagnostic {
    let mirrors = integrations.iter().map(|integration| &integration.mirror);
    let paths = mirrors.flat_map(|mirror| mirror.folders.values());
    let paths = paths.filter_map(|folder| folder.path.known().map(String::as_str));
    let near = near(path, paths.map(|path| (path, path)));
    let near: Vec<String> = near.into_iter().map(|near| near.path).collect();
    let near = match near.as_slice() {
        [] => String::new(),
        near => format!(" Near to that is {}.", near.join(", ")),
    };
    Diagnostic::error(
        "No such folder",
        format!(
            "folder_path is {path:?}, and no integration that is asked for has a folder there.{near} An empty result would \
             look like accounts that left, so this is an error. Give the path of a folder that is mirrored; the attribute \
             folders of the integration has them all."
        ),
    )
    .at(Path::of("folder_path"))
}
