//! The catalog on disk: drift, documents that are missing or refused, tenants, history.

use std::fs;
use std::path::PathBuf;

use orgmirror_testing::terraform::{Workspace, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::catalogs::{document, edit, place};
use crate::configurations::{INTEGRATION, Integration, provider};

/// The only integration in a document.
fn entry(document: &mut Value) -> &mut Value {
    document["integrations"]
        .as_object_mut()
        .and_then(|integrations| integrations.values_mut().next())
        .expect("an integration")
}

fn two_accounts() -> Integration {
    Integration::of_accounts([("111111111111", "Web Shop"), ("222222222222", "hub")])
        .set("deletion_protection", "false")
}

fn applied() -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure(&two_accounts().hcl()).apply();
    workspace
}

#[test]
fn the_catalog_holds_what_the_state_holds() {
    let workspace = applied();
    let state = workspace.attributes(INTEGRATION);
    let mut held = document(&workspace);
    let entry = entry(&mut held);
    assert_eq!(entry["id"], state["id"]);
    assert_eq!(entry["handle"], "acme");
    for id in ["111111111111", "222222222222"] {
        for fact in [
            "name",
            "state",
            "derived_handle",
            "folder_id",
            "path",
            "derived_role_arn",
        ] {
            assert_eq!(
                entry["mirror"]["connections"][id][fact], state["connections"][id][fact],
                "{fact} of {id}"
            );
        }
    }
    workspace.destroy();
    assert_eq!(document(&workspace)["integrations"], json!({}));
}

/// Another process holds the lock and hangs.
#[test]
fn an_apply_that_waits_for_the_lock_ends_with_ctrl_c() {
    let mut workspace = applied();
    // Terraform says that the apply has begun before the provider knows of it.
    workspace.set_env("TF_LOG_PROVIDER", "debug");
    let before = document(&workspace);
    workspace.write(
        "more.tf",
        r#"
        resource "orgmirror_workspace" "security" {
          organization = "acme"
          handle       = "security"
        }
        "#,
    );
    let lock = fs::File::open(place(&workspace).with_file_name("catalog.lock")).expect("a lock");
    lock.lock().expect("nobody holds it");
    workspace
        .apply_interrupted_at("the lock is held by another writer")
        .assert_error(&[
            "The catalog was not changed",
            "to stop before the change was written",
            "nothing of it is in the catalog",
        ]);
    assert!(!workspace.holds("orgmirror_workspace.security"));
    assert_eq!(document(&workspace), before);
    lock.unlock().expect("it was held");
    workspace.apply();
}

#[test]
fn planning_and_refreshing_write_nothing() {
    let workspace = PROVIDER.workspace();
    workspace.configure(&two_accounts().hcl()).plan();
    assert!(!workspace.path().join(".orgmirror").exists());
    workspace.apply();
    let before = fs::read(place(&workspace)).expect("a document");
    workspace.plan_with(&["-refresh-only"]);
    workspace.plan_with(&["-destroy"]);
    workspace.refresh();
    workspace.apply();
    assert_eq!(
        fs::read(place(&workspace)).expect("a document"),
        before,
        "not even an apply without changes writes"
    );
}

#[test]
fn a_connection_edited_by_hand_shows_in_the_next_plan_and_apply_restores_it() {
    let workspace = applied();
    edit(&workspace, |document| {
        let connection = &mut entry(document)["mirror"]["connections"]["111111111111"];
        connection["name"] = json!("Hacked");
        connection["derived_role_arn"] = json!("arn:aws:iam::666666666666:role/admin");
    });
    let plan = workspace.plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "111111111111": {
            "name": ["Hacked", "Web Shop"],
            "derived_role_arn": ["arn:aws:iam::666666666666:role/admin", "arn:aws:iam::111111111111:role/orgmirror-readonly"],
        } } }),
    );
    workspace.apply_saved(&plan);
    assert_eq!(
        entry(&mut document(&workspace))["mirror"]["connections"]["111111111111"]["name"],
        "Web Shop"
    );
}

