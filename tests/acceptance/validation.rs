//! Configurations that are refused, each with what is wrong and what to do.

use orgmirror_testing::terraform::Failure;

use crate::PROVIDER;
use crate::configurations::{Integration, provider};

fn one_account() -> Integration {
    Integration::of_accounts([("111122223333", "sandbox")])
}

fn refused(hcl: &str) -> Failure {
    let workspace = PROVIDER.workspace();
    workspace.configure(hcl).plan_fails()
}

/// An argument of an integration, its expression, and what has to be in the error.
type Case<'a> = (&'a str, String, &'a [&'a str]);

/// All of these integrations are refused, each for its own reason, in one plan.
fn all_refused(cases: &[Case<'_>]) {
    let label = |number: usize| format!("case_{number}");
    let hcl: String = cases
        .iter()
        .enumerate()
        .map(|(number, (argument, expression, _))| {
            one_account()
                .label(&label(number))
                .set(argument, expression)
                .hcl()
        })
        .collect();
    let failure = refused(&hcl);
    for (number, (_, _, fragments)) in cases.iter().enumerate() {
        let block = format!(r#"resource "orgmirror_integration" "{}""#, label(number));
        failure.assert_error_at(&block, "", fragments);
    }
}

/// An argument with a string for its value.
fn string<'a>(argument: &'a str, value: &str, fragments: &'a [&'a str]) -> Case<'a> {
    (argument, format!("\"{value}\""), fragments)
}

