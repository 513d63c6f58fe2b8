//! Inputs that other resources of the same run make: what can be known at plan is known.

use orgmirror_testing::terraform::UNKNOWN;
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{INTEGRATION, Integration, provider};

/// `terraform_data.made.output` of the first plan is unknown, then known.
fn made(value: &str) -> String {
    format!(
        r#"
        resource "terraform_data" "made" {{
          input = {value}
        }}
        "#
    )
}

const MADE: &str = "terraform_data.made.output";

/// Plans a creation with unknown inputs, gives what was planned, and applies it.
fn planned(input: &str, integration: &Integration) -> (Value, Value) {
    let workspace = PROVIDER.workspace();
    let plan = workspace
        .configure(&format!("{}{}", made(input), integration.hcl()))
        .plan();
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
            &format!(r#"{{ role_name = "audit", external_id = "acme:${{{MADE}}}" }}"#),
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
    let workspace = PROVIDER.workspace();
    workspace.configure(&two_accounts().hcl()).apply();
    let plan = workspace
        .configure(&format!(
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
        ))
        .plan();
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
        r#"{ "111111111111" = { name = "Web Shop" } }"#,
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
                    r#"{{ role_name = "audit", regions = ["eu-central-1", {MADE}], default_region = {MADE}, ignore_error_codes = [{MADE}] }}"#
                ),
            )
            .set("permissions", &format!(r#"["platform", {MADE}]"#))
            .set(
                "owners",
                &format!(r#"[{{ attribute = "okta_group", values = [{MADE}] }}]"#),
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
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&format!(
            "{}{}",
            made("\"Not A Handle\""),
            two_accounts().set("handle", MADE).hcl()
        ))
        .plan();
    workspace
        .apply_fails()
        .assert_error(&["handle", "Not A Handle"]);
    assert!(!workspace.holds(INTEGRATION));
}

#[test]
fn a_catalog_that_is_known_only_at_apply_does_not_stop_the_plan() {
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&format!(
            "{}{}{}",
            made("\"made\""),
            provider(&format!(r#"catalog = {{ path = "catalogs/${{{MADE}}}" }}"#)),
            two_accounts().hcl()
        ))
        .apply();
    assert!(
        workspace
            .path()
            .join("catalogs/made/tenants/default/catalog.json")
            .is_file()
    );
}

#[test]
fn a_provider_argument_that_is_missing_at_plan_is_named_by_what_needs_it() {
    let workspace = PROVIDER.workspace();
    let hcl = |data: &str| {
        format!(
            "{}{}{data}{}",
            made("\"us-east-1\""),
            provider(&format!("region = {MADE}")),
            two_accounts().hcl()
        )
    };
    workspace
        .configure(&hcl(r#"
            data "orgmirror_aws_organization" "aws" {}
            "#))
        .plan_fails()
        .assert_error(&["region"]);
    workspace.configure(&hcl("")).apply();
}

#[test]
fn the_connections_of_a_first_plan_can_be_iterated_over() {
    let workspace = PROVIDER.workspace();
    let plan = workspace.configure(&format!(
            r#"{}
            resource "terraform_data" "each" {{
              for_each = {INTEGRATION}.connections
              input    = each.value.derived_role_arn
            }}
            output "roles" {{
              value = {{ for id, connection in {INTEGRATION}.connections : connection.derived_handle => terraform_data.each[id].output }}
            }}"#,
            two_accounts().hcl()
        )).plan();
    plan.assert_actions(r#"terraform_data.each["111111111111"]"#, &["create"]);
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
            &format!(r#"{{ "111111111111" = {MADE} }}"#),
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
            &format!(r#"{{ portal_url = {MADE}, region = "us-east-1" }}"#),
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
    let workspace = PROVIDER.workspace();
    let hcl = |organization: &str| {
        format!(
            "{}{}",
            made(organization),
            two_accounts()
                .set("organization", MADE)
                .set("permissions", r#"["platform/audit"]"#)
                .hcl()
        )
    };
    workspace.configure(&hcl("\"security\"")).plan();
    workspace
        .apply_fails()
        .assert_error(&["permissions", "platform/audit", "security"]);
    assert!(!workspace.holds(INTEGRATION));
    workspace.configure(&hcl("\"platform\"")).apply();
    assert_eq!(
        workspace.attributes(INTEGRATION)["organization"],
        "platform"
    );
}

/// Arguments that hold `MADE`, and two values that it has, one after the other.
const INPUTS: [(&str, &str, [&str; 2]); 24] = [
    ("handle_prefix", "MADE", ["\"one_\"", "\"two_\""]),
    ("organization", "MADE", ["\"platform\"", "\"platform\""]),
    (
        "initial_handles",
        "MADE",
        [
            r#"{ "111111111111" = "one_given" }"#,
            r#"{ "222222222222" = "two_given" }"#,
        ],
    ),
    (
        "permissions",
        "MADE",
        [r#"["platform"]"#, r#"["security"]"#],
    ),
    (
        "permissions",
        r#"["acme", MADE]"#,
        ["\"platform\"", "\"acme\""],
    ),
    ("deletion_protection", "MADE", ["true", "false"]),
    (
        "removal_guard",
        "MADE",
        ["{ percent = 10, count = 5 }", "{ percent = 20, count = 6 }"],
    ),
    ("removal_guard", "{ percent = MADE }", ["10", "20"]),
    (
        "custom_access_details",
        "MADE",
        ["\"Ask in #cloud\"", "\"Ask in #aws\""],
    ),
    (
        "sso",
        "MADE",
        [
            r#"{ portal_url = "https://one.awsapps.com/start", region = "us-east-1", role_name = "ReadOnly" }"#,
            r#"{ portal_url = "https://two.awsapps.com/start", region = "us-east-1", role_name = "ReadOnly" }"#,
        ],
    ),
    (
        "owners",
        "MADE",
        [
            r#"[{ attribute = "okta_group", values = ["one"] }]"#,
            r#"[{ attribute = "okta_group", values = ["one", "two"] }]"#,
        ],
    ),
    (
        "owners",
        r#"[{ attribute = MADE, values = ["platform"] }]"#,
        ["\"okta_group\"", "\"user\""],
    ),
    (
        "owners",
        r#"[{ attribute = "user", values = MADE }]"#,
        [r#"["one"]"#, r#"["two"]"#],
    ),
    (
        "connection_settings",
        "MADE",
        [
            r#"{ role_name = "one", external_id = "acme:1", regions = ["*"], default_region = "eu-west-1", max_error_retry_attempts = 2, min_error_retry_delay = 3, ignore_error_codes = [] }"#,
            r#"{ role_name = "two", external_id = "acme:2", regions = ["*"], default_region = "eu-west-2", max_error_retry_attempts = 4, min_error_retry_delay = 5, ignore_error_codes = ["AccessDenied"] }"#,
        ],
    ),
    (
        "connection_settings",
        r#"{ role_name = "audit", default_region = MADE }"#,
        ["\"eu-west-1\"", "\"us-gov-west-1\""],
    ),
    (
        "connection_settings",
        r#"{ role_name = "audit", regions = [MADE] }"#,
        ["\"eu-west-1\"", "\"us-*\""],
    ),
    (
        "connection_settings",
        r#"{ role_name = "audit", max_error_retry_attempts = MADE }"#,
        ["3", "4"],
    ),
    (
        "aws_organization",
        "MADE",
        [
            r#"{ accounts = { "111111111111" = { name = "one" } } }"#,
            r#"{ accounts = { "111111111111" = { name = "two" } } }"#,
        ],
    ),
    (
        "aws_organization",
        r#"{ partition = MADE, accounts = { "111111111111" = { name = "hub" } } }"#,
        ["\"aws\"", "\"aws-cn\""],
    ),
    (
        "aws_organization",
        r#"{ accounts = { (MADE) = { name = "hub" } } }"#,
        ["\"111111111111\"", "\"222222222222\""],
    ),
    (
        "aws_organization",
        r#"{ accounts = { "111111111111" = { name = MADE, state = MADE == "one" ? "ACTIVE" : "CLOSED" } } }"#,
        ["\"one\"", "\"two\""],
    ),
    (
        "aws_organization",
        r#"{ accounts = { "111111111111" = { name = "hub", email = MADE, joined_at = MADE, tags = { at = MADE } } } }"#,
        ["\"2026-01-31T00:00:00Z\"", "\"2026-02-28T00:00:00Z\""],
    ),
    (
        "aws_organization",
        r#"{ root_id = MADE, accounts = { "111111111111" = { name = "hub" } } }"#,
        ["\"r-aaaa\"", "\"r-bbbb\""],
    ),
    (
        "aws_organization",
        r#"{ organizational_units = { "ou-aaaa-11111111" = { name = MADE }, "ou-aaaa-22222222" = { name = "b", parent_id = MADE == "one" ? null : "ou-aaaa-11111111" } }, accounts = { "111111111111" = { name = "hub", parent_id = "ou-aaaa-22222222" } } }"#,
        ["\"one\"", "\"two\""],
    ),
];

#[test]
fn every_argument_may_be_made_in_the_same_run_at_creation_and_at_a_change() {
    let workspace = PROVIDER.workspace();
    let hcl = |round: usize| -> String {
        INPUTS
            .iter()
            .enumerate()
            .map(|(number, (argument, expression, values))| {
                let mut integration = two_accounts()
                    .label(&format!("case_{number}"))
                    .set_text("handle", &format!("case_{number}"))
                    // Handles of other integrations are no matter here.
                    .set_text("handle_prefix", &format!("c{number}_"));
                if expression.contains("tags") {
                    integration = integration
                        .set("owners", r#"[{ attribute = "user", values = ["root"] }]"#)
                        .set(
                            "resource_owners",
                            r#"[{ tag_key = "at", attribute = "time" }]"#,
                        );
                }
                let made = format!("terraform_data.made_{number}");
                format!(
                    r#"
                    resource "terraform_data" "made_{number}" {{
                      input = {}
                    }}
                    {}
                    "#,
                    values[round],
                    integration
                        .set(
                            argument,
                            &expression.replace("MADE", &format!("{made}.output"))
                        )
                        .hcl()
                )
            })
            .collect()
    };
    for round in 0..2 {
        let plan = workspace.configure(&hcl(round)).plan();
        workspace.apply_saved(&plan);
    }
    let of = |argument: &str| {
        let number = INPUTS
            .iter()
            .position(|(name, expression, _)| *name == argument && *expression == "MADE")
            .expect("a case");
        workspace.attributes(&format!("orgmirror_integration.case_{number}"))
    };
    assert_eq!(
        of("custom_access_details")["custom_access_details"],
        "Ask in #aws"
    );
    assert_eq!(of("permissions")["permissions"], json!(["security"]));
    assert_eq!(
        of("removal_guard")["removal_guard"],
        json!({ "percent": 20, "count": 6 })
    );
    assert_eq!(
        of("aws_organization")["connections"]["111111111111"]["name"],
        "two"
    );
    assert_eq!(
        of("connection_settings")["connections"]["222222222222"]["derived_role_arn"],
        "arn:aws:iam::222222222222:role/two"
    );
}

#[test]
fn sets_with_several_unknown_elements_are_planned_and_applied() {
    let elements = format!(r#"[for i in range(3) : "${{{MADE}}}${{i % 2}}"]"#);
    let (plan, created) = planned(
        "\"x\"",
        &two_accounts()
            .set("permissions", &format!("concat([\"y\"], {elements})"))
            .set(
                "owners",
                &format!(r#"[{{ attribute = "group", values = {elements} }}]"#),
            )
            .set(
                "connection_settings",
                &format!(
                    r#"{{ role_name = "audit", ignore_error_codes = {elements}, regions = [for i in range(2) : "eu-${{{MADE}}}-${{i}}"] }}"#
                ),
            ),
    );
    assert_eq!(plan["connections"]["111111111111"]["name"], "Web Shop");
    assert_eq!(created["permissions"], json!(["x0", "x1", "y"]));
    assert_eq!(created["owners"][0]["values"], json!(["x0", "x1"]));
    let settings = &created["connection_settings"];
    assert_eq!(settings["ignore_error_codes"], json!(["x0", "x1"]));
    assert_eq!(settings["regions"], json!(["eu-x-0", "eu-x-1"]));
}

#[test]
fn owners_that_are_unknown_as_a_whole_are_planned_and_applied() {
    let (_, created) = planned(
        r#"{ attribute = "user", values = toset(["ada"]) }"#,
        &two_accounts().set(
            "owners",
            &format!(r#"[{{ attribute = "group", values = ["platform"] }}, {MADE}]"#),
        ),
    );
    assert_eq!(
        created["owners"],
        json!([
            { "attribute": "group", "values": ["platform"] },
            { "attribute": "user", "values": ["ada"] },
        ])
    );
    let (_, created) = planned(
        r#"{ tag_key = "owner", attribute = "user" }"#,
        &Integration::of(
            r#"{ accounts = { "111111111111" = { name = "a", tags = { owner = "ada" } } } }"#,
        )
        .set(
            "owners",
            r#"[{ attribute = "group", values = ["platform"] }]"#,
        )
        .set("resource_owners", &format!("[{MADE}]")),
    );
    assert_eq!(
        created["connections"]["111111111111"]["owners"],
        json!([{ "attribute": "user", "values": ["ada"] }])
    );
}
