//! Diagnostics of the server itself.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use crate::proto::tfplugin6;

use super::super::codec::CodecError;
use super::super::diagnostics::{Diagnostic, Diagnostics};
use super::super::path::Path;

/// A single diagnostic as an answer carries it.
pub(super) fn to_wire(diagnostic: Diagnostic) -> Vec<tfplugin6::Diagnostic> {
    let mut diagnostics = Diagnostics::new();
    diagnostics.push(diagnostic);
    diagnostics.into_proto()
}

/// An error: the provider has no type of this name.
pub(super) fn unknown_type(kind: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Unknown {kind} type"),
        format!(
            "This version of the provider has no {kind} {name:?}. Use a version that has it, or correct the name."
        ),
    )
}

/// An error: the provider has nothing of this kind.
pub(super) fn unsupported(kind: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{kind} not supported"),
        format!("This version of the provider offers no {kind}."),
    )
}

/// Refuses a stored state or identity whose schema is newer than the provider's.
///
/// # Errors
/// If its version is above `known`.
pub(super) fn refuse_newer(
    what: &str,
    type_name: &str,
    version: i64,
    known: i64,
) -> Result<(), Diagnostic> {
    if version <= known {
        return Ok(());
    }
    Err(Diagnostic::error(
        "State of a newer provider",
        format!(
            "The {what} of this {type_name} has schema version {version}; this version of the provider knows up to \
             {known}. Use the newer provider version that wrote it."
        ),
    ))
}

/// Does work that writes nothing, and gives it up when Terraform is to stop.
///
/// # Errors
/// The error of the work, or one that says that it was stopped.
pub(super) async fn unless_stopped<T>(
    cancelled: &CancellationToken,
    work: impl Future<Output = Result<T, Diagnostic>>,
) -> Result<T, Diagnostic> {
    tokio::select! {
        biased;
        outcome = work => outcome,
        () = cancelled.cancelled() => Err(Diagnostic::error(
            "Operation cancelled",
            "Terraform was to stop (Ctrl-C, or an error elsewhere), so what this is about was not looked into. Run it again.",
        )),
    }
}

/// Forgives a value that does not fit the Rust type once the schema has refused it: one report of it is enough.
///
/// # Errors
/// If nothing has been reported yet.
pub(super) fn unless_reported(
    result: Result<(), CodecError>,
    diagnostics: &Diagnostics,
) -> Result<(), Diagnostic> {
    match result {
        Err(_) if diagnostics.has_errors() => Ok(()),
        result => Ok(result?),
    }
}

/// Reports violations that Terraform would refuse as bugs of the provider, with their paths.
pub(super) fn report_violations(
    stage: &str,
    found: Vec<(Path, &'static str)>,
    diagnostics: &mut Diagnostics,
) {
    for (path, problem) in found {
        let place = if path.steps().is_empty() {
            "The object".to_owned()
        } else {
            path.to_string()
        };
        diagnostics.error_at(
            path,
            format!("Bug in the provider: inconsistent {stage}"),
            format!("{place}: {problem}. Nothing is wrong with your configuration; please report this with it."),
        );
    }
}
