//! `resource "orgmirror_workspace"`: a consumer of connections, and its publications.

mod state;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::catalog::{Catalog, Document};
use crate::model::handle::HandleKind;
use crate::model::late::Late;
use crate::model::objects::Workspace;
use crate::model::tenant::Tenant;
use crate::model::visibility::{Resolved, attached_nowhere};
use crate::provider::arguments::{self, sentence};
use crate::provider::catalog_ops::{Conflict, Look};
use crate::provider::catalog_resource::Declaration;
use crate::provider::data::Data;
use crate::provider::late::NotKnown;
use crate::provider::messages::{listed, what_it_has};
use crate::publish::aws_config::{self, ProfileNameConflict};
use crate::publish::{self, FORMATS, Format, OptionKind};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::ImportBy;
use terraform_plugin::path::Path;
use terraform_plugin::private::Private;
use terraform_plugin::resource::Plan;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::types::Type;
use terraform_plugin::value::Value;

pub(in crate::provider) use state::State;

#[async_trait]
impl Declaration for State {
    type Object = Workspace;

    fn schema() -> Schema {
        schema()
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
        planned.locations = match (data.catalog(), planned.outline()) {
            (Ok(catalog), Ok(outline)) => locations(&outline, catalog).into(),
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
        matches!(self.attach(), Late::Known(Some(attach)) if !attach.is_empty())
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

fn schema() -> Schema {
    Schema::new(
        "A consumer of connections, such as a team or a tool, and the files that are published for it. It has nothing to \
         do with Terraform's workspaces. What it may use is what is granted to it; `attach` takes a part of that.",
        vec![
            Attribute::string("id")
                .computed()
                .use_state_for_unknown()
                .description("`ws_` and 20 characters."),
            Attribute::string("organization")
                .required()
                .requires_replace()
                .check_string(arguments::handle(HandleKind::Organization))
                .description(
                    "The organization (a group of workspaces, not the AWS organization) that owns the workspace. It need \
                     not be declared anywhere.",
                ),
            Attribute::string("handle")
                .required()
                .requires_replace()
                .check_string(arguments::handle(HandleKind::Workspace))
                .description("Name of the workspace, unique in its organization."),
            Attribute::set("attach", Type::String)
                .optional()
                .check_string(arguments::attachment)
                .description(
                    "What it takes of all that is visible to it: folder paths such as `/Workloads`, IDs of roots and OUs \
                     (each with all below), and account IDs. Default: all that is visible; `[]`: nothing. An entry that is \
                     nowhere in the catalog is no error, and takes effect once it is there.",
                ),
            publish_attribute(),
            Attribute::map("locations", Type::String)
                .computed()
                .description(
                    "Where each format is published: a path that starts with the catalog's, as configured, never made \
                     absolute.",
                ),
            Attribute::bool("in_sync").computed().description(
                "Whether what is published is what the catalog says. A file that is missing, old or edited by hand reads \
                 as `false`; the plan then shows `false -> true`, and apply restores it.",
            ),
        ],
    )
}

fn publish_attribute() -> Attribute {
    let format = |format: &&dyn Format| {
        let options = format.options().iter().map(|option| {
            let attribute = match option.kind {
                OptionKind::Switch => Attribute::bool(option.name),
                OptionKind::Text => Attribute::string(option.name),
            };
            attribute.optional().description(option.description)
        });
        Attribute::nested(format.name(), options.collect())
            .optional()
            .description(format.description())
    };
    Attribute::nested("publish", FORMATS.iter().map(format).collect())
        .optional()
        .description(
            "The formats to publish. A format that another one needs comes along. What is published holds the connections \
             that are visible, attached, `ACTIVE` and enabled, under their effective handles.",
        )
}

/// Refuses invalid options of a format, as far as they are known.
fn check_options(config: &State, diagnostics: &mut Diagnostics) {
    let Value::Known(publish) = &config.publish else {
        return;
    };
    for (format, options) in publish.options() {
        let Late::Known(options) = options else {
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
    let Late::Known(Some(attach)) = planned.attach() else {
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
