//! What happened to folders and connections.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Event, ObjectChange};
use crate::model::mirror::{Connection, Folder, Mirror};
use crate::model::objects::Integration;

/// Adds what happened to the folders and connections of an integration.
pub(super) fn diff(before: Option<&Integration>, after: Option<&Integration>, change: &mut Change) {
    let nothing = Mirror::default();
    let no_handles = BTreeMap::new();
    let sides = [before, after].map(|side| Side {
        mirror: side.map_or(&nothing, |integration| &integration.mirror),
        effective: side.map_or(&no_handles, |integration| &integration.effective_handles),
    });
    diff_folders(&sides, change);
    diff_connections(&sides, change);
}

/// One of the two states that are compared.
struct Side<'a> {
    mirror: &'a Mirror,
    effective: &'a BTreeMap<String, String>,
}

impl Side<'_> {
    fn path(&self, folder: Option<&String>) -> Option<String> {
        let id = folder?;
        Some(match self.mirror.folders.get(id) {
            Some(folder) => folder.path.clone(),
            None => id.clone(),
        })
    }
}

fn diff_folders(sides: &[Side<'_>; 2], change: &mut Change) {
    let [before, after] = sides;
    for id in union(&before.mirror.folders, &after.mirror.folders) {
        let pair = [before, after].map(|side| side.mirror.folders.get(id));
        let Some(folder) = pair[1].or(pair[0]) else {
            continue;
        };
        let mut events = Events::new(id, &folder.name, &mut change.folders);
        match pair {
            [Some(old), Some(new)] => {
                let Folder {
                    name,
                    derived_handle,
                    parent_id,
                    path,
                } = new;
                events.compare(Event::Renamed, Some(old.name.clone()), Some(name.clone()));
                if old.parent_id != *parent_id {
                    events.push(
                        Event::Moved,
                        before.path(old.parent_id.as_ref()),
                        after.path(parent_id.as_ref()),
                    );
                }
                events.compare(
                    Event::HandleChanged,
                    Some(old.derived_handle.clone()),
                    Some(derived_handle.clone()),
                );
                events.effective_handle(id, sides);
                if old.path != *path {
                    consequence(&mut change.consequences, "folders.path");
                }
            }
            [old, new] => events.come_or_go(
                old.map(|folder| folder.path.clone()),
                new.map(|folder| folder.path.clone()),
                new.is_some(),
            ),
        }
    }
}

fn diff_connections(sides: &[Side<'_>; 2], change: &mut Change) {
    let [before, after] = sides;
    for id in union(&before.mirror.connections, &after.mirror.connections) {
        let pair = [before, after].map(|side| side.mirror.connections.get(id));
        let Some(connection) = pair[1].or(pair[0]) else {
            continue;
        };
        let mut events = Events::new(id, &connection.name, &mut change.connections);
        match pair {
            [Some(old), Some(new)] => {
                let Connection {
                    name,
                    email,
                    state,
                    tags,
                    derived_handle,
                    folder_id,
                    path,
                    derived_role_arn,
                    owners,
                    sign_in_url,
                } = new;
                events.compare(Event::Renamed, Some(old.name.clone()), Some(name.clone()));
                if old.folder_id != *folder_id {
                    events.push(
                        Event::Moved,
                        before.path(Some(&old.folder_id)),
                        after.path(Some(folder_id)),
                    );
                }
                events.compare(
                    Event::StateChanged,
                    Some(old.state.clone()),
                    Some(state.clone()),
                );
                events.compare(
                    Event::HandleChanged,
                    Some(old.derived_handle.clone()),
                    Some(derived_handle.clone()),
                );
                events.effective_handle(id, sides);
                if old.email != *email {
                    events.push(Event::EmailChanged, None, None);
                }
                if old.tags != *tags {
                    events.push(Event::TagsChanged, None, None);
                }
                for (name, differs) in [
                    ("connections.path", old.path != *path),
                    (
                        "connections.derived_role_arn",
                        old.derived_role_arn != *derived_role_arn,
                    ),
                    ("connections.owners", old.owners != *owners),
                    ("connections.sign_in_url", old.sign_in_url != *sign_in_url),
                ] {
                    if differs {
                        consequence(&mut change.consequences, name);
                    }
                }
            }
            [old, new] => events.come_or_go(
                old.map(|connection| connection.path.clone()),
                new.map(|connection| connection.path.clone()),
                new.is_some(),
            ),
        }
    }
}

fn consequence(consequences: &mut BTreeMap<String, u64>, name: &str) {
    *consequences.entry(name.to_owned()).or_default() += 1;
}

/// The events of one folder or connection.
struct Events<'a> {
    id: &'a str,
    name: String,
    into: &'a mut Vec<ObjectChange>,
}

impl<'a> Events<'a> {
    fn new(id: &'a str, name: &str, into: &'a mut Vec<ObjectChange>) -> Self {
        Self {
            id,
            name: name.to_owned(),
            into,
        }
    }

    fn push(&mut self, event: Event, before: Option<String>, after: Option<String>) {
        self.into.push(ObjectChange {
            id: self.id.to_owned(),
            name: self.name.clone(),
            event,
            before,
            after,
        });
    }

    fn compare(&mut self, event: Event, before: Option<String>, after: Option<String>) {
        if before != after {
            self.push(event, before, after);
        }
    }

    fn effective_handle(&mut self, id: &str, sides: &[Side<'_>; 2]) {
        let [before, after] = [&sides[0], &sides[1]].map(|side| side.effective.get(id).cloned());
        self.compare(Event::EffectiveHandleChanged, before, after);
    }

    fn come_or_go(&mut self, before: Option<String>, after: Option<String>, added: bool) {
        let event = if added { Event::Added } else { Event::Removed };
        self.push(event, before, after);
    }
}

/// The keys of both.
pub(super) fn union<'a, V>(
    before: &'a BTreeMap<String, V>,
    after: &'a BTreeMap<String, V>,
) -> BTreeSet<&'a String> {
    before.keys().chain(after.keys()).collect()
}
