//! Crashes and failures at every operation.

use std::fs;
use std::os::unix::fs::symlink;

use orgmirror::catalog::*;
use orgmirror::model::objects::Integration;

use tempfile::TempDir;

use crate::faulty::*;
use crate::fixtures::*;
use crate::place::{Place, on_each_store};

on_each_store!(
    every_crash_point_leaves_the_old_or_the_new_document_and_a_whole_record,
    a_failure_that_cannot_be_looked_up_says_that_the_outcome_is_unknown,
);

async fn every_crash_point_leaves_the_old_or_the_new_document_and_a_whole_record(place: Place) {
    use Fault::*;
    use Operation::*;
    let mut met = 0;
    for operation in [
        ReadDocument,
        Reserve,
        SwapDocument,
        ReadHistory,
        WriteHistory,
    ] {
        for call in 0.. {
            if !is_met(&place.another(), operation, call, FailBefore).await {
                break;
            }
            for fault in [FailAfter, StopBefore, StopAfter] {
                assert!(is_met(&place.another(), operation, call, fault).await);
            }
            met += 1;
        }
    }
    // Two reads of the history and two of its writes, and one each of the others. Were the faults never met, this test
    // would say nothing.
    assert_eq!(met, 7);
}

/// Commits with a fault, after a writer that died between its swap and its record; whether the fault was met.
async fn is_met(place: &Place, operation: Operation, call: usize, fault: Fault) -> bool {
    let name = format!("{operation:?} {call} {fault:?}");
    let died = Faulty::with_fault(place, Operation::WriteHistory, 1, Fault::StopBefore);
    let before = Catalog::with_store(died.clone(), TENANT);
    commit_one(&before, "in_1").await;
    tokio::select! {
        _ = commit_one(&before, "in_2") => panic!("{name}"),
        () = died.stopped.notified() => {}
    }
    assert_eq!(place.get(&entry_path(2)).await, None);
    assert_contiguous(place, false).await;

    let store = Faulty::with_fault(place, operation, call, fault);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let who = ada();
    let outcome = tokio::select! {
        outcome = catalog.commit(&who, add("in_3", "in_3")) => Some(outcome),
        () = store.stopped.notified() => None,
    };
    if store.count(operation) <= call {
        return false;
    }

    // What was acknowledged is there; what was not is there whole or not at all.
    let document = place.open().read().await.unwrap().unwrap();
    assert_contiguous(place, false).await;
    let is_new = document.tenant().get::<Integration>("in_3").is_some();
    assert_eq!(document.version(), if is_new { 3 } else { 2 }, "{name}");
    match outcome {
        Some(Ok(_)) => assert!(is_new, "{name}"),
        Some(Err(error)) => {
            assert!(!is_new, "{name}: {error}");
            assert!(error.to_string().contains("injected"), "{name}: {error}");
        }
        None => {}
    }
    // The next commit completes the record, whoever makes it.
    commit_one(&place.open(), "in_4").await;
    let history = assert_contiguous(place, true).await;
    let mut expected = vec!["in_1", "in_2", "in_3", "in_4"];
    expected.retain(|id| is_new || *id != "in_3");
    assert_eq!(created(&history), expected, "{name}");
    true
}

async fn a_failure_that_cannot_be_looked_up_says_that_the_outcome_is_unknown(place: Place) {
    let store = Faulty::with_fault(&place, Operation::SwapDocument, 0, Fault::FailForGood);
    let catalog = Catalog::with_store(store, TENANT);
    let Err(CommitError::Write(error)) = catalog.commit(&ada(), add("in_a", "a")).await else {
        panic!();
    };
    assert!(matches!(*error, WriteError::Unknown(_)), "{error:?}");
    assert!(error.to_string().contains("is not known"), "{error}");
    assert_contiguous(&place, false).await;
}

#[tokio::test]
async fn what_a_killed_writer_left_is_replaced() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path());
    commit_one(&catalog, "in_a").await;
    let temporary = place.path().join("tenants/acme/.catalog.json.tmp");
    let elsewhere = place.path().join("elsewhere");
    fs::write(&elsewhere, "keep").unwrap();
    symlink(&elsewhere, &temporary).unwrap();
    commit_one(&catalog, "in_b").await;
    assert!(!temporary.exists());
    assert_eq!(fs::read(&elsewhere).unwrap(), b"keep");
    fs::write(&temporary, "{\"schema_ver").unwrap();
    commit_one(&catalog, "in_c").await;
    assert!(!temporary.exists());
    let left = contents(place.path());
    let mut names = left.keys().filter_map(|path| path.file_name()?.to_str());
    assert!(!names.any(|name| name.ends_with(".tmp")), "{left:?}");
}
