//! The mirror of an AWS organization: made anew, with nothing changed, and with one account that joins.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "support/organization.rs"]
mod organization;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

use organization::{account, account_id, mirrored, source};

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
