//! `json`: everything that is effective for a workspace, and why it is visible. For programs that have no format of
//! their own here.
//!
//! The JSON Schema in `docs/schemas/connections.schema.json` defines the shape: every key is always present, and null if it
//! does not apply.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Format, RenderError, Rendered};
use crate::model::handle_assignment::effective_handle;
use crate::model::objects::workspace::Options;
use crate::model::objects::{EffectiveSettings, Integration};
use crate::model::owners::Owner;
use crate::model::visibility::{EffectiveConnection, Grant, GrantSource, View, ViewFolder};

/// Raised when a key changes its meaning or goes; a new key alone does not raise it.
const SCHEMA_VERSION: u32 = 1;

/// The format.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn file(&self) -> &'static str {
        "connections.json"
    }

    fn description(&self) -> &'static str {
        "Everything that is effective, for programs: connections with all their settings and the permissions that make \
         them visible, and the folders that hold them. Its JSON Schema is `docs/schemas/connections.schema.json`."
    }

    fn render(&self, view: &View<'_>, _: &Options) -> Result<Rendered, RenderError> {
        let mut bytes = serde_json::to_vec_pretty(&Document::of(view)).map_err(|error| {
            RenderError::Format {
                format: self.name(),
                reason: error.to_string(),
            }
        })?;
        bytes.push(b'\n');
        Ok(Rendered {
            bytes,
            notices: Vec::new(),
        })
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    tenant: &'a str,
    workspace: WorkspaceEntry<'a>,
    folders: Vec<FolderEntry<'a>>,
    connections: Vec<ConnectionEntry<'a>>,
}

#[derive(Serialize)]
struct WorkspaceEntry<'a> {
    id: &'a str,
    organization: &'a str,
    handle: &'a str,
}

#[derive(Serialize)]
struct IntegrationEntry<'a> {
    id: &'a str,
    handle: &'a str,
}

#[derive(Serialize)]
struct FolderEntry<'a> {
    handle: &'a str,
    id: &'a str,
    name: &'a str,
    parent_id: Option<&'a str>,
    path: &'a str,
    integration: IntegrationEntry<'a>,
    connections: &'a [&'a str],
}

#[derive(Serialize)]
struct ConnectionEntry<'a> {
    handle: &'a str,
    account_id: &'a str,
    name: &'a str,
    email: Option<&'a str>,
    state: &'a str,
    tags: Option<&'a BTreeMap<String, String>>,
    integration: IntegrationEntry<'a>,
    folder: FolderOfConnection<'a>,
    role_arn: &'a str,
    #[serde(flatten)]
    settings: &'a EffectiveSettings,
    owners: Option<&'a BTreeSet<Owner>>,
    sign_in_url: Option<&'a str>,
    custom_access_details: Option<&'a str>,
    granted_by: Vec<GrantEntry<'a>>,
}

#[derive(Serialize)]
struct FolderOfConnection<'a> {
    id: &'a str,
    handle: Option<&'a str>,
    path: &'a str,
}

#[derive(Serialize)]
struct GrantEntry<'a> {
    resource: &'static str,
    id: &'a str,
    grantee: String,
    folder: Option<GrantedFolder<'a>>,
    match_tags: Option<&'a BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct GrantedFolder<'a> {
    id: &'a str,
    path: &'a str,
}

impl<'a> Document<'a> {
    fn of(view: &'a View<'_>) -> Self {
        let workspace = view.workspace;
        Self {
            schema_version: SCHEMA_VERSION,
            tenant: view.tenant,
            workspace: WorkspaceEntry {
                id: &workspace.id,
                organization: &workspace.organization,
                handle: &workspace.handle,
            },
            folders: view.folders.iter().map(FolderEntry::of).collect(),
            connections: view.connections.iter().map(ConnectionEntry::of).collect(),
        }
    }
}

impl<'a> IntegrationEntry<'a> {
    fn of(integration: &'a Integration) -> Self {
        Self {
            id: &integration.id,
            handle: &integration.handle,
        }
    }
}

impl<'a> FolderEntry<'a> {
    fn of(entry: &'a ViewFolder<'_>) -> Self {
        let folder = entry.folder;
        Self {
            handle: entry.handle,
            id: entry.id,
            name: &folder.name,
            parent_id: folder.parent_id.as_deref(),
            path: &folder.path,
            integration: IntegrationEntry::of(entry.integration),
            connections: &entry.connections,
        }
    }
}

