//! What a change does to workspaces: what each gains, loses and finds renamed.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use super::affected_workspaces::affected;
use super::objects::Workspace;
use super::tenant::Tenant;
use super::visibility::Resolved;
use super::visibility::reader::{FolderIndex, Published, Reader};

/// What becomes of the connections of one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    let (old, new) = (OnceCell::new(), OnceCell::new());
    compare_resolved(before, after, || {
        let old = old.get_or_init(|| Resolved::of(before));
        (old, new.get_or_init(|| old.after(after)))
    })
}

/// The same, with the tenants resolved, which is asked for only if any workspace may notice.
pub fn compare_resolved<'t>(
    before: &Tenant,
    after: &Tenant,
    resolved: impl FnOnce() -> (&'t Resolved, &'t Resolved),
) -> Vec<Reach> {
    let is_affected = affected(before, after);
    let mut workspaces: BTreeMap<String, [Option<&Workspace>; 2]> = BTreeMap::new();
    for (side, tenant) in [before, after].into_iter().enumerate() {
        let noticing = tenant.each::<Workspace>();
        for workspace in noticing.filter(|workspace| is_affected(workspace)) {
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
            Reach {
                workspace: name,
                formats,
                ..matched.between(before.as_ref(), after.as_ref())
            }
        })
        .filter(|reach| !reach.is_empty())
        .collect()
}

/// Which connections and folders of two tenants are the same, worked out once for all workspaces.
struct Matched<'r, 't> {
    old: &'r Reader<'t>,
    new: &'r Reader<'t>,
    /// For each connection that is there after, the handle it had, if that was another, by index.
    old_handles: Vec<Option<&'t str>>,
    /// For each connection that is there after, where it was before, by index.
    before: Vec<Option<usize>>,
    /// For each connection that was there before, where it is after, by index.
    after: Vec<Option<usize>>,
    /// Folders whose handle changes, where they were and where they are, by index.
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

    /// What becomes of a workspace's connections; the workspace and its formats are the caller's to fill in.
    fn between(&self, was: Option<&Published>, is: Option<&Published>) -> Reach {
        let has = |published: Option<&Published>, index: usize| {
            published.is_some_and(|published| published.connections[index])
        };
        let mut reach = Reach::default();
        for index in self.new.indices() {
            if !has(is, index) {
                continue;
            }
            match self.before[index].filter(|&before| has(was, before)) {
                None => reach.gained.push(reached(self.new, index)),
                Some(_) => {
                    let renamed = self.old_handles[index].map(|old| {
                        let (_, account_id) = self.new.place(index);
                        renamed(account_id, old, self.new.handle(index))
                    });
                    reach.renamed.extend(renamed);
                }
            }
        }
        for index in self.old.indices() {
            if has(was, index) && !self.after[index].is_some_and(|after| has(is, after)) {
                reach.lost.push(reached(self.old, index));
            }
        }
        if let (Some(was), Some(is)) = (was, is)
            && !self.folders.is_empty()
        {
            let (held, holds) = (self.old.holding(was), self.new.holding(is));
            let renamed = self.folders.iter();
            let renamed = renamed.filter(|(was, is, _)| held.contains(was) && holds.contains(is));
            reach
                .renamed
                .extend(renamed.map(|(_, _, renamed)| renamed.clone()));
        }
        reach.gained.sort_unstable();
        reach.lost.sort_unstable();
        reach.renamed.sort_unstable();
        reach
    }
}

fn reached(reader: &Reader<'_>, index: usize) -> Reached {
    let connection = reader.connection(index);
    Reached {
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
