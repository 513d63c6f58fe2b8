//! The JSON document, held against its JSON Schema by a validator, and read by Python.

use std::path::Path;

use orgmirror::model::folder_ref::FolderRef;
use orgmirror::model::objects::{ConnectionPermission, FolderPermission};
use orgmirror::model::owners::Owner;
use serde_json::{Map, Value, json};

use crate::c7n_org::{answer, c7n_python, hexadecimal, script, tagged_example};
use crate::organization::Example;

const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/docs/schemas/connections.schema.json"
);

fn read(example: &Example) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("connections.json");
    std::fs::write(&file, example.published("json")).unwrap();
    let mut command = c7n_python(directory.path());
    command
        .arg(script("documents.py"))
        .arg(Path::new(SCHEMA))
        .arg(&file);
    answer(&mut command, "documents.py")
}

#[test]
fn a_thousand_names_survive_and_the_schema_is_met() {
    let mut example = tagged_example("json");
    let mut integration = example
        .tenant
        .integration_by_handle("acme")
        .unwrap()
        .clone();
    integration.custom_access_details = Some("Ask in #cloud: \"now\"\n".to_owned());
    let ids: Vec<String> = integration.mirror.connections.keys().cloned().collect();
    for connection in integration.mirror.connections.values_mut() {
        connection.owners = Some(
            [Owner {
                attribute: "user".to_owned(),
                values: ["mia".to_owned(), connection.state.clone()].into(),
            }]
            .into(),
        );
        connection.sign_in_url = Some("https://acme.awsapps.com/start".to_owned());
    }
    let integration_id = integration.id.clone();
    example.tenant.put(integration);
    for (number, match_tags) in [
        (0, None),
        (1, Some([(String::new(), String::new())].into())),
    ] {
        example.tenant.put(FolderPermission {
            id: format!("fp_{number:020}"),
            integration_id: integration_id.clone(),
            folder: FolderRef::Path("/".to_owned()),
            grantee: "acme".parse().unwrap(),
            match_tags,
        });
    }
    for (number, account_id) in ids.iter().enumerate() {
        example.tenant.put(ConnectionPermission {
            id: format!("cp_{number:020}"),
            integration_id: integration_id.clone(),
            account_id: account_id.clone(),
            grantee: "acme/security".parse().unwrap(),
        });
    }
    assert_eq!(example.published("json"), example.published("json"));

    let answer = read(&example);
    assert_eq!(answer["errors"], json!([]));
    assert_eq!(answer["passed"], json!([]));
    assert!(
        answer["tried"].as_u64().unwrap() > 100,
        "{}",
        answer["tried"]
    );
    let expected: Vec<Value> = example.view(|view| {
        let connections = view.connections.iter();
        connections
            .map(|connection| {
                let tags = connection.tags().unwrap().iter();
                let tags: Map<String, Value> = tags
                    .map(|(key, value)| (hexadecimal(key), json!(hexadecimal(value))))
                    .collect();
                json!({
                    "account_id": connection.account_id,
                    "handle": connection.handle,
                    "name": hexadecimal(connection.name()),
                    "email": hexadecimal(connection.email().unwrap()),
                    "path": hexadecimal(connection.path()),
                    "tags": tags,
                })
            })
            .collect()
    });
    let found = answer["found"].as_array().unwrap();
    assert_eq!(found.len(), 1000);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

#[test]
fn nothing_published_meets_the_schema_too() {
    let mut example = tagged_example("json");
    let mut integration = example
        .tenant
        .integration_by_handle("acme")
        .unwrap()
        .clone();
    integration.permissions.clear();
    example.tenant.put(integration);
    let answer = read(&example);
    assert_eq!(answer["errors"], json!([]));
    assert_eq!(answer["passed"], json!([]));
    assert_eq!(answer["found"], json!([]));
}
