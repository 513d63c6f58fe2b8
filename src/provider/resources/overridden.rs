//! The settings that both kinds of overrides have.

use crate::model::objects::PlannedOverriddenSettings;
use crate::model::partition::Claim;
use crate::provider::regions;
use terraform_plugin::diagnostics::Diagnostics;

const REGIONS: &str = "regions";
const DEFAULT_REGION: &str = "default_region";

/// Whether every setting is inherited.
pub(super) fn is_all_inherited(settings: &PlannedOverriddenSettings) -> bool {
    *settings
        == PlannedOverriddenSettings {
            enabled: true.into(),
            ..PlannedOverriddenSettings::default()
        }
}

/// Refuses values of two partitions; `role_arn` is one more of them.
pub(super) fn validate(
    settings: &PlannedOverriddenSettings,
    role_arn: Option<&str>,
    diagnostics: &mut Diagnostics,
) {
    let claims = regions::claims(REGIONS, &settings.regions)
        .chain(regions::claim(DEFAULT_REGION, &settings.default_region))
        .chain(role_arn.and_then(|arn| Claim::of_arn("role_arn", arn)));
    regions::refuse_two_partitions(claims, diagnostics);
}

/// Warns of Regions that may not be meant.
pub(super) fn remark(
    settings: &PlannedOverriddenSettings,
    partition: Option<&str>,
    diagnostics: &mut Diagnostics,
) {
    let each = regions::each(
        (REGIONS, &settings.regions),
        (DEFAULT_REGION, &settings.default_region),
    );
    regions::warn_of_regions(partition, each, diagnostics);
}

/// Warns of an override that overrides nothing, as one that a module makes may do; `role` is what it could set.
pub(super) fn warn_of_nothing(role: &str, diagnostics: &mut Diagnostics) {
    diagnostics.warning(
        "The override changes nothing",
        format!(
            "Everything that it could set (handle, {role}, external_id, regions, default_region, max_error_retry_attempts, \
             min_error_retry_delay, ignore_error_codes) is null, which means inherited, and enabled is true. Set what \
             should differ, or remove this resource."
        ),
    );
}
