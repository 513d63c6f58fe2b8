//! Races of threads and of processes, kills and the lock.

use std::collections::BTreeSet;

use std::fs;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orgmirror::catalog::*;

use tempfile::TempDir;

use crate::fixtures::*;
use crate::processes::*;

#[test]
fn threads_that_race_lose_nothing() {
    let place = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let directory = place.path();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let catalog = open(directory).await;
                    for n in 0..10 {
                        commit_one(&catalog, &format!("in_{thread}_{n}")).await;
                    }
                });
            });
        }
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let history = runtime.block_on(assert_contiguous(place.path(), true));
    assert_eq!(history.len(), 80);
    assert_eq!(
        created(&history).into_iter().collect::<BTreeSet<_>>().len(),
        80
    );
}

#[tokio::test]
async fn a_slow_writer_is_not_overtaken_for_ever() {
    let place = TempDir::new().unwrap();
    let mut fast = helper(place.path(), "commit-forever x");
    // Kept, as the other would die of a closed pipe.
    let mut lines = fast.lines();
    lines.next().unwrap();
    let applied = Arc::new(AtomicUsize::new(0));
    let slow = {
        let (applied, add) = (applied.clone(), add("in_slow", "slow"));
        move |document: &mut Document| {
            applied.fetch_add(1, Ordering::Relaxed);
            // Long enough for the other to commit several times.
            std::thread::sleep(Duration::from_millis(300));
            add(document)
        }
    };
    let catalog = open(place.path()).await;
    catalog.commit(&ada(), slow).await.unwrap();
    let applied = applied.load(Ordering::Relaxed);
    assert!(applied <= 2, "overtaken {applied} times");
    assert!(fast.0.try_wait().unwrap().is_none(), "there was no race");
    drop(fast);
    assert_contiguous(place.path(), false).await;
}

#[tokio::test]
async fn processes_that_race_lose_nothing() {
    let place = TempDir::new().unwrap();
    let writers: Vec<_> = (0..8)
        .map(|n| helper(place.path(), &format!("commit {n}")))
        .collect();
    writers.into_iter().for_each(Helper::wait);
    let history = assert_contiguous(place.path(), true).await;
    assert_eq!(history.len(), 160);
    let document = open(place.path()).await.read().await.unwrap().unwrap();
    let expected: BTreeSet<String> = (0..8)
        .flat_map(|writer| (0..20).map(move |n| format!("in_{writer}_{n}")))
        .collect();
    assert_eq!(ids(&document), expected);
}

#[tokio::test]
async fn killed_writers_lose_nothing_they_acknowledged() {
    let place = TempDir::new().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..10 {
        // Two at a time, so that one dies while the other waits, and both die somewhere else each time.
        let mut writers: Vec<_> = ["a", "b"]
            .map(|name| helper(place.path(), &format!("commit-forever {round}{name}")))
            .into();
        let lines: Vec<_> = (writers.iter_mut())
            .map(|writer| {
                let mut lines = writer.lines();
                let first = lines.next().unwrap();
                std::iter::once(first).chain(lines)
            })
            .collect();
        std::thread::sleep(Duration::from_micros(rand::random_range(0..40_000)));
        for writer in &mut writers {
            writer.0.kill().unwrap();
        }
        acknowledged.extend(lines.into_iter().flatten());
        drop(writers);

        let start = Instant::now();
        assert_contiguous(place.path(), false).await;
        let id = format!("in_after_{round}");
        let committed = commit_one(&open(place.path()).await, &id).await;
        acknowledged.insert(id);
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "the lock survived its holder"
        );
        let there = ids(&committed.document);
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
    let history = assert_contiguous(place.path(), true).await;
    let document = open(place.path()).await.read().await.unwrap().unwrap();
    assert_eq!(
        created(&history).into_iter().collect::<BTreeSet<_>>(),
        ids(&document)
    );
    assert!(acknowledged.len() >= 30);
}

#[tokio::test]
async fn the_lock_names_its_holder_and_dies_with_it() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    commit_one(&catalog, "in_a").await;
    let lock = place.path().join("tenants/acme/catalog.lock");
    assert_eq!(fs::read(&lock).unwrap(), b"", "nobody holds it");

    let mut holder = helper(place.path(), "lock tenants/acme/catalog.lock");
    assert_eq!(holder.lines().next().unwrap(), "locked");
    fs::write(&lock, "process 7 of ada@ci-7 since 2026-01-02T03:04:05Z\n").unwrap();
    let before = contents(place.path());
    let short = Disk::new(place.path(), TENANT).with_lock_timeout(Duration::from_millis(50));
    let impatient = Catalog::with_store(Arc::new(short), TENANT);
    let error = impatient
        .commit(&ada(), add("in_b", "b"))
        .await
        .unwrap_err()
        .to_string();
    for part in [
        lock.to_str().unwrap(),
        "process 7 of ada@ci-7 since 2026-01-02T03:04:05Z",
        "no file needs to be deleted",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(contents(place.path()), before);
    // Readers do not wait for it.
    assert!(catalog.read().await.unwrap().is_some());

    let waiting = tokio::spawn({
        let catalog = catalog.clone();
        async move { commit_one(&catalog, "in_c").await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    drop(holder);
    waiting.await.unwrap();
}

#[tokio::test]
async fn the_lock_says_who_holds_it() {
    let place = TempDir::new().unwrap();
    let lock = place.path().join("tenants/acme/catalog.lock");
    let mut writer = helper(place.path(), "commit-forever x");
    let pid = writer.0.id();
    let mut lines = writer.lines();
    lines.next().unwrap();
    // It is held for a moment per commit only.
    let start = Instant::now();
    let mut seen = String::new();
    while !seen.ends_with('\n') && start.elapsed() < Duration::from_secs(30) {
        seen = fs::read_to_string(&lock).unwrap();
    }
    let who = Who::here();
    let expected = format!("process {pid} of {}@{} since 20", who.user, who.host);
    assert!(seen.starts_with(&expected), "{seen:?}");
}
