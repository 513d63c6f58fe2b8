//! Why a role cannot be used, in words.

use super::super::connect_error::{ConnectError, principal};
use super::super::credentials::ASSUME_ROLE;
use super::super::denial::{Denial, PolicyKind};
use super::super::settings::AssumeRole;

/// The cause of a [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// STS refuses without a reason: the role is missing, or does not trust the caller, or wants another external ID, or
    /// the caller's policies do not allow it.
    RoleOrTrust,
    /// The role's trust policy.
    TrustPolicy,
    /// A policy, permissions boundary or session policy of the caller.
    CallerPolicy,
    /// A service control policy above the caller.
    ServiceControlPolicy,
    /// A resource control policy above the role.
    ResourceControlPolicy,
    /// The policy of the VPC endpoint in between.
    VpcEndpointPolicy,
    /// A longer session was asked for than the role gives.
    SessionDuration,
    /// STS is not activated in the Region.
    Region,
    /// The role is in another partition than the caller.
    Partition,
    /// The role is in another account than it should be.
    WrongAccount,
    /// The credentials, those of the role or those that assume it.
    Credentials,
    /// Throttled on every attempt.
    Throttled,
    /// No answer from the endpoint.
    Network,
    /// An answer that did not come in time.
    Timeout,
    /// The time for the whole test was over before.
    NotTested,
    /// Anything else that AWS said.
    Other,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 16] = [
        Self::RoleOrTrust,
        Self::TrustPolicy,
        Self::CallerPolicy,
        Self::ServiceControlPolicy,
        Self::ResourceControlPolicy,
        Self::VpcEndpointPolicy,
        Self::SessionDuration,
        Self::Region,
        Self::Partition,
        Self::WrongAccount,
        Self::Credentials,
        Self::Throttled,
        Self::Network,
        Self::Timeout,
        Self::NotTested,
        Self::Other,
    ];

    /// As configurations compare it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoleOrTrust => "role_or_trust",
            Self::TrustPolicy => "trust_policy",
            Self::CallerPolicy => "caller_policy",
            Self::ServiceControlPolicy => "service_control_policy",
            Self::ResourceControlPolicy => "resource_control_policy",
            Self::VpcEndpointPolicy => "vpc_endpoint_policy",
            Self::SessionDuration => "session_duration",
            Self::Region => "region",
            Self::Partition => "partition",
            Self::WrongAccount => "wrong_account",
            Self::Credentials => "credentials",
            Self::Throttled => "throttled",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::NotTested => "not_tested",
            Self::Other => "other",
        }
    }
}

/// Why a role cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Problem {
    /// The cause.
    pub cause: Cause,
    /// What happened: the role, the caller, and what AWS said.
    what: String,
    fix: String,
}

impl Problem {
    pub(super) fn new(cause: Cause, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            cause,
            what: what.into(),
            fix: fix.into(),
        }
    }

    /// What the error means that came of assuming `role`, or of the first call with its credentials. `caller` is the ARN of
    /// who assumes.
    pub fn of(error: &ConnectError, role: &AssumeRole, caller: &str) -> Self {
        match error {
            ConnectError::AssumeRoleRefused { message, .. } => {
                explain_refusal(message, role, caller)
            }
            ConnectError::Throttled { .. } => Self::new(
                Cause::Throttled,
                error.to_string(),
                "STS has limits for all calls of an account in a Region together: lower concurrency, raise max_retries, or \
                 test when less else runs.",
            ),
            ConnectError::OtherPartition { .. } => {
                Self::new(Cause::Partition, error.to_string(), error.fix())
            }
            ConnectError::Unreachable { .. } => {
                Self::new(Cause::Network, error.to_string(), error.fix())
            }
            ConnectError::TimedOut { .. } => Self::new(
                Cause::Timeout,
                error.to_string(),
                "Check the network, and what is between here and STS; connection_timeout allows more time.",
            ),
            ConnectError::InvalidCredentials {
                action,
                code,
                message,
                ..
            } if action != ASSUME_ROLE => Self::new(
                Cause::Credentials,
                format!(
                    "STS gives the role {} and does not accept its credentials: {message} ({code})",
                    role.role_arn
                ),
                "A Region that has to be enabled must be so in the account of the role too: enable it there, or test in \
                 another Region (region).",
            ),
            ConnectError::Service { code, message, .. } => {
                let without = redact_external_id(message, role);
                match code.as_str() {
                    "RegionDisabledException" => Self::new(
                        Cause::Region,
                        format!(
                            "STS does not give {} in this Region: {without}",
                            role.role_arn
                        ),
                        "Activate STS in the Region, in the account settings of IAM of the account that is named, or test in \
                         another Region (region).",
                    ),
                    "ValidationError" if without.to_ascii_lowercase().contains("duration") => {
                        Self::new(
                            Cause::SessionDuration,
                            format!(
                                "STS refuses the length of the session of {}: {without}",
                                role.role_arn
                            ),
                            "Raise the maximum session duration of the role, or ask for a shorter session. One that a role \
                             asks for which was assumed itself lasts an hour at most.",
                        )
                    }
                    _ => Self::new(
                        Cause::Other,
                        format!("STS does not give {}: {without} ({code})", role.role_arn),
                        error.fix(),
                    ),
                }
            }
            ConnectError::NoCredentials { .. }
            | ConnectError::IncompleteKeys { .. }
            | ConnectError::CredentialsUnavailable { .. }
            | ConnectError::InvalidCredentials { .. } => {
                Self::new(Cause::Credentials, error.to_string(), error.fix())
            }
        }
    }

    /// What the user can do about it.
    pub fn fix(&self) -> &str {
        &self.fix
    }
}

