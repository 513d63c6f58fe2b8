//! `resource "orgmirror_integration"`: the mirror of one AWS organization.

mod attributes;
mod planning;
mod source;
mod state;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rand::RngExt;

use crate::catalog::{Catalog, Change, CommitError, Document, ReadError};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::identity::ImportBy;
use crate::framework::path::Path;
use crate::framework::private::Private;
use crate::framework::resource::{Context, Plan, Resource};
use crate::framework::schema::Schema;
use crate::model::effective::{HandleNotice, settle};
use crate::model::integration::Integration;
use crate::model::mirror::unexplained_handles;
use crate::provider::arguments::sentence;
use crate::provider::orgmirror::Data;

use state::State;

/// Where the private state keeps handles that came from `initial_handles`.
const GIVEN_HANDLES: &str = "given_handles";

/// How often a handle that is taken is tried again, and the pause before.
const HANDLE_TRIES: usize = 10;
const HANDLE_PAUSE: Duration = Duration::from_millis(100);

/// Things that a message lists by name; beyond that it says how many more there are.
const LISTED: usize = 20;

/// The resource.
#[derive(Debug)]
pub struct IntegrationResource;

#[async_trait]
impl Resource for IntegrationResource {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "integration"
    }

    fn schema(&self) -> Schema {
        attributes::schema()
    }

    fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        planning::validate(config, diagnostics);
    }

    async fn plan(
        &self,
        context: Context<'_, Data>,
        plan: &mut Plan<State>,
        diagnostics: &mut Diagnostics,
    ) {
        planning::plan(plan, diagnostics);
        if diagnostics.has_errors() || plan.prior.as_ref() == Some(&plan.planned) {
            return;
        }
        if let Ok(catalog) = context.data.catalog() {
            warn_of_conflicts(catalog, &plan.planned, diagnostics).await;
        }
    }

    async fn plan_destroy(
        &self,
        _context: Context<'_, Data>,
        prior: &State,
        _private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        planning::refuse_if_protected(prior, "destroy it", diagnostics);
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        state: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = opened(context.data, diagnostics)?;
        let document = existing(catalog, diagnostics).await?;
        let id = state.id.known()?;
        document.integration(id).map(State::from)
    }

    async fn create(
        &self,
        context: Context<'_, Data>,
        _config: State,
        planned: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let id = new_id();
        let integration = integration(&planned, &id, diagnostics)?;
        commit(context.data, diagnostics, id, move |document| {
            if document.integration(&integration.id).is_some() {
                return Err(Conflict::IdTaken(integration.id.clone()));
            }
            put(document, integration.clone())
        })
        .await
    }

    async fn update(
        &self,
        context: Context<'_, Data>,
        _prior: State,
        _config: State,
        planned: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let id = planned.id.known()?.clone();
        let integration = integration(&planned, &id, diagnostics)?;
        commit(context.data, diagnostics, id, move |document| {
            if document.integration(&integration.id).is_none() {
                return Err(if document.exists() {
                    Conflict::Gone
                } else {
                    Conflict::NoDocument
                });
            }
            put(document, integration.clone())
        })
        .await
    }

    async fn delete(
        &self,
        context: Context<'_, Data>,
        prior: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) {
        // Terraform does not ask for a plan of the destruction when it replaces on demand (-replace, taint).
        planning::refuse_if_protected(
            &prior,
            "destroy it (if it is tainted, run terraform untaint first)",
            diagnostics,
        );
        if diagnostics.has_errors() {
            return;
        }
        let Some(id) = prior.id.known().cloned() else {
            return;
        };
        let Some(catalog) = opened(context.data, diagnostics) else {
            return;
        };
        let who = context.data.who().await;
        let removed = catalog
            .commit(who, move |document| {
                if !document.exists() {
                    return Err(Conflict::NoDocument);
                }
                Ok(((), document.remove(&id).into_iter().collect()))
            })
            .await;
        if let Err(error) = removed {
            diagnostics.push(not_committed(catalog, &error));
        }
    }

    async fn import(
        &self,
        context: Context<'_, Data>,
        by: ImportBy<'_, State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = opened(context.data, diagnostics)?;
        let document = match catalog.read().await {
            Ok(document) => document,
            Err(error) => {
                diagnostics.push(unreadable(&error));
                return None;
            }
        };
        let document = document.as_deref();
        let (found, asked) = match by {
            ImportBy::Id(handle) => (
                document.and_then(|all| all.integration_by_handle(handle)),
                format!("handle {handle:?}"),
            ),
            ImportBy::Identity(identity) => {
                let id = identity.id.known()?;
                (
                    document.and_then(|all| all.integration(id)),
                    format!("ID {id:?}"),
                )
            }
        };
        let Some(integration) = found else {
            diagnostics.push(not_found(catalog, document, &asked));
            return None;
        };
        let prefix = integration.handle_prefix.as_deref().unwrap_or_default();
        let given = unexplained_handles(&integration.mirror, prefix);
        if !given.is_empty() {
            private.set(GIVEN_HANDLES, &given);
        }
        Some(State::from(integration))
    }
}

