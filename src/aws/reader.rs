//! Identical readings are made once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio_util::sync::CancellationToken;

use super::discovery::{DiscoveryError, Options};
use super::key_age::KeyAge;
use super::session::Session;
use super::settings::Settings;
use crate::model::snapshot::Snapshot;

/// The age of a key is a nicety of a reading; it must not hold it up.
const KEY_AGE_TIMEOUT: Duration = Duration::from_secs(10);

type Outcome = Result<Arc<Discovered>, DiscoveryError>;
type Running = Shared<BoxFuture<'static, Outcome>>;

/// A reading of an AWS organization, and the age of the access key that read it.
#[derive(Debug)]
pub struct Discovered {
    /// The AWS organization.
    pub snapshot: Snapshot,
    /// Age of the access key in use; none if it was not requested, if the key is not a long-lived one, or if IAM does not
    /// say.
    pub key_age: Option<KeyAge>,
}

/// Reads AWS organizations, and each with the same settings and options only once in its lifetime.
///
/// Callers that arrive during a reading share it, and its error. Later callers do not get the error.
#[derive(Clone, Default)]
pub struct Reader {
    readings: Arc<Mutex<HashMap<(Settings, Options), State>>>,
}

enum State {
    /// Dropped when no caller waits for it any more.
    Running(WeakShared<BoxFuture<'static, Outcome>>),
    Read(Arc<Discovered>),
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader that has read nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The reading with `settings` and `options`: made now, or before.
    ///
    /// # Errors
    /// As [`Session::open`] and [`Session::discover`]; [`DiscoveryError::Cancelled`] at once when `cancelled` is.
    pub async fn read(
        &self,
        settings: &Settings,
        options: &Options,
        cancelled: &CancellationToken,
    ) -> Outcome {
        let running = match self.join(settings, options) {
            Ok(read) => return Ok(read),
            Err(running) => running,
        };
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(DiscoveryError::Cancelled),
            outcome = running => outcome,
        }
    }

    /// An earlier reading, else the one that is under way or starts now.
    fn join(&self, settings: &Settings, options: &Options) -> Result<Arc<Discovered>, Running> {
        let key = (settings.clone(), options.clone());
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        match readings.get(&key) {
            Some(State::Read(reading)) => return Ok(Arc::clone(reading)),
            Some(State::Running(running)) => {
                if let Some(running) = running.upgrade() {
                    return Err(running);
                }
            }
            None => {}
        }
        let reader = self.clone();
        let work = async move {
            let (settings, options) = &key;
            let outcome = read(settings, options).await.map(Arc::new);
            let mut readings = reader
                .readings
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match &outcome {
                Ok(reading) => {
                    readings.insert(key, State::Read(Arc::clone(reading)));
                }
                Err(_) => {
                    readings.remove(&key);
                }
            }
            outcome
        };
        let running = work.boxed().shared();
        if let Some(waiting) = running.downgrade() {
            readings.insert((settings.clone(), options.clone()), State::Running(waiting));
        }
        Err(running)
    }
}

async fn read(settings: &Settings, options: &Options) -> Result<Discovered, DiscoveryError> {
    let started = tokio::time::Instant::now();
    let session = Session::open(settings, options.timeout).await?;
    let left = Options {
        timeout: options.timeout.saturating_sub(started.elapsed()),
        ..options.clone()
    };
    // Who waits is cancelled; a reading that nobody waits for is dropped.
    let never = CancellationToken::new();
    let key_age = async {
        Ok(if options.key_age {
            session.key_age(left.timeout.min(KEY_AGE_TIMEOUT)).await
        } else {
            None
        })
    };
    let (snapshot, key_age) = tokio::try_join!(session.discover(&left, &never), key_age)?;
    Ok(Discovered { snapshot, key_age })
}
