//! Settings of a folder, with all below it, that differ from the integration's.

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::scoped::{Scoped, Target};
use super::settings::OverriddenSettings;
use crate::model::folder_ref::FolderRef;

/// What differs for a folder and all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderOverride {
    /// `fo_` and 20 characters `[a-z0-9]`.
    pub id: String,
    /// `in_...`
    pub integration_id: String,
    /// Of which folder.
    pub folder: FolderRef,
    /// Effective handle of the folder itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Name (with path, without leading slash) of the IAM role in the accounts below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// The other settings.
    pub settings: OverriddenSettings,
}

impl Object for FolderOverride {
    const TYPE: &'static str = "folder_override";
    const ID_PREFIX: &'static str = "fo_";

    fn id(&self) -> &str {
        &self.id
    }

    fn scoped(&self) -> Option<&dyn Scoped> {
        Some(self)
    }
}

impl Scoped for FolderOverride {
    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Folder(&self.folder)
    }
}
