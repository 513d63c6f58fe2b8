//! Which workspaces a change is about.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::grantee::Grantee;
use super::tenant::{Held, Kept, Tenant};
use super::workspace::Workspace;

/// Tells for which workspaces other things may be published after a change than before. What a permission says matters
/// to those whom it covers, and everything else to all.
pub fn affected(before: &Tenant, after: &Tenant) -> impl Fn(&Workspace) -> bool {
    // Taken apart in full, so that a new kind cannot be forgotten here.
    let Tenant {
        handle: _,
        integrations,
        folder_permissions,
        connection_permissions,
        folder_overrides,
        connection_overrides,
        workspaces,
    } = after;
    let is_every = !replaced(&before.integrations, integrations).is_empty()
        || !replaced(&before.folder_overrides, folder_overrides).is_empty()
        || !replaced(&before.connection_overrides, connection_overrides).is_empty();
    let folders = replaced(&before.folder_permissions, folder_permissions);
    let connections = replaced(&before.connection_permissions, connection_permissions);
    let folders = folders.into_iter().map(|permission| &permission.grantee);
    let connections = connections
        .into_iter()
        .map(|permission| &permission.grantee);
    let grantees: BTreeSet<Grantee> = folders.chain(connections).cloned().collect();
    let workspaces = replaced(&before.workspaces, workspaces).into_iter();
    let workspaces: BTreeSet<String> = workspaces.map(|workspace| workspace.id.clone()).collect();
    move |workspace| {
        is_every
            || workspaces.contains(&workspace.id)
            || grantees
                .iter()
                .any(|grantee| grantee.covers(&workspace.organization, &workspace.handle, None))
    }
}

/// What was there before and is not now, and the other way round; of what changed both.
fn replaced<'a, T: Held + PartialEq>(before: &'a Kept<T>, after: &'a Kept<T>) -> Vec<&'a T> {
    let differs = |object: &Arc<T>, other: &Kept<T>| {
        other
            .get(object.id())
            .is_none_or(|other| !Arc::ptr_eq(object, other) && object != other)
    };
    let gone = before.values().filter(|object| differs(object, after));
    let come = after.values().filter(|object| differs(object, before));
    gone.chain(come).map(AsRef::as_ref).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::model::folder_ref::FolderRef;
    use crate::model::overriding::{ConnectionOverride, OverriddenSettings};
    use crate::model::permission::FolderPermission;
    use crate::model::workspace::Publish;

    fn workspace(organization: &str, handle: &str) -> Workspace {
        Workspace {
            id: format!("ws_{organization}_{handle}"),
            organization: organization.to_owned(),
            handle: handle.to_owned(),
            attach: None,
            publish: Publish::new(),
        }
    }

    fn permission(id: &str, grantee: &str) -> FolderPermission {
        FolderPermission {
            id: id.to_owned(),
            integration_id: "in_a".to_owned(),
            folder: FolderRef::Path("/".to_owned()),
            grantee: grantee.parse().unwrap(),
            match_tags: None,
        }
    }

    fn tenant() -> Tenant {
        let mut tenant = Tenant::new("acme");
        for (organization, handle) in [("acme", "security"), ("acme", "finops"), ("beta", "all")] {
            tenant.put(workspace(organization, handle));
        }
        tenant.put(permission("fp_a", "acme/security"));
        tenant
    }

    /// The workspaces that a change of [`tenant`] affects.
    fn after(change: impl FnOnce(&mut Tenant)) -> Vec<String> {
        let before = tenant();
        let mut after = before.clone();
        change(&mut after);
        let is_affected = affected(&before, &after);
        let workspaces = after.each::<Workspace>();
        workspaces
            .filter(|workspace| is_affected(workspace))
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_permission_is_about_those_whom_it_covers() {
        let all = ["acme/finops", "acme/security", "beta/all"];
        let put = |grantee: &'static str| {
            move |tenant: &mut Tenant| tenant.put(permission("fp_b", grantee))
        };
        assert_eq!(after(put("*")), all);
        assert_eq!(after(put("acme")), all[..2]);
        assert_eq!(after(put("beta/all")), all[2..]);
        assert_eq!(after(put("beta/other")), [""; 0]);
        // Removed, or for another from now on: both are affected.
        let removed = after(|tenant| {
            tenant.folder_permissions.remove("fp_a");
        });
        assert_eq!(removed, ["acme/security"]);
        let passed = after(|tenant| tenant.put(permission("fp_a", "beta")));
        assert_eq!(passed, ["acme/security", "beta/all"]);
    }

    #[test]
    fn a_workspace_is_about_itself_and_an_override_about_all() {
        assert_eq!(after(|_| {}), [""; 0]);
        // Put back as it was, it is another object of the same content.
        assert_eq!(
            after(|tenant| tenant.put(workspace("acme", "finops"))),
            [""; 0]
        );
        let changed = after(|tenant| {
            tenant.put(Workspace {
                attach: Some(BTreeSet::new()),
                ..workspace("acme", "finops")
            });
        });
        assert_eq!(changed, ["acme/finops"]);
        let overridden = after(|tenant| {
            tenant.put(ConnectionOverride {
                id: "co_a".to_owned(),
                integration_id: "in_a".to_owned(),
                account_id: "111111111111".to_owned(),
                handle: None,
                role_arn: None,
                settings: OverriddenSettings::default(),
            });
        });
        assert_eq!(overridden.len(), 3);
    }
}
