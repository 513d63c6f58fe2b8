//! The settings that both kinds of overrides have.

use crate::model::objects::OverriddenSettings;
use crate::model::partition::Claim;
use crate::provider::late::{self, NotKnown, known_late, known_value};
use crate::provider::{arguments, regions};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::schema::Attribute;
use terraform_plugin::types::Type;
use terraform_plugin::value::{Set, Value};

const REGIONS: &str = "regions";
const DEFAULT_REGION: &str = "default_region";

/// Their part of a configuration, plan or state.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Settings {
    pub(super) external_id: Value<String>,
    pub(super) regions: Value<Set<String>>,
    pub(super) default_region: Value<String>,
    pub(super) max_error_retry_attempts: Value<i64>,
    pub(super) min_error_retry_delay: Value<i64>,
    pub(super) ignore_error_codes: Value<Set<String>>,
    pub(super) enabled: Value<bool>,
}

impl Settings {
    /// As the catalog keeps them.
    ///
    /// # Errors
    /// If anything is not known.
    pub(super) fn overridden(&self) -> Result<OverriddenSettings, NotKnown> {
        Ok(OverriddenSettings {
            external_id: known_late(late::optional(&self.external_id), "external_id")?,
            regions: known_late(late::set(&self.regions), REGIONS)?,
            default_region: known_late(late::optional(&self.default_region), DEFAULT_REGION)?,
            max_error_retry_attempts: known_late(
                late::optional(&self.max_error_retry_attempts),
                "max_error_retry_attempts",
            )?,
            min_error_retry_delay: known_late(
                late::optional(&self.min_error_retry_delay),
                "min_error_retry_delay",
            )?,
            ignore_error_codes: known_late(
                late::set(&self.ignore_error_codes),
                "ignore_error_codes",
            )?,
            enabled: known_value(&self.enabled, "enabled")?,
        })
    }

    /// Whether every setting is inherited.
    pub(super) fn is_all_inherited(&self) -> bool {
        *self
            == Self {
                enabled: true.into(),
                ..Self::default()
            }
    }

    /// Refuses values of two partitions; `role_arn` is one more of them.
    pub(super) fn validate(&self, role_arn: Option<&str>, diagnostics: &mut Diagnostics) {
        let claims = regions::claims(REGIONS, &self.regions)
            .chain(regions::claim(DEFAULT_REGION, &self.default_region))
            .chain(role_arn.and_then(|arn| Claim::of_arn("role_arn", arn)));
        regions::refuse_two_partitions(claims, diagnostics);
    }

    /// Warns of regions that may not be meant.
    pub(super) fn remark(&self, partition: Option<&str>, diagnostics: &mut Diagnostics) {
        let each = regions::each(
            (REGIONS, &self.regions),
            (DEFAULT_REGION, &self.default_region),
        );
        regions::warn_of_regions(partition, each, diagnostics);
    }
}

impl From<&OverriddenSettings> for Settings {
    fn from(settings: &OverriddenSettings) -> Self {
        let set = |set: &Option<_>| set.clone().map_or(Value::Null, late::set_value);
        Self {
            external_id: settings.external_id.clone().into(),
            regions: set(&settings.regions),
            default_region: settings.default_region.clone().into(),
            max_error_retry_attempts: settings.max_error_retry_attempts.into(),
            min_error_retry_delay: settings.min_error_retry_delay.into(),
            ignore_error_codes: set(&settings.ignore_error_codes),
            enabled: settings.enabled.into(),
        }
    }
}

/// The attributes; `enabled` says what `false` does.
pub(super) fn attributes(enabled: &str) -> Vec<Attribute> {
    vec![
        Attribute::string("external_id")
            .optional()
            .check_string(arguments::external_id)
            .description("External ID that the role's trust policy asks for; null: inherited."),
        Attribute::set(REGIONS, Type::String)
            .optional()
            .min_items(1)
            .check_string(arguments::region_or_glob)
            .description(
                "Regions that tools look at, instead of the inherited ones; `*` is all, globs such as `us-*` are allowed.",
            ),
        Attribute::string(DEFAULT_REGION)
            .optional()
            .check_string(arguments::region)
            .description("Region where a tool wants one; null: inherited."),
        Attribute::number("max_error_retry_attempts")
            .optional()
            .at_least(1)
            .description("Total attempts of a call that fails in passing; null: inherited."),
        Attribute::number("min_error_retry_delay")
            .optional()
            .at_least(1)
            .description("Least delay between attempts, in milliseconds; null: inherited."),
        Attribute::set("ignore_error_codes", Type::String)
            .optional()
            .check_string(arguments::not_empty)
            .description(
                "Error codes of AWS that tools ignore, instead of the inherited ones and in addition to the tools' own \
                 not-found codes; `[]`: no others, null: inherited.",
            ),
        Attribute::bool("enabled").default(true).description(enabled),
    ]
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
