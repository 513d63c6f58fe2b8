//! The side effects of a change on permissions and overrides.

use super::objects::{Integration, Scoped};
use super::tenant::{ForEachKind, Kind, Tenant, for_each_kind};

/// Descriptions of permissions and overrides that a change affects without naming them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SideEffects {
    /// Their folder or connection leaves.
    pub dormant: Vec<String>,
    /// They are removed with their integration.
    pub removed: Vec<String>,
}

impl SideEffects {
    /// The side effects of a change from `before` to `after`.
    pub fn between(before: &Tenant, after: &Tenant) -> Self {
        let mut comparison = Comparison {
            before,
            after,
            found: Self::default(),
        };
        for_each_kind(&mut comparison);
        comparison.found
    }
}

struct Comparison<'a> {
    before: &'a Tenant,
    after: &'a Tenant,
    found: SideEffects,
}

impl ForEachKind for Comparison<'_> {
    fn kind<T: Kind>(&mut self) {
        for object in self.before.each::<T>() {
            let Some(scoped) = object.scoped() else {
                continue;
            };
            let integration_id = scoped.integration_id();
            let Some(was) = self.before.get::<Integration>(integration_id) else {
                continue;
            };
            let Some(is) = self.after.get::<Integration>(integration_id) else {
                self.found.removed.push(described(object.id(), scoped));
                continue;
            };
            let still = self.after.get::<T>(object.id()).and_then(T::scoped);
            let leaves = still.is_some_and(|still| still.target().is_missing(&is.mirror));
            if leaves && !scoped.target().is_missing(&was.mirror) {
                self.found.dormant.push(described(object.id(), scoped));
            }
        }
    }
}

fn described(id: &str, scoped: &dyn Scoped) -> String {
    let target = scoped.target();
    match scoped.grantee() {
        Some(grantee) => format!("the permission on {target} for \"{grantee}\" ({id})"),
        None => format!("the override of {target} ({id})"),
    }
}
