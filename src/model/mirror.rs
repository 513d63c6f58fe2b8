//! The mirror of an AWS organization: a folder per OU, a connection per account.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::arn::is_account_id;
use super::handle::{self, HandleError, HandleKind};
use super::late::Late;
use super::owners::{Owner, ResourceOwner};
use super::partition;
use super::snapshot::{ROOT_PATH, Snapshot, listed, path_below, path_segment};
use super::sso::Sso;
use super::tree::{TopologicalOrder, TreeError};
use placement::{Object, Prior, place};

mod placement;

/// What an integration is given: a snapshot, one filtered or merged in HCL, or a hand-written list of accounts.
///
/// Its structure (which units and accounts there are, their parents and states) is known; names and other facts may
/// not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// `o-...`; none for hand-written accounts.
    pub aws_organization_id: Late<Option<String>>,
    /// None: there is a root with ID `root`.
    pub root_id: Option<String>,
    /// `aws`, `aws-us-gov` or `aws-cn`; none: taken from the default region, else `aws`.
    pub partition: Late<Option<String>>,
    /// By OU ID.
    pub organizational_units: BTreeMap<String, SourceUnit>,
    /// By account ID.
    pub accounts: BTreeMap<String, SourceAccount>,
}

/// One organizational unit of a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceUnit {
    /// None: the OU's ID serves.
    pub name: Late<Option<String>>,
    /// None: the root.
    pub parent_id: Option<String>,
}

/// One account of a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceAccount {
    /// Name of the account.
    pub name: Late<String>,
    /// E-mail address of the account's root user.
    pub email: Late<Option<String>>,
    /// None: `ACTIVE`.
    pub state: Option<String>,
    /// None: the root.
    pub parent_id: Option<String>,
    /// RFC 3339; none: placed last.
    pub joined_at: Late<Option<String>>,
    /// None: not read.
    pub tags: Late<Option<BTreeMap<String, String>>>,
}

/// Folders and connections that follow from a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mirror {
    /// `o-...`; none for hand-written accounts.
    pub aws_organization_id: Late<Option<String>>,
    /// By root or OU ID.
    pub folders: BTreeMap<String, Folder>,
    /// By account ID.
    pub connections: BTreeMap<String, Connection>,
}

impl Mirror {
    /// Whether everything is known that decides who sees what under which handle: paths, handles, tags and roles.
    pub fn is_known(&self) -> bool {
        let mut folders = self.folders.values();
        let mut connections = self.connections.values();
        folders.all(|folder| folder.path.is_known() && folder.derived_handle.is_known())
            && connections.all(|connection| {
                connection.derived_handle.is_known()
                    && connection.tags.is_known()
                    && connection.derived_role_arn.is_known()
            })
    }

    /// The partition of its accounts; none where it has none, or no role of theirs is known.
    pub fn partition(&self) -> Option<&str> {
        self.connections.values().find_map(Connection::partition)
    }
}

/// The mirror of the root or of one OU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Name as AWS has it.
    pub name: Late<String>,
    /// What the rules make of the name.
    pub derived_handle: Late<String>,
    /// None for the root.
    pub parent_id: Option<String>,
    /// `/` for the root, `/Workloads/Prod` for an OU.
    pub path: Late<String>,
}

/// The mirror of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Name as AWS has it.
    pub name: Late<String>,
    /// E-mail address of the account's root user.
    pub email: Late<Option<String>>,
    /// `ACTIVE`, or another state of an account that was active before.
    pub state: String,
    /// None: not read.
    pub tags: Late<Option<BTreeMap<String, String>>>,
    /// What the rules make of the name.
    pub derived_handle: Late<String>,
    /// Root or OU ID.
    pub folder_id: String,
    /// Path of that folder.
    pub path: Late<String>,
    /// ARN of the role that tools assume.
    pub derived_role_arn: Late<String>,
    /// From the account's tags, else the integration's; none where the integration has no owners.
    pub owners: Late<Option<BTreeSet<Owner>>>,
    /// Opens the account in the access portal; none without `sso`.
    pub sign_in_url: Late<Option<String>>,
}

/// Everything that a mirror follows from: the source and the settings of its integration.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// What to mirror.
    pub source: &'a Source,
    /// The integration's handle; it names the root folder.
    pub handle: Late<String>,
    /// Prefix of all derived handles; empty: none. Checked by the caller.
    pub prefix: Late<String>,
    /// Handles for accounts that are not mirrored yet, by account ID.
    pub initial_handles: Late<BTreeMap<String, String>>,
    /// Name (with path, without leading slash) of the IAM role in every account.
    pub role_name: Late<String>,
    /// As configured; tells the partition where the source does not.
    pub default_region: Late<Option<String>>,
    /// Sign-in facts.
    pub sso: Late<Option<Sso>>,
    /// Owners of the integration; an empty list is none.
    pub owners: Late<Option<Vec<Owner>>>,
    /// Account tags that name owners; an empty list is none.
    pub resource_owners: Late<Option<Vec<ResourceOwner>>>,
}

/// The mirror as it was, and what it was made with.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The prior mirror.
    pub mirror: &'a Mirror,
    /// The integration's handle then.
    pub handle: &'a str,
    /// The prefix then; empty: none.
    pub prefix: &'a str,
    /// Handles that came from `initial_handles`, by account ID, as the last [`Mirrored`] returned them.
    pub given_handles: &'a BTreeMap<String, String>,
}

/// A mirror, and what to keep beside it for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored {
    /// Folders and connections.
    pub mirror: Mirror,
    /// Handles that came from `initial_handles` and are in force, by account ID. While names or the prefix are unknown
    /// it may hold some that a later call, with everything known, leaves out.
    pub given_handles: BTreeMap<String, String>,
}

