//! The end of the process: its causes, and the calls that it finishes first.

use std::future::Future;
use std::io;
use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long applies in flight may take to finish once the process is to end.
///
/// Terraform waits for the answer to `Shutdown` for as long as the process lives, and kills it two
/// seconds after the answer; so the answer waits for the applies, and this bounds the wait.
pub(super) const APPLIES_MAY_TAKE: Duration = Duration::from_secs(10);

/// How often to look whether Terraform is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long Terraform may take to connect; go-plugin gives a plugin's start as long.
const MAY_CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// How long Terraform may stay away after its connection closed; gRPC reconnects after about a second.
const MAY_RECONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The stages of the end, which all parts of the process share: requested, then ending, then finished.
#[derive(Debug, Clone, Default)]
pub(super) struct Lifetime {
    requested: CancellationToken,
    ending: CancellationToken,
    finished: CancellationToken,
    applies: Count,
}

impl Lifetime {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Asks for the end, as Terraform does with `Shutdown`.
    pub(super) fn request_shutdown(&self) {
        self.requested.cancel();
    }

    pub(super) fn shutdown_requested(self) -> impl Future<Output = ()> + Send + 'static {
        self.requested.cancelled_owned()
    }

    /// Resolves when no apply is in flight any more, or the time for that is over: streams close now.
    pub(super) fn finished(self) -> impl Future<Output = ()> + Send + 'static {
        self.finished.cancelled_owned()
    }

    /// Notes an apply in flight for as long as the returned value lives; none when the process is ending.
    pub(super) fn begin_apply(&self) -> Option<Counted> {
        // The apply is counted before the look, so that `finish_applies` cannot miss it.
        let counted = self.applies.enter();
        (!self.ending.is_cancelled()).then_some(counted)
    }

    /// Lets no new apply begin and waits for those in flight; false when it took longer than `limit`.
    pub(super) async fn finish_applies(&self, limit: Duration) -> bool {
        self.ending.cancel();
        let complete = tokio::time::timeout(limit, self.applies.wait_for_zero())
            .await
            .is_ok();
        self.finished.cancel();
        complete
    }
}

/// Counts things that come and go.
#[derive(Debug, Clone)]
pub(super) struct Count(Arc<watch::Sender<Tally>>);

/// What a [`Count`] says at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// How many are there.
    now: usize,
    /// Whether there was one before, however briefly.
    ever: bool,
}

/// One of the things that a [`Count`] counts, for as long as it lives.
#[derive(Debug)]
pub(super) struct Counted(Count);

impl Default for Count {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Tally::default())))
    }
}

impl Count {
    pub(super) fn enter(&self) -> Counted {
        self.0.send_modify(|tally| {
            tally.now += 1;
            tally.ever = true;
        });
        Counted(self.clone())
    }

    fn tally(&self) -> Tally {
        *self.0.borrow()
    }

    async fn wait_for_zero(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.0.subscribe().wait_for(|tally| tally.now == 0).await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.send_modify(|tally| tally.now -= 1);
    }
}

/// The signals that this process handles.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            // Ctrl-C reaches the whole process group, and Terraform then decides: having a handler is to ignore it.
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Resolves with the signal that asks this process to end.
    pub(super) async fn terminated(mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.hangup.recv() => return "SIGHUP",
                Some(()) = self.interrupt.recv() => debug!("SIGINT is left to Terraform, which says when to stop"),
            }
        }
    }
}

/// Whether anybody is left to serve.
///
/// A killed Terraform sends nothing. The parent's number changes then; where a wrapper script stands between,
/// it does not, and the missing connection tells.
#[derive(Debug)]
pub(super) struct Host {
    parent: u32,
    last_seen: Instant,
}

impl Host {
    /// Takes the parent of this moment for the host, so this belongs at the very start of the process.
    pub(super) fn of_this_process() -> Self {
        Self {
            parent: parent_id(),
            last_seen: Instant::now(),
        }
    }

    /// Resolves, with the reason, when the host is gone.
    pub(super) async fn gone(mut self, connections: Count) -> &'static str {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(reason) = self.look(Instant::now(), parent_id(), connections.tally()) {
                return reason;
            }
        }
    }

    fn look(&mut self, now: Instant, parent: u32, connections: Tally) -> Option<&'static str> {
        if parent != self.parent {
            return Some("the process that started it is gone");
        }
        if connections.now > 0 {
            self.last_seen = now;
        }
        let patience = if connections.ever {
            MAY_RECONNECT_WITHIN
        } else {
            MAY_CONNECT_WITHIN
        };
        (now.duration_since(self.last_seen) > patience).then_some("nobody is connected")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn an_idle_process_finishes_at_once() {
        let lifetime = Lifetime::new();
        assert!(lifetime.finish_applies(Duration::ZERO).await);
        lifetime.finished().await;
    }

    #[tokio::test]
    async fn the_end_waits_for_applies_and_lets_none_begin() {
        let lifetime = Lifetime::new();
        let apply = lifetime.begin_apply().unwrap();
        let end = tokio::spawn({
            let lifetime = lifetime.clone();
            async move { lifetime.finish_applies(LONG).await }
        });
        lifetime.ending.cancelled().await;
        assert!(lifetime.begin_apply().is_none());
        tokio::task::yield_now().await;
        assert!(!end.is_finished() && !lifetime.finished.is_cancelled());
        drop(apply);
        assert!(end.await.unwrap());
        lifetime.finished().await;
    }

    #[tokio::test]
    async fn the_end_does_not_wait_for_ever() {
        let lifetime = Lifetime::new();
        let _apply = lifetime.begin_apply().unwrap();
        assert!(!lifetime.finish_applies(Duration::from_millis(10)).await);
        lifetime.finished().await;
    }

    const NOBODY_YET: Tally = Tally {
        now: 0,
        ever: false,
    };
    const CONNECTED: Tally = Tally { now: 1, ever: true };
    const LEFT: Tally = Tally { now: 0, ever: true };

    #[test]
    fn a_count_remembers_that_there_was_something() {
        let count = Count::default();
        assert!(count.tally().now == 0 && !count.tally().ever);
        let counted = (count.enter(), count.enter());
        assert_eq!(count.tally().now, 2);
        drop(counted);
        assert!(count.tally().now == 0 && count.tally().ever);
    }

    #[test]
    fn another_parent_means_gone() {
        let mut host = Host::of_this_process();
        let (parent, start) = (host.parent, host.last_seen);
        assert_eq!(host.look(start, parent, CONNECTED), None);
        assert!(host.look(start, parent + 1, CONNECTED).is_some());
    }

    #[test]
    fn nobody_connected_for_long_means_gone() {
        let moment = Duration::from_millis(1);
        for (tally, patience) in [
            (NOBODY_YET, MAY_CONNECT_WITHIN),
            (LEFT, MAY_RECONNECT_WITHIN),
        ] {
            let mut host = Host::of_this_process();
            let (parent, start) = (host.parent, host.last_seen);
            assert_eq!(host.look(start + patience, parent, tally), None);
            assert!(
                host.look(start + patience + moment, parent, tally)
                    .is_some()
            );
        }

        let mut host = Host::of_this_process();
        let (parent, closed) = (host.parent, host.last_seen + LONG);
        assert_eq!(host.look(closed, parent, CONNECTED), None);
        assert_eq!(host.look(closed + MAY_RECONNECT_WITHIN, parent, LEFT), None);
    }
}
