//! What belongs to an integration whatever its kind: permissions and overrides.

use std::fmt;

use super::admission::Admitted;
use super::folder_ref::FolderRef;
use super::grantee::Grantee;
use super::integration::Integration;
use super::mirror::Mirror;
use super::overriding::{ConnectionOverride, FolderOverride};
use super::permission::{ConnectionPermission, FolderPermission};
use super::tenant::Tenant;

/// The folder or connection that a permission or override is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A folder.
    Folder(&'a FolderRef),
    /// The connection of the account with this ID.
    Account(&'a str),
}

impl<'a> Target<'a> {
    /// The ID or path as it was given.
    pub fn as_str(&self) -> &'a str {
        match self {
            Target::Folder(folder) => folder.as_str(),
            Target::Account(id) => id,
        }
    }

    /// Whether it is the folder or connection that an ID or a path names.
    pub fn is_named(&self, name: &str, mirror: &Mirror) -> bool {
        if self.as_str() == name {
            return true;
        }
        let Target::Folder(folder) = self else {
            return false;
        };
        let named = if name.starts_with('/') {
            FolderRef::Path(name.to_owned())
        } else {
            FolderRef::Id(name.to_owned())
        };
        let (own, named) = (folder.find(mirror), named.find(mirror));
        own.is_some() && own.map(|(id, _)| id) == named.map(|(id, _)| id)
    }

    /// Whether it is not there now.
    pub fn is_missing(&self, mirror: &Mirror) -> bool {
        match self {
            Target::Account(id) => !mirror.connections.contains_key(*id),
            Target::Folder(folder) => folder.find(mirror).is_none(),
        }
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Folder(folder) => write!(f, "the folder {folder}"),
            Target::Account(id) => write!(f, "the account {id}"),
        }
    }
}

/// A permission or override.
pub trait Belonging: Admitted {
    /// Such as `folder permission`.
    const KIND: &'static str;

    /// `in_...`
    fn integration_id(&self) -> &str;

    /// What it is for.
    fn target(&self) -> Target<'_>;

    /// Who a permission is for.
    fn grantee(&self) -> Option<&Grantee> {
        None
    }

    /// Its import ID in an integration with this handle.
    fn import_id(&self, integration_handle: &str) -> String {
        let target = self.target();
        let grantee = self.grantee().map(|grantee| format!(":{grantee}"));
        format!(
            "{integration_handle}:{}{}",
            target.as_str(),
            grantee.unwrap_or_default()
        )
    }
}

impl Belonging for FolderPermission {
    const KIND: &'static str = "folder permission";

    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Folder(&self.folder)
    }

    fn grantee(&self) -> Option<&Grantee> {
        Some(&self.grantee)
    }
}

impl Belonging for ConnectionPermission {
    const KIND: &'static str = "connection permission";

    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Account(&self.account_id)
    }

    fn grantee(&self) -> Option<&Grantee> {
        Some(&self.grantee)
    }
}

impl Belonging for FolderOverride {
    const KIND: &'static str = "folder override";

    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Folder(&self.folder)
    }
}

impl Belonging for ConnectionOverride {
    const KIND: &'static str = "connection override";

    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Account(&self.account_id)
    }
}

/// What becomes of permissions and overrides by a change of something else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Affected {
    /// Their folders and connections are not there any more, each described.
    pub dormant: Vec<String>,
    /// Their integrations are not there any more, each described.
    pub removed: Vec<String>,
}

impl Affected {
    /// What a change from `before` to `after` does.
    pub fn between(before: &Tenant, after: &Tenant) -> Self {
        let mut affected = Self::default();
        affected.compare::<FolderPermission>(before, after);
        affected.compare::<ConnectionPermission>(before, after);
        affected.compare::<FolderOverride>(before, after);
        affected.compare::<ConnectionOverride>(before, after);
        affected
    }

    fn compare<T: Belonging>(&mut self, before: &Tenant, after: &Tenant) {
        for belonging in before.each::<T>() {
            let id = belonging.integration_id();
            let Some(was) = before.get::<Integration>(id) else {
                continue;
            };
            match (after.get::<Integration>(id), after.get::<T>(belonging.id())) {
                (None, _) => self.removed.push(described(belonging)),
                (Some(is), Some(still))
                    if still.target().is_missing(&is.mirror)
                        && !belonging.target().is_missing(&was.mirror) =>
                {
                    self.dormant.push(described(belonging));
                }
                _ => {}
            }
        }
    }
}

fn described<T: Belonging>(belonging: &T) -> String {
    let (target, id) = (belonging.target(), belonging.id());
    match belonging.grantee() {
        Some(grantee) => format!("the permission on {target} for \"{grantee}\" ({id})"),
        None => format!("the override of {target} ({id})"),
    }
}
