//! `resource "orgmirror_workspace"`: a consumer of connections, and its publications.

mod state;

use std::collections::BTreeMap;

use async_trait::async_trait;
use describe::NotKnown;

use crate::catalog::{Catalog, Document};
use crate::model::checks::sentence;
use crate::model::objects::Workspace;
use crate::model::tenant::Tenant;
use crate::model::visibility::{Resolved, attached_nowhere};
use crate::provider::catalog_ops::{Conflict, Look};
use crate::provider::catalog_resource::Declaration;
use crate::provider::data::Data;
use crate::provider::messages::{listed, what_it_has};
use crate::publish;
use crate::publish::aws_config::{self, ProfileNameConflict};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::ImportBy;
use terraform_plugin::path::Path;
use terraform_plugin::private::Private;
use terraform_plugin::resource::Plan;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

pub(in crate::provider) use state::State;

#[async_trait]
impl Declaration for State {
    type Object = Workspace;

    fn schema() -> Schema {
        Schema::of::<Self>(
            "A consumer of connections, such as a team or a tool, and the files that are published for it. It has nothing to \
             do with Terraform's workspaces. What it may use is what is granted to it; `attach` takes a part of that.",
        )
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn object(&self, id: &str) -> Result<Workspace, NotKnown> {
        self.workspace(id)
    }

    /// Where it is published stays as it was applied: the plan shows that the catalog moved.
    fn set_object(&mut self, workspace: &Workspace) {
        self.take(workspace);
    }

    fn validate(&self, diagnostics: &mut Diagnostics) {
        check_options(self, diagnostics);
    }

    fn complete(plan: &mut Plan<Self>, data: &Data, diagnostics: &mut Diagnostics) {
        check_options(&plan.config, diagnostics);
        let planned = &mut plan.planned;
        // Applying publishes it, whatever was found.
        planned.in_sync = true.into();
        planned.locations = match (data.catalog(), planned.named()) {
            (Ok(catalog), Some(outline)) => locations(&outline, catalog).into(),
            _ => Value::Unknown,
        };
    }

    fn check(
        workspace: &Workspace,
        before: Option<&Workspace>,
        tenant: &Tenant,
    ) -> Result<(), Conflict> {
        check_profiles(workspace, before, tenant)
    }

    fn remarks_on_unchanged(&self) -> bool {
        matches!(self.attach(), Value::Known(attach) if !attach.is_empty())
    }

    fn remark(
        &self,
        _object: Option<&Workspace>,
        _is_changed: bool,
        look: Option<&Look<'_>>,
        diagnostics: &mut Diagnostics,
    ) {
        warn_of_attachments(self, look, diagnostics);
    }

    async fn look_around(
        &mut self,
        workspace: &Workspace,
        catalog: &Catalog,
        document: &Document,
        diagnostics: &mut Diagnostics,
    ) {
        self.in_sync = in_sync(catalog, document, workspace, diagnostics).await;
    }

    fn find<'a>(
        by: &ImportBy<'_, Self>,
        catalog: &Catalog,
        document: Option<&'a Document>,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Workspace> {
        let (found, asked) = match by {
            ImportBy::Id(name) => (find_by_name(document, name), format!("{name:?}")),
            ImportBy::Identity(identity) => {
                let id = identity.id.known()?;
                let found = document.and_then(|document| document.tenant().get(id));
                (found, format!("with the ID {id:?}"))
            }
        };
        if found.is_none() {
            let text = no_such_workspace(&asked, catalog, document);
            diagnostics.error("No such workspace", text);
        }
        found
    }

    fn set_imported(&mut self, workspace: &Workspace, catalog: &Catalog, _private: &mut Private) {
        self.locations = Value::Known(locations(workspace, catalog));
    }
}

/// Refuses invalid options of a format, as far as they are known.
fn check_options(config: &State, diagnostics: &mut Diagnostics) {
    let Value::Known(publish) = &config.publish else {
        return;
    };
    for (format, options) in publish.options() {
        let Some(options) = options else {
            continue;
        };
        if let Err(error) = format.check(&options) {
            let path = Path::of("publish").attribute(format.name());
            let path = match error.option {
                Some(option) => path.attribute(option),
                None => path,
            };
            let text = format!("{path} is refused. {error}");
            diagnostics.error_at(path, "Invalid publication options", text);
        }
    }
}

