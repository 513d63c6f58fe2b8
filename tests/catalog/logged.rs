//! What the catalog logs, so that a test waits for what another task has met instead of for some time.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::OnceLock;

use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::fixtures::PATIENCE;

/// What a writer says that finds the lock taken: once for each holder that it waits for.
const LOCK_IS_HELD: &str = "the lock is held by another writer";

type Fields = BTreeMap<&'static str, String>;

/// What was logged so far by whatever test. The log is the whole process's: `tracing` keeps for all threads whether
/// anybody wants an event, so a subscriber of one thread may miss what another thread met first.
fn log() -> &'static watch::Sender<Vec<Fields>> {
    static LOG: OnceLock<watch::Sender<Vec<Fields>>> = OnceLock::new();
    LOG.get_or_init(|| {
        let subscriber = Registry::default().with(Notes);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        watch::Sender::default()
    })
}

/// Begins to listen; what was logged before is lost.
pub fn listen() {
    log();
}

/// Whether a writer has found the lock at this place to be held by `holder`, a part of what the lock says. It must have
/// begun after [`listen`].
pub fn is_refused(place: &str, holder: &str) -> bool {
    log()
        .borrow()
        .iter()
        .any(|fields| is_it(fields, place, holder))
}

/// Waits until [`is_refused`].
pub async fn lock_was_refused(place: &str, holder: &str) {
    let mut log = log().subscribe();
    let seen = log.wait_for(|log| log.iter().any(|fields| is_it(fields, place, holder)));
    match tokio::time::timeout(PATIENCE, seen).await {
        Ok(seen) => drop(seen.unwrap()),
        Err(_) => panic!("nobody found {place} to be held by {holder:?}"),
    }
}

fn is_it(fields: &Fields, place: &str, holder: &str) -> bool {
    let is = |name, wanted: &str| fields.get(name).is_some_and(|found| found.contains(wanted));
    is("message", LOCK_IS_HELD) && is("place", place) && is("holder", holder)
}

/// Keeps the events about locks.
struct Notes;

impl<S: Subscriber> Layer<S> for Notes {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_event() && metadata.target().starts_with("orgmirror::catalog::disk")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Noted::default();
        event.record(&mut fields);
        log().send_modify(|log| log.push(fields.0));
    }
}

#[derive(Default)]
struct Noted(Fields);

impl Visit for Noted {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
