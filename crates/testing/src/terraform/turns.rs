//! Who may run Terraform now.

use std::sync::{Condvar, Mutex};
use std::thread;

/// A turn to run Terraform: a few at a time, so that they do not take memory and processors from each other.
pub(super) struct Turn;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

impl Turn {
    /// Waits until it is one's turn; the turn ends when this is dropped.
    pub(super) fn take() -> Self {
        let at_once = thread::available_parallelism().map_or(3, |cores| cores.get().max(3));
        let running = RUNNING.lock().expect("no test panics with it");
        let mut running = ENDED
            .wait_while(running, |running| *running >= at_once)
            .expect("no test panics with it");
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().expect("no test panics with it") -= 1;
        ENDED.notify_one();
    }
}
