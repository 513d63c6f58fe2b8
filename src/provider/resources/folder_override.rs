//! `resource "orgmirror_folder_override"`: settings of a folder and all below it that differ from the integration's.

use crate::model::objects::{FolderOverride, PlannedFolderOverride};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::value::Value;

use super::overridden;
use super::scoped::{self, ScopedDeclaration};

impl ScopedDeclaration for PlannedFolderOverride {
    type Object = FolderOverride;

    const DESCRIPTION: &'static str = "Settings of a folder and all below it that differ from the integration's. A setting that \
                                       is null is inherited: a connection's override comes before the nearest folder's, that \
                                       before farther folders', and those before the integration. There is one override for \
                                       each folder.";

    const IMPORT_ID: &'static str =
        "<integration handle>:<folder path or ID>, such as acme:/Workloads";

    fn validate(&self, diagnostics: &mut Diagnostics) {
        scoped::validate_folder(&self.folder, diagnostics);
        overridden::validate(&self.settings, None, diagnostics);
    }

    fn remark_on_change(&self, partition: Option<&str>, diagnostics: &mut Diagnostics) {
        overridden::remark(&self.settings, partition, diagnostics);
        if overridden::is_all_inherited(&self.settings)
            && self.handle.is_null()
            && self.role_name.is_null()
        {
            overridden::warn_of_nothing("role_name", diagnostics);
        }
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn id_mut(&mut self) -> &mut Value<String> {
        &mut self.id
    }
}
