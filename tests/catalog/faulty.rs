//! A store with faults.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orgmirror::catalog::*;

use tokio::sync::{Notify, watch};

use crate::fixtures::*;
use crate::place::Place;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    ReadDocument,
    Reserve,
    SwapDocument,
    ReadHistory,
    WriteHistory,
    ListHistory,
    ReadPublication,
    ListPublications,
    Publish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation is not made, and says so.
    FailBefore,
    /// The operation is made, and says that it was not (a swap: that it may not have been).
    FailAfter,
    /// The operation is made, and neither it nor any reading afterwards says so.
    FailForGood,
    /// The operation waits for [`Faulty::go_on`].
    Hold,
    /// As if the process were killed before the operation.
    StopBefore,
    /// As if the process were killed after the operation.
    StopAfter,
    /// A swap is made, and then loses against itself.
    LoseAgainstItself,
    /// Each swap, from this one on, loses against another writer.
    LoseForEver,
}

/// A store that counts its operations and has one fault, at the given call of one operation.
#[derive(Debug)]
pub struct Faulty {
    pub store: Arc<dyn Store>,
    pub fault: Mutex<Option<(Operation, usize, Fault)>>,
    pub calls: watch::Sender<Vec<Operation>>,
    /// Whoever is stopped or held by a fault says so.
    pub stopped: Notify,
    pub go_on: Notify,
    /// The lock, which goes with a killed process.
    pub reserved: Arc<Mutex<Option<Reservation>>>,
    /// Another writer's catalog, which commits this ID when the lock is about to be taken, or when a swap was made whose
    /// outcome is not told.
    pub intruder: Mutex<Option<(Catalog, &'static str)>>,
    /// Likewise when something is about to be published.
    pub late_intruder: Mutex<Option<(Catalog, &'static str)>>,
    /// What was to be published.
    pub published: Mutex<Vec<PublicationChange>>,
}

impl Faulty {
    pub fn new(place: &Place) -> Arc<Self> {
        Arc::new(Self {
            store: place.store(),
            fault: Mutex::default(),
            calls: watch::Sender::default(),
            stopped: Notify::new(),
            go_on: Notify::new(),
            reserved: Arc::default(),
            intruder: Mutex::default(),
            late_intruder: Mutex::default(),
            published: Mutex::default(),
        })
    }

    pub fn with_fault(place: &Place, operation: Operation, call: usize, fault: Fault) -> Arc<Self> {
        let store = Self::new(place);
        *store.fault.lock().unwrap() = Some((operation, call, fault));
        store
    }

    pub fn count(&self, operation: Operation) -> usize {
        count(&self.calls.borrow(), operation)
    }

    /// Waits until an operation was asked for this often.
    pub async fn asked(&self, operation: Operation, times: usize) {
        let mut calls = self.calls.subscribe();
        let asked = calls.wait_for(|calls| count(calls, operation) >= times);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(asked) => drop(asked.unwrap()),
            Err(_) => panic!("{operation:?} is not asked for"),
        }
    }

    /// The fault of this call, if it has one.
    pub fn begin(&self, operation: Operation) -> Option<Fault> {
        let call = self.count(operation);
        self.calls.send_modify(|calls| calls.push(operation));
        let fault = *self.fault.lock().unwrap();
        fault.and_then(|(on, at, fault)| (on == operation && at == call).then_some(fault))
    }

    pub async fn hold(&self) {
        self.stopped.notify_one();
        self.go_on.notified().await;
    }

    pub async fn stop(&self) {
        self.reserved.lock().unwrap().take();
        self.stopped.notify_one();
        std::future::pending().await
    }

    /// Whether a swap is made whose outcome is not told.
    fn is_overtaken(&self) -> bool {
        let fault = *self.fault.lock().unwrap();
        matches!(
            fault,
            Some((
                Operation::SwapDocument,
                _,
                Fault::LoseAgainstItself | Fault::FailAfter
            ))
        )
    }

    fn loses_for_ever(&self) -> bool {
        let fault = *self.fault.lock().unwrap();
        matches!(fault, Some((_, _, Fault::LoseForEver)))
    }

    pub async fn intrude(&self) {
        let intruder = self.intruder.lock().unwrap().take();
        if let Some((catalog, id)) = intruder {
            commit_one(&catalog, id).await;
        }
    }
}

fn count(calls: &[Operation], operation: Operation) -> usize {
    calls.iter().filter(|call| **call == operation).count()
}

/// Gives the lock back when dropped.
struct Release(Arc<Mutex<Option<Reservation>>>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.lock().unwrap().take();
    }
}

