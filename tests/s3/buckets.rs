//! Buckets of every kind, and prefixes.

use super::*;
use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule,
};
use orgmirror::catalog::Location;
use std::sync::Mutex;

const PROBES: &str = "prod/eu/tenants/acme/test-of-conditions-";

/// What is written twice and removed is, and the next process agrees.
async fn assert_serves(bucket: &Bucket, place: S3Place) {
    let open = || Catalog::on_s3(place.clone(), Arc::new(bucket.client()), TENANT).unwrap();
    let catalog = open();
    add(&catalog, "one").await.unwrap();
    add(&catalog, "two").await.unwrap();
    remove(&catalog, "ws_one").await;
    let next = open();
    let document = next.read().await.unwrap().unwrap();
    assert_eq!(handles(&document), ["two".to_owned()].into());
    assert!(next.in_sync(&document, "ws_two").await.unwrap());
    assert_eq!(assert_contiguous(&next).await.len(), 3);
}

#[tokio::test]
async fn prefixes_of_every_kind() {
    for (url, prefix) in [
        ("", ""),
        ("/", ""),
        ("/prod/", "prod"),
        ("/a b+c/ä/日本/100%&=?#", "a b+c/ä/日本/100%&=?#"),
        ("/-/.hidden/...", "-/.hidden/..."),
    ] {
        let bucket = Bucket::make();
        let url = format!("s3://{}{url}", bucket.name);
        let Ok(Location::S3 {
            bucket: name,
            prefix: found,
        }) = url.parse()
        else {
            panic!("{url}");
        };
        assert_eq!((&name, found.as_str()), (&bucket.name, prefix), "{url}");
        let place = S3Place {
            prefix: found,
            ..place(&name)
        };
        assert_serves(&bucket, place).await;
        let keys = bucket.contents().await.into_keys();
        let below = match prefix {
            "" => "tenants/acme/".to_owned(),
            prefix => format!("{prefix}/tenants/acme/"),
        };
        for key in keys {
            assert!(key.starts_with(&below), "{url}: {key}");
        }
    }
}

/// Writes and removals make new versions there; S3 refuses writes without a checksum.
#[tokio::test]
async fn a_bucket_with_object_lock_serves_as_well() {
    let mut bucket = Bucket::make();
    bucket.name.push_str("-locked");
    let client = bucket.direct();
    let made = client.create_bucket().bucket(&bucket.name);
    made.object_lock_enabled_for_bucket(true)
        .send()
        .await
        .unwrap();
    let retention = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .days(1);
    let rule = ObjectLockRule::builder().default_retention(retention.build());
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(rule.build());
    let request = client.put_object_lock_configuration().bucket(&bucket.name);
    let request = request.object_lock_configuration(lock.build());
    request.send().await.unwrap();
    let catalog = place(&bucket.name);
    let client = Arc::new(bucket.direct());
    let catalog = Catalog::on_s3(catalog, client, TENANT).unwrap();
    add(&catalog, "one").await.unwrap();
    remove(&catalog, "ws_one").await;
    add(&catalog, "one").await.unwrap();
    let document = catalog.read().await.unwrap().unwrap();
    assert!(catalog.in_sync(&document, "ws_one").await.unwrap());
}

/// A bucket's policy may insist on conditions, and a bucket with Object Lock on checksums.
#[tokio::test]
async fn all_writes_and_removals_have_conditions_and_all_writes_checksums() {
    let bucket = Bucket::make();
    assert_serves(&bucket, place(&bucket.name)).await;
    let mut removals = 0;
    for call in bucket.calls() {
        let has = |names: &[&str]| names.iter().any(|name| call.header(name).is_some());
        match call.method.as_str() {
            "PUT" => {
                assert!(has(&["if-match", "if-none-match"]), "{call:?}");
                assert!(has(&["x-amz-checksum-sha256"]), "{call:?}");
            }
            "DELETE" => {
                removals += 1;
                assert!(has(&["if-match"]), "{call:?}");
            }
            _ => {}
        }
    }
    assert_eq!(removals, 2, "a test object and a publication");
}

fn listed(keys: &[(&str, &str)]) -> String {
    let contents = keys.iter().map(|(key, modified)| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified>\
             <ETag>&quot;{modified}&quot;</ETag><Size>1</Size></Contents>"
        )
    });
    let contents: String = contents.collect();
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")
}

/// Whoever makes the document next removes it, but not that of a process that may live.
#[tokio::test]
async fn a_test_object_that_a_killed_process_left_goes() {
    let bucket = Bucket::make();
    let own = Mutex::new(String::new());
    let (old, young) = (format!("{PROBES}old"), format!("{PROBES}young"));
    for left in [&old, &young] {
        bucket.put(left, "x").await;
    }
    bucket.on({
        let (old, young) = (old.clone(), young.clone());
        move |call| {
            if call.is("s3:PutObject", "") && call.key.starts_with(PROBES) {
                own.lock().unwrap().clone_from(&call.key);
            }
            match call.action == "s3:ListBucket" && call.query.contains("test-of-conditions") {
                true => Act::Say {
                    status: 200,
                    region: None,
                    body: listed(&[
                        (&own.lock().unwrap(), "2026-01-01T12:00:00.000Z"),
                        (&old, "2026-01-01T10:59:59.000Z"),
                        (&young, "2026-01-01T11:00:01.000Z"),
                    ]),
                },
                false => Act::Pass,
            }
        }
    });
    add(&open(&bucket), "one").await.unwrap();
    let calls = bucket.calls();
    let removed = calls.iter().filter(|call| call.action == "s3:DeleteObject");
    let removed: Vec<_> = removed
        .map(|call| (&call.key, call.header("if-match")))
        .collect();
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert!(removed[0].0.starts_with(PROBES) && *removed[0].0 != young);
    assert_eq!(removed[1], (&old, Some("\"2026-01-01T10:59:59.000Z\"")));
}

/// As where the answer to the first write was lost.
#[tokio::test]
async fn a_test_that_loses_against_itself_is_passed() {
    let bucket = Bucket::make();
    let mut answers = [
        Act::PassThenAnswer(500, "InternalError"),
        Act::Answer(409, "ConditionalRequestConflict"),
    ]
    .into_iter();
    bucket.on(move |call| {
        match call.is("s3:PutObject", "") && call.header("if-none-match").is_some() {
            true => answers.next().unwrap_or(Act::Pass),
            false => Act::Pass,
        }
    });
    add(&open(&bucket), "one").await.unwrap();
    let left = bucket.contents().await;
    assert!(left.keys().all(|key| !key.starts_with(PROBES)), "{left:?}");
}
