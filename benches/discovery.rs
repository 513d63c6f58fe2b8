//! Our reading of an AWS organization beside the one that users have today: depth first, one call after another.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::{BehaviorVersion, Credentials, Region};
use divan::Bencher;
use orgmirror::aws::{Endpoints, Options, Session, Settings};
use orgmirror_testing::double::{Double, Organization};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const LATENCY: Duration = Duration::from_millis(2);
const ACCOUNTS: [usize; 2] = [100, 1000];
const MANY_ACCOUNTS: usize = 10_000;

fn main() {
    divan::main();
}

fn emulated(accounts: usize) -> (Double, Runtime) {
    let double = Double::start(Organization::generate(accounts, 1));
    double.faults().latency = LATENCY;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    (double, runtime)
}

fn session(double: &Double, runtime: &Runtime) -> Session {
    let settings = Settings {
        region: Some("us-east-1".to_owned()),
        access_key: Some("AKIAEXAMPLE".to_owned()),
        secret_key: Some("secret".to_owned()),
        endpoints: Endpoints {
            organizations: Some(double.url()),
            sts: Some(double.url()),
            ..Endpoints::default()
        },
        ..Settings::default()
    };
    runtime
        .block_on(Session::open(&settings, Duration::from_secs(10)))
        .unwrap()
}

/// The double's own part: its AWS organizations are made in no time.
#[divan::bench(sample_count = 10)]
fn make_50_000_accounts() -> Organization {
    Organization::generate(50_000, 1)
}

fn discover(bencher: Bencher, accounts: usize, without_paths: bool) {
    let (double, runtime) = emulated(accounts);
    double.faults().without_paths = without_paths;
    let session = session(&double, &runtime);
    let (options, cancelled) = (Options::default(), CancellationToken::new());
    bencher.bench_local(|| {
        let read = session.discover(&options, &cancelled);
        assert_eq!(runtime.block_on(read).unwrap().accounts.len(), accounts);
    });
}

#[divan::bench(args = ACCOUNTS, sample_count = 10)]
fn orgmirror(bencher: Bencher, accounts: usize) {
    discover(bencher, accounts, false);
}

#[divan::bench(args = ACCOUNTS, sample_count = 10)]
fn orgmirror_without_paths(bencher: Bencher, accounts: usize) {
    discover(bencher, accounts, true);
}

/// In the time of one list: the walk of the OUs, which are calls as many again, is to take none of its own.
#[divan::bench(sample_count = 3)]
fn orgmirror_10_000_accounts(bencher: Bencher) {
    discover(bencher, MANY_ACCOUNTS, false);
}

#[divan::bench(sample_count = 3)]
fn orgmirror_without_paths_10_000_accounts(bencher: Bencher) {
    discover(bencher, MANY_ACCOUNTS, true);
}

/// What 10,000 accounts are to be compared with: one list, page after page.
#[divan::bench(sample_count = 3)]
fn one_list_of_10_000_accounts(bencher: Bencher) {
    let (double, runtime) = emulated(MANY_ACCOUNTS);
    let client = client(&double);
    bencher.bench_local(|| {
        assert_eq!(runtime.block_on(one_list(&client)), MANY_ACCOUNTS);
    });
}

#[divan::bench(args = ACCOUNTS, sample_count = 10)]
fn one_call_after_another(bencher: Bencher, accounts: usize) {
    let (double, runtime) = emulated(accounts);
    let client = client(&double);
    bencher.bench_local(|| {
        assert_eq!(runtime.block_on(depth_first(&client)), accounts);
    });
}

fn client(double: &Double) -> Client {
    Client::from_conf(
        aws_sdk_organizations::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(
                "AKIAEXAMPLE",
                "secret",
                None,
                None,
                "bench",
            ))
            .endpoint_url(double.url())
            .build(),
    )
}

/// Gives the number of accounts.
async fn one_list(client: &Client) -> usize {
    let mut pages = client.list_accounts().into_paginator().send();
    let mut accounts = 0;
    while let Some(page) = pages.next().await {
        accounts += page.unwrap().accounts().len();
    }
    accounts
}

/// Two lists per node, each after the one before; gives the number of accounts.
async fn depth_first(client: &Client) -> usize {
    client.describe_organization().send().await.unwrap();
    let roots = client.list_roots().send().await.unwrap();
    let mut nodes: Vec<String> = roots
        .roots()
        .iter()
        .map(|root| root.id().unwrap().to_owned())
        .collect();
    let mut accounts = 0;
    while let Some(node) = nodes.pop() {
        let mut pages = client
            .list_accounts_for_parent()
            .parent_id(&node)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            accounts += page.unwrap().accounts().len();
        }
        let mut pages = client
            .list_organizational_units_for_parent()
            .parent_id(&node)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            let units = page.organizational_units().iter();
            nodes.extend(units.map(|unit| unit.id().unwrap().to_owned()));
        }
    }
    accounts
}
