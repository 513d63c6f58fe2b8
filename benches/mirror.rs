//! The mirror of an AWS organization: made anew, with nothing changed, and with one account that joins; and what follows
//! from it for 50 workspaces.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use orgmirror::model::admission::Admit;
use orgmirror::model::folder_ref::FolderRef;
use orgmirror::model::handle_assignment::assign_handles;
use orgmirror::model::impact::compare;
use orgmirror::model::mirror::Reconciled;
use orgmirror::model::objects::{
    ConnectionOverride, ConnectionPermission, FolderOverride, FolderPermission, Integration,
    OverriddenSettings, Workspace,
};
use orgmirror::model::tenant::Tenant;
use orgmirror::model::visibility::Resolved;
use orgmirror_testing::generated::{
    HANDLE, PREFIX, account, account_id, mirrored, source, source_with,
};
use orgmirror_testing::objects::{integration_of, settings};

const ACCOUNTS: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

#[divan::bench(args = ACCOUNTS, sample_count = 30)]
fn first_time(bencher: Bencher, accounts: usize) {
    let source = source(accounts);
    bencher
        .counter(ItemsCount::new(accounts))
        .bench(|| mirrored(black_box(&source), None));
}

#[divan::bench(args = ACCOUNTS, sample_count = 30)]
fn nothing_changed(bencher: Bencher, accounts: usize) {
    let source = source(accounts);
    let held = mirrored(&source, None);
    assert_eq!(mirrored(&source, Some(&held)), held);
    bencher
        .counter(ItemsCount::new(accounts))
        .bench(|| mirrored(black_box(&source), Some(&held)));
}

#[divan::bench(args = ACCOUNTS, sample_count = 30)]
fn one_joins(bencher: Bencher, accounts: usize) {
    let mut source = source(accounts);
    let held = mirrored(&source, None);
    source
        .accounts
        .insert(account_id(accounts), account(accounts, None));
    let next = mirrored(&source, Some(&held));
    assert_eq!(next.mirror.connections.len(), accounts + 1);
    bencher
        .counter(ItemsCount::new(accounts))
        .bench(|| mirrored(black_box(&source), Some(&held)));
}

const UNITS: usize = 500;
const PERMISSIONS: usize = 100;
const WORKSPACES: usize = 50;

fn integration(mirrored: Reconciled) -> Integration {
    Integration {
        handle_prefix: Some(PREFIX.to_owned()),
        connection_settings: settings("orgmirror-readonly", Some("acme:0123456789abcdef")),
        // Every workspace sees everything: the most there can be to do.
        permissions: BTreeSet::from(["*".to_owned()]),
        ..integration_of("in_bench", HANDLE, mirrored.mirror.known().unwrap())
    }
}

/// A tenant with its handles assigned: 10,000 connections under 500 OUs, 100 permissions of every kind, 120 overrides, 50 workspaces.
fn tenant() -> Tenant {
    let accounts = ACCOUNTS[2];
    let integration = integration(mirrored(&source_with(accounts, UNITS), None));
    let mut folders: Vec<(String, String)> = Vec::new();
    for (id, folder) in &integration.mirror.folders {
        folders.push((id.clone(), folder.path.clone()));
    }
    let folder = |number: usize| {
        let (id, path) = &folders[number * 37 % folders.len()];
        match number.is_multiple_of(2) {
            true => FolderRef::Id(id.clone()),
            false => FolderRef::Path(path.clone()),
        }
    };
    let mut tenant = Tenant::new("acme");
    let integration_id = integration.id.clone();
    tenant.put(integration);
    for number in 0..PERMISSIONS {
        let grantee = match number % 3 {
            0 => "*".to_owned(),
            1 => format!("team{}", number % 5),
            _ => format!("team{}/work{}", number % 5, number % 10),
        };
        let grantee = grantee.parse().unwrap();
        if number % 5 == 0 {
            tenant.put(ConnectionPermission {
                id: format!("cp_{number:03}"),
                integration_id: integration_id.clone(),
                account_id: account_id(number * 91),
                grantee,
            });
        } else {
            let tags = BTreeMap::from([("owner".to_owned(), format!("team-{number}"))]);
            tenant.put(FolderPermission {
                id: format!("fp_{number:03}"),
                integration_id: integration_id.clone(),
                folder: folder(number),
                grantee,
                match_tags: (number % 4 == 0).then_some(tags),
            });
        }
    }
    for number in 0..100 {
        tenant.put(connection_override(number, &account_id(number * 97)));
    }
    for number in 0..20 {
        tenant.put(FolderOverride {
            id: format!("fo_{number:03}"),
            integration_id: integration_id.clone(),
            folder: folder(number * 3),
            handle: None,
            role_name: Some("auditor".to_owned()),
            settings: OverriddenSettings::default(),
        });
    }
    for number in 0..WORKSPACES {
        tenant.put(Workspace {
            id: format!("ws_{number:03}"),
            organization: format!("team{}", number % 5),
            handle: format!("work{}", number / 5),
            attach: None,
            publish: BTreeMap::new(),
        });
    }
    assign_handles(&mut tenant, &Tenant::new("acme"));
    assert_eq!(tenant.problem(), None);
    tenant
}

