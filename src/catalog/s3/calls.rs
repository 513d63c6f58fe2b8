//! One call to S3: its attempts, and what its failure means.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::errors::{NO_VALID_ANSWER, Problem, S3Error};
use super::{NotConnected, S3};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// An endpoint that cannot be reached is a wrong name more often than a lost packet.
const UNREACHABLE_RETRIES: u32 = 3;
/// S3 names the bucket's region in it, whatever it refuses.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// What must hold for a write to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// The object has this ETag.
    Match(String),
    /// There is no such object.
    Absent,
}

/// What a read found.
#[derive(Debug)]
pub(super) enum Get {
    Absent,
    Unchanged,
    Found { bytes: Vec<u8>, etag: String },
}

/// How a conditional write ended.
#[derive(Debug)]
pub(super) enum Put {
    /// The object has this ETag now.
    Made(String),
    /// The condition was not met (any more).
    NotMet,
}

/// The client, and the endpoint that its calls went to.
#[derive(Debug)]
pub(super) struct Connected {
    client: Client,
    endpoint: Arc<SeenEndpoint>,
}

impl Connected {
    fn region(&self) -> String {
        let region = self.client.config().region();
        region.map_or_else(|| "none".to_owned(), ToString::to_string)
    }
}

/// How an attempt failed.
enum Missed {
    /// 304
    Unchanged,
    /// There is no such object.
    Absent,
    /// 412, and 409 of two writes at the same time.
    NotMet,
    Failed {
        error: S3Error,
        again: Again,
        may_be_made: bool,
    },
}

/// Whether to try again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Never,
    AFewTimes,
    Patiently,
}

impl S3 {
    pub(super) async fn connected(&self) -> Result<&Connected, Problem> {
        let connected = self.connected.get_or_try_init(|| async {
            let client = self.connect.connect().await?;
            let endpoint = Arc::new(SeenEndpoint::default());
            let config = client.config().to_builder();
            let config = config.interceptor(NoteEndpoint(Arc::clone(&endpoint)));
            Ok::<_, NotConnected>(Connected {
                client: Client::from_conf(config.build()),
                endpoint,
            })
        });
        Ok(connected.await?)
    }

    /// Reads an object; with `known`, only if it has another ETag.
    pub(super) async fn get(&self, path: &str, known: Option<&str>) -> Result<Get, Problem> {
        const ACTION: &str = "s3:GetObject";
        let connected = self.connected().await?;
        let got = self.attempts(ACTION, || async {
            let request = connected.client.get_object();
            let request = request.bucket(&self.place.bucket).key(self.key(path));
            let request = request.set_if_none_match(known.map(ToOwned::to_owned));
            let answer = request.send().await;
            let answer = answer.map_err(|error| self.missed(connected, ACTION, &error))?;
            let etag = etag(answer.e_tag, ACTION)?;
            let bytes = answer.body.collect().await;
            let bytes = bytes.map_err(|error| Missed::Failed {
                error: S3Error::Unreachable {
                    endpoint: connected.endpoint.get(),
                    message: innermost(&error),
                },
                again: Again::AFewTimes,
                may_be_made: false,
            })?;
            Ok((bytes.to_vec(), etag))
        });
        match got.await? {
            Ok((bytes, etag)) => Ok(Get::Found { bytes, etag }),
            Err(NotDone::Unchanged) => Ok(Get::Unchanged),
            Err(NotDone::Absent | NotDone::NotMet) => Ok(Get::Absent),
        }
    }

    /// Writes an object while `condition` is met.
    pub(super) async fn put(
        &self,
        path: &str,
        bytes: &[u8],
        condition: &Condition,
    ) -> Result<Put, Problem> {
        const ACTION: &str = "s3:PutObject";
        let connected = self.connected().await?;
        let kms = self.place.kms_key_id.as_ref();
        let content_type = match path.ends_with(".json") {
            true => "application/json",
            false => "text/plain; charset=utf-8",
        };
        let put = self.attempts(ACTION, || async {
            let request = connected.client.put_object();
            let request = request.bucket(&self.place.bucket).key(self.key(path));
            let request = match condition {
                Condition::Match(etag) => request.if_match(etag),
                Condition::Absent => request.if_none_match("*"),
            };
            let answer = request
                .body(ByteStream::from(bytes.to_vec()))
                .content_type(content_type)
                .set_server_side_encryption(kms.map(|_| ServerSideEncryption::AwsKms))
                .set_ssekms_key_id(kms.cloned())
                .send()
                .await;
            let answer = answer.map_err(|error| self.missed(connected, ACTION, &error))?;
            etag(answer.e_tag, ACTION)
        });
        match put.await? {
            Ok(etag) => Ok(Put::Made(etag)),
            Err(NotDone::Absent | NotDone::NotMet | NotDone::Unchanged) => Ok(Put::NotMet),
        }
    }