/// Why a change does not fit the catalog as it is.
#[derive(Debug, Clone, thiserror::Error)]
enum Conflict {
    #[error("the handle {handle:?} is taken by the integration {holder}")]
    HandleTaken { handle: String, holder: String },
    #[error("the integration is not in the catalog any more")]
    Gone,
    #[error("there is no catalog")]
    NoDocument,
    #[error("the ID {0} is taken")]
    IdTaken(String),
}

/// 20 characters of 36 are 103 bits: none is drawn twice.
fn new_id() -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    let random = (0..20).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]));
    "in_".chars().chain(random).collect()
}

fn opened<'a>(data: &'a Data, diagnostics: &mut Diagnostics) -> Option<&'a Catalog> {
    data.catalog()
        .map_err(|unknown| diagnostics.push(unknown.diagnostic("The integration")))
        .ok()
}

fn not_found(catalog: &Catalog, document: Option<&Document>, asked: &str) -> Diagnostic {
    let mut all: Vec<String> = document
        .into_iter()
        .flat_map(Document::integrations)
        .map(|integration| format!("{:?} (ID {})", integration.handle, integration.id))
        .collect();
    all.sort_unstable();
    let known = if all.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", all.join(", "))
    };
    Diagnostic::error(
        "No such integration",
        format!(
            "The catalog at {} (tenant {:?}) has no integration with the {asked}; {known}. Import by the handle, or by \
             identity with the ID, and check the provider's tenant and catalog.",
            catalog.place(),
            catalog.tenant()
        ),
    )
}

/// The document that the state refers to.
async fn existing(catalog: &Catalog, diagnostics: &mut Diagnostics) -> Option<Arc<Document>> {
    match catalog.read().await {
        Ok(Some(document)) => Some(document),
        Ok(None) => {
            diagnostics.push(missing(catalog));
            None
        }
        Err(error) => {
            diagnostics.push(unreadable(&error));
            None
        }
    }
}

fn missing(catalog: &Catalog) -> Diagnostic {
    Diagnostic::error(
        "The catalog is missing",
        format!(
            "The state refers to a catalog, and there is none at {} (tenant {:?}). Check the provider's catalog and \
             tenant, and that Terraform runs in the same directory: a fresh CI runner does not have the catalog of a \
             laptop, so pipelines need one that every run reaches, such as a shared directory, or S3 once a version of \
             the provider offers it. If the catalog was deleted on purpose, run terraform state rm for its \
             integrations, and apply anew: they get new IDs.",
            catalog.place(),
            catalog.tenant()
        ),
    )
}

fn unreadable(error: &ReadError) -> Diagnostic {
    Diagnostic::error("The catalog cannot be read", sentence(error))
}

fn integration(planned: &State, id: &str, diagnostics: &mut Diagnostics) -> Option<Integration> {
    planned
        .integration(id)
        .map_err(|error| {
            diagnostics.error(
                "Bug in the provider: incomplete plan",
                format!("While applying, {error}. Nothing was changed; please report this."),
            );
        })
        .ok()
}

/// Puts an integration into the document, with unique handles.
fn put(
    document: &mut Document,
    integration: Integration,
) -> Result<(Vec<HandleNotice>, Vec<Change>), Conflict> {
    let id = integration.id.clone();
    if let Some(holder) = document.integration_by_handle(&integration.handle)
        && holder.id != id
    {
        return Err(Conflict::HandleTaken {
            handle: integration.handle,
            holder: holder.id.clone(),
        });
    }
    let (integration, notices) = settle_in(document, integration);
    Ok((notices, document.put(integration).into_iter().collect()))
}

fn settle_in(
    document: &Document,
    mut integration: Integration,
) -> (Integration, Vec<HandleNotice>) {
    let id = integration.id.clone();
    let others = document.integrations().filter(|other| other.id != id);
    let notices = settle(others, &mut integration, document.integration(&id));
    (integration, notices)
}

