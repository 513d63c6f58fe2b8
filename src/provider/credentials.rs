//! Arguments that say who talks to AWS; the provider and its data sources share them.

use std::time::Duration;

use describe::Describe;

use crate::aws::{AssumeRole, ConnectError, Settings};
use terraform_plugin::schema::Violation;
use terraform_plugin::value::Value;

use super::duration;
use crate::model::checks;

/// Shortest and longest session that STS gives.
const SESSION: [Duration; 2] = [Duration::from_secs(15 * 60), Duration::from_secs(12 * 3600)];

/// `assume_role = { ... }`
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Describe)]
pub(super) struct AssumeRoleArgument {
    /// ARN of the role.
    #[field(required, check_string(checks::role_arn))]
    role_arn: Value<String>,
    /// External ID that the role's trust policy asks for.
    #[field(optional, check_string(checks::external_id))]
    external_id: Value<String>,
    /// Name of the session, as CloudTrail shows it. Default `orgmirror`.
    #[field(optional, check_string(session_name))]
    session_name: Value<String>,
    /// How long the credentials are valid, such as `1h`: 15 minutes to 12 hours, and no longer than the role allows.
    #[field(
        optional,
        check_string(|text| duration::parse_within(text, SESSION[0], SESSION[1]).map(drop))
    )]
    duration: Value<String>,
}

// An external ID is no secret to AWS, but people treat it as one.
impl std::fmt::Debug for AssumeRoleArgument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssumeRoleArgument")
            .field("role_arn", &self.role_arn)
            .field("external_id", &self.external_id.as_ref().map(|_| "(given)"))
            .field("session_name", &self.session_name)
            .field("duration", &self.duration)
            .finish()
    }
}

/// Arguments of a data source, or of the catalog, that replace those of the provider.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(super) struct Replacement {
    /// Role to assume for this reading. Replaces the provider's; the two are not chained.
    #[field(optional)]
    pub(super) assume_role: Value<AssumeRoleArgument>,
    /// Profile for this reading. Replaces the provider's credentials of any kind, its `assume_role` included.
    #[field(optional, check_string(checks::not_empty))]
    pub(super) profile: Value<String>,
    /// Region whose partition is meant, for this reading. Replaces the provider's.
    #[field(optional, check_string(checks::region))]
    pub(super) region: Value<String>,
}

impl Replacement {
    /// Applies the replacements to the provider's settings.
    pub(super) fn apply_to(&self, provider: &Settings) -> Settings {
        let mut settings = provider.clone();
        if let Some(profile) = self.profile.known() {
            settings.profile = Some(profile.clone());
            settings.access_key = None;
            settings.secret_key = None;
            settings.token = None;
            settings.assume_role = None;
        }
        if let Some(role) = self.assume_role.known() {
            settings.assume_role = Some(role.role());
        }
        if let Some(region) = self.region.known() {
            settings.region = Some(region.clone());
        }
        settings
    }

    /// The provider's arguments that are replaced.
    pub(super) fn replaced_arguments(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        if !self.profile.is_null() {
            names.extend([
                "profile",
                "access_key",
                "secret_key",
                "token",
                "assume_role",
            ]);
        }
        if !self.assume_role.is_null() {
            names.push("assume_role");
        }
        if !self.region.is_null() {
            names.push("region");
        }
        names
    }
}

fn session_name(value: &str) -> Result<(), Violation> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    if (2..=64).contains(&value.len()) && value.bytes().all(allowed) {
        return Ok(());
    }
    Err(Violation::new(
        "A session name has 2 to 64 letters, digits and +=,.@_-.",
        "Choose another name.",
    ))
}

/// One line per cause that a user can act on.
pub(super) fn summary(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::NoCredentials { .. } => "No AWS credentials",
        ConnectError::IncompleteKeys { .. } => "Incomplete AWS credentials",
        ConnectError::CredentialsUnavailable { .. } => "AWS credentials cannot be obtained",
        ConnectError::InvalidCredentials { .. } => "AWS does not accept the credentials",
        ConnectError::AssumeRoleRefused { .. } => "The role cannot be assumed",
        ConnectError::OtherPartition { .. } => "The role is in another partition",
        ConnectError::Unreachable { .. } => "AWS cannot be reached",
        ConnectError::Throttled { .. } => "AWS throttled the reading for too long",
        ConnectError::TimedOut { .. } => "AWS did not answer in time",
        ConnectError::Service { .. } => "AWS reported an error",
    }
}

impl AssumeRoleArgument {
    #[cfg(test)]
    pub(super) fn with_external_id(external_id: &str) -> Self {
        Self {
            external_id: external_id.into(),
            ..Self::default()
        }
    }

    /// Whether anything of it is unknown.
    pub(super) fn has_unknown(&self) -> bool {
        [
            &self.role_arn,
            &self.external_id,
            &self.session_name,
            &self.duration,
        ]
        .into_iter()
        .any(Value::is_unknown)
    }

    /// The role, once everything is known.
    pub(super) fn role(&self) -> AssumeRole {
        let duration = self.duration.known();
        AssumeRole {
            role_arn: self.role_arn.known().cloned().unwrap_or_default(),
            external_id: self.external_id.known().cloned(),
            session_name: self.session_name.known().cloned(),
            // The schema has checked it.
            duration: duration.and_then(|text| duration::parse(text).ok()),
        }
    }
}
