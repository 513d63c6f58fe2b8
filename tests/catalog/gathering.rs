//! What the writer waits for before it writes.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::fixtures::*;

/// Longer than the writer waits for company, and much shorter than it waits for what is expected.
const A_WHILE: Duration = Duration::from_millis(50);

#[tokio::test]
async fn what_is_expected_is_written_together() {
    loop {
        let place = TempDir::new().unwrap();
        let catalog = open(place.path()).await;
        let started = Instant::now();
        let expected = [catalog.expect_commit(), catalog.expect_commit()];
        let mut commits = Vec::new();
        for (id, expected) in ["in_a", "in_b"].into_iter().zip(expected) {
            let catalog = catalog.clone();
            commits.push(tokio::spawn(async move {
                commit_one(&catalog, id).await.document.version()
            }));
            tokio::time::sleep(A_WHILE).await;
            drop(expected);
        }
        let was_held_up = started.elapsed() > 4 * A_WHILE;
        for commit in commits {
            let version = commit.await.unwrap();
            assert!(version == 1 || was_held_up, "version {version}");
        }
        if !was_held_up {
            break;
        }
    }
}

#[tokio::test]
async fn what_is_expected_and_never_comes_holds_nobody_up() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path()).await;
    let _expected = catalog.expect_commit();
    assert!(commit_one(&catalog, "in_a").await.written);
}
