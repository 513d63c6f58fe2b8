//! Configurations that are refused, each with what is wrong and what to do.

use crate::configuration::{Integration, provider};
use crate::terraform::{Failure, Workspace};

fn one_account() -> Integration {
    Integration::of_accounts([("111122223333", "sandbox")])
}

fn refused(hcl: &str) -> Failure {
    let workspace = Workspace::new();
    workspace.write("main.tf", hcl);
    workspace.plan_fails()
}

/// The integration with one argument set is refused; the error points at `code`.
fn refused_with(argument: &str, expression: &str, code: &str, fragments: &[&str]) {
    refused(&one_account().set(argument, expression).hcl()).assert_error_at(code, fragments);
}

/// The integration with these connection settings beside the role name is refused.
fn refused_settings(settings: &str, code: &str, fragments: &[&str]) {
    refused_with(
        "connection_settings",
        &format!("{{\n role_name = \"audit\"\n {settings}\n }}"),
        code,
        fragments,
    );
}

#[test]
fn a_handle_that_breaks_the_rules_is_refused() {
    for (handle, fragments) in [
        ("Acme", &["Acme"][..]),
        ("9lives", &["9lives"]),
        ("two__lines", &["two__lines"]),
        ("trailing_", &["trailing_"]),
        ("has space", &["has space"]),
        ("", &["empty"]),
        ("aws", &["aws", "reserved"]),
        ("public", &["public", "reserved"]),
        ("pg_catalog", &["pg_catalog", "reserved"]),
        ("steampipe_hub", &["steampipe_hub", "reserved"]),
        (
            "a123456789a123456789a123456789a123456789",
            &["a123456789a123456789a123456789a123456789", "40", "39"],
        ),
    ] {
        refused_with("handle", &format!("\"{handle}\""), "handle", fragments);
    }
}

#[test]
fn a_handle_is_required() {
    refused(&one_account().without("handle").hcl()).assert_error(&["handle", "required"]);
    refused_with("handle", "null", "", &["handle"]);
}

#[test]
fn a_prefix_that_breaks_the_rules_is_refused() {
    refused_with("handle_prefix", "\"AWS_\"", "handle_prefix", &["AWS_"]);
    refused_with("handle_prefix", "\"_aws\"", "handle_prefix", &["_aws"]);
    refused_with("handle_prefix", "\"aws-\"", "handle_prefix", &["aws-"]);
    refused_with(
        "handle_prefix",
        "\"a23456789b123456789c1\"",
        "handle_prefix",
        &["a23456789b123456789c1", "21", "20"],
    );
}

#[test]
fn an_organization_that_breaks_the_rules_is_refused() {
    refused_with(
        "organization",
        "\"Platform\"",
        "organization",
        &["Platform"],
    );
    refused_with(
        "organization",
        "\"-platform\"",
        "organization",
        &["-platform"],
    );
}

#[test]
fn initial_handles_that_break_the_rules_are_refused() {
    refused_with(
        "initial_handles",
        r#"{ "111122223333" = "Not A Handle" }"#,
        "initial_handles",
        &["111122223333", "Not A Handle"],
    );
    refused_with(
        "initial_handles",
        r#"{ "1111" = "fine" }"#,
        "initial_handles",
        &["1111", "12 digits"],
    );
    refused_with(
        "initial_handles",
        r#"{ "111122223333" = "same", "444455556666" = "same" }"#,
        "initial_handles",
        &["same", "111122223333", "444455556666"],
    );
}

#[test]
fn a_role_name_is_required_and_has_its_rules() {
    refused(&one_account().set("connection_settings", "{}").hcl()).assert_error(&["role_name"]);
    refused(
        &one_account()
            .set("connection_settings", "{ role_name = null }")
            .hcl(),
    )
    .assert_error(&["role_name"]);
    refused(&one_account().without("connection_settings").hcl())
        .assert_error(&["connection_settings", "required"]);
    for role in ["", "has space", "arn:aws:iam::111122223333:role/audit"] {
        refused_with(
            "connection_settings",
            &format!("{{\n role_name = \"{role}\"\n }}"),
            "role_name",
            &[role],
        );
    }
}

