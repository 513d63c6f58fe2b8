//! Whole processes, killed while they write.

use std::collections::BTreeSet;
use std::env;
use std::time::Duration;

use orgmirror::model::objects::{FolderPermission, Workspace};

use crate::fixtures::*;
use crate::place::{Place, on_each_store};
use crate::processes::*;

on_each_store!(killed_writers_lose_nothing_and_leave_nothing_that_is_not_repaired);

/// How many processes are killed in each store. CONTRIBUTING.md has the command of a soak.
const KILLS: &str = "ORGMIRROR_TEST_KILLS";
const FEW: usize = 12;

/// After so many rounds another catalog is begun, as the history is read whole at its end.
const ROUNDS_OF_A_CATALOG: usize = 25;

/// What the killed left, to see that they die everywhere.
#[derive(Debug, Default)]
struct Left {
    kills: usize,
    acknowledged: usize,
    records_missing: usize,
    begun_files: usize,
    out_of_sync: usize,
}

async fn killed_writers_lose_nothing_and_leave_nothing_that_is_not_repaired(place: Place) {
    let kills = env::var(KILLS).map_or(FEW, |kills| kills.parse().unwrap());
    let mut left = Left::default();
    while left.kills < kills {
        let place = place.another();
        filled(&place.open()).await;
        for round in 0..ROUNDS_OF_A_CATALOG {
            if left.kills < kills {
                kill_some(&place, round, &mut left).await;
            }
        }
        assert_contiguous(&place, true).await;
        println!("{left:?}");
    }
}

/// Four at a time, so that some die while another writes, and all die somewhere else each time.
async fn kill_some(place: &Place, round: usize, left: &mut Left) {
    let way = place.way();
    let mut writers = ["a", "b", "c", "d"]
        .map(|name| helper_at(&way.address, &format!("write-forever {round}{name}")));
    let lines = writers.each_mut().map(|writer| {
        let mut lines = writer.lines();
        let first: Vec<_> = lines.by_ref().take(rand::random_range(1..4)).collect();
        first.into_iter().chain(lines)
    });
    tokio::time::sleep(Duration::from_micros(rand::random_range(0..60_000))).await;
    for writer in &mut writers {
        writer.0.kill().unwrap();
    }
    let acknowledged: BTreeSet<String> = lines.into_iter().flatten().collect();
    left.kills += writers.len();
    left.acknowledged += acknowledged.len();
    drop(writers);
    way.close().await;

    // The document is a whole one with all that was acknowledged, and the record ends with its commit.
    let catalog = place.open();
    let document = catalog.read().await.unwrap().unwrap();
    let granted = document.tenant().each::<FolderPermission>();
    let granted: BTreeSet<String> = granted.map(|permission| permission.id.clone()).collect();
    let lost: Vec<_> = acknowledged.difference(&granted).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let history = catalog.history(3).await.unwrap();
    let versions: Vec<u64> = history.iter().map(|entry| entry.version).collect();
    let last = document.version();
    assert_eq!(versions, (last.max(3) - 2..=last).collect::<Vec<_>>());
    assert_eq!(history.last(), document.last_commit());
    let recorded = place.store().list_history().await.unwrap();
    left.records_missing += usize::from(!recorded.contains(&last));

    // Whether publications are what it says, the catalog tells.
    let found = published(place).await;
    left.begun_files += found.keys().filter(|path| path.ends_with(".tmp")).count();
    let is_right = expected(&document)
        .iter()
        .all(|file| found.get(file.0) == Some(file.1));
    let mut is_in_sync = true;
    for workspace in document.tenant().each::<Workspace>() {
        is_in_sync &= catalog.in_sync(&document, &workspace.id).await.unwrap();
    }
    assert_eq!(is_in_sync, is_right);
    left.out_of_sync += usize::from(!is_right);

    // The next commit, whoever makes it, repairs what is left, and waits for nobody.
    let id = format!("fp_{round}_next");
    put(&catalog, folder_permission(&id, "in_a", "acme")).await;
    assert_published(place).await;
}
