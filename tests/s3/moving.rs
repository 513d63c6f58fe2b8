//! From a directory to a bucket and back: copying all files is enough.

use super::*;
use std::fs;
use std::path::Path;

/// `aws s3 sync DIRECTORY s3://BUCKET/PREFIX`
async fn upload(directory: &Path, bucket: &Bucket) {
    let mut directories = vec![directory.to_owned()];
    while let Some(at) = directories.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap();
            let key = format!("{PREFIX}/{name}");
            bucket.put(&key, fs::read(&path).unwrap()).await;
        }
    }
}

/// `aws s3 sync s3://BUCKET/PREFIX DIRECTORY`
async fn download(bucket: &Bucket, directory: &Path) {
    for (key, bytes) in bucket.contents().await {
        let path = directory.join(key.strip_prefix("prod/eu/").unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[tokio::test]
async fn a_catalog_moves_to_s3_and_back() {
    let before = tempfile::tempdir().unwrap();
    let on_disk = Catalog::on_disk(before.path(), TENANT).unwrap();
    add(&on_disk, "one").await.unwrap();
    add(&on_disk, "two").await.unwrap();
    let bucket = Bucket::make();
    upload(before.path(), &bucket).await;
    let in_s3 = open(&bucket);
    let moved = in_s3.read().await.unwrap().unwrap();
    let document = on_disk.read().await.unwrap().unwrap();
    assert_eq!(moved.to_bytes().unwrap(), document.to_bytes().unwrap());
    for id in ["ws_one", "ws_two"] {
        assert!(in_s3.in_sync(&moved, id).await.unwrap(), "{id}");
    }
    add(&in_s3, "three").await.unwrap();
    assert_contiguous(&in_s3).await;
    let after = tempfile::tempdir().unwrap();
    download(&bucket, after.path()).await;
    let back = Catalog::on_disk(after.path(), TENANT).unwrap();
    let document = back.read().await.unwrap().unwrap();
    assert_eq!(
        handles(&document),
        ["one", "two", "three"].map(Into::into).into()
    );
    assert!(back.in_sync(&document, "ws_three").await.unwrap());
    add(&back, "four").await.unwrap();
    assert_eq!(assert_contiguous(&back).await.len(), 4);
}

/// As the guide says: a copy, and the name inside the document.
#[tokio::test]
async fn a_tenant_is_renamed_by_a_copy() {
    let bucket = Bucket::make();
    add(&open(&bucket), "one").await.unwrap();
    add(&open(&bucket), "two").await.unwrap();
    for (key, bytes) in bucket.contents().await {
        let key = key.replace("/tenants/acme/", "/tenants/globex/");
        let bytes = match key.ends_with("catalog.json") {
            true => {
                let text = String::from_utf8(bytes).unwrap();
                let named = "\"tenant\": \"acme\"";
                assert_eq!(text.matches(named).count(), 1);
                text.replace(named, "\"tenant\": \"globex\"").into_bytes()
            }
            false => bytes,
        };
        bucket.put(&key, bytes).await;
    }
    let client = Arc::new(bucket.client());
    let renamed = Catalog::on_s3(place(&bucket.name), client, "globex").unwrap();
    let document = renamed.read().await.unwrap().unwrap();
    assert_eq!(handles(&document), ["one", "two"].map(Into::into).into());
    // Files that name the tenant are written by the next commit.
    assert!(!renamed.in_sync(&document, "ws_two").await.unwrap());
    add(&renamed, "three").await.unwrap();
    let document = renamed.read().await.unwrap().unwrap();
    assert!(renamed.in_sync(&document, "ws_two").await.unwrap());
    assert_eq!(assert_contiguous(&renamed).await.len(), 3);
}
