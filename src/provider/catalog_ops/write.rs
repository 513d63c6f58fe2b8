//! Changes the catalog.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{CommitError, Committed, Document};
use crate::model::admission::Admit;
use crate::model::tenant::{Kind, Tenant};
use crate::provider::data::Data;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::resource::Context;

use super::lookup::open_catalog;
use super::notices::{warn_of_handles, warn_of_publications};
use super::rejections::{Conflict, commit_error};

/// How often a change is retried that another resource of the run may make possible, and the pause before.
const TAKEN_TRIES: usize = 10;
const TAKEN_PAUSE: Duration = Duration::from_millis(100);

/// Whether an object has to be new, or has to be in the catalog already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Put {
    /// It is new.
    Create,
    /// It replaces the one with its ID.
    Update,
}

/// Writes an object, unless the tenant rejects it or `conflict` finds one. `conflict` gets the object, the one that it
/// replaces, and the tenant.
pub(in crate::provider) async fn put<T, C>(
    context: Context<'_, Data>,
    object: T,
    put: Put,
    conflict: C,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>>
where
    T: Admit,
    C: Fn(&T, Option<&T>, &Tenant) -> Result<(), Conflict> + Send + Sync + 'static,
{
    commit(context, diagnostics, move |document| {
        if put == Put::Update && !document.exists() {
            return Err(Conflict::NoDocument);
        }
        let tenant = document.tenant_mut();
        let before = tenant.get::<T>(object.id());
        match (put, before) {
            (Put::Create, Some(_)) => return Err(Conflict::IdTaken(object.id().to_owned())),
            (Put::Update, None) => return Err(Conflict::Gone),
            (Put::Create, None) | (Put::Update, Some(_)) => {}
        }
        object.admit(before, tenant)?;
        conflict(&object, before, tenant)?;
        tenant.put(object.clone());
        Ok(())
    })
    .await
}

/// Removes an object from the catalog. A missing object is no error.
pub(in crate::provider) async fn delete<T: Kind>(
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
    let catalog = diagnostics.record(open_catalog(context.data))?;
    // Boxed, because the compiler limits how deeply futures nest, and this one calls AWS.
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
            diagnostics.push(commit_error(catalog, &error));
            None
        }
    }
}
