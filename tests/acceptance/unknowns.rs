//! Inputs that other resources of the same run make: what can be known at plan is known.

use serde_json::{Value, json};

use crate::configuration::{INTEGRATION, Integration, provider};
use crate::terraform::{UNKNOWN, Workspace};

/// `terraform_data.made.output` of the first plan is unknown, then known.
fn made(value: &str) -> String {
    format!("resource \"terraform_data\" \"made\" {{\n  input = {value}\n}}\n")
}

const MADE: &str = "terraform_data.made.output";

/// Plans a creation with unknown inputs, gives what was planned, and applies it.
fn planned(input: &str, integration: &Integration) -> (Value, Value) {
    let workspace = Workspace::new();
    workspace.write("main.tf", &format!("{}{}", made(input), integration.hcl()));
    let plan = workspace.plan();
    plan.assert_actions(INTEGRATION, &["create"]);
    let after = plan.after(INTEGRATION);
    workspace.apply_saved(&plan);
    (after, workspace.attributes(INTEGRATION))
}

fn two_accounts() -> Integration {
    Integration::of_accounts([("111111111111", "Web Shop"), ("222222222222", "hub")])
}

#[test]
fn an_external_id_made_in_the_same_run_hides_nothing_else() {
    let (plan, created) = planned(
        "\"1\"",
        &two_accounts().set(
            "connection_settings",
            // Terraform knows how this one starts, and says so to the provider.
            &format!("{{ role_name = \"audit\", external_id = \"acme:${{{MADE}}}\" }}"),
        ),
    );
    assert_eq!(plan["connection_settings"]["external_id"], UNKNOWN);
    assert_eq!(plan["connection_settings"]["role_name"], "audit");
    assert_eq!(plan["connections"], created["connections"]);
    assert_eq!(plan["folders"], created["folders"]);
    assert_eq!(created["connection_settings"]["external_id"], "acme:1");
}

#[test]
fn a_role_name_made_in_the_same_run_hides_only_the_role_arns() {
    let (plan, created) = planned(
        "\"audit\"",
        &two_accounts().set("connection_settings", &format!("{{ role_name = {MADE} }}")),
    );
    let mut expected = created["connections"].clone();
    for id in ["111111111111", "222222222222"] {
        assert_eq!(
            expected[id]["derived_role_arn"],
            format!("arn:aws:iam::{id}:role/audit")
        );
        expected[id]["derived_role_arn"] = json!(UNKNOWN);
    }
    assert_eq!(plan["connections"], expected);
    assert_eq!(plan["folders"], created["folders"]);
}

#[test]
fn a_handle_made_in_the_same_run_hides_the_handles_it_may_reach() {
    let (plan, created) = planned("\"acme\"", &two_accounts().set("handle", MADE));
    assert_eq!(plan["handle"], UNKNOWN);
    assert_eq!(plan["folders"]["root"]["derived_handle"], UNKNOWN);
    assert_eq!(plan["folders"]["root"]["path"], "/");
    for id in ["111111111111", "222222222222"] {
        assert_eq!(
            plan["connections"][id]["name"],
            created["connections"][id]["name"]
        );
    }
    assert_eq!(created["handle"], "acme");
}

#[test]
fn a_prefix_made_in_the_same_run_hides_all_handles_and_nothing_else() {
    let (plan, created) = planned("\"x_\"", &two_accounts().set("handle_prefix", MADE));
    let mut expected = created["connections"].clone();
    for id in ["111111111111", "222222222222"] {
        expected[id]["derived_handle"] = json!(UNKNOWN);
    }
    assert_eq!(plan["connections"], expected);
    assert_eq!(
        created["connections"]["111111111111"]["derived_handle"],
        "x_web_shop"
    );
}

