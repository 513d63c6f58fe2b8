//! What the double does to its callers: faults, answers that it holds back, and the forms its answers take.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::organization::{Organization, Sequence};

/// How lists are cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paging {
    /// Full pages of MaxResults, at most 20.
    #[default]
    Full,
    /// As many empty pages with a token before each full one, and an empty last one without.
    EmptyBeforeEach(usize),
    /// Pages of random length from nothing to MaxResults.
    Random(u64),
}

/// What an account's state is told with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateForm {
    /// `State` and `Status`.
    #[default]
    Both,
    /// As AWS answers once Status has been retired.
    StateOnly,
    /// As AWS answered before State.
    StatusOnly,
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// Such as `TooManyRequestsException`.
    pub code: String,
    /// The text that comes with it.
    pub message: String,
}

impl Failure {
    /// An error answer.
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    /// The throttling of AWS Organizations.
    pub fn throttled() -> Self {
        Self::new(
            400,
            "TooManyRequestsException",
            "AWS Organizations can't complete your request because another request is already in progress. Try again later.",
        )
    }

    /// Throttling as a gateway in front of the service answers it.
    pub fn throttled_429() -> Self {
        Self::new(429, "ThrottlingException", "Rate exceeded")
    }

    /// An error inside the service.
    pub fn internal() -> Self {
        Self::new(
            500,
            "ServiceException",
            "AWS Organizations can't complete your request because of an internal service error. Try again later.",
        )
    }
}

/// Refuses every so many calls.
struct Throttle {
    /// None: all actions of AWS Organizations together.
    action: Option<String>,
    every: usize,
    came: usize,
    failure: Failure,
}

/// Refuses calls until enough different ones came.
struct Quorum {
    action: String,
    key: String,
    values: BTreeSet<String>,
    wanted: usize,
    failure: Failure,
}

/// Holds answers back until it is opened; one that is dropped stays shut.
#[derive(Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// Lets pass what waits and what is to come.
    pub fn open(&self) {
        self.0.send_replace(true);
    }
}

struct Hold {
    action: String,
    /// How many calls pass before one is held back.
    passing: usize,
    gate: watch::Receiver<bool>,
}

type Change = Box<dyn FnOnce(&mut Organization) + Send>;

struct Hook {
    action: String,
    call: usize,
    change: Change,
}

/// Faults in force. Actions are named as in the API: `ListAccounts`, `AssumeRole`.
#[derive(Default)]
pub struct Faults {
    /// Every answer takes at least this long. For benchmarks: tests [hold answers back](Self::hold).
    pub latency: Duration,
    /// Whether the caller's account is in no AWS organization.
    pub not_in_use: bool,
    /// How lists are cut into pages.
    pub paging: Paging,
    /// Whether accounts carry `Paths` and OUs `Path`.
    pub without_paths: bool,
    /// Accounts that carry no `Paths` although others do.
    pub without_paths_of: BTreeSet<String>,
    /// What an account's state is told with.
    pub state_form: StateForm,
    denied: BTreeSet<String>,
    first: BTreeMap<String, (usize, Failure)>,
    /// How many calls of an action pass before it fails.
    passing: BTreeMap<String, usize>,
    always: BTreeMap<String, Failure>,
    throttles: Vec<Throttle>,
    quorums: Vec<Quorum>,
    holds: Vec<Hold>,
    hooks: Vec<Hook>,
    pages: Option<Sequence>,
}

impl Faults {
    /// Refuses an action to everyone, as a missing IAM permission does.
    pub fn deny(&mut self, action: &str) {
        self.denied.insert(action.to_owned());
    }

    /// Allows an action again.
    pub fn allow(&mut self, action: &str) {
        self.denied.remove(action);
    }

    /// Fails the next `calls` calls of an action.
    pub fn fail_first(&mut self, action: &str, calls: usize, failure: Failure) {
        self.first.insert(action.to_owned(), (calls, failure));
    }

    /// Fails call `call` (the first is 1) of an action, and every later one.
    pub fn fail_from(&mut self, action: &str, call: usize, failure: Failure) {
        self.passing.insert(action.to_owned(), call - 1);
        self.fail_always(action, failure);
    }

    /// Fails every call of an action.
    pub fn fail_always(&mut self, action: &str, failure: Failure) {
        self.always.insert(action.to_owned(), failure);
    }

