//! `resource "orgmirror_folder_permission"`: a grant of a folder and all below it.

use crate::model::objects::{FolderPermission, PlannedFolderPermission};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::value::Value;

use super::scoped::{self, ScopedDeclaration};

impl ScopedDeclaration for PlannedFolderPermission {
    type Object = FolderPermission;

    const DESCRIPTION: &'static str = "A grant of a folder: the grantee's workspaces may use every connection in it and below \
                                       it, now and later. Grants add up, and nothing denies. What may be assumed is for IAM \
                                       to decide.";

    const IMPORT_ID: &'static str =
        "<integration handle>:<folder path or ID>:<grantee>, such as acme:/Workloads:acme/security";

    fn validate(&self, diagnostics: &mut Diagnostics) {
        scoped::validate_folder(&self.folder, diagnostics);
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn id_mut(&mut self) -> &mut Value<String> {
        &mut self.id
    }
}
