//! Reading the document, and changing it: compare-and-swap, group commit, history.

mod queue;

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::model::handle::{self, HandleKind};
use crate::model::handle_assignment::HandleNotice;

use super::disk::Disk;
use super::document::{Document, DocumentError};
use super::history::{Change, Entry, EntryError, Who, changes};
use super::publishing::{Memory, PublicationWarning, Renderer};
use super::s3::{Connect, S3, S3Place};
use super::store::{
    ListHistoryError, ReadDocumentError, ReadHistoryError, Reading, Reservation, Store, Swap,
    SwapDocumentError, Token, WriteHistoryError,
};
pub use queue::Expected;
use queue::{BATCH_WINDOW, Job, Queue, Waiting, apply, drop_stopped, enqueue, wait_for_stop};

/// Entries of the history that are read at the same time.
const READS: usize = 8;

/// Longest pause after a lost race.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long publishing may go on after a caller must stop. The next commit publishes what another process's lock or an
/// overloaded S3 delays longer.
const LAST_PUBLISHING: Duration = Duration::from_secs(5);

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
    /// How long the writer collects a batch at most: [`BATCH_WINDOW`], except in a test.
    batch_window: Duration,
    last_commit_duration: Mutex<Duration>,
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
    /// The document is invalid.
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
    /// serde could not write the document. No type in it gives an error.
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
    /// The document with the change.
    pub document: Arc<Document>,
    /// Whether a new version was written; false: the change changed nothing.
    pub written: bool,
    /// Notices of effective handles. One change of a batch gets them all.
    pub notices: Vec<HandleNotice>,
    /// Warnings of publications. The same change gets them all.
    pub warnings: Vec<PublicationWarning>,
}

/// Why a change is not in the catalog.
#[derive(Debug, Error)]
pub enum CommitError<E> {
    /// The change itself failed.
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
    /// Its caller had to stop before it was written. Nothing of it was written.
    #[error(
        "the run was to stop before the change was written, so it was given up; nothing of it is in the catalog"
    )]
    Stopped,
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
        let tenant = check_tenant(tenant)?;
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
        let tenant = check_tenant(tenant)?;
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
                batch_window: BATCH_WINDOW,
                last_commit_duration: Mutex::default(),
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
    /// depend on nothing that it changes itself. Its error fails only this commit and discards its changes. Effective
    /// handles are assigned after the last change of a batch. A change that leaves everything as it was writes nothing.
    ///
    /// Commits of clones of this catalog that wait at the same time are one batch, written as one version.
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
        self.commit_unless_stopped(who, &CancellationToken::new(), change)
            .await
    }

    /// Like [`Self::commit`], but gives up when `stop` is cancelled before the document is about to be written, for example
    /// while another writer has the lock or wins the races. Afterwards it makes and reports the commit, and cuts only
    /// publishing short.
    pub async fn commit_unless_stopped<T, E, F>(
        &self,
        who: &Who,
        stop: &CancellationToken,
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
            stop: stop.clone(),
            change,
            result: None,
            reply,
        };
        enqueue(&self.inner, Box::new(waiting));
        outcome.await.unwrap_or(Err(CommitError::Interrupted))
    }

    /// Announces a commit that is likely to come before the returned value is dropped. The writer waits for it for a short
    /// time, so that changes that Terraform plans and applies side by side are written together.
    pub fn expect_commit(&self) -> Expected {
        Expected::new(&self.inner)
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
        let recorded: Vec<_> = stream::iter(versions.drain(first..))
            .map(async |version| (version, inner.entry(version).await))
            .buffered(READS)
            .collect()
            .await;
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

fn check_tenant(tenant: &str) -> Result<&str, OpenError> {
    handle::check(HandleKind::Tenant, tenant)
        .map(|_| tenant)
        .map_err(|_| OpenError::Tenant(tenant.to_owned()))
}

/// Locks a mutex, even a poisoned one: nothing here panics halfway through a change, so the data is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Nothing was written.
    Stopped,
}

/// A document that is about to be written.
struct Prepared {
    base: Arc<Document>,
    base_token: Option<Token>,
    document: Document,
    entry: Arc<Entry>,
    bytes: Arc<[u8]>,
    notices: Vec<HandleNotice>,
}

/// How far an attempt came without writing the document.
enum Attempt {
    ToWrite(Box<Prepared>),
    Done(Outcome),
}

/// Notices for the whole batch, delivered to one of its callers so that a user reads them once.
#[derive(Default)]
struct BatchNotices {
    handles: Vec<HandleNotice>,
    publications: Vec<PublicationWarning>,
}

impl Inner {
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