/// Redacts the external ID: STS repeats arguments that it does not understand, and people treat external IDs as secrets.
fn redact_external_id(message: &str, role: &AssumeRole) -> String {
    match &role.external_id {
        Some(external_id) => message.replace(external_id, "(the external ID)"),
        None => message.to_owned(),
    }
}

fn explain_refusal(message: &str, role: &AssumeRole, caller: &str) -> Problem {
    let role_arn = &role.role_arn;
    let (sent, external_id) = if role.external_id.is_some() {
        (
            "an external ID was sent",
            "the condition sts:ExternalId there has exactly the external_id of the connection",
        )
    } else {
        (
            "no external ID was sent",
            "there is no condition sts:ExternalId there, or the connection has that external_id",
        )
    };
    let Some(denial) = Denial::of(message) else {
        // A message of the usual form says no more than which principal may not do what.
        let said = if principal(message).is_some() {
            "does not say why".to_owned()
        } else {
            format!("says: {message}")
        };
        return Problem::new(
            Cause::RoleOrTrust,
            format!("STS refuses {role_arn} to {caller} ({sent}), and {said}"),
            format!(
                "Check that (1) the role exists, (2) its trust policy trusts {caller}, (3) {external_id}, and (4) a policy of \
                 {caller} allows sts:AssumeRole on the role."
            ),
        );
    };
    let named = denial
        .policy_arn
        .map_or_else(String::new, |arn| format!(" ({arn})"));
    let by = |article: &str, kind: &str| {
        if denial.is_explicit {
            format!("{article} {kind}{named} denies {caller} the role {role_arn}")
        } else {
            format!("no {kind} allows {caller} to assume {role_arn}")
        }
    };
    match denial.kind {
        PolicyKind::RoleTrust | PolicyKind::Resource if denial.is_explicit => Problem::new(
            Cause::TrustPolicy,
            format!("the trust policy of {role_arn} denies {caller} the role"),
            "Look for the Deny statement in that trust policy, and change it or its conditions.",
        ),
        PolicyKind::RoleTrust | PolicyKind::Resource => Problem::new(
            Cause::TrustPolicy,
            format!("the trust policy of {role_arn} does not allow {caller} ({sent})"),
            format!("Check that the trust policy trusts {caller}, and that {external_id}."),
        ),
        PolicyKind::Identity => Problem::new(
            Cause::CallerPolicy,
            by("an", "identity-based policy"),
            "Allow sts:AssumeRole on the role in a policy of the caller; the publication iam_policy has such policies.",
        ),
        PolicyKind::PermissionsBoundary => Problem::new(
            Cause::CallerPolicy,
            by("a", "permissions boundary"),
            "Allow sts:AssumeRole on the role in the permissions boundary of the caller.",
        ),
        PolicyKind::Session => Problem::new(
            Cause::CallerPolicy,
            by("a", "session policy"),
            "Allow sts:AssumeRole on the role in the session policy that the caller's session was made with.",
        ),
        PolicyKind::ServiceControl => Problem::new(
            Cause::ServiceControlPolicy,
            by("a", "service control policy"),
            "What counts are the service control policies on the account of the caller, the OUs above it and the root; \
             those on the account of the role do not. Change them there.",
        ),
        PolicyKind::ResourceControl => Problem::new(
            Cause::ResourceControlPolicy,
            by("a", "resource control policy"),
            "What counts are the resource control policies on the account of the role, the OUs above it and the root. \
             Many allow only callers of their own AWS organization: make an exception for this one.",
        ),
        PolicyKind::VpcEndpoint => Problem::new(
            Cause::VpcEndpointPolicy,
            by("a", "VPC endpoint policy"),
            "Allow sts:AssumeRole on the role in the policy of the VPC endpoint for STS that the call came through.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::444455556666:role/reader";
    const CALLER: &str = "arn:aws:iam::111122223333:user/tools";

    fn role(external_id: Option<&str>) -> AssumeRole {
        AssumeRole {
            role_arn: ROLE.to_owned(),
            external_id: external_id.map(str::to_owned),
            session_name: None,
            duration: None,
        }
    }

    /// Of an AccessDenied of AssumeRole that ends so.
    fn refusal(ending: &str, external_id: Option<&str>) -> Problem {
        let error = ConnectError::AssumeRoleRefused {
            role_arn: ROLE.to_owned(),
            external_id_given: external_id.is_some(),
            caller: Some(CALLER.to_owned()),
            message: format!(
                "User: {CALLER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}{ending}"
            ),
            request_id: None,
        };
        Problem::of(&error, &role(external_id), CALLER)
    }

    fn service(code: &str, message: &str) -> Problem {
        let error = ConnectError::Service {
            action: ASSUME_ROLE.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: None,
        };
        Problem::of(&error, &role(Some("acme:0123")), CALLER)
    }

    #[test]
    fn a_refusal_without_a_reason_names_every_reason_there_may_be() {
        for (external_id, sent) in [
            (None, "no external ID was sent"),
            (Some("acme:0123"), "an external ID was sent"),
        ] {
            let problem = refusal("", external_id);
            assert_eq!(problem.cause, Cause::RoleOrTrust);
            let text = format!("{problem} {}", problem.fix());
            for part in [
                ROLE,
                CALLER,
                sent,
                "role exists",
                "trust policy",
                "sts:ExternalId",
                "sts:AssumeRole",
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains("acme:0123"), "{text}");
        }
    }

    #[test]
    fn a_refusal_of_another_form_is_quoted() {
        let error = ConnectError::AssumeRoleRefused {
            role_arn: ROLE.to_owned(),
            external_id_given: false,
            caller: None,
            message: "Roles may not be assumed by root accounts.".to_owned(),
            request_id: None,
        };
        let problem = Problem::of(&error, &role(None), CALLER);
        assert!(
            problem
                .to_string()
                .ends_with("Roles may not be assumed by root accounts."),
            "{problem}"
        );
    }

    #[test]
    fn the_policy_that_aws_names_is_the_cause() {
        for (ending, cause, words) in [
            (
                " with an explicit deny in a service control policy",
                Cause::ServiceControlPolicy,
                "account of the caller",
            ),
            (
                " because no service control policy allows the sts:AssumeRole action",
                Cause::ServiceControlPolicy,
                "no service control policy",
            ),
            (
                " with an explicit deny in a resource control policy",
                Cause::ResourceControlPolicy,
                "account of the role",
            ),
            (
                " because no identity-based policy allows the sts:AssumeRole action",
                Cause::CallerPolicy,
                "no identity-based policy",
            ),
            (
                " with an explicit deny in a permissions boundary",
                Cause::CallerPolicy,
                "permissions boundary",
            ),
            (
                " because no session policy allows the sts:AssumeRole action",
                Cause::CallerPolicy,
                "session policy",
            ),
            (
                " because no VPC endpoint policy allows the sts:AssumeRole action",
                Cause::VpcEndpointPolicy,
                "VPC endpoint",
            ),
            (
                " because no role trust policy allows the sts:AssumeRole action",
                Cause::TrustPolicy,
                "no external ID was sent",
            ),
            (
                " with an explicit deny in the role trust policy",
                Cause::TrustPolicy,
                "Deny statement",
            ),
            (
                " with an explicit deny in a resource-based policy",
                Cause::TrustPolicy,
                "Deny statement",
            ),
        ] {
            let problem = refusal(ending, None);
            let text = format!("{problem} {}", problem.fix());
            assert_eq!(problem.cause, cause, "{text}");
            assert!(
                text.contains(words) && text.contains(ROLE) && text.contains(CALLER),
                "{text}"
            );
        }
    }

    #[test]
    fn the_arn_of_the_policy_is_passed_on() {
        let problem = refusal(
            " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p-1",
            None,
        );
        assert!(
            problem
                .to_string()
                .contains("(arn:aws:organizations::1:policy/p-1)"),
            "{problem}"
        );
    }

    #[test]
    fn answers_of_sts_have_their_causes() {
        for (code, message, cause) in [
            (
                "RegionDisabledException",
                "STS is not activated in this region for account:444455556666.",
                Cause::Region,
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                Cause::SessionDuration,
            ),
            ("ValidationError", "Request ARN is invalid", Cause::Other),
            ("InternalFailure", "try again", Cause::Other),
        ] {
            let problem = service(code, message);
            assert_eq!(problem.cause, cause, "{problem}");
            assert!(problem.to_string().contains(message), "{problem}");
            assert!(!problem.fix().is_empty());
        }
    }

    #[test]
    fn an_external_id_that_sts_repeats_is_not_passed_on() {
        let problem = service(
            "ValidationError",
            "Value 'acme:0123' at 'externalId' failed to satisfy constraint",
        );
        assert!(!problem.to_string().contains("acme:0123"), "{problem}");
        assert!(
            problem
                .to_string()
                .contains("'(the external ID)' at 'externalId'"),
            "{problem}"
        );
    }

    #[test]
    fn causes_have_names_of_their_own() {
        let names: std::collections::BTreeSet<&str> =
            Cause::ALL.into_iter().map(Cause::name).collect();
        assert_eq!(names.len(), Cause::ALL.len());
    }
}
