//! One call to AWS: its pace, its retries, and what its failure means.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_organizations::operation::RequestId;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;

/// Where an interval between calls starts when an action is first throttled.
const FIRST_INTERVAL: Duration = Duration::from_millis(50);
/// The slowest pace. AWS Organizations refills about one call per second for the tightest actions.
const LONGEST_INTERVAL: Duration = Duration::from_secs(2);
/// Below this, an interval is nothing.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(2);
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// An endpoint that cannot be reached is a wrong name more often than a lost packet: few tries, so that the error comes soon.
const UNREACHABLE_RETRIES: u32 = 3;

/// Code of a failure in which the service said nothing that could be read.
pub(super) const NO_VALID_ANSWER: &str = "no valid answer";

/// Why a call failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Throttled every time.
    Throttled { attempts: u32, message: String },
    /// IAM, or the service itself, refuses.
    Denied {
        message: String,
        request_id: Option<String>,
    },
    /// The caller's account is in no AWS organization.
    NotInUse,
    /// The OU or account does not exist, or no longer.
    Gone,
    /// The key or token is unknown, wrong or expired.
    InvalidCredentials {
        code: String,
        message: String,
        request_id: Option<String>,
    },
    /// Credentials had to be refreshed and could not be.
    CredentialsUnavailable { message: String },
    /// No answer from the endpoint.
    Unreachable { message: String },
    /// Its [`TimeBudget`] was used up while it was under way.
    TimedOut { after: Duration },
    /// Anything else.
    Service {
        code: String,
        message: String,
        request_id: Option<String>,
    },
}

/// How long a series of calls may take, including failed attempts and the pauses after those. Time spent waiting for the
/// pacer, also after throttling, does not count.
#[derive(Debug)]
pub(super) struct TimeBudget {
    whole: Duration,
    left: Duration,
}

impl TimeBudget {
    pub(super) fn of(whole: Duration) -> Self {
        Self { whole, left: whole }
    }

    pub(super) fn unlimited() -> Self {
        Self::of(Duration::MAX)
    }
}

enum Sort {
    Throttled(String),
    Transient,
    Unreachable,
    Final,
}

/// Paces and retries the calls of one session.
///
/// Every action has a pace of its own, because AWS limits them one by one: no interval until the service throttles,
/// then an interval that grows with each throttling and shrinks with each success.
#[derive(Debug)]
pub(super) struct Pacer {
    max_retries: u32,
    paces: Mutex<HashMap<&'static str, Pace>>,
    throttled: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    interval: Duration,
    next: Instant,
    slowed_at: Instant,
}

impl Pacer {
    pub(super) fn new(max_retries: u32) -> Self {
        Self {
            max_retries,
            paces: Mutex::default(),
            throttled: AtomicU64::new(0),
        }
    }

    /// How often the service throttled so far.
    pub(super) fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Makes a call, again while its failure may pass and retries are left.
    pub(super) async fn call<T, E, F>(
        &self,
        action: &'static str,
        attempt: impl FnMut() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.call_within(action, &mut TimeBudget::unlimited(), attempt)
            .await
    }

    /// Like [`Pacer::call`], for as long as the budget lasts. The next call gets the rest of the budget.
    pub(super) async fn call_within<T, E, F>(
        &self,
        action: &'static str,
        budget: &mut TimeBudget,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let mut attempts = 0;
        // Why the attempt before failed says more than that there was no time for another.
        let mut before = None;
        loop {
            let slot = self.slot(action, Instant::now());
            tokio::time::sleep_until(slot).await;
            let started = Instant::now();
            let outcome = tokio::time::timeout(budget.left, attempt()).await;
            budget.left = budget.left.saturating_sub(started.elapsed());
            let error = match outcome {
                Ok(Ok(answer)) => {
                    self.speed_up(action);
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    let after = budget.whole;
                    return Err(before.unwrap_or(Failure::TimedOut { after }));
                }
            };
            attempts += 1;
            let pause = backoff(attempts);
            let retries = match sort(&error) {
                Sort::Throttled(message) => {
                    self.slow_down(action, started, Instant::now());
                    if attempts > self.max_retries {
                        return Err(Failure::Throttled { attempts, message });
                    }
                    tracing::debug!(action, attempts, "throttled");
                    tokio::time::sleep(pause).await;
                    continue;
                }
                Sort::Transient => self.max_retries,
                Sort::Unreachable => self.max_retries.min(UNREACHABLE_RETRIES),
                Sort::Final => 0,
            };
            if attempts > retries || pause >= budget.left {
                return Err(failure(&error));
            }
            budget.left -= pause;
            before = Some(failure(&error));
            tokio::time::sleep(pause).await;
        }
    }

