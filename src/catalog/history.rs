//! The history: who changed what, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::integration::Integration;
use crate::model::late::Late;
use crate::model::mirror::{Connection, Folder, Mirror};
use crate::model::tenant::{Held, Tenant};

/// The schema version of the entries this provider writes.
const SCHEMA_VERSION: u32 = 1;

/// Settings whose values are for those who need them, not for the record.
const WITHHELD: [&str; 2] = ["connection_settings.external_id", "custom_access_details"];

/// Characters of JSON up to which a setting's value is recorded.
const SMALL: usize = 200;

/// The record of one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of the entry itself.
    pub schema_version: u32,
    /// The version of the document that the commit made.
    pub version: u64,
    /// The version it was based on; 0: there was no document. One less than `version`, unless the document had been
    /// deleted or put back to older content by hand.
    pub previous: u64,
    /// Random; names this commit among all.
    pub id: String,
    /// RFC 3339, UTC, whole seconds, by the clock of the host that made it. The order of commits is that of their
    /// versions: clocks jump.
    pub at: String,
    /// Who made it.
    pub who: Who,
    /// What it changed, in the order in which it was done.
    pub changes: Vec<Change>,
}

/// A history entry that cannot be understood.
#[derive(Debug, Error)]
#[error("the history entry at {place} cannot be read: {reason}")]
pub struct EntryError {
    /// Its place.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Entry {
    /// The entry of a commit made now.
    pub(super) fn now(version: u64, previous: u64, who: Who, changes: Vec<Change>) -> Self {
        let now = OffsetDateTime::now_utc();
        let now = now.replace_nanosecond(0).unwrap_or(now);
        Self {
            schema_version: SCHEMA_VERSION,
            version,
            previous,
            id: random_id(),
            at: now.format(&Rfc3339).unwrap_or_else(|_| now.to_string()),
            who,
            changes,
        }
    }

    /// Reads an entry; `place` is for messages.
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Self, EntryError> {
        serde_json::from_slice(bytes).map_err(|error| EntryError {
            place: place.to_owned(),
            reason: error.to_string(),
        })
    }

    /// The entry as it is stored: the same bytes whoever writes it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn random_id() -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..20)
        .map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())]))
        .collect()
}

/// Who makes commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// ARN of the AWS caller, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Name of the user of the operating system.
    pub user: String,
    /// Name of the host.
    pub host: String,
}

impl Who {
    /// The user who runs this process, on this host: `USER` or `LOGNAME`, else the user's entry in `/etc/passwd`,
    /// else the number (as in containers).
    pub fn here() -> Self {
        let user = ["USER", "LOGNAME"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty());
        let uid = rustix::process::getuid().as_raw();
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            arn: None,
            user: user
                .or_else(|| passwd_name(&std::fs::read_to_string("/etc/passwd").ok()?, uid))
                .unwrap_or_else(|| format!("uid-{uid}")),
            host,
        }
    }

    /// The same user as this AWS caller.
    pub fn with_arn(self, arn: impl Into<String>) -> Self {
        Self {
            arn: Some(arn.into()),
            ..self
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.arn {
            Some(arn) => f.write_str(arn),
            None => write!(f, "{}@{}", self.user, self.host),
        }
    }
}

/// `name:password:uid:...` per line.
fn passwd_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// What a commit did to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Such as `orgmirror_integration`.
    pub resource_type: String,
    /// The resource's ID.
    pub id: String,
    /// What the resource is called: its import ID, such as an integration's handle. Of a resource that was deleted, the
    /// last one.
    pub handle: String,
    /// What was done to it.
    pub action: Action,
    /// Settings that differ, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingChange>,
    /// Folders that differ, by ID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<ObjectChange>,
    /// Connections that differ, by account ID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ObjectChange>,
    /// What follows from the above, such as `connections.path`, and in how many folders or connections it differs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub consequences: BTreeMap<String, u64>,
}

/// What was done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Create,
    /// It was there and still is.
    Update,
    /// It is gone.
    Delete,
}

