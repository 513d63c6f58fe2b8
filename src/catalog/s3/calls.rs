//! Calls to S3, with their retries.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, Object, ServerSideEncryption};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::call_failure::{CallFailure, Declined, Retry, innermost, no_answer};
use super::connected::{Connected, NoteEndpoint, SeenEndpoint};
use super::errors::{Problem, S3Error};
use super::{NotConnected, S3, token_of};
use crate::catalog::store::{Digest, Listed};

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// An unreachable endpoint is more often a wrong name than a lost packet.
const UNREACHABLE_RETRIES: u32 = 3;

/// The condition of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// The object has this ETag.
    Match(String),
    /// There is no such object.
    Absent,
}

/// Result of a read.
#[derive(Debug)]
pub(super) enum Get {
    Absent,
    Unchanged,
    Found { bytes: Vec<u8>, etag: String },
}

/// Result of a HEAD request.
#[derive(Debug)]
pub(super) enum Head {
    Absent,
    Found {
        etag: String,
        length: Option<u64>,
        /// The writer gave it to S3, which checked it; none: the object was written without.
        sha256: Option<String>,
    },
    /// S3 refused the request. Such an answer has no body that says why.
    Refused,
}

/// Result of a conditional write.
#[derive(Debug)]
pub(super) enum Put {
    /// The object has this ETag now.
    Made(String),
    /// The condition was not met, or no longer.
    PreconditionFailed,
}

impl S3 {
    pub(super) async fn connect(&self) -> Result<&Connected, Problem> {
        let connected = self.connected.get_or_try_init(|| async {
            let client = self.connect.connect().await?;
            let endpoint = Arc::new(SeenEndpoint::default());
            let config = client
                .config()
                .to_builder()
                .interceptor(NoteEndpoint(Arc::clone(&endpoint)));
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
        let connected = self.connect().await?;
        let got = self.retry(ACTION, || async {
            let request = connected
                .client
                .get_object()
                .bucket(&self.place.bucket)
                .key(self.key(path))
                .set_if_none_match(known.map(ToOwned::to_owned));
            let answer = request
                .send()
                .await
                .map_err(|error| self.classify(connected, ACTION, &error))?;
            let etag = etag(answer.e_tag, ACTION)?;
            let bytes = answer
                .body
                .collect()
                .await
                .map_err(|error| CallFailure::Failed {
                    error: S3Error::Unreachable {
                        endpoint: connected.endpoint.get(),
                        message: innermost(&error),
                    },
                    retry: Retry::AFewTimes,
                    maybe_applied: false,
                })?;
            Ok((bytes.to_vec(), etag))
        });
        match got.await? {
            Ok((bytes, etag)) => Ok(Get::Found { bytes, etag }),
            Err(Declined::Unchanged) => Ok(Get::Unchanged),
            Err(Declined::Absent | Declined::PreconditionFailed) => Ok(Get::Absent),
        }
    }

    /// Sends a HEAD request: looks at an object without reading it.
    pub(super) async fn head(&self, path: &str) -> Result<Head, Problem> {
        const ACTION: &str = "s3:GetObject";
        let connected = self.connect().await?;
        let found = self.retry(ACTION, || async {
            let request = connected
                .client
                .head_object()
                .bucket(&self.place.bucket)
                .key(self.key(path));
            let answer = match request.checksum_mode(ChecksumMode::Enabled).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    return match error.raw_response().map(|raw| raw.status().as_u16()) {
                        Some(404) => Ok(Head::Absent),
                        Some(429) => Err(self.classify(connected, ACTION, &error)),
                        Some(300..500) => Ok(Head::Refused),
                        _ => Err(self.classify(connected, ACTION, &error)),
                    };
                }
            };
            Ok(Head::Found {
                etag: etag(answer.e_tag, ACTION)?,
                length: answer
                    .content_length
                    .and_then(|length| length.try_into().ok()),
                sha256: answer.checksum_sha256,
            })
        });
        Ok(found.await?.unwrap_or(Head::Refused))
    }

