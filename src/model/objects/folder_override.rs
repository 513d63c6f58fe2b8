//! Settings of a folder, with all below it, that differ from the integration's.

use describe::Describe;
use serde::{Deserialize, Serialize};

use super::object::Object;
use super::scoped::{Scoped, Target};
use super::settings::OverriddenSettings;
use crate::model::checks;
use crate::model::folder_ref::FolderRef;
use crate::model::handle::HandleKind;

/// What differs for a folder and all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedFolderOverride)]
pub struct FolderOverride {
    /// `fo_` and 20 characters.
    #[field(use_state_for_unknown)]
    pub id: String,
    /// ID of the integration, which may be declared in another configuration with the same catalog.
    #[field(required, requires_replace, check_string(checks::not_empty))]
    pub integration_id: String,
    /// The folder that differs.
    #[field(flatten, requires_replace)]
    pub folder: FolderRef,
    /// Effective handle of the folder itself, which stays through renames; null: the derived one. Unique in the tenant.
    #[field(optional, check_string(checks::handle(HandleKind::Folder)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Name of the IAM role that tools assume in the accounts of the folder and below; with its path, if any. Null: inherited.
    #[field(optional, check_string(checks::role_name))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// The other settings.
    #[field(flatten)]
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