/// A setting that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// The attribute's path in HCL, such as `connection_settings.role_name`.
    pub name: String,
    /// None: it was not set, or the values are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// None: it is not set, or the values are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether the values are left out: they are long, or not for the record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// Something that happened to a folder or connection. There may be several for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectChange {
    /// OU or account ID.
    pub id: String,
    /// Its name now, or the last one it had.
    pub name: String,
    /// What happened.
    pub event: Event,
    /// Of an addition or removal the path, of others the old value; none where values are not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Likewise, now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What happened to a folder or connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It joined the mirror.
    Added,
    /// It left the mirror.
    Removed,
    /// Its name differs.
    Renamed,
    /// It is in another folder: the values are the folders' paths.
    Moved,
    /// The account's state differs.
    StateChanged,
    /// Its derived handle differs.
    HandleChanged,
    /// The handle that is published for it differs.
    EffectiveHandleChanged,
    /// The account's e-mail address differs. Not recorded: it may name a person.
    EmailChanged,
    /// The account's tags differ. Not recorded: there may be many.
    TagsChanged,
}

/// What the history records of a kind of object.
trait Recorded: Held + PartialEq {
    /// The type of the resource that declares it.
    const RESOURCE_TYPE: &'static str;

    /// What it is called: its import ID.
    fn name(&self, tenant: &Tenant) -> String;

    /// Its settings by the path of their attribute; what is not set is not there.
    fn settings(&self) -> BTreeMap<String, Value>;

    /// Adds what is more than settings.
    fn details(before: Option<&Self>, after: Option<&Self>, change: &mut Change) {
        let _ = (before, after, change);
    }
}

/// What differs between two states of a tenant, for the history.
///
/// External IDs and free text are named but not shown.
pub fn changes(before: &Tenant, after: &Tenant) -> Vec<Change> {
    let mut changes = Vec::new();
    diff::<Integration>(before, after, &mut changes);
    changes
}

fn diff<T: Recorded>(before: &Tenant, after: &Tenant, changes: &mut Vec<Change>) {
    let (old, new) = (T::all(before), T::all(after));
    for id in union(old, new) {
        let pair = (old.get(id), new.get(id));
        // Only what was replaced is looked into.
        let is_same = match pair {
            (Some(was), Some(is)) => Arc::ptr_eq(was, is) || was == is,
            _ => false,
        };
        if is_same {
            continue;
        }
        let (was, is) = (pair.0.map(AsRef::as_ref), pair.1.map(AsRef::as_ref));
        let (action, name) = match (was, is) {
            (None, Some(is)) => (Action::Create, is.name(after)),
            (Some(was), None) => (Action::Delete, was.name(before)),
            (Some(_), Some(is)) => (Action::Update, is.name(after)),
            (None, None) => continue,
        };
        let mut change = Change {
            resource_type: T::RESOURCE_TYPE.to_owned(),
            id: id.clone(),
            handle: name,
            action,
            settings: Vec::new(),
            folders: Vec::new(),
            connections: Vec::new(),
            consequences: BTreeMap::new(),
        };
        let settings = [was, is].map(|side: Option<&T>| side.map(T::settings).unwrap_or_default());
        diff_settings(&settings[0], &settings[1], &mut change.settings);
        T::details(was, is, &mut change);
        changes.push(change);
    }
}

impl Recorded for Integration {
    const RESOURCE_TYPE: &'static str = "orgmirror_integration";

    fn name(&self, _tenant: &Tenant) -> String {
        self.handle.clone()
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        settings(self)
    }

    fn details(before: Option<&Self>, after: Option<&Self>, change: &mut Change) {
        let nothing = Mirror::default();
        let no_handles = BTreeMap::new();
        let sides = [before, after].map(|side| Side {
            mirror: side.map_or(&nothing, |integration| &integration.mirror),
            effective: side.map_or(&no_handles, |integration| &integration.effective_handles),
        });
        diff_folders(&sides, change);
        diff_connections(&sides, change);
    }
}

