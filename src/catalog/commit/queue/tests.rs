#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::path::Path;

use futures_util::FutureExt;

use super::*;
use crate::catalog::Catalog;
use crate::model::objects::Workspace;

/// A test that takes this long hangs. No machine needs as much.
const PATIENCE: Duration = Duration::from_secs(300);

/// Adds a workspace, and gives the version that has it.
async fn add(catalog: &Catalog, handle: &'static str) -> u64 {
    let change = move |document: &mut Document| {
        document.tenant_mut().put(Workspace {
            id: format!("ws_{handle}"),
            organization: "acme".into(),
            handle: handle.into(),
            attach: None,
            publish: [].into(),
        });
        Ok::<_, Infallible>(())
    };
    catalog
        .commit(&Who::here(), change)
        .await
        .unwrap()
        .document
        .version()
}

fn open(directory: &Path) -> Catalog {
    Catalog::on_disk(directory, "acme").unwrap()
}

#[tokio::test]
async fn expected_commits_are_written_together() {
    let directory = tempfile::tempdir().unwrap();
    let mut catalog = open(directory.path());
    Arc::get_mut(&mut catalog.inner).unwrap().batch_window = PATIENCE;
    let expected = [catalog.expect_commit(), catalog.expect_commit()];
    let mut commits = Vec::new();
    for (handle, expected) in ["one", "two"].into_iter().zip(expected) {
        let mut commit = Box::pin(add(&catalog, handle));
        // Polled, it is in the queue.
        assert!(commit.as_mut().now_or_never().is_none());
        commits.push(commit);
        // There is one thread, and its sleepers wake in turn: by then the writer has slept for a tick and looked.
        tokio::task::yield_now().await;
        tokio::time::sleep(4 * SHORTEST_TICK).await;
        assert_eq!(lock(&catalog.inner.queue).waiting.len(), commits.len());
        drop(expected);
    }
    for commit in commits {
        let version = tokio::time::timeout(PATIENCE / 2, commit).await;
        assert_eq!(version, Ok(1));
    }
}

#[tokio::test]
async fn an_expected_commit_that_never_comes_delays_no_other_for_long() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = open(directory.path());
    let _expected = catalog.expect_commit();
    let version = tokio::time::timeout(PATIENCE, add(&catalog, "one")).await;
    assert_eq!(version, Ok(1));
}
