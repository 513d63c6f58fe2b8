//! The catalog in S3: moto's, behind a proxy that fails calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod buckets;
mod causes;
mod errors;
mod looks;
mod moving;
mod publications;
mod races;
mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgmirror::catalog::{Catalog, Committed, Connect, Document, Entry, S3Place};
use orgmirror::model::objects::{Integration, Workspace};
use orgmirror_testing::objects::{self, ada};
use orgmirror_testing::s3::{self, Act, Bucket};

const TENANT: &str = "acme";
const PREFIX: &str = "prod/eu";
const DOCUMENT: &str = "prod/eu/tenants/acme/catalog.json";

fn place(bucket: &str) -> S3Place {
    S3Place {
        bucket: bucket.to_owned(),
        prefix: PREFIX.to_owned(),
        kms_key_id: None,
        max_retries: 3,
    }
}

fn open_with(bucket: &str, client: aws_sdk_s3::Client) -> Catalog {
    let connect: Arc<dyn Connect> = Arc::new(client);
    Catalog::on_s3(place(bucket), connect, TENANT).unwrap()
}

/// The catalog through the bucket's proxy.
fn open(bucket: &Bucket) -> Catalog {
    open_with(&bucket.name, bucket.client())
}

/// The same catalog past the proxy, as another process has it.
fn open_direct(bucket: &Bucket) -> Catalog {
    open_with(&bucket.name, bucket.direct())
}

fn workspace(handle: &str) -> Workspace {
    let (id, name) = (format!("ws_{handle}"), format!("acme/{handle}"));
    objects::workspace(&id, &name, &["json"])
}

/// An integration whose accounts everybody sees.
fn integration(accounts: &[&str]) -> Integration {
    let mut integration = objects::integration("in_1", "aws");
    let connections = accounts.iter().map(|id| {
        let connection = objects::connection(id, id, "r-ab12", "/");
        ((*id).to_owned(), connection)
    });
    integration.mirror.connections = connections.collect();
    integration
}

async fn commit(
    catalog: &Catalog,
    change: impl Fn(&mut Document) -> Result<(), String> + Send + 'static,
) -> Result<Committed<()>, String> {
    let committed = catalog.commit(&ada(), change).await;
    committed.map_err(|error| error.to_string())
}

/// Adds a workspace; an error where it is there already.
async fn add(catalog: &Catalog, handle: &str) -> Result<(), String> {
    let new = workspace(handle);
    let change = move |document: &mut Document| {
        if document.tenant().get::<Workspace>(&new.id).is_some() {
            return Err(format!("{new} is there"));
        }
        document.tenant_mut().put(new.clone());
        Ok(())
    };
    commit(catalog, change).await.map(drop)
}

async fn remove(catalog: &Catalog, id: &'static str) {
    let change = move |document: &mut Document| {
        document.tenant_mut().remove::<Workspace>(id);
        Ok(())
    };
    let committed = commit(catalog, change).await.unwrap();
    assert!(committed.warnings.is_empty(), "{:?}", committed.warnings);
}

fn handles(document: &Document) -> BTreeSet<String> {
    let workspaces = document.tenant().each::<Workspace>();
    workspaces
        .map(|workspace| workspace.handle.clone())
        .collect()
}

/// Checks that the history is 1, 2, 3 ... up to the document's version, and in the bucket.
async fn assert_contiguous(catalog: &Catalog) -> Vec<Entry> {
    let document = catalog.read().await.unwrap().unwrap();
    let history = catalog.history(usize::MAX).await.unwrap();
    let versions: Vec<u64> = history.iter().map(|entry| entry.version).collect();
    let expected: Vec<u64> = (1..=document.version()).collect();
    assert_eq!(versions, expected);
    assert_eq!(history.last(), document.last_commit());
    history
}
