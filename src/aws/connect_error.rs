//! Why AWS could not be talked to, and what to do about it.

use std::time::Duration;

use super::calls::{self, Failure, SeenEndpoint};
use super::denial::Denial;
use crate::model::partition::{self, RegionWarning};

/// Why AWS could not be talked to. Every variant is one thing a user can act on; [`ConnectError::fix`] says how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing in any place where credentials may be.
    #[error("no AWS credentials were found; looked in: {}", tried.join(", "))]
    NoCredentials {
        /// The places, in the order in which they were tried.
        tried: Vec<String>,
    },
    /// `access_key` without `secret_key`, or the reverse, or a token without both.
    #[error("the AWS credentials are incomplete: {missing} is missing")]
    IncompleteKeys {
        /// The argument that is missing.
        missing: &'static str,
    },
    /// A place for credentials was configured, and they could not be obtained from it.
    #[error("AWS credentials could not be obtained from {origin}: {message}")]
    CredentialsUnavailable {
        /// Such as `profile "management"`.
        origin: String,
        /// What the place said.
        message: String,
    },
    /// AWS does not accept the key or token.
    #[error("AWS does not accept the credentials for {action} at {endpoint}: {message} ({code})")]
    InvalidCredentials {
        /// The call that was refused, as in IAM policies.
        action: String,
        /// URL of the endpoint, which tells the partition.
        endpoint: String,
        /// Such as `ExpiredTokenException`.
        code: String,
        /// What AWS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
    /// STS refuses to give the role.
    #[error("{} could not assume the role {role_arn} ({} external ID was sent): {message}",
        caller.as_deref().unwrap_or("the caller"),
        if *external_id_given { "an" } else { "no" })]
    AssumeRoleRefused {
        /// ARN of the role.
        role_arn: String,
        /// Whether an external ID was sent.
        external_id_given: bool,
        /// ARN of who tried, where known.
        caller: Option<String>,
        /// What STS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
    /// The role is where these credentials and this region do not lead.
    #[error("the role {role_arn} is in the partition {}, and the Region {region} is in the partition {}",
        partition::of_arn(role_arn).unwrap_or_default(), partition::of_region(region))]
    OtherPartition {
        /// ARN of the role.
        role_arn: String,
        /// The region in use.
        region: String,
    },
    /// No answer from the endpoint.
    #[error("{endpoint} cannot be reached for {action}: {message}")]
    Unreachable {
        /// The call, as in IAM policies.
        action: String,
        /// URL of the endpoint.
        endpoint: String,
        /// What went wrong.
        message: String,
    },
    /// Throttled on every attempt.
    #[error("AWS throttled {action} on all of {attempts} attempts: {message}")]
    Throttled {
        /// The call, as in IAM policies.
        action: String,
        /// How often it was tried: `max_retries` and one.
        attempts: u32,
        /// What AWS said.
        message: String,
    },
    /// Obtaining credentials took too long.
    #[error("{what} did not end within {} seconds", after.as_secs_f64().ceil())]
    TimedOut {
        /// The operation.
        what: String,
        /// The time it was given.
        after: Duration,
    },
    /// An answer of AWS that nothing better is known about.
    #[error("{action} failed: {message} ({code}{})",
        request_id.as_ref().map_or_else(String::new, |id| format!(", request {id}")))]
    Service {
        /// The call, as in IAM policies.
        action: String,
        /// Error code of AWS.
        code: String,
        /// What AWS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
}

