//! Discovery, and tests of connections, against our own double, by every rule and into every error, and against moto,
//! somebody else's truth.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod connection_test;
mod consistency;
mod credentials;
mod failures;
mod fidelity;
mod key_age;
mod moto;
mod readiness;
mod reading;
mod tags;

use std::collections::BTreeMap;
use std::time::Duration;

use orgmirror::aws::{DiscoveryError, Endpoints, Options, Session, Settings};
use orgmirror::model::snapshot::{Account, OrganizationalUnit, Snapshot};
use orgmirror_testing::double::{Double, Organization};
use tokio_util::sync::CancellationToken;

/// Only a limit against hanging: minutes away from what anything here takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Gives an attempt ever more time, until it has an outcome. This is for what a timeout ends: what has to come before it
/// comes on a slow machine, too.
async fn in_ever_more_time<T>(mut attempt: impl AsyncFnMut(Duration) -> Option<T>) -> T {
    // A call that is not answered ends by itself after 30 seconds.
    for seconds in [1, 2, 4, 8, 16] {
        if let Some(outcome) = attempt(Duration::from_secs(seconds)).await {
            return outcome;
        }
    }
    panic!("it does not come, however long it may take");
}

/// A user of the management account, with no waiting for the environment of whoever runs the tests.
fn settings(double: &Double) -> Settings {
    Settings {
        region: Some("us-east-1".to_owned()),
        access_key: Some("AKIAEXAMPLE".to_owned()),
        secret_key: Some("very-secret-key".to_owned()),
        endpoints: Endpoints {
            organizations: Some(double.url()),
            sts: Some(double.url()),
            tagging: Some(double.url()),
            iam: Some(double.url()),
            ..Endpoints::default()
        },
        ..Settings::default()
    }
}

fn options() -> Options {
    Options {
        timeout: LIMIT,
        ..Options::default()
    }
}

async fn read_with(settings: &Settings, options: &Options) -> Result<Snapshot, DiscoveryError> {
    let session = Session::open(settings, options.timeout).await?;
    session.discover(options, &CancellationToken::new()).await
}

fn with_tags() -> Options {
    Options {
        include_tags: true,
        ..options()
    }
}

async fn read(double: &Double) -> Result<Snapshot, DiscoveryError> {
    read_with(&settings(double), &options()).await
}

/// Makes a call and waits for its answer: what was on its way to the double before has come then.
async fn round_trip(double: &Double) {
    let session = Session::open(&settings(double), LIMIT).await.unwrap();
    session.caller_arn(LIMIT).await.unwrap();
}

/// The snapshot that a perfect reading gives, made the slow and obvious way.
fn expected(organization: &Organization, include_tags: bool) -> Snapshot {
    let path = |id: &str| {
        let mut names = Vec::new();
        let mut at = id;
        while let Some(unit) = organization.units().get(at) {
            names.push(unit.name.replace('%', "%25").replace('/', "%2F"));
            at = &unit.parent_id;
        }
        names.reverse();
        format!("/{}", names.join("/"))
    };
    let second = |milliseconds: i64| {
        let at = time::OffsetDateTime::from_unix_timestamp(milliseconds / 1000).unwrap();
        let date = at.date();
        let (hour, minute, second) = at.to_hms();
        format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
    };
    Snapshot {
        id: organization.id.clone(),
        arn: organization.arn(),
        feature_set: organization.feature_set.clone(),
        management_account_id: organization.management_account_id.clone(),
        partition: organization.partition.clone(),
        root_id: organization.root_id.clone(),
        organizational_units: organization
            .units()
            .iter()
            .map(|(id, unit)| {
                let unit = OrganizationalUnit {
                    arn: organization.unit_arn(id),
                    name: unit.name.clone(),
                    parent_id: unit.parent_id.clone(),
                    path: path(id),
                };
                (id.clone(), unit)
            })
            .collect(),
        accounts: organization
            .accounts()
            .iter()
            .map(|(id, account)| {
                let account = Account {
                    arn: organization.account_arn(id),
                    name: account.name.clone(),
                    email: account.email.clone(),
                    state: account.state.clone(),
                    parent_id: account.parent_id.clone(),
                    path: path(&account.parent_id),
                    joined_at: Some(second(account.joined_at)),
                    joined_method: Some(account.joined_method.clone()),
                    tags: include_tags.then(|| account.tags.clone()),
                };
                (id.clone(), account)
            })
            .collect(),
    }
}

/// The calls that the rules allow for a reading in which nothing changes and pages are full.
fn calls_needed(organization: &Organization, paths: bool) -> BTreeMap<String, usize> {
    let pages = |items: usize| items.div_ceil(20).max(1);
    let parents = || organization.units().keys().chain([&organization.root_id]);
    let units_of = |id: &String| {
        organization
            .units()
            .values()
            .filter(|unit| unit.parent_id == *id)
            .count()
    };
    let accounts_of = |id: &String| {
        organization
            .accounts()
            .values()
            .filter(|account| account.parent_id == *id)
            .count()
    };
    let mut calls = BTreeMap::from([
        ("organizations:DescribeOrganization".to_owned(), 1),
        ("organizations:ListRoots".to_owned(), 1),
        (
            "organizations:ListAccounts".to_owned(),
            pages(organization.accounts().len()),
        ),
        (
            "organizations:ListOrganizationalUnitsForParent".to_owned(),
            parents().map(|id| pages(units_of(id))).sum(),
        ),
    ]);
    if !paths {
        calls.insert(
            "organizations:ListAccountsForParent".to_owned(),
            parents().map(|id| pages(accounts_of(id))).sum(),
        );
    }
    calls
}
