//! An organization that changes while it is read: whole and once, or an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orgmirror::aws::DiscoveryError;
use orgmirror::model::snapshot::Snapshot;
use orgmirror_testing::double::{Calls, Double, Failure, Faults, Organization, Paging, Sequence};
use proptest::prelude::*;

use crate::{calls_needed, expected, options, read, read_with, settings, with_tags};

/// `/A`, `/B` and `/C`, each with accounts, `/A/Below` with one.
fn small() -> Organization {
    let mut organization = Organization::new(20);
    let root = organization.root_id.clone();
    for name in ["A", "B", "C"] {
        let unit = organization.add_unit(&root, name);
        for number in 0..3 {
            organization.add_account(&unit, &format!("{name}{number}"));
        }
    }
    let below = organization.unit_at("/A");
    let below = organization.add_unit(&below, "Below");
    organization.add_account(&below, "deep");
    organization
}

/// Something that happens to an organization.
type Change = fn(&mut Organization);

/// Reads while `changes` happen after one call of `action`, for every such call and with and without Paths; the snapshot
/// must be the organization as it was before, after, or between two of the changes. Gives how often it was not the one before.
async fn read_around(action: &str, changes: &'static [Change]) -> usize {
    let mut organization = small();
    let mut states = vec![expected(&organization, false)];
    for change in changes {
        change(&mut organization);
        states.push(expected(&organization, false));
    }
    let mut changed = 0;
    for without_paths in [false, true] {
        for call in 1..=6 {
            let double = Double::start(small());
            {
                let mut faults = double.faults();
                faults.without_paths = without_paths;
                faults.after(action, call, move |organization| {
                    for change in changes {
                        change(organization);
                    }
                });
            }
            let snapshot = read(&double).await.unwrap();
            let state = states.iter().position(|state| *state == snapshot);
            let state = state.unwrap_or_else(|| {
                panic!("{action} {call}, without paths: {without_paths}: {snapshot:#?}")
            });
            changed += usize::from(state > 0);
        }
    }
    changed
}

const LISTS: [&str; 4] = [
    "ListRoots",
    "ListAccounts",
    "ListAccountsForParent",
    "ListOrganizationalUnitsForParent",
];

#[tokio::test]
async fn an_account_that_moves_is_neither_dropped_nor_doubled() {
    const MOVES: [&[Change]; 3] = [
        &[|organization| move_account(organization, "A0", "/C")],
        &[|organization| move_account(organization, "C0", "/A")],
        &[|organization| move_account(organization, "deep", "/")],
    ];
    for action in LISTS {
        let mut changed = 0;
        for moves in MOVES {
            changed += read_around(action, moves).await;
        }
        assert!(changed > 0, "no move after a call of {action} ever showed");
    }
}

fn move_account(organization: &mut Organization, name: &str, to: &str) {
    let account = organization.account_named(name);
    let parent = organization.unit_at(to);
    organization.move_account(&account, &parent);
}

#[tokio::test]
async fn an_account_that_joins_or_leaves_is_there_or_not() {
    for action in LISTS {
        read_around(
            action,
            &[|organization| {
                let parent = organization.unit_at("/B");
                organization.add_account(&parent, "new");
            }],
        )
        .await;
        read_around(
            action,
            &[|organization| {
                let account = organization.account_named("B1");
                organization.remove_account(&account);
            }],
        )
        .await;
    }
}