impl ConnectError {
    /// What the user can do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::NoCredentials { .. } => "Give the provider a profile (profile = \"...\", after aws sso login where it uses single sign-on), an access key pair, or \
                run where the environment has credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a role of the pipeline, container or instance)."
                .to_owned(),
            Self::IncompleteKeys { missing } => format!(
                "Set {missing}, or remove the other part. access_key and secret_key belong together; token goes with both."
            ),
            Self::CredentialsUnavailable { origin, .. } => format!(
                "Check {origin}: aws configure list-profiles shows the profiles there are, and aws sts get-caller-identity with the same settings should fail the same \
                 way. For single sign-on, sign in again with aws sso login."
            ),
            Self::InvalidCredentials { code, .. } => match code.as_str() {
                "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                    "The temporary credentials have expired: obtain new ones (aws sso login, or the step of the pipeline that assumes the role), and check that the \
                     machine's clock is right."
                        .to_owned()
                }
                "SignatureDoesNotMatch" | "InvalidSignatureException" => {
                    "The secret key does not belong to the access key, or the machine's clock is wrong. Check secret_key (or AWS_SECRET_ACCESS_KEY).".to_owned()
                }
                _ => "Check that the access key exists and is active, that a temporary key comes with its token, and that the endpoint is of the right partition: AWS \
                      GovCloud (US) and China have credentials of their own, and need a Region of theirs (region = \"us-gov-west-1\", \"cn-northwest-1\")."
                    .to_owned(),
            },
            Self::AssumeRoleRefused {
                role_arn,
                external_id_given,
                caller,
                message,
                ..
            } => {
                let caller = caller.as_deref().unwrap_or("the caller");
                if let Some(denial) = Denial::of(message) {
                    return denial.fix("sts:AssumeRole", caller);
                }
                let external_id = if *external_id_given {
                    "the external ID in assume_role is exactly the one in the condition sts:ExternalId of that trust policy"
                } else {
                    "that trust policy asks for no external ID (condition sts:ExternalId); if it does, set external_id in assume_role"
                };
                format!(
                    "STS gives one answer for several causes. Check that (1) the role {role_arn} exists and its trust policy trusts {caller}, (2) {external_id}, and (3) a \
                     policy of {caller} allows sts:AssumeRole on {role_arn}."
                )
            }
            Self::OtherPartition { role_arn, .. } => {
                let wanted = partition::of_arn(role_arn).unwrap_or_default();
                format!(
                    "No credentials lead from one partition into another. For this role, set region to one of {wanted}, such as {:?}, and use credentials of an account in \
                     {wanted}; or correct role_arn. The Region comes from the argument region, from AWS_REGION, else from the profile.",
                    partition::default_region(wanted)
                )
            }
            Self::Unreachable { endpoint, .. } => format!(
                "Check the name {endpoint}, the network, and a proxy or firewall in between. Endpoints come from the provider's endpoints argument, from \
                 AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>, from the profile, else from the Region.{}",
                misspelt_region(endpoint)
            ),
            Self::Throttled { .. } => "Other tools are using AWS in the same account at the same time. Try again later, raise max_retries, or run at another time."
                .to_owned(),
            Self::TimedOut { .. } => {
                "Check the network and the place the credentials come from, or allow more time with timeouts = { read = \"...\" }.".to_owned()
            }
            Self::Service { code, .. } => match code.as_str() {
                "ValidationError" => "Check the arguments of assume_role: role_arn, session_name, external_id, and a duration of 15 minutes up to the role's maximum session duration."
                    .to_owned(),
                calls::NO_VALID_ANSWER => "Check that the endpoint is the AWS service and not something else, such as a proxy's sign-in page. Endpoints come from the provider's \
                    endpoints argument, from AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>, from the profile, else from the Region."
                    .to_owned(),
                "ServiceException" | "ServiceUnavailable" | "ServiceUnavailableException" | "InternalFailure" | "InternalError" => {
                    "AWS had an error of its own on every attempt: try again later. https://health.aws.amazon.com shows known disturbances; AWS support can find the call by its request ID."
                        .to_owned()
                }
                _ => "Look the error code up in the AWS documentation; AWS support can find the call by its request ID.".to_owned(),
            },
        }
    }

    pub(super) fn of(action: &str, endpoint: &SeenEndpoint, failure: Failure) -> Self {
        let action = action.to_owned();
        match failure {
            Failure::Throttled { attempts, message } => Self::Throttled {
                action,
                attempts,
                message,
            },
            Failure::InvalidCredentials {
                code,
                message,
                request_id,
            } => Self::InvalidCredentials {
                action,
                endpoint: endpoint.get(),
                code,
                message,
                request_id,
            },
            Failure::CredentialsUnavailable { message } => Self::CredentialsUnavailable {
                origin: "where they came from before".to_owned(),
                message,
            },
            Failure::Unreachable { message } => Self::Unreachable {
                action,
                endpoint: endpoint.get(),
                message,
            },
            Failure::TimedOut { after } => Self::TimedOut {
                what: action,
                after,
            },
            Failure::Service {
                code,
                message,
                request_id,
            } => Self::Service {
                action,
                code,
                message,
                request_id,
            },
            Failure::Denied {
                message,
                request_id,
            } => Self::Service {
                action,
                code: "AccessDenied".to_owned(),
                message,
                request_id,
            },
            Failure::NotInUse => Self::Service {
                action,
                code: "AWSOrganizationsNotInUseException".to_owned(),
                message: "the account is in no AWS organization".to_owned(),
                request_id: None,
            },
            Failure::Gone => Self::Service {
                action,
                code: "NotFound".to_owned(),
                message: "what was asked about is not there".to_owned(),
                request_id: None,
            },
        }
    }
}

/// Asks which Region was meant, if the one in the name of an endpoint is not known.
fn misspelt_region(endpoint: &str) -> String {
    let mut parts = endpoint.split(['/', '.', ':']);
    let Some(region) = parts.find(|part| partition::is_region(part)) else {
        return String::new();
    };
    match partition::check_region(None, region) {
        Some(RegionWarning::Unknown(similar)) if !similar.is_empty() => {
            let similar: Vec<String> = similar.iter().map(|name| format!("{name:?}")).collect();
            format!(
                " {region:?} is not a known Region: did you mean {}?",
                similar.join(" or ")
            )
        }
        _ => String::new(),
    }
}

/// The principal that an AccessDenied message names: `User: ARN is not authorized to perform ...`.
pub(super) fn principal(message: &str) -> Option<&str> {
    let rest = message.split("User: ").nth(1)?;
    let principal = rest.split_whitespace().next()?;
    principal.starts_with("arn:").then_some(principal)
}
