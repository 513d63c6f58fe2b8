//! Effective handles: derived handles made unique in the tenant, when a change is committed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::handle::{Kind, candidates, is_candidate};
use super::integration::Integration;
use super::mirror::Mirror;

/// A folder or connection of some integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// `in_...`
    pub integration_id: String,
    /// Handle of the integration.
    pub integration_handle: String,
    /// Folder or connection.
    pub kind: Kind,
    /// Root, OU or account ID.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Connection => "account",
            _ => "folder",
        };
        write!(
            f,
            "the {what} {} ({:?}) of the integration {:?}",
            self.id, self.name, self.integration_handle
        )
    }
}

/// Something about effective handles that users are to be warned of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandleNotice {
    /// A derived handle is taken, so the object is published under another one.
    Taken {
        /// Who wanted it.
        bearer: Bearer,
        /// The handle it wanted.
        derived: String,
        /// The handle it got.
        effective: String,
        /// Who has it.
        holder: Bearer,
    },
    /// A handle now means another account than before this change.
    Passed {
        /// The handle.
        handle: String,
        /// Who had it.
        from: Bearer,
        /// Who has it now.
        to: Bearer,
    },
}

impl fmt::Display for HandleNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandleNotice::Taken {
                bearer,
                derived,
                effective,
                holder,
            } => write!(
                f,
                "{bearer} is published as {effective:?}, because {holder} has the handle {derived:?}"
            ),
            HandleNotice::Passed { handle, from, to } => {
                write!(f, "the handle {handle:?} passes from {from} to {to}")
            }
        }
    }
}

/// The handle under which a folder or connection is published; none if it is not there or its handle is not known.
pub fn effective_handle<'a>(integration: &'a Integration, id: &str) -> Option<&'a str> {
    let derived = derived_handle(&integration.mirror, id)?;
    Some(
        integration
            .effective_handles
            .get(id)
            .map_or(derived, String::as_str),
    )
}

fn derived_handle<'a>(mirror: &'a Mirror, id: &str) -> Option<&'a str> {
    let handle = match mirror.connections.get(id) {
        Some(connection) => &connection.derived_handle,
        None => &mirror.folders.get(id)?.derived_handle,
    };
    handle.known().map(String::as_str)
}

/// Every connection, then every folder, by ID, with its derived handle.
fn bearers(mirror: &Mirror) -> impl Iterator<Item = (Kind, &str, &str)> {
    let connections = mirror
        .connections
        .iter()
        .map(|(id, connection)| (Kind::Connection, id, &connection.derived_handle));
    let folders = mirror
        .folders
        .iter()
        .map(|(id, folder)| (Kind::Folder, id, &folder.derived_handle));
    connections
        .chain(folders)
        .filter_map(|(kind, id, handle)| Some((kind, id.as_str(), handle.known()?.as_str())))
}

fn bearer(integration: &Integration, id: &str) -> Bearer {
    let mirror = &integration.mirror;
    let (kind, name) = match mirror.connections.get(id) {
        Some(connection) => (Kind::Connection, connection.name.known()),
        None => (
            Kind::Folder,
            mirror
                .folders
                .get(id)
                .and_then(|folder| folder.name.known()),
        ),
    };
    Bearer {
        integration_id: integration.id.clone(),
        integration_handle: integration.handle.clone(),
        kind,
        id: id.to_owned(),
        name: name.cloned().unwrap_or_default(),
    }
}

/// Settles the effective handles of an integration after its mirror changed; `before` is the integration as it was,
/// none when it is new, `others` are the other integrations of the tenant, which keep theirs.
///
/// An object keeps the effective handle it had while its derived handle allows it; else it gets its derived handle, and
/// where that is taken in the tenant, the first free one with its ID. The result hangs on the integrations alone, not
/// on any order. `effective_handles` then holds those that differ from the derived ones.
///
/// Warns of handles that newly differ, and of handles that pass to another account.
pub fn settle<'a>(
    others: impl IntoIterator<Item = &'a Integration>,
    integration: &mut Integration,
    before: Option<&Integration>,
) -> Vec<HandleNotice> {
    let (settled, notices) = settled(others, integration, before);
    integration.effective_handles = settled;
    notices
}

fn settled<'a, 'others: 'a>(
    others: impl IntoIterator<Item = &'others Integration>,
    current: &'a Integration,
    before: Option<&'a Integration>,
) -> (BTreeMap<String, String>, Vec<HandleNotice>) {
    let mut taken: HashMap<String, (&Integration, &str)> = HashMap::new();
    for integration in others {
        for (_, id, _) in bearers(&integration.mirror) {
            if let Some(handle) = effective_handle(integration, id) {
                taken.insert(handle.to_owned(), (integration, id));
            }
        }
    }

    // What was published under another handle than the derived one stays so while the rules still allow it.
    let was = before.unwrap_or(current);
    let mut settled: BTreeMap<&str, String> = BTreeMap::new();
    let mut unsettled = Vec::new();
    for (kind, id, derived) in bearers(&current.mirror) {
        let kept = was
            .effective_handles
            .get(id)
            .filter(|handle| {
                handle.as_str() != derived
                    && is_candidate(handle, derived, kind, id)
                    && !taken.contains_key(handle.as_str())
            })
            .map(String::as_str);
        match kept {
            Some(handle) => {
                taken.insert(handle.to_owned(), (current, id));
                settled.insert(id, handle.to_owned());
            }
            None => unsettled.push((kind, id, derived)),
        }
    }
    // Then those whose derived handle is free, before any handle with an ID is made up.
    unsettled.retain(|&(_, id, derived)| {
        if taken.contains_key(derived) {
            return true;
        }
        taken.insert(derived.to_owned(), (current, id));
        false
    });
    let mut notices = Vec::new();
    for (kind, id, derived) in unsettled {
        let free = candidates(derived, kind, id).find(|candidate| !taken.contains_key(candidate));
        let (Some(effective), Some(&(holder, holder_id))) = (free, taken.get(derived)) else {
            continue;
        };
        if before.and_then(|before| before.effective_handles.get(id)) != Some(&effective) {
            notices.push(HandleNotice::Taken {
                bearer: bearer(current, id),
                derived: derived.to_owned(),
                effective: effective.clone(),
                holder: bearer(holder, holder_id),
            });
        }
        taken.insert(effective.clone(), (current, id));
        settled.insert(id, effective);
    }

    if let Some(before) = before {
        let held: HashMap<&str, &str> = bearers(&before.mirror)
            .filter_map(|(_, id, _)| Some((effective_handle(before, id)?, id)))
            .collect();
        for (kind, id, derived) in bearers(&current.mirror) {
            let handle = settled.get(id).map_or(derived, String::as_str);
            match held.get(handle) {
                Some(&from) if from != id && kind == Kind::Connection => {
                    notices.push(HandleNotice::Passed {
                        handle: handle.to_owned(),
                        from: bearer(before, from),
                        to: bearer(current, id),
                    });
                }
                _ => {}
            }
        }
    }

    let settled = settled
        .into_iter()
        .map(|(id, handle)| (id.to_owned(), handle))
        .collect();
    (settled, notices)
}
