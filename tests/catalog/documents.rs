//! Documents: read, refused, and as they are stored.

use std::path::Path;
use std::{env, fs};

use orgmirror::catalog::*;
use orgmirror::model::objects::Integration;
use orgmirror::model::owners::Owner;
use orgmirror::model::sso::Sso;
use orgmirror::model::tenant::Tenant;

use serde_json::Value;

use crate::fixtures::*;
use crate::place::{Place, on_each_store};

on_each_store!(
    reading_writes_nothing,
    a_document_edited_by_hand_is_seen_at_once,
    refused_documents_are_left_alone,
    a_document_of_version_1_opens_and_is_written_as_version_2,
    a_commit_of_everything_writes_the_golden_document,
    an_error_keeps_the_kind_of_the_refusal,
    a_large_catalog_is_read_as_it_was_written,
);

async fn text_of(place: &Place) -> String {
    String::from_utf8(place.get(DOCUMENT).await.unwrap()).unwrap()
}

async fn reading_writes_nothing(place: Place) {
    let catalog = place.open();
    assert!(catalog.read().await.unwrap().is_none());
    assert!(catalog.history(10).await.unwrap().is_empty());
    assert!(place.files().await.is_empty());

    commit_one(&place.open(), "in_a").await;
    let before = place.files().await;
    let catalog = place.open();
    assert!(catalog.read().await.unwrap().unwrap().exists());
    assert_eq!(catalog.history(10).await.unwrap().len(), 1);
    assert_eq!(place.files().await, before);
}

async fn a_document_edited_by_hand_is_seen_at_once(place: Place) {
    let catalog = place.open();
    commit_one(&catalog, "in_a").await;
    let text = text_of(&place).await;
    // Of the same length.
    place
        .put(DOCUMENT, text.replace("readonly", "readonlx"))
        .await;
    let read = catalog.read().await.unwrap().unwrap();
    let role = &read
        .tenant()
        .get::<Integration>("in_a")
        .unwrap()
        .connection_settings;
    assert_eq!(role.role_name, "readonlx");

    // And a commit goes on from the edited one.
    commit_one(&catalog, "in_b").await;
    let read = catalog.read().await.unwrap().unwrap();
    let role = &read
        .tenant()
        .get::<Integration>("in_a")
        .unwrap()
        .connection_settings;
    assert_eq!((role.role_name.as_str(), read.version()), ("readonlx", 2));
}

async fn refused_documents_are_left_alone(place: Place) {
    let golden = include_str!("v1.json");
    let with = |from: &str, to: &str| {
        assert!(golden.contains(from), "{from}");
        golden.replacen(from, to, 1).into_bytes()
    };
    let cases: [(&str, Vec<u8>, &[&str]); 14] = [
        ("empty", Vec::new(), &["it is empty"]),
        (
            "torn",
            golden.as_bytes()[..golden.len() / 2].to_vec(),
            &["EOF"],
        ),
        ("not JSON", b"<<<<<<< HEAD\n".to_vec(), &["line 1"]),
        (
            "something behind",
            [golden, "{}"].concat().into_bytes(),
            &["trailing"],
        ),
        (
            "not UTF-8",
            {
                let mut bytes = with("Workloads", "Workl?ads");
                let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
                bytes[at] = 0xff;
                bytes
            },
            &["unicode"],
        ),
        ("another shape", b"[]\n".to_vec(), &["cannot be read"]),
        ("no schema version", b"{}\n".to_vec(), &["schema_version"]),
        (
            "newer, of a shape we do not know",
            b"{\"schema_version\": 3, \"version\": \"x\", \"tree\": [1]}\n".to_vec(),
            &["schema version 3", "reads up to 2", "Upgrade the provider"],
        ),
        (
            "of another tenant",
            with("\"tenant\": \"acme\"", "\"tenant\": \"other\""),
            &["tenant \"other\", not of tenant \"acme\""],
        ),
        (
            "unknown field",
            with("\"role_name\"", "\"rolename\": \"x\",\n\"role_name\""),
            &[
                "does not know",
                "integrations.in_0123456789abcdefghij.connection_settings.rolename",
            ],
        ),
        (
            "unknown field at the top",
            with("\"tenant\"", "\"tenants\": 1, \"tenant\""),
            &["tenants"],
        ),
        (
            "another ID inside",
            with("\"in_0123456789abcdefghij\": {", "\"in_x\": {"),
            &["in_x"],
        ),
        (
            "without its history entry",
            with("\"commit\"", "\"committed\""),
            &["commit"],
        ),
        (
            "version and entry disagree",
            with("\"version\": 2", "\"version\": 7"),
            &["of version"],
        ),
    ];
    for (name, bytes, expected) in cases {
        let place = place.another();
        place.put(DOCUMENT, &bytes).await;
        let before = place.files().await;
        let catalog = place.open();

        let error = catalog.read().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(catalog.place()), "{name}: {text}");
        for part in expected {
            assert!(text.contains(part), "{name}: {text}");
        }
        let committed = catalog.commit(&ada(), add("in_a", "a")).await;
        let Err(CommitError::Read(again)) = committed else {
            panic!("{name}: {committed:?}");
        };
        assert_eq!(again.to_string(), text);
        assert!(matches!(*again, ReadError::Document(_)), "{name}");
        assert_eq!(place.files().await, before, "{name}");
    }
}

