//! Identical readings are made once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio_util::sync::CancellationToken;

use super::credentials::{Session, Settings};
use super::discovery::{DiscoveryError, Options};
use crate::model::snapshot::Snapshot;

type Outcome = Result<Arc<Snapshot>, DiscoveryError>;
type Running = Shared<BoxFuture<'static, Outcome>>;

/// Reads AWS organizations, and each with the same settings and options only once in its lifetime.
///
/// Callers that come while a reading is under way share it, and its error; an error is not kept for later callers.
#[derive(Clone, Default)]
pub struct Reader {
    readings: Arc<Mutex<HashMap<(Settings, Options), State>>>,
}

enum State {
    /// Ends when nobody waits for it any more.
    Running(WeakShared<BoxFuture<'static, Outcome>>),
    Read(Arc<Snapshot>),
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

    /// The snapshot that `settings` and `options` give: read now, or read before.
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

    /// The snapshot if it was read, else the reading that is under way or begins now.
    fn join(&self, settings: &Settings, options: &Options) -> Result<Arc<Snapshot>, Running> {
        let key = (settings.clone(), options.clone());
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        match readings.get(&key) {
            Some(State::Read(snapshot)) => return Ok(Arc::clone(snapshot)),
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
                Ok(snapshot) => {
                    readings.insert(key, State::Read(Arc::clone(snapshot)));
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

async fn read(settings: &Settings, options: &Options) -> Result<Snapshot, DiscoveryError> {
    let started = tokio::time::Instant::now();
    let session = Session::open(settings, options.timeout).await?;
    let left = Options {
        timeout: options.timeout.saturating_sub(started.elapsed()),
        ..options.clone()
    };
    // Who waits is cancelled; a reading that nobody waits for is dropped.
    session.discover(&left, &CancellationToken::new()).await
}
