//! How permissions and overrides point at a folder.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;

use describe::{Attribute, Attributes, Describe, Described, Kind, Known, NotKnown, Value};
use serde::{Deserialize, Serialize};

use super::checks;
use super::mirror::{Folder, Mirror};

/// A folder of an integration, by ID or by path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "Written")]
pub enum FolderRef {
    /// Root or OU ID: follows the folder through renames and moves.
    Id(String),
    /// `/` or `/Workloads/Prod`: the folder that is at this path, whichever it is.
    Path(String),
}

/// A reference as a document has it, which may have been edited by hand.
#[derive(Deserialize)]
#[serde(expecting = "an object with the id or the path of a folder")]
struct Written {
    id: Option<String>,
    path: Option<String>,
}

impl TryFrom<Written> for FolderRef {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match (written.id, written.path) {
            (Some(id), None) => Ok(Self::Id(id)),
            (None, Some(path)) => Ok(Self::Path(path)),
            (Some(id), Some(path)) => Err(format!(
                "a folder has both the id {id:?} and the path {path:?}; remove the one that is not meant"
            )),
            (None, None) => Err("a folder has neither id nor path; add one of them".to_owned()),
        }
    }
}

/// A reference as a user writes it, in two attributes of which one is set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Describe)]
pub struct PlannedFolderRef {
    /// ID of the root or OU: it follows the folder through renames and moves. Exactly one of `folder_id` and `folder_path` is
    /// set.
    #[field(optional, check_string(checks::folder_id))]
    pub folder_id: Value<String>,
    /// Path of the folder, such as `/` or `/Workloads/Prod`: it means whatever folder is at that path.
    #[field(optional, check_string(checks::folder_path))]
    pub folder_path: Value<String>,
}

impl Attributes for FolderRef {
    fn attributes() -> Vec<Attribute> {
        PlannedFolderRef::attributes()
    }
}

impl Described for FolderRef {
    fn kind() -> Kind {
        PlannedFolderRef::kind()
    }
}

impl Known for FolderRef {
    type Planned = PlannedFolderRef;

    fn into_planned(self) -> PlannedFolderRef {
        let (folder_id, folder_path) = match self {
            FolderRef::Id(id) => (id.into(), Value::Null),
            FolderRef::Path(path) => (Value::Null, path.into()),
        };
        PlannedFolderRef {
            folder_id,
            folder_path,
        }
    }

    fn from_planned(planned: PlannedFolderRef) -> Result<Self, NotKnown> {
        match (planned.folder_id, planned.folder_path) {
            (Value::Known(id), Value::Null) => Ok(FolderRef::Id(id)),
            (Value::Null, Value::Known(path)) => Ok(FolderRef::Path(path)),
            (Value::Unknown, _) => Err(NotKnown::here().below("folder_id")),
            _ => Err(NotKnown::here().below("folder_path")),
        }
    }
}

impl FolderRef {
    /// Finds the folder and its ID; none if it is missing. Of several folders at one path, which AWS does not allow but
    /// hand-written lists do, the one with the first ID.
    ///
    /// For many references into one mirror there is [`Folders`].
    pub fn find<'a>(&self, mirror: &'a Mirror) -> Option<(&'a str, &'a Folder)> {
        let (id, folder) = match self {
            FolderRef::Id(id) => mirror.folders.get_key_value(id),
            FolderRef::Path(path) => mirror
                .folders
                .iter()
                .find(|(_, folder)| folder.path == *path),
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

/// The folders of a mirror, to find many references among them.
#[derive(Debug)]
pub struct Folders<'a> {
    mirror: &'a Mirror,
    /// IDs by path, made when the first path is asked for.
    by_path: OnceCell<HashMap<&'a str, &'a str>>,
}

impl<'a> Folders<'a> {
    /// The folders of this mirror.
    pub fn of(mirror: &'a Mirror) -> Self {
        Self {
            mirror,
            by_path: OnceCell::new(),
        }
    }

    /// What [`FolderRef::find`] finds.
    pub fn find(&self, folder: &FolderRef) -> Option<(&'a str, &'a Folder)> {
        let folders = &self.mirror.folders;
        let id = match folder {
            FolderRef::Id(id) => id.as_str(),
            FolderRef::Path(path) => self.by_path().get(path.as_str())?,
        };
        let (id, folder) = folders.get_key_value(id)?;
        Some((id, folder))
    }

    fn by_path(&self) -> &HashMap<&'a str, &'a str> {
        self.by_path.get_or_init(|| {
            let mut by_path = HashMap::with_capacity(self.mirror.folders.len());
            for (id, folder) in &self.mirror.folders {
                by_path.entry(folder.path.as_str()).or_insert(id.as_str());
            }
            by_path
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_in_a_document_has_an_id_or_a_path() {
        // In a document, so that the error names the place, too.
        let read = |text: &str| {
            let read: Result<Vec<FolderRef>, _> = serde_json::from_str(&format!("[{text}]"));
            read.map_err(|error| error.to_string())
        };
        for folder in [
            FolderRef::Id("ou-1".to_owned()),
            FolderRef::Path("/A".to_owned()),
        ] {
            let text = serde_json::to_string(&folder).unwrap_or_default();
            assert_eq!(read(&text), Ok(vec![folder]));
        }
        for (text, told) in [
            (
                r#"{"id": "ou-1", "path": "/A"}"#,
                "a folder has both the id \"ou-1\" and the path \"/A\"; remove the one that is not meant at line 1",
            ),
            (
                "{}",
                "a folder has neither id nor path; add one of them at line 1",
            ),
            (
                "\"/A\"",
                "invalid type: string \"/A\", expected an object with the id or the path of a folder at line 1",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(told), "{error}");
        }
    }

    #[test]
    fn a_folder_is_found_by_id_and_by_path() {
        let folder = |path: &str| Folder {
            name: String::new(),
            derived_handle: String::new(),
            parent_id: None,
            path: path.to_owned(),
        };
        let mirror = Mirror {
            folders: [
                ("root", folder("/")),
                ("ou-2", folder("/Twice")),
                ("ou-1", folder("/Twice")),
                ("ou-3", folder("/Once")),
            ]
            .map(|(id, folder)| (id.to_owned(), folder))
            .into(),
            ..Mirror::default()
        };
        let folders = Folders::of(&mirror);
        let found = |folder: FolderRef| {
            let found = folder.find(&mirror);
            assert_eq!(folders.find(&folder), found);
            found.map(|(id, _)| id)
        };
        let by_id = |id: &str| found(FolderRef::Id(id.to_owned()));
        let by_path = |path: &str| found(FolderRef::Path(path.to_owned()));
        assert_eq!(by_id("ou-3"), Some("ou-3"));
        assert_eq!(by_path("/"), Some("root"));
        assert_eq!(by_path("/Twice"), Some("ou-1"));
        // An ID never equals a path, and paths are compared literally.
        assert_eq!(by_id("/"), None);
        assert_eq!(by_path("ou-3"), None);
        assert_eq!(by_path("/twice"), None);
        assert_eq!(by_path("/Twice/"), None);
        assert_eq!(by_path(""), None);
    }
}