#[test]
fn an_integration_that_is_there_twice_is_refused() {
    let golden: Value = serde_json::from_str(include_str!("v1.json")).unwrap();
    let one = golden["integrations"]["in_0123456789abcdefghij"].to_string();
    let text = format!(
        r#"{{"schema_version":1,"version":2,"tenant":"acme","commit":{},"integrations":{{
            "in_0123456789abcdefghij":{one},"in_0123456789abcdefghij":{one}}}}}"#,
        golden["commit"]
    );
    let error = Document::from_bytes(text.as_bytes(), TENANT, "x").unwrap_err();
    assert!(error.to_string().contains("there twice"), "{error}");
}

/// Version 1 had integrations alone.
async fn a_document_of_version_1_opens_and_is_written_as_version_2(place: Place) {
    let golden = include_str!("v1.json");
    let document = Document::from_bytes(golden.as_bytes(), TENANT, "x").unwrap();
    assert_eq!(document.version(), 2);
    assert_eq!(document.last_commit().unwrap().who, ada());
    let mut expected = integration(INTEGRATION, "acme");
    expected.sso = Some(Sso {
        portal_url: "https://acme.awsapps.com/start".into(),
        region: "us-east-1".into(),
        role_name: Some("ReadOnly".into()),
    });
    expected.owners = Some(vec![Owner {
        attribute: "okta_group".into(),
        values: ["platform".to_owned()].into(),
    }]);
    let taken = ("333333333333".to_owned(), "aws_lab_33333333".to_owned());
    expected.effective_handles.extend([taken]);
    let mut tenant = Tenant::new(TENANT);
    tenant.put(expected);
    assert_eq!(document.tenant(), &tenant);

    // Reading and a change of nothing leave it as it is; the next change does not.
    place.put(DOCUMENT, golden).await;
    let catalog = place.open();
    catalog.read().await.unwrap().unwrap();
    assert_eq!(text_of(&place).await, golden);
    put(&catalog, workspace("ws_a", "acme/security", &[])).await;
    let text = text_of(&place).await;
    assert!(text.starts_with("{\n  \"schema_version\": 2,\n"), "{text}");
    let document = place.open().read().await.unwrap().unwrap();
    assert_eq!(document.tenant().integrations.len(), 1);
    assert_eq!(document.tenant().workspaces.len(), 1);
}

#[test]
fn the_golden_document_of_version_2_reads_and_writes_as_it_is() {
    let golden = include_str!("v2.json");
    let document = Document::from_bytes(golden.as_bytes(), TENANT, "x").unwrap();
    let mut expected = tenant_with_everything();
    // As the commit settled it.
    let settled = &document
        .tenant()
        .get::<Integration>(INTEGRATION)
        .unwrap()
        .effective_handles;
    let mut mirrored = expected.get::<Integration>(INTEGRATION).unwrap().clone();
    mirrored.effective_handles = [
        ("333333333333".to_owned(), "lab".to_owned()),
        ("ou-ab12-11111111".to_owned(), "production".to_owned()),
    ]
    .into();
    assert_eq!(settled, &mirrored.effective_handles);
    expected.put(mirrored);
    assert_eq!(document.tenant(), &expected);
    let bytes = document.to_bytes().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), golden);
}

/// The golden document is what a commit writes.
async fn a_commit_of_everything_writes_the_golden_document(place: Place) {
    let catalog = place.open();
    let committed = put_everything(&catalog, tenant_with_everything()).await;
    let entry = committed.document.last_commit().unwrap();
    let text = text_of(&place).await;
    let text = text
        .replacen(&entry.at, "2026-01-02T03:04:05Z", 1)
        .replacen(&entry.id, "abcdefghij0123456789", 1);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog/v2.json");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(golden).unwrap(), text);
}