    /// When the next call of an action may be made.
    fn slot(&self, action: &'static str, now: Instant) -> Instant {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        match paces.get_mut(action) {
            Some(pace) => {
                let slot = pace.next.max(now);
                pace.next = slot + pace.interval;
                slot
            }
            None => now,
        }
    }

    fn speed_up(&self, action: &'static str) {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pace) = paces.get_mut(action) {
            pace.interval = pace.interval.mul_f64(0.95);
            if pace.interval < SHORTEST_INTERVAL {
                paces.remove(action);
            }
        }
    }

    /// Notes that a call that was made at `started` was throttled.
    fn slow_down(&self, action: &'static str, started: Instant, now: Instant) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(action).or_insert(Pace {
            interval: Duration::ZERO,
            next: now,
            slowed_at: started,
        });
        // Calls that were under way when the pace last changed say nothing about the new pace.
        if started < pace.slowed_at {
            return;
        }
        pace.interval = pace
            .interval
            .mul_f64(1.5)
            .clamp(FIRST_INTERVAL, LONGEST_INTERVAL);
        pace.slowed_at = now;
        pace.next = pace.next.max(now + pace.interval);
    }
}

/// Reads a list page by page. `page` gets the token of a page, and returns its elements and the token of the next one. An
/// empty page with a token is not the end.
pub(super) async fn pages<T, E, F>(mut page: impl FnMut(Option<String>) -> F) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<(Option<Vec<T>>, Option<String>), E>>,
{
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let (items, next) = page(token).await?;
        all.extend(items.unwrap_or_default());
        if next.is_none() {
            return Ok(all);
        }
        token = next;
    }
}

/// Exponential with jitter: between half and all of the doubled time.
fn backoff(attempts: u32) -> Duration {
    full_backoff(attempts).mul_f64(rand::random_range(0.5..=1.0))
}

fn full_backoff(attempts: u32) -> Duration {
    FIRST_BACKOFF
        .saturating_mul(1 << attempts.saturating_sub(1).min(10))
        .min(LONGEST_BACKOFF)
}

fn sort<E>(error: &SdkError<E, HttpResponse>) -> Sort
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(answered) => {
            let status = answered.raw().status().as_u16();
            let text = || {
                answered
                    .err()
                    .message()
                    .unwrap_or("the service gave no reason")
                    .to_owned()
            };
            match answered.err().code() {
                Some(
                    "TooManyRequestsException"
                    | "Throttling"
                    | "ThrottlingException"
                    | "ThrottledException"
                    | "RequestLimitExceeded"
                    | "RequestThrottled"
                    | "SlowDown"
                    | "BandwidthLimitExceeded",
                ) => Sort::Throttled(text()),
                // Another change to the organization is under way; it passes as throttling does.
                Some("ConcurrentModificationException") => Sort::Throttled(text()),
                _ if status == 429 => Sort::Throttled(text()),
                Some("RequestTimeout" | "RequestTimeoutException") => Sort::Transient,
                _ if status >= 500 => Sort::Transient,
                _ => Sort::Final,
            }
        }
        SdkError::ResponseError(answer) => match answer.raw().status().as_u16() {
            429 => Sort::Throttled("the service answered 429".to_owned()),
            500.. => Sort::Transient,
            // Not an AWS response: something else is listening on that endpoint.
            _ => Sort::Unreachable,
        },
        SdkError::TimeoutError(_) => Sort::Unreachable,
        SdkError::DispatchFailure(_) if credentials_error(error).is_some() => Sort::Final,
        SdkError::DispatchFailure(_) => Sort::Unreachable,
        _ => Sort::Final,
    }
}

