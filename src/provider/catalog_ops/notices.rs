//! Warnings about handles and publications.

use crate::catalog::PublicationWarning;
use crate::model::checks::sentence;
use crate::model::handle_assignment::HandleNotice;
use crate::provider::messages::listed;
use terraform_plugin::diagnostics::Diagnostics;

pub(super) fn warn_of_handles<'a>(
    notices: impl Iterator<Item = &'a HandleNotice>,
    diagnostics: &mut Diagnostics,
) {
    let (taken, reassigned): (Vec<_>, Vec<_>) =
        notices.partition(|notice| matches!(notice, HandleNotice::Taken { .. }));
    if !taken.is_empty() {
        let taken = listed(taken.iter());
        diagnostics.warning(
            "Handles already taken in the tenant",
            format!(
                "Handles are unique in the tenant, so these are published with their ID:\n{taken}\nTo choose the handles \
                 yourself, use handle_prefix or initial_handles of the integration, or an override."
            ),
        );
    }
    if !reassigned.is_empty() {
        let reassigned = listed(reassigned.iter());
        diagnostics.warning(
            "Handles reassigned to other accounts",
            format!(
                "Whoever uses these handles reaches another account after this change:\n{reassigned}\nTell their \
                 users, rename the accounts, or keep the handles where they were with overrides."
            ),
        );
    }
}

pub(super) fn warn_of_publications(warnings: &[PublicationWarning], diagnostics: &mut Diagnostics) {
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
            "Workspace publication notices",
            format!("This is new in the files of workspaces:\n{notices}"),
        );
    }
}