/// The settings of an integration.
fn settings(integration: &Integration) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    // Taken apart in full, so that a new field cannot be forgotten here.
    let Integration {
        id: _,
        handle,
        organization,
        handle_prefix,
        initial_handles,
        connection_settings,
        permissions,
        sso,
        owners,
        resource_owners,
        custom_access_details,
        removal_guard,
        deletion_protection,
        mirror,
        effective_handles: _,
    } = integration;
    let mut add = |name: &str, value: Result<Value, serde_json::Error>| {
        flatten(name, value.unwrap_or(Value::Null), &mut settings);
    };
    add("handle", serde_json::to_value(handle));
    add("organization", serde_json::to_value(organization));
    add("handle_prefix", serde_json::to_value(handle_prefix));
    add("initial_handles", serde_json::to_value(initial_handles));
    add(
        "connection_settings",
        serde_json::to_value(connection_settings),
    );
    add("permissions", serde_json::to_value(permissions));
    add("sso", serde_json::to_value(sso));
    add("owners", serde_json::to_value(owners));
    add("resource_owners", serde_json::to_value(resource_owners));
    add(
        "custom_access_details",
        serde_json::to_value(custom_access_details),
    );
    add("removal_guard", serde_json::to_value(removal_guard));
    add(
        "deletion_protection",
        serde_json::to_value(deletion_protection),
    );
    add(
        "aws_organization_id",
        serde_json::to_value(&mirror.aws_organization_id),
    );
    settings
}

fn flatten(name: &str, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(object) => {
            for (key, value) in object {
                flatten(&format!("{name}.{key}"), value, into);
            }
        }
        value => {
            into.insert(name.to_owned(), value);
        }
    }
}

fn diff_settings(
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
    into: &mut Vec<SettingChange>,
) {
    for name in union(before, after) {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        let small = |value: Option<&Value>| {
            value.is_none_or(|value| value.to_string().chars().count() <= SMALL)
        };
        let withheld = WITHHELD.contains(&name.as_str()) || !small(old) || !small(new);
        into.push(SettingChange {
            name: name.clone(),
            before: old.filter(|_| !withheld).cloned(),
            after: new.filter(|_| !withheld).cloned(),
            withheld,
        });
    }
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
            Some(folder) => text(&folder.path)?,
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
                events.compare(Event::Renamed, text(&old.name), text(name));
                if old.parent_id != *parent_id {
                    events.push(
                        Event::Moved,
                        before.path(old.parent_id.as_ref()),
                        after.path(parent_id.as_ref()),
                    );
                }
                events.compare(
                    Event::HandleChanged,
                    text(&old.derived_handle),
                    text(derived_handle),
                );
                events.effective_handle(id, sides);
                if old.path != *path {
                    consequence(&mut change.consequences, "folders.path");
                }
            }
            [old, new] => events.come_or_go(
                old.and_then(|folder| text(&folder.path)),
                new.and_then(|folder| text(&folder.path)),
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
                events.compare(Event::Renamed, text(&old.name), text(name));
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
                    text(&old.derived_handle),
                    text(derived_handle),
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
                old.and_then(|connection| text(&connection.path)),
                new.and_then(|connection| text(&connection.path)),
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
    fn new(id: &'a str, name: &Late<String>, into: &'a mut Vec<ObjectChange>) -> Self {
        Self {
            id,
            name: text(name).unwrap_or_default(),
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

fn text(value: &Late<String>) -> Option<String> {
    value.known().cloned()
}

fn union<'a, V>(
    before: &'a BTreeMap<String, V>,
    after: &'a BTreeMap<String, V>,
) -> BTreeSet<&'a String> {
    before.keys().chain(after.keys()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn names_the_aws_caller_where_known() {
        let who = Who {
            arn: None,
            user: "ada".into(),
            host: "ci-7".into(),
        };
        assert_eq!(who.to_string(), "ada@ci-7");
        let arn = "arn:aws:sts::111122223333:assumed-role/ci/run";
        assert_eq!(who.with_arn(arn).to_string(), arn);
    }

    #[test]
    fn knows_user_and_host() {
        let who = Who::here();
        assert!(!who.user.is_empty(), "{who}");
        assert!(!who.host.is_empty(), "{who}");
    }

    #[test]
    fn finds_users_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(passwd_name(passwd, 1000), Some("ada".into()));
        assert_eq!(passwd_name(passwd, 0), Some("root".into()));
        assert_eq!(passwd_name(passwd, 7), None);
    }

    #[test]
    fn an_entry_reads_as_it_was_written() {
        let entry = Entry::now(3, 2, Who::here(), Vec::new());
        let bytes = entry.to_bytes().unwrap();
        assert_eq!(Entry::from_bytes(&bytes, "x").unwrap(), entry);
        assert!(OffsetDateTime::parse(&entry.at, &Rfc3339).is_ok());
        assert!(
            entry.at.ends_with('Z') && !entry.at.contains('.'),
            "{}",
            entry.at
        );
    }
}