    /// Writes an object while `condition` is met.
    pub(super) async fn put(
        &self,
        path: &str,
        bytes: &[u8],
        condition: &Condition,
    ) -> Result<Put, Problem> {
        const ACTION: &str = "s3:PutObject";
        let connected = self.connect().await?;
        let kms = self.place.kms_key_id.as_ref();
        let content_type = if path.ends_with(".json") {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        // S3 checks it while it writes, and keeps it: a later HEAD request identifies the content without reading it.
        let sha256 = STANDARD.encode(Digest::of(bytes).sha256);
        let put = self.retry(ACTION, || async {
            let request = connected
                .client
                .put_object()
                .bucket(&self.place.bucket)
                .key(self.key(path));
            let request = match condition {
                Condition::Match(etag) => request.if_match(etag),
                Condition::Absent => request.if_none_match("*"),
            };
            let answer = request
                .body(ByteStream::from(bytes.to_vec()))
                .content_type(content_type)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .checksum_sha256(&sha256)
                .set_server_side_encryption(kms.map(|_| ServerSideEncryption::AwsKms))
                .set_ssekms_key_id(kms.cloned())
                .send()
                .await
                .map_err(|error| self.classify(connected, ACTION, &error))?;
            etag(answer.e_tag, ACTION)
        });
        match put.await? {
            Ok(etag) => Ok(Put::Made(etag)),
            Err(Declined::Absent | Declined::PreconditionFailed | Declined::Unchanged) => {
                Ok(Put::PreconditionFailed)
            }
        }
    }

    /// Deletes an object while it has this ETag; false if it has another. A missing object counts as deleted.
    pub(super) async fn delete(&self, path: &str, expected: &str) -> Result<bool, Problem> {
        const ACTION: &str = "s3:DeleteObject";
        let connected = self.connect().await?;
        let deleted = self.retry(ACTION, || async {
            connected
                .client
                .delete_object()
                .bucket(&self.place.bucket)
                .key(self.key(path))
                .if_match(expected)
                .send()
                .await
                .map_err(|error| self.classify(connected, ACTION, &error))
        });
        match deleted.await? {
            Ok(_) | Err(Declined::Absent) => Ok(true),
            Err(Declined::PreconditionFailed | Declined::Unchanged) => Ok(false),
        }
    }

    /// Lists all objects below a path.
    pub(super) async fn list(&self, below: &str) -> Result<Vec<Listed>, Problem> {
        let objects = self.list_objects(below).await?.into_iter();
        let files = objects.filter_map(|object| {
            Some(Listed {
                path: object.key?.strip_prefix(&self.tenant)?.to_owned(),
                length: object.size.and_then(|size| size.try_into().ok()),
                token: object.e_tag.map(|etag| token_of(&etag)),
            })
        });
        Ok(files.collect())
    }

    /// Lists all objects whose path begins with `beginning`.
    pub(super) async fn list_objects(&self, beginning: &str) -> Result<Vec<Object>, Problem> {
        const ACTION: &str = "s3:ListBucket";
        let connected = self.connect().await?;
        let mut objects = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self.retry(ACTION, || async {
                connected
                    .client
                    .list_objects_v2()
                    .bucket(&self.place.bucket)
                    .prefix(self.key(beginning))
                    .set_continuation_token(next.clone())
                    .send()
                    .await
                    .map_err(|error| self.classify(connected, ACTION, &error))
            });
            let page = match page.await? {
                Ok(page) => page,
                Err(Declined::Absent | Declined::PreconditionFailed | Declined::Unchanged) => {
                    return Err(no_answer(ACTION, "the answer is not one to a list").into());
                }
            };
            objects.extend(page.contents.unwrap_or_default());
            match (page.is_truncated, page.next_continuation_token) {
                (Some(true), Some(token)) => next = Some(token),
                (Some(true), None) => {
                    return Err(
                        no_answer(ACTION, "the list goes on, and S3 does not say where").into(),
                    );
                }
                _ => return Ok(objects),
            }
        }
    }

    /// Makes a call, and retries it while its failure may pass and retries are left.
    async fn retry<T, F>(
        &self,
        action: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<Result<T, Declined>, Problem>
    where
        F: Future<Output = Result<T, CallFailure>>,
    {
        let mut attempts = 0;
        let mut maybe_applied = false;
        loop {
            let (error, retry) = match attempt().await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(CallFailure::Declined(declined)) => return Ok(Err(declined)),
                Err(CallFailure::Failed {
                    error,
                    retry,
                    maybe_applied: made,
                }) => {
                    maybe_applied |= made;
                    (error, retry)
                }
            };
            attempts += 1;
            let retries = match retry {
                Retry::Never => 0,
                Retry::AFewTimes => self.place.max_retries.min(UNREACHABLE_RETRIES),
                Retry::Patiently => self.place.max_retries,
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
                    maybe_applied,
                    ..error.into()
                });
            }
            tracing::debug!(action, attempts, %error, "calling S3 again");
            tokio::time::sleep(backoff(attempts)).await;
        }
    }
}

fn etag(etag: Option<String>, action: &'static str) -> Result<String, CallFailure> {
    etag.filter(|etag| !etag.is_empty())
        .ok_or_else(|| CallFailure::Failed {
            error: no_answer(action, "the answer has no ETag"),
            retry: Retry::Never,
            maybe_applied: true,
        })
}

/// Exponential with jitter: between half and all of the doubled time.
fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(10);
    FIRST_BACKOFF
        .saturating_mul(1 << doublings)
        .min(LONGEST_BACKOFF)
        .mul_f64(rand::random_range(0.5..=1.0))
}
