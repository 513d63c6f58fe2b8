//! Errors of S3, and what to do about them.

use std::error::Error;

use thiserror::Error;

use super::NotConnected;

/// Code of an answer that is not one of S3.
pub(super) const NO_VALID_ANSWER: &str = "no valid answer";

/// An error of S3. Every variant is one thing that a user can act on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum S3Error {
    /// There is no such bucket.
    #[error("there is no bucket {bucket:?}")]
    NoBucket {
        /// Its name.
        bucket: String,
    },
    /// IAM, or the bucket's policy, refuses.
    #[error("S3 denied {action} to the caller: {message}")]
    Denied {
        /// The action, as in IAM policies.
        action: &'static str,
        /// What S3 said.
        message: String,
    },
    /// The bucket is in another Region.
    #[error("the bucket {bucket:?} is not in the Region {used}{}",
        actual.as_ref().map_or_else(String::new, |region| format!(" but in {region}")))]
    OtherRegion {
        /// Its name.
        bucket: String,
        /// The Region of the call.
        used: String,
        /// The bucket's, where S3 says it.
        actual: Option<String>,
    },
    /// KMS refuses the key with which objects are encrypted.
    #[error("the KMS key cannot be used: {message} ({code})")]
    Key {
        /// Such as `AccessDenied` or `KMS.DisabledException`.
        code: String,
        /// What S3 said.
        message: String,
    },
    /// Credentials had to be refreshed and could not be.
    #[error("AWS credentials could not be obtained again: {0}")]
    NoCredentials(String),
    /// S3 does not accept the key or token.
    #[error("S3 does not accept the credentials: {message} ({code})")]
    InvalidCredentials {
        /// Such as `ExpiredToken`.
        code: String,
        /// What S3 said.
        message: String,
    },
    /// The clocks of this machine and of S3 differ by more than 15 minutes.
    #[error("the clock of this machine is wrong: {0}")]
    Clock(String),
    /// No answer from the endpoint.
    #[error("{endpoint} cannot be reached: {message}")]
    Unreachable {
        /// Its URL.
        endpoint: String,
        /// What went wrong.
        message: String,
    },
    /// The endpoint made a write whose condition was not met, or does not know conditions.
    #[error(
        "{endpoint} does not check {condition}, so that writers at the same time could lose each other's changes"
    )]
    NoConditions {
        /// Its URL.
        endpoint: String,
        /// The header.
        condition: &'static str,
    },
    /// Throttled on every attempt.
    #[error("S3 throttled {action} on all of {attempts} attempts: {message}")]
    Throttled {
        /// The action, as in IAM policies.
        action: &'static str,
        /// How often it was tried.
        attempts: u32,
        /// What S3 said.
        message: String,
    },
    /// Another writer changed the same object on every attempt.
    #[error("others changed it on all of {0} attempts")]
    Contended(u32),
    /// Any other error.
    #[error("{action} failed: {message} ({code}{})",
        request_id.as_ref().map_or_else(String::new, |id| format!(", request {id}")))]
    Service {
        /// The action, as in IAM policies.
        action: &'static str,
        /// Error code of S3.
        code: String,
        /// What S3 said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
}

impl S3Error {
    /// What the user can do about it: a whole sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::NoBucket { .. } => {
                "Create it, or correct the name in the provider's catalog (or in ORGMIRROR_CATALOG)".to_owned()
            }
            Self::Denied { action, .. } => {
                let missing = match *action {
                    "s3:GetObject" => {
                        " and s3:ListBucket on the bucket, without a condition on s3:prefix (S3 denies access to a missing \
                         object to those who may not list)"
                    }
                    "s3:PutObject" | "s3:DeleteObject" => {
                        " and s3:GetObject, which conditions need as well"
                    }
                    _ => "",
                };
                format!(
                    "Allow the caller {action}{missing}, in an IAM policy and, where the bucket is another account's, in the \
                     bucket's policy; the guide for teams has a policy with all that is needed"
                )
            }
            Self::OtherRegion { actual, .. } => match actual {
                Some(region) => format!(
                    "Set region = \"{region}\" in catalog = {{ s3 = {{ ... }} }} of the provider"
                ),
                None => "Set region in catalog = { s3 = { ... } } of the provider to the bucket's; aws s3api \
                         get-bucket-location says which it is"
                    .to_owned(),
            },
            Self::Key { .. } => {
                "Check kms_key_id (the key must be in the bucket's Region and enabled), and allow the caller kms:GenerateDataKey \
                 and kms:Decrypt on it, in the key's policy or by IAM"
                    .to_owned()
            }
            Self::NoCredentials(_) => {
                "Check the place the credentials come from; for single sign-on, sign in again with aws sso login".to_owned()
            }
            Self::InvalidCredentials { code, .. } => match code.as_str() {
                "ExpiredToken" | "ExpiredTokenException" => "The temporary credentials have expired: obtain new ones (aws sso login, or the step of the \
                                   pipeline that assumes the role)"
                    .to_owned(),
                _ => "Check that the access key exists and is active, that the secret key belongs to it, and that a temporary \
                      key comes with its token"
                    .to_owned(),
            },
            Self::Clock(_) => "Set the clock (a time service keeps it right) and run Terraform again".to_owned(),
            Self::Unreachable { .. } => {
                "Check the network, a proxy or firewall in between, the Region, and the endpoint: it comes from endpoint in the \
                 provider's catalog, from its endpoints, from AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3, from the profile, else \
                 from the Region"
                    .to_owned()
            }
            Self::NoConditions { .. } => {
                "Use Amazon S3, or another service that checks If-Match and If-None-Match of PutObject; a directory on a shared \
                 disk works as well"
                    .to_owned()
            }
            Self::Throttled { .. } => {
                "Others use the same bucket heavily: try again later, or raise max_retries of the provider".to_owned()
            }
            Self::Contended(_) => "Something else writes to this place: find out what, and apply again".to_owned(),
            Self::Service { code, .. } => match code.as_str() {
                NO_VALID_ANSWER => {
                    "Check that the endpoint is S3 and not something else, such as a proxy's sign-in page; with an endpoint of \
                     your own, use_path_style = true may be needed"
                        .to_owned()
                }
                "InvalidObjectState" => {
                    "A lifecycle rule or intelligent tiering has archived it: restore it (aws s3api restore-object), and keep \
                     such rules from objects below the prefix of the catalog"
                        .to_owned()
                }
                "InternalError" | "ServiceUnavailable" => {
                    "S3 had an error of its own on every attempt: try again later; https://health.aws.amazon.com shows known \
                     disturbances"
                        .to_owned()
                }
                _ => "Look the error code up in the S3 documentation; AWS support can find the call by its request ID".to_owned(),
            },
        }
    }
}

/// Why a call failed.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) source: Box<dyn Error + Send + Sync>,
    pub(super) advice: String,
    pub(super) is_denied: bool,
    /// Whether a write may have been applied all the same.
    pub(super) maybe_applied: bool,
}

impl From<S3Error> for Problem {
    fn from(error: S3Error) -> Self {
        Self {
            advice: error.fix(),
            is_denied: matches!(error, S3Error::Denied { .. }),
            maybe_applied: false,
            source: error.into(),
        }
    }
}

impl From<NotConnected> for Problem {
    fn from(error: NotConnected) -> Self {
        Self {
            source: error.source,
            advice: error.advice,
            is_denied: false,
            maybe_applied: false,
        }
    }
}
