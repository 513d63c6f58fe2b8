//! The queue of changes, and the one writer that commits them in batches.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{BatchNotices, CommitError, Committed, Document, Inner, Outcome, Who, lock};

/// Shortest tick. The writer looks once per tick whether more changes have arrived, because the resources of one run come
/// in bursts. A tick is as long as the last commit took: slower commits make larger batches worth the wait.
const SHORTEST_TICK: Duration = Duration::from_millis(5);

/// Longest tick.
const LONGEST_TICK: Duration = Duration::from_millis(200);

/// The writer collects a batch for at most this long, even if more changes arrive or are
/// [expected](super::Catalog::expect_commit).
pub(super) const BATCH_WINDOW: Duration = Duration::from_millis(500);

/// A commit that is expected, see [`super::Catalog::expect_commit`].
#[derive(Debug)]
pub struct Expected(Arc<Inner>);

impl Expected {
    pub(super) fn new(inner: &Arc<Inner>) -> Self {
        lock(&inner.queue).expected += 1;
        Self(Arc::clone(inner))
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        lock(&self.0.queue).expected -= 1;
    }
}

/// Changes that wait for the writer.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Box<dyn Job>>,
    expected: usize,
    has_writer: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.waiting.len())
            .field("expected", &self.expected)
            .field("has_writer", &self.has_writer)
            .finish()
    }
}

/// A change of any type.
pub(super) trait Job: Send {
    fn who(&self) -> &Who;
    /// Cancelled when the caller must stop.
    fn stop(&self) -> &CancellationToken;
    /// Whether the caller gave up waiting.
    fn is_abandoned(&self) -> bool;
    /// Applies the change; false if the change failed. Then the document may be half changed.
    fn apply(&mut self, document: &mut Document) -> bool;
    /// Whether its last application succeeded.
    fn is_applied(&self) -> bool;
    /// Sends the outcome to the caller, with `notices` if the change was committed.
    fn finish(self: Box<Self>, outcome: &Outcome, notices: BatchNotices);
}

/// A change whose caller waits for the outcome.
pub(super) struct Waiting<T, E, F> {
    pub(super) who: Who,
    pub(super) stop: CancellationToken,
    pub(super) change: F,
    /// Result of the last application; none: there was none, or it panicked.
    pub(super) result: Option<Result<T, E>>,
    pub(super) reply: oneshot::Sender<Result<Committed<T>, CommitError<E>>>,
}

impl<T, E, F> Job for Waiting<T, E, F>
where
    F: Fn(&mut Document) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn who(&self) -> &Who {
        &self.who
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn apply(&mut self, document: &mut Document) -> bool {
        // One caller's bug must not take the other callers' changes with it.
        self.result = catch_unwind(AssertUnwindSafe(|| (self.change)(document))).ok();
        self.is_applied()
    }

    fn is_applied(&self) -> bool {
        matches!(self.result, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, outcome: &Outcome, notices: BatchNotices) {
        let reply = match outcome {
            Outcome::Committed {
                document, written, ..
            } => match self.result {
                Some(Ok(value)) => Ok(Committed {
                    value,
                    document: Arc::clone(document),
                    written: *written,
                    notices: notices.handles,
                    warnings: notices.publications,
                }),
                Some(Err(conflict)) => Err(CommitError::Conflict(conflict)),
                None => Err(CommitError::Panicked),
            },
            Outcome::NotRead(error) => Err(CommitError::Read(Arc::clone(error))),
            Outcome::NotWritten(error) => Err(CommitError::Write(Arc::clone(error))),
            Outcome::Stopped => Err(CommitError::Stopped),
        };
        // Ignore a closed receiver: the caller gave up.
        let _ = self.reply.send(reply);
    }
}

/// The one writer of a catalog. If it is dropped before it is done, because the runtime shuts down, it makes room for
/// another writer and ends the waiting of all callers.
struct Writer {
    inner: Arc<Inner>,
    is_done: bool,
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let left = {
            let mut queue = lock(&self.inner.queue);
            queue.has_writer = false;
            std::mem::take(&mut queue.waiting)
        };
        drop(left);
    }
}

/// Puts a change in the queue, and starts a writer if there is none.
pub(super) fn enqueue(inner: &Arc<Inner>, job: Box<dyn Job>) {
    let start_writer = {
        let mut queue = lock(&inner.queue);
        queue.waiting.push_back(job);
        !std::mem::replace(&mut queue.has_writer, true)
    };
    if start_writer {
        tokio::spawn(write(Writer {
            inner: Arc::clone(inner),
            is_done: false,
        }));
    }
}

async fn write(mut writer: Writer) {
    let inner = Arc::clone(&writer.inner);
    loop {
        collect(&inner).await;
        let batch = {
            let mut queue = lock(&inner.queue);
            let batch = take_batch(&mut queue.waiting);
            if batch.is_empty() {
                // Under the lock, so that the next change starts a writer.
                queue.has_writer = false;
                writer.is_done = true;
                return;
            }
            batch
        };
        let started = Instant::now();
        inner.commit_batch(batch).await;
        *lock(&inner.last_commit_duration) = started.elapsed();
    }
}

/// Waits for more changes to batch, until none has arrived for one tick and none is expected.
async fn collect(inner: &Inner) {
    let tick = lock(&inner.last_commit_duration).clamp(SHORTEST_TICK, LONGEST_TICK);
    let until = Instant::now() + inner.batch_window;
    let mut arrived = lock(&inner.queue).waiting.len();
    loop {
        tokio::time::sleep(tick).await;
        let (waiting, expected) = {
            let queue = lock(&inner.queue);
            (queue.waiting.len(), queue.expected)
        };
        let is_quiet = expected == 0 && waiting == arrived;
        if is_quiet || Instant::now() >= until {
            return;
        }
        arrived = waiting;
    }
}

/// Takes all changes with the author of the first: an entry of the history has one author.
fn take_batch(waiting: &mut VecDeque<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let Some(who) = waiting.front().map(|job| job.who().clone()) else {
        return Vec::new();
    };
    let (batch, others): (Vec<_>, Vec<_>) = std::mem::take(waiting)
        .into_iter()
        .partition(|job| *job.who() == who);
    *waiting = others.into();
    batch
}

/// Drops the changes whose callers gave up, and finishes those whose callers must stop. Returns the others.
pub(super) fn drop_stopped(batch: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let (stopped, left): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .filter(|job| !job.is_abandoned())
        .partition(|job| job.stop().is_cancelled());
    for job in stopped {
        job.finish(&Outcome::Stopped, BatchNotices::default());
    }
    left
}

/// Waits until one of the callers of a batch, which is not empty, must stop.
pub(super) fn wait_for_stop(batch: &[Box<dyn Job>]) -> impl Future<Output = ()> + Send + use<> {
    let stops: Vec<_> = batch
        .iter()
        .map(|job| Box::pin(job.stop().clone().cancelled_owned()))
        .collect();
    async move {
        select_all(stops).await;
    }
}

/// Applies all changes of a batch that do not fail to a copy of the document.
pub(super) fn apply(batch: &mut [Box<dyn Job>], base: &Document) -> Document {
    let mut next = base.clone();
    if batch.iter_mut().all(|job| job.apply(&mut next)) {
        return next;
    }
    // A failed change may have changed half of something, so from here on each gets a copy. Copying thousands of objects
    // takes time, so it is only done after a failure.
    next = base.clone();
    for job in batch {
        let before = next.clone();
        if !job.apply(&mut next) {
            next = before;
        }
    }
    next
}
