//! What a change does to workspaces: what each gains, loses and finds renamed.

use std::collections::BTreeMap;

use super::tenant::Tenant;
use super::visibility::{Resolved, View};
use super::workspace::Workspace;

/// What becomes of the connections of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// `organization/workspace`
    pub workspace: String,
    /// Formats published for it, before or after.
    pub formats: Vec<String>,
    /// Connections it did not have, by handle.
    pub gained: Vec<Reached>,
    /// Connections it has no longer, by their old handle.
    pub lost: Vec<Reached>,
    /// Connections and folders it has under another handle, by the old one.
    pub renamed: Vec<Renamed>,
}

/// A connection of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    /// Under which it is published.
    pub handle: String,
    /// Of the account.
    pub account_id: String,
    /// Of the account.
    pub name: String,
    /// Of its folder.
    pub path: String,
}

/// A connection or folder that is published under another handle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Renamed {
    /// The handle it had.
    pub from: String,
    /// The handle it has.
    pub to: String,
    /// Root, OU or account ID.
    pub id: String,
}

impl Reach {
    fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && self.renamed.is_empty()
    }
}

/// What is published before and after, for every workspace that notices, by its name.
pub fn compare(before: &Tenant, after: &Tenant) -> Vec<Reach> {
    let (old, new) = (Resolved::of(before), Resolved::of(after));
    let mut workspaces: BTreeMap<String, [Option<&Workspace>; 2]> = BTreeMap::new();
    for (side, tenant) in [before, after].into_iter().enumerate() {
        for workspace in tenant.each::<Workspace>() {
            let sides = workspaces.entry(workspace.to_string()).or_default();
            sides[side] = Some(workspace);
        }
    }
    workspaces
        .into_iter()
        .filter_map(|(name, [was, is])| {
            let views = [
                was.map(|workspace| old.view(workspace)),
                is.map(|workspace| new.view(workspace)),
            ];
            let reach = between(name, views.each_ref().map(Option::as_ref));
            (!reach.is_empty()).then_some(reach)
        })
        .collect()
}

fn between(workspace: String, views: [Option<&View<'_>>; 2]) -> Reach {
    type Place<'a> = (&'a str, &'a str);
    let [before, after] = views.map(|view| -> BTreeMap<Place<'_>, Reached> {
        let connections = view.iter().flat_map(|view| &view.connections);
        connections
            .map(|connection| {
                let reached = Reached {
                    handle: connection.handle.to_owned(),
                    account_id: connection.account_id.to_owned(),
                    name: connection.name().to_owned(),
                    path: connection.path().to_owned(),
                };
                let place = (connection.integration.id.as_str(), connection.account_id);
                (place, reached)
            })
            .collect()
    });
    let [folders_before, folders_after] = views.map(|view| -> BTreeMap<Place<'_>, &str> {
        let folders = view.iter().flat_map(|view| &view.folders);
        folders
            .map(|folder| ((folder.integration.id.as_str(), folder.id), folder.handle))
            .collect()
    });
    let only = |these: &BTreeMap<Place<'_>, Reached>, those: &BTreeMap<Place<'_>, Reached>| {
        let mut only: Vec<Reached> = these
            .iter()
            .filter(|(place, _)| !those.contains_key(*place))
            .map(|(_, reached)| reached.clone())
            .collect();
        only.sort_unstable();
        only
    };
    let connections = before.iter().filter_map(|(place, was)| {
        let is = after.get(place)?;
        Some((place.1, was.handle.as_str(), is.handle.as_str()))
    });
    let folders = folders_before
        .iter()
        .filter_map(|(place, was)| Some((place.1, *was, *folders_after.get(place)?)));
    let mut renamed: Vec<Renamed> = connections
        .chain(folders)
        .filter(|(_, from, to)| from != to)
        .map(|(id, from, to)| Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
            id: id.to_owned(),
        })
        .collect();
    renamed.sort_unstable();
    let mut formats: Vec<String> = views
        .iter()
        .flatten()
        .flat_map(|view| view.workspace.publish.keys().cloned())
        .collect();
    formats.sort_unstable();
    formats.dedup();
    Reach {
        workspace,
        formats,
        gained: only(&after, &before),
        lost: only(&before, &after),
        renamed,
    }
}
