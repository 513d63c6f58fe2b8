//! Reading the document, and changing it: compare-and-swap, group commit, history.

use std::collections::VecDeque;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::model::effective::HandleNotice;
use crate::model::handle::{self, Kind};

use super::disk::Disk;
use super::document::{Document, DocumentError};
use super::history::{Change, Entry, EntryError, Who, changes};
use super::publishing::{Memory, PublicationWarning, Renderer};
use super::s3::{Connect, S3, S3Place};
use super::store::{
    ListHistoryError, ReadDocumentError, ReadHistoryError, Reading, Store, Swap, SwapDocumentError,
    Token, WriteHistoryError,
};

/// How long the writer waits for company before it writes, at least: the resources of one run come in bursts. It waits
/// for as long as the last commit took, where that is longer: who waits half of the time anyway gets company for the other.
const GATHER: Duration = Duration::from_millis(5);

/// Longest of such moments.
const LONGEST_GATHER: Duration = Duration::from_millis(200);

/// After that long the writer waits no more, whoever comes or is [expected](Catalog::expect_commit).
const LINGER: Duration = Duration::from_millis(500);

/// Entries of the history that are read at the same time.
const READS: usize = 8;

/// Longest pause after a lost race.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A tenant's catalog.
///
/// Clones share one writer and one cache: a process opens a catalog once.
#[derive(Debug, Clone)]
pub struct Catalog {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Arc<dyn Store>,
    tenant: String,
    pub(super) place: String,
    pub(super) cache: Mutex<Option<Current>>,
    queue: Mutex<Queue>,
    /// How long the last commit took.
    pace: Mutex<Duration>,
    pub(super) published: Mutex<Memory>,
    pub(super) renderer: Renderer,
    /// [`Entry::id`] of the last commit whose history entry is known to be written.
    recorded: Mutex<Option<String>>,
}

/// The document as last read or written.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) token: Token,
    pub(super) document: Arc<Document>,
}

/// A catalog that cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The tenant's name does not fit the rules.
    #[error(
        "{0:?} is not a tenant: use 1 to 63 of a-z, 0-9, _ and -, with a letter or digit at both ends"
    )]
    Tenant(String),
}