#[tokio::test]
async fn an_ou_that_comes_or_goes_with_its_account_is_there_or_not() {
    for action in LISTS {
        read_around(
            action,
            &[
                |organization| {
                    let root = organization.root_id.clone();
                    organization.add_unit(&root, "New");
                },
                |organization| move_account(organization, "A0", "/New"),
            ],
        )
        .await;
        read_around(
            action,
            &[
                |organization| move_account(organization, "deep", "/"),
                |organization| {
                    let unit = organization.unit_at("/A/Below");
                    organization.delete_unit(&unit);
                },
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn an_ou_that_moves_is_read_in_one_place() {
    for action in LISTS {
        read_around(
            action,
            &[|organization| {
                let (unit, parent) = (organization.unit_at("/A/Below"), organization.unit_at("/C"));
                organization.move_unit(&unit, &parent);
            }],
        )
        .await;
    }
}

/// Reads `small` without Paths, with `change` right after the root's accounts were listed and before those of any OU.
async fn read_with_change_after_root(double: &Double, change: Change) -> Snapshot {
    let gate = {
        let mut faults = double.faults();
        faults.without_paths = true;
        faults.after("ListAccountsForParent", 1, change);
        // No OU is known before.
        faults.hold("ListOrganizationalUnitsForParent")
    };
    let changed = async {
        let is_changed = |calls: &Calls| calls.answered("ListAccountsForParent") == 1;
        double.until(is_changed).await;
        gate.open();
    };
    let (snapshot, ()) = tokio::join!(read(double), changed);
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot, expected(&double.organization(), false));
    snapshot
}

#[tokio::test]
async fn an_account_under_two_parents_is_settled_by_list_parents() {
    let mut organization = small();
    let root = organization.root_id.clone();
    let account = organization.add_account(&root, "direct");
    let double = Double::start(organization);
    let snapshot = read_with_change_after_root(&double, |organization| {
        move_account(organization, "direct", "/C");
    })
    .await;
    assert_eq!(snapshot.accounts[&account].path, "/C");
    assert_eq!(double.calls().count("ListParents"), 1);
    assert_eq!(double.calls().count("ListRoots"), 1);
}

#[tokio::test]
async fn an_account_that_slips_past_the_walk_is_settled_by_list_parents() {
    let double = Double::start(small());
    let account = double.organization().account_named("C0");
    let snapshot = read_with_change_after_root(&double, |organization| {
        move_account(organization, "C0", "/");
    })
    .await;
    assert_eq!(snapshot.accounts[&account].path, "/");
    assert_eq!(double.calls().count("ListParents"), 1);
    assert_eq!(double.calls().count("ListRoots"), 1);
}

#[tokio::test]
async fn many_that_slip_past_the_walk_are_read_again() {
    let mut organization = small();
    let unit = organization.unit_at("/C");
    for number in 0..30 {
        organization.add_account(&unit, &format!("many{number}"));
    }
    let double = Double::start(organization);
    read_with_change_after_root(&double, |organization| {
        for number in 0..30 {
            move_account(organization, &format!("many{number}"), "/");
        }
    })
    .await;
    assert_eq!(double.calls().count("ListParents"), 0);
    assert_eq!(double.calls().count("ListRoots"), 2);
}

#[tokio::test]
async fn an_account_that_leaves_before_its_tags_are_read_is_not_there() {
    let double = Double::start(Organization::generate(60, 21));
    let leaving = double
        .organization()
        .accounts()
        .keys()
        .next_back()
        .unwrap()
        .clone();
    {
        let leaving = leaving.clone();
        double.faults().deny("GetResources");
        double
            .faults()
            .after("ListTagsForResource", 1, move |organization| {
                organization.remove_account(&leaving)
            });
    }
    let snapshot = read_with(&settings(&double), &with_tags()).await.unwrap();
    assert!(!snapshot.accounts.contains_key(&leaving));
    assert_eq!(snapshot, expected(&double.organization(), true));
    // Tags that were read are not read again.
    assert_eq!(double.calls().count("ListTagsForResource"), 60);
}

#[tokio::test]
async fn an_account_under_no_parent_is_settled_by_list_parents() {
    let mut organization = small();
    let account = organization.account_named("B2");
    organization.hide_account_from_parent(&account);
    let double = Double::start(organization);
    double.faults().without_paths = true;
    assert_eq!(
        read(&double).await.unwrap(),
        expected(&double.organization(), false)
    );
    assert_eq!(double.calls().count("ListParents"), 1);
    assert_eq!(double.calls().count("ListRoots"), 1);
}

#[tokio::test]
async fn an_account_whose_parent_is_not_there_is_an_error() {
    let mut organization = small();
    let (account, unit) = (
        organization.account_named("deep"),
        organization.unit_at("/A/Below"),
    );
    organization.delete_unit_with_orphans(&unit);
    let double = Double::start(organization);
    for without_paths in [false, true] {
        double.faults().without_paths = without_paths;
        double.forget_calls();
        let error = read(&double).await.unwrap_err();
        let DiscoveryError::Inconsistent {
            rounds, accounts, ..
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!((*rounds, accounts), (4, &vec![account.clone()]));
        assert_eq!(double.calls().count("ListRoots"), 4);
        let text = error.to_string();
        assert!(
            text.contains(&format!(
                "account {account} was listed but is under no parent"
            )),
            "{text}"
        );
        assert!(error.fix().contains("try again"), "{}", error.fix());
    }
}

#[tokio::test]
async fn an_ou_that_goes_after_it_was_listed_is_not_there() {
    let mut organization = small();
    let root = organization.root_id.clone();
    let doomed = organization.add_unit(&root, "Doomed");
    for without_paths in [false, true] {
        let double = Double::start(organization.clone());
        {
            let mut faults = double.faults();
            faults.without_paths = without_paths;
            let doomed = doomed.clone();
            // Right after the root's OUs were listed.
            faults.after("ListOrganizationalUnitsForParent", 1, move |organization| {
                organization.delete_unit(&doomed)
            });
        }
        let snapshot = read(&double).await.unwrap();
        assert!(!snapshot.organizational_units.contains_key(&doomed));
        assert_eq!(snapshot, expected(&double.organization(), false));
        assert_eq!(double.calls().count("ListRoots"), 2);
    }
}

#[tokio::test]
async fn an_account_that_leaves_after_its_parent_was_listed_is_not_there() {
    let double = Double::start(Organization::generate(60, 22));
    let needed = calls_needed(&double.organization(), false);
    let leaving = double
        .organization()
        .accounts()
        .keys()
        .next_back()
        .unwrap()
        .clone();
    let gate = {
        let mut faults = double.faults();
        faults.without_paths = true;
        let leaving = leaving.clone();
        faults.after("ListAccounts", 2, move |organization| {
            organization.remove_account(&leaving);
        });
        // The first page starts the lists per parent, which are done before the second one comes.
        faults.hold_from("ListAccounts", 2)
    };
    let listed = async {
        let per_parent = needed["organizations:ListAccountsForParent"];
        let are_listed = |calls: &Calls| calls.answered("ListAccountsForParent") == per_parent;
        double.until(are_listed).await;
        gate.open();
    };
    let (snapshot, ()) = tokio::join!(read(&double), listed);
    let snapshot = snapshot.unwrap();
    assert!(!snapshot.accounts.contains_key(&leaving));
    assert_eq!(snapshot, expected(&double.organization(), false));
    assert_eq!(double.calls().count("ListParents"), 1);
}

/// A double in which an OU moves away from the root, into a sibling not yet read, in each of the first `rounds` rounds.
fn restless(rounds: usize) -> (Double, String) {
    let mut organization = small();
    let (unit, root) = (
        organization.unit_at("/A/Below"),
        organization.root_id.clone(),
    );
    organization.move_unit(&unit, &root);
    let double = Double::start(organization);
    {
        let mut faults = double.faults();
        // The root's OUs are the first of a round's lists; there are lists of A, B, C and the OU itself besides.
        for round in 0..rounds {
            let (moved, back) = (unit.clone(), unit.clone());
            faults.after(
                "ListOrganizationalUnitsForParent",
                1 + round * 5,
                move |organization| {
                    let parent = organization.unit_at("/A");
                    organization.move_unit(&moved, &parent);
                },
            );
            faults.after("ListRoots", 2 + round, move |organization| {
                let root = organization.root_id.clone();
                organization.move_unit(&back, &root);
            });
        }
    }
    (double, unit)
}

#[tokio::test]
async fn an_organization_never_at_rest_is_an_error() {
    let (double, unit) = restless(4);
    let error = read(&double).await.unwrap_err();
    let DiscoveryError::Inconsistent {
        rounds: 4,
        organizational_units,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(organizational_units.iter().collect::<Vec<_>>(), [&unit]);
    assert!(error.to_string().contains(&unit), "{error}");
    assert_eq!(double.calls().count("DescribeOrganization"), 1);
    assert_eq!(double.calls().count("ListRoots"), 4);
}

#[tokio::test]
async fn an_organization_that_comes_to_rest_is_read() {
    let (double, unit) = restless(2);
    let snapshot = read(&double).await.unwrap();
    assert_eq!(snapshot, expected(&double.organization(), false));
    assert_eq!(snapshot.organizational_units[&unit].path, "/Below");
    assert_eq!(double.calls().count("ListRoots"), 3);
}

/// What must hold of a reading during which the organization changed: everything that was there all the time is there,
/// exactly once, under a parent that it had at some time.
fn is_whole(snapshot: &Snapshot, before: &Snapshot, after: &Snapshot) {
    for (id, account) in &before.accounts {
        let Some(later) = after.accounts.get(id) else {
            continue;
        };
        let read = snapshot
            .accounts
            .get(id)
            .unwrap_or_else(|| panic!("account {id} was dropped"));
        assert!(
            [&account.parent_id, &later.parent_id].contains(&&read.parent_id),
            "{read:?}"
        );
    }
    for id in snapshot.accounts.keys() {
        assert!(
            before.accounts.contains_key(id) || after.accounts.contains_key(id),
            "account {id} was made up"
        );
    }
    for id in before.organizational_units.keys() {
        if after.organizational_units.contains_key(id) {
            assert!(
                snapshot.organizational_units.contains_key(id),
                "OU {id} was dropped"
            );
        }
    }
    for account in snapshot.accounts.values() {
        assert!(
            account.parent_id == snapshot.root_id
                || snapshot
                    .organizational_units
                    .contains_key(&account.parent_id)
        );
    }
}

/// Moves an account, adds one, removes one or renames an OU, whatever `number` picks.
fn change(organization: &mut Organization, number: u64) {
    let mut sequence = Sequence::new(number);
    let units: Vec<String> = organization.units().keys().cloned().collect();
    let accounts: Vec<String> = organization
        .accounts()
        .keys()
        .filter(|id| **id != organization.management_account_id)
        .cloned()
        .collect();
    let (Some(unit), Some(account)) = (
        units.get(sequence.below(units.len().max(1))),
        accounts.get(sequence.below(accounts.len().max(1))),
    ) else {
        return;
    };
    match sequence.below(4) {
        0 | 1 => organization.move_account(account, unit),
        2 => drop(organization.add_account(unit, "joined")),
        _ => organization.remove_account(account),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn random_faults(faults: &mut Faults, paging: u64, without_paths: bool) {
    faults.paging = Paging::Random(paging);
    faults.without_paths = without_paths;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn however_pages_are_cut_the_reading_is_exact(
        accounts in 1_usize..150,
        seed in any::<u64>(),
        paging in any::<u64>(),
        without_paths in any::<bool>(),
    ) {
        let double = Double::start(Organization::generate(accounts, seed));
        random_faults(&mut double.faults(), paging, without_paths);
        let snapshot = runtime().block_on(read(&double)).unwrap();
        prop_assert_eq!(snapshot, expected(&double.organization(), false));
    }

    #[test]
    fn whatever_changes_the_reading_is_whole_or_an_error(
        accounts in 2_usize..100,
        seed in any::<u64>(),
        paging in any::<u64>(),
        without_paths in any::<bool>(),
        changes in proptest::collection::vec((0_usize..4, 1_usize..12, any::<u64>()), 1..6),
    ) {
        let organization = Organization::generate(accounts, seed);
        let before = expected(&organization, false);
        let double = Double::start(organization);
        let happened = Arc::new(AtomicUsize::new(0));
        {
            let mut faults = double.faults();
            random_faults(&mut faults, paging, without_paths);
            for (action, call, number) in changes {
                let happened = Arc::clone(&happened);
                faults.after(LISTS[action], call, move |organization| {
                    happened.fetch_add(1, Ordering::Relaxed);
                    change(organization, number);
                });
            }
        }
        let outcome = runtime().block_on(read(&double));
        let after = expected(&double.organization(), false);
        match outcome {
            // An account that moved twice may be read where it was in between.
            Ok(snapshot) if happened.load(Ordering::Relaxed) <= 1 => is_whole(&snapshot, &before, &after),
            Ok(snapshot) => {
                for id in before.accounts.keys().filter(|id| after.accounts.contains_key(*id)) {
                    prop_assert!(snapshot.accounts.contains_key(id), "account {} was dropped", id);
                }
                prop_assert_eq!(
                    snapshot.organizational_units.keys().collect::<Vec<_>>(),
                    before.organizational_units.keys().collect::<Vec<_>>()
                );
            }
            Err(DiscoveryError::Inconsistent { .. }) => {}
            Err(error) => prop_assert!(false, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn random_faults_throttling_and_pages_together_are_survived() {
    let double = Double::start(Organization::generate(200, 31));
    {
        let mut faults = double.faults();
        random_faults(&mut faults, 7, true);
        faults.throttle(None, 5, Failure::throttled());
    }
    let snapshot = read_with(&settings(&double), &options()).await.unwrap();
    assert_eq!(snapshot, expected(&double.organization(), false));
    assert!(double.calls().all().iter().any(|call| call.error.is_some()));
}
