//! Diagnostics of changes that the catalog rejects.

use crate::catalog::{Catalog, CommitError};
use crate::model::admission::Rejection;
use crate::model::checks::sentence;
use crate::model::objects::Target;
use crate::provider::catalog_config;
use crate::provider::messages::{listed, path_of};
use crate::provider::regions::own_regions;
use terraform_plugin::diagnostics::{Diagnostic, Severity};
use terraform_plugin::path::Path;

use super::lookup::{missing_catalog, unreadable_catalog};

/// Why a change conflicts with the catalog.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::provider) enum Conflict {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("it is not in the catalog any more")]
    Gone,
    #[error("there is no catalog")]
    NoDocument,
    #[error("the ID {0} is taken")]
    IdTaken(String),
    #[error("{}", .0.join("; "))]
    ProfileNames(Vec<String>),
}

impl Conflict {
    /// Whether another resource of the same run may be about to resolve it.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Conflict::ProfileNames(_)
                | Conflict::Rejected(
                    Rejection::HandleTaken { .. }
                        | Rejection::IntegrationHandleTaken { .. }
                        | Rejection::Overridden { .. }
                        | Rejection::WorkspaceExists(_)
                )
        )
    }
}

/// The diagnostic of a change that was not committed.
pub(super) fn commit_error(catalog: &Catalog, error: &CommitError<Conflict>) -> Diagnostic {
    match error {
        CommitError::Conflict(conflict) => conflict_diagnostic(conflict, catalog, Severity::Error),
        CommitError::Read(error) => unreadable_catalog(error, Severity::Error),
        error => {
            let summary = catalog_config::summary(error, "The catalog was not changed");
            Diagnostic::error(summary, sentence(error))
        }
    }
}

/// The diagnostic of a conflict: an error at apply. A plan only warns, because the same run may resolve the conflict.
pub(super) fn conflict_diagnostic(
    conflict: &Conflict,
    catalog: &Catalog,
    severity: Severity,
) -> Diagnostic {
    match conflict {
        Conflict::Rejected(rejection) => rejection_diagnostic(rejection, catalog, severity),
        Conflict::Gone => Diagnostic::error(
            "Object no longer in the catalog",
            format!(
                "It was removed from the catalog at {} after this plan was made. Plan again: the new plan shows what has \
                 to be created.",
                catalog.place()
            ),
        ),
        Conflict::NoDocument => missing_catalog(catalog),
        Conflict::IdTaken(_) => Diagnostic::error(
            "ID taken",
            format!("{} Apply again: another ID is drawn.", sentence(conflict)),
        ),
        Conflict::ProfileNames(conflicts) => profile_name_conflicts(conflicts, severity),
    }
}

/// The diagnostic of connections that would have no profile: an error at apply and a warning at plan, as in [`rejection_diagnostic`].
fn profile_name_conflicts(conflicts: &[String], severity: Severity) -> Diagnostic {
    let summary = "Handles conflict with profile names";
    let what = format!(
        "A file has one profile of a name, so these connections would have none:\n{}",
        listed(conflicts.iter())
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

/// The diagnostic of a rejected object, with what to do. The same run may change what a plan sees in the catalog, so it is a
/// warning at plan and an error at apply.
pub(super) fn rejection_diagnostic(
    rejection: &Rejection,
    catalog: &Catalog,
    severity: Severity,
) -> Diagnostic {
    let what = sentence(rejection);
    let (path, summary, fix) = match rejection {
        Rejection::NoIntegration(_) => (
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
        Rejection::NoFolder { folder, .. } => (
            Path::of(path_of(&Target::Folder(folder))),
            "No such folder",
            "Give the ID or the path of a folder that is mirrored; the attribute folders of the integration has them \
             all."
                .to_owned(),
        ),
        Rejection::NoAccount { .. } => (
            Path::of("account_id"),
            "No such account",
            "Give the ID of an account that is mirrored; the attribute connections of the integration has them all."
                .to_owned(),
        ),
        Rejection::OutOfScope(_) => (
            Path::of("grantee"),
            "Grantee out of scope",
            "Choose a grantee in its organization, or make the integration a tenant-level one, without organization."
                .to_owned(),
        ),
        Rejection::OtherPartition {
            attribute,
            partition,
            ..
        } => (
            Path::of(*attribute),
            "Value in another partition",
            if *attribute == "role_arn" {
                format!("Give a role of the partition {partition}.")
            } else {
                own_regions(partition)
            },
        ),
        Rejection::HandleTaken { .. } => (
            Path::of("handle"),
            "Handle taken",
            format!(
                "Effective handles are unique in the tenant {:?}. Choose another handle, or give the holder one by an \
                 override first (to swap two, give one of them a third handle first).",
                catalog.tenant()
            ),
        ),
        Rejection::Overridden { import_id, .. } => (
            Path::root(),
            "An override already exists",
            format!(
                "There is one override for each folder or connection. Change that one where it is declared, or, if it is \
                 meant to be this one, import it: terraform import ADDRESS '{import_id}'. If this one replaces it, \
                 remove create_before_destroy."
            ),
        ),
        Rejection::IntegrationHandleTaken { handle, .. } => (
            Path::of("handle"),
            "Integration handle taken",
            format!(
                "Integration handles are unique in the tenant {:?}. Choose another handle (to swap two, give one of them \
                 a third handle first), or, if that integration is meant to be this new one, import it: terraform \
                 import ADDRESS {handle}.",
                catalog.tenant()
            ),
        ),
        Rejection::WorkspaceExists(name) => (
            Path::of("handle"),
            "Workspace already exists",
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
