//! A catalog of 10,000 connections on disk: commits into it, what they publish for 20 workspaces, and reading it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use divan::Bencher;
use futures_util::future::{join, join_all};
use orgmirror::catalog::{Catalog, Committed, Document, Preview, Who};
use orgmirror::model::folder_ref::FolderRef;
use orgmirror::model::objects::workspace::{OptionValue, Options, Publish};
use orgmirror::model::objects::{ConnectionPermission, FolderPermission, Integration, Workspace};
use orgmirror::model::tenant::Kind;
use orgmirror::publish::FORMATS;
use orgmirror_testing::generated::{HANDLE, PREFIX, account_id, mirrored, source};
use orgmirror_testing::objects::integration_of;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const ACCOUNTS: usize = 10_000;
const WORKSPACES: usize = 20;
const TENANT: &str = "acme";

fn main() {
    divan::main();
}

fn integration_id() -> String {
    "in_abcdefghijklmnopqrst".to_owned()
}

fn integration() -> Integration {
    let mirror = mirrored(&source(ACCOUNTS), None).mirror.known().unwrap();
    Integration {
        handle_prefix: Some(PREFIX.to_owned()),
        ..integration_of(&integration_id(), HANDLE, mirror)
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
        let catalog = Catalog::on_disk(directory.path(), TENANT).unwrap();
        let filled = Self {
            runtime,
            directory,
            catalog,
        };
        filled.commit(integration());
        filled
    }

    /// With workspaces that see everything and publish it in every format.
    fn published() -> Self {
        let filled = Self::new();
        let formats = FORMATS.iter();
        let publish: Publish = formats
            .map(|format| {
                let mut options = Options::new();
                if format.name() == "aws_config" {
                    let hub = OptionValue::Text("hub".to_owned());
                    options.insert("source_profile".to_owned(), hub);
                }
                (format.name().to_owned(), options)
            })
            .collect();
        let commits = (0..WORKSPACES).map(|number| filled.put(workspace(number, publish.clone())));
        let everything = filled.put(permission(0, "*"));
        filled.runtime.block_on(join(everything, join_all(commits)));
        filled
    }

    fn put<T: Kind + Clone + Send + Sync>(&self, object: T) -> impl Future<Output = Committed<()>> {
        let who = Who::here();
        let catalog = self.catalog.clone();
        async move {
            let change = move |document: &mut Document| {
                document.tenant_mut().put(object.clone());
                Ok::<_, Infallible>(())
            };
            catalog.commit(&who, change).await.unwrap()
        }
    }

    fn commit<T: Kind + Clone + Send + Sync>(&self, object: T) {
        assert!(self.runtime.block_on(self.put(object)).written);
    }
}

fn workspace(number: usize, publish: Publish) -> Workspace {
    Workspace {
        id: format!("ws_{number}"),
        organization: "acme".to_owned(),
        handle: format!("w{number}"),
        attach: None,
        publish,
    }
}

fn permission(number: u64, grantee: &str) -> FolderPermission {
    FolderPermission {
        id: format!("fp_{number}"),
        integration_id: integration_id(),
        folder: FolderRef::Path("/".to_owned()),
        grantee: grantee.parse().unwrap(),
        match_tags: None,
    }
}

/// Changed a little more each time.
fn changed(number: &AtomicU64, integration: &Integration) -> Integration {
    Integration {
        custom_access_details: Some(number.fetch_add(1, Ordering::Relaxed).to_string()),
        ..integration.clone()
    }
}

/// One setting changes; the document is written as a whole, and safe on disk.
#[divan::bench(sample_count = 20)]
fn commit_one_change(bencher: Bencher) {
    let filled = Filled::new();
    let (number, integration) = (AtomicU64::new(0), integration());
    bencher
        .with_inputs(|| changed(&number, &integration))
        .bench_local_values(|changed| filled.commit(changed));
}

/// Every workspace is rendered and compared; no file differs.
#[divan::bench(sample_count = 10)]
fn commit_a_change_that_may_reach_all_workspaces(bencher: Bencher) {
    let filled = Filled::published();
    let (number, integration) = (AtomicU64::new(0), integration());
    bencher
        .with_inputs(|| changed(&number, &integration))
        .bench_local_values(|changed| filled.commit(changed));
}

