//! Who sees what: grants, effective settings, and what is published for a workspace.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::grantee::Grantee;
use super::integration::Integration;
use super::mirror::{ACTIVE, Connection, Folder, Mirror};
use super::partition;
use super::permission::{ConnectionPermission, FolderPermission};
use super::tenant::Tenant;
use super::workspace::Workspace;

pub use resolved::Resolved;

mod inherited;
pub(super) mod resolved;

/// One reason why a connection is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant<'t> {
    /// Where it was declared.
    pub source: GrantSource<'t>,
    /// To whom.
    pub grantee: Cow<'t, Grantee>,
}

/// Where a grant was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantSource<'t> {
    /// In the integration's own `permissions`, which sit on the root folder.
    Integration(&'t Integration),
    /// For a folder.
    Folder {
        /// The permission.
        permission: &'t FolderPermission,
        /// ID of the folder that it means now.
        folder_id: &'t str,
        /// That folder.
        folder: &'t Folder,
    },
    /// For the connection itself.
    Connection(&'t ConnectionPermission),
}

/// A connection with everything that follows from its integration, overrides and grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveConnection<'t> {
    /// Whose it is.
    pub integration: &'t Integration,
    /// Of the account.
    pub account_id: &'t str,
    /// As it is mirrored.
    pub connection: &'t Connection,
    /// Under which it is published.
    pub handle: &'t str,
    /// ARN of the role that tools assume.
    pub role_arn: Cow<'t, str>,
    /// External ID passed when the role is assumed.
    pub external_id: Option<&'t str>,
    /// Region names, `*` and globs.
    pub regions: &'t BTreeSet<String>,
    /// Region used where a tool wants one.
    pub default_region: &'t str,
    /// Total attempts, at least 1.
    pub max_error_retry_attempts: i64,
    /// Milliseconds, at least 1.
    pub min_error_retry_delay: i64,
    /// In addition to the tools' built-in not-found codes.
    pub ignore_error_codes: &'t BTreeSet<String>,
    /// False: an override keeps it out of every publication.
    pub enabled: bool,
    /// Its folder and that folder's ancestors, each with its ID, from the root down. Connections of one folder share them.
    pub ancestors: Arc<[(&'t str, &'t Folder)]>,
    /// The grants that count: of a workspace's view those that cover the workspace, else all. From the root down, the
    /// connection's own ones last.
    pub granted_by: Vec<Grant<'t>>,
}

impl<'t> EffectiveConnection<'t> {
    /// Name of the account.
    pub fn name(&self) -> &'t str {
        self.connection.name.known().map_or("", String::as_str)
    }

    /// E-mail address of the account's root user.
    pub fn email(&self) -> Option<&'t str> {
        self.connection.email.known()?.as_deref()
    }

    /// Tags of the account; none: not read.
    pub fn tags(&self) -> Option<&'t BTreeMap<String, String>> {
        self.connection.tags.known()?.as_ref()
    }

    /// Path of its folder.
    pub fn path(&self) -> &'t str {
        self.connection.path.known().map_or("", String::as_str)
    }

    /// The folders it is in, from the root down.
    pub fn folders(&self) -> impl Iterator<Item = (&'t str, &'t Folder)> {
        self.ancestors.iter().copied()
    }

    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub fn partition(&self) -> &'t str {
        partition_of(self.connection).unwrap_or_else(|| partition::of_region(self.default_region))
    }

    /// Whether it may be published at all: the account is active and no override keeps it out.
    pub fn is_publishable(&self) -> bool {
        self.enabled && self.connection.state == ACTIVE
    }
}

/// The partition in the ARN that discovery made.
fn partition_of(connection: &Connection) -> Option<&str> {
    connection.derived_role_arn.known()?.split(':').nth(1)
}

/// What is published for a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View<'t> {
    /// Handle of the tenant.
    pub tenant: &'t str,
    /// Whose it is.
    pub workspace: &'t Workspace,
    /// What it gets, by handle.
    pub connections: Vec<EffectiveConnection<'t>>,
    /// Folders that hold any of them, themselves or below, by handle.
    pub folders: Vec<ViewFolder<'t>>,
}

/// A folder that holds published connections, itself or below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewFolder<'t> {
    /// Whose it is.
    pub integration: &'t Integration,
    /// Root or OU ID.
    pub id: &'t str,
    /// As it is mirrored.
    pub folder: &'t Folder,
    /// Under which it is published.
    pub handle: &'t str,
    /// Handles of those connections, sorted.
    pub connections: Vec<&'t str>,
}

/// Whether a workspace takes a connection that is visible to it.
pub fn is_attached(workspace: &Workspace, connection: &EffectiveConnection<'_>) -> bool {
    let Some(attach) = &workspace.attach else {
        return true;
    };
    attach.contains(connection.account_id)
        || connection
            .folders()
            .any(|(id, folder)| names(attach, id, folder))
}

/// Whether a folder is among what a workspace attaches.
fn names(attach: &BTreeSet<String>, id: &str, folder: &Folder) -> bool {
    attach.contains(id)
        || folder
            .path
            .known()
            .is_some_and(|path| attach.contains(path))
}

/// Entries of a workspace's `attach` that are no folder and no account of any integration.
pub fn attached_nowhere<'a>(attach: &'a BTreeSet<String>, tenant: &Tenant) -> Vec<&'a str> {
    let is_there = |entry: &str| {
        tenant.each::<Integration>().any(|integration| {
            let Mirror {
                folders,
                connections,
                ..
            } = &integration.mirror;
            connections.contains_key(entry)
                || folders.contains_key(entry)
                || folders
                    .values()
                    .any(|folder| folder.path.known().is_some_and(|path| path == entry))
        })
    };
    let entries = attach.iter().map(String::as_str);
    entries.filter(|entry| !is_there(entry)).collect()
}
