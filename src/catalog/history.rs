//! The history: who changed what, and when.

mod mirror;
mod recorded;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use recorded::changes;

/// The schema version of the entries this provider writes.
const SCHEMA_VERSION: u32 = 1;

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
    /// The problem.
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

    /// The entry as it is stored: every writer writes the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// 20 characters `[a-z0-9]`, which are 103 random bits: none is drawn twice.
pub fn random_id() -> String {
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
    /// The action.
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

/// An action on a resource.
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
