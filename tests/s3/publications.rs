//! Publications of versions that race.

use super::*;
use orgmirror::catalog::{PublicationChange, Reading, S3, Store};
use orgmirror::model::tenant::Kind;
use std::sync::Mutex;
use tokio::sync::oneshot;

const PUBLICATION: &str = "prod/eu/tenants/acme/workspaces/acme/one/connections.json";

async fn put<T: Kind + Clone + Send + Sync + 'static>(catalog: &Catalog, object: T) {
    let change = move |document: &mut Document| {
        document.tenant_mut().put(object.clone());
        Ok(())
    };
    let committed = commit(catalog, change).await.unwrap();
    assert!(committed.warnings.is_empty(), "{:?}", committed.warnings);
}

const BEFORE: [&str; 1] = ["111111111111"];
const OLDER: [&str; 2] = ["111111111111", "222222222222"];
const NEWER: [&str; 2] = ["111111111111", "333333333333"];

/// Holds up the publication of an older version until a newer one is committed and published, and gives what is published
/// in the end.
async fn overtaken_by(newer: &[&str], action: &'static str) -> Option<Vec<u8>> {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    put(&catalog, integration(&BEFORE)).await;
    put(&catalog, workspace("one")).await;
    let (held, is_held) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let hold = Mutex::new(Some((held, released)));
    bucket.on(move |call| {
        if call.is(action, "one/connections.json")
            && let Some((held, released)) = hold.lock().unwrap().take()
        {
            held.send(()).unwrap();
            return Act::Hold(released);
        }
        Act::Pass
    });
    let slow = tokio::spawn({
        let catalog = catalog.clone();
        async move {
            match action {
                "s3:PutObject" => put(&catalog, integration(&OLDER)).await,
                _ => remove(&catalog, "ws_one").await,
            }
        }
    });
    is_held.await.unwrap();
    let other = open_direct(&bucket);
    put(&other, workspace("one")).await;
    put(&other, integration(newer)).await;
    let wanted = bucket.get(PUBLICATION).await;
    release.send(()).unwrap();
    slow.await.unwrap();
    let document = other.read().await.unwrap().unwrap();
    assert!(other.in_sync(&document, "ws_one").await.unwrap());
    assert_eq!(bucket.get(PUBLICATION).await, wanted);
    wanted
}

#[tokio::test]
async fn an_older_publication_does_not_replace_a_newer_one() {
    let published = overtaken_by(&NEWER, "s3:PutObject").await.unwrap();
    assert!(
        String::from_utf8(published)
            .unwrap()
            .contains("333333333333")
    );
}

/// S3's ETags are those of contents, so the condition of the older publication is met.
#[tokio::test]
async fn an_older_publication_whose_condition_is_met_is_put_right() {
    let published = overtaken_by(&BEFORE, "s3:PutObject").await.unwrap();
    assert!(
        !String::from_utf8(published)
            .unwrap()
            .contains("222222222222")
    );
}

#[tokio::test]
async fn an_older_removal_does_not_remove_what_is_newer() {
    assert!(overtaken_by(&NEWER, "s3:DeleteObject").await.is_some());
    assert!(overtaken_by(&BEFORE, "s3:DeleteObject").await.is_some());
}

#[tokio::test]
async fn of_another_document_nothing_is_published() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    add(&catalog, "one").await.unwrap();
    let store = S3::new(place(&bucket.name), Arc::new(bucket.client()), TENANT);
    let Reading::Found(stored) = store.read_document(None).await.unwrap() else {
        panic!("there is a document");
    };
    add(&catalog, "two").await.unwrap();
    let before = bucket.contents().await;
    let changes = vec![
        PublicationChange {
            path: "workspaces/acme/one/connections.json".into(),
            bytes: Some(b"old".to_vec()),
            found: None,
        },
        PublicationChange {
            path: "workspaces/acme/two/connections.json".into(),
            bytes: None,
            found: None,
        },
    ];
    let published = store.publish(changes, &stored.token).await.unwrap();
    assert!(
        published.is_outdated && !published.is_overtaken,
        "{published:?}"
    );
    assert_eq!(bucket.contents().await, before);
}

#[tokio::test]
async fn a_publication_that_fails_is_told_and_put_right_by_the_next_commit() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    bucket.on(
        |call| match call.is("s3:PutObject", "one/connections.json") {
            true => Act::Answer(403, "AccessDenied"),
            false => Act::Pass,
        },
    );
    let one = workspace("one");
    let change = move |document: &mut Document| {
        document.tenant_mut().put(one.clone());
        Ok(())
    };
    let warnings = commit(&catalog, change).await.unwrap().warnings;
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    let text = warning.to_string();
    for part in [
        "s3:PutObject",
        &format!("s3://{}/{PUBLICATION}", bucket.name),
        "Allow",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(bucket.get(PUBLICATION).await, None);
    bucket.on(|_| Act::Pass);
    put(&catalog, workspace("two")).await;
    assert!(bucket.get(PUBLICATION).await.is_some());
}