/// Every file of every workspace is written.
#[divan::bench(sample_count = 5)]
fn commit_a_change_that_reaches_all_workspaces(bencher: Bencher) {
    let filled = Filled::published();
    let (number, mut integration) = (AtomicU64::new(0), integration());
    bencher
        .with_inputs(|| {
            let role = number.fetch_add(1, Ordering::Relaxed);
            for (id, connection) in &mut integration.mirror.connections {
                connection.derived_role_arn = format!("arn:aws:iam::{id}:role/r{role}");
            }
            integration.clone()
        })
        .bench_local_values(|changed| filled.commit(changed));
}

#[divan::bench(sample_count = 20)]
fn grant_to_one_of_the_workspaces(bencher: Bencher) {
    let filled = Filled::published();
    let number = AtomicU64::new(1);
    bencher
        .with_inputs(|| permission(number.fetch_add(1, Ordering::Relaxed), "acme/w7"))
        .bench_local_values(|granted| filled.commit(granted));
}

/// What a run has after a hundred resources: only looking whether files are as they were left.
#[divan::bench(sample_count = 20)]
fn grant_to_none_of_the_workspaces(bencher: Bencher) {
    let filled = Filled::published();
    let number = AtomicU64::new(1);
    bencher
        .with_inputs(|| permission(number.fetch_add(1, Ordering::Relaxed), "beta"))
        .bench_local_values(|granted| filled.commit(granted));
}

/// Group commit.
#[divan::bench(sample_count = 10)]
fn grant_500_at_once(bencher: Bencher) {
    let filled = Filled::new();
    let number = AtomicU64::new(1);
    bencher
        .with_inputs(|| {
            let first = number.fetch_add(500, Ordering::Relaxed);
            (first..first + 500).map(|number| permission(number, "beta"))
        })
        .bench_local_values(|granted| {
            let commits = granted.map(|permission| filled.put(permission));
            filled.runtime.block_on(join_all(commits))
        });
}

/// Group commit where one of the changes does not fit.
#[divan::bench(sample_count = 10)]
fn grant_500_at_once_and_refuse_one(bencher: Bencher) {
    let filled = Filled::new();
    let number = AtomicU64::new(1);
    let who = Who::here();
    bencher
        .with_inputs(|| {
            let first = number.fetch_add(500, Ordering::Relaxed);
            (first..first + 500).map(|number| permission(number, "beta"))
        })
        .bench_local_values(|granted| {
            let commits = granted.map(|permission| filled.put(permission));
            let refused = filled.catalog.commit(&who, |_| Err::<(), _>("refused"));
            filled.runtime.block_on(join(refused, join_all(commits)))
        });
}

/// As a plan of that many permissions in one configuration looks at them, one after the other: each gives a workspace a
/// connection more.
#[divan::bench(sample_count = 5)]
fn previews_of_200_permissions(bencher: Bencher) {
    let filled = Filled::new();
    for number in 0..WORKSPACES {
        filled.commit(workspace(number, Publish::new()));
    }
    bencher.bench_local(|| {
        for number in 0..200 {
            let document = filled.runtime.block_on(filled.catalog.read());
            let permission = ConnectionPermission {
                id: format!("cp_{number}"),
                integration_id: integration_id(),
                account_id: account_id(number),
                grantee: format!("acme/w{}", number % WORKSPACES).parse().unwrap(),
            };
            let preview = Preview::of(&document.unwrap().unwrap(), |document| {
                document.tenant_mut().put(permission);
                Ok::<_, Infallible>(())
            });
            let preview = preview.unwrap();
            assert_eq!(preview.impact().len(), 1);
            assert_eq!(preview.side_effects().removed, [""; 0]);
        }
    });
}

/// As a plan looks at one workspace.
#[divan::bench(sample_count = 20)]
fn in_sync(bencher: Bencher) {
    let filled = Filled::published();
    let catalog = &filled.catalog;
    let document = filled.runtime.block_on(catalog.read()).unwrap().unwrap();
    bencher.bench_local(|| {
        let in_sync = filled.runtime.block_on(catalog.in_sync(&document, "ws_7"));
        assert!(in_sync.unwrap());
    });
}

/// As a new process reads it: nothing is cached.
#[divan::bench(sample_count = 20)]
fn first_reading(bencher: Bencher) {
    let filled = Filled::new();
    bencher.bench_local(|| {
        filled.runtime.block_on(async {
            let catalog = Catalog::on_disk(filled.directory.path(), TENANT).unwrap();
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
