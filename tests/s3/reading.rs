//! What is read, written and listed, and by which calls.

use super::*;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use orgmirror::catalog::{REQUIRED_S3_ACTIONS, S3, Store};

#[tokio::test]
async fn what_is_committed_is_there_for_the_next_process() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    assert!(catalog.read().await.unwrap().is_none());
    assert_eq!(
        bucket.contents().await,
        BTreeMap::new(),
        "reading writes nothing"
    );
    assert_eq!(catalog.place(), format!("s3://{}/{DOCUMENT}", bucket.name));
    add(&catalog, "one").await.unwrap();
    add(&catalog, "two").await.unwrap();
    let next = open(&bucket);
    let document = next.read().await.unwrap().unwrap();
    assert_eq!(handles(&document), ["one", "two"].map(Into::into).into());
    assert_contiguous(&next).await;
    bucket.forget_calls();
    next.read().await.unwrap().unwrap();
    let calls = bucket.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0].status, Some(304));
    let keys: Vec<String> = bucket.contents().await.into_keys().collect();
    assert_eq!(
        keys,
        [
            DOCUMENT,
            "prod/eu/tenants/acme/history/1.json",
            "prod/eu/tenants/acme/history/2.json",
            "prod/eu/tenants/acme/workspaces/acme/one/connections.json",
            "prod/eu/tenants/acme/workspaces/acme/two/connections.json",
        ]
    );
}

/// As a plan does that finds one workspace and misses another.
async fn look(bucket: &Bucket) {
    let catalog = open(bucket);
    let document = catalog.read().await.unwrap().unwrap();
    for workspace in document.tenant().each::<Workspace>() {
        catalog.in_sync(&document, &workspace.id).await.unwrap();
    }
    catalog.history(10).await.unwrap();
}

#[tokio::test]
async fn a_plan_gets_and_lists_and_nothing_else() {
    let bucket = Bucket::make();
    add(&open(&bucket), "one").await.unwrap();
    add(&open(&bucket), "two").await.unwrap();
    let one = "prod/eu/tenants/acme/workspaces/acme/one/connections.json";
    bucket.put(one, "edited").await;
    bucket.forget_calls();
    look(&bucket).await;
    let calls = bucket.calls();
    let actions: BTreeSet<&str> = calls.iter().map(|call| call.action.as_str()).collect();
    assert_eq!(actions, ["s3:GetObject", "s3:ListBucket"].into());
}

/// The policy in the guide allows these.
#[tokio::test]
async fn the_actions_of_the_policy_are_those_called() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    add(&catalog, "one").await.unwrap();
    remove(&catalog, "ws_one").await;
    look(&bucket).await;
    let calls = bucket.calls();
    let actions: BTreeSet<&str> = calls.iter().map(|call| call.action.as_str()).collect();
    assert_eq!(actions, REQUIRED_S3_ACTIONS.into());
    for call in calls {
        let grants = call.headers.keys().filter(|name| {
            name.as_str().starts_with("x-amz-acl") || name.as_str().starts_with("x-amz-grant")
        });
        assert_eq!(grants.count(), 0, "{call:?}");
        let is_below = call.key.starts_with("prod/eu/tenants/acme/");
        let lists_below = call.query.contains("prefix=prod%2Feu%2Ftenants%2Facme%2F");
        assert!(is_below || lists_below, "{call:?}");
    }
}

#[tokio::test]
async fn what_is_written_is_encrypted_with_the_key() {
    let bucket = Bucket::make();
    let place = S3Place {
        kms_key_id: Some("alias/orgmirror".into()),
        ..place(&bucket.name)
    };
    let catalog = Catalog::on_s3(place, Arc::new(bucket.client()), TENANT).unwrap();
    add(&catalog, "one").await.unwrap();
    let calls = bucket.calls();
    let puts: Vec<_> = calls
        .iter()
        .filter(|call| call.action == "s3:PutObject")
        .collect();
    assert!(puts.len() > 3, "{puts:?}");
    for put in puts {
        assert_eq!(put.header("x-amz-server-side-encryption"), Some("aws:kms"));
        let key = put.header("x-amz-server-side-encryption-aws-kms-key-id");
        assert_eq!(key, Some("alias/orgmirror"));
    }
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let bucket = Bucket::make();
    let catalog = open_direct(&bucket);
    for index in 0..12 {
        add(&catalog, &format!("w{index}")).await.unwrap();
    }
    bucket
        .put("prod/eu/tenants/acme/history/notes.txt", "mine")
        .await;
    bucket
        .put("prod/eu/tenants/acme/history/007.json", "mine")
        .await;
    bucket
        .put("prod/eu/tenants/acme2/history/99.json", "another's")
        .await;
    bucket.on(|call| match call.action == "s3:ListBucket" {
        true => Act::PagesOf(5),
        false => Act::Pass,
    });
    let store = S3::new(place(&bucket.name), Arc::new(bucket.client()), TENANT);
    let versions = store.list_history().await.unwrap();
    assert_eq!(versions, (1..=12).collect::<Vec<u64>>());
    assert!(bucket.calls().len() >= 3, "{:?}", bucket.calls());
    assert_eq!(store.list_publications(None).await.unwrap().len(), 12);
    let one = store
        .list_publications(Some("workspaces/acme/w1"))
        .await
        .unwrap();
    let paths: Vec<&str> = one.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["workspaces/acme/w1/connections.json"]);
}

#[tokio::test]
async fn more_entries_than_a_page_of_s3_holds() {
    let bucket = Bucket::make();
    let client = bucket.direct();
    let puts = (1..=1_005).map(|version: u64| {
        let key = format!("prod/eu/tenants/acme/history/{version}.json");
        let put = client.put_object().bucket(&bucket.name).key(key);
        async move {
            put.body("{}".as_bytes().to_vec().into())
                .send()
                .await
                .unwrap()
        }
    });
    use futures_util::StreamExt;
    let puts = futures_util::stream::iter(puts).buffer_unordered(16);
    assert_eq!(puts.count().await, 1_005);
    let store = S3::new(place(&bucket.name), Arc::new(bucket.client()), TENANT);
    let versions = store.list_history().await.unwrap();
    assert_eq!(versions, (1..=1_005).collect::<Vec<u64>>());
    assert_eq!(bucket.calls().len(), 2);
}

#[tokio::test]
async fn a_bucket_with_versions_serves_as_well() {
    let bucket = Bucket::make();
    let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let request = bucket.direct().put_bucket_versioning().bucket(&bucket.name);
    request
        .versioning_configuration(versioning.build())
        .send()
        .await
        .unwrap();
    let catalog = open(&bucket);
    for round in 0..3 {
        add(&catalog, "one").await.unwrap();
        let path = "workspaces/acme/one/connections.json";
        let key = format!("prod/eu/tenants/acme/{path}");
        assert!(bucket.get(&key).await.is_some(), "round {round}");
        remove(&catalog, "ws_one").await;
        assert_eq!(bucket.get(&key).await, None, "round {round}");
    }
    let document = open(&bucket).read().await.unwrap().unwrap();
    assert_eq!(document.version(), 6);
    assert_contiguous(&open(&bucket)).await;
}
