//! Holds that what was compiled to use the provider is not compiled again to test it.
//!
//! cargo compiles a crate once for each set of its features. One that the tests need with other features is compiled
//! again for them, with everything that stands on it: with tower that was all of the AWS SDK, some five minutes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that some kinds of dependency lead to, each with its features.
fn crates(kinds: &str) -> BTreeSet<String> {
    let done = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", kinds])
        .args(["--prefix", "none", "--format", "{p} {f}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let tree = String::from_utf8(done.stdout).unwrap();
    // A crate that stood further up has this mark instead of what is below it.
    tree.lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

/// Name and version.
fn identity(line: &str) -> Vec<&str> {
    line.split(' ').take(2).collect()
}

#[test]
fn the_tests_need_no_crate_of_the_provider_with_other_features() {
    // What macros are made with is compiled by itself, and little stands on it.
    let used = crates("normal,no-proc-macro");
    assert!(used.len() > 100, "{used:?}");
    let tested = crates("normal,dev,no-proc-macro");
    let known: BTreeSet<_> = used.iter().map(|line| identity(line)).collect();
    let again: Vec<_> = tested
        .difference(&used)
        .filter(|line| known.contains(&identity(line)))
        .chain(used.difference(&tested))
        .collect();
    assert!(again.is_empty(), "compiled twice: {again:#?}");
}