#[test]
fn a_handle_edited_by_hand_does_not_stick() {
    let workspace = applied();
    edit(&workspace, |document| {
        entry(document)["mirror"]["connections"]["111111111111"]["derived_handle"] =
            json!("my_shop");
    });
    let plan = workspace.plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "111111111111": { "derived_handle": ["my_shop", "web_shop"] } } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn a_setting_edited_by_hand_shows_in_the_next_plan_and_apply_restores_it() {
    let workspace = applied();
    edit(&workspace, |document| {
        entry(document)["permissions"] = json!(["*"]);
    });
    let difference = json!({ "permissions": [["*"], []] });
    workspace.plan().assert_in_place(INTEGRATION, &difference);
    workspace.refresh();
    assert_eq!(
        workspace.attributes(INTEGRATION)["permissions"],
        json!(["*"])
    );
    let plan = workspace.plan();
    plan.assert_in_place(INTEGRATION, &difference);
    workspace.apply_saved(&plan);
}

#[test]
fn a_connection_deleted_by_hand_comes_back() {
    let workspace = applied();
    edit(&workspace, |document| {
        entry(document)["mirror"]["connections"]
            .as_object_mut()
            .expect("connections")
            .remove("222222222222");
    });
    let plan = workspace.plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "222222222222": "+" } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn an_integration_deleted_by_hand_is_planned_anew() {
    let workspace = applied();
    edit(&workspace, |document| {
        document["integrations"] = json!({});
    });
    let plan = workspace.plan();
    plan.assert_actions(INTEGRATION, &["create"]);
    workspace.apply_saved(&plan);
}

#[test]
fn a_saved_plan_for_an_integration_that_is_gone_since_is_an_error() {
    let workspace = applied();
    let plan = workspace
        .configure(&two_accounts().set_text("handle", "globex").hcl())
        .plan();
    let document = fs::read(place(&workspace)).expect("a document");
    edit(&workspace, |document| {
        document["integrations"] = json!({});
    });
    workspace.apply_fails_with(&[&plan.file]).assert_error(&[
        "Object no longer in the catalog",
        ".orgmirror/tenants/default/catalog.json",
    ]);

    fs::remove_file(place(&workspace)).expect("the document can go");
    workspace
        .apply_fails_with(&[&plan.file])
        .assert_error(&["missing", ".orgmirror/tenants/default/catalog.json"]);
    assert!(!place(&workspace).exists());

    fs::write(place(&workspace), document).expect("the document can come back");
    workspace.apply_saved(&plan);
}

#[test]
fn a_missing_document_under_a_state_is_an_error_that_names_the_place_and_the_way_out() {
    let workspace = applied();
    let id = workspace.attributes(INTEGRATION)["id"].clone();
    fs::remove_dir_all(workspace.path().join(".orgmirror")).expect("the catalog can go");
    workspace.plan_fails().assert_error(&[
        ".orgmirror/tenants/default/catalog.json",
        "S3",
        "terraform state rm",
    ]);
    assert!(!workspace.path().join(".orgmirror").exists());
    workspace.forget(INTEGRATION);
    workspace.apply();
    assert_ne!(workspace.attributes(INTEGRATION)["id"], id);
}

