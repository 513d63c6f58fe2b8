//! A tenant: the objects of all its configurations.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arn::is_account_id;
use super::grantee::Grantee;
use super::handle::{self, HandleKind};
use super::objects::object::kind_name;
use super::objects::{Integration, Object, ObjectMap, Workspace, kinds};
use super::tree::{TopologicalOrder, TreeError};

/// A kind of object in a tenant.
pub trait Kind: Object {
    /// All objects of the kind.
    fn all(tenant: &Tenant) -> &ObjectMap<Self>;

    /// All objects of the kind, to be changed.
    fn all_mut(tenant: &mut Tenant) -> &mut ObjectMap<Self>;
}

/// An operation for each kind of object.
pub trait ForEachKind {
    /// The operation for one kind.
    fn kind<T: Kind>(&mut self);
}

macro_rules! tenant {
    ($($(#[$doc:meta])* $field:ident: $kind:ty [$($_absent:meta)?],)+) => {
        /// The objects of a tenant.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct Tenant {
            /// Its handle.
            pub handle: String,
            $($(#[$doc])* pub $field: ObjectMap<$kind>,)+
        }

        $(impl Kind for $kind {
            fn all(tenant: &Tenant) -> &ObjectMap<Self> {
                &tenant.$field
            }

            fn all_mut(tenant: &mut Tenant) -> &mut ObjectMap<Self> {
                &mut tenant.$field
            }
        })+

        /// Runs an operation for each kind of object, in the order of the history.
        pub fn for_each_kind(work: &mut impl ForEachKind) {
            $(work.kind::<$kind>();)+
        }
    };
}
kinds!(tenant);

impl Tenant {
    /// An empty tenant.
    pub fn new(handle: &str) -> Self {
        Self {
            handle: handle.to_owned(),
            ..Self::default()
        }
    }

    /// The object with this ID.
    pub fn get<T: Kind>(&self, id: &str) -> Option<&T> {
        T::all(self).get(id).map(AsRef::as_ref)
    }

    /// All objects of a kind, by ID.
    pub fn each<T: Kind>(&self) -> impl ExactSizeIterator<Item = &T> {
        T::all(self).values().map(AsRef::as_ref)
    }

    /// Adds an object, or replaces the one with its ID.
    pub fn put<T: Kind>(&mut self, object: T) {
        let id = object.id().to_owned();
        T::all_mut(self).insert(id, Arc::new(object));
    }

    /// Removes an object; false: it was missing. Removes the permissions and overrides of an integration with it.
    pub fn remove<T: Kind>(&mut self, id: &str) -> bool {
        let is_removed = T::all_mut(self).remove(id).is_some();
        for_each_kind(&mut RemoveOrphans(self));
        is_removed
    }

    /// The integration with this handle.
    pub fn integration_by_handle(&self, handle: &str) -> Option<&Integration> {
        self.each::<Integration>()
            .find(|integration| integration.handle == handle)
    }

    /// The workspace `organization/handle`.
    pub fn workspace(&self, organization: &str, handle: &str) -> Option<&Workspace> {
        self.each::<Workspace>()
            .find(|workspace| workspace.organization == organization && workspace.handle == handle)
    }

    /// What makes it impossible to work with, such as an edit by hand can: IDs that are not those of their objects, two
    /// objects where there is one, grantees that are none, handles that do not fit into a path, and folders that are not
    /// one tree.
    ///
    /// What a plan shows as a difference, and an apply puts right, is no problem: an integration that was deleted with its
    /// permissions and overrides left behind, for instance.
    pub fn problem(&self) -> Option<String> {
        let mut keys = CheckKeys {
            tenant: self,
            found: None,
        };
        for_each_kind(&mut keys);
        keys.found
            .or_else(|| self.integration_twice())
            .or_else(|| self.workspace_at_fault())
            .or_else(|| {
                self.each::<Integration>().find_map(|integration| {
                    grantee_problem(integration).or_else(|| tree_problem(integration))
                })
            })
    }

    fn integration_twice(&self) -> Option<String> {
        let mut ids = BTreeMap::new();
        self.each::<Integration>().find_map(|integration| {
            let first = ids.insert(&integration.handle, &integration.id)?;
            Some(format!(
                "the integrations {first:?} and {:?} both have the handle {:?}",
                integration.id, integration.handle
            ))
        })
    }

    /// Publications have paths with the handles of workspaces in them.
    fn workspace_at_fault(&self) -> Option<String> {
        let mut ids = BTreeMap::new();
        self.each::<Workspace>().find_map(|workspace| {
            let checked = handle::check(HandleKind::Organization, &workspace.organization)
                .and_then(|()| handle::check(HandleKind::Workspace, &workspace.handle));
            if let Err(error) = checked {
                return Some(format!("in the workspace {:?}, {error}", workspace.id));
            }
            let name = (&workspace.organization, &workspace.handle);
            let first = ids.insert(name, &workspace.id)?;
            Some(format!(
                "{first:?} and {:?} are both the workspace {workspace}",
                workspace.id
            ))
        })
    }
}

/// Looks for an object that is not under its own ID.
struct CheckKeys<'a> {
    tenant: &'a Tenant,
    found: Option<String>,
}

impl ForEachKind for CheckKeys<'_> {
    fn kind<T: Kind>(&mut self) {
        let tenant = self.tenant;
        self.found = self.found.take().or_else(|| {
            let (key, object) = T::all(tenant)
                .iter()
                .find(|(key, object)| *key != object.id())?;
            let (kind, id) = (kind_name::<T>(), object.id());
            Some(format!("the {kind} under {key:?} has the id {id:?}"))
        });
    }
}

/// Removes the parts of missing integrations.
struct RemoveOrphans<'a>(&'a mut Tenant);