/// An object that has a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Root, OU or account ID.
    pub id: String,
    /// Its name, as far as known.
    pub name: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} ({name:?})", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// An OU or account whose `parent_id` is not in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingParent {
    /// The OU or account.
    pub child: Holder,
    /// The ID that is not there.
    pub parent_id: String,
}

impl fmt::Display for MissingParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} has the parent_id {:?}, which is not there",
            self.child, self.parent_id
        )
    }
}

/// Why a source cannot be mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MirrorError {
    /// A key of `accounts` that is no account ID.
    #[error("{account} is not an AWS account ID: it must be 12 digits")]
    AccountId {
        /// The key, and the account's name.
        account: Holder,
    },
    /// A root or OU ID that cannot be told from something else.
    #[error("{id:?} cannot be the ID of the root or of an OU: {reason}")]
    UnitId {
        /// The offending ID.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Parents that are not in the source.
    #[error("{}", listed(.0, "; "))]
    MissingParents(Vec<MissingParent>),
    /// OUs that are each other's ancestors.
    #[error("the OUs {} are each other's ancestors", .0.join(", "))]
    Cycle(Vec<String>),
    /// A `joined_at` that is not a time.
    #[error("joined_at of the account {account} is {value:?}, which is not a time by RFC 3339")]
    JoinedAt {
        /// The account.
        account: Holder,
        /// The offending value.
        value: String,
    },
    /// A key of `initial_handles` that is no account ID.
    #[error("initial_handles has the key {key:?}, which is not an AWS account ID of 12 digits")]
    InitialHandleKey {
        /// The offending key.
        key: String,
    },
    /// A handle in `initial_handles` that breaks the rules.
    #[error("in initial_handles, for the account {account_id}, {source}")]
    InitialHandle {
        /// Its key.
        account_id: String,
        /// The rule it breaks.
        source: HandleError,
    },
    /// One handle for two accounts in `initial_handles`.
    #[error("initial_handles has {handle:?} for both {first} and {second}")]
    InitialHandleTwice {
        /// The handle.
        handle: String,
        /// One account ID.
        first: String,
        /// The other account ID.
        second: String,
    },
    /// A handle in `initial_handles` that a mirrored object has and keeps.
    #[error(
        "initial_handles wants {handle:?} for the account {account_id}, but {holder} has that handle"
    )]
    InitialHandleTaken {
        /// The newcomer.
        account_id: String,
        /// The handle.
        handle: String,
        /// Who has it.
        holder: Holder,
    },
    /// `resource_owners` without anything to look at.
    #[error(
        "resource_owners names account tags, but the tags of {} are null: they were not read",
        listed(.0, ", ")
    )]
    TagsNotRead(Vec<Holder>),
    /// `resource_owners` without something to fall back to.
    #[error(
        "resource_owners requires owners, which serve the accounts that have none of those tags"
    )]
    ResourceOwnersWithoutOwners,
}

/// Where the root folder's ID comes from when the source has none.
pub const HAND_WRITTEN_ROOT_ID: &str = "root";

/// The root's name in every AWS organization; AWS does not let it be changed.
pub const ROOT_NAME: &str = "Root";

/// The state of an account that can be used.
pub const ACTIVE: &str = "ACTIVE";

impl Source {
    /// The root's ID.
    pub fn root_id(&self) -> &str {
        self.root_id.as_deref().unwrap_or(HAND_WRITTEN_ROOT_ID)
    }

    /// Its partition, else the one of the default Region as configured, else the commercial one.
    pub fn partition_with(&self, default_region: &Late<Option<String>>) -> Late<String> {
        self.partition
            .clone()
            .and_then(|partition| match partition {
                Some(partition) => Late::Known(partition),
                None => default_region.as_ref().map(|region| {
                    region
                        .as_deref()
                        .map_or(partition::AWS, partition::of_region)
                        .to_owned()
                }),
            })
    }

    /// Checks IDs and parents.
    ///
    /// # Errors
    /// The first kind of fault there is, with everything that has it.
    pub(super) fn lineage(&self) -> Result<TopologicalOrder<'_>, MirrorError> {
        let root_id = self.root_id();
        for id in self
            .organizational_units
            .keys()
            .map(String::as_str)
            .chain([root_id])
        {
            let reason = if id.is_empty() {
                "it is empty"
            } else if is_account_id(id) {
                "12 digits are an account's ID"
            } else if id.starts_with('/') {
                "what starts with / is a path"
            } else if id == root_id && self.organizational_units.contains_key(id) {
                "it is both the root's and an OU's"
            } else {
                continue;
            };
            return Err(MirrorError::UnitId {
                id: id.to_owned(),
                reason,
            });
        }
        for (id, account) in &self.accounts {
            if !is_account_id(id) {
                return Err(MirrorError::AccountId {
                    account: Holder {
                        id: id.clone(),
                        name: account.name.known().cloned(),
                    },
                });
            }
        }
        let parents: BTreeMap<&str, &str> = self
            .organizational_units
            .iter()
            .map(|(id, unit)| (id.as_str(), unit.parent_id.as_deref().unwrap_or(root_id)))
            .collect();
        let lineage = TopologicalOrder::of(root_id, &parents);
        let mut missing: Vec<MissingParent> = match &lineage {
            Err(TreeError::Orphans(ids)) => ids
                .iter()
                .filter_map(|id| Some((id, self.organizational_units.get(id)?)))
                .map(|(id, unit)| MissingParent {
                    child: Holder {
                        id: id.clone(),
                        name: unit.name.known().cloned().flatten(),
                    },
                    parent_id: unit.parent_id.clone().unwrap_or_default(),
                })
                .collect(),
            _ => Vec::new(),
        };
        for (id, account) in &self.accounts {
            let Some(parent_id) = account.parent_id.as_ref() else {
                continue;
            };
            if parent_id != root_id && !self.organizational_units.contains_key(parent_id) {
                missing.push(MissingParent {
                    child: Holder {
                        id: id.clone(),
                        name: account.name.known().cloned(),
                    },
                    parent_id: parent_id.clone(),
                });
            }
        }
        if !missing.is_empty() {
            return Err(MirrorError::MissingParents(missing));
        }
        lineage.map_err(|broken| match broken {
            TreeError::Cycle(ids) | TreeError::Orphans(ids) => MirrorError::Cycle(ids),
        })
    }
}

