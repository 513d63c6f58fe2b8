//! Identities, which Terraform keeps beside states since 1.12, and import by identity. An older Terraform refuses the
//! argument, and works as if there were none.

use orgmirror_testing::terraform::{Workspace, is_at_least};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{self, Integration, of_integration, tree};

/// The address in the example.
const ACME: &str = "orgmirror_integration.acme";

const BY_IDENTITY: &str =
    include_str!("../../examples/resources/orgmirror_integration/import-by-identity.tf");
const ID_IN_THE_EXAMPLE: &str = "in_k3v9x0q2m7c1z8b4t6n5";

fn knows_identities() -> bool {
    is_at_least(1, 12)
}

fn integration() -> Integration {
    Integration::of_accounts([("111122223333", "sandbox")])
        .label("acme")
        .set_text("handle_prefix", "aws_")
}

fn applied() -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure(&integration().hcl()).apply();
    workspace
}

/// A workspace that has forgotten its integration, and is to import the one with this ID.
fn importing(id: impl FnOnce(&Value) -> String) -> (Workspace, Value) {
    let workspace = applied();
    let before = workspace.attributes(ACME);
    workspace.forget(ACME);
    assert!(BY_IDENTITY.contains(ID_IN_THE_EXAMPLE));
    let import = BY_IDENTITY.replace(ID_IN_THE_EXAMPLE, &id(&before["id"]));
    workspace.write("import.tf", &import);
    (workspace, before)
}

#[track_caller]
fn assert_refused_by_an_old_terraform(workspace: &Workspace) {
    workspace
        .plan_fails()
        .assert_error(&["An argument named \"identity\" is not expected here"]);
}

/// What the state has beside the attributes.
fn identity(workspace: &Workspace) -> Value {
    let state = workspace.state();
    assert_eq!(state["resources"][0]["type"], "orgmirror_integration");
    state["resources"][0]["instances"][0]["identity"].clone()
}

/// What [`identity`] is for an integration in the state.
fn expected(workspace: &Workspace) -> Value {
    if knows_identities() {
        json!({ "id": workspace.attributes(ACME)["id"] })
    } else {
        Value::Null
    }
}

#[test]
fn an_integration_is_imported_by_its_identity_and_then_has_no_changes() {
    let (workspace, before) = importing(|id| id.as_str().unwrap().to_owned());
    if !knows_identities() {
        assert_refused_by_an_old_terraform(&workspace);
        return;
    }
    let plan = workspace.plan();
    plan.assert_actions(ACME, &["no-op"]).assert_no_warnings();
    workspace.apply().assert_none();
    assert_eq!(workspace.attributes(ACME), before);
    assert_eq!(identity(&workspace), json!({ "id": before["id"] }));
}

#[test]
fn an_identity_that_is_not_there_is_an_error_that_says_which_ones_are() {
    let (workspace, before) = importing(|_| "in_nobody".to_owned());
    if !knows_identities() {
        assert_refused_by_an_old_terraform(&workspace);
        return;
    }
    let id = before["id"].as_str().unwrap();
    workspace.plan_fails().assert_only_error(&[
        "No such integration",
        "ID \"in_nobody\"",
        "\"acme\"",
        id,
    ]);
}

#[test]
fn half_an_identity_is_an_error() {
    let (workspace, _) = importing(|_| String::new());
    let import = format!(
        "
        import {{
          to       = {ACME}
          identity = {{ id = null }}
        }}
        "
    );
    workspace.write("import.tf", &import);
    if !knows_identities() {
        assert_refused_by_an_old_terraform(&workspace);
        return;
    }
    workspace
        .plan_fails()
        .assert_only_error(&["Incomplete import identity", "Give a value to id."]);
}

#[test]
fn the_identity_stays_as_long_as_the_integration() {
    let workspace = applied();
    let created = identity(&workspace);
    assert_eq!(created, expected(&workspace));
    workspace
        .configure(&integration().set_text("handle", "acme_two").hcl())
        .apply();
    assert_eq!(identity(&workspace), created);

    workspace.forget(ACME);
    workspace.import(ACME, "acme_two");
    assert_eq!(identity(&workspace), created);
    workspace.plan().assert_no_changes();
}

#[test]
fn a_state_without_identity_gets_it_with_the_next_apply() {
    let workspace = applied();
    let mut state = workspace.state();
    let instance = state["resources"][0]["instances"][0].as_object_mut();
    instance.unwrap().remove("identity");
    workspace.write("terraform.tfstate", &state.to_string());
    assert_eq!(identity(&workspace), Value::Null);

    workspace.plan().assert_no_changes();
    workspace
        .configure(&integration().set_text("handle", "acme_two").hcl())
        .apply();
    assert_eq!(identity(&workspace), expected(&workspace));
}

#[test]
fn permissions_and_overrides_are_imported_by_their_identities() {
    let declared = [
        of_integration(
            "folder_permission",
            r#"
            folder_path = "/"
            grantee     = "*"
            "#,
        ),
        of_integration(
            "connection_permission",
            r#"
            account_id = "333333333333"
            grantee    = "*"
            "#,
        ),
        of_integration(
            "folder_override",
            r#"
            folder_id = "root"
            regions   = ["*"]
            "#,
        ),
        of_integration(
            "connection_override",
            r#"
            account_id = "333333333333"
            regions    = ["*"]
            "#,
        ),
    ]
    .concat();
    let workspace = configurations::applied(&tree(), &declared);
    let addresses = [
        "orgmirror_folder_permission.this",
        "orgmirror_connection_permission.this",
        "orgmirror_folder_override.this",
        "orgmirror_connection_override.this",
    ];
    let before = addresses.map(|address| workspace.attributes(address));
    let mut imports = String::new();
    for (address, state) in addresses.iter().zip(&before) {
        workspace.forget(address);
        let identity = if address.contains("connection_override") {
            format!(
                r#"integration_id = {}, account_id = "333333333333""#,
                state["integration_id"]
            )
        } else {
            format!("id = {}", state["id"])
        };
        imports.push_str(&format!(
            "
            import {{
              to       = {address}
              identity = {{ {identity} }}
            }}
            "
        ));
    }
    workspace.write("import.tf", &imports);
    if !knows_identities() {
        assert_refused_by_an_old_terraform(&workspace);
        return;
    }
    let plan = workspace.plan();
    for address in addresses {
        plan.assert_actions(address, &["no-op"]);
    }
    workspace.apply();
    assert_eq!(
        addresses.map(|address| workspace.attributes(address)),
        before
    );

    workspace.forget(addresses[3]);
    workspace.write(
        "import.tf",
        &imports.replace("\"333333333333\"", "\"111111111111\""),
    );
    workspace.plan_fails().assert_error(&[
        "No such connection override",
        "account_id \"111111111111\"",
        "acme:333333333333 (co_",
    ]);
}