impl<'a> ConnectionEntry<'a> {
    fn of(effective: &'a EffectiveConnection<'_>) -> Self {
        let connection = effective.connection;
        let integration = effective.integration;
        Self {
            handle: effective.handle,
            account_id: effective.account_id,
            name: effective.name(),
            email: effective.email(),
            state: &connection.state,
            tags: effective.tags(),
            integration: IntegrationEntry::of(integration),
            folder: FolderOfConnection {
                id: &connection.folder_id,
                handle: effective_handle(integration, &connection.folder_id),
                path: effective.path(),
            },
            role_arn: effective.role_arn,
            settings: effective.settings,
            owners: effective.owners(),
            sign_in_url: connection.sign_in_url.as_deref(),
            custom_access_details: effective.custom_access_details(),
            granted_by: effective
                .granted_by
                .iter()
                .map(|grant| GrantEntry::of(grant, effective))
                .collect(),
        }
    }
}

impl<'a> GrantEntry<'a> {
    fn of(grant: &'a Grant<'_>, effective: &'a EffectiveConnection<'_>) -> Self {
        let (resource, id, folder, match_tags) = match &grant.source {
            GrantSource::Integration(integration) => {
                let root = effective.folders().next();
                ("orgmirror_integration", &integration.id, root, None)
            }
            GrantSource::Folder {
                permission,
                folder_id,
                folder,
            } => (
                "orgmirror_folder_permission",
                &permission.id,
                Some((*folder_id, *folder)),
                permission.match_tags.as_ref(),
            ),
            GrantSource::Connection(permission) => (
                "orgmirror_connection_permission",
                &permission.id,
                None,
                None,
            ),
        };
        Self {
            resource,
            id,
            grantee: grant.grantee.to_string(),
            folder: folder.map(|(id, folder)| GrantedFolder {
                id,
                path: &folder.path,
            }),
            match_tags,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::folder_ref::FolderRef;
    use crate::model::grantee::Grantee;
    use crate::model::objects::{
        ConnectionOverride, ConnectionPermission, FolderPermission, OverriddenSettings,
    };
    use crate::model::tenant::Tenant;
    use crate::model::visibility::Resolved;
    use crate::publish::sample::{acme, options, sso, workspace};

    /// One connection, granted in three ways, with everything set.
    fn tenant() -> Tenant {
        let mut tenant = Tenant::new("acme");
        let mut integration = acme();
        integration.custom_access_details = Some("Ask in #cloud".to_owned());
        integration
            .mirror
            .connections
            .retain(|id, _| id == "333333333333");
        let connection = integration
            .mirror
            .connections
            .get_mut("333333333333")
            .unwrap();
        connection.email = Some("shop@example.com".to_owned());
        connection.tags = Some([("env".to_owned(), "prod".to_owned())].into());
        connection.owners = Some(
            [Owner {
                attribute: "user".to_owned(),
                values: ["mia".to_owned()].into(),
            }]
            .into(),
        );
        let portal = sso("acme").portal_url;
        connection.sign_in_url = Some(portal);
        let integration_id = integration.id.clone();
        tenant.put(integration);
        tenant.put(FolderPermission {
            id: "fp_0123456789abcdefghij".to_owned(),
            integration_id: integration_id.clone(),
            folder: FolderRef::Path("/Workloads".to_owned()),
            grantee: Grantee::Organization("acme".to_owned()),
            match_tags: Some([("env".to_owned(), "prod".to_owned())].into()),
        });
        tenant.put(ConnectionPermission {
            id: "cp_0123456789abcdefghij".to_owned(),
            integration_id: integration_id.clone(),
            account_id: "333333333333".to_owned(),
            grantee: "acme/security".parse().unwrap(),
        });
        tenant.put(ConnectionOverride {
            id: "co_0123456789abcdefghij".to_owned(),
            integration_id,
            account_id: "333333333333".to_owned(),
            handle: Some("web_shop".to_owned()),
            role_arn: None,
            settings: OverriddenSettings {
                regions: Some(["eu-*".to_owned(), "us-east-1".to_owned()].into()),
                ignore_error_codes: Some(["AccessDenied".to_owned()].into()),
                ..OverriddenSettings::default()
            },
        });
        crate::model::handle_assignment::assign_handles(&mut tenant, &Tenant::new("acme"));
        tenant
    }

    #[test]
    fn everything_effective_and_why() {
        let tenant = tenant();
        let workspace = workspace(&[("json", options(&[]))]);
        let resolved = Resolved::of(&tenant);
        let view = resolved.view(&workspace);
        let rendered = Json.render(&view, &options(&[])).unwrap();
        assert_eq!(rendered.notices, [""; 0]);
        assert_eq!(
            String::from_utf8(rendered.bytes).unwrap(),
            include_str!("json/golden.json")
        );
    }

    #[test]
    fn nothing_published_is_still_a_document() {
        let tenant = Tenant::new("acme");
        let workspace = workspace(&[]);
        let resolved = Resolved::of(&tenant);
        let view = resolved.view(&workspace);
        let rendered = Json.render(&view, &options(&[])).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&rendered.bytes).unwrap();
        assert_eq!(document["connections"], serde_json::json!([]));
        assert_eq!(document["folders"], serde_json::json!([]));
        assert_eq!(document["workspace"]["handle"], "security");
    }
}