impl Connection {
    /// The partition in the ARN of its derived role.
    pub fn partition(&self) -> Option<&str> {
        partition::of_arn(self.derived_role_arn.known()?)
    }
}

impl SourceUnit {
    /// The OU's name; its ID where it has none.
    pub fn name_or<'a>(&'a self, id: &'a str) -> Late<&'a str> {
        self.name.as_ref().map(|name| match name.as_deref() {
            None | Some("") => id,
            Some(name) => name,
        })
    }
}

impl SourceAccount {
    /// The account's state.
    pub fn state(&self) -> &str {
        self.state.as_deref().unwrap_or(ACTIVE)
    }
}

impl From<&Snapshot> for Source {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            aws_organization_id: Late::Known(Some(snapshot.id.clone())),
            root_id: Some(snapshot.root_id.clone()),
            partition: Late::Known(Some(snapshot.partition.clone())),
            organizational_units: snapshot
                .organizational_units
                .iter()
                .map(|(id, unit)| {
                    let unit = SourceUnit {
                        name: Late::Known(Some(unit.name.clone())),
                        parent_id: Some(unit.parent_id.clone()),
                    };
                    (id.clone(), unit)
                })
                .collect(),
            accounts: snapshot
                .accounts
                .iter()
                .map(|(id, account)| {
                    let account = SourceAccount {
                        name: Late::Known(account.name.clone()),
                        email: Late::Known(Some(account.email.clone())),
                        state: Some(account.state.clone()),
                        parent_id: Some(account.parent_id.clone()),
                        joined_at: Late::Known(account.joined_at.clone()),
                        tags: Late::Known(account.tags.clone()),
                    };
                    (id.clone(), account)
                })
                .collect(),
        }
    }
}

/// Makes the mirror that follows from a source, keeping the handles of what is held.
///
/// What is unknown in `wanted` makes unknown what could still change with it, and nothing else: every known value of
/// the result is what a later call, with the unknowns filled in, also gives.
///
/// # Errors
/// A source or settings that break a rule. What is unknown may still turn out to break one later.
pub fn mirror(wanted: &Wanted<'_>, held: Option<&Held<'_>>) -> Result<Mirrored, MirrorError> {
    let source = wanted.source;
    let root_id = source.root_id();
    let lineage = source.lineage()?;

    let mut paths: HashMap<&str, Late<String>> =
        HashMap::from([(root_id, Late::Known(ROOT_PATH.to_owned()))]);
    for (id, parent, _) in lineage.units {
        let segment = match source.organizational_units.get(id) {
            Some(unit) => unit.name_or(id).map(|name| path_segment(name, id)),
            None => Late::Unknown,
        };
        let path = match (paths.get(parent), segment) {
            (Some(Late::Known(parent)), Late::Known(segment)) => {
                Late::Known(path_below(parent, &segment))
            }
            _ => Late::Unknown,
        };
        paths.insert(id, path);
    }
    let path_of = |id: &str| paths.get(id).cloned().unwrap_or(Late::Unknown);

    let mirrored: Vec<(&String, &SourceAccount)> = source
        .accounts
        .iter()
        .filter(|(id, account)| {
            account.state() == ACTIVE
                || held.is_some_and(|held| held.mirror.connections.contains_key(*id))
        })
        .collect();

    let mut objects = Vec::with_capacity(mirrored.len() + source.organizational_units.len() + 1);
    for (id, account) in &mirrored {
        let prior = held.and_then(|held| {
            let prior = held.mirror.connections.get(*id)?;
            Some(Prior {
                name: prior.name.known()?,
                handle: prior.derived_handle.known()?,
                given: held.given_handles.get(*id).map(String::as_str),
            })
        });
        objects.push(Object {
            kind: HandleKind::Connection,
            id,
            name: account.name.as_ref().map(String::as_str),
            joined_at: joined_at(id, account)?,
            prior,
            is_held: held.is_some_and(|held| held.mirror.connections.contains_key(*id)),
            is_root: false,
        });
    }
    let units = source
        .organizational_units
        .iter()
        .map(|(id, unit)| (id.as_str(), unit.name_or(id), false));
    let root = (root_id, wanted.handle.as_ref().map(String::as_str), true);
    for (id, name, is_root) in units.chain([root]) {
        let prior = held.and_then(|held| {
            let prior = held.mirror.folders.get(id)?;
            Some(Prior {
                name: match is_root {
                    true => held.handle,
                    false => prior.name.known()?,
                },
                handle: prior.derived_handle.known()?,
                given: None,
            })
        });
        objects.push(Object {
            kind: HandleKind::Folder,
            id,
            name,
            joined_at: Late::Known(None),
            is_held: prior.is_some(),
            prior,
            is_root,
        });
    }
    let placed = place(
        &objects,
        wanted.prefix.as_ref().map(String::as_str),
        held.map(|held| held.prefix),
        wanted.initial_handles.as_ref(),
    )?;

    let mut given_handles = BTreeMap::new();
    let mut handles = HashMap::with_capacity(objects.len());
    for (object, placed) in objects.iter().zip(placed) {
        if let Some(given) = placed.given {
            given_handles.insert(object.id.to_owned(), given);
        }
        handles.insert(object.id, placed.handle);
    }
    let mut handle_of = |id: &str| handles.remove(id).unwrap_or(Late::Unknown);

    let mut folders = BTreeMap::from([(
        root_id.to_owned(),
        Folder {
            name: Late::Known(ROOT_NAME.to_owned()),
            derived_handle: handle_of(root_id),
            parent_id: None,
            path: path_of(root_id),
        },
    )]);
    for (id, unit) in &source.organizational_units {
        let folder = Folder {
            name: unit.name_or(id).map(str::to_owned),
            derived_handle: handle_of(id),
            parent_id: Some(unit.parent_id.as_deref().unwrap_or(root_id).to_owned()),
            path: path_of(id),
        };
        folders.insert(id.clone(), folder);
    }

    let partition = source.partition_with(&wanted.default_region);
    let owners = Owners::new(&wanted.owners, &wanted.resource_owners, &mirrored)?;
    let connections = mirrored
        .into_iter()
        .map(|(id, account)| {
            let folder_id = account.parent_id.as_deref().unwrap_or(root_id);
            let connection = Connection {
                name: account.name.clone(),
                email: account.email.clone(),
                state: account.state().to_owned(),
                tags: account.tags.clone(),
                derived_handle: handle_of(id),
                folder_id: folder_id.to_owned(),
                path: path_of(folder_id),
                derived_role_arn: match (&partition, &wanted.role_name) {
                    (Late::Known(partition), Late::Known(role_name)) => {
                        Late::Known(role_arn(partition, id, role_name))
                    }
                    _ => Late::Unknown,
                },
                owners: owners.of(account),
                sign_in_url: wanted
                    .sso
                    .as_ref()
                    .map(|sso| sso.as_ref().map(|sso| sso.sign_in_url(id))),
            };
            (id.clone(), connection)
        })
        .collect();

    Ok(Mirrored {
        mirror: Mirror {
            aws_organization_id: source.aws_organization_id.clone(),
            folders,
            connections,
        },
        given_handles,
    })
}

