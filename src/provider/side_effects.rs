//! Warnings of permissions and overrides that lose what they are for.

use crate::model::objects::object::kind_name;
use crate::model::objects::{Integration, Scoped};
use crate::model::side_effects::SideEffects;
use crate::model::tenant::{Kind, Tenant};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::path::Path;

use super::messages::{listed, path_of};

/// Warns of what a change of something else does to permissions and overrides.
pub(super) fn warn_of_side_effects(effects: &SideEffects, diagnostics: &mut Diagnostics) {
    if !effects.dormant.is_empty() {
        diagnostics.warning(
            "Permissions and overrides become dormant",
            format!(
                "Their folder or account leaves the integration:\n{}\nThey stay in the catalog without effect, and come \
                 into force again under the same ID when it returns. If it is gone for good, remove them where they are \
                 declared.",
                listed(effects.dormant.iter())
            ),
        );
    }
    if !effects.removed.is_empty() {
        diagnostics.warning(
            "Permissions and overrides are removed with the integration",
            format!(
                "They belong to the integration, so they are removed from the catalog together with it, and with them what \
                 is published for its connections:\n{}\nWhere another configuration declares them, its next plan will \
                 want to create them again and fail: remove them there.",
                listed(effects.removed.iter())
            ),
        );
    }
}

/// Warns where a permission or override is for a folder or account that was there and is not now.
pub(super) fn warn_if_dormant<T: Kind + Scoped>(
    object: &T,
    tenant: &Tenant,
    diagnostics: &mut Diagnostics,
) {
    let Some(integration) = tenant.get::<Integration>(object.integration_id()) else {
        return;
    };
    let is_held = tenant
        .get::<T>(object.id())
        .is_some_and(|held| held.target() == object.target());
    if is_held && object.target().is_missing(&integration.mirror) {
        let (kind, target, handle) = (kind_name::<T>(), object.target(), &integration.handle);
        diagnostics.warning_at(
            Path::of(path_of(&target)),
            format!("Dormant {kind}"),
            format!(
                "The integration {handle:?} does not have {target} now: it left the AWS organization, or is excluded. This \
                 {kind} stays, without effect, and comes into force again when it returns. If it is gone for good, \
                 remove this resource."
            ),
        );
    }
}