#[test]
fn an_external_id_has_the_rules_of_aws() {
    refused_settings("external_id = \"x\"", "external_id", &["2"]);
    refused_settings("external_id = \"a b\"", "external_id", &["a b"]);
}

#[test]
fn attempts_and_delays_are_at_least_one() {
    refused_settings(
        "max_error_retry_attempts = 0",
        "max_error_retry_attempts",
        &["0", "1"],
    );
    refused_settings(
        "max_error_retry_attempts = -3",
        "max_error_retry_attempts",
        &["-3", "1"],
    );
    refused_settings(
        "max_error_retry_attempts = 1.5",
        "max_error_retry_attempts",
        &["1.5", "whole"],
    );
    refused_settings(
        "min_error_retry_delay = 0",
        "min_error_retry_delay",
        &["0", "1"],
    );
}

#[test]
fn regions_cannot_be_empty_or_nonsense() {
    refused_settings("regions = []", "regions", &["regions"]);
    refused_settings("regions = [\"\"]", "regions", &["regions"]);
    refused_settings("regions = [\"EU West\"]", "regions", &["EU West"]);
    refused_settings("regions = [null]", "regions", &["null"]);
    refused_settings("default_region = \"*\"", "default_region", &["*"]);
}

#[test]
fn custom_access_details_have_at_most_400_characters() {
    let workspace = Workspace::new();
    workspace.write(
        "main.tf",
        &one_account()
            .set("custom_access_details", &format!("\"{}\"", "é".repeat(400)))
            .hcl(),
    );
    workspace.apply();
    refused_with(
        "custom_access_details",
        &format!("\"{}\"", "é".repeat(401)),
        "custom_access_details",
        &["401", "400"],
    );
}

#[test]
fn resource_owners_require_owners_and_tags() {
    let resource_owners = "[{ tag_key = \"owner\", attribute = \"user\" }]";
    refused_with(
        "resource_owners",
        resource_owners,
        "resource_owners",
        &["resource_owners", "owners"],
    );
    refused(
        &one_account()
            .set("resource_owners", resource_owners)
            .set(
                "owners",
                "[{ attribute = \"okta_group\", values = [\"platform\"] }]",
            )
            .hcl(),
    )
    .assert_error(&["resource_owners", "include_tags", "111122223333"]);
}

#[test]
fn a_grantee_that_is_none_is_refused() {
    for grantee in [
        "Acme",
        "acme/",
        "/security",
        "acme/security/more",
        "acme/*",
        "",
    ] {
        refused_with(
            "permissions",
            &format!("[\"{grantee}\"]"),
            "permissions",
            &[grantee],
        );
    }
}

#[test]
fn a_removal_guard_has_its_limits() {
    refused_with(
        "removal_guard",
        "{ percent = 101 }",
        "percent",
        &["101", "100"],
    );
    refused_with("removal_guard", "{ percent = -1 }", "percent", &["-1"]);
    refused_with("removal_guard", "{ count = -1 }", "count", &["-1"]);
}

#[test]
fn sso_needs_a_portal_and_a_region() {
    refused_with(
        "sso",
        "{ portal_url = \"acme.awsapps.com\", region = \"us-east-1\" }",
        "portal_url",
        &["acme.awsapps.com", "https://"],
    );
    refused(
        &one_account()
            .set("sso", "{ portal_url = \"https://acme.awsapps.com/start\" }")
            .hcl(),
    )
    .assert_error(&["region"]);
}

#[test]
fn a_parent_that_is_not_there_is_named() {
    refused(
        &Integration::of(
            r#"{
                organizational_units = { "ou-aaaa-11111111" = { name = "Prod" } }
                accounts = { "111122223333" = { name = "sandbox", parent_id = "ou-aaaa-11111112" } }
            }"#,
        )
        .hcl(),
    )
    .assert_only_error(&["parent_id", "ou-aaaa-11111112", "111122223333"]);
    refused(
        &Integration::of(
            r#"{
                organizational_units = { "ou-aaaa-11111111" = { name = "Prod", parent_id = "r-aaaa" } }
                accounts = {}
            }"#,
        )
        .hcl(),
    )
    .assert_only_error(&["parent_id", "r-aaaa", "ou-aaaa-11111111"]);
}

