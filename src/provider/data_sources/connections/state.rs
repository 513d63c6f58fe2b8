//! Configuration and result.

use std::collections::BTreeMap;

use describe::Field;
use serde::{Deserialize, Serialize};

use crate::model::owners::PlannedOwner;
use crate::model::visibility::{EffectiveConnection, Grant, GrantSource};
use terraform_plugin::value::{Set, Value};

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    pub(super) workspace: Value<String>,
    pub(super) integration_id: Value<String>,
    pub(super) folder_path: Value<String>,
    pub(super) connections: Value<BTreeMap<String, ConnectionState>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ConnectionState {
    account_id: Value<String>,
    integration_id: Value<String>,
    name: Value<String>,
    email: Value<String>,
    state: Value<String>,
    tags: Value<BTreeMap<String, Value<String>>>,
    handle: Value<String>,
    folder_id: Value<String>,
    path: Value<String>,
    role_arn: Value<String>,
    external_id: Value<String>,
    regions: Value<Set<String>>,
    default_region: Value<String>,
    max_error_retry_attempts: Value<i64>,
    min_error_retry_delay: Value<i64>,
    ignore_error_codes: Value<Set<String>>,
    enabled: Value<bool>,
    published: Value<bool>,
    owners: Value<Set<PlannedOwner>>,
    sign_in_url: Value<String>,
    custom_access_details: Value<String>,
    granted_by: Value<Vec<GrantState>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct GrantState {
    resource_type: Value<String>,
    permission_id: Value<String>,
    grantee: Value<String>,
    folder_id: Value<String>,
    folder_path: Value<String>,
    account_id: Value<String>,
    match_tags: Value<BTreeMap<String, Value<String>>>,
}

impl ConnectionState {
    /// `published` is whether a workspace takes it; none: nobody asked for a workspace.
    pub(super) fn of(effective: &EffectiveConnection<'_>, published: Option<bool>) -> Self {
        let connection = effective.connection;
        let sign_in_url = connection.sign_in_url.as_ref();
        let grants = effective.granted_by.iter();
        Self {
            account_id: effective.account_id.into(),
            integration_id: effective.integration.id.clone().into(),
            name: effective.name().into(),
            email: effective.email().map(str::to_owned).into(),
            state: connection.state.clone().into(),
            tags: effective.tags().cloned().into_value(),
            handle: effective.handle.into(),
            folder_id: connection.folder_id.clone().into(),
            path: effective.path().into(),
            role_arn: effective.role_arn.into(),
            external_id: effective.settings.external_id.clone().into(),
            regions: effective.settings.regions.clone().into_value(),
            default_region: effective.settings.default_region.clone().into(),
            max_error_retry_attempts: effective.settings.max_error_retry_attempts.into(),
            min_error_retry_delay: effective.settings.min_error_retry_delay.into(),
            ignore_error_codes: effective.settings.ignore_error_codes.clone().into_value(),
            enabled: effective.settings.enabled.into(),
            published: published.into(),
            owners: effective.owners().cloned().into_value(),
            sign_in_url: sign_in_url.cloned().into(),
            custom_access_details: effective.custom_access_details().map(str::to_owned).into(),
            granted_by: Value::Known(
                grants
                    .map(|grant| GrantState::of(grant, effective))
                    .collect(),
            ),
        }
    }
}

impl GrantState {
    fn of(grant: &Grant<'_>, effective: &EffectiveConnection<'_>) -> Self {
        let grantee = grant.grantee.to_string().into();
        match grant.source {
            GrantSource::Integration(_) => {
                let root = effective.folders().next();
                Self {
                    resource_type: "orgmirror_integration".into(),
                    grantee,
                    folder_id: root.map(|(id, _)| id.to_owned()).into(),
                    folder_path: root.map(|(_, folder)| folder.path.clone()).into(),
                    ..Self::default()
                }
            }
            GrantSource::Folder {
                permission,
                folder_id,
                folder,
            } => Self {
                resource_type: "orgmirror_folder_permission".into(),
                permission_id: permission.id.clone().into(),
                grantee,
                folder_id: folder_id.into(),
                folder_path: folder.path.clone().into(),
                match_tags: permission.match_tags.clone().into_value(),
                ..Self::default()
            },
            GrantSource::Connection(permission) => Self {
                resource_type: "orgmirror_connection_permission".into(),
                permission_id: permission.id.clone().into(),
                grantee,
                account_id: permission.account_id.clone().into(),
                ..Self::default()
            },
        }
    }
}