/// Names of workspaces are parts of paths.
#[test]
fn workspaces_with_names_that_lead_elsewhere_are_refused() {
    let golden = include_str!("v2.json");
    let cases = [
        ("\"handle\": \"security\"", "\"handle\": \"..\"", "\"..\""),
        (
            "\"organization\": \"acme\",\n      \"handle\": \"security\"",
            "\"organization\": \"a/b\",\n      \"handle\": \"security\"",
            "a/b",
        ),
    ];
    for (from, to, expected) in cases {
        let at = golden.rfind(from).unwrap();
        let text = [&golden[..at], to, &golden[at + from.len()..]].concat();
        let error = Document::from_bytes(text.as_bytes(), TENANT, "x").unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            error.to_string().contains("ws_0123456789abcdefghij"),
            "{error}"
        );
    }

    let mut twice: Value = serde_json::from_str(golden).unwrap();
    let mut other = twice["workspaces"]["ws_0123456789abcdefghij"].clone();
    other["id"] = "ws_other".into();
    twice["workspaces"]["ws_other"] = other;
    let error = Document::from_bytes(twice.to_string().as_bytes(), TENANT, "x").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("are both the workspace acme/security"),
        "{text}"
    );
}

/// The paths of all objects in a value whose fields are not the user's to name.
fn objects(value: &Value, at: Vec<String>, into: &mut Vec<Vec<String>>) {
    // Here keys are IDs, tags, formats or options, and `settings` of the history are lists of changes.
    const NAMED_BY_USERS: [&str; 8] = [
        "consequences",
        "effective_handles",
        "initial_handles",
        "match_tags",
        "publish",
        "tags",
        "before",
        "after",
    ];
    if at
        .last()
        .is_some_and(|last| NAMED_BY_USERS.contains(&last.as_str()))
    {
        return;
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(array) => (0..).map(|n: usize| n.to_string()).zip(array).collect(),
        _ => return,
    };
    // A map by ID takes any ID, and its objects are looked at one by one.
    let is_map = children
        .iter()
        .any(|(key, _)| key.contains(|c: char| c.is_ascii_digit()));
    if value.is_object() && !is_map {
        into.push(at.clone());
    }
    for (key, child) in children {
        objects(child, [at.clone(), vec![key]].concat(), into);
    }
}

#[test]
fn unknown_fields_are_refused_at_every_level() {
    let golden: Value = serde_json::from_str(include_str!("v2.json")).unwrap();
    let mut found = Vec::new();
    objects(&golden, Vec::new(), &mut found);
    // Top, commit, who, changes and their settings, and every kind with what is in it.
    assert!(found.len() > 50, "{found:?}");
    for at in found {
        let mut changed = golden.clone();
        let pointer: String = at
            .iter()
            .map(|part| format!("/{}", part.replace('/', "~1")))
            .collect();
        let object = changed
            .pointer_mut(&pointer)
            .unwrap()
            .as_object_mut()
            .unwrap();
        object.insert("unheard_of".into(), Value::Bool(true));
        let bytes = serde_json::to_vec(&changed).unwrap();
        match Document::from_bytes(&bytes, TENANT, "x").unwrap_err() {
            DocumentError::UnknownField { field, .. } => {
                assert!(field.ends_with("unheard_of"), "{pointer}: {field}");
            }
            // It has one key, which says what the value is.
            DocumentError::Unparsable { .. } => assert!(pointer.ends_with("/folder"), "{pointer}"),
            other => panic!("{pointer}: {other}"),
        }
    }
}

#[test]
fn what_cannot_be_opened_says_so() {
    for tenant in ["", "..", "a/b", "A", "-a", "a-", "é", &"a".repeat(64)] {
        let error = Catalog::on_disk(Path::new("x"), tenant).unwrap_err();
        assert_eq!(error, OpenError::Tenant(tenant.into()));
    }
}

async fn an_error_keeps_the_kind_of_the_refusal(place: Place) {
    place.put(DOCUMENT, "{\"schema_version\": 99}").await;
    let error = place.open().read().await.unwrap_err();
    assert!(matches!(
        error,
        ReadError::Document(DocumentError::Newer { found: 99, .. })
    ));
}

/// Ten thousand accounts are normal.
async fn a_large_catalog_is_read_as_it_was_written(place: Place) {
    let catalog = place.open();
    let mut large = integration("in_large", "large");
    for n in 0..10_000_u64 {
        let id = (100_000_000_000 + n).to_string();
        let name = format!("workload-{n}");
        let account = connection(&id, &name, "ou-ab12-11111111", "/Workloads");
        large.mirror.connections.insert(id, account);
    }
    let committed = put(&catalog, large).await;
    commit_one(&catalog, "in_small").await;
    let document = place.open().read().await.unwrap().unwrap();
    let read = document.tenant().get::<Integration>("in_large").unwrap();
    let written = committed.document.tenant().get("in_large").unwrap();
    assert_eq!(read.mirror.connections.len(), 10_003);
    assert_eq!(read, written);
    let size = document.to_bytes().unwrap().len();
    assert!(size < 8_000_000, "{size} bytes");
}
