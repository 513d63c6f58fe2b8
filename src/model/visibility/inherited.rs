//! Settings from the integration down to a connection, each by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::objects::{FolderOverride, Integration, OverriddenSettings};

/// What connections of a folder inherit. Clones share the texts and sets.
#[derive(Debug, Clone)]
pub(super) struct Inherited {
    pub(super) role_name: Option<Arc<str>>,
    pub(super) external_id: Option<Arc<str>>,
    pub(super) regions: Arc<BTreeSet<String>>,
    pub(super) default_region: Arc<str>,
    pub(super) max_error_retry_attempts: i64,
    pub(super) min_error_retry_delay: i64,
    pub(super) ignore_error_codes: Arc<BTreeSet<String>>,
    pub(super) enabled: bool,
}

impl Inherited {
    pub(super) fn of(integration: &Integration) -> Self {
        let settings = &integration.connection_settings;
        Self {
            role_name: None,
            external_id: settings.external_id.as_deref().map(Arc::from),
            regions: Arc::new(settings.regions.clone()),
            default_region: settings.default_region.as_str().into(),
            max_error_retry_attempts: settings.max_error_retry_attempts,
            min_error_retry_delay: settings.min_error_retry_delay,
            ignore_error_codes: Arc::new(settings.ignore_error_codes.clone()),
            enabled: true,
        }
    }

    pub(super) fn with(&self, settings: &OverriddenSettings) -> Self {
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
        let mut own = self.clone();
        if let Some(external_id) = external_id {
            own.external_id = Some(external_id.as_str().into());
        }
        if let Some(regions) = regions {
            own.regions = Arc::new(regions.clone());
        }
        if let Some(default_region) = default_region {
            own.default_region = default_region.as_str().into();
        }
        if let Some(attempts) = max_error_retry_attempts {
            own.max_error_retry_attempts = *attempts;
        }
        if let Some(delay) = min_error_retry_delay {
            own.min_error_retry_delay = *delay;
        }
        if let Some(codes) = ignore_error_codes {
            own.ignore_error_codes = Arc::new(codes.clone());
        }
        own.enabled &= enabled;
        own
    }

    pub(super) fn with_folder(&self, overriding: &FolderOverride) -> Self {
        let mut own = self.with(&overriding.settings);
        if let Some(role_name) = &overriding.role_name {
            own.role_name = Some(role_name.as_str().into());
        }
        own
    }
}
