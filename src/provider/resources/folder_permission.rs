//! `resource "orgmirror_folder_permission"`: a grant of a folder and all below it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::objects::FolderPermission;
use crate::provider::arguments;
use crate::provider::catalog_resource::id;
use crate::provider::late::{self, NotKnown, known_late, known_value};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::types::Type;
use terraform_plugin::value::Value;

use super::scoped::{self, ScopedDeclaration};

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    id: Value<String>,
    integration_id: Value<String>,
    folder_id: Value<String>,
    folder_path: Value<String>,
    grantee: Value<String>,
    match_tags: Value<BTreeMap<String, Value<String>>>,
}

impl ScopedDeclaration for State {
    type Object = FolderPermission;

    const IMPORT_ID: &'static str =
        "<integration handle>:<folder path or ID>:<grantee>, such as acme:/Workloads:acme/security";

    fn schema() -> Schema {
        let [folder_id, folder_path] = scoped::folder();
        Schema::new(
            "A grant of a folder: the grantee's workspaces may use every connection in it and below it, now and later. \
             Grants add up, and nothing denies. What may be assumed is for IAM to decide.",
            vec![
                id::<FolderPermission>(),
                scoped::integration_id(),
                folder_id,
                folder_path,
                scoped::grantee(),
                Attribute::map("match_tags", Type::String)
                    .optional()
                    .check_keys(arguments::not_empty)
                    .description(
                        "Grants only connections whose accounts have all these tags. Needs `include_tags` in the data source; \
                         tags that were not read match nothing. `{}` asks for no tag and grants all, as null does.",
                    ),
            ],
        )
    }

    fn validate(&self, diagnostics: &mut Diagnostics) {
        scoped::validate_folder(&self.folder_id, &self.folder_path, diagnostics);
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn object(&self, id: &str) -> Result<FolderPermission, NotKnown> {
        Ok(FolderPermission {
            id: id.to_owned(),
            integration_id: known_value(&self.integration_id, "integration_id")?,
            folder: scoped::folder_ref(&self.folder_id, &self.folder_path)?,
            grantee: scoped::parsed_grantee(&self.grantee)?,
            match_tags: known_late(late::map(&self.match_tags), "match_tags")?,
        })
    }
}

impl From<&FolderPermission> for State {
    fn from(permission: &FolderPermission) -> Self {
        let [folder_id, folder_path] = scoped::folder_values(&permission.folder);
        let match_tags = permission.match_tags.clone();
        Self {
            id: permission.id.clone().into(),
            integration_id: permission.integration_id.clone().into(),
            folder_id,
            folder_path,
            grantee: permission.grantee.to_string().into(),
            match_tags: match_tags.map_or(Value::Null, late::map_value),
        }
    }
}
