//! The real c7n-org, against moto.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use orgmirror::model::mirror::role_arn;
use orgmirror::model::objects::{ConnectionOverride, OverriddenSettings};
use orgmirror::model::owners::Owner;
use orgmirror::model::partition;
use orgmirror_testing::moto::Moto;
use orgmirror_testing::python;
use serde_json::{Map, Value, json};

use crate::names::names;
use crate::organization::{EXTERNAL_ID, Example, account_id, options};

/// The Python that has c7n-org: `ORGMIRROR_C7N_PYTHON`, else the one that `make test` sets up.
pub fn c7n_python(home: &Path) -> Command {
    let python = std::env::var_os("ORGMIRROR_C7N_PYTHON").unwrap_or_else(|| {
        OsString::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.venv-c7n/bin/python"))
    });
    let mut command = Command::new(python);
    command.env_clear().env("HOME", home).env("PYTHONUTF8", "1");
    command
}

/// The last line that one of the scripts beside this file writes, as JSON.
pub fn answer(command: &mut Command, script: &str) -> Value {
    let output = python::run(command);
    assert!(
        output.status.success(),
        "{script}: {}",
        python::complaint(&output)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A script beside this file.
pub fn script(name: &str) -> String {
    format!("{}/tests/consumers/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Text as the scripts write it where it must not depend on anybody's quoting.
pub fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The names, with tags and owners made of them as well.
pub fn tagged_example(format: &str) -> Example {
    let names = names();
    let mut example = Example::new(&names, &[(format, options(&[]))]);
    let mut integration = example
        .tenant
        .integration_by_handle("acme")
        .unwrap()
        .clone();
    for number in 0..names.len() {
        let connection = integration.mirror.connections.get_mut(&account_id(number));
        let name = |distance: usize| names[(number + distance) % names.len()].clone();
        let email = format!("{}@example.com", name(1));
        let connection = connection.unwrap();
        connection.tags = Some([(name(2), name(3)), (name(4), name(5))].into());
        connection.email = Some(email);
        connection.owners = Some(
            [Owner {
                attribute: name(6),
                values: [name(7), name(8)].into(),
            }]
            .into(),
        );
    }
    example.tenant.put(integration);
    example
}

#[test]
fn c7n_org_loads_a_thousand_names() {
    let example = tagged_example("c7n_org");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.yml");
    std::fs::write(&file, example.published("c7n_org")).unwrap();
    let mut command = c7n_python(directory.path());
    let found = answer(
        command.arg(script("accounts.py")).arg("read").arg(&file),
        "accounts.py",
    );

    let left_out = |tag: &str| {
        let (name, _) = tag.rsplit_once(':').unwrap();
        name.contains('=') || tag.contains('\0') || tag.starts_with("path:/")
    };
    let mut tags_left_out = 0;
    let expected: Vec<Value> = example.view(|view| {
        let connections = view.connections.iter();
        connections
            .map(|connection| {
                let mut tags: Vec<String> = connection
                    .folders()
                    .map(|(_, folder)| format!("path:{}", folder.path))
                    .collect();
                for (key, value) in connection.tags().unwrap() {
                    tags.push(format!("{key}:{value}"));
                    if left_out(tags.last().unwrap()) {
                        tags.pop();
                        tags_left_out += 1;
                    }
                }
                let owners = connection.owners().unwrap().iter();
                let owners: Map<String, Value> = owners
                    .map(|owner| {
                        let values: Vec<String> = owner
                            .values
                            .iter()
                            .map(|value| hexadecimal(value))
                            .collect();
                        (hexadecimal(&owner.attribute), json!(values))
                    })
                    .collect();
                let regions: Vec<&str> = match connection.settings.regions.contains("*") {
                    true => vec!["all"],
                    false => {
                        let regions = partition::regions("aws").iter().copied();
                        regions
                            .filter(|region| region.starts_with("eu-") || *region == "us-east-1")
                            .collect()
                    }
                };
                json!({
                    "account_id": connection.account_id,
                    "name": connection.handle,
                    "email": hexadecimal(connection.email().unwrap()),
                    "role": hexadecimal(connection.role_arn),
                    "external_id": hexadecimal(connection.settings.external_id.as_deref().unwrap()),
                    "regions": regions,
                    "tags": tags.iter().map(|tag| hexadecimal(tag)).collect::<Vec<_>>(),
                    "owners": owners,
                })
            })
            .collect()
    });
    assert!(tags_left_out > 50, "{tags_left_out}");
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 1000);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(expected.len(), found.len());
}

#[test]
fn c7n_org_runs_a_policy_in_exactly_the_published_accounts() {
    let names = ["Hub", "Prod", "Gov", "Sandbox"].map(str::to_owned);
    let mut example = Example::new(&names, &[("c7n_org", options(&[]))]);
    let [hub, prod, gov, sandbox] = [0, 1, 2, 3].map(account_id);
    let mut integration = example
        .tenant
        .integration_by_handle("acme")
        .unwrap()
        .clone();
    integration.connection_settings.role_name = "reader".to_owned();
    for (id, connection) in &mut integration.mirror.connections {
        let partition = match *id == gov {
            true => partition::AWS_US_GOV,
            false => partition::AWS,
        };
        connection.derived_role_arn = role_arn(partition, id, "reader");
        let mia = Owner {
            attribute: "user".to_owned(),
            values: ["mia@example.com".to_owned()].into(),
        };
        connection.owners = (*id == hub).then(|| [mia].into());
    }
    let integration_id = integration.id.clone();
    example.tenant.put(integration);
    let overriding = |account_id: &str, number: usize, settings| ConnectionOverride {
        id: format!("co_{number:020}"),
        integration_id: integration_id.clone(),
        account_id: account_id.to_owned(),
        handle: None,
        role_arn: None,
        settings,
    };
    example.tenant.put(overriding(
        &hub,
        0,
        OverriddenSettings {
            regions: Some(["us-east-*".to_owned(), "eu-west-1".to_owned()].into()),
            external_id: Some("own+=,.@:/-1".to_owned()),
            ..OverriddenSettings::default()
        },
    ));
    example.tenant.put(overriding(
        &sandbox,
        3,
        OverriddenSettings {
            enabled: false,
            ..OverriddenSettings::default()
        },
    ));

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.yml");
    std::fs::write(&file, example.published("c7n_org")).unwrap();
    let role = |id: &str| role_arn("aws", id, "reader");
    let gov_role = role_arn("aws-us-gov", &gov, "reader");
    let input = json!({
        "topics": [
            [role(&hub), "us-east-2", "in-hub"],
            // Not among its regions.
            [role(&hub), "us-west-2", "elsewhere-in-hub"],
            [role(&prod), "sa-east-1", "in-prod"],
            [gov_role, "us-gov-east-1", "in-gov"],
            [role(&sandbox), "us-east-1", "in-sandbox"],
        ],
        "arguments": [
            ["--not-accounts", "prod"],
            ["-t", "path:/Workloads/\"Prod\" # [1]", "-r", "sa-east-1"],
        ],
    });
    let standard_input = directory.path().join("input.json");
    std::fs::write(&standard_input, input.to_string()).unwrap();
    let mut command = c7n_python(directory.path());
    command
        .env("AWS_ENDPOINT_URL", Moto::seed(json!({})).url())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .arg(script("accounts.py"))
        .arg("run")
        .arg(&file)
        .arg(directory.path())
        .stdin(Stdio::from(std::fs::File::open(&standard_input).unwrap()));
    let found = answer(&mut command, "accounts.py");

    let all_regions = found["regions"]["prod"].as_array().unwrap();
    assert!(all_regions.len() > 15, "{all_regions:?}");
    let everywhere = &found["runs"][0];
    let arn = |partition: &str, region: &str, id: &str, name: &str| {
        format!("arn:{partition}:sns:{region}:{id}:{name}")
    };
    assert_eq!(
        everywhere["topics"],
        json!([
            [
                "gov",
                "us-gov-east-1",
                arn("aws-us-gov", "us-gov-east-1", &gov, "in-gov")
            ],
            ["hub", "us-east-2", arn("aws", "us-east-2", &hub, "in-hub")],
        ])
    );
    assert_eq!(
        everywhere["roles"],
        json!([[gov_role, EXTERNAL_ID], [role(&hub), "own+=,.@:/-1"],])
    );
    assert_eq!(
        everywhere["descriptions"],
        json!({ "gov": "of {owners[user][0]}", "hub": "of mia@example.com" })
    );
    let looked: Vec<(String, String)> =
        serde_json::from_value(everywhere["looked"].clone()).unwrap();
    let regions_of = |handle: &str| -> BTreeSet<&str> {
        let looked = looked.iter().filter(|(looked, _)| looked == handle);
        looked.map(|(_, region)| region.as_str()).collect()
    };
    assert_eq!(regions_of("gov"), ["us-gov-east-1", "us-gov-west-1"].into());
    assert_eq!(
        regions_of("hub"),
        ["eu-west-1", "us-east-1", "us-east-2"].into()
    );

    let by_tag = &found["runs"][1];
    assert_eq!(
        by_tag["topics"],
        json!([[
            "prod",
            "sa-east-1",
            arn("aws", "sa-east-1", &prod, "in-prod")
        ]])
    );
    assert_eq!(
        by_tag["roles"],
        json!([[gov_role, EXTERNAL_ID], [role(&prod), EXTERNAL_ID]])
    );
}
