//! An integration: the settings that a user declares, and the mirror that is kept for them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::settings::ConnectionSettings;
use crate::model::mirror::Mirror;
use crate::model::owners::{Owner, ResourceOwner};
use crate::model::partition;
use crate::model::removal_guard::RemovalGuard;
use crate::model::sso::Sso;

/// An integration in the catalog: everything in its resource's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// `in_` and 20 characters `[a-z0-9]`; survives a change of handle.
    pub id: String,
    /// Unique in the tenant.
    pub handle: String,
    /// None: tenant level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// None or empty: no prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle_prefix: Option<String>,
    /// Handles for accounts not mirrored yet, by account ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_handles: Option<BTreeMap<String, String>>,
    /// Inherited by every connection.
    pub connection_settings: ConnectionSettings,
    /// Grantees of the root folder.
    pub permissions: BTreeSet<String>,
    /// Sign-in facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<Sso>,
    /// Owners of the integration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<Owner>>,
    /// Account tags that name owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_owners: Option<Vec<ResourceOwner>>,
    /// At most 400 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_access_details: Option<String>,
    /// How many connections one plan may remove.
    pub removal_guard: RemovalGuard,
    /// Whether destroying is refused.
    pub deletion_protection: bool,
    /// Folders and connections.
    pub mirror: Mirror,
    /// Published handles that differ from the derived ones, by OU or account ID. Settled at commit; they stick.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub effective_handles: BTreeMap<String, String>,
}

impl Integration {
    /// The partition of its accounts; where it has none, that of the default Region.
    pub fn partition(&self) -> &str {
        let default_region = &self.connection_settings.default_region;
        self.mirror
            .partition()
            .unwrap_or_else(|| partition::of_region(default_region))
    }
}

impl Object for Integration {
    const TYPE: &'static str = "integration";
    const ID_PREFIX: &'static str = "in_";

    fn id(&self) -> &str {
        &self.id
    }

    /// Without the mirror, but for the AWS organization that it is of. The mirror is large, so it is not cloned.
    fn declared(&self) -> Cow<'_, Self> {
        Cow::Owned(Self {
            id: self.id.clone(),
            handle: self.handle.clone(),
            organization: self.organization.clone(),
            handle_prefix: self.handle_prefix.clone(),
            initial_handles: self.initial_handles.clone(),
            connection_settings: self.connection_settings.clone(),
            permissions: self.permissions.clone(),
            sso: self.sso.clone(),
            owners: self.owners.clone(),
            resource_owners: self.resource_owners.clone(),
            custom_access_details: self.custom_access_details.clone(),
            removal_guard: self.removal_guard,
            deletion_protection: self.deletion_protection,
            mirror: Mirror {
                aws_organization_id: self.mirror.aws_organization_id.clone(),
                ..Mirror::default()
            },
            effective_handles: BTreeMap::new(),
        })
    }

    fn name(&self, _integration_handle: &str) -> String {
        self.handle.clone()
    }
}