/// Why the document was not read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The store could not read it.
    #[error("the catalog was not read: {0}")]
    Store(#[from] ReadDocumentError),
    /// It was refused.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// Why a change was not written. Unless it says otherwise, the document is untouched.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The store could not swap the document.
    #[error("the catalog was not written: {0}")]
    Swap(#[from] SwapDocumentError),
    /// The store may or may not have swapped the document, and looking failed too.
    #[error("whether the catalog was written is not known: {0}. The next plan shows what it holds")]
    Unknown(#[source] Box<dyn Error + Send + Sync>),
    /// The record of an earlier commit is missing and could not be completed.
    #[error(
        "the catalog was not written, because its history could not be brought up to date: {0}"
    )]
    History(#[from] HistoryError),
    /// A value of the document is not known yet.
    #[error("the catalog was not written, because the change cannot be stored: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Why the history was not read or written.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The document was not read.
    #[error(transparent)]
    Document(#[from] Arc<ReadError>),
    /// An entry was not read.
    #[error("{0}")]
    Read(#[from] ReadHistoryError),
    /// An entry was not written.
    #[error("{0}")]
    Write(#[from] WriteHistoryError),
    /// The entries were not listed.
    #[error("{0}")]
    List(#[from] ListHistoryError),
    /// An entry cannot be understood.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// An entry cannot be written down.
    #[error(transparent)]
    Encode(#[from] serde_json::Error),
}

/// A change that is in the catalog.
#[derive(Debug)]
pub struct Committed<T> {
    /// What the change gave.
    pub value: T,
    /// The document that holds it.
    pub document: Arc<Document>,
    /// Whether a new version was written for it; false: everything was so already.
    pub written: bool,
    /// What to know of effective handles. Of the changes that were committed together one is given all of it.
    pub notices: Vec<HandleNotice>,
    /// What to know of publications, given likewise.
    pub warnings: Vec<PublicationWarning>,
}

/// Why a change is not in the catalog.
#[derive(Debug, Error)]
pub enum CommitError<E> {
    /// The change itself refused.
    #[error("{0}")]
    Conflict(E),
    /// The document was not read.
    #[error(transparent)]
    Read(Arc<ReadError>),
    /// The document was not written.
    #[error(transparent)]
    Write(Arc<WriteError>),
    /// The change panicked: a bug. Nothing of it was written.
    #[error("the provider failed while it changed the catalog; nothing of this change was written")]
    Panicked,
    /// The provider is shutting down.
    #[error(
        "the provider shut down before it knew the outcome; the next plan shows what the catalog holds"
    )]
    Interrupted,
}

impl Catalog {
    /// The catalog of `tenant` in `directory`. Touches nothing yet.
    ///
    /// # Errors
    /// When the name of the tenant does not fit the rules.
    pub fn on_disk(directory: &Path, tenant: &str) -> Result<Self, OpenError> {
        let tenant = checked(tenant)?;
        let store = Disk::new(directory, tenant);
        Ok(Self::with_store(Arc::new(store), tenant))
    }

    /// The catalog of `tenant` below a prefix of an S3 bucket. Touches nothing yet, and asks for no client.
    ///
    /// # Errors
    /// When the name of the tenant does not fit the rules.
    pub fn on_s3(
        place: S3Place,
        connect: Arc<dyn Connect>,
        tenant: &str,
    ) -> Result<Self, OpenError> {
        let tenant = checked(tenant)?;
        let store = S3::new(place, connect, tenant);
        Ok(Self::with_store(Arc::new(store), tenant))
    }

    /// The catalog of `tenant`, whose name fits the rules, kept by `store`.
    pub fn with_store(store: Arc<dyn Store>, tenant: &str) -> Self {
        Self {
            inner: Arc::new(Inner {
                place: store.place(),
                store,
                tenant: tenant.to_owned(),
                cache: Mutex::default(),
                queue: Mutex::default(),
                pace: Mutex::default(),
                published: Mutex::default(),
                renderer: Renderer::default(),
                recorded: Mutex::default(),
            }),
        }
    }

    /// The document's place as the user configured it, for messages.
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// The tenant.
    pub fn tenant(&self) -> &str {
        &self.inner.tenant
    }

    /// The document as it is now; none if there is none. Writes nothing.
    pub async fn read(&self) -> Result<Option<Arc<Document>>, ReadError> {
        let current = self.inner.current().await?;
        Ok(current.map(|current| current.document))
    }

    /// Changes the document by `change` and waits until that is written for good.
    ///
    /// `change` is given the document as it is (an empty one, with [`Document::exists`] false, where there is none)
    /// and returns its value. It is applied again, to the newer document, when another writer was faster, so it must
    /// depend on nothing that it changes itself. Its error fails only this commit, and what it had changed by then is
    /// dropped. Effective handles are settled after the last change of those that are written together. A change that
    /// leaves everything as it was writes nothing.
    ///
    /// Commits of clones of this catalog that wait at the same time are written together, as one version.
    /// Dropping the future cancels the commit if it has not begun; otherwise it goes on.
    pub async fn commit<T, E, F>(
        &self,
        who: &Who,
        change: F,
    ) -> Result<Committed<T>, CommitError<E>>
    where
        F: Fn(&mut Document) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        let waiting = Waiting {
            who: who.clone(),
            change,
            result: None,
            reply,
        };
        let start_writer = {
            let mut queue = lock(&self.inner.queue);
            queue.waiting.push_back(Box::new(waiting));
            !std::mem::replace(&mut queue.has_writer, true)
        };
        if start_writer {
            tokio::spawn(write(Writer {
                inner: Arc::clone(&self.inner),
                is_done: false,
            }));
        }
        outcome.await.unwrap_or(Err(CommitError::Interrupted))
    }

    /// Says that a commit is likely to come when what is held is dropped. Within reason the writer waits for it, so that
    /// what Terraform plans and applies side by side is written together.
    pub fn expect_commit(&self) -> Expected {
        lock(&self.inner.queue).expected += 1;
        Expected(Arc::clone(&self.inner))
    }

    /// The last `limit` commits, oldest first.
    pub async fn history(&self, limit: usize) -> Result<Vec<Entry>, HistoryError> {
        let inner = &self.inner;
        // The document before the list: a commit in between adds to the list what the document lacks.
        let current = inner.current().await.map_err(Arc::new)?;
        let of_document = current.as_ref().and_then(|c| c.document.last_commit());
        let mut versions = inner.store.list_history().await?;
        if let Some(entry) = of_document
            && let Err(position) = versions.binary_search(&entry.version)
        {
            versions.insert(position, entry.version);
        }
        let first = versions.len().saturating_sub(limit);
        let recorded = stream::iter(versions.drain(first..))
            .map(async |version| (version, inner.entry(version).await));
        let recorded: Vec<_> = recorded.buffered(READS).collect().await;
        let mut entries = Vec::with_capacity(recorded.len());
        for (version, entry) in recorded {
            match (entry?, of_document) {
                (Some(entry), _) => entries.push(entry),
                (None, Some(entry)) if entry.version == version => entries.push(entry.clone()),
                // Deleted since it was listed.
                (None, _) => {}
            }
        }
        Ok(entries)
    }
}

fn checked(tenant: &str) -> Result<&str, OpenError> {
    match handle::check(Kind::Tenant, tenant) {
        Ok(_) => Ok(tenant),
        Err(_) => Err(OpenError::Tenant(tenant.to_owned())),
    }
}

/// A poisoned lock guards data that is whole all the same: nothing here panics halfway through a change of it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A commit that is expected, see [`Catalog::expect_commit`].
#[derive(Debug)]
pub struct Expected(Arc<Inner>);

impl Drop for Expected {
    fn drop(&mut self) {
        lock(&self.0.queue).expected -= 1;
    }
}

/// Changes that wait for the writer.
#[derive(Default)]
struct Queue {
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
trait Job: Send {
    fn who(&self) -> &Who;
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    /// Applies the change; false if it refused, and then the document may be half changed.
    fn apply(&mut self, document: &mut Document) -> bool;
    /// Whether its last application did not refuse.
    fn is_applied(&self) -> bool;
    /// Tells the outcome; `warnings` are for whoever gets them.
    fn finish(self: Box<Self>, outcome: &Outcome, told: Told);
}

/// How a batch ended.
enum Outcome {
    Committed {
        /// The document before, and its token; none: there was none.
        base: Arc<Document>,
        base_token: Option<Token>,
        document: Arc<Document>,
        written: bool,
        notices: Vec<HandleNotice>,
    },
    NotRead(Arc<ReadError>),
    NotWritten(Arc<WriteError>),
}

/// What one of those who are committed together is told for all of them, so that a user reads it once.
#[derive(Default)]
struct Told {
    notices: Vec<HandleNotice>,
    warnings: Vec<PublicationWarning>,
}

struct Waiting<T, E, F> {
    who: Who,
    change: F,
    /// Of the last application; none: there was none, or it panicked.
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<Committed<T>, CommitError<E>>>,
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

async fn write(mut writer: Writer) {
    let inner = Arc::clone(&writer.inner);
    loop {
        inner.gather().await;
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

/// The document with all changes of a batch that do not refuse.
fn apply(batch: &mut [Box<dyn Job>], base: &Document) -> Document {
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

impl Inner {
    /// Waits for company: until a moment passes in which nobody came and nobody is expected.
    async fn gather(&self) {
        let moment = lock(&self.pace).clamp(GATHER, LONGEST_GATHER);
        let until = Instant::now() + LINGER;
        let mut came = lock(&self.queue).waiting.len();
        loop {
            tokio::time::sleep(moment).await;
            let (waiting, expected) = {
                let queue = lock(&self.queue);
                (queue.waiting.len(), queue.expected)
            };
            let is_quiet = expected == 0 && waiting == came;
            if is_quiet || Instant::now() >= until {
                return;
            }
            came = waiting;
        }
    }

    pub(super) async fn current(&self) -> Result<Option<Current>, ReadError> {
        let known = lock(&self.cache).clone();
        let reading = self
            .store
            .read_document(known.as_ref().map(|known| &known.token))
            .await?;
        let current = match reading {
            Reading::Absent => None,
            Reading::Unchanged => known,
            Reading::Found(stored) => {
                let document = Document::from_bytes(&stored.bytes, &self.tenant, &self.place)?;
                Some(Current {
                    token: stored.token,
                    document: Arc::new(document),
                })
            }
        };
        lock(&self.cache).clone_from(&current);
        Ok(current)
    }

    async fn entry(&self, version: u64) -> Result<Option<Entry>, HistoryError> {
        let Some(bytes) = self.store.read_history(version).await? else {
            return Ok(None);
        };
        let place = self.store.history_place(version);
        Ok(Some(Entry::from_bytes(&bytes, &place)?))
    }

    /// Commits all changes of a batch that do not refuse, as one version, and tells each its outcome.
    async fn commit_batch(&self, mut batch: Vec<Box<dyn Job>>) {
        let mut pause = Duration::from_millis(2);
        let mut reservation = None;
        let mut outcome = loop {
            batch.retain(|job| !job.is_abandoned());
            if batch.is_empty() {
                return;
            }
            match self.try_batch(&mut batch).await {
                Ok(Some(outcome)) => break outcome,
                // The race was lost. There is no last attempt: one writer wins every race.
                Ok(None) => {
                    tracing::debug!(place = %self.place, "another writer was faster; applying the change again");
                    if reservation.is_none() {
                        reservation = match self.store.reserve().await {
                            Ok(reservation) => reservation,
                            Err(error) => break Outcome::NotWritten(Arc::new(error.into())),
                        };
                    }
                    if reservation.is_none() {
                        // Uneven pauses keep the losers from going in step.
                        tokio::time::sleep(pause.mul_f64(rand::random_range(0.2..1.0))).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
                Err(outcome) => break outcome,
            }
        };
        drop(reservation);
        let mut told = Told::default();
        if let Outcome::Committed {
            base,
            base_token,
            document,
            notices,
            ..
        } = &mut outcome
            && batch.iter().any(|job| job.is_applied())
        {
            told.notices = std::mem::take(notices);
            told.warnings = self.publish(base, base_token.as_ref(), document).await;
        }
        for job in batch {
            let told = match job.is_applied() {
                true => std::mem::take(&mut told),
                false => Told::default(),
            };
            job.finish(&outcome, told);
        }
    }

    /// One attempt; none if the race was lost.
    async fn try_batch(&self, batch: &mut [Box<dyn Job>]) -> Result<Option<Outcome>, Outcome> {
        let current = self
            .current()
            .await
            .map_err(|error| Outcome::NotRead(Arc::new(error)))?;
        let (token, base) = match current {
            Some(current) => (Some(current.token), current.document),
            None => (None, Arc::new(Document::empty(&self.tenant))),
        };
        let mut next = apply(batch, &base);
        let notices = next.settle(&base);
        // Shared objects are compared by address first, so only what was replaced is looked into.
        if next.tenant() == base.tenant() {
            return Ok(Some(Outcome::Committed {
                base: Arc::clone(&base),
                base_token: token,
                document: base,
                written: false,
                notices,
            }));
        }
        let who = batch.first().map(|job| job.who().clone());
        let who = who.unwrap_or_else(Who::here);
        let changes = changes(base.tenant(), next.tenant());
        match self.swap(token.as_ref(), &base, next, who, changes).await {
            Ok(document) => Ok(document.map(|document| Outcome::Committed {
                base,
                base_token: token,
                document,
                written: true,
                notices,
            })),
            Err(error) => Err(Outcome::NotWritten(Arc::new(error))),
        }
    }

    /// Makes `next` the document in place of `base`, which has `token`, and records it; none if the race was lost.
    async fn swap(
        &self,
        token: Option<&Token>,
        base: &Document,
        mut next: Document,
        who: Who,
        changes: Vec<Change>,
    ) -> Result<Option<Arc<Document>>, WriteError> {
        if let Some(last) = base.last_commit() {
            self.record_once(last).await?;
        }
        let version = self.next_version(base).await?;
        let entry = Arc::new(Entry::now(version, base.version(), who, changes));
        next.stamp(Arc::clone(&entry));
        let bytes = next.to_bytes()?;
        let swapped = self.store.swap_document(token, bytes.into()).await;
        let document = Arc::new(next);
        match swapped {
            Ok(Swap::Made(token)) => {
                *lock(&self.cache) = Some(Current {
                    token,
                    document: Arc::clone(&document),
                });
            }
            Ok(Swap::Lost) => {
                // A store that repeats requests by itself can lose against its own first attempt.
                match self.was_made(&entry).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(None),
                    Err(error) => return Err(WriteError::Unknown(error.into())),
                }
            }
            Err(error @ SwapDocumentError::Uncertain(_)) => match self.was_made(&entry).await {
                Ok(true) => tracing::warn!(%error, "the catalog was written all the same"),
                Ok(false) => return Err(error.into()),
                Err(unseen) => {
                    tracing::warn!(error = %unseen, "whether the catalog was written cannot be seen");
                    return Err(WriteError::Unknown(error.into()));
                }
            },
            Err(error) => return Err(error.into()),
        }
        // The commit is made: from here on nothing may fail it. The next commit completes the record.
        if let Err(error) = self.record(&entry).await {
            tracing::warn!(
                version,
                %error,
                "the catalog was written; its history entry will be written with the next commit"
            );
        }
        Ok(Some(document))
    }

    /// Whether the commit of this entry is in the catalog, be it below later ones.
    async fn was_made(&self, entry: &Entry) -> Result<bool, HistoryError> {
        let current = self.current().await.map_err(Arc::new)?;
        let Some(last) = current.as_ref().and_then(|c| c.document.last_commit()) else {
            return Ok(false);
        };
        if last.id == entry.id {
            return Ok(true);
        }
        if last.version <= entry.version {
            return Ok(false);
        }
        let recorded = self.entry(entry.version).await?;
        Ok(recorded.is_some_and(|recorded| recorded.id == entry.id))
    }

    /// The version after `base`: one more, or above all that is recorded where `base` was put back by hand.
    async fn next_version(&self, base: &Document) -> Result<u64, HistoryError> {
        let next = base.version() + 1;
        let taken = self.store.read_history(next).await?.is_some();
        if !taken {
            return Ok(next);
        }
        let versions = self.store.list_history().await?;
        Ok(versions.last().map_or(next, |last| next.max(last + 1)))
    }

    /// Writes the entry of a commit that others may have recorded already.
    async fn record_once(&self, entry: &Entry) -> Result<(), HistoryError> {
        if lock(&self.recorded).as_deref() == Some(&entry.id) {
            return Ok(());
        }
        if self.store.read_history(entry.version).await?.is_some() {
            *lock(&self.recorded) = Some(entry.id.clone());
            return Ok(());
        }
        self.record(entry).await
    }

    async fn record(&self, entry: &Entry) -> Result<(), HistoryError> {
        let bytes = entry.to_bytes()?;
        self.store
            .write_history(entry.version, bytes.into())
            .await?;
        *lock(&self.recorded) = Some(entry.id.clone());
        Ok(())
    }
}
