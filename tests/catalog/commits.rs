//! Commits: compare-and-swap and group commit.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use orgmirror::catalog::*;
use orgmirror::model::objects::Integration;

use crate::faulty::*;
use crate::fixtures::*;
use crate::place::{Place, on_each_store};

on_each_store!(
    a_change_of_nothing_writes_nothing,
    a_lost_race_applies_the_change_again,
    a_change_that_conflicts_with_the_faster_one_is_told_so,
    a_swap_of_unknown_outcome_is_looked_up,
    concurrent_changes_are_written_together_and_fail_alone,
    changes_of_different_callers_are_recorded_apart,
    a_document_that_vanished_is_not_made_again_unasked,
    a_document_put_back_by_hand_keeps_the_record,
    a_dropped_commit_is_finished_or_never_begun,
);

async fn a_change_of_nothing_writes_nothing(place: Place) {
    let store = Faulty::new(&place);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let nothing = |document: &mut Document| {
        let same = document.tenant().get::<Integration>("in_a").cloned();
        if let Some(same) = same {
            document.tenant_mut().put(same);
        }
        Ok::<_, Infallible>(document.exists())
    };
    let committed = catalog.commit(&ada(), nothing).await.unwrap();
    assert!(!committed.value && !committed.written && !committed.document.exists());
    assert!(place.files().await.is_empty());

    commit_one(&catalog, "in_a").await;
    let before = place.files().await;
    let committed = catalog.commit(&ada(), nothing).await.unwrap();
    assert!(committed.value && !committed.written);
    assert_eq!(committed.document.version(), 1);
    assert_eq!(place.files().await, before);
    assert_eq!(store.count(Operation::SwapDocument), 1);
}

async fn a_lost_race_applies_the_change_again(place: Place) {
    // The first document, and one that replaces another.
    for before in [0, 1] {
        let place = place.another();
        for _ in 0..before {
            commit_one(&place.open(), "in_before").await;
        }
        let store = Faulty::new(&place);
        let catalog = Catalog::with_store(store.clone(), TENANT);
        *store.intruder.lock().unwrap() = Some((place.open(), "in_faster"));
        let applied = Arc::new(AtomicUsize::new(0));
        let counted = {
            let (applied, add) = (applied.clone(), add("in_a", "a"));
            move |document: &mut Document| {
                applied.fetch_add(1, Ordering::Relaxed);
                add(document)
            }
        };
        let committed = catalog.commit(&ada(), counted).await.unwrap();
        assert_eq!(applied.load(Ordering::Relaxed), 2);
        let there = before + 2;
        assert_eq!(committed.document.version(), there as u64);
        assert_eq!(ids(&committed.document).len(), there);
        assert_contiguous(&place, true).await;
    }
}

async fn a_change_that_conflicts_with_the_faster_one_is_told_so(place: Place) {
    let store = Faulty::new(&place);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    *store.intruder.lock().unwrap() = Some((place.open(), "in_faster"));
    let committed = catalog.commit(&ada(), add("in_a", "in_faster")).await;
    let Err(CommitError::Conflict(conflict)) = committed else {
        panic!("{committed:?}");
    };
    assert_eq!(conflict, "in_faster is taken by in_faster");
    assert_contiguous(&place, true).await;
}

async fn a_swap_of_unknown_outcome_is_looked_up(place: Place) {
    for fault in [Fault::FailAfter, Fault::LoseAgainstItself] {
        for intruder in [None, Some("in_on_top")] {
            let place = place.another();
            let store = Faulty::with_fault(&place, Operation::SwapDocument, 0, fault);
            let catalog = Catalog::with_store(store.clone(), TENANT);
            let other = place.open();
            *store.intruder.lock().unwrap() = intruder.map(|id| (other, id));
            // Applied twice it would conflict with itself.
            commit_one(&catalog, "in_a").await;
            let document = catalog.read().await.unwrap().unwrap();
            let expected = 1 + usize::from(intruder.is_some());
            assert_eq!(
                document.tenant().each::<Integration>().len(),
                expected,
                "{fault:?}"
            );
            assert_eq!(document.version(), expected as u64, "{fault:?}");
            assert_contiguous(&place, true).await;
        }
    }
}