pub fn injected() -> Failure {
    Failure {
        action: "reach",
        place: "the store".into(),
        source: "injected".into(),
        advice: "This is a test".into(),
    }
}

macro_rules! with_fault {
    ($self:ident, $operation:ident, $made:expr, $error:expr, $uncertain:expr) => {{
        let fault = $self.begin(Operation::$operation);
        match fault {
            Some(Fault::FailBefore) => return Err($error),
            Some(Fault::Hold) => $self.hold().await,
            Some(Fault::StopBefore) => $self.stop().await,
            _ => {}
        }
        let made = $made.await;
        match fault {
            Some(Fault::FailAfter | Fault::FailForGood) => return Err($uncertain),
            Some(Fault::StopAfter) => $self.stop().await,
            _ => {}
        }
        (made, fault)
    }};
}

#[async_trait]
impl Store for Faulty {
    fn place(&self) -> String {
        self.store.place()
    }

    fn history_place(&self, version: u64) -> String {
        self.store.history_place(version)
    }

    async fn read_document(&self, known: Option<&Token>) -> Result<Reading, ReadDocumentError> {
        let error = || ReadDocumentError::Failed(injected());
        let is_blind = matches!(
            *self.fault.lock().unwrap(),
            Some((operation, _, Fault::FailForGood)) if self.count(operation) > 0
        );
        if is_blind {
            return Err(error());
        }
        let made = self.store.read_document(known);
        with_fault!(self, ReadDocument, made, error(), error()).0
    }

    async fn swap_document(
        &self,
        expected: Option<&Token>,
        bytes: Arc<[u8]>,
    ) -> Result<Swap, SwapDocumentError> {
        if self.loses_for_ever() {
            self.begin(Operation::SwapDocument);
            return Ok(Swap::Lost);
        }
        let (made, fault) = with_fault!(
            self,
            SwapDocument,
            async {
                let made = self.store.swap_document(expected, bytes).await;
                if self.is_overtaken() {
                    self.intrude().await;
                }
                made
            },
            SwapDocumentError::Failed(injected()),
            SwapDocumentError::Uncertain(injected())
        );
        match fault {
            Some(Fault::LoseAgainstItself) => Ok(Swap::Lost),
            _ => made,
        }
    }

    async fn reserve(&self) -> Result<Option<Reservation>, SwapDocumentError> {
        // As in a store without locks: another writer comes between a swap and its answer.
        if self.is_overtaken() {
            return Ok(None);
        }
        self.intrude().await;
        let error = || SwapDocumentError::Failed(injected());
        let made = async {
            let reserved = self.store.reserve().await?;
            let is_reserved = reserved.is_some();
            *self.reserved.lock().unwrap() = reserved;
            Ok(is_reserved.then(|| Reservation::new(Release(Arc::clone(&self.reserved)))))
        };
        with_fault!(self, Reserve, made, error(), error()).0
    }

    async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError> {
        let error = || ReadHistoryError::Failed(injected());
        let made = self.store.read_history(version);
        with_fault!(self, ReadHistory, made, error(), error()).0
    }

    async fn write_history(&self, version: u64, bytes: Arc<[u8]>) -> Result<(), WriteHistoryError> {
        let error = || WriteHistoryError::Failed(injected());
        let made = self.store.write_history(version, bytes);
        with_fault!(self, WriteHistory, made, error(), error()).0
    }

    async fn list_history(&self) -> Result<Vec<u64>, ListHistoryError> {
        let error = || ListHistoryError::Failed(injected());
        let made = self.store.list_history();
        with_fault!(self, ListHistory, made, error(), error()).0
    }

    fn publication_place(&self, path: &str) -> String {
        self.store.publication_place(path)
    }

    async fn check_publication(&self, path: &str, wanted: &Digest) -> Result<Checked, Failure> {
        let made = self.store.check_publication(path, wanted);
        with_fault!(self, ReadPublication, made, injected(), injected()).0
    }

    async fn list_publications(&self, directory: Option<&str>) -> Result<Vec<Listed>, Failure> {
        let made = self.store.list_publications(directory);
        with_fault!(self, ListPublications, made, injected(), injected()).0
    }

    async fn publish(
        &self,
        changes: Vec<PublicationChange>,
        of: &Token,
    ) -> Result<Published, Failure> {
        self.published.lock().unwrap().extend(changes.clone());
        let intruder = self.late_intruder.lock().unwrap().take();
        if let Some((catalog, id)) = intruder {
            commit_one(&catalog, id).await;
        }
        let made = self.store.publish(changes, of);
        with_fault!(self, Publish, made, injected(), injected()).0
    }
}
