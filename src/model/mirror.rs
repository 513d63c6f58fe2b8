//! The mirror of an AWS organization: a folder per OU, a connection per account.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::integration::Owner;
use super::late::Late;

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
