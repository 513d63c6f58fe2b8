//! `resource "orgmirror_workspace"`: a consumer of connections, and what is published for it.

mod state;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::catalog::{Catalog, Document};
use crate::framework::diagnostics::{Diagnostics, Severity};
use crate::framework::identity::ImportBy;
use crate::framework::path::Path;
use crate::framework::private::Private;
use crate::framework::resource::{Context, Plan, Resource};
use crate::framework::schema::{Attribute, Schema};
use crate::framework::types::Type;
use crate::framework::value::Value;
use crate::model::handle::Kind;
use crate::model::late::Late;
use crate::model::tenant::Tenant;
use crate::model::visibility::{Resolved, attached_nowhere};
use crate::model::workspace::Workspace;
use crate::provider::arguments;
use crate::provider::arguments::sentence;
use crate::provider::kept::{
    Conflict, clashing, complete, create_unless, delete, existing, listed, new_id, opened,
    possible, update_unless, warn_of_object, warn_of_removal,
};
use crate::provider::orgmirror::Data;
use crate::publish::aws_config::{self, Clash};
use crate::publish::{self, FORMATS, Format, OptionKind};

use state::State;

/// The resource.
#[derive(Debug)]
pub struct WorkspaceResource;

#[async_trait]
impl Resource for WorkspaceResource {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "workspace"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        check_options(config, diagnostics);
    }

    async fn plan(
        &self,
        context: Context<'_, Data>,
        plan: &mut Plan<State>,
        diagnostics: &mut Diagnostics,
    ) {
        /// Stands for an ID that is drawn at apply.
        const NEW: &str = "ws_";

        check_options(&plan.config, diagnostics);
        if diagnostics.has_errors() {
            return;
        }
        let planned = &mut plan.planned;
        // Applying publishes it, whatever was found.
        planned.in_sync = true.into();
        planned.locations = match (context.data.catalog(), planned.outline()) {
            (Ok(catalog), Ok(outline)) => locations(&outline, catalog).into(),
            _ => Value::Unknown,
        };
        warn_of_attachments(context.data, planned, diagnostics).await;
        if plan.prior.as_ref() == Some(planned) {
            return;
        }
        let id = planned.id.known().map_or(NEW, String::as_str);
        if let Ok(workspace) = planned.workspace(id) {
            warn_of_clashes(context.data, &workspace, diagnostics).await;
            warn_of_object(context.data, workspace, diagnostics).await;
        }
    }

    async fn plan_destroy(
        &self,
        context: Context<'_, Data>,
        prior: &State,
        _private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(id) = prior.id.known() {
            warn_of_removal::<Workspace>(context.data, id, diagnostics).await;
        }
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        mut state: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = opened(context.data, diagnostics)?;
        let document = existing(context.data, diagnostics).await?;
        let workspace = document.tenant().get::<Workspace>(state.id.known()?)?;
        // Where it is published stays as it was applied: the plan shows that the catalog moved.
        state.take(workspace);
        state.in_sync = in_sync(catalog, &document, workspace, diagnostics).await;
        Some(state)
    }

    async fn create(
        &self,
        context: Context<'_, Data>,
        planned: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let id = new_id("ws_");
        let workspace = complete(planned.workspace(&id), diagnostics)?;
        let document = create_unless(context, workspace, clash, diagnostics).await?;
        applied(planned, &document, &id)
    }

    async fn update(
        &self,
        context: Context<'_, Data>,
        planned: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let id = planned.id.known()?.clone();
        let workspace = complete(planned.workspace(&id), diagnostics)?;
        let document = update_unless(context, workspace, clash, diagnostics).await?;
        applied(planned, &document, &id)
    }

    async fn delete(
        &self,
        context: Context<'_, Data>,
        prior: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(id) = prior.id.into_known() {
            delete::<Workspace>(context, id, diagnostics).await;
        }
    }

    async fn import(
        &self,
        context: Context<'_, Data>,
        by: ImportBy<'_, State>,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = opened(context.data, diagnostics)?;
        let document = possible(context.data, diagnostics).await?;
        let document = document.as_deref();
        let (found, asked) = match &by {
            ImportBy::Id(name) => (named(document, name), format!("{name:?}")),
            ImportBy::Identity(identity) => {
                let id = identity.id.known()?;
                let found = document.and_then(|document| document.tenant().get(id));
                (found, format!("with the ID {id:?}"))
            }
        };
        let (Some(document), Some(workspace)) = (document, found) else {
            let text = no_such_workspace(&asked, catalog, document);
            diagnostics.error("No such workspace", text);
            return None;
        };
        let mut state = State::default();
        state.take(workspace);
        state.locations = Value::Known(locations(workspace, catalog));
        state.in_sync = in_sync(catalog, document, workspace, diagnostics).await;
        Some(state)
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
                .check_string(arguments::handle(Kind::Organization))
                .description(
                    "The organization (a group of workspaces, not the AWS organization) that owns the workspace. It need \
                     not be declared anywhere.",
                ),
            Attribute::string("handle")
                .required()
                .requires_replace()
                .check_string(arguments::handle(Kind::Workspace))
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

/// Refuses options that make no publication, as far as they are known.
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
            diagnostics.error_at(path, "Publication options refused", text);
        }
    }
}