#[test]
fn an_account_name_made_in_the_same_run_hides_the_newcomers_handles() {
    let organization = format!(
        r#"{{ accounts = {{
            "111111111111" = {{ name = {MADE} }}
            "222222222222" = {{ name = "hub" }}
        }} }}"#
    );
    let (plan, created) = planned("\"Web Shop\"", &Integration::of(&organization));
    assert_eq!(plan["connections"]["111111111111"]["name"], UNKNOWN);
    for id in ["111111111111", "222222222222"] {
        assert_eq!(plan["connections"][id]["derived_handle"], UNKNOWN, "{id}");
        assert_eq!(plan["connections"][id]["folder_id"], "root", "{id}");
        assert_eq!(
            plan["connections"][id]["derived_role_arn"],
            created["connections"][id]["derived_role_arn"]
        );
    }
    assert_eq!(plan["connections"]["222222222222"]["name"], "hub");
}

#[test]
fn a_newcomer_with_an_unknown_name_leaves_the_others_alone() {
    let workspace = Workspace::new();
    workspace.write("main.tf", &two_accounts().hcl());
    workspace.apply();
    workspace.write(
        "main.tf",
        &format!(
            "{}{}",
            made("\"lab\""),
            Integration::of(&format!(
                r#"{{ accounts = {{
                    "111111111111" = {{ name = "Web Shop" }}
                    "222222222222" = {{ name = "hub" }}
                    "333333333333" = {{ name = {MADE} }}
                }} }}"#
            ))
            .hcl()
        ),
    );
    let plan = workspace.plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "333333333333": "+" } }),
    );
    assert_eq!(
        plan.after(INTEGRATION)["connections"]["333333333333"]["derived_handle"],
        UNKNOWN
    );
    workspace.apply_saved(&plan);
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"]["333333333333"]["derived_handle"],
        "lab"
    );
}

#[test]
fn accounts_made_in_the_same_run_are_unknown_until_apply() {
    let (plan, created) = planned(
        "{ \"111111111111\" = { name = \"Web Shop\" } }",
        &Integration::of(&format!("{{ accounts = {MADE} }}")),
    );
    assert_eq!(plan["connections"], UNKNOWN);
    assert_eq!(
        created["connections"]["111111111111"]["derived_handle"],
        "web_shop"
    );
}

#[test]
fn sets_with_an_unknown_element_are_taken() {
    let (_, created) = planned(
        "\"eu-west-1\"",
        &two_accounts()
            .set(
                "connection_settings",
                &format!(
                    "{{ role_name = \"audit\", regions = [\"eu-central-1\", {MADE}], default_region = {MADE}, ignore_error_codes = [{MADE}] }}"
                ),
            )
            .set("permissions", &format!("[\"platform\", {MADE}]"))
            .set(
                "owners",
                &format!("[{{ attribute = \"okta_group\", values = [{MADE}] }}]"),
            ),
    );
    assert_eq!(
        created["connection_settings"]["regions"],
        json!(["eu-central-1", "eu-west-1"])
    );
    assert_eq!(
        created["connection_settings"]["default_region"],
        "eu-west-1"
    );
    assert_eq!(created["permissions"], json!(["eu-west-1", "platform"]));
    assert_eq!(
        created["connections"]["222222222222"]["owners"],
        json!([{ "attribute": "okta_group", "values": ["eu-west-1"] }])
    );
}

#[test]
fn a_value_that_turns_out_invalid_at_apply_is_an_error_and_nothing_is_written() {
    let workspace = Workspace::new();
    workspace.write(
        "main.tf",
        &format!(
            "{}{}",
            made("\"Not A Handle\""),
            two_accounts().set("handle", MADE).hcl()
        ),
    );
    workspace.plan();
    workspace
        .apply_fails()
        .assert_error(&["handle", "Not A Handle"]);
    assert!(!workspace.holds(INTEGRATION));
}

#[test]
fn a_catalog_that_is_known_only_at_apply_does_not_stop_the_plan() {
    let workspace = Workspace::new();
    workspace.write(
        "main.tf",
        &format!(
            "{}{}{}",
            made("\"made\""),
            provider(&format!("catalog = {{ path = \"catalogs/${{{MADE}}}\" }}")),
            two_accounts().hcl()
        ),
    );
    workspace.apply();
    assert!(
        workspace
            .path()
            .join("catalogs/made/tenants/default/catalog.json")
            .is_file()
    );
}

