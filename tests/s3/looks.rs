//! How it is told what is published: by which calls, and rightly whoever wrote it.

use super::*;
use aws_sdk_s3::types::ChecksumAlgorithm;
use orgmirror_testing::s3::Call;

const ONE: &str = "prod/eu/tenants/acme/workspaces/acme/one/connections.json";

/// The methods of calls for publications, and of lists.
fn looks(bucket: &Bucket) -> Vec<String> {
    let of_publications =
        |call: &Call| call.action == "s3:ListBucket" || call.key.contains("/workspaces/acme/");
    let calls = bucket.calls().into_iter().filter(of_publications);
    calls
        .map(|call| match call.action.as_str() {
            "s3:ListBucket" => "LIST".to_owned(),
            _ => call.method,
        })
        .collect()
}

/// What a process that knows nothing yet says, and how it finds out.
async fn look(bucket: &Bucket) -> (bool, Vec<String>) {
    let catalog = open(bucket);
    let document = catalog.read().await.unwrap().unwrap();
    bucket.forget_calls();
    let in_sync = catalog.in_sync(&document, "ws_one").await.unwrap();
    (in_sync, looks(bucket))
}

#[tokio::test]
async fn what_is_published_is_told_without_reading_it() {
    let bucket = Bucket::make();
    add(&open(&bucket), "one").await.unwrap();
    let found = look(&bucket).await;
    assert_eq!(found, (true, ["LIST", "HEAD"].map(Into::into).into()));
}

/// Its ETag is no digest then.
#[tokio::test]
async fn what_is_published_with_a_key_is_told_without_reading_it() {
    let bucket = Bucket::make();
    let place = S3Place {
        kms_key_id: Some("alias/orgmirror".into()),
        ..place(&bucket.name)
    };
    let catalog = Catalog::on_s3(place, Arc::new(bucket.client()), TENANT).unwrap();
    add(&catalog, "one").await.unwrap();
    let found = look(&bucket).await;
    assert_eq!(found, (true, ["LIST", "HEAD"].map(Into::into).into()));
}

#[tokio::test]
async fn what_somebody_else_wrote_is_read_and_compared() {
    let bucket = Bucket::make();
    add(&open(&bucket), "one").await.unwrap();
    let same = bucket.get(ONE).await.unwrap();
    bucket.put(ONE, same.clone()).await;
    let read: Vec<String> = ["LIST", "HEAD", "GET"].map(Into::into).into();
    assert_eq!(look(&bucket).await, (true, read.clone()));
    let mut edited = same.clone();
    *edited.last_mut().unwrap() ^= 1;
    bucket.put(ONE, edited).await;
    assert_eq!(look(&bucket).await, (false, read));
    bucket.put(ONE, "shorter").await;
    assert_eq!(look(&bucket).await, (false, vec!["LIST".to_owned()]));
    add(&open(&bucket), "two").await.unwrap();
    assert_eq!(bucket.get(ONE).await, Some(same));
}

#[tokio::test]
async fn other_content_of_the_same_length_is_told_without_reading_it() {
    let bucket = Bucket::make();
    add(&open(&bucket), "one").await.unwrap();
    let mut other = bucket.get(ONE).await.unwrap();
    *other.last_mut().unwrap() ^= 1;
    let client = bucket.direct();
    let put = client.put_object().bucket(&bucket.name).key(ONE);
    let put = put.checksum_algorithm(ChecksumAlgorithm::Sha256);
    put.body(other.into()).send().await.unwrap();
    let found = look(&bucket).await;
    assert_eq!(found, (false, ["LIST", "HEAD"].map(Into::into).into()));
}

#[tokio::test]
async fn a_commit_looks_at_what_it_does_not_change_by_one_list() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    for name in ["one", "two", "three"] {
        add(&catalog, name).await.unwrap();
    }
    bucket.forget_calls();
    add(&catalog, "four").await.unwrap();
    // The new one is looked for, and written.
    assert_eq!(looks(&bucket), ["LIST", "HEAD", "PUT"]);
    let documents = bucket
        .calls()
        .into_iter()
        .filter(|call| call.key == DOCUMENT);
    let documents: Vec<String> = documents.map(|call| call.method).collect();
    assert_eq!(
        documents,
        ["GET", "PUT", "GET", "GET"],
        "read, swapped, looked at before and after the file is written"
    );
    bucket.put(ONE, "edited").await;
    bucket.forget_calls();
    add(&catalog, "five").await.unwrap();
    let document = catalog.read().await.unwrap().unwrap();
    assert!(catalog.in_sync(&document, "ws_one").await.unwrap());
}

#[tokio::test]
async fn a_look_that_is_refused_tells_why() {
    let bucket = Bucket::make();
    add(&open(&bucket), "one").await.unwrap();
    bucket.on(|call| match call.key == ONE {
        true => Act::Answer(403, "AccessDenied"),
        false => Act::Pass,
    });
    let catalog = open(&bucket);
    let document = catalog.read().await.unwrap().unwrap();
    let failure = catalog.in_sync(&document, "ws_one").await.unwrap_err();
    let text = failure.to_string();
    for part in [ONE, "s3:GetObject", "made up by the test"] {
        assert!(text.contains(part), "{text}");
    }
}

/// Files are written all the same, and what could not be done is told.
#[tokio::test]
async fn without_a_list_files_are_written_and_none_is_removed() {
    let bucket = Bucket::make();
    let catalog = open(&bucket);
    add(&catalog, "one").await.unwrap();
    bucket.on(|call| match call.action == "s3:ListBucket" {
        true => Act::Answer(403, "AccessDenied"),
        false => Act::Pass,
    });
    let change = |document: &mut Document| {
        document.tenant_mut().remove::<Workspace>("ws_one");
        document.tenant_mut().put(workspace("two"));
        Ok(())
    };
    let warnings = commit(&catalog, change).await.unwrap().warnings;
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert!(warning.to_string().contains("s3:ListBucket"), "{warning}");
    assert!(bucket.get(ONE).await.is_some());
    assert!(bucket.get(&ONE.replace("one", "two")).await.is_some());
    bucket.on(|_| Act::Pass);
    add(&catalog, "three").await.unwrap();
    assert_eq!(bucket.get(ONE).await, None);
}
