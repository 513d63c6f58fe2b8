//! The lock of a directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use orgmirror::catalog::*;
use orgmirror::model::objects::FolderPermission;

use crate::fixtures::*;
use crate::logged;
use crate::place::Place;
use crate::processes::*;

/// The lock of a catalog on disk.
pub fn lock_of(place: &Place) -> PathBuf {
    Path::new(&place.address()).join("tenants/acme/catalog.lock")
}

/// Another writer, which grants for as long as somebody hears of it, and what it granted.
fn fast_writer(place: &Place) -> (JoinHandle<()>, mpsc::Receiver<String>) {
    let catalog = place.open();
    let (granted, hears) = mpsc::channel();
    let writer = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for n in 0.. {
                let id = format!("fp_{n}");
                put(&catalog, folder_permission(&id, "in_a", "acme")).await;
                if granted.send(id).is_err() {
                    return;
                }
            }
        });
    });
    (writer, hears)
}

#[tokio::test]
async fn a_slow_writer_is_not_overtaken_for_ever() {
    let place = Place::on_disk();
    filled(&place.open()).await;
    logged::listen();
    let (fast, granted) = fast_writer(&place);
    let granted = Mutex::new(granted);
    let applied = Arc::new(AtomicUsize::new(0));
    let slow = {
        let (place, lock, add) = (place.address(), lock_of(&place), add("in_slow", "slow"));
        let applied = applied.clone();
        move |document: &mut Document| {
            // So slow that the other has committed something on top of this document. From the second time on the lock is
            // reserved, so that the other is refused instead.
            match applied.fetch_add(1, Ordering::Relaxed) {
                0 => {
                    let has = |id: &str| document.tenant().get::<FolderPermission>(id).is_some();
                    let granted = granted.lock().unwrap();
                    granted.iter().find(|id| !has(id)).unwrap();
                }
                _ => {
                    let holder = fs::read_to_string(&lock).unwrap();
                    assert!(holder.starts_with("process "), "nobody holds it");
                    let start = Instant::now();
                    while !logged::is_refused(&place, holder.trim()) {
                        assert!(start.elapsed() < PATIENCE, "the other does not try");
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            }
            add(document)
        }
    };
    let catalog = place.open();
    catalog.commit(&ada(), slow).await.unwrap();
    assert_eq!(applied.load(Ordering::Relaxed), 2);
    fast.join().unwrap();
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

    // A writer that waits looks again and again.
    let named = |holder: &str| fs::write(&lock, format!("{holder} of ada@ci-7\n")).unwrap();
    logged::listen();
    named("process 8");
    let waiting = tokio::spawn({
        let catalog = catalog.clone();
        async move { commit_one(&catalog, "in_c").await }
    });
    logged::lock_was_refused(&place.address(), "process 8 ").await;
    named("process 9");
    logged::lock_was_refused(&place.address(), "process 9 ").await;
    assert!(!waiting.is_finished());
    assert_eq!(place.files().await, before);
    drop(holder);
    waiting.await.unwrap();
}

#[tokio::test]
async fn the_lock_says_who_holds_it() {
    let place = Place::on_disk();
    let mut writer = helper(&place, "reserve lock");
    assert_eq!(writer.lines().next().unwrap(), "reserved");
    let said = fs::read_to_string(lock_of(&place)).unwrap();
    let (who, pid) = (Who::here(), writer.0.id());
    let expected = format!("process {pid} of {}@{} since 20", who.user, who.host);
    assert!(
        said.starts_with(&expected) && said.ends_with('\n'),
        "{said:?}"
    );
}