    /// Commits all changes of a batch that do not fail, as one version, and sends each caller its outcome.
    async fn commit_batch(&self, mut batch: Vec<Box<dyn Job>>) {
        let mut pause = Duration::from_millis(2);
        let mut reservation = None;
        let mut outcome = loop {
            batch = drop_stopped(batch);
            if batch.is_empty() {
                return;
            }
            let stopped = wait_for_stop(&batch);
            let attempt = tokio::select! {
                attempt = self.prepare(&mut batch, &mut reservation) => attempt,
                // `prepare` may be dropped at any moment.
                () = stopped => continue,
            };
            let prepared = match attempt {
                Ok(Attempt::ToWrite(prepared)) => prepared,
                Ok(Attempt::Done(outcome)) | Err(outcome) => break outcome,
            };
            match self.swap(*prepared).await {
                Ok(Some(outcome)) => break outcome,
                // The race was lost. There is no last attempt: one writer wins every race.
                Ok(None) => {
                    tracing::debug!(place = %self.place, "another writer was faster; applying the change again");
                    if reservation.is_none() {
                        // Uneven pauses keep the losers from going in step.
                        tokio::time::sleep(pause.mul_f64(rand::random_range(0.2..1.0))).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
                Err(error) => break Outcome::NotWritten(Arc::new(error)),
            }
        };
        drop(reservation);
        let mut batch_notices = BatchNotices::default();
        if let Outcome::Committed {
            base,
            base_token,
            document,
            notices,
            ..
        } = &mut outcome
            && batch.iter().any(|job| job.is_applied())
        {
            batch_notices.handles = std::mem::take(notices);
            let stopped = wait_for_stop(&batch);
            batch_notices.publications = tokio::select! {
                warnings = self.publish(base, base_token.as_ref(), document) => warnings,
                () = async { stopped.await; tokio::time::sleep(LAST_PUBLISHING).await } => {
                    vec![PublicationWarning::Stopped]
                }
            };
        }
        for job in batch {
            let notices = if job.is_applied() {
                std::mem::take(&mut batch_notices)
            } else {
                BatchNotices::default()
            };
            job.finish(&outcome, notices);
        }
    }

    /// Applies a batch to the current document and prepares the write. May be dropped at any moment: it writes nothing but
    /// the record of the previous commit.
    async fn prepare(
        &self,
        batch: &mut [Box<dyn Job>],
        reservation: &mut Option<Reservation>,
    ) -> Result<Attempt, Outcome> {
        let current = self
            .current()
            .await
            .map_err(|error| Outcome::NotRead(Arc::new(error)))?;
        let (base_token, base) = match current {
            Some(current) => (Some(current.token), current.document),
            None => (None, Arc::new(Document::empty(&self.tenant))),
        };
        let mut next = apply(batch, &base);
        let notices = next.assign_handles(&base);
        // Shared objects are compared by address first, so this looks only into replaced ones.
        if next.tenant() == base.tenant() {
            return Ok(Attempt::Done(Outcome::Committed {
                base: Arc::clone(&base),
                base_token,
                document: base,
                written: false,
                notices,
            }));
        }
        let who = batch
            .first()
            .map(|job| job.who().clone())
            .unwrap_or_else(Who::here);
        let not_written = |error| Outcome::NotWritten(Arc::new(error));
        if reservation.is_none() {
            let reserved = self.store.reserve().await;
            *reservation = reserved.map_err(|error| not_written(error.into()))?;
        }
        let changes = changes(base.tenant(), next.tenant());
        let (entry, bytes) = self
            .stamp(&base, &mut next, who, changes)
            .await
            .map_err(not_written)?;
        Ok(Attempt::ToWrite(Box::new(Prepared {
            base,
            base_token,
            document: next,
            entry,
            bytes,
            notices,
        })))
    }

    /// Gives `next`, which follows on `base`, its version and its entry, and encodes it. Completes the previous record.
    async fn stamp(
        &self,
        base: &Document,
        next: &mut Document,
        who: Who,
        changes: Vec<Change>,
    ) -> Result<(Arc<Entry>, Arc<[u8]>), WriteError> {
        if let Some(last) = base.last_commit() {
            self.record_once(last).await?;
        }
        let version = self.next_version(base).await?;
        let entry = Arc::new(Entry::now(version, base.version(), who, changes));
        next.stamp(Arc::clone(&entry));
        let bytes = next.to_bytes()?;
        Ok((entry, bytes.into()))
    }

    /// Writes the prepared document and records it; none if the race was lost.
    async fn swap(&self, prepared: Prepared) -> Result<Option<Outcome>, WriteError> {
        let Prepared {
            base,
            base_token,
            document,
            entry,
            bytes,
            notices,
        } = prepared;
        let swapped = self.store.swap_document(base_token.as_ref(), bytes).await;
        let document = Arc::new(document);
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
        // The commit is made, and nothing may fail it any more. The next commit completes the record.
        if let Err(error) = self.record(&entry).await {
            tracing::warn!(
                version = entry.version,
                %error,
                "the catalog was written; its history entry will be written with the next commit"
            );
        }
        Ok(Some(Outcome::Committed {
            base,
            base_token,
            document,
            written: true,
            notices,
        }))
    }

    /// Whether the commit of this entry is in the catalog, possibly below later ones.
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

    /// The version after `base`: the next number, or one above all recorded versions if `base` was restored by hand.
    async fn next_version(&self, base: &Document) -> Result<u64, HistoryError> {
        let next = base.version() + 1;
        let taken = self.store.read_history(next).await?.is_some();
        if !taken {
            return Ok(next);
        }
        let versions = self.store.list_history().await?;
        Ok(versions.last().map_or(next, |last| next.max(last + 1)))
    }

    /// Writes the entry of a commit unless it is recorded already.
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