impl ForEachKind for RemoveOrphans<'_> {
    fn kind<T: Kind>(&mut self) {
        let Self(tenant) = self;
        let is_orphan = |object: &T| {
            let scoped = object.scoped();
            scoped.is_some_and(|scoped| !tenant.integrations.contains_key(scoped.integration_id()))
        };
        let orphans: Vec<String> = T::all(tenant)
            .iter()
            .filter(|(_, object)| is_orphan(object))
            .map(|(id, _)| id.clone())
            .collect();
        for id in orphans {
            T::all_mut(tenant).remove(&id);
        }
    }
}

/// Why the permissions of an integration are invalid.
fn grantee_problem(integration: &Integration) -> Option<String> {
    integration
        .permissions
        .iter()
        .find_map(|grantee| grantee.parse::<Grantee>().err())
        .map(|error| {
            format!(
                "in the permissions of the integration {:?}, {error}",
                integration.handle
            )
        })
}

/// Why an integration's folders and connections are not one tree.
fn tree_problem(integration: &Integration) -> Option<String> {
    let mirror = &integration.mirror;
    if mirror.folders.is_empty() && mirror.connections.is_empty() {
        return None;
    }
    let of = format!("the integration {:?}", integration.handle);
    let mut roots = Vec::new();
    let mut parents = BTreeMap::new();
    for (id, folder) in &mirror.folders {
        if is_account_id(id) {
            return Some(format!(
                "in {of}, the folder {id:?} has an ID of 12 digits, which is an account's"
            ));
        }
        match &folder.parent_id {
            None => roots.push(id.as_str()),
            Some(parent) => {
                parents.insert(id.as_str(), parent.as_str());
            }
        }
    }
    let root = match roots[..] {
        [root] => root,
        [] => {
            return Some(format!(
                "in {of}, no folder has parent_id null, as the root has"
            ));
        }
        _ => {
            return Some(format!(
                "in {of}, the folders {} all have parent_id null, as only the root has",
                roots.join(", ")
            ));
        }
    };
    match TopologicalOrder::of(root, &parents) {
        Err(TreeError::Orphans(ids)) => {
            return Some(format!(
                "in {of}, these folders have a parent_id that is not there: {}",
                ids.join(", ")
            ));
        }
        Err(TreeError::Cycle(ids)) => {
            return Some(format!(
                "in {of}, the folders {} are each other's ancestors",
                ids.join(", ")
            ));
        }
        Ok(_) => {}
    }
    mirror.connections.iter().find_map(|(id, connection)| {
        if !is_account_id(id) {
            return Some(format!(
                "in {of}, the connection {id:?} is not under an account ID of 12 digits"
            ));
        }
        let folder_id = &connection.folder_id;
        let is_missing = !mirror.folders.contains_key(folder_id);
        is_missing.then(|| {
            format!(
                "in {of}, the connection {id} has the folder_id {folder_id:?}, which is not there"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mirror::Mirror;
    use crate::model::objects::{
        ConnectionOverride, ConnectionPermission, FolderOverride, FolderPermission,
    };
    use crate::model::sample::{
        A, B, connection_override, connection_permission, folder_override, folder_permission,
        integration, put, workspace,
    };

    fn tenant() -> Tenant {
        let mut tenant = Tenant::new("acme");
        let units = [("ou-1", "Work", ""), ("ou-2", "Prod", "ou-1")];
        put(
            &mut tenant,
            "one",
            &units,
            &[(A, "a", "ou-2"), (B, "b", "")],
        );
        put(&mut tenant, "two", &[], &[]);
        tenant.put(folder_permission("fp_1", "one", "/Work", "*"));
        tenant.put(connection_permission("cp_1", "one", A, "acme"));
        tenant.put(folder_override("fo_1", "one", "/Work", ""));
        tenant.put(connection_override("co_1", "one", A, ""));
        tenant.put(workspace("acme/security"));
        tenant
    }

    #[test]
    fn an_integration_takes_what_belongs_to_it_with_it() {
        let mut tenant = tenant();
        tenant.put(folder_permission("fp_2", "two", "/", "*"));
        assert!(!tenant.remove::<Integration>("three"));
        assert_eq!(tenant.each::<FolderPermission>().len(), 2);
        assert!(tenant.remove::<Integration>("one"));
        let left: Vec<_> = tenant.each::<FolderPermission>().collect();
        assert_eq!(left, [&folder_permission("fp_2", "two", "/", "*")]);
        assert_eq!(tenant.each::<ConnectionPermission>().len(), 0);
        assert_eq!(tenant.each::<FolderOverride>().len(), 0);
        assert_eq!(tenant.each::<ConnectionOverride>().len(), 0);
        assert_eq!(tenant.each::<Workspace>().len(), 1);
    }

    #[test]
    fn what_the_provider_writes_is_no_problem() {
        assert_eq!(Tenant::new("acme").problem(), None);
        let mut tenant = tenant();
        assert_eq!(tenant.problem(), None);
        // Everything left the AWS organization.
        put(&mut tenant, "one", &[], &[]);
        assert_eq!(tenant.problem(), None);
        // An integration was deleted by hand: a plan shows it.
        tenant.integrations.clear();
        assert_eq!(tenant.problem(), None);
        tenant.put(Integration {
            mirror: Mirror::default(),
            ..integration("one", &[], &[], None)
        });
        assert_eq!(tenant.problem(), None);
    }

    #[test]
    fn what_an_edit_by_hand_tore_is_told() {
        type Edit = fn(&mut Tenant);
        fn one(tenant: &mut Tenant, edit: impl FnOnce(&mut Integration)) {
            if let Some(integration) = tenant.integrations.get_mut("one") {
                edit(Arc::make_mut(integration));
            }
        }
        fn parent(tenant: &mut Tenant, of: &str, parent: Option<&str>) {
            one(tenant, |one| {
                if let Some(folder) = one.mirror.folders.get_mut(of) {
                    folder.parent_id = parent.map(str::to_owned);
                }
            });
        }
        let edits: [(Edit, &str); 15] = [
            (
                |tenant| {
                    let permission = Arc::new(folder_permission("fp_9", "one", "/", "*"));
                    tenant
                        .folder_permissions
                        .insert("fp_2".to_owned(), permission);
                },
                "the folder permission under \"fp_2\" has the id \"fp_9\"",
            ),
            (
                |tenant| {
                    let workspace = Arc::new(workspace("acme/finops"));
                    tenant.workspaces.insert("ws_1".to_owned(), workspace);
                },
                "the workspace under \"ws_1\" has the id \"acme/finops\"",
            ),
            (
                |tenant| {
                    let handle = "one".to_owned();
                    tenant.put(Integration {
                        handle,
                        ..integration("three", &[], &[], None)
                    });
                },
                "the integrations \"one\" and \"three\" both have the handle \"one\"",
            ),
            (
                |tenant| {
                    tenant.put(Workspace {
                        id: "ws_1".to_owned(),
                        ..workspace("acme/security")
                    })
                },
                "\"acme/security\" and \"ws_1\" are both the workspace acme/security",
            ),
            (
                |tenant| {
                    tenant.put(Workspace {
                        handle: "..".to_owned(),
                        ..workspace("acme/x")
                    })
                },
                "in the workspace \"acme/x\", the workspace handle \"..\" must start and end with a letter or digit and \
                 hold only a-z, 0-9, - and _; ",
            ),
            (
                |tenant| {
                    tenant.put(Workspace {
                        organization: "a/b".to_owned(),
                        ..workspace("acme/x")
                    })
                },
                "in the workspace \"acme/x\", the organization handle \"a/b\" must start and end",
            ),
            (
                |tenant| one(tenant, |one| one.permissions = ["Acme".to_owned()].into()),
                "in the permissions of the integration \"one\", in the grantee \"Acme\", the organization handle",
            ),
            (
                |tenant| parent(tenant, "root", Some("ou-1")),
                "in the integration \"one\", no folder has parent_id null, as the root has",
            ),
            (
                |tenant| parent(tenant, "ou-1", None),
                "in the integration \"one\", the folders ou-1, root all have parent_id null, as only the root has",
            ),
            (
                |tenant| parent(tenant, "ou-2", Some("ou-9")),
                "in the integration \"one\", these folders have a parent_id that is not there: ou-2",
            ),
            (
                |tenant| parent(tenant, "ou-1", Some("ou-2")),
                "in the integration \"one\", the folders ou-1, ou-2 are each other's ancestors",
            ),
            (
                |tenant| {
                    one(tenant, |one| {
                        one.mirror.folders.remove("ou-2");
                    });
                },
                "in the integration \"one\", the connection 111111111111 has the folder_id \"ou-2\", which is not there",
            ),
            (
                |tenant| one(tenant, |one| one.mirror.folders.clear()),
                "in the integration \"one\", no folder has parent_id null, as the root has",
            ),
            (
                |tenant| {
                    one(tenant, |one| {
                        if let Some(connection) = one.mirror.connections.remove(A) {
                            one.mirror
                                .connections
                                .insert("sandbox".to_owned(), connection);
                        }
                    });
                },
                "in the integration \"one\", the connection \"sandbox\" is not under an account ID of 12 digits",
            ),
            (
                |tenant| {
                    one(tenant, |one| {
                        if let Some(folder) = one.mirror.folders.remove("ou-2") {
                            one.mirror.folders.insert(A.to_owned(), folder);
                        }
                    });
                },
                "in the integration \"one\", the folder \"111111111111\" has an ID of 12 digits, which is an account's",
            ),
        ];
        for (edit, text) in edits {
            let mut tenant = tenant();
            edit(&mut tenant);
            let problem = tenant.problem().unwrap_or_default();
            assert!(problem.starts_with(text), "{problem:?} is not {text:?}");
        }
        // What the assignment and the plan put right is no problem.
        let mut tenant = tenant();
        one(&mut tenant, |one| {
            one.effective_handles
                .insert(A.to_owned(), "edited".to_owned());
            if let Some(connection) = one.mirror.connections.get_mut(B) {
                connection.derived_handle = "edited".to_owned();
            }
        });
        assert_eq!(tenant.problem(), None);
    }
}
