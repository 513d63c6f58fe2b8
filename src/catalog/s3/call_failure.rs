//! Classifies calls to S3 that did not succeed.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::S3;
use super::connected::Connected;
use super::errors::{NO_VALID_ANSWER, S3Error};

/// S3 names the bucket's Region in this header, with whatever error.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Why a call did not succeed.
pub(super) enum CallFailure {
    Declined(Declined),
    Failed {
        error: S3Error,
        retry: Retry,
        maybe_applied: bool,
    },
}

/// Answers without the result of the call that are no errors.
pub(super) enum Declined {
    /// 304
    Unchanged,
    /// There is no such object.
    Absent,
    /// 412, and 409 of two writes at the same time.
    PreconditionFailed,
}

/// Whether to try again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    AFewTimes,
    Patiently,
}

impl S3 {
    pub(super) fn classify<E>(
        &self,
        connected: &Connected,
        action: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> CallFailure
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let failed = |error, retry, maybe_applied| CallFailure::Failed {
            error,
            retry,
            maybe_applied,
        };
        let unreachable = || S3Error::Unreachable {
            endpoint: connected.endpoint.get(),
            message: innermost(error),
        };
        match error {
            SdkError::ServiceError(_) => {}
            _ if let Some(cause) = credentials_error(error) => {
                return failed(S3Error::NoCredentials(chain(cause)), Retry::Never, false);
            }
            SdkError::ConstructionFailure(_) => {
                return failed(no_answer(action, &chain(error)), Retry::Never, false);
            }
            SdkError::ResponseError(answer) => {
                let retry = match answer.raw().status().as_u16() {
                    429 | 500.. => Retry::Patiently,
                    _ => Retry::Never,
                };
                return failed(no_answer(action, &chain(error)), retry, true);
            }
            _ => return failed(unreachable(), Retry::AFewTimes, true),
        }
        let SdkError::ServiceError(answered) = error else {
            return failed(unreachable(), Retry::AFewTimes, true);
        };
        let status = answered.raw().status().as_u16();
        let actual_region = answered.raw().headers().get(REGION_HEADER);
        let message = answered
            .err()
            .message()
            .unwrap_or("S3 gave no reason")
            .to_owned();
        let code = answered
            .err()
            .code()
            .map_or_else(|| format!("HTTP {status}"), str::to_owned);
        let other_region = |actual: Option<&str>| S3Error::OtherRegion {
            bucket: self.place.bucket.clone(),
            used: connected.region(),
            actual: actual.map(ToOwned::to_owned),
        };
        let throttled = |message| {
            let error = S3Error::Throttled {
                action,
                attempts: 1,
                message,
            };
            failed(error, Retry::Patiently, false)
        };
        let region = actual_region.or_else(|| expected_region(&message));
        match (status, code.as_str()) {
            (304, _) => CallFailure::Declined(Declined::Unchanged),
            (412, _) | (409, "ConditionalRequestConflict" | "OperationAborted") => {
                CallFailure::Declined(Declined::PreconditionFailed)
            }
            (_, "NoSuchKey") => CallFailure::Declined(Declined::Absent),
            (_, "NoSuchBucket") => {
                let bucket = self.place.bucket.clone();
                failed(S3Error::NoBucket { bucket }, Retry::Never, false)
            }
            (301 | 307, _)
            | (
                _,
                "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException",
            ) => failed(other_region(region), Retry::Never, false),
            // S3 has this code for any other malformed header, too.
            (_, "AuthorizationHeaderMalformed")
                if region.is_some_and(|region| region != connected.region()) =>
            {
                failed(other_region(region), Retry::Never, false)
            }
            (429, _) | (_, "SlowDown" | "RequestLimitExceeded") => throttled(message),
            // KMS throttles, too.
            (_, code) if code.contains("Throttling") => throttled(message),
            (_, code) if code.starts_with("KMS.") => failed(
                S3Error::Key {
                    code: code.to_owned(),
                    message,
                },
                Retry::Never,
                false,
            ),
            (_, "AccessDenied" | "AllAccessDisabled") | (403, "HTTP 403") => {
                let error = if is_about_a_key(&message) {
                    S3Error::Key { code, message }
                } else {
                    S3Error::Denied { action, message }
                };
                failed(error, Retry::Never, false)
            }
            (_, "RequestTimeTooSkewed") => failed(S3Error::Clock(message), Retry::Never, false),
            (
                _,
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "InvalidToken"
                | "TokenRefreshRequired",
            ) => failed(
                S3Error::InvalidCredentials { code, message },
                Retry::Never,
                false,
            ),
            (_, "NotImplemented") => {
                let error = match action {
                    "s3:PutObject" => self.no_conditions(connected, "If-Match and If-None-Match"),
                    _ => service(action, code, message, error.request_id()),
                };
                failed(error, Retry::Never, false)
            }
            (500.., _) | (_, "RequestTimeout") => failed(
                service(action, code, message, error.request_id()),
                Retry::Patiently,
                true,
            ),
            _ => failed(
                service(action, code, message, error.request_id()),
                Retry::Never,
                false,
            ),
        }
    }

    pub(super) fn no_conditions(&self, connected: &Connected, condition: &'static str) -> S3Error {
        S3Error::NoConditions {
            endpoint: connected.endpoint.get(),
            condition,
        }
    }
}

fn service(
    action: &'static str,
    code: String,
    message: String,
    request_id: Option<&str>,
) -> S3Error {
    S3Error::Service {
        action,
        code,
        message,
        request_id: request_id.map(ToOwned::to_owned),
    }
}

pub(super) fn no_answer(action: &'static str, message: &str) -> S3Error {
    service(action, NO_VALID_ANSWER.to_owned(), message.to_owned(), None)
}

/// Whether access to a KMS key is denied: S3 has the same code for that and for access to an object.
fn is_about_a_key(message: &str) -> bool {
    ["kms:", "KMS key", "customer master key"]
        .iter()
        .any(|words| message.contains(words))
}

/// The Region in `the region 'us-east-1' is wrong; expecting 'eu-west-1'`.
fn expected_region(message: &str) -> Option<&str> {
    message.split("expecting '").nth(1)?.split('\'').next()
}

/// An error and its causes, the innermost last.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// The failure of a credentials provider somewhere below an SDK error.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    causes(error)
        .skip(1)
        .find_map(|cause| cause.downcast_ref::<CredentialsError>())
}

/// The two innermost causes. The outer ones only show how the SDK is built.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    match causes.as_slice() {
        [.., above, last] if !above.contains(last.as_str()) => format!("{above}: {last}"),
        [.., last] => last.clone(),
        [] => String::new(),
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
