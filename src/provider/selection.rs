//! The arguments by which data sources select connections of the catalog.

use describe::Describe;

use crate::catalog::{Catalog, Document};
use crate::model::folder_ref::FolderRef;
use crate::model::grantee::Grantee;
use crate::model::objects::workspace::Publish;
use crate::model::objects::{Integration, Workspace};
use crate::model::suggestions::suggest;
use crate::model::visibility::{EffectiveConnection, is_attached};
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::path::Path;
use terraform_plugin::schema::Violation;
use terraform_plugin::value::Value;

use super::catalog_ops::{IntegrationBy, find_integration};
use crate::model::checks;

/// The arguments by which a data source selects connections.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(super) struct Selection {
    /// Only what is visible to this workspace, `organization/workspace`, whether it attaches it or not. A workspace that is
    /// not declared sees what it would see if it were.
    #[field(optional, check_string(workspace_name))]
    pub(super) workspace: Value<String>,
    /// Only connections of this integration. By reference, it also lets the data source wait for pending changes of the
    /// integration.
    #[field(optional, check_string(checks::not_empty))]
    pub(super) integration_id: Value<String>,
    /// Only connections of the folder at this path and of all folders below, such as `/Workloads`. A path where no folder is,
    /// is an error.
    #[field(optional, check_string(checks::folder_path))]
    pub(super) folder_path: Value<String>,
}

/// The selected connections.
#[derive(Debug)]
pub(super) struct Selected<'t> {
    /// By handle.
    pub(super) connections: Vec<EffectiveConnection<'t>>,
    for_workspace: bool,
    declared: Option<&'t Workspace>,
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

impl Selection {
    /// Finds the selected integration; none: all are selected. An error if it does not exist.
    pub(super) fn integration<'t>(
        &self,
        document: &'t Document,
        catalog: &Catalog,
    ) -> Result<Option<&'t Integration>, Diagnostic> {
        let Some(id) = self.integration_id.known() else {
            return Ok(None);
        };
        let fix = "Give orgmirror_integration.NAME.id, or data.orgmirror_integration.NAME.id where it is declared in \
                   another configuration.";
        find_integration(IntegrationBy::Id(id), catalog, Some(document), fix)
            .map(Some)
            .map_err(|diagnostic| diagnostic.at(Path::of("integration_id")))
    }

    /// Selects connections of a document. An error if the integration or the folder does not exist.
    pub(super) fn of<'t>(
        &self,
        document: &'t Document,
        catalog: &Catalog,
    ) -> Result<Selected<'t>, Diagnostic> {
        let tenant = document.tenant();
        let wanted = self.integration(document, catalog)?;
        let asked =
            |integration: &Integration| wanted.is_none_or(|wanted| wanted.id == integration.id);
        let folder_path = self.folder_path.known();
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
        let resolved = document.resolved();
        let workspace = self.workspace.known().and_then(|name| name.split_once('/'));
        let declared =
            workspace.and_then(|(organization, handle)| tenant.workspace(organization, handle));
        let mut connections = match (declared, workspace) {
            (Some(workspace), _) => resolved.visible(workspace),
            (None, Some((organization, handle))) => {
                resolved.visible(&undeclared(organization, handle))
            }
            (None, None) => resolved.connections(),
        };
        let is_below = |connection: &EffectiveConnection<'_>| {
            folder_path.is_none_or(|path| {
                let mut folders = connection.folders();
                folders.any(|(_, folder)| folder.path == *path)
            })
        };
        connections.retain(|connection| asked(connection.integration) && is_below(connection));
        Ok(Selected {
            connections,
            for_workspace: workspace.is_some(),
            declared,
        })
    }
}

impl Selected<'_> {
    /// Whether a selected connection is published for the workspace; none: no workspace is selected.
    pub(super) fn is_published(&self, connection: &EffectiveConnection<'_>) -> Option<bool> {
        self.for_workspace.then(|| {
            connection.is_publishable()
                && self
                    .declared
                    .is_some_and(|workspace| is_attached(workspace, connection))
        })
    }
}

/// A placeholder for a workspace that is not declared yet.
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
    let paths = paths.map(|folder| folder.path.as_str());
    let suggestions: Vec<String> = suggest(path, paths.map(|path| (path, path)))
        .into_iter()
        .map(|suggestion| suggestion.path)
        .collect();
    let question = match suggestions.as_slice() {
        [] => String::new(),
        several => format!(" Did you mean {}?", several.join(" or ")),
    };
    Diagnostic::error(
        "No such folder",
        format!(
            "folder_path is {path:?}, and no integration that is asked for has a folder there.{question} An empty result would \
             look like accounts that left, so this is an error. Give the path of a folder that is mirrored; the attribute \
             folders of the integration has them all."
        ),
    )
    .at(Path::of("folder_path"))
}
