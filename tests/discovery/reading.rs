//! What is read, and in how many calls.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use orgmirror::aws::{Action, DiscoveryError, Options, Purpose, REQUIRED_ACTIONS, Reader, Session};
use orgmirror_testing::double::{Calls, Double, Gate, Organization, Paging, StateForm};
use tokio_util::sync::CancellationToken;

use crate::{calls_needed, expected, options, read, read_with, round_trip, settings, with_tags};

#[tokio::test]
async fn paths_give_the_tree_in_the_fewest_calls() {
    let double = Double::start(Organization::generate(300, 1));
    assert_eq!(
        read(&double).await.unwrap(),
        expected(&double.organization(), false)
    );
    assert_eq!(
        double.calls().by_action(),
        calls_needed(&double.organization(), true)
    );
}

#[tokio::test]
async fn without_paths_every_parent_is_listed_once() {
    let double = Double::start(Organization::generate(300, 2));
    double.faults().without_paths = true;
    assert_eq!(
        read(&double).await.unwrap(),
        expected(&double.organization(), false)
    );
    assert_eq!(
        double.calls().by_action(),
        calls_needed(&double.organization(), false)
    );
}

#[tokio::test]
async fn one_account_without_paths_is_found_by_its_parent() {
    let double = Double::start(Organization::generate(100, 3));
    // One of the last page, so that the walk is well under way.
    let odd = double
        .organization()
        .accounts()
        .keys()
        .next_back()
        .unwrap()
        .clone();
    double.faults().without_paths_of.insert(odd);
    assert_eq!(
        read(&double).await.unwrap(),
        expected(&double.organization(), false)
    );
    assert_eq!(
        double.calls().by_action(),
        calls_needed(&double.organization(), false)
    );
}

#[tokio::test]
async fn pages_hold_at_most_twenty() {
    let double = Double::start(Organization::generate(50, 4));
    read(&double).await.unwrap();
    for call in double.calls().all() {
        if let Some(limit) = call.input.get("MaxResults") {
            assert!(limit.as_u64().unwrap() <= 20, "{call:?}");
        }
        assert_eq!(call.error, None, "{call:?}");
    }
}

#[tokio::test]
async fn an_organization_of_one_account_is_read() {
    let double = Double::start(Organization::new(5));
    let snapshot = read(&double).await.unwrap();
    assert_eq!(snapshot, expected(&double.organization(), false));
    assert_eq!(snapshot.accounts.len(), 1);
    assert_eq!(snapshot.accounts[&snapshot.management_account_id].path, "/");
}

#[tokio::test]
async fn names_are_escaped_in_paths_and_kept_elsewhere() {
    let mut organization = Organization::new(6);
    let root = organization.root_id.clone();
    let odd = organization.add_unit(&root, "R&D / 50% Off");
    let below = organization.add_unit(&odd, "日本");
    organization.add_account(&below, "Zürich / prod");
    let double = Double::start(organization);
    let snapshot = read(&double).await.unwrap();
    assert_eq!(snapshot.organizational_units[&odd].name, "R&D / 50% Off");
    assert_eq!(
        snapshot.organizational_units[&odd].path,
        "/R&D %2F 50%25 Off"
    );
    assert_eq!(
        snapshot.organizational_units[&below].path,
        "/R&D %2F 50%25 Off/日本"
    );
}

#[tokio::test]
async fn an_empty_page_is_not_the_end() {
    for without_paths in [false, true] {
        let double = Double::start(Organization::generate(120, 7));
        double.faults().paging = Paging::EmptyBeforeEach(2);
        double.faults().without_paths = without_paths;
        let snapshot = read_with(&settings(&double), &with_tags()).await.unwrap();
        assert_eq!(snapshot, expected(&double.organization(), true));
    }
}

#[tokio::test]
async fn state_decides_and_status_stands_in_for_it() {
    let mut organization = Organization::new(8);
    let root = organization.root_id.clone();
    let states = [
        "ACTIVE",
        "SUSPENDED",
        "PENDING_CLOSURE",
        "CLOSED",
        "PENDING_ACTIVATION",
    ];
    for state in states {
        let account = organization.add_account(&root, state);
        organization.set_state(&account, state);
    }
    let double = Double::start(organization);
    for (form, told) in [
        (StateForm::Both, states),
        (StateForm::StateOnly, states),
        (
            StateForm::StatusOnly,
            [
                "ACTIVE",
                "SUSPENDED",
                "PENDING_CLOSURE",
                "SUSPENDED",
                "SUSPENDED",
            ],
        ),
    ] {
        double.faults().state_form = form;
        let snapshot = read(&double).await.unwrap();
        let read: BTreeMap<&str, &str> = snapshot
            .accounts
            .values()
            .map(|account| (account.name.as_str(), account.state.as_str()))
            .collect();
        for (name, state) in states.iter().zip(told) {
            assert_eq!(read[name], state, "{form:?}");
        }
    }
}

