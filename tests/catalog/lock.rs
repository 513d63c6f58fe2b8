//! The lock of a directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orgmirror::catalog::*;

use crate::fixtures::*;
use crate::place::Place;
use crate::processes::*;

/// The lock of a catalog on disk.
pub fn lock_of(place: &Place) -> PathBuf {
    Path::new(&place.address()).join("tenants/acme/catalog.lock")
}

#[tokio::test]
async fn a_slow_writer_is_not_overtaken_for_ever() {
    let place = Place::on_disk();
    filled(&place.open()).await;
    let mut fast = helper(&place, "write-forever x");
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
    let catalog = place.open();
    catalog.commit(&ada(), slow).await.unwrap();
    let applied = applied.load(Ordering::Relaxed);
    assert!(applied <= 2, "overtaken {applied} times");
    assert!(fast.0.try_wait().unwrap().is_none(), "there was no race");
    drop(fast);
    assert_contiguous(&place, false).await;
}

#[tokio::test]
async fn the_lock_names_its_holder_and_dies_with_it() {
    let place = Place::on_disk();
    let catalog = place.open();
    commit_one(&catalog, "in_a").await;
    let lock = lock_of(&place);
    assert_eq!(fs::read(&lock).unwrap(), b"", "nobody holds it");

    let mut holder = helper(&place, "lock tenants/acme/catalog.lock");
    assert_eq!(holder.lines().next().unwrap(), "locked");
    fs::write(&lock, "process 7 of ada@ci-7 since 2026-01-02T03:04:05Z\n").unwrap();
    let before = place.files().await;
    let short =
        Disk::new(Path::new(&place.address()), TENANT).with_lock_timeout(Duration::from_millis(50));
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
    assert_eq!(place.files().await, before);
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
    let place = Place::on_disk();
    let lock = lock_of(&place);
    filled(&place.open()).await;
    let mut writer = helper(&place, "write-forever x");
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
