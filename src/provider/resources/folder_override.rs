//! `resource "orgmirror_folder_override"`: settings of a folder and all below it that differ from the integration's.

use serde::{Deserialize, Serialize};

use crate::model::handle::HandleKind;
use crate::model::objects::FolderOverride;
use crate::provider::arguments;
use crate::provider::catalog_resource::id;
use crate::provider::late::{self, NotKnown, known_late, known_value};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::value::{Set, Value};

use super::overridden::{self, Settings};
use super::scoped::{self, ScopedDeclaration};

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    id: Value<String>,
    integration_id: Value<String>,
    folder_id: Value<String>,
    folder_path: Value<String>,
    handle: Value<String>,
    role_name: Value<String>,
    external_id: Value<String>,
    regions: Value<Set<String>>,
    default_region: Value<String>,
    max_error_retry_attempts: Value<i64>,
    min_error_retry_delay: Value<i64>,
    ignore_error_codes: Value<Set<String>>,
    enabled: Value<bool>,
}

impl State {
    fn settings(&self) -> Settings {
        Settings {
            external_id: self.external_id.clone(),
            regions: self.regions.clone(),
            default_region: self.default_region.clone(),
            max_error_retry_attempts: self.max_error_retry_attempts.clone(),
            min_error_retry_delay: self.min_error_retry_delay.clone(),
            ignore_error_codes: self.ignore_error_codes.clone(),
            enabled: self.enabled.clone(),
        }
    }
}

impl ScopedDeclaration for State {
    type Object = FolderOverride;

    const IMPORT_ID: &'static str =
        "<integration handle>:<folder path or ID>, such as acme:/Workloads";

    fn schema() -> Schema {
        let [folder_id, folder_path] = scoped::folder();
        let mut attributes = vec![
            id::<FolderOverride>(),
            scoped::integration_id(),
            folder_id.requires_replace(),
            folder_path.requires_replace(),
            Attribute::string("handle")
                .optional()
                .check_string(arguments::handle(HandleKind::Folder))
                .description(
                    "Effective handle of the folder itself, which stays through renames; null: the derived one. Unique in \
                     the tenant.",
                ),
            Attribute::string("role_name")
                .optional()
                .check_string(arguments::role_name)
                .description(
                    "Name of the IAM role that tools assume in the accounts of the folder and below; with its path, if any. \
                     Null: inherited.",
                ),
        ];
        attributes.extend(overridden::attributes(
            "False: nothing of the folder and below is published, whatever other overrides say.",
        ));
        Schema::new(
            "Settings of a folder and all below it that differ from the integration's. A setting that is null is \
             inherited: a connection's override comes before the nearest folder's, that before farther folders', and \
             those before the integration. There is one override for each folder.",
            attributes,
        )
    }

    fn validate(&self, diagnostics: &mut Diagnostics) {
        scoped::validate_folder(&self.folder_id, &self.folder_path, diagnostics);
        self.settings().validate(None, diagnostics);
    }

    fn remark_on_change(&self, partition: Option<&str>, diagnostics: &mut Diagnostics) {
        let settings = self.settings();
        settings.remark(partition, diagnostics);
        if settings.is_all_inherited() && self.handle.is_null() && self.role_name.is_null() {
            overridden::warn_of_nothing("role_name", diagnostics);
        }
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn object(&self, id: &str) -> Result<FolderOverride, NotKnown> {
        Ok(FolderOverride {
            id: id.to_owned(),
            integration_id: known_value(&self.integration_id, "integration_id")?,
            folder: scoped::folder_ref(&self.folder_id, &self.folder_path)?,
            handle: known_late(late::optional(&self.handle), "handle")?,
            role_name: known_late(late::optional(&self.role_name), "role_name")?,
            settings: self.settings().overridden()?,
        })
    }
}

impl From<&FolderOverride> for State {
    fn from(overriding: &FolderOverride) -> Self {
        let [folder_id, folder_path] = scoped::folder_values(&overriding.folder);
        let settings = Settings::from(&overriding.settings);
        Self {
            id: overriding.id.clone().into(),
            integration_id: overriding.integration_id.clone().into(),
            folder_id,
            folder_path,
            handle: overriding.handle.clone().into(),
            role_name: overriding.role_name.clone().into(),
            external_id: settings.external_id,
            regions: settings.regions,
            default_region: settings.default_region,
            max_error_retry_attempts: settings.max_error_retry_attempts,
            min_error_retry_delay: settings.min_error_retry_delay,
            ignore_error_codes: settings.ignore_error_codes,
            enabled: settings.enabled,
        }
    }
}
