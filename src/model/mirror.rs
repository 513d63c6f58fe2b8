//! The mirror of an AWS organization: a folder per OU, a connection per account.

mod error;
mod inventory;
mod placement;
mod reconcile;

use std::collections::{BTreeMap, BTreeSet};

use describe::{Describe, Known, NotKnown, Value};
use serde::{Deserialize, Serialize};

use super::handle::{self, HandleKind};
use super::owners::Owner;
use super::partition;

pub use error::{Holder, MirrorError, MissingParent};
pub use inventory::{HAND_WRITTEN_ROOT_ID, Inventory, InventoryAccount, InventoryUnit};
pub use reconcile::{Desired, Previous, Reconciled, reconcile};

/// The root's name in every AWS organization; AWS does not let it be changed.
pub const ROOT_NAME: &str = "Root";

/// The state of an account that can be used.
pub const ACTIVE: &str = "ACTIVE";

/// Folders and connections that follow from an [`Inventory`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Describe)]
#[describe(planned = MirrorValues)]
pub struct Mirror {
    /// ID of the mirrored AWS organization, for good; null for hand-written accounts.
    pub aws_organization_id: Option<String>,
    /// The folders by root or OU ID.
    pub folders: BTreeMap<String, Folder>,
    /// The connections by account ID.
    pub connections: BTreeMap<String, Connection>,
}

/// The mirror of the root or of one OU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedFolder)]
pub struct Folder {
    /// Name of the root or OU.
    pub name: String,
    /// Handle that follows from the name.
    pub derived_handle: String,
    /// ID of the folder above; null for the root.
    pub parent_id: Option<String>,
    /// `/` for the root, `/Workloads/Prod` for an OU.
    pub path: String,
}

/// The mirror of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedConnection)]
pub struct Connection {
    /// Name of the account.
    pub name: String,
    /// E-mail address of the account's root user.
    pub email: Option<String>,
    /// State of the account. An account that is first seen in another state than `ACTIVE` has no connection; one that leaves
    /// `ACTIVE` keeps it.
    pub state: String,
    /// The account's tags; null where they were not read.
    pub tags: Option<BTreeMap<String, String>>,
    /// Handle that follows from the name.
    pub derived_handle: String,
    /// ID of the folder that holds the account.
    pub folder_id: String,
    /// Path of that folder.
    pub path: String,
    /// ARN of the role that tools assume.
    pub derived_role_arn: String,
    /// From the account's tags, else the integration's; null without `owners`.
    pub owners: Option<BTreeSet<Owner>>,
    /// Opens the account in the AWS access portal; null without `sso`.
    pub sign_in_url: Option<String>,
}

/// A [`Mirror`] in the making: which folders and connections there are is known, what they have may not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlannedMirror {
    /// `o-...`; null for hand-written accounts.
    pub aws_organization_id: Value<String>,
    /// By root or OU ID.
    pub folders: BTreeMap<String, PlannedFolder>,
    /// By account ID.
    pub connections: BTreeMap<String, PlannedConnection>,
}

impl Connection {
    /// The partition in the ARN of its derived role.
    pub fn partition(&self) -> Option<&str> {
        partition::of_arn(&self.derived_role_arn)
    }
}

impl Mirror {
    /// The partition of its accounts; none where it has none.
    pub fn partition(&self) -> Option<&str> {
        self.connections.values().find_map(Connection::partition)
    }
}

impl PlannedMirror {
    /// The partition of its accounts; none where it has none, or no role of theirs is known.
    pub fn partition(&self) -> Option<&str> {
        let mut connections = self.connections.values();
        connections.find_map(|connection| partition::of_arn(connection.derived_role_arn.known()?))
    }

    /// The mirror, once all of it is known.
    ///
    /// # Errors
    /// If anything is not known.
    pub fn known(self) -> Result<Mirror, NotKnown> {
        Mirror::from_planned(self.into())
    }
}

