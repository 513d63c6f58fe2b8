//! Our own double of AWS Organizations and STS, for what other emulators lack: `Paths`, both forms of an account's
//! state, empty pages with a token, throttling, permissions, trust, and an AWS organization that changes while it is read,
//! its service control policies, and AWS Resource Explorer in its accounts. Of the Resource Groups Tagging API it has the
//! accounts' tags, of IAM the caller's access keys.
//!
//! No test may depend on how fast the machine is, so it counts calls and not seconds: a throttle refuses every so many
//! calls, and an answer that is held back comes when the test opens its gate, or never.
//!
//! It answers as the published API model says; `python/check_double.py` holds it to that. It lives in a thread of its own and
//! ends when dropped, so synchronous tests can use it too:
//!
//! ```no_run
//! # use orgmirror_testing::double::{Double, Organization};
//! # async fn test() {
//! let double = Double::start(Organization::generate(100, 1));
//! let gate = double.faults().hold("ListRoots");
//! double.organization().rename_account("111122223333", "new name");
//! // endpoints = { organizations = double.url(), sts = double.url() }
//! double.until(|calls| calls.under_way("ListRoots") == 1).await;
//! gate.open();
//! # }
//! ```
//!
//! Every access key works and is a user of the management account, unless the organization says otherwise.

mod answers;
mod explorer;
mod faults;
mod iam;
mod organization;
mod policies;
mod tagging;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

pub use explorer::{Explorer, Index};
pub use faults::{Failure, Faults, Gate, Paging, StateForm};
pub use organization::{Account, KeyFault, Organization, Role, Sequence, Unit};
pub use policies::{Controls, FULL_ACCESS, Policy};

/// How long [`Double::until`] waits. Only a limit against hanging: what is waited for takes moments, this is minutes.
const HANGING: Duration = Duration::from_secs(10 * 60);

/// One call that came.
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
    /// What became of it.
    pub progress: Progress,
    /// Code of the error answered, if one was.
    pub error: Option<String>,
    /// How many calls were under way when it came, itself among them.
    pub at_once: usize,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It waits for its answer.
    UnderWay,
    /// It has its answer.
    Answered,
    /// The caller hung up before there was an answer.
    GivenUp,
}

/// The calls that came so far, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    calls: Vec<Call>,
}

impl Calls {
    /// How many calls of an action came, those that failed among them.
    pub fn count(&self, action: &str) -> usize {
        self.of(action).count()
    }

    /// How many calls of an action wait for their answers.
    pub fn under_way(&self, action: &str) -> usize {
        let is_under_way = |call: &&Call| call.progress == Progress::UnderWay;
        self.of(action).filter(is_under_way).count()
    }

    /// How many calls of an action have an answer, be it an error.
    pub fn answered(&self, action: &str) -> usize {
        let is_answered = |call: &&Call| call.progress == Progress::Answered;
        self.of(action).filter(is_answered).count()
    }

    /// How many calls of an action were answered with an error.
    pub fn failed(&self, action: &str) -> usize {
        self.of(action).filter(|call| call.error.is_some()).count()
    }

    /// Calls of an action.
    pub fn of(&self, action: &str) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.action == action)
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

    /// The largest number of calls under way at once when one of these came.
    pub fn peak(&self, is_counted: impl Fn(&Call) -> bool) -> usize {
        let counted = self.calls.iter().filter(|call| is_counted(call));
        counted.map(|call| call.at_once).max().unwrap_or(0)
    }
}

#[derive(Default)]
struct Log {
    calls: Calls,
    /// How many came before these and were forgotten.
    forgotten: usize,
    running: usize,
    /// Answers made per action, for the changes that follow on one.
    answered: BTreeMap<String, usize>,
}

impl Log {
    /// Notes a call that came, and gives its number.
    fn begin(&mut self, mut call: Call) -> usize {
        self.running += 1;
        call.at_once = self.running;
        self.calls.calls.push(call);
        self.forgotten + self.calls.calls.len()
    }

    /// Notes what became of a call.
    fn end(&mut self, number: usize, progress: Progress, error: Option<String>) {
        self.running -= 1;
        let place = number.checked_sub(self.forgotten + 1);
        if let Some(call) = place.and_then(|place| self.calls.calls.get_mut(place)) {
            call.progress = progress;
            call.error = error;
        }
    }
}

struct State {
    organization: Mutex<Organization>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    /// Told of every change of the log.
    logged: watch::Sender<()>,
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
            logged: watch::Sender::new(()),
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

    /// Waits until the calls are as they are wanted.
    pub async fn until(&self, are_so: impl Fn(&Calls) -> bool) {
        let mut logged = self.state.logged.subscribe();
        let waited = tokio::time::timeout(HANGING, async {
            while !are_so(&lock(&self.state.log).calls) {
                logged.changed().await.expect("the double is there");
            }
        });
        if waited.await.is_err() {
            panic!("what is waited for did not come: {:#?}", self.calls());
        }
    }

    /// How many connections of the network it accepted.
    pub fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        let mut log = lock(&self.state.log);
        log.forgotten += log.calls.total();
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