fn connection_override(number: usize, account_id: &str) -> ConnectionOverride {
    ConnectionOverride {
        id: format!("co_{number:03}"),
        integration_id: "in_bench".to_owned(),
        account_id: account_id.to_owned(),
        handle: Some(format!("fixed_{number}")),
        role_arn: None,
        settings: OverriddenSettings {
            max_error_retry_attempts: Some(3),
            ..OverriddenSettings::default()
        },
    }
}

/// The tenant after a permission more.
fn with_a_permission(tenant: &Tenant) -> Tenant {
    let mut after = tenant.clone();
    after.put(FolderPermission {
        id: "fp_new".to_owned(),
        integration_id: "in_bench".to_owned(),
        folder: FolderRef::Path("/".to_owned()),
        grantee: "team1".parse().unwrap(),
        match_tags: None,
    });
    after
}

/// The tenant after one account joined, its handles not assigned yet.
fn with_an_account(tenant: &Tenant) -> Tenant {
    let accounts = ACCOUNTS[2];
    let mut source = source_with(accounts, UNITS);
    let held = mirrored(&source, None);
    let newcomer = account(accounts, None);
    source.accounts.insert(account_id(accounts), newcomer);
    let mut after = tenant.clone();
    after.put(integration(mirrored(&source, Some(&held))));
    after
}

#[divan::bench(sample_count = 30)]
fn inheritance_is_worked_out(bencher: Bencher) {
    let tenant = tenant();
    bencher.bench_local(|| Resolved::of(black_box(&tenant)));
}

#[divan::bench(sample_count = 10)]
fn views_of_all_workspaces(bencher: Bencher) {
    let tenant = tenant();
    let resolved = Resolved::of(&tenant);
    let workspaces: Vec<&Workspace> = tenant.each().collect();
    assert_eq!(resolved.view(workspaces[0]).connections.len(), ACCOUNTS[2]);
    bencher
        .counter(ItemsCount::new(WORKSPACES))
        .bench_local(|| {
            for workspace in &workspaces {
                black_box(resolved.view(workspace));
            }
        });
}

#[divan::bench(sample_count = 30)]
fn handles_are_assigned_after_a_permission(bencher: Bencher) {
    let before = tenant();
    bencher
        .with_inputs(|| with_a_permission(&before))
        .bench_values(|mut after| {
            assert_eq!(assign_handles(&mut after, &before), []);
            after
        });
}

#[divan::bench(sample_count = 30)]
fn handles_are_assigned_after_one_joined(bencher: Bencher) {
    let before = tenant();
    let joined = with_an_account(&before);
    bencher
        .with_inputs(|| {
            // Nobody else holds the new integration, as in a commit.
            let mut after = joined.clone();
            after.put(after.get::<Integration>("in_bench").unwrap().clone());
            after
        })
        .bench_values(|mut after| {
            assign_handles(&mut after, &before);
            after
        });
}

#[divan::bench(sample_count = 30)]
fn reach_of_a_permission(bencher: Bencher) {
    let before = tenant();
    let after = with_a_permission(&before);
    // Everybody saw everything already.
    assert_eq!(compare(&before, &after), []);
    bencher.bench_local(|| compare(black_box(&before), black_box(&after)));
}

#[divan::bench(sample_count = 30)]
fn reach_of_one_that_joined(bencher: Bencher) {
    let before = tenant();
    let mut after = with_an_account(&before);
    assign_handles(&mut after, &before);
    assert_eq!(compare(&before, &after).len(), WORKSPACES);
    bencher.bench_local(|| compare(black_box(&before), black_box(&after)));
}

#[divan::bench(sample_count = 30)]
fn an_override_is_admitted(bencher: Bencher) {
    let tenant = tenant();
    let newcomer = connection_override(999, &account_id(1));
    bencher.bench_local(|| black_box(&newcomer).admit(None, black_box(&tenant)));
}

#[divan::bench(sample_count = 30)]
fn a_tenant_is_checked(bencher: Bencher) {
    let tenant = tenant();
    bencher.bench_local(|| black_box(&tenant).problem());
}
