//! What an integration exports to other configurations: everything but its write-only snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::objects::Integration;
use terraform_plugin::schema::Attribute;
use terraform_plugin::value::{Set, Value};

use super::attributes;
use super::state::{
    ConnectionState, FolderState, GuardState, OwnerState, ResourceOwnerState, SettingsState,
    SsoState, State,
};

/// The attributes of [`Exported`], which nobody sets.
pub(in crate::provider) fn attributes() -> impl Iterator<Item = Attribute> {
    let attributes = attributes::schema().attributes().to_vec().into_iter();
    attributes
        .filter(|attribute| !attribute.is_write_only())
        .map(Attribute::exported)
}

/// An integration in another configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct Exported {
    id: Value<String>,
    handle: Value<String>,
    organization: Value<String>,
    aws_organization_id: Value<String>,
    handle_prefix: Value<String>,
    initial_handles: Value<BTreeMap<String, Value<String>>>,
    connection_settings: Value<SettingsState>,
    permissions: Value<Set<String>>,
    sso: Value<SsoState>,
    owners: Value<Vec<Value<OwnerState>>>,
    resource_owners: Value<Vec<Value<ResourceOwnerState>>>,
    custom_access_details: Value<String>,
    removal_guard: Value<GuardState>,
    deletion_protection: Value<bool>,
    folders: Value<BTreeMap<String, FolderState>>,
    connections: Value<BTreeMap<String, ConnectionState>>,
}

impl Exported {
    /// The integration's handle.
    pub(in crate::provider) fn handle(&self) -> Option<&str> {
        self.handle.known().map(String::as_str)
    }
}

impl From<&Integration> for Exported {
    fn from(integration: &Integration) -> Self {
        // Taken apart in full, so that a new attribute cannot be forgotten here.
        let State {
            id,
            handle,
            organization,
            aws_organization: _,
            aws_organization_id,
            handle_prefix,
            initial_handles,
            connection_settings,
            permissions,
            sso,
            owners,
            resource_owners,
            custom_access_details,
            removal_guard,
            deletion_protection,
            folders,
            connections,
        } = integration.into();
        Self {
            id,
            handle,
            organization,
            aws_organization_id,
            handle_prefix,
            initial_handles,
            connection_settings,
            permissions,
            sso,
            owners,
            resource_owners,
            custom_access_details,
            removal_guard,
            deletion_protection,
            folders,
            connections,
        }
    }
}
