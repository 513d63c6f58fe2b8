//! Overrides: settings of one folder, with all below it, or of one connection, that differ from the integration's.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::folder_ref::{FolderRef, Folders};
use super::handle::Kind;
use super::integration::Integration;
use super::partition::Claim;
use super::tenant::Tenant;

/// What both kinds of overrides may set; none: inherited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverriddenSettings {
    /// External ID passed when the role is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Region names, `*` and globs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<BTreeSet<String>>,
    /// Region used where a tool wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_region: Option<String>,
    /// Total attempts, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_error_retry_attempts: Option<i64>,
    /// Milliseconds, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_error_retry_delay: Option<i64>,
    /// In addition to the tools' built-in not-found codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_error_codes: Option<BTreeSet<String>>,
    /// False: neither it nor, of a folder, anything below it is published, whatever other overrides say.
    pub enabled: bool,
}

impl Default for OverriddenSettings {
    fn default() -> Self {
        Self {
            external_id: None,
            regions: None,
            default_region: None,
            max_error_retry_attempts: None,
            min_error_retry_delay: None,
            ignore_error_codes: None,
            enabled: true,
        }
    }
}

impl OverriddenSettings {
    /// What its regions claim to be in.
    pub fn claims(&self) -> impl Iterator<Item = Claim<'_>> {
        let regions = self.regions.iter().flatten();
        let regions = regions.filter_map(|region| Claim::of_region("regions", region));
        let default_region = self.default_region.as_deref();
        regions.chain(default_region.and_then(|region| Claim::of_region("default_region", region)))
    }
}

/// What differs for a folder and all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderOverride {
    /// `fo_` and 20 characters `[a-z0-9]`.
    pub id: String,
    /// `in_...`
    pub integration_id: String,
    /// Of which folder.
    pub folder: FolderRef,
    /// Effective handle of the folder itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Name (with path, without leading slash) of the IAM role in the accounts below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// The other settings.
    pub settings: OverriddenSettings,
}

/// What differs for a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionOverride {
    /// `co_` and 20 characters `[a-z0-9]`.
    pub id: String,
    /// `in_...`
    pub integration_id: String,
    /// Of which connection.
    pub account_id: String,
    /// Effective handle of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// ARN of the role that tools assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The other settings.
    pub settings: OverriddenSettings,
}

/// The overrides of an integration, each with what it is for.
///
/// One is in force when its object is there, unless the object has another one that wins.
#[derive(Debug, Clone, Default)]
pub struct InForce<'a> {
    /// Those in force, by root or OU ID.
    pub folders: BTreeMap<&'a str, &'a FolderOverride>,
    /// Those in force, by account ID.
    pub connections: BTreeMap<&'a str, &'a ConnectionOverride>,
    /// Those not in force, with the ID of their folder; where it is not there, with the ID or path that they give.
    pub idle_folders: Vec<(&'a str, &'a FolderOverride)>,
    /// Those not in force.
    pub idle_connections: Vec<&'a ConnectionOverride>,
}

impl<'a> InForce<'a> {
    /// The overrides of `tenant` for one of its integrations.
    ///
    /// There is one for each object, unless a folder came to where a path points that has an override by its ID
    /// already: then that one wins.
    pub fn of(tenant: &'a Tenant, integration: &'a Integration) -> Self {
        let mirror = &integration.mirror;
        let paths = Folders::of(mirror);
        let mut in_force = Self::default();
        let own = tenant.each::<FolderOverride>();
        let mut own: Vec<_> = own
            .filter(|overriding| overriding.integration_id == integration.id)
            .collect();
        own.sort_by_key(|overriding| matches!(overriding.folder, FolderRef::Path(_)));
        for overriding in own {
            let found = paths.find(&overriding.folder).map(|(id, _)| id);
            match found.map(|id| in_force.folders.entry(id)) {
                Some(Entry::Vacant(place)) => {
                    place.insert(overriding);
                }
                _ => {
                    let id = found.unwrap_or(overriding.folder.as_str());
                    in_force.idle_folders.push((id, overriding));
                }
            }
        }
        for overriding in tenant.each::<ConnectionOverride>() {
            if overriding.integration_id != integration.id {
                continue;
            }
            let id = overriding.account_id.as_str();
            match in_force.connections.entry(id) {
                Entry::Vacant(place) if mirror.connections.contains_key(id) => {
                    place.insert(overriding);
                }
                _ => in_force.idle_connections.push(overriding),
            }
        }
        in_force
    }

    /// The handle that an override gives a folder or connection.
    pub fn handle(&self, kind: Kind, id: &str) -> Option<&'a str> {
        match kind {
            Kind::Connection => self.connections.get(id)?.handle.as_deref(),
            _ => self.folders.get(id)?.handle.as_deref(),
        }
    }
}
