//! Directories that cannot hold a catalog, or not all of it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use orgmirror::catalog::*;

use tempfile::TempDir;

use crate::fixtures::*;
use crate::processes::*;

fn document_in(directory: &Path) -> PathBuf {
    directory.join(DOCUMENT)
}

#[tokio::test]
async fn places_that_cannot_hold_a_catalog_say_why() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("file"), "keep").unwrap();
    symlink("nowhere", place.path().join("dangling")).unwrap();
    fs::create_dir_all(place.path().join("directory/tenants/acme/catalog.json")).unwrap();
    let before = contents(place.path());

    let under_file = open(&place.path().join("file"));
    let error = under_file.read().await.unwrap_err().to_string();
    assert!(error.contains("file/tenants/acme/catalog.json"), "{error}");
    assert!(error.contains("not a directory; point"), "{error}");
    let error = under_file
        .commit(&ada(), add("in_a", "a"))
        .await
        .unwrap_err();
    assert!(matches!(error, CommitError::Read(_)), "{error}");

    let directory = open(&place.path().join("directory"));
    let error = directory.read().await.unwrap_err().to_string();
    assert!(error.contains("It must be a file"), "{error}");
    assert_eq!(contents(place.path()), before);

    let dangling = open(&place.path().join("dangling"));
    assert!(dangling.read().await.unwrap().is_none());
    let error = dangling.commit(&ada(), add("in_a", "a")).await.unwrap_err();
    assert!(matches!(error, CommitError::Write(_)), "{error}");
    assert!(error.to_string().contains("dangling"), "{error}");
    assert!(!place.path().join("nowhere").exists());
}

#[tokio::test]
async fn symbolic_links_to_directories_work_and_to_the_document_are_refused() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("real")).unwrap();
    symlink("real", place.path().join("link")).unwrap();
    commit_one(&open(&place.path().join("link")), "in_a").await;
    commit_one(&open(&place.path().join("real")), "in_b").await;
    let history = open(&place.path().join("link")).history(9).await;
    assert_eq!(history.unwrap().len(), 2);

    let document = document_in(&place.path().join("real"));
    let moved = place.path().join("moved.json");
    fs::rename(&document, &moved).unwrap();
    symlink(&moved, &document).unwrap();
    let catalog = open(&place.path().join("real"));
    assert_eq!(catalog.read().await.unwrap().unwrap().version(), 2);
    let before = contents(place.path());
    let error = catalog.commit(&ada(), add("in_c", "c")).await.unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(contents(place.path()), before);
}

#[tokio::test]
async fn the_document_keeps_its_permissions() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path());
    commit_one(&catalog, "in_a").await;
    let path = document_in(place.path());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    commit_one(&catalog, "in_b").await;
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
}

/// A limit on the size of files stops a write in its middle, as a full disk does.
#[tokio::test]
async fn a_write_that_stops_in_its_middle_leaves_the_document() {
    let place = TempDir::new().unwrap();
    let catalog = open(place.path());
    for n in 0..30 {
        commit_one(&catalog, &format!("in_{n}")).await;
    }
    let size = fs::metadata(document_in(place.path())).unwrap().len();
    assert!(size > 64 * 1024, "{size}");
    let before = contents(place.path());
    let said = told(limited_to(8 * 1024, place.path(), "try in_x"));
    assert!(said.contains("Full("), "{said}");
    assert!(said.contains("the catalog is as it was"), "{said}");
    assert_eq!(contents(place.path()), before);
    commit_one(&catalog, "in_y").await;
}

/// Permissions do not bind root, so that root lets another user try.
#[tokio::test]
async fn a_directory_without_permission_says_so() {
    let place = TempDir::new().unwrap();
    let catalog_directory = place.path().join("catalog");
    commit_one(&open(&catalog_directory), "in_a").await;
    let program = program_for_all(place.path());
    let attempt = |directory: &Path| told(as_nobody(&program, directory, "try in_b"));
    let closed = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };

    let tenant = catalog_directory.join("tenants/acme");
    closed(&tenant, 0o555);
    closed(&tenant.join("catalog.lock"), 0o444);
    closed(&tenant.join("catalog.json"), 0o444);
    let before = contents(place.path());
    let said = attempt(&catalog_directory);
    assert!(said.contains("Swap(Denied("), "{said}");
    assert!(said.contains("needs read and write permission"), "{said}");
    assert!(said.contains("catalog.json"), "{said}");

    closed(&tenant.join("catalog.json"), 0o000);
    let said = attempt(&catalog_directory);
    assert!(said.contains("Read(Store(Denied("), "{said}");
    closed(&tenant.join("catalog.json"), 0o444);
    assert_eq!(contents(place.path()), before);

    // Where there is nothing yet, nothing is left behind.
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    closed(&empty, 0o555);
    let said = attempt(&empty);
    assert!(said.contains("Swap(Denied("), "{said}");
    assert!(contents(&empty).is_empty());
    closed(&tenant, 0o755);
    closed(&empty, 0o755);
}

/// The document holds its own entry, so that a record that cannot be written is no loss; but it is not left to grow.
#[tokio::test]
async fn a_history_that_may_not_be_written_stops_the_commit_after_the_next() {
    let place = TempDir::new().unwrap();
    let directory = place.path().join("catalog");
    let catalog = open(&directory);
    commit_one(&catalog, "in_a").await;
    let program = program_for_all(place.path());
    let tenant = directory.join("tenants/acme");
    let closed = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for path in [&directory, &directory.join("tenants")] {
        closed(path, 0o755);
    }
    closed(&tenant, 0o777);
    closed(&tenant.join("catalog.lock"), 0o666);
    closed(&tenant.join("history"), 0o555);
    let attempt = |work| told(as_nobody(&program, &directory, work));
    assert_eq!(attempt("try in_b"), "committed");
    assert_eq!(catalog.history(9).await.unwrap().len(), 2);
    let before = fs::read(document_in(&directory)).unwrap();
    let said = attempt("try in_c");
    for part in [
        "History(Write(Denied(",
        "its history could not be brought up to date",
        "history/2.json",
        "needs read and write permission",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(fs::read(document_in(&directory)).unwrap(), before);

    closed(&tenant.join("history"), 0o755);
    commit_one(&catalog, "in_d").await;
    let history = catalog.history(9).await.unwrap();
    assert_eq!(created(&history), ["in_a", "in_b", "in_d"]);
    assert!(tenant.join("history/2.json").exists());
}
