//! Callers that are to stop, as Terraform is by Ctrl-C.

use std::fs;
use std::io::Write;

use orgmirror::catalog::*;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::faulty::*;
use crate::fixtures::*;
use crate::lock::lock_of;
use crate::logged;
use crate::place::{Place, on_each_store};

on_each_store!(
    a_commit_that_is_being_written_is_made_and_told,
    a_commit_that_loses_every_race_is_given_up,
    what_waits_with_a_stopped_one_goes_through,
    publishing_is_cut_short_and_made_good_by_the_next_commit,
);

/// Adds an integration of this ID unless it is to stop.
fn begin(
    catalog: &Catalog,
    stop: &CancellationToken,
    id: &'static str,
) -> JoinHandle<Result<Committed<()>, CommitError<String>>> {
    let (catalog, stop) = (catalog.clone(), stop.clone());
    tokio::spawn(async move {
        catalog
            .commit_unless_stopped(&ada(), &stop, add(id, id))
            .await
    })
}

/// The holder of the lock hangs; whoever waits for it can stop.
#[tokio::test]
async fn a_commit_that_waits_for_the_lock_is_given_up() {
    let place = Place::on_disk();
    commit_one(&place.open(), "in_a").await;
    let before = place.files().await;
    let mut lock = fs::File::options()
        .append(true)
        .open(lock_of(&place))
        .unwrap();
    lock.lock().unwrap();
    lock.write_all(b"process 7").unwrap();
    let catalog = place.open();
    let stop = CancellationToken::new();
    logged::listen();
    let waiting = begin(&catalog, &stop, "in_b");
    logged::lock_was_refused(&place.address(), "process 7").await;
    assert!(!waiting.is_finished());
    stop.cancel();
    let outcome = waiting.await.unwrap();
    assert!(matches!(outcome, Err(CommitError::Stopped)), "{outcome:?}");
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("nothing of it is in the catalog"), "{text}");
    assert_eq!(place.files().await, before);

    lock.unlock().unwrap();
    let committed = commit_one(&catalog, "in_c").await;
    assert_eq!(
        ids(&committed.document),
        ["in_a", "in_c"].map(str::to_owned).into()
    );
}

async fn a_commit_that_is_being_written_is_made_and_told(place: Place) {
    let store = Faulty::with_fault(&place, Operation::SwapDocument, 0, Fault::Hold);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let stop = CancellationToken::new();
    let begun = begin(&catalog, &stop, "in_a");
    store.stopped.notified().await;
    stop.cancel();
    store.go_on.notify_one();
    assert!(begun.await.unwrap().unwrap().written);
    assert_contiguous(&place, true).await;
}

async fn a_commit_that_loses_every_race_is_given_up(place: Place) {
    let store = Faulty::with_fault(&place, Operation::SwapDocument, 0, Fault::LoseForEver);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let stop = CancellationToken::new();
    let losing = begin(&catalog, &stop, "in_a");
    store.asked(Operation::SwapDocument, 3).await;
    stop.cancel();
    let outcome = losing.await.unwrap();
    assert!(matches!(outcome, Err(CommitError::Stopped)), "{outcome:?}");
    assert!(place.open().read().await.unwrap().is_none());
}

async fn what_waits_with_a_stopped_one_goes_through(place: Place) {
    let store = Faulty::with_fault(&place, Operation::Reserve, 0, Fault::Hold);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let stop = CancellationToken::new();
    let stopped = begin(&catalog, &stop, "in_a");
    let other = begin(&catalog, &CancellationToken::new(), "in_b");
    store.stopped.notified().await;
    stop.cancel();
    // At once: the other one is still held.
    let outcome = stopped.await.unwrap();
    assert!(matches!(outcome, Err(CommitError::Stopped)), "{outcome:?}");
    let committed = other.await.unwrap().unwrap();
    assert_eq!(ids(&committed.document), ["in_b".to_owned()].into());
}

async fn publishing_is_cut_short_and_made_good_by_the_next_commit(place: Place) {
    filled(&place.open()).await;
    let store = Faulty::with_fault(&place, Operation::Publish, 0, Fault::Hold);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let stop = CancellationToken::new();
    let publishing = begin(&catalog, &stop, "in_b");
    store.stopped.notified().await;
    stop.cancel();
    let committed = publishing.await.unwrap().unwrap();
    assert!(committed.written);
    let said: Vec<String> = committed.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("what is missing is published"), "{said:?}");
    let document = catalog.read().await.unwrap().unwrap();
    assert!(!catalog.in_sync(&document, "ws_security").await.unwrap());
    commit_one(&catalog, "in_c").await;
    assert_published(&place).await;
}
