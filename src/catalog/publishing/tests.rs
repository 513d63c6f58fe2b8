#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::sync::{Render, Renderer};
use super::*;
use crate::catalog::history::Who;
use crate::model::visibility::View;
use crate::publish::sample::integration;
use crate::publish::{Publication, publications};

fn workspace(handle: &str) -> Workspace {
    Workspace {
        id: format!("ws_{handle}"),
        organization: "acme".into(),
        handle: handle.into(),
        attach: None,
        publish: [("json".to_owned(), BTreeMap::new())].into(),
    }
}

/// The catalog in this directory, where `most` connections are rendered at the same time.
fn open(directory: &Path, render: Render, most: u32) -> Catalog {
    let mut catalog = Catalog::on_disk(directory, "acme").unwrap();
    let inner = Arc::get_mut(&mut catalog.inner).unwrap();
    inner.renderer = Renderer::new(render, most);
    catalog
}

async fn put(catalog: &Catalog, handles: &[&str]) -> Vec<PublicationWarning> {
    let workspaces: Vec<Workspace> = handles.iter().map(|handle| workspace(handle)).collect();
    let change = move |document: &mut Document| {
        let accounts = ["1", "2", "3"].map(|digit| (digit.repeat(12), format!("account-{digit}")));
        let accounts = accounts.each_ref().map(|(id, name)| (&**id, &**name, None));
        let tenant = document.tenant_mut();
        tenant.put(integration("aws", &[], &accounts));
        for workspace in &workspaces {
            tenant.put(workspace.clone());
        }
        Ok::<_, Infallible>(())
    };
    let committed = catalog.commit(&Who::here(), change).await;
    committed.unwrap().warnings
}

fn fails_for_one(view: &View<'_>) -> Vec<Publication> {
    assert_ne!(view.workspace.handle, "one", "a bug made up by the test");
    publications(view)
}

#[tokio::test]
async fn what_panics_keeps_its_files_and_takes_no_others_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = |handle: &str| {
        let path = format!("tenants/acme/workspaces/acme/{handle}/connections.json");
        fs::read(directory.path().join(path)).ok()
    };
    let catalog = open(directory.path(), publications, 100);
    assert!(put(&catalog, &["one"]).await.is_empty());
    let before = file("one");
    assert!(before.is_some());
    let failing = open(directory.path(), fails_for_one, 100);
    let warnings = put(&failing, &["two"]).await;
    let [PublicationWarning::Panicked(name)] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert_eq!(name, "acme/one");
    assert_eq!(file("one"), before);
    assert!(file("two").is_some());
    let document = failing.read().await.unwrap().unwrap();
    let failure = failing.in_sync(&document, "ws_one").await.unwrap_err();
    assert!(failure.to_string().contains("bug"), "{failure}");
    assert!(failing.in_sync(&document, "ws_two").await.unwrap());
    assert!(catalog.in_sync(&document, "ws_one").await.unwrap());
}

/// Looks at four workspaces at the same time that see three connections each.
async fn at_once(render: Render, room: u32) {
    let directory = tempfile::tempdir().unwrap();
    let handles = ["one", "two", "three", "four"];
    put(&open(directory.path(), publications, 100), &handles).await;
    let catalog = open(directory.path(), render, room);
    let document = catalog.read().await.unwrap().unwrap();
    let looks = handles.map(|handle| {
        let (catalog, document) = (catalog.clone(), Arc::clone(&document));
        tokio::spawn(async move { catalog.in_sync(&document, &format!("ws_{handle}")).await })
    });
    for look in looks {
        assert!(look.await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn what_is_larger_than_the_room_is_rendered_alone() {
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    fn counted(view: &View<'_>) -> Vec<Publication> {
        let inside = 1 + INSIDE.fetch_add(1, Ordering::SeqCst);
        MOST.fetch_max(inside, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        publications(view)
    }
    at_once(counted, 2).await;
    assert_eq!(MOST.load(Ordering::SeqCst), 1);
    at_once(counted, 7).await;
    let most = MOST.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most}");
}

#[tokio::test]
async fn what_fits_the_room_is_rendered_together() {
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    /// Waits until all four are here.
    fn together(view: &View<'_>) -> Vec<Publication> {
        let start = Instant::now();
        INSIDE.fetch_add(1, Ordering::SeqCst);
        while INSIDE.load(Ordering::SeqCst) < 4 {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "nobody else comes"
            );
            thread::sleep(Duration::from_millis(1));
        }
        publications(view)
    }
    at_once(together, 12).await;
}
