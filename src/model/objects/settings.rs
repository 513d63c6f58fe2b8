//! How tools use a connection: the settings of an integration, and what overrides change of them.

use std::collections::BTreeSet;

use describe::Describe;
use serde::{Deserialize, Serialize};

use crate::model::checks;
use crate::model::partition::Claim;

/// Settings inherited by every connection of an integration, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedConnectionSettings)]
pub struct ConnectionSettings {
    /// Name of the IAM role that tools assume, the same in every account; with its path, if any.
    #[field(required, check_string(checks::role_name))]
    pub role_name: String,
    /// External ID that the roles' trust policies ask for; null: none.
    #[field(optional, check_string(checks::external_id))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Regions of the accounts' partition that tools look at; `*` is all, globs such as `us-*` are allowed.
    #[field(default(["*"]), min_items(1), check_string(checks::region_or_glob))]
    pub regions: BTreeSet<String>,
    /// Region where a tool wants one. Default by partition: `us-east-1`, `us-gov-west-1`, `cn-north-1`.
    #[field(optional, computed, check_string(checks::region))]
    pub default_region: String,
    /// Total attempts of a call that fails in passing.
    #[field(default(9), at_least(1))]
    pub max_error_retry_attempts: i64,
    /// Least delay between attempts, in milliseconds.
    #[field(default(25), at_least(1))]
    pub min_error_retry_delay: i64,
    /// Error codes of AWS that tools ignore, in addition to their own not-found codes.
    #[field(default([""; 0]), check_string(checks::not_empty))]
    pub ignore_error_codes: BTreeSet<String>,
}

/// What both kinds of overrides may set; none: inherited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedOverriddenSettings)]
pub struct OverriddenSettings {
    /// External ID that the role's trust policy asks for; null: inherited.
    #[field(optional, check_string(checks::external_id))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Regions that tools look at, instead of the inherited ones; `*` is all, globs such as `us-*` are allowed.
    #[field(optional, min_items(1), check_string(checks::region_or_glob))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<BTreeSet<String>>,
    /// Region where a tool wants one; null: inherited.
    #[field(optional, check_string(checks::region))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_region: Option<String>,
    /// Total attempts of a call that fails in passing; null: inherited.
    #[field(optional, at_least(1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_error_retry_attempts: Option<i64>,
    /// Least delay between attempts, in milliseconds; null: inherited.
    #[field(optional, at_least(1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_error_retry_delay: Option<i64>,
    /// Error codes of AWS that tools ignore, instead of the inherited ones and in addition to the tools' own not-found codes;
    /// `[]`: no others, null: inherited.
    #[field(optional, check_string(checks::not_empty))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_error_codes: Option<BTreeSet<String>>,
    /// False: neither it nor anything below it is published, whatever other overrides say.
    #[field(default(true))]
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

/// The settings that a connection ends up with: those of its integration, changed by the overrides of its folders from the
/// root down, then by its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Describe)]
#[describe(planned = PlannedEffectiveSettings)]
pub struct EffectiveSettings {
    /// External ID that tools pass; null: none.
    pub external_id: Option<String>,
    /// Regions that tools look at; `*` is all, and there may be globs.
    pub regions: BTreeSet<String>,
    /// Region where a tool wants one.
    pub default_region: String,
    /// Total attempts of a call that fails in passing.
    pub max_error_retry_attempts: i64,
    /// Least delay between attempts, in milliseconds.
    pub min_error_retry_delay: i64,
    /// Error codes of AWS that tools ignore, in addition to their own not-found codes.
    pub ignore_error_codes: BTreeSet<String>,
    /// False where an override keeps it out of every publication.
    #[serde(skip)]
    pub enabled: bool,
    /// Name of the role that a folder's override says; none: the integration's.
    #[field(skip)]
    #[serde(skip)]
    pub role_name: Option<String>,
}

impl From<&ConnectionSettings> for EffectiveSettings {
    fn from(settings: &ConnectionSettings) -> Self {
        Self {
            external_id: settings.external_id.clone(),
            regions: settings.regions.clone(),
            default_region: settings.default_region.clone(),
            max_error_retry_attempts: settings.max_error_retry_attempts,
            min_error_retry_delay: settings.min_error_retry_delay,
            ignore_error_codes: settings.ignore_error_codes.clone(),
            enabled: true,
            role_name: None,
        }
    }
}

impl EffectiveSettings {
    /// These settings, changed by an override.
    pub fn with(&self, settings: &OverriddenSettings) -> Self {
        // Destructured in full, so that a new setting fails to compile here.
        let OverriddenSettings {
            external_id,
            regions,
            default_region,
            max_error_retry_attempts,
            min_error_retry_delay,
            ignore_error_codes,
            enabled,
        } = settings;
        let regions = regions.as_ref().unwrap_or(&self.regions);
        let default_region = default_region.as_ref().unwrap_or(&self.default_region);
        let codes = ignore_error_codes.as_ref();
        Self {
            external_id: external_id.clone().or_else(|| self.external_id.clone()),
            regions: regions.clone(),
            default_region: default_region.clone(),
            max_error_retry_attempts: max_error_retry_attempts
                .unwrap_or(self.max_error_retry_attempts),
            min_error_retry_delay: min_error_retry_delay.unwrap_or(self.min_error_retry_delay),
            ignore_error_codes: codes.unwrap_or(&self.ignore_error_codes).clone(),
            enabled: self.enabled && *enabled,
            role_name: self.role_name.clone(),
        }
    }

    /// These settings, changed by the override of a folder, whose role has this name; none: the one so far.
    pub fn with_folder(&self, role_name: Option<&str>, settings: &OverriddenSettings) -> Self {
        let role_name = role_name.map(str::to_owned);
        Self {
            role_name: role_name.or_else(|| self.role_name.clone()),
            ..self.with(settings)
        }
    }
}
