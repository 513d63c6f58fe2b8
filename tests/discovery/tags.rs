//! The tags of accounts: in bulk where that can be done, whole in any case.

use std::collections::BTreeMap;

use orgmirror::aws::{DiscoveryError, Settings};
use orgmirror_testing::double::{Double, Failure, Organization, Paging};

use crate::{expected, read, read_with, settings, with_tags};

/// 60 accounts, all with tags but the management account.
fn tagged(seed: u64) -> Organization {
    Organization::generate(60, seed)
}

/// Reads with tags, and checks that they are whole.
async fn read_whole(double: &Double, settings: &Settings) {
    let snapshot = read_with(settings, &with_tags()).await.unwrap();
    assert_eq!(snapshot, expected(&double.organization(), true));
}

/// Calls in bulk, and account by account.
fn calls(double: &Double) -> (usize, usize) {
    let calls = double.calls();
    (
        calls.count("GetResources"),
        calls.count("ListTagsForResource"),
    )
}

#[tokio::test]
async fn no_tags_are_read_unless_asked_for() {
    let double = Double::start(tagged(80));
    let snapshot = read(&double).await.unwrap();
    let mut accounts = snapshot.accounts.values();
    assert!(accounts.all(|account| account.tags.is_none()));
    assert_eq!(calls(&double), (0, 0));
}

#[tokio::test]
async fn an_account_without_tags_has_empty_ones_not_none() {
    let double = Double::start(Organization::new(10));
    let snapshot = read_with(&settings(&double), &with_tags()).await.unwrap();
    let tags: Vec<_> = snapshot
        .accounts
        .values()
        .map(|account| &account.tags)
        .collect();
    assert_eq!(tags, [&Some(BTreeMap::new())]);
}

#[tokio::test]
async fn ten_thousand_accounts_with_tags_take_a_hundred_calls() {
    let double = Double::start(Organization::generate(10_000, 81));
    read_whole(&double, &settings(&double)).await;
    // The one is the management account, which has none.
    assert_eq!(calls(&double), (100, 1));
}

#[tokio::test]
async fn pages_may_be_empty_and_a_token_means_that_more_follows() {
    for paging in [Paging::EmptyBeforeEach(2), Paging::Random(7)] {
        let double = Double::start(Organization::generate(250, 82));
        double.faults().paging = paging;
        read_whole(&double, &settings(&double)).await;
        assert_eq!(double.calls().count("ListTagsForResource"), 1);
    }
}

#[tokio::test]
async fn many_tags_of_one_account_are_all_read() {
    let mut organization = tagged(83);
    let account = organization.accounts().keys().next().unwrap().clone();
    for number in 0..45 {
        organization.tag_account(&account, &format!("key {number}"), "a value");
    }
    let double = Double::start(organization);
    read_whole(&double, &settings(&double)).await;
    double.faults().deny("GetResources");
    double.forget_calls();
    read_whole(&double, &settings(&double)).await;
    // One call per account, and two more pages for the one with many tags.
    assert_eq!(calls(&double), (1, 62));
}

/// The tagging API leaves out what has no tags, which looks like what it does not show.
#[tokio::test]
async fn what_the_tagging_api_leaves_out_is_asked_about_one_by_one() {
    let mut organization = tagged(84);
    let management = organization.management_account_id.clone();
    let ids = organization.accounts().keys().cloned();
    let members: Vec<String> = ids.filter(|id| *id != management).collect();
    organization.hidden_from_tagging = members[..3].iter().cloned().collect();
    organization.untag_account(&members[3]);
    let double = Double::start(organization);
    read_whole(&double, &settings(&double)).await;
    let calls = double.calls();
    let mut asked: Vec<&str> = calls
        .all()
        .iter()
        .filter(|call| call.action == "ListTagsForResource")
        .map(|call| call.input["ResourceId"].as_str().unwrap())
        .collect();
    asked.sort_unstable();
    let mut without: Vec<&str> = members[..4].iter().map(String::as_str).collect();
    without.push(&management);
    without.sort_unstable();
    assert_eq!(asked, without);
}

