//! Handles: unique, sticky, and settled between integrations.

use orgmirror_testing::terraform::Workspace;
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::catalogs::document;
use crate::configurations::{INTEGRATION, Integration};

#[test]
fn initial_handles_place_newcomers_and_then_mean_nothing() {
    let accounts = [("111111111111", "Web Shop"), ("222222222222", "hub")];
    let workspace = PROVIDER.workspace();
    workspace
        .configure(
            &Integration::of_accounts(accounts)
                .set(
                    "initial_handles",
                    r#"{ "111111111111" = "aws_legacy_shop", "999999999999" = "aws_never_seen" }"#,
                )
                .hcl(),
        )
        .apply();
    let handles = |workspace: &Workspace| {
        let connections = &workspace.attributes(INTEGRATION)["connections"];
        json!([
            connections["111111111111"]["derived_handle"],
            connections["222222222222"]["derived_handle"]
        ])
    };
    assert_eq!(handles(&workspace), json!(["aws_legacy_shop", "hub"]));

    // They stay without their entries, and through an import.
    workspace
        .configure(&Integration::of_accounts(accounts).hcl())
        .apply();
    workspace.forget(INTEGRATION);
    workspace.import(INTEGRATION, "acme");
    workspace.plan().assert_no_changes();
    assert_eq!(handles(&workspace), json!(["aws_legacy_shop", "hub"]));

    // For accounts that are mirrored already it changes nothing.
    workspace
        .configure(
            &Integration::of_accounts(accounts)
                .set("initial_handles", r#"{ "222222222222" = "aws_hub" }"#)
                .hcl(),
        )
        .apply();
    assert_eq!(handles(&workspace)[1], "hub");
}

#[test]
fn two_accounts_of_one_name_keep_their_handles_when_the_first_leaves() {
    let workspace = PROVIDER.workspace();
    workspace
        .configure(
            &Integration::of_accounts([("111111111111", "lab"), ("222222222222", "Lab")]).hcl(),
        )
        .apply();
    let plan = workspace
        .configure(&Integration::of_accounts([("222222222222", "Lab")]).hcl())
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "111111111111": "-" } }),
    );
    workspace.apply_saved(&plan);
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"]["222222222222"]["derived_handle"],
        "lab_222222222222"
    );
}

/// The integration with a handle in the catalog.
fn entry(workspace: &Workspace, handle: &str) -> Value {
    fn find(value: &Value, handle: &str) -> Option<Value> {
        match value {
            Value::Object(members) => {
                if value["handle"] == handle && value["mirror"].is_object() {
                    return Some(value.clone());
                }
                members.values().find_map(|member| find(member, handle))
            }
            Value::Array(elements) => elements.iter().find_map(|element| find(element, handle)),
            _ => None,
        }
    }
    let document = document(workspace);
    find(&document, handle)
        .unwrap_or_else(|| panic!("{handle} is not in the catalog:\n{document:#}"))
}

#[test]
fn a_handle_that_another_integration_has_is_published_with_a_suffix_and_a_warning() {
    let workspace = PROVIDER.workspace();
    let first = Integration::of_accounts([("111111111111", "lab")]).hcl();
    let second = Integration::of_accounts([("222222222222", "Lab")])
        .set_text("handle", "globex")
        .label("globex")
        .hcl();
    workspace.configure(&first).apply();
    let plan = workspace.configure(&format!("{first}{second}")).plan();
    plan.assert_warning(&["lab", "acme", "lab_222222222222"]);
    workspace
        .apply_saved(&plan)
        .assert_warning(&["lab", "acme", "lab_222222222222"]);
    assert_eq!(
        workspace.attributes("orgmirror_integration.globex")["connections"]["222222222222"]["derived_handle"],
        "lab"
    );
    assert_eq!(
        entry(&workspace, "globex")["effective_handles"]["222222222222"],
        "lab_222222222222"
    );
    assert_eq!(
        entry(&workspace, "acme")["effective_handles"]["111111111111"],
        Value::Null
    );
}

#[test]
fn two_colliding_integrations_of_one_run_both_come_to_be() {
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&format!(
            "{}{}",
            Integration::of_accounts([("111111111111", "lab")]).hcl(),
            Integration::of_accounts([("222222222222", "lab")])
                .set_text("handle", "globex")
                .label("globex")
                .hcl()
        ))
        .apply()
        .assert_warning(&["lab", "published"]);
    let published = [
        entry(&workspace, "acme")["effective_handles"]["111111111111"].clone(),
        entry(&workspace, "globex")["effective_handles"]["222222222222"].clone(),
    ];
    assert!(
        published == [Value::Null, json!("lab_222222222222")]
            || published == [json!("lab_111111111111"), Value::Null],
        "{published:?}"
    );
}

#[test]
fn an_integration_handle_twice_is_an_error_that_names_it() {
    let workspace = PROVIDER.workspace();
    let first =
        Integration::of_accounts([("111111111111", "lab")]).set("deletion_protection", "false");
    workspace.configure(&first.hcl()).apply();
    workspace
        .configure(&format!(
            "{}{}",
            first.hcl(),
            Integration::of_accounts([("222222222222", "hub")])
                .label("again")
                .hcl()
        ))
        .plan()
        .assert_warning(&["handle", "acme"]);
    workspace.apply_fails().assert_error(&["handle", "acme"]);
    assert!(!workspace.holds("orgmirror_integration.again"));
    workspace.configure(&first.hcl()).plan().assert_no_changes();
}

#[test]
fn a_grantee_from_outside_of_an_organization_level_integration_is_an_error() {
    let workspace = PROVIDER.workspace();
    for (grantee, fine) in [
        ("*", true),
        ("platform", true),
        ("platform/audit", true),
        ("security", false),
        ("security/audit", false),
        ("platformer", false),
    ] {
        workspace.configure(
            &Integration::of_accounts([("111111111111", "lab")])
                .set_text("organization", "platform")
                .set("permissions", &format!(r#"["{grantee}"]"#))
                .hcl(),
        );
        if fine {
            workspace.plan();
        } else {
            workspace
                .plan_fails()
                .assert_only_error(&["permissions", grantee, "platform"]);
        }
    }
}

#[test]
fn a_handle_that_passes_to_another_account_is_warned_of() {
    let workspace = PROVIDER.workspace();
    workspace
        .configure(
            &Integration::of_accounts([("111111111111", "lab"), ("222222222222", "hub")]).hcl(),
        )
        .apply();
    let plan = workspace
        .configure(&Integration::of_accounts([("222222222222", "lab")]).hcl())
        .plan();
    let warning = ["lab", "111111111111", "222222222222"];
    plan.assert_warning(&warning);
    workspace.apply_saved(&plan).assert_warning(&warning);
}

#[test]
fn an_integration_handle_can_be_passed_along_in_one_run() {
    let integrations = |a: &str, b: &str| {
        let one = |label: &str, handle: &str| {
            Integration::of_accounts([("111111111111", label)])
                .label(label)
                .set_text("handle", handle)
                .set_text("handle_prefix", &format!("{label}_"))
                .hcl()
        };
        format!("{}{}", one("first", a), one("second", b))
    };
    let workspace = PROVIDER.workspace();
    workspace.configure(&integrations("x", "y")).apply();
    workspace.configure(&integrations("z", "x")).apply();
    assert_eq!(
        workspace.attributes("orgmirror_integration.first")["handle"],
        "z"
    );
    assert_eq!(
        workspace.attributes("orgmirror_integration.second")["handle"],
        "x"
    );
    workspace
        .configure(&integrations("x", "z"))
        .apply_fails()
        .assert_error(&["is taken", "third handle first"]);
}
