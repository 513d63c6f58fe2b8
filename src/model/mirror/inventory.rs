//! What an integration is given: the AWS organization, or a part of it, as a user has it.

use std::collections::BTreeMap;

use describe::{Describe, Field, Value};

use super::error::{Holder, MirrorError, MissingParent};
use super::{ACTIVE, PlannedMirror};
use crate::model::arn::is_account_id;
use crate::model::checks;
use crate::model::partition;
use crate::model::snapshot::Snapshot;
use crate::model::tree::{TopologicalOrder, TreeError};

/// The ID of the root folder where the inventory has none.
pub const HAND_WRITTEN_ROOT_ID: &str = "root";

/// What an integration is given: a snapshot, one filtered or merged in HCL, or a hand-written list of accounts.
///
/// Its structure (which units and accounts there are, their parents and states) is known; names and other facts may
/// not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// `o-...`; null for hand-written accounts.
    pub aws_organization_id: Value<String>,
    /// None: there is a root with ID `root`.
    pub root_id: Option<String>,
    /// `aws`, `aws-us-gov` or `aws-cn`; null: taken from the default region, else `aws`.
    pub partition: Value<String>,
    /// By OU ID.
    pub organizational_units: BTreeMap<String, InventoryUnit>,
    /// By account ID.
    pub accounts: BTreeMap<String, InventoryAccount>,
}

/// One organizational unit of an [`Inventory`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Describe)]
pub struct InventoryUnit {
    /// Name of the OU; default: its ID.
    #[field(optional)]
    pub name: Value<String>,
    /// ID of the root or of the OU above; null: the root.
    #[field(optional)]
    pub parent_id: Value<String>,
}

/// One account of an [`Inventory`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Describe)]
pub struct InventoryAccount {
    /// Name of the account.
    #[field(required)]
    pub name: Value<String>,
    /// E-mail address of the account's root user.
    #[field(optional)]
    pub email: Value<String>,
    /// State of the account; null: `ACTIVE`.
    #[field(optional, check_string(checks::account_state))]
    pub state: Value<String>,
    /// ID of the root or OU that holds the account; null: the root.
    #[field(optional)]
    pub parent_id: Value<String>,
    /// When it joined the AWS organization; decides who gets a handle first.
    #[field(optional)]
    pub joined_at: Value<String>,
    /// The account's tags.
    #[field(optional)]
    pub tags: Value<BTreeMap<String, Value<String>>>,
}

impl Inventory {
    /// The root's ID.
    pub fn root_id(&self) -> &str {
        self.root_id.as_deref().unwrap_or(HAND_WRITTEN_ROOT_ID)
    }

    /// Its partition, else the one of the default Region as configured, else the commercial one.
    pub fn partition_with(&self, default_region: &Value<String>) -> Value<String> {
        if !self.partition.is_null() {
            return self.partition.clone();
        }
        let of_region = |region: &String| partition::of_region(region).to_owned();
        let partition = default_region.as_ref().map(of_region);
        partition.or(|| partition::AWS.to_owned())
    }

    /// Checks IDs and parents.
    ///
    /// # Errors
    /// The first kind of fault there is, with everything that has it.
    pub(super) fn order(&self) -> Result<TopologicalOrder<'_>, MirrorError> {
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
            .map(|(id, unit)| (id.as_str(), unit.parent_id().unwrap_or(root_id)))
            .collect();
        let order = TopologicalOrder::of(root_id, &parents);
        let mut missing: Vec<MissingParent> = match &order {
            Err(TreeError::Orphans(ids)) => ids
                .iter()
                .filter_map(|id| Some((id, self.organizational_units.get(id)?)))
                .map(|(id, unit)| MissingParent {
                    child: Holder {
                        id: id.clone(),
                        name: unit.name.known().cloned(),
                    },
                    parent_id: unit.parent_id().unwrap_or_default().to_owned(),
                })
                .collect(),
            _ => Vec::new(),
        };
        for (id, account) in &self.accounts {
            let Some(parent_id) = account.parent_id() else {
                continue;
            };
            if parent_id != root_id && !self.organizational_units.contains_key(parent_id) {
                missing.push(MissingParent {
                    child: Holder {
                        id: id.clone(),
                        name: account.name.known().cloned(),
                    },
                    parent_id: parent_id.to_owned(),
                });
            }
        }
        if !missing.is_empty() {
            return Err(MirrorError::MissingParents(missing));
        }
        order.map_err(|broken| match broken {
            TreeError::Cycle(ids) | TreeError::Orphans(ids) => MirrorError::Cycle(ids),
        })
    }
}