    /// Throttles: refuses every call whose number is a multiple of `every`. `action` none: all actions of AWS
    /// Organizations together.
    pub fn throttle(&mut self, action: Option<&str>, every: usize, failure: Failure) {
        self.throttles.push(Throttle {
            action: action.map(str::to_owned),
            every,
            came: 0,
            failure,
        });
    }

    /// Fails calls of an action until `wanted` different values of `key` have come: so many callers are then at it at once,
    /// because none of them had what it wants before.
    pub fn fail_until_different(
        &mut self,
        action: &str,
        key: &str,
        wanted: usize,
        failure: Failure,
    ) {
        self.quorums.push(Quorum {
            action: action.to_owned(),
            key: key.to_owned(),
            values: BTreeSet::new(),
            wanted,
            failure,
        });
    }

    /// Holds the answers of an action back.
    pub fn hold(&mut self, action: &str) -> Gate {
        self.hold_from(action, 1)
    }

    /// Holds back the answer to call `call` (the first from now on is 1) of an action, and to every later one.
    pub fn hold_from(&mut self, action: &str, call: usize) -> Gate {
        let (opened, gate) = watch::channel(false);
        self.holds.push(Hold {
            action: action.to_owned(),
            passing: call - 1,
            gate,
        });
        Gate(opened)
    }

    /// Never answers calls of an action.
    pub fn never_answer(&mut self, action: &str) {
        drop(self.hold(action));
    }

    /// Changes the organization right after the answer to call `call` (the first is 1) of an action was made.
    pub fn after(
        &mut self,
        action: &str,
        call: usize,
        change: impl FnOnce(&mut Organization) + Send + 'static,
    ) {
        self.hooks.push(Hook {
            action: action.to_owned(),
            call,
            change: Box::new(change),
        });
    }

    /// Removes all faults, gates and changes still to come; answers take their usual form.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What this call has to wait for.
    pub(super) fn held(&mut self, action: &str) -> Vec<watch::Receiver<bool>> {
        let mut gates = Vec::new();
        for hold in self.holds.iter_mut().filter(|hold| hold.action == action) {
            match hold.passing.checked_sub(1) {
                Some(passing) => hold.passing = passing,
                None => gates.push(hold.gate.clone()),
            }
        }
        gates
    }

    pub(super) fn is_denied(&self, action: &str) -> bool {
        self.denied.contains(action)
    }

    /// The failure that this call meets, if any.
    pub(super) fn failure(
        &mut self,
        action: &str,
        input: &Value,
        is_organizations: bool,
    ) -> Option<Failure> {
        if let Some((calls, failure)) = self.first.get_mut(action)
            && *calls > 0
        {
            *calls -= 1;
            return Some(failure.clone());
        }
        if let Some(failure) = self.always.get(action) {
            match self.passing.get_mut(action) {
                Some(passing) if *passing > 0 => *passing -= 1,
                _ => return Some(failure.clone()),
            }
        }
        for quorum in self.quorums.iter_mut().filter(|it| it.action == action) {
            quorum.values.insert(input[&quorum.key].to_string());
            if quorum.values.len() < quorum.wanted {
                return Some(quorum.failure.clone());
            }
        }
        for throttle in &mut self.throttles {
            let is_concerned = match &throttle.action {
                Some(name) => name == action,
                None => is_organizations,
            };
            if !is_concerned {
                continue;
            }
            throttle.came += 1;
            if throttle.came.is_multiple_of(throttle.every) {
                return Some(throttle.failure.clone());
            }
        }
        None
    }

    pub(super) fn changes_after(&mut self, action: &str, call: usize) -> Vec<Change> {
        let mut due = Vec::new();
        let mut later = Vec::new();
        for hook in self.hooks.drain(..) {
            if hook.action == action && hook.call == call {
                due.push(hook.change);
            } else {
                later.push(hook);
            }
        }
        self.hooks = later;
        due
    }

    /// How many items the next page may hold; `skipped` empty pages came right before it.
    pub(super) fn page_size(&mut self, limit: usize, skipped: usize) -> usize {
        match self.paging {
            Paging::Full => limit,
            Paging::EmptyBeforeEach(empty) => {
                if skipped < empty {
                    0
                } else {
                    limit
                }
            }
            Paging::Random(seed) => {
                let pages = self.pages.get_or_insert_with(|| Sequence::new(seed));
                // At most two empty pages in a row, so that every list ends.
                let least = usize::from(skipped >= 2);
                least + pages.below(limit + 1 - least)
            }
        }
    }
}