#[tokio::test]
async fn the_partition_comes_from_the_organization() {
    let mut organization = Organization::new(11);
    organization.partition = "aws-us-gov".to_owned();
    organization.feature_set = "CONSOLIDATED_BILLING".to_owned();
    let double = Double::start(organization);
    let snapshot = read(&double).await.unwrap();
    assert_eq!(snapshot.partition, "aws-us-gov");
    assert_eq!(snapshot.feature_set, "CONSOLIDATED_BILLING");
}

#[tokio::test]
async fn identical_readings_are_made_once() {
    let double = Double::start(Organization::generate(40, 12));
    let reader = Reader::new();
    let (settings, cancelled) = (settings(&double), CancellationToken::new());
    let options = options();
    let readings = (0..8).map(|_| reader.read(&settings, &options, &cancelled));
    let snapshots = futures_util::future::join_all(readings).await;
    let whole = expected(&double.organization(), false);
    for snapshot in snapshots {
        assert_eq!(snapshot.unwrap().snapshot, whole);
    }
    assert_eq!(double.calls().count("ListRoots"), 1);

    // Later too, and by a clone of the reader.
    reader
        .clone()
        .read(&settings, &options, &cancelled)
        .await
        .unwrap();
    assert_eq!(double.calls().count("ListRoots"), 1);

    reader
        .read(&settings, &with_tags(), &cancelled)
        .await
        .unwrap();
    assert_eq!(double.calls().count("ListRoots"), 2);

    let mut other = settings.clone();
    other.access_key = Some("AKIAOTHER".to_owned());
    reader.read(&other, &options, &cancelled).await.unwrap();
    assert_eq!(double.calls().count("ListRoots"), 3);
}

#[tokio::test]
async fn an_error_is_shared_by_those_who_wait_and_then_forgotten() {
    let double = Double::start(Organization::generate(40, 13));
    double.faults().deny("ListAccounts");
    let reader = Reader::new();
    let (settings, cancelled) = (settings(&double), CancellationToken::new());
    let options = options();
    let readings = (0..4).map(|_| reader.read(&settings, &options, &cancelled));
    for outcome in futures_util::future::join_all(readings).await {
        assert!(matches!(
            outcome,
            Err(DiscoveryError::MissingPermission { .. })
        ));
    }
    assert_eq!(double.calls().count("DescribeOrganization"), 1);

    double.faults().allow("ListAccounts");
    reader.read(&settings, &options, &cancelled).await.unwrap();
}

#[tokio::test]
async fn one_who_is_cancelled_leaves_the_reading_to_the_others() {
    let double = Double::start(Organization::generate(40, 14));
    let gate = double.faults().hold("ListRoots");
    let reader = Reader::new();
    let (settings, options) = (settings(&double), options());
    let (stopped, going) = (CancellationToken::new(), CancellationToken::new());
    let first = reader.read(&settings, &options, &stopped);
    let mut second = pin!(reader.read(&settings, &options, &going));
    let stop = async {
        double
            .until(|calls| calls.under_way("ListRoots") == 1)
            .await;
        stopped.cancel();
    };
    let first = tokio::select! {
        biased;
        (first, ()) = async { tokio::join!(first, stop) } => first,
        second = &mut second => panic!("it was read before it could be: {second:?}"),
    };
    assert_eq!(first.unwrap_err(), DiscoveryError::Cancelled);
    gate.open();
    assert_eq!(
        second.await.unwrap().snapshot,
        expected(&double.organization(), false)
    );
    assert_eq!(double.calls().count("ListRoots"), 1);
}

#[tokio::test]
async fn cancelling_stops_what_would_not_end() {
    let double = Double::start(Organization::generate(40, 15));
    let _shut = double.faults().hold("ListRoots");
    let session = Session::open(&settings(&double), options().timeout)
        .await
        .unwrap();
    let cancelled = CancellationToken::new();
    let options = options();
    let stop = async {
        double
            .until(|calls| calls.under_way("ListRoots") == 1)
            .await;
        cancelled.cancel();
    };
    let (outcome, ()) = tokio::join!(session.discover(&options, &cancelled), stop);
    assert_eq!(outcome.unwrap_err(), DiscoveryError::Cancelled);
}