/// The place of each format, of those asked for and those that they need.
fn locations(workspace: &Workspace, catalog: &Catalog) -> BTreeMap<String, Value<String>> {
    publish::formats_of(workspace)
        .into_iter()
        .filter_map(|name| {
            let format = publish::format(name)?;
            let path = publish::path(&workspace.organization, &workspace.handle, format);
            Some((name.to_owned(), catalog.publication_place(&path).into()))
        })
        .collect()
}

/// Whether the files are in sync. Files that cannot be read are not: the apply that restores them reports the cause.
async fn in_sync(
    catalog: &Catalog,
    document: &Document,
    workspace: &Workspace,
    diagnostics: &mut Diagnostics,
) -> Value<bool> {
    match catalog.in_sync(document, &workspace.id).await {
        Ok(in_sync) => in_sync.into(),
        Err(failure) => {
            diagnostics.warning(
                "Published files cannot be read",
                format!(
                    "Whether what is published for the workspace {workspace} is what the catalog says is not known, so \
                     in_sync is false. {}",
                    sentence(&failure)
                ),
            );
            false.into()
        }
    }
}

fn warn_of_attachments(planned: &State, look: Option<&Look<'_>>, diagnostics: &mut Diagnostics) {
    let Value::Known(attach) = planned.attach() else {
        return;
    };
    // Without a catalog, no entry can be checked.
    let Some((look, tenant)) = look.and_then(|look| Some((look, look.tenant()?))) else {
        return;
    };
    let nowhere = attached_nowhere(&attach, tenant);
    if nowhere.is_empty() {
        return;
    }
    diagnostics.warning_at(
        Path::of("attach"),
        "Entries of attach are not in the catalog",
        format!(
            "attach has these entries, which no integration of the tenant {:?} has as the path or ID of a folder or as \
             an account:\n{}\nThey attach nothing until they are there. If this run does not mirror them, correct or \
             remove them.",
            look.catalog().tenant(),
            listed(nowhere.iter())
        ),
    );
}

/// Refuses a change that leaves connections without a profile. Connections with an older conflict, or one that another
/// object causes, are left out of the file with a warning.
fn check_profiles(
    workspace: &Workspace,
    before: Option<&Workspace>,
    tenant: &Tenant,
) -> Result<(), Conflict> {
    let has_profiles = publish::formats_of(workspace).contains(&aws_config::NAME);
    if before == Some(workspace) || !has_profiles {
        return Ok(());
    }
    let resolved = Resolved::of(tenant);
    let conflicts = |workspace: &Workspace| {
        // Invalid options are reported elsewhere.
        aws_config::profile_name_conflicts(&resolved.view(workspace)).unwrap_or_default()
    };
    let old = before.map(conflicts).unwrap_or_default();
    let mut new = conflicts(workspace);
    new.retain(|conflict| !old.contains(conflict));
    if new.is_empty() {
        return Ok(());
    }
    Err(Conflict::ProfileNames(
        new.iter().map(ProfileNameConflict::to_string).collect(),
    ))
}

/// The workspace `organization/workspace`.
fn find_by_name<'a>(document: Option<&'a Document>, name: &str) -> Option<&'a Workspace> {
    let (organization, handle) = name.split_once('/')?;
    document?.tenant().workspace(organization, handle)
}

fn no_such_workspace(asked: &str, catalog: &Catalog, document: Option<&Document>) -> String {
    let workspaces = document
        .into_iter()
        .flat_map(|document| document.tenant().each::<Workspace>());
    let known =
        what_it_has(workspaces.map(|workspace| format!("{workspace} (ID {})", workspace.id)));
    format!(
        "The catalog at {} (tenant {:?}) has no workspace {asked}; {known}. Import by organization/workspace, such as \
         acme/security, or by identity with the ID, and check the provider's tenant and catalog.",
        catalog.place(),
        catalog.tenant()
    )
}