/// Commits a change of an integration, and gives its state as the catalog has it.
async fn commit<F>(
    data: &Data,
    diagnostics: &mut Diagnostics,
    id: String,
    change: F,
) -> Option<State>
where
    F: Fn(&mut Document) -> Result<(Vec<HandleNotice>, Vec<Change>), Conflict>
        + Send
        + Sync
        + 'static,
{
    let catalog = opened(data, diagnostics)?;
    let who = data.who().await;
    let change = Arc::new(change);
    let mut tries = 0;
    let outcome = loop {
        let change = Arc::clone(&change);
        let outcome = catalog.commit(who, move |document| change(document)).await;
        let taken = matches!(
            &outcome,
            Err(CommitError::Conflict(Conflict::HandleTaken { .. }))
        );
        if !taken || tries == HANDLE_TRIES {
            break outcome;
        }
        // Another resource of the same run may be about to free it.
        tries += 1;
        tokio::time::sleep(HANDLE_PAUSE).await;
    };
    match outcome {
        Ok(committed) => {
            warn_of_handles(&committed.value, diagnostics);
            committed.document.integration(&id).map(State::from)
        }
        Err(error) => {
            diagnostics.push(not_committed(catalog, &error));
            None
        }
    }
}

fn not_committed(catalog: &Catalog, error: &CommitError<Conflict>) -> Diagnostic {
    let place = catalog.place();
    match error {
        CommitError::Conflict(conflict) => match conflict {
            Conflict::HandleTaken { handle, .. } => Diagnostic::error(
                "Integration handle taken",
                format!(
                    "{} in the tenant {:?}: integration handles are unique in a tenant. Choose another handle (to \
                     swap two, give one of them a third handle first), or, if that integration is meant to be this new \
                     one, import it: terraform import ADDRESS {handle}.",
                    sentence(conflict).trim_end_matches('.'),
                    catalog.tenant()
                ),
            )
            .at(Path::of("handle")),
            Conflict::Gone => Diagnostic::error(
                "The integration is gone",
                format!(
                    "It was removed from the catalog at {place} after this plan was made. Plan again: the new plan shows \
                     what has to be created."
                ),
            ),
            Conflict::NoDocument => missing(catalog),
            Conflict::IdTaken(_) => Diagnostic::error(
                "ID taken",
                format!("{} Apply again: another ID is drawn.", sentence(conflict)),
            ),
        },
        CommitError::Read(error) => unreadable(error),
        error => Diagnostic::error("The catalog was not changed", sentence(error)),
    }
}

/// A line for each item, as far as [`LISTED`] goes.
fn listed(items: impl ExactSizeIterator<Item: Display>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let mut lines: Vec<String> = items.take(LISTED).map(|item| format!("- {item}")).collect();
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}

fn warn_of_handles(notices: &[HandleNotice], diagnostics: &mut Diagnostics) {
    let texts = |wanted: fn(&HandleNotice) -> bool| {
        let found: Vec<&HandleNotice> = notices.iter().filter(|notice| wanted(notice)).collect();
        (!found.is_empty()).then(|| listed(found.iter()))
    };
    if let Some(taken) = texts(|notice| matches!(notice, HandleNotice::Taken { .. })) {
        diagnostics.warning(
            "Handles taken by others in the tenant",
            format!(
                "Handles are unique in the tenant, so these are published with their ID:\n{taken}\nTo choose the handles \
                 yourself, use handle_prefix or initial_handles."
            ),
        );
    }
    if let Some(passed) = texts(|notice| matches!(notice, HandleNotice::Passed { .. })) {
        diagnostics.warning(
            "Handles pass to other accounts",
            format!(
                "Whoever uses these handles reaches another account after this change:\n{passed}\nTell who uses them, or \
                 rename the accounts."
            ),
        );
    }
}

/// What a plan of one configuration sees in the catalog may be changed by the same run, so conflicts are warnings here
/// and errors at apply.
async fn warn_of_conflicts(catalog: &Catalog, planned: &State, diagnostics: &mut Diagnostics) {
    /// Stands for an ID that is drawn at apply.
    const NEW: &str = "in_";

    let Ok(Some(document)) = catalog.read().await else {
        return;
    };
    let id = planned.id.known().map_or(NEW, String::as_str);
    let Ok(integration) = planned.integration(id) else {
        return;
    };
    if let Some(holder) = document.integration_by_handle(&integration.handle)
        && holder.id != id
    {
        diagnostics.warning_at(
            Path::of("handle"),
            "Integration handle taken",
            format!(
                "The handle {:?} is taken by the integration {} of the tenant {:?}. Unless this run frees it, the apply \
                 will fail: choose another handle, or import that integration.",
                integration.handle,
                holder.id,
                catalog.tenant()
            ),
        );
        // If the run frees it, as when it replaces that integration, what else it holds goes as well.
        return;
    }
    let (_, notices) = settle_in(&document, integration);
    warn_of_handles(&notices, diagnostics);
}
