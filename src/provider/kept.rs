//! What resources have in common that the catalog keeps: reading it, changing it, and saying why it refuses.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{
    Catalog, CommitError, Committed, Document, PublicationWarning, ReadError, random_id,
};
use crate::framework::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::framework::path::Path;
use crate::framework::resource::Context;
use crate::model::admission::{Admitted, Refusal};
use crate::model::belonging::{Affected, Target};
use crate::model::effective::{HandleNotice, settle};
use crate::model::folder_ref::FolderRef;
use crate::model::integration::Integration;
use crate::model::reach::compare;
use crate::model::tenant::{Held, Tenant};

use super::arguments::sentence;
use super::dormancy::warn_of_affected;
use super::late::NotKnown;
use super::orgmirror::Data;
use super::reach;
use super::regions::own_regions;
use super::storage;

/// How often what is taken is tried again, and the pause before.
const TAKEN_TRIES: usize = 10;
const TAKEN_PAUSE: Duration = Duration::from_millis(100);

/// Things that a message lists by name; beyond that it says how many more there are.
const LISTED: usize = 20;

/// Why a change does not fit the catalog as it is.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Conflict {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("it is not in the catalog any more")]
    Gone,
    #[error("there is no catalog")]
    NoDocument,
    #[error("the ID {0} is taken")]
    IdTaken(String),
    #[error("{}", .0.join("; "))]
    Clash(Vec<String>),
}

impl Conflict {
    /// Whether another resource of the same run may be about to make it fit.
    fn may_pass(&self) -> bool {
        matches!(
            self,
            Conflict::Clash(_)
                | Conflict::Refused(
                    Refusal::HandleTaken { .. }
                        | Refusal::IntegrationHandleTaken { .. }
                        | Refusal::Overridden { .. }
                        | Refusal::WorkspaceExists(_)
                )
        )
    }
}

/// A new ID of a kind of object.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}{}", random_id())
}

/// What a plan makes of the catalog, at apply, when everything is known.
pub(super) fn complete<T>(object: Result<T, NotKnown>, diagnostics: &mut Diagnostics) -> Option<T> {
    object
        .map_err(|error| {
            diagnostics.error(
                "Bug in the provider: incomplete plan",
                format!("While applying, {error}. Nothing was changed; please report this."),
            );
        })
        .ok()
}

/// The catalog; an error where the provider's arguments for it are not known yet.
pub(super) fn opened<'a>(data: &'a Data, diagnostics: &mut Diagnostics) -> Option<&'a Catalog> {
    data.catalog()
        .map_err(|unknown| diagnostics.push(unknown.diagnostic("The catalog")))
        .ok()
}

/// The document that a state refers to; an error where there is none.
pub(super) async fn existing(data: &Data, diagnostics: &mut Diagnostics) -> Option<Arc<Document>> {
    let catalog = opened(data, diagnostics)?;
    match catalog.read().await {
        Ok(Some(document)) => Some(document),
        Ok(None) => {
            diagnostics.push(missing(catalog));
            None
        }
        Err(error) => {
            diagnostics.push(unreadable(&error, Severity::Error));
            None
        }
    }
}

/// The document, if there is one.
pub(super) async fn possible(
    data: &Data,
    diagnostics: &mut Diagnostics,
) -> Option<Option<Arc<Document>>> {
    let catalog = opened(data, diagnostics)?;
    catalog
        .read()
        .await
        .map_err(|error| diagnostics.push(unreadable(&error, Severity::Error)))
        .ok()
}

fn missing(catalog: &Catalog) -> Diagnostic {
    Diagnostic::error(
        "The catalog is missing",
        format!(
            "The state refers to a catalog, and there is none at {} (tenant {:?}). Check the provider's catalog and \
             tenant, and that Terraform runs in the same directory: a fresh CI runner does not have the catalog of a \
             laptop, so pipelines need one that every run reaches: S3, or a shared directory. If the catalog was deleted \
             on purpose, run terraform state rm for what it kept, and apply anew: everything gets new IDs.",
            catalog.place(),
            catalog.tenant()
        ),
    )
}

