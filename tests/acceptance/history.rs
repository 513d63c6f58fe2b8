//! The history of the catalog, as another configuration reads it.

use orgmirror_testing::terraform::{Workspace, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{INTEGRATION, Integration};

const ALL: &str = "data.orgmirror_catalog_history.all";

fn reader(catalog: &Workspace, arguments: &str) -> Workspace {
    let reader = PROVIDER.workspace();
    let path = quoted(&catalog.path().join(".orgmirror").to_string_lossy());
    reader.configure_provider(&format!("catalog = {{ path = {path} }}"));
    reader.configure(&format!(
        r#"
            data "orgmirror_catalog_history" "all" {{
              {arguments}
            }}
            output "changes" {{
              value = {ALL}.changes
            }}
            "#
    ));
    reader
}

#[test]
fn the_last_changes_are_read_with_who_when_and_what() {
    let workspace = PROVIDER.workspace();
    let integration =
        Integration::of_accounts([("111122223333", "sandbox")]).set("deletion_protection", "false");
    workspace.configure(&integration.hcl()).apply();
    let id = workspace.attributes(INTEGRATION)["id"].clone();
    let secret = "acme:0123456789abcdef";
    let permission = r#"
        resource "orgmirror_folder_permission" "all" {
          integration_id = INTEGRATION.id
          folder_path    = "/"
          grantee        = "acme/security"
        }
        resource "orgmirror_connection_override" "one" {
          integration_id = INTEGRATION.id
          account_id     = "111122223333"
          external_id    = "SECRET"
        }
        "#;
    workspace.write(
        "more.tf",
        &permission
            .replace("INTEGRATION", INTEGRATION)
            .replace("SECRET", secret),
    );
    workspace.apply();
    workspace.write("more.tf", "");
    workspace.apply();

    let all = reader(&workspace, "");
    all.apply();
    let changes = all.output("changes");
    let changes = changes.as_array().unwrap();
    let facts: Vec<(&str, &str)> = changes
        .iter()
        .map(|change| (text(change, "action"), text(change, "resource_type")))
        .collect();
    let mut deleted = facts[..2].to_vec();
    deleted.sort_unstable();
    assert_eq!(
        deleted,
        [
            ("delete", "orgmirror_connection_override"),
            ("delete", "orgmirror_folder_permission"),
        ]
    );
    assert_eq!(facts.last(), Some(&("create", "orgmirror_integration")));
    assert_eq!(changes.len(), 5);
    let created = changes.last().unwrap();
    assert_eq!(created["version"], json!(1));
    assert_eq!(created["id"], id);
    assert_eq!(created["handle"], json!("acme"));
    assert!(text(created, "at").ends_with('Z'), "{created}");
    assert!(text(created, "who").contains('@'), "{created}");
    let record: Value = serde_json::from_str(text(created, "json")).unwrap();
    assert_eq!(record["connections"][0]["event"], json!("added"));
    let granted = changes
        .iter()
        .find(|change| text(change, "resource_type") == "orgmirror_folder_permission")
        .unwrap();
    assert_eq!(granted["handle"], json!("acme:/:acme/security"));
    let everything = serde_json::to_string(&changes).unwrap();
    assert!(!everything.contains(secret), "{everything}");

    let last = reader(&workspace, "limit = 1");
    last.apply();
    assert_eq!(last.output("changes").as_array().unwrap(), &changes[..1]);
}

fn text<'a>(change: &'a Value, name: &str) -> &'a str {
    change[name].as_str().unwrap()
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let workspace = PROVIDER.workspace();
    reader(&workspace, "")
        .plan_fails()
        .assert_error(&["There is no catalog to read"]);
    reader(&workspace, "limit = 0")
        .plan_fails()
        .assert_error(&["limit", "at least 1"]);

    let integration = Integration::of_accounts([("111122223333", "sandbox")]);
    workspace.configure(&integration.hcl()).apply();
    workspace.write(
        "more.tf",
        r#"
        resource "orgmirror_workspace" "a" {
          organization = "acme"
          handle       = "a"
        }
        "#,
    );
    workspace.apply();
    let record = ".orgmirror/tenants/default/history/1.json";
    std::fs::write(workspace.path().join(record), "torn").unwrap();
    reader(&workspace, "")
        .plan_fails()
        .assert_error(&["The history cannot be read", "history/1.json"]);
    reader(&workspace, "limit = 1").apply();
}
