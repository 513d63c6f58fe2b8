//! Parsers of HCL that are not ours read `aws.spc`, and what they read obeys Steampipe's rules.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use orgmirror_testing::python;
use serde_json::{Value, json};

use crate::names::names;
use crate::organization::{Example, options};
use crate::read::with_python;

fn example() -> Example {
    Example::new(
        &names(),
        &[
            (
                "aws_config",
                options(&[("source_profile", "orgmirror-base")]),
            ),
            ("steampipe", options(&[("aggregators", "true")])),
        ],
    )
}

/// The connections by name, as python-hcl2 reads them; it takes some seconds for a thousand.
fn read() -> &'static BTreeMap<String, Value> {
    static READ: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    READ.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("aws.spc");
        std::fs::write(&file, example().published("steampipe")).unwrap();
        let found = with_python("hcl", &file);
        assert_eq!(found.as_object().unwrap().len(), 1, "there is nothing else");
        let mut connections = BTreeMap::new();
        for block in found["connection"].as_array().unwrap() {
            for (name, body) in block.as_object().unwrap() {
                let twice = connections.insert(name.clone(), body.clone());
                assert_eq!(twice, None, "Steampipe refuses a file with {name} twice");
            }
        }
        connections
    })
}

#[test]
fn connections_and_aggregators_are_those_of_the_model() {
    let example = example();
    let found = read();
    let expected: BTreeMap<String, Value> = example.view(|view| {
        let mut expected = BTreeMap::new();
        for connection in &view.connections {
            let mut body = json!({
                "plugin": "aws",
                "profile": connection.handle,
                "regions": connection.settings.regions,
                "default_region": connection.settings.default_region,
                "max_error_retry_attempts": connection.settings.max_error_retry_attempts,
                "min_error_retry_delay": connection.settings.min_error_retry_delay,
            });
            if !connection.settings.ignore_error_codes.is_empty() {
                body["ignore_error_codes"] = json!(connection.settings.ignore_error_codes);
            }
            expected.insert(connection.handle.to_owned(), body);
        }
        let all = example.handles();
        let all = ("aws", all.iter().map(String::as_str).collect());
        let folders = view.folders.iter();
        for (name, members) in folders
            .map(|folder| (folder.handle, folder.connections.clone()))
            .chain([all])
        {
            let body = json!({ "plugin": "aws", "type": "aggregator", "connections": members });
            expected.insert(name.to_owned(), body);
        }
        expected
    });
    assert_eq!(found.len(), 1000 + 5 + 1);
    for (name, body) in &expected {
        assert_eq!(found.get(name), Some(body), "{name}");
    }
}

/// `IsSchemaNameValid`, `ReservedConnectionNames` and `Connection.Validate` of turbot/steampipe, and `awsConfig` of its
/// AWS plugin.
#[test]
fn steampipe_takes_every_connection() {
    let found = read();
    let is_aggregator = |body: &Value| body["type"] == "aggregator";
    for (name, body) in found {
        let mut bytes = name.bytes();
        assert!(
            bytes.next().is_some_and(|b| b.is_ascii_lowercase()),
            "{name}"
        );
        assert!(
            bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
            "{name}"
        );
        assert!(name.len() <= 63, "{name}");
        assert!(
            name != "public" && !name.starts_with("pg_") && !name.starts_with("steampipe_"),
            "{name}"
        );
        assert_eq!(body["plugin"], "aws");
        let arguments: BTreeSet<&str> = body
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        if is_aggregator(body) {
            assert_eq!(arguments, ["connections", "plugin", "type"].into());
            let members = body["connections"].as_array().unwrap();
            assert!(!members.is_empty(), "{name}");
            for member in members {
                let member = found.get(member.as_str().unwrap());
                assert!(
                    member.is_some_and(|member| !is_aggregator(member)),
                    "{name}: {member:?}"
                );
            }
        } else {
            let known = [
                "plugin",
                "profile",
                "regions",
                "default_region",
                "max_error_retry_attempts",
                "min_error_retry_delay",
                "ignore_error_codes",
            ];
            assert!(arguments.is_subset(&known.into()), "{name}: {arguments:?}");
            assert!(
                body["max_error_retry_attempts"].as_i64() >= Some(1),
                "{name}"
            );
            assert!(body["min_error_retry_delay"].as_i64() >= Some(1), "{name}");
            assert!(!body["regions"].as_array().unwrap().is_empty(), "{name}");
        }
    }
    assert_eq!(found["aws"]["connections"].as_array().unwrap().len(), 1000);
}

/// Steampipe reads its files with HashiCorp's parser, which is in Terraform too.
#[test]
fn hashicorps_parser_takes_the_file() {
    let terraform = std::env::var_os("ORGMIRROR_TERRAFORM").unwrap_or_else(|| "terraform".into());
    let directory = tempfile::tempdir().unwrap();
    let formatted = |text: &[u8]| -> Result<String, String> {
        let file = directory.path().join("aws.tf");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(&terraform);
        command
            .args(["fmt", "-list=false"])
            .arg(&file)
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_CLI_CONFIG_FILE");
        let output = command.output().unwrap_or_else(|error| {
            panic!(
                "{} cannot be started: {error}. ORGMIRROR_TERRAFORM names another Terraform.",
                terraform.to_string_lossy()
            )
        });
        if output.status.success() {
            Ok(std::fs::read_to_string(&file).unwrap())
        } else {
            Err(python::complaint(&output))
        }
    };
    let text = example().published("steampipe");
    let found = formatted(&text).unwrap();
    // It puts the equals signs below each other, and changes nothing else.
    let text = String::from_utf8(text).unwrap();
    assert!(found.split_whitespace().eq(text.split_whitespace()));
    let error = formatted(b"connection \"a\" {\n  plugin = \"aws\n}\n").unwrap_err();
    assert!(error.contains("Invalid multi-line string"), "{error}");
}
