//! The impact of a change on workspaces: the connections that each gains, loses or gets under another handle.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use super::affected_workspaces::affected_filter;
use super::objects::Workspace;
use super::tenant::Tenant;
use super::visibility::Resolved;
use super::visibility::reader::{FolderIndex, Published, Reader};

/// How the connections of one workspace change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkspaceImpact {
    /// `organization/workspace`
    pub workspace: String,
    /// Formats published for it, before or after.
    pub formats: Vec<String>,
    /// New connections, by handle.
    pub gained: Vec<AffectedConnection>,
    /// Connections that it no longer has, by their old handle.
    pub lost: Vec<AffectedConnection>,
    /// Connections and folders with another handle, by the old one.
    pub renamed: Vec<Renamed>,
}

/// A connection that a workspace gains or loses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AffectedConnection {
    /// The handle under which it is published.
    pub handle: String,
    /// ID of the account.
    pub account_id: String,
    /// Name of the account.
    pub name: String,
    /// Path of its folder.
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

impl WorkspaceImpact {
    fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && self.renamed.is_empty()
    }
}

/// Compares the publications before and after, for every workspace that changes, by its name.
pub fn compare(before: &Tenant, after: &Tenant) -> Vec<WorkspaceImpact> {
    let (old, new) = (OnceCell::new(), OnceCell::new());
    compare_resolved(before, after, || {
        let old = old.get_or_init(|| Resolved::of(before));
        (old, new.get_or_init(|| old.after(after)))
    })
}

/// As [`compare`], for tenants that may be resolved already. `resolved` is called only if a workspace may change.
pub fn compare_resolved<'t>(
    before: &Tenant,
    after: &Tenant,
    resolved: impl FnOnce() -> (&'t Resolved, &'t Resolved),
) -> Vec<WorkspaceImpact> {
    let is_affected = affected_filter(before, after);
    let mut workspaces: BTreeMap<String, [Option<&Workspace>; 2]> = BTreeMap::new();
    for (side, tenant) in [before, after].into_iter().enumerate() {
        for workspace in tenant
            .each::<Workspace>()
            .filter(|workspace| is_affected(workspace))
        {
            let sides = workspaces.entry(workspace.to_string()).or_default();
            sides[side] = Some(workspace);
        }
    }
    if workspaces.is_empty() {
        return Vec::new();
    }
    let (old, new) = resolved();
    let (old, new) = (Reader::of(old), Reader::of(new));
    let matched = Matched::of(&old, &new);
    workspaces
        .into_iter()
        .map(|(name, [was, is])| {
            let before = was.map(|workspace| old.published(workspace));
            let after = is.map(|workspace| new.published(workspace));
            let mut formats: Vec<String> = [was, is]
                .into_iter()
                .flatten()
                .flat_map(|workspace| workspace.publish.keys().cloned())
                .collect();
            formats.sort_unstable();
            formats.dedup();
            WorkspaceImpact {
                workspace: name,
                formats,
                ..matched.between(before.as_ref(), after.as_ref())
            }
        })
        .filter(|impact| !impact.is_empty())
        .collect()
}

/// The connections and folders that two tenants have in common, matched once for all workspaces.
struct Matched<'r, 't> {
    old: &'r Reader<'t>,
    new: &'r Reader<'t>,
    /// For each connection that is there after, the handle it had, if that was another, by index.
    old_handles: Vec<Option<&'t str>>,
    /// For each connection after the change, its index before, if any.
    before: Vec<Option<usize>>,
    /// For each connection before the change, its index after, if any.
    after: Vec<Option<usize>>,
    /// Folders whose handle changes, with their indexes before and after.
    folders: Vec<(FolderIndex, FolderIndex, Renamed)>,
}

impl<'r, 't> Matched<'r, 't> {
    fn of(old: &'r Reader<'t>, new: &'r Reader<'t>) -> Self {
        if old.shares_inheritance(new) {
            let same: Vec<Option<usize>> = new.indices().map(Some).collect();
            return Self {
                old,
                new,
                old_handles: vec![None; same.len()],
                before: same.clone(),
                after: same,
                folders: Vec::new(),
            };
        }
        let places: HashMap<(&str, &str), usize> = old
            .indices()
            .map(|index| (old.place(index), index))
            .collect();
        let mut before = vec![None; new.indices().len()];
        let mut after = vec![None; old.indices().len()];
        let mut old_handles = vec![None; before.len()];
        for index in new.indices() {
            if let Some(&was) = places.get(&new.place(index)) {
                before[index] = Some(was);
                after[was] = Some(index);
                old_handles[index] =
                    Some(old.handle(was)).filter(|handle| *handle != new.handle(index));
            }
        }
        let handles: HashMap<(&str, &str), _> = old
            .each_folder()
            .map(|(index, integration, id, handle)| ((integration, id), (index, handle)))
            .collect();
        let folders = new
            .each_folder()
            .filter_map(|(is, integration, id, handle)| {
                let (was, old_handle) = *handles.get(&(integration, id))?;
                (old_handle != handle).then(|| (was, is, renamed(id, old_handle, handle)))
            })
            .collect();
        Self {
            old,
            new,
            old_handles,
            before,
            after,
            folders,
        }
    }

    /// How a workspace's connections change. The caller fills in the workspace and its formats.
    fn between(&self, was: Option<&Published>, is: Option<&Published>) -> WorkspaceImpact {
        let has = |published: Option<&Published>, index: usize| {
            published.is_some_and(|published| published.connections[index])
        };
        let mut impact = WorkspaceImpact::default();
        for index in self.new.indices() {
            if !has(is, index) {
                continue;
            }
            match self.before[index].filter(|&before| has(was, before)) {
                None => impact.gained.push(affected_connection(self.new, index)),
                Some(_) => {
                    let renamed = self.old_handles[index].map(|old| {
                        let (_, account_id) = self.new.place(index);
                        renamed(account_id, old, self.new.handle(index))
                    });
                    impact.renamed.extend(renamed);
                }
            }
        }
        for index in self.old.indices() {
            if has(was, index) && !self.after[index].is_some_and(|after| has(is, after)) {
                impact.lost.push(affected_connection(self.old, index));
            }
        }
        if let (Some(was), Some(is)) = (was, is)
            && !self.folders.is_empty()
        {
            let (old, new) = (self.old.holding(was), self.new.holding(is));
            let renamed = self
                .folders
                .iter()
                .filter(|(was, is, _)| old.contains(was) && new.contains(is))
                .map(|(_, _, renamed)| renamed.clone());
            impact.renamed.extend(renamed);
        }
        impact.gained.sort_unstable();
        impact.lost.sort_unstable();
        impact.renamed.sort_unstable();
        impact
    }
}

fn affected_connection(reader: &Reader<'_>, index: usize) -> AffectedConnection {
    let connection = reader.connection(index);
    AffectedConnection {
        handle: connection.handle.to_owned(),
        account_id: connection.account_id.to_owned(),
        name: connection.name().to_owned(),
        path: connection.path().to_owned(),
    }
}

fn renamed(id: &str, from: &str, to: &str) -> Renamed {
    Renamed {
        from: from.to_owned(),
        to: to.to_owned(),
        id: id.to_owned(),
    }
}