#[test]
fn a_directory_that_is_not_the_catalog_of_the_state_is_an_error() {
    let workspace = applied();
    workspace.configure_provider(r#"catalog = { path = "elsewhere" }"#);
    workspace
        .plan_fails()
        .assert_error(&["elsewhere", "terraform state rm"]);
    workspace.configure_provider(r#"tenant = "other""#);
    workspace
        .plan_fails()
        .assert_error(&["tenants/other/catalog.json"]);
}

/// Puts these bytes in the document's place: every command that needs it fails and leaves them as they are.
fn refused(bytes: &[u8], fragments: &[&str]) {
    let workspace = applied();
    fs::write(place(&workspace), bytes).expect("the document can be written");
    let mut all = vec![".orgmirror/tenants/default/catalog.json"];
    all.extend(fragments);
    workspace.plan_fails().assert_error(&all);
    workspace.apply_fails().assert_error(&all);
    workspace.destroy_fails().assert_error(&all);
    workspace.forget(INTEGRATION);
    workspace.import_fails(INTEGRATION, "acme");
    workspace.apply_fails().assert_error(&all);
    assert_eq!(fs::read(place(&workspace)).expect("a document"), bytes);
}

#[test]
fn a_corrupt_document_is_refused_and_untouched() {
    refused(br#"{ "schema_version": 1, "version": 3, "ten"#, &["backup"]);
}

#[test]
fn an_empty_document_is_refused_and_untouched() {
    refused(b"", &["empty"]);
}

#[test]
fn a_document_with_a_byte_order_mark_is_refused_and_untouched() {
    refused(
        b"\xef\xbb\xbf{ \"schema_version\": 2, \"version\": 3, \"tenant\": \"default\" }",
        &["byte order mark", "UTF-8"],
    );
}

#[test]
fn a_document_of_a_newer_schema_is_refused_and_untouched() {
    refused(
        br#"{ "schema_version": 99, "version": 3, "tenant": "default", "everything": ["else"] }"#,
        &["99", "Upgrade"],
    );
}

#[test]
fn a_document_of_another_tenant_is_refused_and_untouched() {
    refused(
        br#"{ "schema_version": 1, "version": 3, "tenant": "globex", "integrations": {} }"#,
        &["globex", "default"],
    );
}

#[test]
fn tenants_do_not_see_each_other() {
    let mut workspace = PROVIDER.workspace();
    workspace
        .configure(&format!(
            r#"
            {}
            provider "orgmirror" {{
              alias  = "globex"
              tenant = "globex"
            }}
            {}{}
            "#,
            provider(r#"tenant = "acme""#),
            two_accounts().hcl(),
            two_accounts()
                .label("other")
                .set("provider", "orgmirror.globex")
                .hcl()
        ))
        .apply()
        .assert_none();
    for tenant in ["acme", "globex"] {
        assert!(
            workspace
                .path()
                .join(format!(".orgmirror/tenants/{tenant}/catalog.json"))
                .is_file()
        );
    }
    workspace.destroy();

    // The environment says the same as the arguments, and the arguments win.
    let place = workspace.path().join("from the environment");
    workspace.set_env("ORGMIRROR_TENANT", "from_env");
    workspace.set_env("ORGMIRROR_CATALOG", &place.to_string_lossy());
    workspace.configure(&two_accounts().hcl()).apply();
    assert!(place.join("tenants/from_env/catalog.json").is_file());
    workspace.destroy();
    let other = workspace.path().join("argument");
    workspace.configure_provider(&format!(
        r#"
            tenant  = "argued"
            catalog = {{ path = {} }}
            "#,
        quoted(&other.to_string_lossy())
    ));
    workspace.apply();
    assert!(other.join("tenants/argued/catalog.json").is_file());
}

#[test]
fn tenants_and_catalogs_of_the_environment_have_their_rules() {
    let mut workspace = PROVIDER.workspace();
    workspace.configure(&two_accounts().hcl());
    workspace.set_env("ORGMIRROR_TENANT", "Acme Corp");
    workspace
        .plan_fails()
        .assert_error(&["ORGMIRROR_TENANT", "Acme Corp"]);
    workspace.set_env("ORGMIRROR_TENANT", "acme");
    workspace.set_env("ORGMIRROR_CATALOG", "s3:///prefix");
    workspace
        .plan_fails()
        .assert_error(&["ORGMIRROR_CATALOG", "s3:///prefix"]);
}

#[test]
fn every_change_leaves_a_record_of_who_and_what() {
    let mut workspace = PROVIDER.workspace();
    workspace.set_env("USER", "zoe");
    let external_id = "acme:not-for-the-record";
    workspace
        .configure(
            &two_accounts()
                .set(
                    "connection_settings",
                    &format!(r#"{{ role_name = "audit", external_id = "{external_id}" }}"#),
                )
                .hcl(),
        )
        .apply();
    workspace
        .configure(&two_accounts().set_text("handle", "globex").hcl())
        .apply();
    workspace.destroy();
    let directory = workspace.path().join(".orgmirror/tenants/default/history");
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)
        .expect("a history")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    let records: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a record"))
        .collect();
    for record in &records {
        let parsed: Value = serde_json::from_str(record).expect("a record is JSON");
        assert_eq!(parsed["who"]["user"], "zoe", "{record}");
        assert!(
            parsed["at"].as_str().is_some_and(|at| at.ends_with('Z')),
            "{record}"
        );
        assert!(
            parsed["changes"].as_array().is_some_and(|c| !c.is_empty()),
            "{record}"
        );
        assert!(
            record.contains("acme") || record.contains("globex"),
            "{record}"
        );
        assert!(!record.contains(external_id), "{record}");
    }
    assert!(records[1].contains("acme") && records[1].contains("globex"));
}

#[test]
fn many_integrations_of_one_run_are_all_committed() {
    let workspace = PROVIDER.workspace();
    let count = 20;
    let hcl: String = (0..count)
        .map(|number| {
            let id = format!("{number:012}");
            let name = format!("account {number}");
            Integration::of_accounts([(id.as_str(), name.as_str())])
                .label(&format!("number_{number}"))
                .set_text("handle", &format!("acme_{number}"))
                .set("deletion_protection", "false")
                .hcl()
        })
        .collect();
    workspace.configure(&hcl).apply_with(&["-parallelism=20"]);
    assert_eq!(
        document(&workspace)["integrations"]
            .as_object()
            .map(serde_json::Map::len),
        Some(count)
    );
    workspace.destroy_with(&["-parallelism=20"]);
}

#[test]
fn two_configurations_that_apply_to_one_catalog_at_once_lose_nothing() {
    let shared = tempfile::tempdir().expect("a temporary directory");
    let catalog = quoted(&shared.path().to_string_lossy());
    let apply = |team: &str| {
        let workspace = PROVIDER.workspace();
        let hcl: String = (0..5)
            .map(|number| {
                let id = format!("{number:012}");
                Integration::of_accounts([(id.as_str(), "account")])
                    .label(&format!("number_{number}"))
                    .set_text("handle", &format!("{team}_{number}"))
                    .set_text("handle_prefix", &format!("{team}_{number}_"))
                    .hcl()
            })
            .collect();
        workspace
            .configure(&format!(
                "{}{hcl}",
                provider(&format!("catalog = {{ path = {catalog} }}"))
            ))
            .apply();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| apply("blue"));
        scope.spawn(|| apply("green"));
    });
    let content = fs::read(shared.path().join("tenants/default/catalog.json")).expect("a document");
    let document: Value = serde_json::from_slice(&content).expect("the document is JSON");
    assert_eq!(
        document["integrations"]
            .as_object()
            .map(serde_json::Map::len),
        Some(10)
    );
}

#[test]
fn a_catalog_that_cannot_be_written_is_an_error_that_names_the_place() {
    let workspace = PROVIDER.workspace();
    workspace.write(
        "in-the-way",
        "a file where the catalog's directory should be",
    );
    workspace
        .configure(&format!(
            "{}{}",
            provider(r#"catalog = { path = "in-the-way" }"#),
            two_accounts().hcl()
        ))
        .apply_fails()
        .assert_error(&["in-the-way"]);
    assert!(!workspace.holds(INTEGRATION));
    fs::remove_file(workspace.path().join("in-the-way")).expect("the file can go");
    workspace.apply();
}
