//! Races of threads and of processes.

use std::collections::BTreeSet;

use orgmirror::catalog::Catalog;
use orgmirror::model::objects::{FolderPermission, Workspace};

use crate::fixtures::*;
use crate::place::{Place, on_each_store, store_at};
use crate::processes::*;

on_each_store!(
    threads_that_race_lose_nothing,
    processes_that_race_lose_nothing_and_publish_the_last_version,
);

async fn threads_that_race_lose_nothing(place: Place) {
    const THREADS: usize = 8;
    const EACH: usize = 3;
    let address = place.address();
    let threads = (0..THREADS).map(|thread| {
        let address = address.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let catalog = Catalog::with_store(store_at(&address), TENANT);
                for n in 0..EACH {
                    commit_one(&catalog, &format!("in_{thread}_{n}")).await;
                }
            });
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    let history = assert_contiguous(&place, true).await;
    assert_eq!(history.len(), THREADS * EACH);
    let all: BTreeSet<String> = created(&history).into_iter().collect();
    assert_eq!(all.len(), THREADS * EACH);
}

async fn processes_that_race_lose_nothing_and_publish_the_last_version(place: Place) {
    filled(&place.open()).await;
    let writers: Vec<_> = (0..8)
        .map(|n| helper(&place, &format!("grant-and-declare {n}")))
        .collect();
    writers.into_iter().for_each(Helper::wait);
    let document = place.open().read().await.unwrap().unwrap();
    assert_eq!(document.tenant().each::<FolderPermission>().len(), 8 * 6);
    assert_eq!(document.tenant().each::<Workspace>().len(), 2 + 8 * 3);
    assert_contiguous(&place, true).await;
    assert_published(&place).await;
}
