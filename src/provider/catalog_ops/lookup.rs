//! Reads the catalog, and finds integrations in it.

use std::sync::Arc;

use crate::catalog::{Catalog, Document, ReadError};
use crate::model::checks::sentence;
use crate::model::objects::Integration;
use crate::model::tenant::Tenant;
use crate::provider::catalog_config;
use crate::provider::data::Data;
use crate::provider::messages::what_it_has;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics, Severity};

/// Returns the catalog.
///
/// # Errors
/// If the provider's arguments for it are not known yet.
pub(in crate::provider) fn open_catalog(data: &Data) -> Result<&Catalog, Diagnostic> {
    data.catalog()
        .map_err(|unknown| unknown.diagnostic("The catalog"))
}

/// Reads the document that a state refers to.
///
/// # Errors
/// If there is none, or it cannot be read.
pub(in crate::provider) async fn require_document(
    data: &Data,
) -> Result<Arc<Document>, Diagnostic> {
    find_document(data)
        .await?
        .map_or_else(|| Err(missing_catalog(open_catalog(data)?)), Ok)
}

/// Reads the document, if there is one.
///
/// # Errors
/// If it cannot be read.
pub(in crate::provider) async fn find_document(
    data: &Data,
) -> Result<Option<Arc<Document>>, Diagnostic> {
    open_catalog(data)?
        .read()
        .await
        .map_err(|error| unreadable_catalog(&error, Severity::Error))
}

pub(super) fn missing_catalog(catalog: &Catalog) -> Diagnostic {
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

/// The catalog cannot be read: an error, or a warning in a plan that goes on without it.
pub(super) fn unreadable_catalog(error: &ReadError, severity: Severity) -> Diagnostic {
    let summary = catalog_config::summary(error, "The catalog cannot be read");
    match severity {
        Severity::Error => Diagnostic::error(summary, sentence(error)),
        Severity::Warning => Diagnostic::warning(
            summary,
            format!(
                "{} So this plan shows neither conflicts in the catalog nor changes of workspaces. Unless this run changes \
                 that, the apply will fail.",
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

/// Finds the integration that an import names. If there is none, the error lists the existing ones.
pub(in crate::provider) fn imported_integration<'a>(
    by: IntegrationBy<'_>,
    catalog: &Catalog,
    document: Option<&'a Document>,
    diagnostics: &mut Diagnostics,
) -> Option<&'a Integration> {
    let fix = "Import by the handle, or by identity with the ID.";
    diagnostics.record(find_integration(by, catalog, document, fix))
}

/// Finds an integration.
///
/// # Errors
/// If there is none. The error lists the existing ones and says what to do: `fix`, besides checking the provider.
pub(in crate::provider) fn find_integration<'a>(
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

/// Reads the document for a data source.
///
/// # Errors
/// If there is none, or it cannot be read.
pub(in crate::provider) async fn read_document(data: &Data) -> Result<Arc<Document>, Diagnostic> {
    if let Some(document) = find_document(data).await? {
        return Ok(document);
    }
    let catalog = open_catalog(data)?;
    Err(Diagnostic::error(
        "There is no catalog to read",
        format!(
            "There is no catalog at {} (tenant {:?}). Check the provider's catalog and tenant. If it is made in this same \
             run, let this data source wait for that: refer to the integration, as in integration_id = \
             orgmirror_integration.NAME.id, or set depends_on.",
            catalog.place(),
            catalog.tenant()
        ),
    ))
}