impl InventoryUnit {
    /// The OU's name; its ID where it has none.
    pub fn name_or<'a>(&'a self, id: &'a str) -> Value<&'a str> {
        match &self.name {
            Value::Unknown => Value::Unknown,
            Value::Known(name) if !name.is_empty() => Value::Known(name),
            Value::Null | Value::Known(_) => Value::Known(id),
        }
    }

    /// The ID of the folder above; none: the root.
    pub fn parent_id(&self) -> Option<&str> {
        self.parent_id.known().map(String::as_str)
    }
}

impl InventoryAccount {
    /// The account's state.
    pub fn state(&self) -> &str {
        self.state.known().map_or(ACTIVE, String::as_str)
    }

    /// The ID of the folder that holds the account; none: the root.
    pub fn parent_id(&self) -> Option<&str> {
        self.parent_id.known().map(String::as_str)
    }

    /// The account's tags: null where they were not read, unknown where any of them is.
    pub fn known_tags(&self) -> Value<&BTreeMap<String, Value<String>>> {
        match &self.tags {
            Value::Known(tags) if tags.values().any(|value| value.known().is_none()) => {
                Value::Unknown
            }
            tags => tags.as_ref(),
        }
    }
}

impl From<&Snapshot> for Inventory {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            aws_organization_id: snapshot.id.clone().into(),
            root_id: Some(snapshot.root_id.clone()),
            partition: snapshot.partition.clone().into(),
            organizational_units: snapshot
                .organizational_units
                .iter()
                .map(|(id, unit)| {
                    let unit = InventoryUnit {
                        name: unit.name.clone().into(),
                        parent_id: unit.parent_id.clone().into(),
                    };
                    (id.clone(), unit)
                })
                .collect(),
            accounts: snapshot
                .accounts
                .iter()
                .map(|(id, account)| {
                    let account = InventoryAccount {
                        name: account.name.clone().into(),
                        email: account.email.clone().into(),
                        state: account.state.clone().into(),
                        parent_id: account.parent_id.clone().into(),
                        joined_at: account.joined_at.clone().into(),
                        tags: account.tags.clone().into_value(),
                    };
                    (id.clone(), account)
                })
                .collect(),
        }
    }
}

impl Inventory {
    /// The inventory that a mirror came from, as far as the mirror tells: for a plan without a snapshot, which keeps the
    /// tree. Where it has no connection, the default Region so far tells the partition.
    pub fn of_mirror(mirror: &PlannedMirror, default_region: Option<&str>) -> Self {
        let root_id = mirror
            .folders
            .iter()
            .find(|(_, folder)| folder.parent_id.is_null())
            .map(|(id, _)| id.clone());
        let partition = mirror
            .partition()
            .or_else(|| default_region.map(partition::of_region));
        Self {
            aws_organization_id: mirror.aws_organization_id.clone(),
            root_id,
            partition: partition.map(str::to_owned).into(),
            organizational_units: mirror
                .folders
                .iter()
                .filter(|(_, folder)| !folder.parent_id.is_null())
                .map(|(id, folder)| {
                    let unit = InventoryUnit {
                        name: folder.name.clone(),
                        parent_id: folder.parent_id.clone(),
                    };
                    (id.clone(), unit)
                })
                .collect(),
            accounts: mirror
                .connections
                .iter()
                .map(|(id, connection)| {
                    let account = InventoryAccount {
                        name: connection.name.clone(),
                        email: connection.email.clone(),
                        state: connection.state.clone(),
                        parent_id: connection.folder_id.clone(),
                        joined_at: Value::Null,
                        tags: connection.tags.clone(),
                    };
                    (id.clone(), account)
                })
                .collect(),
        }
    }
}
