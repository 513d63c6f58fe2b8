#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::sync::{Render, Renderer};
use super::*;
use crate::catalog::history::Who;
use crate::model::visibility::View;
use crate::publish::sample::integration;
use crate::publish::{Publication, publications};

/// What takes this long hangs: a limit for tests that fail, far beyond what any machine needs.
const PATIENCE: Duration = Duration::from_secs(300);

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
    catalog.commit(&Who::here(), change).await.unwrap().warnings
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

/// A catalog of four workspaces that see three connections each.
async fn of_four(directory: &Path, render: Render, room: u32) -> (Catalog, [String; 4]) {
    let handles = ["one", "two", "three", "four"];
    put(&open(directory, publications, 100), &handles).await;
    let ids = handles.map(|handle| format!("ws_{handle}"));
    (open(directory, render, room), ids)
}

/// How many of four looks that begin together are let in at once.
async fn let_in(room: u32) -> usize {
    static IS_HELD: Mutex<bool> = Mutex::new(false);
    static RELEASED: Condvar = Condvar::new();
    fn held(view: &View<'_>) -> Vec<Publication> {
        let is_held = IS_HELD.lock().unwrap();
        drop(RELEASED.wait_timeout_while(is_held, PATIENCE, |is_held| *is_held));
        publications(view)
    }
    let directory = tempfile::tempdir().unwrap();
    let (catalog, ids) = of_four(directory.path(), held, room).await;
    let document = catalog.read().await.unwrap().unwrap();
    *IS_HELD.lock().unwrap() = true;
    let mut looks = ids
        .each_ref()
        .map(|id| Box::pin(catalog.in_sync(&document, id)));
    // Polled once, each has begun to render or waits for room.
    for look in &mut looks {
        assert!(look.as_mut().now_or_never().is_none());
    }
    // Fails those that wait, and them alone.
    catalog.inner.renderer.room.close();
    *IS_HELD.lock().unwrap() = false;
    RELEASED.notify_all();
    join_all(looks)
        .await
        .iter()
        .filter(|look| look.is_ok())
        .count()
}

#[tokio::test]
async fn what_is_larger_than_the_room_is_rendered_alone() {
    assert_eq!(let_in(2).await, 1);
    assert_eq!(let_in(7).await, 2);
    assert_eq!(let_in(12).await, 4);
    // Those who wait get their turn.
    let directory = tempfile::tempdir().unwrap();
    let (catalog, ids) = of_four(directory.path(), publications, 2).await;
    let document = catalog.read().await.unwrap().unwrap();
    let looks = join_all(ids.iter().map(|id| catalog.in_sync(&document, id)));
    let looked = tokio::time::timeout(PATIENCE, looks).await.unwrap();
    assert!(looked.into_iter().all(Result::unwrap));
}

#[tokio::test]
async fn what_fits_the_room_is_rendered_together() {
    static INSIDE: Mutex<usize> = Mutex::new(0);
    static CAME: Condvar = Condvar::new();
    /// Waits until all four are here.
    fn together(view: &View<'_>) -> Vec<Publication> {
        let mut inside = INSIDE.lock().unwrap();
        *inside += 1;
        CAME.notify_all();
        let (_inside, waited) = CAME
            .wait_timeout_while(inside, PATIENCE, |inside| *inside < 4)
            .unwrap();
        assert!(!waited.timed_out(), "nobody else comes");
        publications(view)
    }
    let directory = tempfile::tempdir().unwrap();
    let (catalog, ids) = of_four(directory.path(), together, 12).await;
    let document = catalog.read().await.unwrap().unwrap();
    let looks = join_all(ids.iter().map(|id| catalog.in_sync(&document, id)));
    assert!(looks.await.into_iter().all(Result::unwrap));
}