/// What a failure means, when it is not to be retried any more.
pub(super) fn failure<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let request_id = error.request_id().map(str::to_owned);
    let SdkError::ServiceError(answered) = error else {
        if let Some(cause) = credentials_error(error) {
            return Failure::CredentialsUnavailable {
                message: chain(cause),
            };
        }
        return match error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Failure::Unreachable {
                message: innermost(error),
            },
            _ => Failure::Service {
                code: NO_VALID_ANSWER.to_owned(),
                message: chain(error),
                request_id,
            },
        };
    };
    let metadata = answered.err();
    let status = answered.raw().status().as_u16();
    let code = metadata
        .code()
        .map_or_else(|| format!("HTTP {status}"), str::to_owned);
    let message = metadata
        .message()
        .unwrap_or("the service gave no reason")
        .to_owned();
    match code.as_str() {
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "AccessDeniedForDependencyException" => Failure::Denied {
            message,
            request_id,
        },
        "AWSOrganizationsNotInUseException" => Failure::NotInUse,
        "ParentNotFoundException" | "ChildNotFoundException" | "TargetNotFoundException" => {
            Failure::Gone
        }
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "AuthFailure"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired" => Failure::InvalidCredentials {
            code,
            message,
            request_id,
        },
        _ => Failure::Service {
            code,
            message,
            request_id,
        },
    }
}

/// The failure of a credentials provider somewhere below an SDK error.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    let mut at = error.source();
    while let Some(cause) = at {
        if let Some(found) = cause.downcast_ref::<CredentialsError>() {
            return Some(found);
        }
        at = cause.source();
    }
    None
}

/// The two innermost causes. The outer ones only show how the SDK is built.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    let mut above = None;
    while let Some(cause) = at.source() {
        above = Some(at);
        at = cause;
    }
    match above.map(ToString::to_string) {
        Some(above) if !above.contains(&at.to_string()) => format!("{above}: {at}"),
        _ => at.to_string(),
    }
}

/// An error and its causes in one line, each said once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        at = cause.source();
    }
    text
}

/// Notes the endpoint of the calls that pass, so that an error can name it: only the SDK knows what the environment and
/// the profile make of it. Also their HTTP client: the SDK makes one for each of its clients, and shows it only here.
#[derive(Debug, Default)]
pub(super) struct SeenEndpoint {
    url: Mutex<Option<String>>,
    http_client: OnceLock<SharedHttpClient>,
}

impl SeenEndpoint {
    pub(super) fn get(&self) -> String {
        self.url
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_else(|| "an endpoint that could not be worked out".to_owned())
    }

    /// With its connections and what it knows of TLS, for others to use; none before the first call.
    pub(super) fn http_client(&self) -> Option<SharedHttpClient> {
        self.http_client.get().cloned()
    }
}

/// The interceptor that fills a [`SeenEndpoint`].
#[derive(Debug)]
pub(super) struct NoteEndpoint(pub(super) std::sync::Arc<SeenEndpoint>);

impl Intercept for NoteEndpoint {
    fn name(&self) -> &'static str {
        "NoteEndpoint"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_smithy_runtime_api::box_error::BoxError> {
        let uri = context.request().uri();
        let mut parts = uri.splitn(4, '/');
        let endpoint: Vec<&str> = parts.by_ref().take(3).collect();
        if let Some(http_client) = components.http_client() {
            self.0.http_client.get_or_init(|| http_client);
        }
        let mut seen = self.0.url.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some(endpoint.join("/"));
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