#[test]
fn units_that_are_each_others_ancestors_are_refused() {
    refused(
        &Integration::of(
            r#"{
                organizational_units = {
                  "ou-aaaa-11111111" = { name = "a", parent_id = "ou-aaaa-22222222" }
                  "ou-aaaa-22222222" = { name = "b", parent_id = "ou-aaaa-11111111" }
                }
                accounts = {}
            }"#,
        )
        .hcl(),
    )
    .assert_error(&["ou-aaaa-11111111", "ou-aaaa-22222222"]);
}

#[test]
fn an_account_needs_an_id_and_a_name() {
    refused(&Integration::of_accounts([("1111", "sandbox")]).hcl())
        .assert_error(&["1111", "12 digits"]);
    refused(&Integration::of(r#"{ accounts = { "111122223333" = { name = null } } }"#).hcl())
        .assert_error(&["name"]);
    refused(&Integration::of(r#"{ accounts = { "111122223333" = {} } }"#).hcl())
        .assert_error(&["name"]);
    refused(&Integration::of(r#"{ accounts = { "111122223333" = null } }"#).hcl())
        .assert_error(&["111122223333", "null"]);
    refused(&Integration::of_accounts([("111122223333", "")]).hcl())
        .assert_error(&["111122223333", "name"]);
    refused(&Integration::of("{}").hcl()).assert_error(&["accounts"]);
}

#[test]
fn a_state_that_aws_does_not_have_is_refused() {
    refused(
        &Integration::of(
            r#"{ accounts = { "111122223333" = { name = "sandbox", state = "active" } } }"#,
        )
        .hcl(),
    )
    .assert_error(&["state", "active", "ACTIVE"]);
}

#[test]
fn provider_arguments_have_their_rules() {
    let refused = |arguments: &str, code: &str, fragments: &[&str]| {
        refused(&format!("{}{}", provider(arguments), one_account().hcl()))
            .assert_error_at(code, fragments);
    };
    refused("tenant = \"Acme Corp\"", "tenant", &["Acme Corp"]);
    refused("tenant = \"\"", "tenant", &["tenant"]);
    refused("max_retries = -1", "max_retries", &["-1"]);
    refused(
        "credential_rotation_days = 0",
        "credential_rotation_days",
        &["0"],
    );
    refused("access_key = \"AKIAEXAMPLE\"", "", &["secret_key"]);
    refused("secret_key = \"secret\"", "", &["access_key"]);
    refused("catalog = { path = \"\" }", "path", &["path"]);
    refused("catalog = {}", "catalog", &["path"]);
    refused(
        "endpoints = { organizations = \"localhost\" }",
        "organizations",
        &["localhost", "http"],
    );
    refused("assume_role = { external_id = \"abc\" }", "", &["role_arn"]);
    refused(
        "assume_role = { role_arn = \"discovery\" }",
        "role_arn",
        &["discovery", "arn:"],
    );
    refused(
        "assume_role = { role_arn = \"arn:aws:iam::111122223333:role/discovery\", duration = \"soon\" }",
        "duration",
        &["soon"],
    );
}

#[test]
fn data_source_arguments_have_their_rules() {
    let refused = |arguments: &str, fragments: &[&str]| {
        refused(&crate::configuration::snapshot(arguments)).assert_error(fragments);
    };
    refused(
        "organizational_unit_ids = [\"Workloads\"]",
        &["organizational_unit_ids", "Workloads", "ou-"],
    );
    refused(
        "organizational_unit_ids = []",
        &["organizational_unit_ids", "empty"],
    );
    refused(
        "exclude_organizational_unit_ids = [\"/Workloads\"]",
        &["exclude_organizational_unit_ids", "/Workloads"],
    );
    refused(
        "exclude_account_ids = [\"1234\"]",
        &["exclude_account_ids", "1234", "12 digits"],
    );
    refused("timeouts = { read = \"soon\" }", &["read", "soon"]);
}

#[test]
fn a_reserved_or_unknown_argument_is_no_argument_of_ours() {
    refused(&one_account().set("external_id", "\"acme:1\"").hcl())
        .assert_error(&["external_id", "not expected here"]);
}