/// An error of whoever needs the catalog, and a warning of a plan that is made without it.
fn unreadable(error: &ReadError, severity: Severity) -> Diagnostic {
    let summary = storage::summary(error, "The catalog cannot be read");
    match severity {
        Severity::Error => Diagnostic::error(summary, sentence(error)),
        Severity::Warning => Diagnostic::warning(
            summary,
            format!(
                "{} So this plan does not tell what its changes meet in the catalog, and what reaches workspaces. Unless \
                 this run changes that, the apply will fail.",
                sentence(error)
            ),
        ),
    }
}

/// Adds an object to the catalog.
pub(super) async fn create<T>(
    context: Context<'_, Data>,
    object: T,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>>
where
    T: Admitted + Clone + Send + Sync,
{
    create_unless(context, object, |_, _, _| Ok(()), diagnostics).await
}

/// [`create`] unless `conflict`, which is given the object, the one in its place, and the tenant, finds one.
pub(super) async fn create_unless<T, C>(
    context: Context<'_, Data>,
    object: T,
    conflict: C,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>>
where
    T: Admitted + Clone + Send + Sync,
    C: Fn(&T, Option<&T>, &Tenant) -> Result<(), Conflict> + Send + Sync + 'static,
{
    put(context, object, true, conflict, diagnostics).await
}

/// Replaces an object in the catalog.
pub(super) async fn update<T>(
    context: Context<'_, Data>,
    object: T,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>>
where
    T: Admitted + Clone + Send + Sync,
{
    update_unless(context, object, |_, _, _| Ok(()), diagnostics).await
}

/// [`update`] unless `conflict` finds one, as in [`create_unless`].
pub(super) async fn update_unless<T, C>(
    context: Context<'_, Data>,
    object: T,
    conflict: C,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>>
where
    T: Admitted + Clone + Send + Sync,
    C: Fn(&T, Option<&T>, &Tenant) -> Result<(), Conflict> + Send + Sync + 'static,
{
    put(context, object, false, conflict, diagnostics).await
}

/// Writes an object that has to be new, or has to be there.
async fn put<T, C>(
    context: Context<'_, Data>,
    object: T,
    is_new: bool,
    conflict: C,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>>
where
    T: Admitted + Clone + Send + Sync,
    C: Fn(&T, Option<&T>, &Tenant) -> Result<(), Conflict> + Send + Sync + 'static,
{
    commit(context, diagnostics, move |document| {
        if !is_new && !document.exists() {
            return Err(Conflict::NoDocument);
        }
        let tenant = document.tenant_mut();
        let before = tenant.get::<T>(object.id());
        match before {
            Some(_) if is_new => return Err(Conflict::IdTaken(object.id().to_owned())),
            None if !is_new => return Err(Conflict::Gone),
            _ => {}
        }
        object.admit(before, tenant)?;
        conflict(&object, before, tenant)?;
        tenant.put(object.clone());
        Ok(())
    })
    .await
}

/// Removes an object from the catalog. One that is not there any more is no error.
pub(super) async fn delete<T: Held>(
    context: Context<'_, Data>,
    id: String,
    diagnostics: &mut Diagnostics,
) {
    commit(context, diagnostics, move |document| {
        if !document.exists() {
            return Err(Conflict::NoDocument);
        }
        document.tenant_mut().remove::<T>(&id);
        Ok(())
    })
    .await;
}

async fn commit<F>(
    context: Context<'_, Data>,
    diagnostics: &mut Diagnostics,
    change: F,
) -> Option<Arc<Document>>
where
    F: Fn(&mut Document) -> Result<(), Conflict> + Send + Sync + 'static,
{
    let catalog = opened(context.data, diagnostics)?;
    // Boxed, because the compiler follows futures only so deep, and this one calls AWS.
    let who = Box::pin(context.data.who()).await;
    let change = Arc::new(change);
    let mut tries = 0;
    let outcome = loop {
        let change = Arc::clone(&change);
        let outcome = catalog
            .commit_unless_stopped(who, context.cancelled, move |document| change(document))
            .await;
        match &outcome {
            Err(CommitError::Conflict(conflict)) if conflict.may_pass() && tries < TAKEN_TRIES => {
                tries += 1;
                tokio::time::sleep(TAKEN_PAUSE).await;
            }
            _ => break outcome,
        }
    };
    match outcome {
        Ok(Committed {
            document,
            notices,
            warnings,
            ..
        }) => {
            warn_of_handles(notices.iter(), diagnostics);
            warn_of_publications(&warnings, diagnostics);
            Some(document)
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
            Conflict::Refused(refusal) => refused(refusal, catalog, Severity::Error),
            Conflict::Gone => Diagnostic::error(
                "It is gone from the catalog",
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
            Conflict::Clash(clashes) => clashing(clashes, Severity::Error),
        },
        CommitError::Read(error) => unreadable(error, Severity::Error),
        error => {
            let summary = storage::summary(error, "The catalog was not changed");
            Diagnostic::error(summary, sentence(error))
        }
    }
}

/// Connections that would have no profile: an error at apply and a warning at plan, as in [`refused`].
pub(super) fn clashing(clashes: &[String], severity: Severity) -> Diagnostic {
    let summary = "Handles clash with profiles";
    let what = format!(
        "A file has one profile of a name, so these connections would have none:\n{}",
        listed(clashes.iter())
    );
    let fix = "Give those connections other handles by overrides, or the profiles other names in publish.aws_config; or \
               attach only what the workspace needs.";
    let diagnostic = match severity {
        Severity::Error => Diagnostic::error(summary, format!("{what}\n{fix}")),
        Severity::Warning => Diagnostic::warning(
            summary,
            format!("{what}\nUnless this run changes that, the apply will fail. {fix}"),
        ),
    };
    diagnostic.at(Path::of("publish"))
}

/// Why an object does not fit, and what to do. What a plan of one configuration sees in the catalog may be changed by the
/// same run, so it is a warning there and an error at apply.
fn refused(refusal: &Refusal, catalog: &Catalog, severity: Severity) -> Diagnostic {
    let what = sentence(refusal);
    let (path, summary, fix) = match refusal {
        Refusal::NoIntegration(_) => (
            Path::of("integration_id"),
            "No such integration",
            format!(
                "The catalog at {} (tenant {:?}) does not have it. Give the ID of an integration: \
                 orgmirror_integration.NAME.id, or data.orgmirror_integration.NAME.id where it is declared in another \
                 configuration; and check the provider's tenant and catalog.",
                catalog.place(),
                catalog.tenant()
            ),
        ),
        Refusal::NoFolder { folder, .. } => (
            Path::of(path_of(&Target::Folder(folder))),
            "No such folder",
            "Give the ID or the path of a folder that is mirrored; the attribute folders of the integration has them \
             all."
                .to_owned(),
        ),
        Refusal::NoAccount { .. } => (
            Path::of("account_id"),
            "No such account",
            "Give the ID of an account that is mirrored; the attribute connections of the integration has them all."
                .to_owned(),
        ),
        Refusal::OutOfScope(_) => (
            Path::of("grantee"),
            "Grantee out of scope",
            "Choose a grantee in its organization, or make the integration a tenant-level one, without organization."
                .to_owned(),
        ),
        Refusal::OtherPartition {
            attribute,
            partition,
            ..
        } => (
            Path::of(*attribute),
            "Another partition",
            if *attribute == "role_arn" {
                format!("Give a role of the partition {partition}.")
            } else {
                own_regions(partition)
            },
        ),
        Refusal::HandleTaken { .. } => (
            Path::of("handle"),
            "Handle taken",
            format!(
                "Effective handles are unique in the tenant {:?}. Choose another handle, or give the holder one by an \
                 override first (to swap two, give one of them a third handle first).",
                catalog.tenant()
            ),
        ),
        Refusal::Overridden { import_id, .. } => (
            Path::root(),
            "Overridden already",
            format!(
                "There is one override for each folder or connection. Change that one where it is declared, or, if it is \
                 meant to be this one, import it: terraform import ADDRESS '{import_id}'. If this one replaces it, \
                 remove create_before_destroy."
            ),
        ),
        Refusal::IntegrationHandleTaken { handle, .. } => (
            Path::of("handle"),
            "Integration handle taken",
            format!(
                "Integration handles are unique in the tenant {:?}. Choose another handle (to swap two, give one of them \
                 a third handle first), or, if that integration is meant to be this new one, import it: terraform \
                 import ADDRESS {handle}.",
                catalog.tenant()
            ),
        ),
        Refusal::WorkspaceExists(name) => (
            Path::of("handle"),
            "Workspace exists",
            format!(
                "There is one workspace of a name in the tenant {:?}. Choose another handle, or, if it is meant to be \
                 this one, import it: terraform import ADDRESS {name}. If this one replaces it, remove \
                 create_before_destroy.",
                catalog.tenant()
            ),
        ),
    };
    let diagnostic = match severity {
        Severity::Error => Diagnostic::error(summary, format!("{what} {fix}")),
        Severity::Warning => Diagnostic::warning(
            summary,
            format!("{what} Unless this run changes that, the apply will fail. {fix}"),
        ),
    };
    diagnostic.at(path)
}

/// The attribute that says what a permission or override is for.
pub(super) fn path_of(target: &Target<'_>) -> &'static str {
    match target {
        Target::Folder(FolderRef::Id(_)) => "folder_id",
        Target::Folder(FolderRef::Path(_)) => "folder_path",
        Target::Account(_) => "account_id",
    }
}

/// A line for each item, as far as [`LISTED`] goes.
pub(super) fn listed(items: impl ExactSizeIterator<Item: Display>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let mut lines: Vec<String> = items.take(LISTED).map(|item| format!("- {item}")).collect();
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}

fn warn_of_handles<'a>(
    notices: impl Iterator<Item = &'a HandleNotice>,
    diagnostics: &mut Diagnostics,
) {
    let (taken, passed): (Vec<_>, Vec<_>) =
        notices.partition(|notice| matches!(notice, HandleNotice::Taken { .. }));
    if !taken.is_empty() {
        let taken = listed(taken.iter());
        diagnostics.warning(
            "Handles taken by others in the tenant",
            format!(
                "Handles are unique in the tenant, so these are published with their ID:\n{taken}\nTo choose the handles \
                 yourself, use handle_prefix or initial_handles of the integration, or an override."
            ),
        );
    }
    if !passed.is_empty() {
        let passed = listed(passed.iter());
        diagnostics.warning(
            "Handles pass to other accounts",
            format!(
                "Whoever uses these handles reaches another account after this change:\n{passed}\nTell who uses them, \
                 rename the accounts, or keep the handles where they were with overrides."
            ),
        );
    }
}

fn warn_of_publications(warnings: &[PublicationWarning], diagnostics: &mut Diagnostics) {
    let (notices, failures): (Vec<_>, Vec<_>) =
        warnings.iter().partition(|warning| warning.is_notice());
    if !failures.is_empty() {
        let failures = listed(failures.iter().map(sentence));
        diagnostics.warning(
            "Not everything was published",
            format!(
                "The catalog is written, but these files are not what it says:\n{failures}\nA plan shows such a \
                 workspace with in_sync = false, and the next apply repairs it once the cause is gone."
            ),
        );
    }
    if !notices.is_empty() {
        let notices = listed(notices.iter());
        diagnostics.warning(
            "What to know of publications",
            format!("This is new in the files of workspaces:\n{notices}"),
        );
    }
}

/// Warns of what a planned change of the catalog meets and does: why it would be refused, whose handles change, and what
/// reaches workspaces; and that it is not known where the catalog cannot be read. Writes nothing.
pub(super) async fn warn_of_change(
    data: &Data,
    change: impl FnOnce(&mut Tenant) -> Result<(), Refusal>,
    diagnostics: &mut Diagnostics,
) {
    let Ok(catalog) = data.catalog() else {
        return;
    };
    // Terraform plans during an apply, too, and then applies what it planned.
    let _expected = catalog.expect_commit();
    let document = match catalog.read().await {
        Ok(Some(document)) => document,
        Ok(None) => return,
        Err(error) => {
            diagnostics.push(unreadable(&error, Severity::Warning));
            return;
        }
    };
    let before = document.tenant();
    let mut after = before.clone();
    if let Err(refusal) = change(&mut after) {
        diagnostics.push(refused(&refusal, catalog, Severity::Warning));
        return;
    }
    let is_known = |integration: &Integration| integration.mirror.is_known();
    if !after.each::<Integration>().all(is_known) {
        // What is not known yet would look as if it were gone. The apply plans again, and tells then.
        return;
    }
    let notices = settle(&mut after, before);
    warn_of_handles(notices.iter(), diagnostics);
    warn_of_affected(&Affected::between(before, &after), diagnostics);
    reach::warn(&compare(before, &after), diagnostics);
}

/// [`warn_of_change`] of an object that is created or changed.
pub(super) async fn warn_of_object<T: Admitted>(
    data: &Data,
    object: T,
    diagnostics: &mut Diagnostics,
) {
    let put = move |tenant: &mut Tenant| {
        object.admit(tenant.get::<T>(object.id()), tenant)?;
        tenant.put(object);
        Ok(())
    };
    warn_of_change(data, put, diagnostics).await;
}

/// [`warn_of_change`] of an object that is destroyed, with what belongs to it, and created anew.
pub(super) async fn warn_of_replacement<T: Admitted>(
    data: &Data,
    replaced: &str,
    object: T,
    diagnostics: &mut Diagnostics,
) {
    let replace = |tenant: &mut Tenant| {
        tenant.remove::<T>(replaced);
        object.admit(None, tenant)?;
        tenant.put(object);
        Ok(())
    };
    warn_of_change(data, replace, diagnostics).await;
}

/// [`warn_of_change`] of an object that is destroyed.
pub(super) async fn warn_of_removal<T: Held>(data: &Data, id: &str, diagnostics: &mut Diagnostics) {
    let remove = |tenant: &mut Tenant| {
        tenant.remove::<T>(id);
        Ok(())
    };
    warn_of_change(data, remove, diagnostics).await;
}

/// How an import names an integration.
#[derive(Debug, Clone, Copy)]
pub(super) enum IntegrationBy<'a> {
    /// By handle, alone or as the first part of an import ID.
    Handle(&'a str),
    /// By ID, in an identity.
    Id(&'a str),
}

/// The integration that an import names; an error that lists those there are.
pub(super) fn imported_integration<'a>(
    by: IntegrationBy<'_>,
    catalog: &Catalog,
    document: Option<&'a Document>,
    diagnostics: &mut Diagnostics,
) -> Option<&'a Integration> {
    let fix = "Import by the handle, or by identity with the ID.";
    integration_by(by, catalog, document, fix)
        .map_err(|diagnostic| diagnostics.push(diagnostic))
        .ok()
}

/// An integration; an error that lists those there are, and says what to do: `fix`, besides checking the provider.
pub(super) fn integration_by<'a>(
    by: IntegrationBy<'_>,
    catalog: &Catalog,
    document: Option<&'a Document>,
    fix: &str,
) -> Result<&'a Integration, Diagnostic> {
    let tenant = document.map(Document::tenant);
    let (found, asked) = match by {
        IntegrationBy::Handle(handle) => (
            tenant.and_then(|tenant| tenant.integration_by_handle(handle)),
            format!("handle {handle:?}"),
        ),
        IntegrationBy::Id(id) => (
            tenant.and_then(|tenant| tenant.get::<Integration>(id)),
            format!("ID {id:?}"),
        ),
    };
    found.ok_or_else(|| {
        let integrations = tenant.into_iter().flat_map(Tenant::each::<Integration>);
        let mut all: Vec<String> = integrations
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
                "The catalog at {} (tenant {:?}) has no integration with the {asked}; {known}. {fix} Check also \
                 the provider's tenant and catalog.",
                catalog.place(),
                catalog.tenant()
            ),
        )
    })
}

/// The document that a data source reads; an error where there is none.
pub(super) async fn readable(data: &Data, diagnostics: &mut Diagnostics) -> Option<Arc<Document>> {
    let document = possible(data, diagnostics).await?;
    if document.is_none() {
        let catalog = opened(data, diagnostics)?;
        diagnostics.error(
            "There is no catalog to read",
            format!(
                "There is no catalog at {} (tenant {:?}). Check the provider's catalog and tenant. If it is made in this \
                 same run, let this data source wait for that: refer to the integration, as in integration_id = \
                 orgmirror_integration.NAME.id, or set depends_on.",
                catalog.place(),
                catalog.tenant()
            ),
        );
    }
    document
}
