//! A tenant: everything that is known of it, whoever declared it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::grantee::Grantee;
use super::handle::{self, Kind, is_account_id};
use super::integration::Integration;
use super::lineage::{Broken, Lineage};
use super::overriding::{ConnectionOverride, FolderOverride};
use super::permission::{ConnectionPermission, FolderPermission};
use super::workspace::Workspace;

/// Objects of one kind, by ID. Cloning is cheap: objects are shared until one is replaced.
pub type Kept<T> = BTreeMap<String, Arc<T>>;

/// Everything a tenant holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tenant {
    /// Its handle.
    pub handle: String,
    /// Mirrors of AWS organizations and of hand-written accounts.
    pub integrations: Kept<Integration>,
    /// Grants of folders.
    pub folder_permissions: Kept<FolderPermission>,
    /// Grants of connections.
    pub connection_permissions: Kept<ConnectionPermission>,
    /// Settings of folders that differ.
    pub folder_overrides: Kept<FolderOverride>,
    /// Settings of connections that differ.
    pub connection_overrides: Kept<ConnectionOverride>,
    /// Consumers of connections.
    pub workspaces: Kept<Workspace>,
}

/// What a tenant holds several of.
pub trait Held: Sized + 'static {
    /// Its ID.
    fn id(&self) -> &str;

    /// All of its kind.
    fn all(tenant: &Tenant) -> &Kept<Self>;

    /// All of its kind, to be changed.
    fn all_mut(tenant: &mut Tenant) -> &mut Kept<Self>;
}

macro_rules! held {
    ($($kind:ty: $field:ident),+ $(,)?) => {$(
        impl Held for $kind {
            fn id(&self) -> &str {
                &self.id
            }

            fn all(tenant: &Tenant) -> &Kept<Self> {
                &tenant.$field
            }

            fn all_mut(tenant: &mut Tenant) -> &mut Kept<Self> {
                &mut tenant.$field
            }
        }
    )+};
}

held! {
    Integration: integrations,
    FolderPermission: folder_permissions,
    ConnectionPermission: connection_permissions,
    FolderOverride: folder_overrides,
    ConnectionOverride: connection_overrides,
    Workspace: workspaces,
}

impl Tenant {
    /// A tenant that holds nothing.
    pub fn new(handle: &str) -> Self {
        Self {
            handle: handle.to_owned(),
            ..Self::default()
        }
    }

    /// The object with this ID.
    pub fn get<T: Held>(&self, id: &str) -> Option<&T> {
        T::all(self).get(id).map(AsRef::as_ref)
    }

    /// All objects of a kind, by ID.
    pub fn each<T: Held>(&self) -> impl ExactSizeIterator<Item = &T> {
        T::all(self).values().map(AsRef::as_ref)
    }

    /// Adds an object, or replaces the one with its ID.
    pub fn put<T: Held>(&mut self, object: T) {
        let id = object.id().to_owned();
        T::all_mut(self).insert(id, Arc::new(object));
    }

    /// Removes an object; false: it was not there. An integration takes its permissions and overrides with it.
    pub fn remove<T: Held>(&mut self, id: &str) -> bool {
        let is_removed = T::all_mut(self).remove(id).is_some();
        self.drop_orphans();
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
        // Taken apart in full, so that a new kind cannot be forgotten here.
        let Self {
            handle: _,
            integrations,
            folder_permissions,
            connection_permissions,
            folder_overrides,
            connection_overrides,
            workspaces,
        } = self;
        misplaced("integration", integrations)
            .or_else(|| misplaced("folder permission", folder_permissions))
            .or_else(|| misplaced("connection permission", connection_permissions))
            .or_else(|| misplaced("folder override", folder_overrides))
            .or_else(|| misplaced("connection override", connection_overrides))
            .or_else(|| misplaced("workspace", workspaces))
            .or_else(|| self.integration_twice())
            .or_else(|| self.workspace_at_fault())
            .or_else(|| {
                self.each::<Integration>()
                    .find_map(|integration| odd_grantee(integration).or_else(|| torn(integration)))
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
            let checked = handle::check(Kind::Organization, &workspace.organization)
                .and_then(|()| handle::check(Kind::Workspace, &workspace.handle));
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

    /// Removes what belongs to an integration that is not there.
    fn drop_orphans(&mut self) {
        let integrations = &self.integrations;
        let has = |id: &String| integrations.contains_key(id);
        self.folder_permissions
            .retain(|_, permission| has(&permission.integration_id));
        self.connection_permissions
            .retain(|_, permission| has(&permission.integration_id));
        self.folder_overrides
            .retain(|_, overriding| has(&overriding.integration_id));
        self.connection_overrides
            .retain(|_, overriding| has(&overriding.integration_id));
    }
}

fn misplaced<T: Held>(kind: &str, kept: &Kept<T>) -> Option<String> {
    kept.iter()
        .find(|(key, object)| *key != object.id())
        .map(|(key, object)| format!("the {kind} under {key:?} has the id {:?}", object.id()))
}

fn odd_grantee(integration: &Integration) -> Option<String> {
    let mut grantees = integration.permissions.iter();
    grantees
        .find_map(|grantee| grantee.parse::<Grantee>().err())
        .map(|error| {
            format!(
                "in the permissions of the integration {:?}, {error}",
                integration.handle
            )
        })
}

/// Why an integration's folders and connections are not one tree.
fn torn(integration: &Integration) -> Option<String> {
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
                "in {of}, every folder has a parent_id; the root's is null"
            ));
        }
        _ => {
            return Some(format!(
                "in {of}, the folders {} all have no parent_id; only the root has none",
                roots.join(", ")
            ));
        }
    };
    match Lineage::of(root, &parents) {
        Err(Broken::Orphans(ids)) => {
            return Some(format!(
                "in {of}, the folders {} have a parent_id that is not there",
                ids.join(", ")
            ));
        }
        Err(Broken::Cycle(ids)) => {
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
        let is_torn = !mirror.folders.contains_key(folder_id);
        is_torn.then(|| {
            format!(
                "in {of}, the connection {id} has the folder_id {folder_id:?}, which is not there"
            )
        })
    })
}