/// Handles of a mirror's connections that its names and the prefix do not explain: what `initial_handles` must have
/// given, when nothing else is known about the mirror, as on import.
pub fn unexplained_handles(mirror: &Mirror, prefix: &str) -> BTreeMap<String, String> {
    mirror
        .connections
        .iter()
        .filter_map(|(id, connection)| {
            let handle = connection.derived_handle.known()?;
            let derived = handle::derive(connection.name.known()?, prefix, id);
            (!handle::is_candidate(handle, &derived, HandleKind::Connection, id))
                .then(|| (id.clone(), handle.clone()))
        })
        .collect()
}

fn joined_at(
    id: &str,
    account: &SourceAccount,
) -> Result<Late<Option<OffsetDateTime>>, MirrorError> {
    let Late::Known(joined_at) = &account.joined_at else {
        return Ok(Late::Unknown);
    };
    let Some(value) = joined_at else {
        return Ok(Late::Known(None));
    };
    match OffsetDateTime::parse(value, &Rfc3339) {
        Ok(time) => Ok(Late::Known(Some(time))),
        Err(_) => Err(MirrorError::JoinedAt {
            account: Holder {
                id: id.to_owned(),
                name: account.name.known().cloned(),
            },
            value: value.clone(),
        }),
    }
}

/// ARN of an account's role; `role_name` with its path, without leading slash.
pub fn role_arn(partition: &str, account_id: &str, role_name: &str) -> String {
    format!("arn:{partition}:iam::{account_id}:role/{role_name}")
}

/// Tells every connection's owners.
struct Owners<'a> {
    /// The integration's; unknown, or none.
    fallback: Late<Option<BTreeSet<Owner>>>,
    resource_owners: Late<&'a [ResourceOwner]>,
}

impl<'a> Owners<'a> {
    fn new(
        owners: &Late<Option<Vec<Owner>>>,
        resource_owners: &'a Late<Option<Vec<ResourceOwner>>>,
        accounts: &[(&String, &SourceAccount)],
    ) -> Result<Self, MirrorError> {
        let fallback = owners.as_ref().map(|owners| {
            let owners = owners.as_deref().unwrap_or_default();
            (!owners.is_empty()).then(|| {
                by_attribute(owners.iter().flat_map(|owner| {
                    owner
                        .values
                        .iter()
                        .map(|value| (owner.attribute.as_str(), value.as_str()))
                }))
            })
        });
        let resource_owners = resource_owners
            .as_ref()
            .map(|named| named.as_deref().unwrap_or_default());
        if let Late::Known([_, ..]) = resource_owners {
            if fallback == Late::Known(None) {
                return Err(MirrorError::ResourceOwnersWithoutOwners);
            }
            let unread: Vec<Holder> = accounts
                .iter()
                .filter(|(_, account)| account.tags == Late::Known(None))
                .map(|(id, account)| Holder {
                    id: (*id).clone(),
                    name: account.name.known().cloned(),
                })
                .collect();
            if !unread.is_empty() {
                return Err(MirrorError::TagsNotRead(unread));
            }
        }
        Ok(Self {
            fallback,
            resource_owners,
        })
    }

    /// The values of the account's tags, each whole: AWS tag values may hold spaces, commas and slashes, so splitting
    /// would guess. An empty value names nobody.
    fn of(&self, account: &SourceAccount) -> Late<Option<BTreeSet<Owner>>> {
        let resource_owners = match self.resource_owners {
            // Tags that were not read, or none, leave the integration's owners whatever the tags' keys will be.
            Late::Unknown => match &account.tags {
                Late::Known(tags) if tags.as_ref().is_none_or(BTreeMap::is_empty) => {
                    return self.fallback.clone();
                }
                // Resource owners require owners, so none stay none.
                _ if self.fallback == Late::Known(None) => return Late::Known(None),
                _ => return Late::Unknown,
            },
            Late::Known([]) => return self.fallback.clone(),
            Late::Known(resource_owners) => resource_owners,
        };
        let Late::Known(tags) = &account.tags else {
            return Late::Unknown;
        };
        let owners = by_attribute(resource_owners.iter().filter_map(|named| {
            let value = tags.as_ref()?.get(&named.tag_key)?;
            (!value.is_empty()).then_some((named.attribute.as_str(), value.as_str()))
        }));
        match owners.is_empty() {
            true => self.fallback.clone(),
            false => Late::Known(Some(owners)),
        }
    }
}

