//! An integration: the settings a user declares, and the mirror kept for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::mirror::Mirror;
use super::partition;
use super::portal::Portal;

/// Settings inherited by every connection of an integration, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionSettings {
    /// Name (with path, without leading slash) of the IAM role in every account.
    pub role_name: String,
    /// External ID passed when the role is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Region names, `*` and globs.
    pub regions: BTreeSet<String>,
    /// Region used where a tool wants one.
    pub default_region: String,
    /// Total attempts, at least 1.
    pub max_error_retry_attempts: i64,
    /// Milliseconds, at least 1.
    pub min_error_retry_delay: i64,
    /// In addition to the tools' built-in not-found codes.
    pub ignore_error_codes: BTreeSet<String>,
}

/// AWS IAM Identity Center sign-in facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sso {
    /// `https://acme.awsapps.com/start`
    pub portal_url: String,
    /// Region of the Identity Center instance.
    pub region: String,
    /// Permission set that sign-in links and profiles use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
}

impl Sso {
    /// The access portal.
    pub fn portal(&self) -> Portal<'_> {
        Portal::of(&self.portal_url)
    }

    /// Link that opens an account in the portal.
    pub fn sign_in_url(&self, account_id: &str) -> String {
        self.portal()
            .sign_in_url(account_id, self.role_name.as_deref())
    }
}

/// An owner: values of one attribute of the user's directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// Such as `okta_group` or `user`.
    pub attribute: String,
    /// Values of that attribute.
    pub values: BTreeSet<String>,
}

/// An account tag that names a connection's owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceOwner {
    /// Key of the account tag.
    pub tag_key: String,
    /// Attribute that the tag's value is a value of.
    pub attribute: String,
}

/// How many connections one plan may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalGuard {
    /// Per cent of the connections held before.
    pub percent: i64,
    /// Number of connections.
    pub count: i64,
}

impl Default for RemovalGuard {
    fn default() -> Self {
        Self {
            percent: 25,
            count: 20,
        }
    }
}

/// An integration as the catalog keeps it: everything its resource's state holds.
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
        let mirrored = self.mirror.partition();
        mirrored.unwrap_or_else(|| partition::of_region(default_region))
    }
}