impl From<PlannedMirror> for MirrorValues {
    fn from(mirror: PlannedMirror) -> Self {
        let folders = mirror.folders.into_iter();
        let connections = mirror.connections.into_iter();
        Self {
            aws_organization_id: mirror.aws_organization_id,
            folders: Value::Known(folders.map(|(id, each)| (id, Value::Known(each))).collect()),
            connections: Value::Known(
                connections
                    .map(|(id, each)| (id, Value::Known(each)))
                    .collect(),
            ),
        }
    }
}

impl MirrorValues {
    /// Whether everything is known that decides who sees what under which handle: paths, handles, tags and roles.
    pub fn decides_visibility(&self) -> bool {
        let mut folders = each(&self.folders);
        let mut connections = each(&self.connections);
        folders.all(|folder| folder.path.is_settled() && folder.derived_handle.is_settled())
            && connections.all(|connection| {
                connection.derived_handle.is_settled()
                    && connection.tags.is_settled()
                    && connection.derived_role_arn.is_settled()
            })
    }

    /// Leaves empty what is not known yet. Where [`Self::decides_visibility`] holds, nothing of that matters to who sees what.
    pub fn empty_unknown(&mut self) {
        null_unknown(&mut self.aws_organization_id);
        for folder in each_mut(&mut self.folders) {
            // Destructured in full, so that a new attribute fails to compile here.
            let PlannedFolder {
                name,
                derived_handle,
                parent_id,
                path,
            } = folder;
            for text in [name, derived_handle, path] {
                empty_unknown(text);
            }
            null_unknown(parent_id);
        }
        for connection in each_mut(&mut self.connections) {
            let PlannedConnection {
                name,
                email,
                state,
                tags,
                derived_handle,
                folder_id,
                path,
                derived_role_arn,
                owners,
                sign_in_url,
            } = connection;
            for text in [
                name,
                state,
                derived_handle,
                folder_id,
                path,
                derived_role_arn,
            ] {
                empty_unknown(text);
            }
            null_unknown(email);
            null_unknown(sign_in_url);
            null_unknown(tags);
            null_unknown(owners);
        }
    }

    /// The mirror, if it is known which folders and connections there are.
    pub fn mirror(&self) -> Option<PlannedMirror> {
        let (folders, connections) = (self.folders.known()?, self.connections.known()?);
        Some(PlannedMirror {
            aws_organization_id: self.aws_organization_id.clone(),
            folders: folders
                .iter()
                .map(|(id, folder)| Some((id.clone(), folder.known()?.clone())))
                .collect::<Option<_>>()?,
            connections: connections
                .iter()
                .map(|(id, connection)| Some((id.clone(), connection.known()?.clone())))
                .collect::<Option<_>>()?,
        })
    }
}

/// The objects of a map that are known.
fn each<T>(map: &Value<BTreeMap<String, Value<T>>>) -> impl Iterator<Item = &T> {
    let objects = map.known().into_iter().flat_map(BTreeMap::values);
    objects.filter_map(Value::known)
}

fn each_mut<T>(map: &mut Value<BTreeMap<String, Value<T>>>) -> impl Iterator<Item = &mut T> {
    let objects = map.known_mut().into_iter().flat_map(BTreeMap::values_mut);
    objects.filter_map(Value::known_mut)
}

fn null_unknown<T>(value: &mut Value<T>) {
    if value.is_unknown() {
        *value = Value::Null;
    }
}

fn empty_unknown(text: &mut Value<String>) {
    if text.known().is_none() {
        *text = String::new().into();
    }
}

/// Handles of a mirror's connections that its names and the prefix do not explain: what `initial_handles` must have
/// given, when nothing else is known about the mirror, as on import.
pub fn unexplained_handles(mirror: &Mirror, prefix: &str) -> BTreeMap<String, String> {
    mirror
        .connections
        .iter()
        .filter_map(|(id, connection)| {
            let handle = &connection.derived_handle;
            let derived = handle::derive(&connection.name, prefix, id);
            (!handle::is_candidate(handle, &derived, HandleKind::Connection, id))
                .then(|| (id.clone(), handle.clone()))
        })
        .collect()
}

/// ARN of an account's role; `role_name` with its path, without leading slash.
pub fn role_arn(partition: &str, account_id: &str, role_name: &str) -> String {
    format!("arn:{partition}:iam::{account_id}:role/{role_name}")
}
