//! How tools use a connection: the settings of an integration, and what overrides change of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::partition::Claim;

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

/// What both kinds of overrides may set; none: inherited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverriddenSettings {
    /// External ID passed when the role is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Region names, `*` and globs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<BTreeSet<String>>,
    /// Region used where a tool wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_region: Option<String>,
    /// Total attempts, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_error_retry_attempts: Option<i64>,
    /// Milliseconds, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_error_retry_delay: Option<i64>,
    /// In addition to the tools' built-in not-found codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_error_codes: Option<BTreeSet<String>>,
    /// False: neither it nor, of a folder, anything below it is published, whatever other overrides say.
    pub enabled: bool,
}

impl Default for OverriddenSettings {
    fn default() -> Self {
        Self {
            external_id: None,
            regions: None,
            default_region: None,
            max_error_retry_attempts: None,
            min_error_retry_delay: None,
            ignore_error_codes: None,
            enabled: true,
        }
    }
}

impl OverriddenSettings {
    /// What its regions claim to be in.
    pub fn claims(&self) -> impl Iterator<Item = Claim<'_>> {
        let regions = self.regions.iter().flatten();
        let regions = regions.filter_map(|region| Claim::of_region("regions", region));
        let default_region = self.default_region.as_deref();
        regions.chain(default_region.and_then(|region| Claim::of_region("default_region", region)))
    }
}
