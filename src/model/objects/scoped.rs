//! The parts of an integration: what permissions and overrides have in common.

use std::fmt;

use crate::model::folder_ref::FolderRef;
use crate::model::grantee::Grantee;
use crate::model::mirror::Mirror;

/// The folder or connection that a permission or override is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A folder.
    Folder(&'a FolderRef),
    /// The connection of the account with this ID.
    Account(&'a str),
}

impl<'a> Target<'a> {
    /// The ID or path as configured.
    pub fn as_str(&self) -> &'a str {
        match self {
            Target::Folder(folder) => folder.as_str(),
            Target::Account(id) => id,
        }
    }

    /// Whether an ID or a path names it.
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

    /// Whether the mirror does not have it now.
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

/// A part of an integration: a permission or an override.
pub trait Scoped {
    /// `in_...`
    fn integration_id(&self) -> &str;

    /// The folder or connection that it is for.
    fn target(&self) -> Target<'_>;

    /// The grantee of a permission.
    fn grantee(&self) -> Option<&Grantee> {
        None
    }

    /// Its import ID in an integration with this handle.
    fn import_id(&self, integration_handle: &str) -> String {
        let target = self.target().as_str();
        match self.grantee() {
            Some(grantee) => format!("{integration_handle}:{target}:{grantee}"),
            None => format!("{integration_handle}:{target}"),
        }
    }
}
