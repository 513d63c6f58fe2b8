//! Changes that wait to be committed, and the one writer that commits them together.

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

use super::{CommitError, Committed, Document, Inner, Outcome, Told, Who, lock};

/// How long the writer waits for company before it writes, at least: the resources of one run come in bursts. It waits
/// for as long as the last commit took, where that is longer: who waits half of the time anyway gets company for the other.
const GATHER: Duration = Duration::from_millis(5);

/// Longest of such moments.
const LONGEST_GATHER: Duration = Duration::from_millis(200);

/// After that long the writer waits no more, whoever comes or is [expected](super::Catalog::expect_commit).
pub(super) const LINGER: Duration = Duration::from_millis(500);

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
    /// Cancelled once its caller is to stop.
    fn stop(&self) -> &CancellationToken;
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    /// Applies the change; false if it refused, and then the document may be half changed.
    fn apply(&mut self, document: &mut Document) -> bool;
    /// Whether its last application did not refuse.
    fn is_applied(&self) -> bool;
    /// Tells the outcome; `told` is for whoever gets it.
    fn finish(self: Box<Self>, outcome: &Outcome, told: Told);
}

/// A change, and who waits for it.
pub(super) struct Waiting<T, E, F> {
    pub(super) who: Who,
    pub(super) stop: CancellationToken,
    pub(super) change: F,
    /// Of the last application; none: there was none, or it panicked.
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

    fn finish(self: Box<Self>, outcome: &Outcome, told: Told) {
        let reply = match outcome {
            Outcome::Committed {
                document, written, ..
            } => match self.result {
                Some(Ok(value)) => Ok(Committed {
                    value,
                    document: Arc::clone(document),
                    written: *written,
                    notices: told.notices,
                    warnings: told.warnings,
                }),
                Some(Err(conflict)) => Err(CommitError::Conflict(conflict)),
                None => Err(CommitError::Panicked),
            },
            Outcome::NotRead(error) => Err(CommitError::Read(Arc::clone(error))),
            Outcome::NotWritten(error) => Err(CommitError::Write(Arc::clone(error))),
            Outcome::Stopped => Err(CommitError::Stopped),
        };
        // Whoever stopped waiting does not want to know.
        let _ = self.reply.send(reply);
    }
}

/// The one writer of a catalog. Dropped before its work is done (the runtime is going down), it leaves the place to a
/// next one and tells those who wait.
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

/// Puts a change in the queue, and starts a writer where there is none.
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
        gather(&inner).await;
        let batch = {
            let mut queue = lock(&inner.queue);
            let batch = take_batch(&mut queue.waiting);
            if batch.is_empty() {
                // Under the lock: whoever comes next starts a writer.
                queue.has_writer = false;
                writer.is_done = true;
                return;
            }
            batch
        };
        let started = Instant::now();
        inner.commit_batch(batch).await;
        *lock(&inner.pace) = started.elapsed();
    }
}

/// Waits for company: until a moment passes in which nobody came and nobody is expected.
async fn gather(inner: &Inner) {
    let moment = lock(&inner.pace).clamp(GATHER, LONGEST_GATHER);
    let until = Instant::now() + inner.linger;
    let mut came = lock(&inner.queue).waiting.len();
    loop {
        tokio::time::sleep(moment).await;
        let (waiting, expected) = {
            let queue = lock(&inner.queue);
            (queue.waiting.len(), queue.expected)
        };
        let is_quiet = expected == 0 && waiting == came;
        if is_quiet || Instant::now() >= until {
            return;
        }
        came = waiting;
    }
}

/// All that wait in the name of the first; an entry of the history has one author.
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

/// The changes that are still wanted. Callers that are to stop are told that theirs was given up.
pub(super) fn wanted(batch: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let waited_for = batch.into_iter().filter(|job| !job.is_abandoned());
    let (stopped, wanted): (Vec<_>, Vec<_>) = waited_for.partition(|job| job.stop().is_cancelled());
    for job in stopped {
        job.finish(&Outcome::Stopped, Told::default());
    }
    wanted
}

/// Waits until one of the callers of a batch, which is not empty, is to stop.
pub(super) fn stopped(batch: &[Box<dyn Job>]) -> impl Future<Output = ()> + Send + use<> {
    let stops: Vec<_> = batch
        .iter()
        .map(|job| Box::pin(job.stop().clone().cancelled_owned()))
        .collect();
    async move {
        select_all(stops).await;
    }
}

/// The document with all changes of a batch that do not refuse.
pub(super) fn apply(batch: &mut [Box<dyn Job>], base: &Document) -> Document {
    let mut next = base.clone();
    if batch.iter_mut().all(|job| job.apply(&mut next)) {
        return next;
    }
    // What refuses may have changed half of something, so from here on each has a copy to spoil. With thousands of
    // objects that is felt, so it is not done while everything goes well.
    next = base.clone();
    for job in batch {
        let before = next.clone();
        if !job.apply(&mut next) {
            next = before;
        }
    }
    next
}
