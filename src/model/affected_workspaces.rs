//! The workspaces that a change affects.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::grantee::Grantee;
use super::objects::{Concerns, Workspace};
use super::tenant::{ForEachKind, Kind, Tenant, for_each_kind};

/// A filter for the workspaces whose publications a change may alter.
pub fn affected_filter(before: &Tenant, after: &Tenant) -> impl Fn(&Workspace) -> bool {
    let mut change = Change {
        before,
        after,
        all: false,
        grantees: BTreeSet::new(),
        workspaces: BTreeSet::new(),
    };
    for_each_kind(&mut change);
    let Change {
        all,
        grantees,
        workspaces,
        ..
    } = change;
    move |workspace| {
        all || workspaces.contains(&workspace.id)
            || grantees
                .iter()
                .any(|grantee| grantee.covers(&workspace.organization, &workspace.handle, None))
    }
}

/// What the objects that a change adds, removes or replaces concern.
struct Change<'a> {
    before: &'a Tenant,
    after: &'a Tenant,
    all: bool,
    grantees: BTreeSet<Grantee>,
    workspaces: BTreeSet<String>,
}

impl ForEachKind for Change<'_> {
    fn kind<T: Kind>(&mut self) {
        let (before, after) = (T::all(self.before), T::all(self.after));
        let differs = |object: &Arc<T>, other: Option<&Arc<T>>| {
            other.is_none_or(|other| !Arc::ptr_eq(object, other) && object != other)
        };
        // A changed object counts with its old and its new content.
        let gone = before
            .iter()
            .filter(|(id, object)| differs(object, after.get(*id)));
        let come = after
            .iter()
            .filter(|(id, object)| differs(object, before.get(*id)));
        for (_, object) in gone.chain(come) {
            match object.concerns() {
                Concerns::All => self.all = true,
                Concerns::CoveredBy(grantee) => {
                    self.grantees.insert(grantee.clone());
                }
                Concerns::Workspace(id) => {
                    self.workspaces.insert(id.to_owned());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{
        A, connection_override, connection_permission, folder_override, folder_permission,
        integration, workspace,
    };

    const ALL: [&str; 3] = ["acme/finops", "acme/security", "beta/all"];

    fn tenant() -> Tenant {
        let mut tenant = Tenant::new("acme");
        for name in ALL {
            tenant.put(workspace(name));
        }
        tenant.put(folder_permission("fp_a", "in_a", "/", "acme/security"));
        tenant
    }

    /// The workspaces that a change of [`tenant`] affects.
    fn after(change: impl FnOnce(&mut Tenant)) -> Vec<String> {
        let before = tenant();
        let mut after = before.clone();
        change(&mut after);
        let is_affected = affected_filter(&before, &after);
        let workspaces = after.each::<Workspace>();
        workspaces
            .filter(|workspace| is_affected(workspace))
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_permission_is_about_those_whom_it_covers() {
        let put = |grantee: &'static str| {
            move |tenant: &mut Tenant| tenant.put(folder_permission("fp_b", "in_a", "/", grantee))
        };
        assert_eq!(after(put("*")), ALL);
        assert_eq!(after(put("acme")), ALL[..2]);
        assert_eq!(after(put("beta/all")), ALL[2..]);
        assert_eq!(after(put("beta/other")), [""; 0]);
        let connection =
            after(|tenant| tenant.put(connection_permission("cp_a", "in_a", A, "beta")));
        assert_eq!(connection, ALL[2..]);
        // Removed, or for another from now on: both are affected.
        let removed = after(|tenant| {
            tenant.folder_permissions.remove("fp_a");
        });
        assert_eq!(removed, ["acme/security"]);
        let passed = after(|tenant| tenant.put(folder_permission("fp_a", "in_a", "/", "beta")));
        assert_eq!(passed, ["acme/security", "beta/all"]);
    }

    #[test]
    fn a_workspace_is_about_itself_and_all_else_about_all() {
        assert_eq!(after(|_| {}), [""; 0]);
        // Put back as it was, it is another object of the same content.
        assert_eq!(after(|tenant| tenant.put(workspace(ALL[0]))), [""; 0]);
        let changed = after(|tenant| {
            tenant.put(Workspace {
                attach: Some(BTreeSet::new()),
                ..workspace(ALL[0])
            });
        });
        assert_eq!(changed, ALL[..1]);
        let connection = after(|tenant| tenant.put(connection_override("co_a", "in_a", A, "")));
        assert_eq!(connection, ALL);
        let folder = after(|tenant| tenant.put(folder_override("fo_a", "in_a", "/", "")));
        assert_eq!(folder, ALL);
        let mirrored = after(|tenant| tenant.put(integration("in_a", &[], &[], None)));
        assert_eq!(mirrored, ALL);
    }
}
