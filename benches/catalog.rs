//! A catalog of 10,000 connections on disk: a commit into it, and reading it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "support/organization.rs"]
mod organization;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use divan::Bencher;
use orgmirror::catalog::{Catalog, Location, Who};
use orgmirror::model::integration::{ConnectionSettings, Integration, RemovalGuard};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use organization::{HANDLE, PREFIX, mirrored, source};

const ACCOUNTS: usize = 10_000;
const TENANT: &str = "acme";

fn main() {
    divan::main();
}

fn integration() -> Integration {
    Integration {
        id: "in_abcdefghijklmnopqrst".to_owned(),
        handle: HANDLE.to_owned(),
        organization: None,
        handle_prefix: Some(PREFIX.to_owned()),
        initial_handles: None,
        connection_settings: ConnectionSettings {
            role_name: "orgmirror-readonly".to_owned(),
            external_id: None,
            regions: BTreeSet::from(["*".to_owned()]),
            default_region: "us-east-1".to_owned(),
            max_error_retry_attempts: 9,
            min_error_retry_delay: 25,
            ignore_error_codes: BTreeSet::new(),
        },
        permissions: BTreeSet::new(),
        sso: None,
        owners: None,
        resource_owners: None,
        custom_access_details: None,
        removal_guard: RemovalGuard::default(),
        deletion_protection: true,
        mirror: mirrored(&source(ACCOUNTS), None).mirror,
        effective_handles: BTreeMap::new(),
    }
}

/// A catalog with all the connections in it, and what keeps it alive.
struct Filled {
    runtime: Runtime,
    directory: TempDir,
    catalog: Catalog,
}

impl Filled {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Disk(directory.path().to_owned());
        let catalog = runtime.block_on(Catalog::open(&location, TENANT)).unwrap();
        let filled = Self {
            runtime,
            directory,
            catalog,
        };
        filled.commit(integration());
        filled
    }

    fn commit(&self, integration: Integration) {
        let committed = self
            .runtime
            .block_on(self.catalog.commit(&Who::here(), move |document| {
                let change = document.put(integration.clone());
                Ok::<_, Infallible>(((), change.into_iter().collect()))
            }));
        assert!(committed.unwrap().written);
    }
}

/// One setting changes; the document is written as a whole, and safe on disk.
#[divan::bench(sample_count = 20)]
fn commit_one_change(bencher: Bencher) {
    let filled = Filled::new();
    let integration = integration();
    let number = AtomicU64::new(0);
    bencher
        .with_inputs(|| Integration {
            custom_access_details: Some(number.fetch_add(1, Ordering::Relaxed).to_string()),
            ..integration.clone()
        })
        .bench_local_values(|changed| filled.commit(changed));
}

/// As a new process reads it: nothing is cached.
#[divan::bench(sample_count = 20)]
fn first_reading(bencher: Bencher) {
    let filled = Filled::new();
    let location = Location::Disk(filled.directory.path().to_owned());
    bencher.bench_local(|| {
        filled.runtime.block_on(async {
            let catalog = Catalog::open(&location, TENANT).await.unwrap();
            catalog.read().await.unwrap().unwrap()
        })
    });
}

/// As the same process reads it again.
#[divan::bench(sample_count = 20)]
fn reading_again(bencher: Bencher) {
    let filled = Filled::new();
    bencher.bench_local(|| {
        filled
            .runtime
            .block_on(filled.catalog.read())
            .unwrap()
            .unwrap()
    });
}