/// Connection settings beside a role name.
fn settings<'a>(settings: &str, fragments: &'a [&'a str]) -> Case<'a> {
    (
        "connection_settings",
        format!(r#"{{ role_name = "audit", {settings} }}"#),
        fragments,
    )
}

#[test]
fn a_handle_that_breaks_the_rules_is_refused() {
    let at = "for handle";
    all_refused(&[
        string("handle", "Acme", &["\"Acme\"", at, "\"acme\" would do"]),
        string("handle", "9lives", &["\"9lives\"", at]),
        string("handle", "two__lines", &["\"two__lines\"", at]),
        string("handle", "trailing_", &["\"trailing_\"", at]),
        string("handle", "has space", &["\"has space\"", at]),
        string("handle", "", &["empty", at]),
        string(
            "handle",
            "a123456789a123456789a123456789a123456789",
            &["a123456789a123456789a123456789a123456789", "40", "39", at],
        ),
        ("handle", "null".to_owned(), &["handle", "required"]),
    ]);
    let block = r#"resource "orgmirror_integration" "aws""#;
    refused(&one_account().set_text("handle", "Acme").hcl()).assert_error_at(
        block,
        r#"handle = "Acme""#,
        &["handle"],
    );
    refused(&one_account().without("handle").hcl()).assert_error_at(
        block,
        "",
        &["handle", "required"],
    );
}

#[test]
fn a_prefix_or_an_organization_that_breaks_the_rules_is_refused() {
    all_refused(&[
        string("handle_prefix", "AWS_", &["handle_prefix", "\"AWS_\""]),
        string("handle_prefix", "_aws", &["handle_prefix", "\"_aws\""]),
        string("handle_prefix", "aws-", &["handle_prefix", "\"aws-\""]),
        string(
            "handle_prefix",
            "a23456789b123456789c1",
            &["handle_prefix", "a23456789b123456789c1", "21", "20"],
        ),
        string(
            "organization",
            "Platform",
            &["organization", "\"Platform\""],
        ),
        string(
            "organization",
            "-platform",
            &["organization", "\"-platform\""],
        ),
        string("organization", "", &["organization", "empty"]),
    ]);
}

#[test]
fn initial_handles_that_break_the_rules_are_refused() {
    all_refused(&[
        (
            "initial_handles",
            r#"{ "111122223333" = "Not A Handle" }"#.to_owned(),
            &["initial_handles", "111122223333", "Not A Handle"],
        ),
        (
            "initial_handles",
            r#"{ "111122223333" = "pg_catalog" }"#.to_owned(),
            &["initial_handles", "111122223333", "pg_catalog", "reserved"],
        ),
        (
            "initial_handles",
            r#"{ "1111" = "fine" }"#.to_owned(),
            &["initial_handles", "1111", "12 digits"],
        ),
        (
            "initial_handles",
            r#"{ "111122223333" = null }"#.to_owned(),
            &["initial_handles", "111122223333", "null"],
        ),
    ]);
    refused(
        &one_account()
            .set(
                "initial_handles",
                r#"{ "111122223333" = "same", "444455556666" = "same" }"#,
            )
            .hcl(),
    )
    .assert_error(&["initial_handles", "same", "111122223333", "444455556666"]);
}

#[test]
fn connection_settings_that_break_the_rules_are_refused() {
    let role = |name: &str| ("connection_settings", format!("{{ role_name = {name} }}"));
    let (argument, null) = role("null");
    let (_, empty) = role("\"\"");
    let (_, space) = role("\"has space\"");
    let (_, arn) = role("\"arn:aws:iam::111122223333:role/audit\"");
    all_refused(&[
        (
            argument,
            null,
            &["connection_settings.role_name", "required"],
        ),
        (argument, empty, &["connection_settings.role_name", "\"\""]),
        (
            argument,
            space,
            &["connection_settings.role_name", "\"has space\""],
        ),
        (
            argument,
            arn,
            &[
                "connection_settings.role_name",
                "arn:aws:iam::111122223333:role/audit",
                "not an ARN",
            ],
        ),
        settings(
            r#"external_id = "x""#,
            &["connection_settings.external_id", "\"x\"", "2 to 1224"],
        ),
        settings(
            r#"external_id = "a b""#,
            &["connection_settings.external_id", "\"a b\""],
        ),
        settings(
            "max_error_retry_attempts = 0",
            &[
                "0 cannot be used for connection_settings.max_error_retry_attempts",
                "at least 1",
            ],
        ),
        settings(
            "max_error_retry_attempts = -3",
            &[
                "-3 cannot be used for connection_settings.max_error_retry_attempts",
                "at least 1",
            ],
        ),
        settings(
            "max_error_retry_attempts = 1.5",
            &[
                "1.5 cannot be used for connection_settings.max_error_retry_attempts",
                "whole",
            ],
        ),
        settings(
            "max_error_retry_attempts = 9223372036854775808",
            &["connection_settings.max_error_retry_attempts"],
        ),
        settings(
            "min_error_retry_delay = 0",
            &[
                "0 cannot be used for connection_settings.min_error_retry_delay",
                "at least 1",
            ],
        ),
        settings(
            "regions = []",
            &["connection_settings.regions", "at least 1"],
        ),
        settings(
            r#"regions = [""]"#,
            &["connection_settings.regions", "\"\""],
        ),
        settings(
            r#"regions = ["EU West"]"#,
            &["connection_settings.regions", "\"EU West\""],
        ),
        settings("regions = [null]", &["connection_settings.regions", "null"]),
        settings(
            r#"default_region = "*""#,
            &["connection_settings.default_region", "\"*\""],
        ),
        settings(
            r#"ignore_error_codes = [""]"#,
            &["connection_settings.ignore_error_codes", "empty"],
        ),
    ]);
    refused(&one_account().set("connection_settings", "{}").hcl()).assert_error(&["role_name"]);
    refused(&one_account().without("connection_settings").hcl())
        .assert_error(&["connection_settings", "required"]);
}

#[test]
fn resource_owners_require_owners_and_tags() {
    let resource_owners = r#"[{ tag_key = "owner", attribute = "user" }]"#;
    all_refused(&[
        (
            "resource_owners",
            resource_owners.to_owned(),
            &["resource_owners is set and owners is not"],
        ),
        (
            "owners",
            r#"[{ attribute = "", values = ["platform"] }]"#.to_owned(),
            &["owners[0].attribute", "empty"],
        ),
        (
            "owners",
            r#"[{ attribute = "okta_group", values = [] }]"#.to_owned(),
            &["owners[0].values", "at least 1"],
        ),
    ]);
    refused(
        &one_account()
            .set("resource_owners", resource_owners)
            .set(
                "owners",
                r#"[{ attribute = "okta_group", values = ["platform"] }]"#,
            )
            .hcl(),
    )
    .assert_error(&["resource_owners", "include_tags", "111122223333"]);
}

#[test]
fn a_grantee_that_is_none_is_refused() {
    all_refused(&[
        (
            "permissions",
            r#"["Acme"]"#.to_owned(),
            &["permissions", "\"Acme\""],
        ),
        (
            "permissions",
            r#"["acme/"]"#.to_owned(),
            &["permissions", "\"acme/\""],
        ),
        (
            "permissions",
            r#"["/security"]"#.to_owned(),
            &["permissions", "\"/security\""],
        ),
        (
            "permissions",
            r#"["acme/security/more"]"#.to_owned(),
            &["permissions", "\"acme/security/more\""],
        ),
        (
            "permissions",
            r#"["acme/*"]"#.to_owned(),
            &["permissions", "\"acme/*\""],
        ),
        (
            "permissions",
            r#"[""]"#.to_owned(),
            &["permissions", "\"\""],
        ),
        ("permissions", "[null]".to_owned(), &["permissions", "null"]),
    ]);
}

#[test]
fn sso_and_the_removal_guard_have_their_rules() {
    all_refused(&[
        (
            "sso",
            r#"{ portal_url = "acme.awsapps.com", region = "us-east-1" }"#.to_owned(),
            &["sso.portal_url", "acme.awsapps.com", "https://"],
        ),
        (
            "sso",
            r#"{ portal_url = "https://acme.awsapps.com/start", region = null }"#.to_owned(),
            &["sso.region", "required"],
        ),
        (
            "removal_guard",
            "{ percent = -1 }".to_owned(),
            &["removal_guard.percent", "-1"],
        ),
        (
            "removal_guard",
            "{ count = -1 }".to_owned(),
            &["removal_guard.count", "-1"],
        ),
    ]);
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
    .assert_only_error(&["parent_id \"r-aaaa\"", "ou-aaaa-11111111"]);
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
    let refused = |arguments: &str, fragments: &[&str]| {
        refused(&format!("{}{}", provider(arguments), one_account().hcl())).assert_error_at(
            r#"provider "orgmirror""#,
            "",
            fragments,
        );
    };
    refused(
        r#"
        tenant      = "Acme Corp"
        max_retries = -1
        access_key  = ""
        secret_key  = ""
        "#,
        &["tenant", "\"Acme Corp\""],
    );
    refused(r#"tenant = """#, &["tenant", "empty"]);
    refused("max_retries = -1", &["max_retries", "-1"]);
    refused(
        r#"access_key = "AKIAEXAMPLE""#,
        &["access_key", "secret_key"],
    );
    refused(r#"secret_key = "secret""#, &["secret_key", "access_key"]);
    refused(r#"catalog = { path = "" }"#, &["catalog.path", "empty"]);
    refused(
        r#"catalog = { path = "s3://bucket" }"#,
        &["catalog.path", "s3://bucket"],
    );
    refused(
        r#"endpoints = { organizations = "localhost" }"#,
        &["endpoints.organizations", "\"localhost\"", "http://"],
    );
    refused(
        r#"assume_role = { role_arn = "discovery" }"#,
        &["assume_role.role_arn", "\"discovery\"", "arn:"],
    );
    refused(
        r#"assume_role = { role_arn = "arn:aws:iam::111122223333:role/discovery", duration = "soon" }"#,
        &["assume_role.duration", "\"soon\""],
    );
}

#[test]
fn data_source_arguments_have_their_rules() {
    let cases: [(&str, &[&str]); 6] = [
        (
            r#"organizational_unit_ids = ["Workloads"]"#,
            &["organizational_unit_ids", "\"Workloads\"", "ou-"],
        ),
        (
            "organizational_unit_ids = []",
            &["organizational_unit_ids", "at least 1"],
        ),
        (
            r#"exclude_organizational_unit_ids = ["/Workloads"]"#,
            &["exclude_organizational_unit_ids", "\"/Workloads\""],
        ),
        (
            r#"exclude_account_ids = ["1234"]"#,
            &["exclude_account_ids", "\"1234\"", "12 digits"],
        ),
        (
            r#"timeouts = { read = "soon" }"#,
            &["timeouts.read", "\"soon\""],
        ),
        (
            r#"assume_role = { role_arn = "discovery" }"#,
            &["assume_role.role_arn", "\"discovery\""],
        ),
    ];
    let hcl: String = cases
        .iter()
        .enumerate()
        .map(|(number, (argument, _))| {
            format!(
                r#"
                data "orgmirror_aws_organization" "case_{number}" {{
                  {argument}
                }}
                "#
            )
        })
        .collect();
    let failure = refused(&hcl);
    for (number, (_, fragments)) in cases.iter().enumerate() {
        let block = format!(r#"data "orgmirror_aws_organization" "case_{number}""#);
        failure.assert_error_at(&block, "", fragments);
    }
}

#[test]
fn a_reserved_or_unknown_argument_is_no_argument_of_ours() {
    refused(&one_account().set_text("external_id", "acme:1").hcl())
        .assert_error(&["external_id", "not expected here"]);
}

#[test]
fn a_snapshot_without_accounts_is_refused_and_an_empty_one_is_not() {
    for snapshot in [
        "{}",
        r#"{ acounts = { "111122223333" = { name = "a" } } }"#,
        "{ accounts = null }",
    ] {
        refused(&Integration::of(snapshot).hcl()).assert_error(&[
            "aws_organization",
            "has no accounts",
            "write accounts = {}",
        ]);
    }
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&Integration::of("{ accounts = {} }").hcl())
        .apply();
}
