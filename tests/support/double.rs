//! Our own double of AWS Organizations and STS, for what other emulators lack: `Paths`, both forms of an account's
//! state, empty pages with a token, throttling, latency, permissions, trust, and an AWS organization that changes while it
//! is read, its service control policies, and AWS Resource Explorer in its accounts. Of the Resource Groups Tagging API it
//! has the accounts' tags, of IAM the caller's access keys.
//!
//! It answers as the published API model says; `check_double.py` holds it to that. It lives in a thread of its own and
//! ends when dropped, so synchronous tests can use it too:
//!
//! ```ignore
//! let double = Double::start(Organization::generate(100, 1));
//! double.faults().latency = Duration::from_millis(5);
//! double.organization().rename_account("111122223333", "new name");
//! // endpoints = { organizations = double.url(), sts = double.url() }
//! assert_eq!(double.calls().count("ListRoots"), 1);
//! ```
//!
//! Every access key works and is a user of the management account, unless the organization says otherwise.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

#[path = "double/answers.rs"]
mod answers;
#[path = "double/explorer.rs"]
mod explorer;
#[path = "double/faults.rs"]
mod faults;
#[path = "double/iam.rs"]
mod iam;
#[path = "double/organization.rs"]
mod organization;
#[path = "double/policies.rs"]
mod policies;
#[path = "double/tagging.rs"]
mod tagging;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[allow(unused_imports)]
pub use explorer::Explorer;
#[allow(unused_imports)]
pub use faults::{Failure, Faults, Paging, StateForm};
#[allow(unused_imports)]
pub use organization::{Account, KeyFault, Organization, Role, Sequence, Unit};
#[allow(unused_imports)]
pub use policies::FULL_ACCESS;

/// One call that the double answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// As in IAM policies: `organizations`, `tag`, `sts`, `iam` or `resource-explorer-2`.
    pub service: &'static str,
    /// Such as `ListAccounts`.
    pub action: String,
    /// What was sent.
    pub input: serde_json::Value,
    /// Access key ID it was signed with.
    pub access_key: String,
    /// Region it was signed for.
    pub region: String,
    /// Code of the error answered, if one was.
    pub error: Option<String>,
    /// When it came.
    pub at: Instant,
}

/// The calls answered so far, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    calls: Vec<Call>,
    peak: usize,
}

impl Calls {
    /// How many calls of an action came, those that failed among them.
    pub fn count(&self, action: &str) -> usize {
        self.calls
            .iter()
            .filter(|call| call.action == action)
            .count()
    }

    /// How many calls came.
    pub fn total(&self) -> usize {
        self.calls.len()
    }

    /// How many calls came, by `service:Action` as in IAM policies.
    pub fn by_action(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.calls {
            *counts
                .entry(format!("{}:{}", call.service, call.action))
                .or_default() += 1;
        }
        counts
    }

    /// All calls.
    pub fn all(&self) -> &[Call] {
        &self.calls
    }

    /// The largest number of calls under way at once.
    pub fn peak(&self) -> usize {
        self.peak
    }
}

#[derive(Default)]
struct Log {
    calls: Calls,
    running: usize,
    /// Answers made per action, for the changes that follow on one.
    answered: BTreeMap<String, usize>,
}

struct State {
    organization: Mutex<Organization>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    /// Role sessions by access key ID: account ID and ARN.
    sessions: Mutex<BTreeMap<String, (String, String)>>,
    accepted: AtomicUsize,
}

/// A running double.
pub struct Double {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Double {
    /// Starts answering for `organization` on a free port of the loopback interface.
    pub fn start(organization: Organization) -> Self {
        let state = Arc::new(State {
            organization: Mutex::new(organization),
            faults: Mutex::default(),
            log: Mutex::default(),
            sessions: Mutex::default(),
            accepted: AtomicUsize::new(0),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, address) = std::sync::mpsc::channel();
        let served = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the double");
            runtime.block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", 0))
                    .await
                    .expect("a port for the double");
                ready
                    .send(listener.local_addr().expect("the double's address"))
                    .expect("the test waits for the double");
                let counted = Arc::clone(&served);
                let listener = listener.tap_io(move |stream| {
                    let _ = stream.set_nodelay(true);
                    counted.accepted.fetch_add(1, Ordering::Relaxed);
                });
                let router = Router::new().fallback(answers::answer).with_state(served);
                tokio::select! {
                    ended = axum::serve(listener, router) => ended.expect("the double serves"),
                    _ = stopped => {}
                }
            });
        });
        Self {
            address: address.recv().expect("the double starts"),
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it answers, for `endpoints = { organizations = ..., sts = ... }`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The organization, to look at or to change. Answers wait while it is held.
    pub fn organization(&self) -> MutexGuard<'_, Organization> {
        lock(&self.state.organization)
    }

    /// The faults, to look at or to change. Answers wait while they are held.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.state.faults)
    }

    /// The calls so far.
    pub fn calls(&self) -> Calls {
        lock(&self.state.log).calls.clone()
    }

    /// How many connections of the network it accepted.
    pub fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        let mut log = lock(&self.state.log);
        log.calls = Calls::default();
        log.answered.clear();
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A test that panicked while it held the lock has failed already: the others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
