//! Holds the documentation to the code: the reference follows from the schemas, tables from the real rules, every error
//! has a heading, every link leads somewhere, every example is valid.
//!
//! `make docs` (`UPDATE_DOCS=1`) writes what is generated; otherwise what is old fails.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod examples;
mod handles;
mod markdown;
mod partitions;
mod reference;
mod summaries;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

use orgmirror::aws::connection_test::Cause;
use orgmirror::aws::{Purpose, REQUIRED_ACTIONS};
use orgmirror::model::service_control::Verdict;
use orgmirror::onboarding::Onboarding;
use orgmirror_testing::Provider;

/// The provider that cargo built for these tests.
const PROVIDER: Provider = Provider::at(env!("CARGO_BIN_EXE_terraform-provider-orgmirror"));

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project, by its path from the root.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a directory of the project whose name ends so, by its path from the root, sorted.
fn files(directory: &str, ending: &str) -> Vec<String> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let is_hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !is_hidden {
                walk(&path, found);
            } else if !is_hidden {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(directory), &mut found);
    let mut names: Vec<String> = found
        .iter()
        .map(|path| {
            path.strip_prefix(root())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no {ending} in {directory}");
    names
}

/// Writes what is generated before it is looked at, where it is to be written.
fn updated() {
    static ONCE: Once = Once::new();
    if is_update() {
        ONCE.call_once(|| {
            reference::settle_pages();
            handles::settle_names();
            handles::settle_life();
            settle_policies();
            settle_catalog_policies();
            settle_story();
        });
    }
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1")
}

/// Holds that a file is `wanted`; with `UPDATE_DOCS=1` makes it so.
fn settle(path: &str, wanted: &str) {
    let file = root().join(path);
    if fs::read_to_string(&file).is_ok_and(|found| found == wanted) {
        return;
    }
    assert!(
        is_update(),
        "{path} is not what the code says; write it anew with `make docs`, and look at the difference"
    );
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, wanted).unwrap();
}

/// Holds that the part of a file between `<!-- NAME:begin -->` and `<!-- NAME:end -->` is `wanted`, or makes it so.
fn settle_part(path: &str, name: &str, wanted: &str) {
    /// Several tests have parts of one file.
    static WRITER: Mutex<()> = Mutex::new(());
    let _writer = WRITER.lock();
    let (begin, end) = (
        format!("<!-- {name}:begin -->"),
        format!("<!-- {name}:end -->"),
    );
    let page = read(path);
    let (before, rest) = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{path} has no {begin}"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{path} has no {end}"));
    settle(path, &format!("{before}{begin}\n{wanted}\n{end}{after}"));
}

/// What the README shows is an example that is tried (`tests/acceptance/story.rs`).
#[test]
fn the_story_of_the_readme_is_the_example() {
    settle_story();
}

fn settle_story() {
    let example = read("examples/workspaces/main.tf");
    let (_, provider) = example.split_once("provider \"orgmirror\"").unwrap();
    let (_, story) = provider.split_once("\n}\n").unwrap();
    settle_part(
        "README.md",
        "story",
        &format!("```hcl\n{}\n```", story.trim()),
    );
}

#[test]
fn every_cause_of_a_failed_connection_is_in_the_guide() {
    let guide = read("docs/guides/connection-tests.md");
    let causes: Vec<&str> = rows(&guide).map(|(cause, _)| cause).collect();
    assert_eq!(causes, Cause::ALL.map(Cause::name));
}

/// First cell of each row whose first cell is code, and the rest of the row.
fn rows(guide: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = guide.lines();
    rows.filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
}

#[test]
fn every_verdict_on_policies_is_in_the_guide() {
    let guide = read("docs/guides/resource-explorer.md");
    let verdicts: Vec<_> = rows(&guide)
        .map(|(verdict, rest)| (verdict, rest.ends_with(" yes |")))
        .collect();
    let expected = Verdict::ALL.map(|verdict| (verdict.name(), verdict.is_problem()));
    assert_eq!(verdicts, expected);
}

/// `tests/discovery/readiness.rs` holds the actions to the calls.
#[test]
fn the_actions_in_the_guide_are_those_that_resource_explorer_is_asked_by() {
    let guide = read("docs/guides/resource-explorer.md");
    let listed = guide
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`'));
    let called = REQUIRED_ACTIONS.iter();
    let called = called.filter(|action| action.purpose == Purpose::Indexes);
    let called: Vec<&str> = called.map(|action| action.name).collect();
    assert_eq!(listed.collect::<Vec<_>>(), called);
}

/// What the policies must allow is what is called.
#[test]
fn the_policies_in_the_guide_are_what_discovery_calls() {
    settle_policies();
}

fn settle_policies() {
    let onboarding = Onboarding {
        partition: "aws".to_owned(),
        role_name: "orgmirror-readonly".to_owned(),
        external_id: Some("acme:k3v9w2q8r5t1y7u4".to_owned()),
        trusted_principals: ["444455556666".parse().unwrap()].into(),
        permissions_policies: [].into(),
        delegated_administrator_id: Some("222222222222".parse().unwrap()),
    };
    let guide = "docs/guides/onboarding.md";
    for (part, policy) in [
        ("policy", onboarding.discovery_policy_json()),
        ("trust", onboarding.trust_policy_json()),
        ("caller", onboarding.caller_policy_json()),
        ("delegation", onboarding.delegation_policy_json()),
    ] {
        settle_part(guide, part, &format!("```json\n{}\n```", policy.unwrap()));
    }
    let rows = REQUIRED_ACTIONS.iter().map(|action| {
        let statement = action.purpose.sid();
        format!("| `{}` | `{statement}` | {} |\n", action.name, action.when)
    });
    let rows: String = rows.collect();
    let table = format!(
        "| action | statement | when |\n|---|---|---|\n{}",
        rows.trim_end()
    );
    settle_part(guide, "actions", &table);
}

/// `tests/s3/reading.rs` holds the actions to the calls.
#[test]
fn the_policy_in_the_guide_is_what_the_catalog_in_s3_calls() {
    settle_catalog_policies();
}

fn settle_catalog_policies() {
    let of_bucket = |action: &&str| *action == "s3:ListBucket";
    let (bucket, objects): (Vec<&str>, Vec<&str>) = orgmirror::catalog::REQUIRED_S3_ACTIONS
        .iter()
        .partition(|action| of_bucket(action));
    let policy = |statements: &[(&[&str], &str)]| {
        let statements = statements.iter().map(|(actions, resource)| {
            let actions: Vec<String> = actions.iter().map(|a| format!("        {a:?}")).collect();
            format!(
                "    {{\n      \"Effect\": \"Allow\",\n      \"Action\": [\n{}\n      ],\n      \"Resource\": {resource:?}\n    }}",
                actions.join(",\n")
            )
        });
        let statements: Vec<String> = statements.collect();
        let json = format!(
            "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n{}\n  ]\n}}",
            statements.join(",\n")
        );
        serde_json::from_str::<serde_json::Value>(&json).expect("the policy is JSON");
        format!("```json\n{json}\n```")
    };
    let guide = "docs/guides/teams.md";
    let statements = [
        (&bucket[..], "arn:aws:s3:::acme-orgmirror"),
        (&objects[..], "arn:aws:s3:::acme-orgmirror/prod/tenants/*"),
    ];
    settle_part(guide, "catalog-policy", &policy(&statements));
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let actions = orgmirror::catalog::REQUIRED_KEY_ACTIONS;
    settle_part(guide, "key-policy", &policy(&[(&actions, key)]));
}
