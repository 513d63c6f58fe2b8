//! Clocks that jump.

use std::path::{Path, PathBuf};
use std::process::Command;

use orgmirror::model::objects::FolderPermission;
use tempfile::TempDir;

use crate::fixtures::*;
use crate::place::{Place, on_each_store};
use crate::processes::*;

on_each_store!(
    a_commit_from_the_future_is_followed_by_the_next,
    processes_whose_clocks_jump_lose_nothing,
);

async fn a_commit_from_the_future_is_followed_by_the_next(place: Place) {
    commit_one(&place.open(), "in_a").await;
    let committed = commit_one(&place.open(), "in_b").await;
    let at = &committed.document.last_commit().unwrap().at;
    for path in [DOCUMENT.to_owned(), entry_path(2)] {
        let text = String::from_utf8(place.get(&path).await.unwrap()).unwrap();
        place
            .put(&path, text.replace(at, "2099-01-01T00:00:00Z"))
            .await;
    }
    commit_one(&place.open(), "in_c").await;
    let history = assert_contiguous(&place, true).await;
    assert_eq!(created(&history), ["in_a", "in_b", "in_c"]);
    assert_eq!(history[1].at, "2099-01-01T00:00:00Z");
    assert!(history[2].at < history[1].at);
}

/// The library that `jumping_clock.c` is built to, and the directory that it goes with.
fn jumping_clock() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let library = directory.path().join("jumping_clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog/jumping_clock.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .status();
    let built = built.unwrap_or_else(|error| panic!("the tests need a C compiler, cc: {error}"));
    assert!(built.success(), "{built}");
    (directory, library)
}

/// moto takes calls whose clock is off, as S3 does for 15 minutes; beyond that S3 refuses them.
async fn processes_whose_clocks_jump_lose_nothing(place: Place) {
    filled(&place.open()).await;
    let (_directory, clock) = jumping_clock();
    let writers = ["a", "b", "c"].map(|name| {
        let mut command = helper_command(
            &std::env::current_exe().unwrap(),
            &place.address(),
            &format!("grant-and-declare {name}"),
        );
        Helper(command.env("LD_PRELOAD", &clock).spawn().unwrap())
    });
    writers.into_iter().for_each(Helper::wait);
    let document = place.open().read().await.unwrap().unwrap();
    assert_eq!(document.tenant().each::<FolderPermission>().len(), 3 * 6);
    let history = assert_contiguous(&place, true).await;
    // Were the clock not seen to jump, this test would say nothing.
    let is_in_order = history.windows(2).all(|pair| pair[0].at <= pair[1].at);
    assert!(!is_in_order, "{history:?}");
    assert_published(&place).await;
}