    /// Deletes an object, with `expected` while it has this ETag; false if it had not. One that is gone is deleted.
    pub(super) async fn delete(&self, path: &str, expected: Option<&str>) -> Result<bool, Problem> {
        const ACTION: &str = "s3:DeleteObject";
        let connected = self.connected().await?;
        let deleted = self.attempts(ACTION, || async {
            let request = connected.client.delete_object();
            let request = request.bucket(&self.place.bucket).key(self.key(path));
            let request = request.set_if_match(expected.map(ToOwned::to_owned));
            let answer = request.send().await;
            answer.map_err(|error| self.missed(connected, ACTION, &error))
        });
        match deleted.await? {
            Ok(_) | Err(NotDone::Absent) => Ok(true),
            Err(NotDone::NotMet | NotDone::Unchanged) => Ok(false),
        }
    }

    /// The paths of all objects below a path.
    pub(super) async fn list(&self, below: &str) -> Result<Vec<String>, Problem> {
        const ACTION: &str = "s3:ListBucket";
        let connected = self.connected().await?;
        let mut paths = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self.attempts(ACTION, || async {
                let request = connected.client.list_objects_v2();
                let request = request.bucket(&self.place.bucket).prefix(self.key(below));
                let request = request.set_continuation_token(next.clone());
                let answer = request.send().await;
                answer.map_err(|error| self.missed(connected, ACTION, &error))
            });
            let page = match page.await? {
                Ok(page) => page,
                Err(NotDone::Absent | NotDone::NotMet | NotDone::Unchanged) => {
                    return Err(no_answer(ACTION, "the answer is not one to a list").into());
                }
            };
            let objects = page.contents.unwrap_or_default().into_iter();
            paths.extend(objects.filter_map(|object| {
                let path = object.key?.strip_prefix(&self.tenant)?.to_owned();
                Some(path)
            }));
            match (page.is_truncated, page.next_continuation_token) {
                (Some(true), Some(token)) => next = Some(token),
                (Some(true), None) => {
                    return Err(
                        no_answer(ACTION, "the list goes on, and S3 does not say where").into(),
                    );
                }
                _ => return Ok(paths),
            }
        }
    }

    /// Makes a call, again while its failure may pass and retries are left.
    async fn attempts<T, F>(
        &self,
        action: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<Result<T, NotDone>, Problem>
    where
        F: Future<Output = Result<T, Missed>>,
    {
        let mut attempts = 0;
        let mut may_be_made = false;
        loop {
            let (error, again) = match attempt().await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(Missed::Unchanged) => return Ok(Err(NotDone::Unchanged)),
                Err(Missed::Absent) => return Ok(Err(NotDone::Absent)),
                Err(Missed::NotMet) => return Ok(Err(NotDone::NotMet)),
                Err(Missed::Failed {
                    error,
                    again,
                    may_be_made: made,
                }) => {
                    may_be_made |= made;
                    (error, again)
                }
            };
            attempts += 1;
            let retries = match again {
                Again::Never => 0,
                Again::AFewTimes => self.place.max_retries.min(UNREACHABLE_RETRIES),
                Again::Patiently => self.place.max_retries,
            };
            if attempts > retries {
                let error = match error {
                    S3Error::Throttled {
                        action, message, ..
                    } => S3Error::Throttled {
                        action,
                        attempts,
                        message,
                    },
                    error => error,
                };
                return Err(Problem {
                    may_be_made,
                    ..error.into()
                });
            }
            tracing::debug!(action, attempts, %error, "calling S3 again");
            tokio::time::sleep(backoff(attempts)).await;
        }
    }

    fn missed<E>(
        &self,
        connected: &Connected,
        action: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Missed
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let failed = |error, again, may_be_made| Missed::Failed {
            error,
            again,
            may_be_made,
        };
        let unreachable = || S3Error::Unreachable {
            endpoint: connected.endpoint.get(),
            message: innermost(error),
        };
        match error {
            SdkError::ServiceError(_) => {}
            _ if let Some(cause) = credentials_error(error) => {
                return failed(S3Error::NoCredentials(chain(cause)), Again::Never, false);
            }
            SdkError::ConstructionFailure(_) => {
                return failed(no_answer(action, &chain(error)), Again::Never, false);
            }
            SdkError::ResponseError(answer) => {
                let again = match answer.raw().status().as_u16() {
                    429 | 500.. => Again::Patiently,
                    _ => Again::Never,
                };
                return failed(no_answer(action, &chain(error)), again, true);
            }
            _ => return failed(unreachable(), Again::AFewTimes, true),
        }
        let SdkError::ServiceError(answered) = error else {
            return failed(unreachable(), Again::AFewTimes, true);
        };
        let status = answered.raw().status().as_u16();
        let actual_region = answered.raw().headers().get(REGION_HEADER);
        let message = answered.err().message();
        let message = message.unwrap_or("S3 gave no reason").to_owned();
        let code = answered.err().code();
        let code = code.map_or_else(|| format!("HTTP {status}"), str::to_owned);
        let other_region = |actual: Option<&str>| S3Error::OtherRegion {
            bucket: self.place.bucket.clone(),
            used: connected.region(),
            actual: actual.map(ToOwned::to_owned),
        };
        match (status, code.as_str()) {
            (304, _) => Missed::Unchanged,
            (412, _) | (409, "ConditionalRequestConflict" | "OperationAborted") => Missed::NotMet,
            (_, "NoSuchKey") => Missed::Absent,
            (_, "NoSuchBucket") => {
                let bucket = self.place.bucket.clone();
                failed(S3Error::NoBucket { bucket }, Again::Never, false)
            }
            (301 | 307, _)
            | (
                _,
                "PermanentRedirect"
                | "TemporaryRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
            ) => {
                let actual = actual_region.or_else(|| expected_region(&message));
                failed(other_region(actual), Again::Never, false)
            }
            (_, code) if code.starts_with("KMS.") => failed(
                S3Error::Key {
                    code: code.to_owned(),
                    message,
                },
                Again::Never,
                false,
            ),
            (_, "AccessDenied" | "AllAccessDisabled") | (403, "HTTP 403") => {
                let error = match message.contains("kms:") {
                    true => S3Error::Key { code, message },
                    false => S3Error::Denied { action, message },
                };
                failed(error, Again::Never, false)
            }
            (_, "RequestTimeTooSkewed") => failed(S3Error::Clock(message), Again::Never, false),
            (
                _,
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "InvalidToken"
                | "TokenRefreshRequired",
            ) => failed(
                S3Error::InvalidCredentials { code, message },
                Again::Never,
                false,
            ),
            (_, "NotImplemented") => {
                let error = match action {
                    "s3:PutObject" => self.no_conditions(connected, "If-Match and If-None-Match"),
                    _ => service(action, code, message, error.request_id()),
                };
                failed(error, Again::Never, false)
            }
            (429, _)
            | (_, "SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded") => {
                failed(
                    S3Error::Throttled {
                        action,
                        attempts: 1,
                        message,
                    },
                    Again::Patiently,
                    false,
                )
            }
            (500.., _) | (_, "RequestTimeout") => failed(
                service(action, code, message, error.request_id()),
                Again::Patiently,
                true,
            ),
            _ => failed(
                service(action, code, message, error.request_id()),
                Again::Never,
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

/// Answers that are no failures, but not what was hoped for.
enum NotDone {
    Unchanged,
    Absent,
    NotMet,
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

fn no_answer(action: &'static str, message: &str) -> S3Error {
    service(action, NO_VALID_ANSWER.to_owned(), message.to_owned(), None)
}

fn etag(etag: Option<String>, action: &'static str) -> Result<String, Missed> {
    etag.filter(|etag| !etag.is_empty())
        .ok_or_else(|| Missed::Failed {
            error: no_answer(action, "the answer has no ETag"),
            again: Again::Never,
            may_be_made: true,
        })
}

/// The region in `the region 'us-east-1' is wrong; expecting 'eu-west-1'`.
fn expected_region(message: &str) -> Option<&str> {
    message.split("expecting '").nth(1)?.split('\'').next()
}

/// Exponential with jitter: between half and all of the doubled time.
fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(10);
    let full = FIRST_BACKOFF.saturating_mul(1 << doublings);
    let full = full.min(LONGEST_BACKOFF);
    full.mul_f64(rand::random_range(0.5..=1.0))
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

/// The two innermost causes: what is around them is how the SDK is built.
fn innermost(error: &(dyn Error + 'static)) -> String {
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

/// Notes where calls go, so that an error can name it: only the SDK knows what environment and profile make of it.
#[derive(Debug, Default)]
pub(super) struct SeenEndpoint(Mutex<Option<String>>);

impl SeenEndpoint {
    fn get(&self) -> String {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
            .unwrap_or_else(|| "the endpoint of S3".to_owned())
    }
}

#[derive(Debug)]
struct NoteEndpoint(Arc<SeenEndpoint>);

impl Intercept for NoteEndpoint {
    fn name(&self) -> &'static str {
        "NoteEndpoint"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let parts: Vec<&str> = context.request().uri().splitn(4, '/').take(3).collect();
        let mut seen = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some(parts.join("/"));
        Ok(())
    }
}
