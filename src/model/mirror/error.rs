//! Why an inventory cannot be mirrored.

use std::fmt;

use thiserror::Error;

use crate::model::handle::HandleError;
use crate::model::snapshot::listed;

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

/// An OU or account whose `parent_id` is not in the inventory.
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