/// The accounts are resources of the management account; others see none.
#[tokio::test]
async fn a_delegated_administrator_asks_one_by_one() {
    let mut organization = tagged(85);
    let member = organization.accounts().keys().next_back().unwrap().clone();
    organization.delegated_administrators.insert(member.clone());
    organization
        .key_accounts
        .insert("AKIAEXAMPLE".to_owned(), member);
    let double = Double::start(organization);
    read_whole(&double, &settings(&double)).await;
    assert_eq!(calls(&double), (1, 60));
}

#[tokio::test]
async fn the_tagging_api_is_asked_in_the_region_of_aws_organizations() {
    for (partition, region, there) in [
        ("aws", "eu-central-1", "us-east-1"),
        ("aws-us-gov", "us-gov-east-1", "us-gov-west-1"),
        ("aws-cn", "cn-north-1", "cn-northwest-1"),
    ] {
        let mut organization = tagged(86);
        organization.partition = partition.to_owned();
        let double = Double::start(organization);
        let mut settings = settings(&double);
        settings.region = Some(region.to_owned());
        read_whole(&double, &settings).await;
        assert_eq!(calls(&double), (1, 1), "{partition}");
        let calls = double.calls();
        let mut calls = calls.all().iter();
        let call = calls.find(|call| call.service == "tag").unwrap();
        assert_eq!(call.region, there);
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_the_tagging_api_tags_are_whole() {
    let failures = [
        Failure::new(400, "InvalidParameterException", "unsupported"),
        Failure::new(400, "UnknownOperationException", "unsupported"),
        Failure::new(404, "Not Found", "something else listens here"),
        Failure::internal(),
        Failure::new(400, "ThrottledException", "Rate exceeded"),
    ];
    for failure in failures {
        let double = Double::start(tagged(87));
        double.faults().fail_always("GetResources", failure.clone());
        let mut settings = settings(&double);
        settings.max_retries = 1;
        read_whole(&double, &settings).await;
        assert_eq!(calls(&double).1, 60, "{failure:?}");
    }
}

/// A token is valid for 15 minutes.
#[tokio::test]
async fn pages_that_were_read_before_a_failure_count() {
    let double = Double::start(Organization::generate(250, 88));
    let expired = Failure::new(400, "PaginationTokenExpiredException", "expired");
    double.faults().fail_from("GetResources", 2, expired);
    read_whole(&double, &settings(&double)).await;
    assert_eq!(calls(&double), (2, 150));
}

#[tokio::test]
async fn throttling_of_the_tagging_api_is_met_by_patience() {
    let double = Double::start(Organization::generate(250, 89));
    let throttled = Failure::new(400, "ThrottledException", "Rate exceeded");
    double.faults().fail_first("GetResources", 3, throttled);
    read_whole(&double, &settings(&double)).await;
    assert_eq!(calls(&double), (6, 1));
}

#[tokio::test]
async fn a_tagging_api_that_cannot_be_reached_costs_no_tags() {
    let double = Double::start(tagged(90));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let mut settings = settings(&double);
    settings.endpoints.tagging = Some(format!("http://{address}"));
    read_whole(&double, &settings).await;
    assert_eq!(calls(&double), (0, 60));
}

/// Emulators of AWS Organizations seldom have the tagging API, and AWS's own must not be asked about them.
#[tokio::test]
async fn beside_another_endpoint_of_organizations_the_tagging_api_needs_one_too() {
    let double = Double::start(tagged(91));
    let mut settings = settings(&double);
    settings.endpoints.tagging = None;
    read_whole(&double, &settings).await;
    assert_eq!(calls(&double), (0, 60));
}

#[tokio::test]
async fn reading_ends_with_its_error_and_not_after_all_tags() {
    let double = Double::start(tagged(92));
    double.faults().deny("ListAccounts");
    // All attempts together take most of a minute on any machine.
    let throttled = Failure::new(400, "ThrottledException", "Rate exceeded");
    double.faults().fail_always("GetResources", throttled);
    let settings = settings(&double);
    let error = read_with(&settings, &with_tags()).await;
    assert!(matches!(
        error,
        Err(DiscoveryError::MissingPermission { .. })
    ));
    let attempts = double.calls().count("GetResources");
    assert!(attempts <= settings.max_retries as usize, "{attempts}");
}
