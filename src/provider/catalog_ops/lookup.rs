//! Reading the catalog, and finding integrations in it.

use std::sync::Arc;

use crate::catalog::{Catalog, Document, ReadError};
use crate::model::checks::sentence;
use crate::model::objects::Integration;
use crate::model::tenant::Tenant;
use crate::provider::catalog_config;
use crate::provider::data::Data;
use crate::provider::messages::what_it_has;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics, Severity};

/// The catalog; an error where the provider's arguments for it are not known yet.
pub(in crate::provider) fn opened<'a>(
    data: &'a Data,
    diagnostics: &mut Diagnostics,
) -> Option<&'a Catalog> {
    data.catalog()
        .map_err(|unknown| diagnostics.push(unknown.diagnostic("The catalog")))
        .ok()
}

/// The document that a state refers to; an error where there is none.
pub(in crate::provider) async fn existing(
    data: &Data,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>> {
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
pub(in crate::provider) async fn possible(
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

pub(super) fn missing(catalog: &Catalog) -> Diagnostic {
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
pub(super) fn unreadable(error: &ReadError, severity: Severity) -> Diagnostic {
    let summary = catalog_config::summary(error, "The catalog cannot be read");
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

/// How an import names an integration.
#[derive(Debug, Clone, Copy)]
pub(in crate::provider) enum IntegrationBy<'a> {
    /// By handle, alone or as the first part of an import ID.
    Handle(&'a str),
    /// By ID, in an identity.
    Id(&'a str),
}

/// The integration that an import names; an error that lists those there are.
pub(in crate::provider) fn imported_integration<'a>(
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
pub(in crate::provider) fn integration_by<'a>(
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
        let known = what_it_has(
            integrations
                .map(|integration| format!("{:?} (ID {})", integration.handle, integration.id)),
        );
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
pub(in crate::provider) async fn readable(
    data: &Data,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<Document>> {
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
