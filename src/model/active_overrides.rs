//! The overrides of an integration that have an effect now.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::folder_ref::{FolderRef, Folders};
use super::handle::HandleKind;
use super::objects::{ConnectionOverride, FolderOverride, Integration};
use super::tenant::Tenant;

/// The overrides of an integration, by the folder or connection that they are for.
///
/// An override is active if its object exists and has no other override that wins.
#[derive(Debug, Clone, Default)]
pub struct ActiveOverrides<'a> {
    /// The active ones, by root or OU ID.
    pub folders: BTreeMap<&'a str, &'a FolderOverride>,
    /// The active ones, by account ID.
    pub connections: BTreeMap<&'a str, &'a ConnectionOverride>,
    /// The others, with the ID of their folder; if it is missing, with the ID or path in the override.
    pub idle_folders: Vec<(&'a str, &'a FolderOverride)>,
    /// The others.
    pub idle_connections: Vec<&'a ConnectionOverride>,
}

impl<'a> ActiveOverrides<'a> {
    /// The overrides of `tenant` for one of its integrations.
    ///
    /// There is one for each object, unless a folder came to where a path points that has an override by its ID
    /// already: then that one wins.
    pub fn of(tenant: &'a Tenant, integration: &'a Integration) -> Self {
        let mirror = &integration.mirror;
        let paths = Folders::of(mirror);
        let mut active = Self::default();
        let mut own: Vec<_> = tenant
            .each::<FolderOverride>()
            .filter(|overriding| overriding.integration_id == integration.id)
            .collect();
        own.sort_by_key(|overriding| matches!(overriding.folder, FolderRef::Path(_)));
        for overriding in own {
            let found = paths.find(&overriding.folder).map(|(id, _)| id);
            match found.map(|id| active.folders.entry(id)) {
                Some(Entry::Vacant(place)) => {
                    place.insert(overriding);
                }
                _ => {
                    let id = found.unwrap_or(overriding.folder.as_str());
                    active.idle_folders.push((id, overriding));
                }
            }
        }
        for overriding in tenant.each::<ConnectionOverride>() {
            if overriding.integration_id != integration.id {
                continue;
            }
            let id = overriding.account_id.as_str();
            match active.connections.entry(id) {
                Entry::Vacant(place) if mirror.connections.contains_key(id) => {
                    place.insert(overriding);
                }
                _ => active.idle_connections.push(overriding),
            }
        }
        active
    }

    /// The handle that an override gives a folder or connection.
    pub fn handle(&self, kind: HandleKind, id: &str) -> Option<&'a str> {
        match kind {
            HandleKind::Connection => self.connections.get(id)?.handle.as_deref(),
            _ => self.folders.get(id)?.handle.as_deref(),
        }
    }
}