#[test]
fn a_provider_argument_that_is_missing_at_plan_is_named_by_what_needs_it() {
    let workspace = Workspace::new();
    let hcl = |data: &str| {
        format!(
            "{}{}{data}{}",
            made("\"us-east-1\""),
            provider(&format!("region = {MADE}")),
            two_accounts().hcl()
        )
    };
    workspace.write(
        "main.tf",
        &hcl("data \"orgmirror_aws_organization\" \"aws\" {}\n"),
    );
    workspace.plan_fails().assert_error(&["region"]);
    workspace.write("main.tf", &hcl(""));
    workspace.apply();
}

#[test]
fn the_connections_of_a_first_plan_can_be_iterated_over() {
    let workspace = Workspace::new();
    workspace.write(
        "main.tf",
        &format!(
            r#"{}
            resource "terraform_data" "each" {{
              for_each = {INTEGRATION}.connections
              input    = each.value.derived_role_arn
            }}
            output "roles" {{
              value = {{ for id, connection in {INTEGRATION}.connections : connection.derived_handle => terraform_data.each[id].output }}
            }}"#,
            two_accounts().hcl()
        ),
    );
    let plan = workspace.plan();
    plan.assert_actions("terraform_data.each[\"111111111111\"]", &["create"]);
    workspace.apply_saved(&plan);
    assert_eq!(
        workspace.output("roles"),
        json!({
            "web_shop": "arn:aws:iam::111111111111:role/orgmirror-readonly",
            "hub": "arn:aws:iam::222222222222:role/orgmirror-readonly",
        })
    );
}

#[test]
fn an_initial_handle_made_in_the_same_run_hides_the_newcomers_handles() {
    let (plan, created) = planned(
        "\"aws_legacy_shop\"",
        &two_accounts().set(
            "initial_handles",
            &format!("{{ \"111111111111\" = {MADE} }}"),
        ),
    );
    assert_eq!(
        plan["connections"]["111111111111"]["derived_handle"],
        UNKNOWN
    );
    assert_eq!(plan["connections"]["111111111111"]["name"], "Web Shop");
    assert_eq!(
        created["connections"]["111111111111"]["derived_handle"],
        "aws_legacy_shop"
    );
    assert_eq!(
        created["connections"]["222222222222"]["derived_handle"],
        "hub"
    );
}

#[test]
fn a_portal_made_in_the_same_run_hides_only_the_sign_in_links() {
    let (plan, created) = planned(
        "\"https://acme.awsapps.com/start\"",
        &two_accounts().set(
            "sso",
            &format!("{{ portal_url = {MADE}, region = \"us-east-1\" }}"),
        ),
    );
    let mut expected = created["connections"].clone();
    for id in ["111111111111", "222222222222"] {
        let url = expected[id]["sign_in_url"].as_str().expect("a link");
        assert!(url.starts_with("https://acme.awsapps.com/start"), "{url}");
        expected[id]["sign_in_url"] = json!(UNKNOWN);
    }
    assert_eq!(plan["connections"], expected);
}

#[test]
fn an_organization_made_in_the_same_run_is_checked_against_the_permissions_at_apply() {
    let workspace = Workspace::new();
    let hcl = |organization: &str| {
        format!(
            "{}{}",
            made(organization),
            two_accounts()
                .set("organization", MADE)
                .set("permissions", "[\"platform/audit\"]")
                .hcl()
        )
    };
    workspace.write("main.tf", &hcl("\"security\""));
    workspace.plan();
    workspace
        .apply_fails()
        .assert_error(&["permissions", "platform/audit", "security"]);
    assert!(!workspace.holds(INTEGRATION));
    workspace.write("main.tf", &hcl("\"platform\""));
    workspace.apply();
    assert_eq!(
        workspace.attributes(INTEGRATION)["organization"],
        "platform"
    );
}