/// One owner per attribute.
fn by_attribute<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeSet<Owner> {
    let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (attribute, value) in pairs {
        values
            .entry(attribute)
            .or_default()
            .insert(value.to_owned());
    }
    values
        .into_iter()
        .map(|(attribute, values)| Owner {
            attribute: attribute.to_owned(),
            values,
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const A: &str = "111111111111";
    const B: &str = "222222222222";
    const C: &str = "333333333333";

    fn account(name: &str) -> SourceAccount {
        SourceAccount {
            name: Late::Known(name.to_owned()),
            ..SourceAccount::default()
        }
    }

    fn unit(name: &str, parent_id: Option<&str>) -> SourceUnit {
        SourceUnit {
            name: Late::Known(Some(name.to_owned())),
            parent_id: parent_id.map(str::to_owned),
        }
    }

    fn by_id<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
        entries
            .into_iter()
            .map(|(id, value)| (id.to_owned(), value))
            .collect()
    }

    fn hand_written(
        accounts: impl IntoIterator<Item = (&'static str, SourceAccount)>,
        units: impl IntoIterator<Item = (&'static str, SourceUnit)>,
    ) -> Source {
        Source {
            accounts: by_id(accounts),
            organizational_units: by_id(units),
            ..Source::default()
        }
    }

    fn wanted(source: &Source) -> Wanted<'_> {
        Wanted {
            source,
            handle: Late::Known("acme".to_owned()),
            prefix: Late::default(),
            initial_handles: Late::default(),
            role_name: Late::Known("tools/reader".to_owned()),
            default_region: Late::default(),
            sso: Late::default(),
            owners: Late::default(),
            resource_owners: Late::default(),
        }
    }

    /// Handles by ID; `?` where unknown.
    fn handles(mirrored: &Mirrored) -> BTreeMap<&str, &str> {
        let folders = mirrored
            .mirror
            .folders
            .iter()
            .map(|(id, folder)| (id, &folder.derived_handle));
        let connections = mirrored
            .mirror
            .connections
            .iter()
            .map(|(id, connection)| (id, &connection.derived_handle));
        folders
            .chain(connections)
            .map(|(id, handle)| (id.as_str(), handle.known().map_or("?", String::as_str)))
            .collect()
    }

    fn then(prior: &Mirrored, wanted: &Wanted<'_>) -> Mirrored {
        let held = Held {
            mirror: &prior.mirror,
            handle: "acme",
            prefix: "",
            given_handles: &prior.given_handles,
        };
        mirror(wanted, Some(&held)).unwrap()
    }

    fn joined(name: &str, joined_at: &str) -> SourceAccount {
        SourceAccount {
            joined_at: Late::Known(Some(joined_at.to_owned())),
            ..account(name)
        }
    }

    #[test]
    fn a_hand_written_list_has_a_root() {
        let source = hand_written([(A, account("Sandbox"))], []);
        let mirrored = mirror(&wanted(&source), None).unwrap().mirror;
        assert_eq!(
            mirrored.folders,
            by_id([(
                "root",
                Folder {
                    name: Late::Known("Root".to_owned()),
                    derived_handle: Late::Known("acme".to_owned()),
                    parent_id: None,
                    path: Late::Known("/".to_owned()),
                }
            )])
        );
        assert_eq!(
            mirrored.connections,
            by_id([(
                A,
                Connection {
                    name: Late::Known("Sandbox".to_owned()),
                    email: Late::Known(None),
                    state: "ACTIVE".to_owned(),
                    tags: Late::Known(None),
                    derived_handle: Late::Known("sandbox".to_owned()),
                    folder_id: "root".to_owned(),
                    path: Late::Known("/".to_owned()),
                    derived_role_arn: Late::Known(
                        "arn:aws:iam::111111111111:role/tools/reader".to_owned()
                    ),
                    owners: Late::Known(None),
                    sign_in_url: Late::Known(None),
                }
            )])
        );
    }

    #[test]
    fn the_first_to_join_gets_the_handle_whatever_the_zone_it_was_written_in() {
        let source = hand_written(
            [
                (A, account("prod")),
                (B, joined("prod", "2024-01-01T01:00:00+02:00")),
                (C, joined("prod", "2024-01-01T00:00:00Z")),
            ],
            [("ou-1", unit("Prod", None))],
        );
        assert_eq!(
            handles(&mirror(&wanted(&source), None).unwrap()),
            BTreeMap::from([
                (A, "prod_111111111111"),
                (B, "prod"),
                (C, "prod_333333333333"),
                ("ou-1", "prod_ou1"),
                ("root", "acme"),
            ])
        );
    }

    #[test]
    fn a_handle_that_becomes_free_goes_to_newcomers_only() {
        let source = hand_written([(A, account("prod")), (B, account("prod"))], []);
        let first = mirror(&wanted(&source), None).unwrap();
        let source = hand_written([(B, account("prod"))], []);
        let second = then(&first, &wanted(&source));
        assert_eq!(handles(&second)[B], "prod_222222222222");
        let source = hand_written([(B, account("prod")), (C, account("prod"))], []);
        let third = then(&second, &wanted(&source));
        assert_eq!(handles(&third)[B], "prod_222222222222");
        assert_eq!(handles(&third)[C], "prod");
    }

    #[test]
    fn states_decide_what_is_mirrored() {
        let with_state = |state: &str| {
            let account = SourceAccount {
                state: Some(state.to_owned()),
                ..account("prod")
            };
            hand_written([(A, account)], [])
        };
        let suspended = with_state("SUSPENDED");
        let fresh = mirror(&wanted(&suspended), None).unwrap();
        assert!(fresh.mirror.connections.is_empty());
        let active = with_state("ACTIVE");
        let first = mirror(&wanted(&active), None).unwrap();
        let second = then(&first, &wanted(&suspended));
        assert_eq!(second.mirror.connections[A].state, "SUSPENDED");
        assert_eq!(handles(&second)[A], "prod");
        let third = then(&second, &wanted(&active));
        assert_eq!(third, first);
    }

    #[test]
    fn initial_handles_stick_until_the_name_changes() {
        let source = hand_written([(A, account("Prod")), (B, account("Legacy"))], []);
        let mut wanted = wanted(&source);
        wanted.initial_handles = Late::Known(by_id([(A, "legacy".to_owned())]));
        let first = mirror(&wanted, None).unwrap();
        assert_eq!(handles(&first)[A], "legacy");
        assert_eq!(handles(&first)[B], "legacy_222222222222");
        assert_eq!(first.given_handles, by_id([(A, "legacy".to_owned())]));

        wanted.initial_handles = Late::Known(by_id([(A, "other".to_owned())]));
        assert_eq!(then(&first, &wanted), first);

        // One that was edited goes back to the one that was given.
        let mut edited = first.clone();
        let connection = edited.mirror.connections.get_mut(A).unwrap();
        connection.derived_handle = Late::Known("edited".to_owned());
        assert_eq!(then(&edited, &wanted), first);

        let source = hand_written([(A, account("Prod 2")), (B, account("Legacy"))], []);
        let mut wanted = super::tests::wanted(&source);
        wanted.initial_handles = Late::Known(by_id([(A, "legacy".to_owned())]));
        let renamed = then(&first, &wanted);
        assert_eq!(handles(&renamed)[A], "prod_2");
        assert!(renamed.given_handles.is_empty());
    }

    #[test]
    fn an_edited_handle_does_not_stick_and_one_held_twice_goes_to_the_first() {
        let source = hand_written(
            [
                (A, account("prod")),
                (B, joined("prod", "2024-01-01T00:00:00Z")),
            ],
            [],
        );
        let wanted = wanted(&source);
        let mut held = mirror(&wanted, None).unwrap();
        for connection in held.mirror.connections.values_mut() {
            connection.derived_handle = Late::Known("prod".to_owned());
        }
        assert_eq!(handles(&then(&held, &wanted))[B], "prod");
        assert_eq!(handles(&then(&held, &wanted))[A], "prod_111111111111");
        for connection in held.mirror.connections.values_mut() {
            connection.derived_handle = Late::Known("edited".to_owned());
        }
        assert_eq!(handles(&then(&held, &wanted))[B], "prod");
    }

    #[test]
    fn a_handle_held_twice_is_open_while_the_first_is_not_known() {
        let source = hand_written(
            [
                (A, joined("prod", "2024-01-01T00:00:00Z")),
                (B, joined("prod", "2025-01-01T00:00:00Z")),
                (C, account("dev")),
            ],
            [],
        );
        let mut held = mirror(&wanted(&source), None).unwrap();
        for id in [A, B] {
            let connection = held.mirror.connections.get_mut(id).unwrap();
            connection.derived_handle = Late::Known("prod".to_owned());
        }
        let open = BTreeMap::from([(A, "?"), (B, "?"), (C, "dev"), ("root", "acme")]);
        let mut unknown_time = source.clone();
        unknown_time.accounts.get_mut(B).unwrap().joined_at = Late::Unknown;
        assert_eq!(handles(&then(&held, &wanted(&unknown_time))), open);
        let mut unknown_name = source.clone();
        unknown_name.accounts.get_mut(A).unwrap().name = Late::Unknown;
        assert_eq!(handles(&then(&held, &wanted(&unknown_name))), open);
    }

    #[test]
    fn a_name_with_anothers_account_id_leaves_open_what_hangs_on_unknown_times() {
        let late = |name: &str| SourceAccount {
            joined_at: Late::Unknown,
            ..account(name)
        };
        let mut source = hand_written([(C, account("prod 111111111111"))], []);
        let held = mirror(&wanted(&source), None).unwrap();
        source.accounts.insert(A.to_owned(), late("prod"));
        source.accounts.insert(B.to_owned(), late("prod"));
        assert_eq!(
            handles(&then(&held, &wanted(&source))),
            BTreeMap::from([
                (A, "?"),
                (B, "?"),
                (C, "prod_111111111111"),
                ("root", "acme")
            ])
        );
    }

    #[test]
    fn an_unknown_prefix_leaves_open_all_but_given_handles() {
        let source = hand_written([(A, account("prod")), (B, account("dev"))], []);
        let mut wanted = wanted(&source);
        wanted.prefix = Late::Unknown;
        wanted.initial_handles = Late::Known(by_id([(B, "legacy".to_owned())]));
        let open = mirror(&wanted, None).unwrap();
        assert_eq!(
            handles(&open),
            BTreeMap::from([(A, "?"), (B, "legacy"), ("root", "?")])
        );
        assert_eq!(open.mirror.connections[A].path, Late::Known("/".to_owned()));
        assert!(open.mirror.connections[A].derived_role_arn.is_known());
    }

    #[test]
    fn an_unknown_integration_handle_leaves_open_the_root_and_what_it_may_displace() {
        let source = hand_written(
            [(A, account("prod")), (B, account("acme"))],
            [("ou-1", unit("Eins", None)), ("s-1", unit("Zwei", None))],
        );
        let mut wanted = wanted(&source);
        wanted.handle = Late::Unknown;
        // The root takes its turn among the folders, so only those behind it hang on its name.
        assert_eq!(
            handles(&mirror(&wanted, None).unwrap()),
            BTreeMap::from([
                (A, "prod"),
                (B, "acme"),
                ("ou-1", "eins"),
                ("root", "?"),
                ("s-1", "?")
            ])
        );
        // Held as "acme", it may keep that from a newcomer.
        let before = hand_written([], [("ou-1", unit("Eins", None))]);
        let held = mirror(&super::tests::wanted(&before), None).unwrap();
        assert_eq!(
            handles(&then(&held, &wanted)),
            BTreeMap::from([
                (A, "prod"),
                (B, "?"),
                ("ou-1", "eins"),
                ("root", "?"),
                ("s-1", "?")
            ])
        );
    }

    #[test]
    fn an_unknown_name_leaves_open_newcomers_and_the_paths_below() {
        let mut source = hand_written(
            [(A, account("prod"))],
            [
                ("ou-1", unit("Eins", None)),
                ("ou-2", unit("Zwei", Some("ou-1"))),
            ],
        );
        let held = mirror(&wanted(&source), None).unwrap();
        let newcomer = SourceAccount {
            parent_id: Some("ou-2".to_owned()),
            ..account("dev")
        };
        source.accounts.insert(B.to_owned(), newcomer);
        let ou = source.organizational_units.get_mut("ou-1").unwrap();
        ou.name = Late::Unknown;
        let open = then(&held, &wanted(&source));
        assert_eq!(
            handles(&open),
            BTreeMap::from([
                (A, "prod"),
                (B, "?"),
                ("ou-1", "?"),
                ("ou-2", "zwei"),
                ("root", "acme")
            ])
        );
        assert_eq!(open.mirror.folders["ou-2"].path, Late::Unknown);
        assert_eq!(open.mirror.connections[B].path, Late::Unknown);
        assert_eq!(open.mirror.connections[A].path, Late::Known("/".to_owned()));
    }

    #[test]
    fn unknown_initial_handles_matter_to_newcomers_only() {
        let mut source = hand_written([(A, account("prod"))], []);
        let held = mirror(&wanted(&source), None).unwrap();
        source.accounts.insert(A.to_owned(), account("renamed"));
        let mut renamed = wanted(&source);
        renamed.initial_handles = Late::Unknown;
        // There is no account they could apply to.
        assert_eq!(handles(&then(&held, &renamed))[A], "renamed");
        let mut source = source.clone();
        source.accounts.insert(B.to_owned(), account("dev"));
        let mut joined = wanted(&source);
        joined.initial_handles = Late::Unknown;
        let open = then(&held, &joined);
        assert_eq!(
            handles(&open),
            BTreeMap::from([(A, "?"), (B, "?"), ("root", "acme")])
        );
    }

    #[test]
    fn an_unknown_time_of_joining_matters_where_a_handle_is_wanted_twice() {
        let late = |name: &str| SourceAccount {
            joined_at: Late::Unknown,
            ..account(name)
        };
        let source = hand_written(
            [(A, late("prod")), (B, account("prod")), (C, late("dev"))],
            [("ou-1", unit("Prod", None)), ("ou-2", unit("Dev", None))],
        );
        assert_eq!(
            handles(&mirror(&wanted(&source), None).unwrap()),
            BTreeMap::from([
                (A, "?"),
                (B, "?"),
                (C, "dev"),
                // One of A and B has it; which one does not matter to a folder.
                ("ou-1", "prod_ou1"),
                ("ou-2", "dev_ou2"),
                ("root", "acme"),
            ])
        );
    }

    #[test]
    fn the_partition_comes_from_the_source_or_the_region() {
        let arn = |partition: Late<Option<&str>>, region: Late<Option<&str>>| {
            let mut source = hand_written([(A, account("prod"))], []);
            source.partition = partition.map(|partition| partition.map(str::to_owned));
            let mut wanted = wanted(&source);
            wanted.default_region = region.map(|region| region.map(str::to_owned));
            let mirrored = mirror(&wanted, None).unwrap().mirror;
            match &mirrored.connections[A].derived_role_arn {
                Late::Known(arn) => arn.split(':').nth(1).unwrap().to_owned(),
                Late::Unknown => "?".to_owned(),
            }
        };
        let known = |value| Late::Known(Some(value));
        assert_eq!(arn(known("aws-cn"), known("us-gov-west-1")), "aws-cn");
        assert_eq!(arn(known("aws-cn"), Late::Unknown), "aws-cn");
        assert_eq!(arn(Late::Known(None), known("us-gov-west-1")), "aws-us-gov");
        assert_eq!(arn(Late::Known(None), known("cn-north-1")), "aws-cn");
        assert_eq!(arn(Late::Known(None), Late::Known(None)), "aws");
        assert_eq!(arn(Late::Known(None), Late::Unknown), "?");
        assert_eq!(arn(Late::Unknown, Late::Known(None)), "?");
    }

    #[test]
    fn owners_come_from_tags_or_else_from_the_integration() {
        let owner = |attribute: &str, values: &[&str]| Owner {
            attribute: attribute.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let named = |tag_key: &str, attribute: &str| ResourceOwner {
            tag_key: tag_key.to_owned(),
            attribute: attribute.to_owned(),
        };
        let tagged = |tags: &[(&'static str, &str)]| SourceAccount {
            tags: Late::Known(Some(by_id(
                tags.iter().map(|(key, value)| (*key, (*value).to_owned())),
            ))),
            ..account("prod")
        };
        let source = hand_written(
            [
                (A, tagged(&[("owner", "ann, bob"), ("backup", "eve")])),
                (B, tagged(&[("owner", ""), ("team", "x")])),
                (C, tagged(&[])),
            ],
            [],
        );
        let mut wanted = wanted(&source);
        wanted.owners = Late::Known(Some(vec![owner("group", &["platform"])]));
        wanted.resource_owners = Late::Known(Some(vec![
            named("owner", "user"),
            named("backup", "user"),
            named("absent", "group"),
        ]));
        let of = |wanted: &Wanted<'_>, id: &str| {
            let mirrored = mirror(wanted, None).unwrap().mirror;
            mirrored.connections[id].owners.clone()
        };
        let from_tags = Late::Known(Some(BTreeSet::from([owner("user", &["ann, bob", "eve"])])));
        let fallback = Late::Known(Some(BTreeSet::from([owner("group", &["platform"])])));
        assert_eq!(of(&wanted, A), from_tags);
        assert_eq!(of(&wanted, B), fallback);
        assert_eq!(of(&wanted, C), fallback);

        wanted.owners = Late::Unknown;
        assert_eq!(of(&wanted, A), from_tags);
        assert_eq!(of(&wanted, B), Late::Unknown);

        wanted.owners = Late::Known(Some(vec![owner("group", &["platform"])]));
        wanted.resource_owners = Late::Unknown;
        assert_eq!(of(&wanted, A), Late::Unknown);
        assert_eq!(of(&wanted, C), fallback);

        wanted.resource_owners = Late::Known(None);
        wanted.owners = Late::Known(Some(vec![]));
        assert_eq!(of(&wanted, A), Late::Known(None));
        wanted.resource_owners = Late::Known(Some(vec![named("owner", "user")]));
        assert_eq!(
            mirror(&wanted, None),
            Err(MirrorError::ResourceOwnersWithoutOwners)
        );
        wanted.owners = Late::Known(Some(vec![owner("group", &["platform"])]));
        let untagged = hand_written([(A, account("prod")), (B, tagged(&[]))], []);
        wanted.source = &untagged;
        assert_eq!(
            mirror(&wanted, None).unwrap_err().to_string(),
            "resource_owners names account tags, but the tags of 111111111111 (\"prod\") are null: they were not read"
        );
    }

    #[test]
    fn faults_of_the_source_are_named() {
        let fault = |source: Source| mirror(&wanted(&source), None).unwrap_err().to_string();
        assert_eq!(
            fault(hand_written([("12345", account("short"))], [])),
            "12345 (\"short\") is not an AWS account ID: it must be 12 digits"
        );
        let orphan = SourceAccount {
            parent_id: Some("ou-3".to_owned()),
            ..account("prod")
        };
        assert_eq!(
            fault(hand_written(
                [(A, orphan)],
                [("ou-1", unit("Eins", Some("ou-2")))]
            )),
            "ou-1 (\"Eins\") has the parent_id \"ou-2\", which is not there; 111111111111 (\"prod\") has the parent_id \
             \"ou-3\", which is not there"
        );
        assert_eq!(
            fault(hand_written(
                [],
                [
                    ("ou-1", unit("Eins", Some("ou-2"))),
                    ("ou-2", unit("Zwei", Some("ou-1")))
                ]
            )),
            "the OUs ou-1, ou-2 are each other's ancestors"
        );
        for (id, reason) in [
            ("root", "it is both the root's and an OU's"),
            ("", "it is empty"),
            (A, "12 digits are an account's ID"),
            ("/Prod", "what starts with / is a path"),
        ] {
            assert_eq!(
                fault(hand_written([], [(id, unit("Eins", None))])),
                format!("{id:?} cannot be the ID of the root or of an OU: {reason}")
            );
        }
        assert_eq!(
            fault(hand_written([(A, joined("prod", "yesterday"))], [])),
            "joined_at of the account 111111111111 (\"prod\") is \"yesterday\", which is not a time by RFC 3339"
        );
    }

    #[test]
    fn faults_of_initial_handles_are_named() {
        let source = hand_written([(A, account("prod"))], []);
        let held = mirror(&wanted(&source), None).unwrap();
        let source = hand_written([(A, account("prod")), (B, account("dev"))], []);
        let fault = |entries: &[(&'static str, &str)]| {
            let mut wanted = wanted(&source);
            wanted.initial_handles = Late::Known(by_id(
                entries
                    .iter()
                    .map(|(id, handle)| (*id, (*handle).to_owned())),
            ));
            let held = Held {
                mirror: &held.mirror,
                handle: "acme",
                prefix: "",
                given_handles: &held.given_handles,
            };
            mirror(&wanted, Some(&held)).unwrap_err().to_string()
        };
        assert_eq!(
            fault(&[(B, "prod")]),
            "initial_handles wants \"prod\" for the account 222222222222, but 111111111111 (\"prod\") has that handle"
        );
        assert_eq!(
            fault(&[(B, "x"), (C, "x")]),
            "initial_handles has \"x\" for both 222222222222 and 333333333333"
        );
        assert_eq!(
            fault(&[("prod", "x")]),
            "initial_handles has the key \"prod\", which is not an AWS account ID of 12 digits"
        );
        assert!(
            fault(&[(B, "Legacy")])
                .starts_with("in initial_handles, for the account 222222222222, the connection handle \"Legacy\" must")
        );
    }

    #[test]
    fn units_without_a_name_go_by_their_id() {
        let nameless = SourceUnit {
            name: Late::Known(None),
            parent_id: None,
        };
        let source = hand_written([], [("team-a", nameless), ("team-b", unit("", None))]);
        let mirrored = mirror(&wanted(&source), None).unwrap();
        assert_eq!(handles(&mirrored)["team-a"], "team_a");
        let folders = &mirrored.mirror.folders;
        assert_eq!(folders["team-b"].name, Late::Known("team-b".to_owned()));
        assert_eq!(folders["team-b"].path, Late::Known("/team-b".to_owned()));
    }

    #[test]
    fn what_is_not_known_cannot_be_stored() {
        let source = hand_written([(A, account("prod"))], []);
        let mut wanted = wanted(&source);
        wanted.role_name = Late::Unknown;
        let open = mirror(&wanted, None).unwrap().mirror;
        assert!(serde_json::to_string(&open).is_err());
    }
}
