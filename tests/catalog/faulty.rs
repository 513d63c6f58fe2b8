//! A disk with faults.

use std::path::Path;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orgmirror::catalog::*;

use tokio::sync::Notify;

use crate::fixtures::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    ReadDocument,
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
    /// As if the process were killed before the operation.
    StopBefore,
    /// As if the process were killed after the operation.
    StopAfter,
    /// A swap is made, and then loses against itself.
    LoseAgainstItself,
}

/// A disk that counts its operations and has one fault, at the given call of one operation.
#[derive(Debug)]
pub struct Faulty {
    pub disk: Disk,
    pub fault: Mutex<Option<(Operation, usize, Fault)>>,
    pub calls: Mutex<Vec<Operation>>,
    pub stopped: Notify,
    /// Likewise when something is about to be published.
    pub late_intruder: Mutex<Option<(Catalog, &'static str)>>,
    /// What was to be published.
    pub published: Mutex<Vec<PublicationChange>>,
    /// Another writer's catalog, which commits this ID when a swap was made or is about to be.
    pub intruder: Mutex<Option<(Catalog, &'static str)>>,
}

impl Faulty {
    pub fn new(directory: &Path) -> Arc<Self> {
        Arc::new(Self {
            disk: Disk::new(directory, TENANT),
            fault: Mutex::default(),
            calls: Mutex::default(),
            stopped: Notify::new(),
            published: Mutex::default(),
            late_intruder: Mutex::default(),
            intruder: Mutex::default(),
        })
    }

    pub fn with_fault(
        directory: &Path,
        operation: Operation,
        call: usize,
        fault: Fault,
    ) -> Arc<Self> {
        let store = Self::new(directory);
        *store.fault.lock().unwrap() = Some((operation, call, fault));
        store
    }

    pub fn count(&self, operation: Operation) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| **call == operation).count()
    }

    /// The fault of this call, if it has one.
    pub fn begin(&self, operation: Operation) -> Option<Fault> {
        let call = self.count(operation);
        self.calls.lock().unwrap().push(operation);
        let fault = *self.fault.lock().unwrap();
        fault.and_then(|(on, at, fault)| (on == operation && at == call).then_some(fault))
    }

    pub async fn stop(&self) {
        self.stopped.notify_one();
        std::future::pending().await
    }

    pub async fn intrude(&self) {
        let intruder = self.intruder.lock().unwrap().take();
        if let Some((catalog, id)) = intruder {
            commit_one(&catalog, id).await;
        }
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
        self.disk.place()
    }

    fn history_place(&self, version: u64) -> String {
        self.disk.history_place(version)
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
        let made = self.disk.read_document(known);
        with_fault!(self, ReadDocument, made, error(), error()).0
    }

    async fn swap_document(
        &self,
        expected: Option<&Token>,
        bytes: Arc<[u8]>,
    ) -> Result<Swap, SwapDocumentError> {
        let loses = matches!(
            *self.fault.lock().unwrap(),
            Some((_, _, Fault::LoseAgainstItself | Fault::FailAfter))
        );
        if !loses {
            self.intrude().await;
        }
        let (made, fault) = with_fault!(
            self,
            SwapDocument,
            async {
                let made = self.disk.swap_document(expected, bytes).await;
                if loses {
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
        self.disk.reserve().await
    }

    async fn read_history(&self, version: u64) -> Result<Option<Vec<u8>>, ReadHistoryError> {
        let error = || ReadHistoryError::Failed(injected());
        let made = self.disk.read_history(version);
        with_fault!(self, ReadHistory, made, error(), error()).0
    }

    async fn write_history(&self, version: u64, bytes: Arc<[u8]>) -> Result<(), WriteHistoryError> {
        let error = || WriteHistoryError::Failed(injected());
        let made = self.disk.write_history(version, bytes);
        with_fault!(self, WriteHistory, made, error(), error()).0
    }

    async fn list_history(&self) -> Result<Vec<u64>, ListHistoryError> {
        let error = || ListHistoryError::Failed(injected());
        let made = self.disk.list_history();
        with_fault!(self, ListHistory, made, error(), error()).0
    }

    fn publication_place(&self, path: &str) -> String {
        self.disk.publication_place(path)
    }

    async fn check_publication(&self, path: &str, wanted: &Digest) -> Result<Checked, Failure> {
        let made = self.disk.check_publication(path, wanted);
        with_fault!(self, ReadPublication, made, injected(), injected()).0
    }

    async fn list_publications(&self, directory: Option<&str>) -> Result<Vec<Listed>, Failure> {
        let made = self.disk.list_publications(directory);
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
        let made = self.disk.publish(changes, of);
        with_fault!(self, Publish, made, injected(), injected()).0
    }
}
