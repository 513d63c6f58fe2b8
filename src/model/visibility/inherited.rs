//! Settings from the integration down to a connection, each by itself.

use std::collections::BTreeSet;

use crate::model::objects::{FolderOverride, Integration, OverriddenSettings};

/// What connections of a folder inherit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inherited<'t> {
    pub(super) role_name: Option<&'t str>,
    pub(super) external_id: Option<&'t str>,
    pub(super) regions: &'t BTreeSet<String>,
    pub(super) default_region: &'t str,
    pub(super) max_error_retry_attempts: i64,
    pub(super) min_error_retry_delay: i64,
    pub(super) ignore_error_codes: &'t BTreeSet<String>,
    pub(super) enabled: bool,
}

impl<'t> Inherited<'t> {
    pub(super) fn of(integration: &'t Integration) -> Self {
        let settings = &integration.connection_settings;
        Self {
            role_name: None,
            external_id: settings.external_id.as_deref(),
            regions: &settings.regions,
            default_region: &settings.default_region,
            max_error_retry_attempts: settings.max_error_retry_attempts,
            min_error_retry_delay: settings.min_error_retry_delay,
            ignore_error_codes: &settings.ignore_error_codes,
            enabled: true,
        }
    }

    pub(super) fn with(self, settings: &'t OverriddenSettings) -> Self {
        // Taken apart in full, so that a new setting cannot be forgotten here.
        let OverriddenSettings {
            external_id,
            regions,
            default_region,
            max_error_retry_attempts,
            min_error_retry_delay,
            ignore_error_codes,
            enabled,
        } = settings;
        Self {
            role_name: self.role_name,
            external_id: external_id.as_deref().or(self.external_id),
            regions: regions.as_ref().unwrap_or(self.regions),
            default_region: default_region.as_deref().unwrap_or(self.default_region),
            max_error_retry_attempts: max_error_retry_attempts
                .unwrap_or(self.max_error_retry_attempts),
            min_error_retry_delay: min_error_retry_delay.unwrap_or(self.min_error_retry_delay),
            ignore_error_codes: ignore_error_codes
                .as_ref()
                .unwrap_or(self.ignore_error_codes),
            enabled: self.enabled && *enabled,
        }
    }

    pub(super) fn with_folder(self, overriding: &'t FolderOverride) -> Self {
        Self {
            role_name: overriding.role_name.as_deref().or(self.role_name),
            ..self.with(&overriding.settings)
        }
    }
}