/// Where each format is published, of those asked for and those that come along.
fn locations(workspace: &Workspace, catalog: &Catalog) -> BTreeMap<String, Value<String>> {
    let names = publish::formats_of(workspace).into_iter();
    names
        .filter_map(|name| {
            let format = publish::format(name)?;
            let path = publish::path(&workspace.organization, &workspace.handle, format);
            Some((name.to_owned(), catalog.publication_place(&path).into()))
        })
        .collect()
}

/// Files that cannot be read count as wrong: the apply that restores them says what is in its way.
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

async fn warn_of_attachments(data: &Data, planned: &State, diagnostics: &mut Diagnostics) {
    let Late::Known(Some(attach)) = planned.attach() else {
        return;
    };
    let Ok(catalog) = data.catalog() else {
        return;
    };
    // Before anything is mirrored, nothing is there yet that could be misspelt.
    let Ok(Some(document)) = catalog.read().await else {
        return;
    };
    let nowhere = attached_nowhere(&attach, document.tenant());
    if nowhere.is_empty() {
        return;
    }
    diagnostics.warning_at(
        Path::of("attach"),
        "Attached and nowhere in the catalog",
        format!(
            "attach has these entries, which no integration of the tenant {:?} has as the path or ID of a folder or as \
             an account:\n{}\nThey attach nothing until they are there. If this run does not mirror them, correct or \
             remove them.",
            catalog.tenant(),
            listed(nowhere.iter())
        ),
    );
}

/// Refuses connections that this change leaves without a profile. One that clashes already, or by a change of something
/// else, is left out with a warning.
fn clash(
    workspace: &Workspace,
    before: Option<&Workspace>,
    tenant: &Tenant,
) -> Result<(), Conflict> {
    let has_profiles = publish::formats_of(workspace).contains(&aws_config::NAME);
    if before == Some(workspace) || !has_profiles {
        return Ok(());
    }
    let resolved = Resolved::of(tenant);
    let clashes = |workspace: &Workspace| {
        // Options that are refused are reported as such.
        aws_config::clashes(&resolved.view(workspace)).unwrap_or_default()
    };
    let old = before.map(clashes).unwrap_or_default();
    let mut new = clashes(workspace);
    new.retain(|clash| !old.contains(clash));
    if new.is_empty() {
        return Ok(());
    }
    Err(Conflict::Clash(new.iter().map(Clash::to_string).collect()))
}

async fn warn_of_clashes(data: &Data, workspace: &Workspace, diagnostics: &mut Diagnostics) {
    let Ok(catalog) = data.catalog() else {
        return;
    };
    let Ok(Some(document)) = catalog.read().await else {
        return;
    };
    let tenant = document.tenant();
    if let Err(Conflict::Clash(clashes)) = clash(workspace, tenant.get(&workspace.id), tenant) {
        diagnostics.push(clashing(&clashes, Severity::Warning));
    }
}

/// The state after an apply. A publication that was not written is a warning, and the next read's `in_sync` says so.
fn applied(mut planned: State, document: &Document, id: &str) -> Option<State> {
    planned.take(document.tenant().get::<Workspace>(id)?);
    Some(planned)
}

/// The workspace `organization/workspace`.
fn named<'a>(document: Option<&'a Document>, name: &str) -> Option<&'a Workspace> {
    let (organization, handle) = name.split_once('/')?;
    document?.tenant().workspace(organization, handle)
}

fn no_such_workspace(asked: &str, catalog: &Catalog, document: Option<&Document>) -> String {
    let workspaces = document
        .into_iter()
        .flat_map(|document| document.tenant().each::<Workspace>());
    let mut all: Vec<String> = workspaces
        .map(|workspace| format!("{workspace} (ID {})", workspace.id))
        .collect();
    all.sort_unstable();
    let known = if all.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", all.join(", "))
    };
    format!(
        "The catalog at {} (tenant {:?}) has no workspace {asked}; {known}. Import by organization/workspace, such as \
         acme/security, or by identity with the ID, and check the provider's tenant and catalog.",
        catalog.place(),
        catalog.tenant()
    )
}