async fn concurrent_changes_are_written_together_and_fail_alone(place: Place) {
    let store = Faulty::new(&place);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let commits: Vec<_> = (0..500)
        .map(|n| {
            let catalog = catalog.clone();
            tokio::spawn(async move {
                // Every tenth change spoils the document and then refuses, every hundredth panics.
                let add = add(&format!("in_{n}"), &format!("h{n}"));
                let change = move |document: &mut Document| {
                    add(document)?;
                    if n % 100 == 5 {
                        panic!("a bug, on purpose");
                    }
                    if n % 10 == 0 {
                        return Err(format!("refused {n}"));
                    }
                    Ok(())
                };
                catalog.commit(&ada(), change).await
            })
        })
        .collect();
    for (n, commit) in commits.into_iter().enumerate() {
        match commit.await.unwrap() {
            Err(CommitError::Panicked) => assert_eq!(n % 100, 5),
            Err(CommitError::Conflict(text)) => {
                assert_eq!(n % 10, 0);
                assert_eq!(text, format!("refused {n}"));
            }
            Ok(committed) => {
                assert!(n % 10 != 0 && n % 100 != 5);
                let id = format!("in_{n}");
                assert!(
                    committed
                        .document
                        .tenant()
                        .get::<Integration>(&id)
                        .is_some()
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let expected: BTreeSet<String> = (0..500)
        .filter(|n| n % 10 != 0 && n % 100 != 5)
        .map(|n| format!("in_{n}"))
        .collect();
    assert_eq!(ids(&catalog.read().await.unwrap().unwrap()), expected);
    // There is one thread, so all of them wait before the writer looks.
    assert_eq!(store.count(Operation::SwapDocument), 1);
    let history = assert_contiguous(&place, true).await;
    assert_eq!(
        created(&history).into_iter().collect::<BTreeSet<_>>(),
        expected
    );
}

async fn changes_of_different_callers_are_recorded_apart(place: Place) {
    let catalog = place.open();
    let arn = "arn:aws:sts::111111111111:assumed-role/ci/run";
    let (user, caller) = (ada(), ada().with_arn(arn));
    let (one, two) = tokio::join!(
        catalog.commit(&user, add("in_a", "a")),
        catalog.commit(&caller, add("in_b", "b")),
    );
    one.unwrap();
    two.unwrap();
    let who: Vec<String> = (assert_contiguous(&place, true).await.iter())
        .map(|entry| entry.who.to_string())
        .collect();
    assert_eq!(who, ["ada@ci-7", arn]);
}

async fn a_document_that_vanished_is_not_made_again_unasked(place: Place) {
    let catalog = place.open();
    commit_one(&catalog, "in_a").await;
    commit_one(&catalog, "in_b").await;
    place.remove(DOCUMENT).await;
    let update = |document: &mut Document| match document.exists() {
        true => Ok(()),
        false => Err("gone"),
    };
    let committed = catalog.commit(&ada(), update).await;
    assert!(matches!(committed, Err(CommitError::Conflict("gone"))));
    assert_eq!(place.get(DOCUMENT).await, None);

    // A create is meant: it starts anew, above what is recorded, and the record stays.
    let committed = commit_one(&catalog, "in_c").await;
    assert_eq!(committed.document.version(), 3);
    let history = place.open().history(9).await.unwrap();
    let versions: Vec<_> = history.iter().map(|e| (e.version, e.previous)).collect();
    assert_eq!(versions, [(1, 0), (2, 1), (3, 0)]);
}

async fn a_document_put_back_by_hand_keeps_the_record(place: Place) {
    let catalog = place.open();
    commit_one(&catalog, "in_a").await;
    let backup = place.get(DOCUMENT).await.unwrap();
    commit_one(&catalog, "in_b").await;
    commit_one(&catalog, "in_c").await;
    place.put(DOCUMENT, backup).await;
    let committed = commit_one(&catalog, "in_d").await;
    assert_eq!(committed.document.version(), 4);
    assert_eq!(
        ids(&committed.document),
        ["in_a", "in_d"].map(str::to_owned).into()
    );
    let history = catalog.history(3).await.unwrap();
    let versions: Vec<_> = history.iter().map(|e| (e.version, e.previous)).collect();
    assert_eq!(versions, [(2, 1), (3, 2), (4, 1)]);
    assert_eq!(created(&history), ["in_b", "in_c", "in_d"]);
}

async fn a_dropped_commit_is_finished_or_never_begun(place: Place) {
    commit_one(&place.open(), "in_0").await;
    // Dropped while the swap is being made: it is made and recorded whole.
    let store = Faulty::with_fault(&place, Operation::SwapDocument, 0, Fault::Hold);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let begun = tokio::spawn({
        let catalog = catalog.clone();
        async move { catalog.commit(&ada(), add("in_a", "a")).await.map(|_| ()) }
    });
    store.stopped.notified().await;
    // Dropped while it waits for that one: it is never begun.
    let who = ada();
    let mut waiting = Box::pin(catalog.commit(&who, add("in_b", "b")));
    // Polled, it is in the queue.
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(waiting);
    begun.abort();
    assert!(begun.await.unwrap_err().is_cancelled());
    store.go_on.notify_one();

    let committed = commit_one(&catalog, "in_c").await;
    assert_eq!(
        ids(&committed.document),
        ["in_0", "in_a", "in_c"].map(str::to_owned).into()
    );
    assert_contiguous(&place, true).await;
}

#[test]
fn a_runtime_that_goes_down_leaves_the_catalog_usable() {
    let place = Place::on_disk();
    let new_runtime = || tokio::runtime::Runtime::new().unwrap();
    let store = Faulty::with_fault(&place, Operation::SwapDocument, 0, Fault::StopBefore);
    let catalog = Catalog::with_store(store.clone(), TENANT);
    let runtime = new_runtime();
    let mut commit = {
        let catalog = catalog.clone();
        Box::pin(async move { catalog.commit(&ada(), add("in_a", "a")).await })
    };
    runtime.block_on(async {
        tokio::select! {
            _ = &mut commit => panic!("it was stopped"),
            () = store.stopped.notified() => {}
        }
    });
    drop(runtime);
    let outcome = new_runtime().block_on(commit);
    assert!(
        matches!(outcome, Err(CommitError::Interrupted)),
        "{outcome:?}"
    );
    let runtime = new_runtime();
    let next = async { tokio::time::timeout(PATIENCE, commit_one(&catalog, "in_b")).await };
    runtime
        .block_on(next)
        .expect("a writer that is gone blocks the next");
}
