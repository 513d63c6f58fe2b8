//! How permissions and overrides point at a folder.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::mirror::{Folder, Mirror};

/// A folder of an integration, by ID or by path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderRef {
    /// Root or OU ID: follows the folder through renames and moves.
    Id(String),
    /// `/` or `/Workloads/Prod`: whatever folder is there.
    Path(String),
}

impl FolderRef {
    /// The folder that is meant now, and its ID; none where there is none. Of several folders at one path, which AWS
    /// does not allow but hand-written lists do, the one with the first ID.
    pub fn find<'a>(&self, mirror: &'a Mirror) -> Option<(&'a str, &'a Folder)> {
        let (id, folder) = match self {
            FolderRef::Id(id) => mirror.folders.get_key_value(id),
            FolderRef::Path(path) => mirror
                .folders
                .iter()
                .find(|(_, folder)| folder.path.known() == Some(path)),
        }?;
        Some((id, folder))
    }

    /// The ID or path as it was given.
    pub fn as_str(&self) -> &str {
        match self {
            FolderRef::Id(text) | FolderRef::Path(text) => text,
        }
    }
}

impl fmt::Display for FolderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