/// How long it takes is measured in `benches`.
#[tokio::test]
async fn ten_thousand_accounts_are_read_in_the_fewest_calls() {
    let organization = Organization::generate(10_000, 16);
    let pages = 500;
    let double = Double::start(organization);
    for without_paths in [false, true] {
        double.forget_calls();
        double.faults().without_paths = without_paths;
        let snapshot = read(&double).await.unwrap();
        assert_eq!(snapshot, expected(&double.organization(), false));
        assert_eq!(
            double.calls().by_action(),
            calls_needed(&double.organization(), !without_paths)
        );
        assert_eq!(double.calls().count("ListAccounts"), pages);
        let peak = double.calls().peak(|_| true);
        assert!(peak <= AT_ONCE + 1, "{peak} calls at once");
    }
}

/// Calls of one reading, without DescribeOrganization.
const AT_ONCE: usize = 16;

/// So the OUs and their accounts need nearly no time of their own: the accounts' pages come one after another.
#[tokio::test]
async fn neither_the_list_of_accounts_nor_the_walk_waits_for_the_other() {
    let double = Double::start(Organization::generate(100, 19));
    let units = double.organization().units().len();
    for (held, other, needed) in [
        ("ListOrganizationalUnitsForParent", "ListAccounts", 5),
        (
            "ListAccounts",
            "ListOrganizationalUnitsForParent",
            units + 1,
        ),
    ] {
        double.forget_calls();
        let gate = double.faults().hold(held);
        let other_ends = async {
            double.until(|calls| calls.answered(other) == needed).await;
            assert_eq!(double.calls().answered(held), 0);
            gate.open();
        };
        let (snapshot, ()) = tokio::join!(read(&double), other_ends);
        assert_eq!(snapshot.unwrap(), expected(&double.organization(), false));
    }
}

#[tokio::test]
async fn sixteen_calls_are_made_at_once_and_no_more() {
    let mut organization = Organization::new(20);
    let root = organization.root_id.clone();
    for number in 0..40 {
        organization.add_unit(&root, &format!("Unit {number}"));
    }
    let double = Double::start(organization);
    let (units, accounts) = ("ListOrganizationalUnitsForParent", "ListAccountsForParent");
    let gates = {
        let mut faults = double.faults();
        faults.without_paths = true;
        // The first is that of the root.
        [faults.hold_from(units, 2), faults.hold(accounts)]
    };
    let under_way = |calls: &Calls| calls.under_way(units) + calls.under_way(accounts);
    let sixteen_wait = async {
        double
            .until(|calls| {
                let others = ["DescribeOrganization", "ListRoots", "ListAccounts"];
                let are_over = others.iter().all(|other| calls.answered(other) == 1);
                are_over && under_way(calls) >= AT_ONCE
            })
            .await;
        round_trip(&double).await;
        assert_eq!(under_way(&double.calls()), AT_ONCE);
        gates.iter().for_each(Gate::open);
    };
    let (snapshot, ()) = tokio::join!(read(&double), sixteen_wait);
    assert_eq!(snapshot.unwrap(), expected(&double.organization(), false));
}

/// All actions that a reading called, as policies name them.
async fn called(double: &Double, include_tags: bool) -> BTreeSet<String> {
    double.forget_calls();
    let options = Options {
        include_tags,
        ..options()
    };
    let snapshot = read_with(&settings(double), &options).await.unwrap();
    assert_eq!(snapshot, expected(&double.organization(), include_tags));
    double.calls().by_action().into_keys().collect()
}

/// Those of the list that are called for something.
pub(crate) fn required(may_be: impl Fn(&Action) -> bool) -> BTreeSet<String> {
    let actions = REQUIRED_ACTIONS.iter().filter(|action| may_be(action));
    actions.map(|action| action.name.to_owned()).collect()
}

#[tokio::test]
async fn the_policy_lists_exactly_what_is_called() {
    let mut organization = Organization::generate(60, 17);
    // Hidden from its parent's list: only ListParents can place it.
    let hidden = organization.accounts().keys().next_back().unwrap().clone();
    organization.hide_account_from_parent(&hidden);
    let double = Double::start(organization);
    double.faults().without_paths = true;
    let with_tags =
        required(|action| [Purpose::Discovery, Purpose::Tags].contains(&action.purpose));
    assert_eq!(called(&double, true).await, with_tags);
    let without_tags = required(|action| action.purpose == Purpose::Discovery);
    assert_eq!(called(&double, false).await, without_tags);

    double.forget_calls();
    let timeout = options().timeout;
    let session = Session::open(&settings(&double), timeout).await.unwrap();
    assert!(session.key_age(timeout).await.is_some());
    let called: BTreeSet<String> = double.calls().by_action().into_keys().collect();
    let key_age = required(|action| action.purpose == Purpose::KeyAge);
    assert_eq!(called, key_age);
}

#[tokio::test]
async fn what_is_always_called_is_called_in_the_plainest_reading() {
    let double = Double::start(Organization::generate(60, 18));
    let always = required(|action| action.when == "always");
    assert_eq!(called(&double, false).await, always);
}
