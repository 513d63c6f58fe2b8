//! Tests of connections: all is well on moto, which lets everybody assume everything; the rest on our double.

use std::fs;
use std::path::Path;

use orgmirror_testing::double::{Call, Double, Failure, KeyFault, Organization, Role};
use orgmirror_testing::moto::Moto;
use orgmirror_testing::terraform::{Workspace, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::catalogs::files_below;
use crate::configurations::{
    DATA, Integration, SNAPSHOT, arguments_for, endpoints, integration_of, many_accounts,
};

const TEST: &str = "data.orgmirror_connection_test.these";
const EXTERNAL_ID: &str = "acme:0123456789abcdef";

/// HCL of the data source, which waits for the integration.
fn test(arguments: &str) -> String {
    format!(
        r#"
        data "orgmirror_connection_test" "these" {{
          integration_id = orgmirror_integration.aws.id
          {arguments}
        }}
        "#
    )
}

/// Connections with the external ID.
fn mirror(accounts: &[(String, String)]) -> Integration {
    let settings = format!(
        r#"{{ role_name = "reader", external_id = {} }}"#,
        quoted(EXTERNAL_ID)
    );
    integration_of(accounts).set("connection_settings", &settings)
}

fn role_arn(account_id: &str) -> String {
    format!("arn:aws:iam::{account_id}:role/reader")
}

/// Roles of those accounts that want the external ID and trust the management account.
fn double(accounts: &[(String, String)]) -> Double {
    let mut organization = Organization::new(90);
    for (id, _) in accounts {
        organization.add_trusting_role(&role_arn(id), EXTERNAL_ID);
    }
    Double::start(organization)
}

fn caller(double: &Double) -> String {
    let account = &double.organization().management_account_id;
    format!("arn:aws:iam::{account}:user/terraform")
}

/// A workspace that mirrors those accounts and has been applied.
fn mirrored(double: &Double, integration: &Integration) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(double));
    workspace.configure(&integration.hcl()).apply();
    workspace
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is no text: {value}"))
}

fn assumed(double: &Double) -> Vec<Call> {
    let calls = double.calls();
    let calls = calls.all().iter();
    calls
        .filter(|call| call.action == "AssumeRole")
        .cloned()
        .collect()
}

#[test]
fn every_connection_of_an_organization_is_tested() {
    let moto = Moto::seed(json!({
        "accounts": [{ "name": "Hub" }],
        "organizational_units": [
            { "name": "Workloads", "accounts": [{ "name": "Shop" }, { "name": "Payments" }] },
        ],
    }));
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&moto.provider_arguments());
    let integration = Integration::of(DATA).hcl();
    workspace
        .configure(&format!("{SNAPSHOT}{integration}{}", test("")))
        .apply();
    let result = workspace.attributes(TEST);
    let connections = result["connections"].as_object().expect("a map");
    let handles: Vec<&String> = connections.keys().collect();
    assert_eq!(handles, ["hub", "management", "payments", "shop"]);
    for connection in connections.values() {
        let account_id = text(connection, "account_id");
        assert_eq!(connection["ok"], true, "{connection}");
        assert_eq!(connection["error"], Value::Null);
        let in_account = format!("arn:aws:sts::{account_id}:assumed-role/orgmirror-readonly/");
        assert!(
            text(connection, "caller_arn").starts_with(&in_account),
            "{connection}"
        );
    }
    assert_eq!(connections["shop"]["account_id"], moto.account("Shop"));
    assert_eq!(result["failed"], json!([]));
    assert_eq!(result["skipped"], json!({}));

    workspace
        .configure(&format!(
            "{SNAPSHOT}{integration}{}",
            test(r#"folder_path = "/Workloads""#)
        ))
        .apply();
    let result = workspace.attributes(TEST);
    assert_eq!(
        result["connections"].as_object().map(serde_json::Map::len),
        Some(2)
    );
}

#[test]
fn each_of_a_thousand_connections_has_its_verdict() {
    let accounts = many_accounts(1_200);
    let double = double(&accounts);
    let id = |number: usize| accounts[number - 1].0.clone();
    let caller = caller(&double);
    {
        let mut organization = double.organization();
        let mut change = |number: usize, change: &dyn Fn(&mut Role)| {
            change(
                organization
                    .roles
                    .get_mut(&role_arn(&id(number)))
                    .expect("a role"),
            );
        };
        change(1, &|role| {
            role.external_id = Some("acme:another".to_owned())
        });
        change(2, &|role| {
            role.trusted_accounts = Some(["999999999999".to_owned()].into())
        });
        change(3, &|role| {
            let message = format!(
                "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {} with an explicit deny in a \
                 service control policy",
                role_arn(&id(3))
            );
            role.refusal = Some(Failure::new(403, "AccessDenied", &message));
        });
        organization.roles.remove(&role_arn(&id(4)));
    }
    let throttled = Failure::new(400, "Throttling", "Rate exceeded");
    double.faults().throttle(Some("AssumeRole"), 400, throttled);
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    // Each has all the time that there can be.
    let arguments = r#"
        concurrency        = 32
        connection_timeout = "5m"
        "#;
    workspace
        .configure(&format!("{}{}", integration.hcl(), test(arguments)))
        .apply();

    let result = workspace.attributes(TEST);
    let connections = result["connections"].as_object().expect("a map");
    assert_eq!(connections.len(), 1_200);
    let failed: Vec<String> = (1..=4).map(id).collect();
    assert_eq!(result["failed"], json!(failed));
    let good = connections
        .values()
        .filter(|connection| connection["ok"] == true);
    assert_eq!(good.count(), 1_196);
    for (number, cause, parts) in [
        (
            1,
            "role_or_trust",
            ["an external ID was sent", "sts:ExternalId"],
        ),
        (2, "role_or_trust", ["trust policy trusts", &caller]),
        (
            3,
            "service_control_policy",
            ["service control policy denies", "account of the caller"],
        ),
        (4, "role_or_trust", ["the role exists", &role_arn(&id(4))]),
    ] {
        let connection = &connections[&format!("account_{number}")];
        assert_eq!(connection["account_id"], id(number));
        assert_eq!(connection["ok"], false);
        assert_eq!(connection["caller_arn"], Value::Null);
        assert_eq!(text(connection, "cause"), cause);
        for part in parts {
            assert!(
                text(connection, "error").contains(part),
                "{part}: {connection}"
            );
        }
        assert!(!text(connection, "error").contains("acme:"), "{connection}");
    }
    let calls = double.calls();
    let throttled = calls
        .of("AssumeRole")
        .filter(|call| call.error.as_deref() == Some("Throttling"))
        .count();
    assert_eq!(throttled, calls.count("AssumeRole") / 400);
    assert!(throttled > 0, "nothing was throttled");
}

/// The longer they may take, the slower the machine may be.
#[test]
fn a_dead_connection_is_a_verdict_beside_the_others() {
    let accounts = many_accounts(3);
    let double = double(&accounts);
    let dead = &accounts[0].0;
    let role = role_arn(dead);
    let change = |role: &mut Role| role.never_answers = true;
    change(double.organization().roles.get_mut(&role).expect("a role"));
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    // A call that is not answered ends by itself after 30 seconds.
    for seconds in [2, 4, 8, 16] {
        let arguments = format!(r#"connection_timeout = "{seconds}s""#);
        workspace
            .configure(&format!("{}{}", integration.hcl(), test(&arguments)))
            .apply();
        let result = workspace.attributes(TEST);
        let connection = &result["connections"]["account_1"];
        assert_eq!(connection["ok"], false);
        assert_eq!(connection["caller_arn"], Value::Null);
        assert_eq!(text(connection, "cause"), "timeout");
        for part in [&format!("{seconds} seconds"), "connection_timeout"] {
            assert!(
                text(connection, "error").contains(part),
                "{part}: {connection}"
            );
        }
        if result["failed"] == json!([dead]) {
            return;
        }
    }
    panic!("the other connections were not tested in time");
}

/// The example of the data source: read where it is asked for, checked where it is read.
#[test]
fn a_check_tells_what_failed_and_the_plan_goes_on() {
    let accounts = many_accounts(3);
    let double = double(&accounts);
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    double
        .organization()
        .roles
        .remove(&role_arn(&accounts[1].0));
    let example = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/data-sources/orgmirror_connection_test/data-source.tf");
    let example = fs::read_to_string(example).expect("the example");
    workspace
        .configure(&format!("{}{example}", integration.hcl()))
        .plan_with(&["-var=test_connections=true"])
        .assert_warning(&["Check block assertion failed", "- account_2: STS refuses"]);
    // Where nobody asks for it, nothing is called.
    double.forget_calls();
    workspace.apply().assert_none();
    assert_eq!(assumed(&double).len(), 0);

    double
        .organization()
        .add_role(&role_arn(&accounts[1].0), Some(EXTERNAL_ID));
    workspace
        .plan_with(&["-var=test_connections=true"])
        .assert_no_warnings();
    assert_eq!(assumed(&double).len(), 3);
}

/// Terraform reads it anew in the apply, so that its plans are never empty; errors are warnings there.
#[test]
fn a_data_source_inside_of_a_check_tells_it_too() {
    let accounts = many_accounts(2);
    let double = double(&accounts);
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    double
        .organization()
        .roles
        .remove(&role_arn(&accounts[1].0));
    let switch = "account_ids = var.test_connections ? null : []";
    let check = format!(
        r#"
        variable "test_connections" {{
          type    = bool
          default = true
        }}
        check "connections" {{
          {}
          assert {{
            condition     = length({TEST}.failed) == 0
            error_message = join(", ", {TEST}.failed)
          }}
        }}
        "#,
        test(switch)
    );
    workspace
        .configure(&format!("{}{check}", integration.hcl()))
        .plan()
        .assert_warning(&["Check block assertion failed", &accounts[1].0]);
    double.forget_calls();
    workspace
        .plan_with(&["-var=test_connections=false"])
        .assert_no_warnings();
    assert_eq!(assumed(&double).len(), 0);

    let key = "AKIAORGMIRRORTESTKEY".to_owned();
    double
        .organization()
        .key_faults
        .insert(key, KeyFault::Expired);
    workspace
        .plan()
        .assert_warning(&["AWS does not accept the credentials"]);
}

/// The example for a pipeline: it fails when a connection does, and says which.
#[test]
fn a_configuration_of_its_own_fails_when_a_connection_does() {
    let accounts = many_accounts(3);
    let double = double(&accounts);
    let platform = mirrored(&double, &mirror(&accounts));
    let mut scheduled = PROVIDER.workspace();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/connection-tests/main.tf");
    let example = fs::read_to_string(example).expect("the example");
    let aws = format!(
        r#"
        provider "orgmirror" {{
          {}"#,
        arguments_for(&double)
    );
    scheduled.write(
        "terraform.tf",
        &example
            .replace(r#"provider "orgmirror" {"#, &aws)
            .replace(r#"tenant  = "acme""#, ""),
    );
    let catalog = platform.path().join(".orgmirror");
    scheduled.set_env("TF_VAR_catalog", &catalog.to_string_lossy());
    scheduled.plan().assert_no_changes().assert_no_warnings();
    double
        .organization()
        .roles
        .remove(&role_arn(&accounts[2].0));
    scheduled.plan_fails().assert_only_error(&[
        "1 of 3 connections cannot be used:",
        "- account_3: STS refuses",
    ]);
}

#[test]
fn what_is_not_published_is_not_tested() {
    let accounts = |state: &str| {
        format!(
            r#"{{ accounts = {{ "111111111111" = {{ name = "shop" }}, "222222222222" = {{ name = "lab" }}, "333333333333" = {{ name = "old", state = "{state}" }} }} }}"#
        )
    };
    let double = Double::start(Organization::new(91));
    for id in ["111111111111", "222222222222", "333333333333"] {
        double.organization().add_role(&role_arn(id), None);
    }
    let integration = |state| {
        Integration::of(&accounts(state)).set("connection_settings", r#"{ role_name = "reader" }"#)
    };
    let workspace = mirrored(&double, &integration("ACTIVE"));
    let disabled = r#"
        resource "orgmirror_connection_override" "lab" {
          integration_id = orgmirror_integration.aws.id
          account_id     = "222222222222"
          enabled        = false
        }
        "#;
    let suspended = integration("SUSPENDED").hcl();
    workspace
        .configure(&format!("{suspended}{disabled}"))
        .apply();
    workspace
        .configure(&format!("{suspended}{disabled}{}", test("")))
        .apply();
    let result = workspace.attributes(TEST);
    let connections = result["connections"].as_object().expect("a map");
    assert_eq!(connections.keys().collect::<Vec<_>>(), ["shop"]);
    assert_eq!(
        result["skipped"],
        json!({
            "lab": "An override disables it (enabled = false).",
            "old": "The account is SUSPENDED.",
        })
    );
    assert!(
        assumed(&double)
            .iter()
            .all(|call| call.input["RoleArn"] == role_arn("111111111111"))
    );
}

#[test]
fn accounts_are_selected_and_one_that_is_no_connection_is_warned_of() {
    let accounts = many_accounts(4);
    let double = double(&accounts);
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    let (first, third) = (&accounts[0].0, &accounts[2].0);
    let arguments = format!(r#"account_ids = ["{first}", "{third}", "999999999999"]"#);
    workspace
        .configure(&format!("{}{}", integration.hcl(), test(&arguments)))
        .plan()
        .assert_warning(&[
            "No connection to test for some accounts",
            "account_ids holds 999999999999, and",
        ]);
    let calls = assumed(&double);
    let mut asked: Vec<&str> = calls
        .iter()
        .map(|call| text(&call.input, "RoleArn"))
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, [role_arn(first), role_arn(third)]);
}

#[test]
fn the_shortest_session_that_sts_gives_is_asked_for() {
    let accounts = many_accounts(2);
    let double = double(&accounts);
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    workspace
        .configure(&format!("{}{}", integration.hcl(), test("")))
        .apply()
        .assert_none();
    let calls = assumed(&double);
    assert!(!calls.is_empty());
    for call in calls {
        assert_eq!(text(&call.input, "DurationSeconds"), "900");
    }
    workspace.plan().assert_no_changes();
}

#[test]
fn arguments_that_select_no_connection_are_warned_of() {
    let accounts = many_accounts(1);
    let double = double(&accounts);
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    let with = |arguments: &str| {
        let content = format!("{}{}", integration.hcl(), test(arguments));
        workspace.configure(&content).plan()
    };
    with(r#"workspace = "acme/nobody""#)
        .assert_warning(&["No connection to test", "permissions of the workspace"]);
    with("account_ids = []").assert_no_warnings();
    assert_eq!(assumed(&double).len(), 0);
}

#[test]
fn the_test_may_use_another_profile_or_role_than_the_provider() {
    let accounts = many_accounts(2);
    let double = double(&accounts);
    let hub = {
        let mut organization = double.organization();
        let hub = format!(
            "arn:aws:iam::{}:role/hub",
            organization.management_account_id
        );
        organization.add_role(&hub, Some("acme:of_the_hub"));
        hub
    };
    let integration = mirror(&accounts);
    let mut workspace = mirrored(&double, &integration);
    workspace.write(
        "credentials",
        "[tools]\naws_access_key_id = AKIAOFTHETOOLS000001\naws_secret_access_key = tools\n",
    );
    let credentials = workspace.path().join("credentials");
    workspace.set_env(
        "AWS_SHARED_CREDENTIALS_FILE",
        &credentials.to_string_lossy(),
    );
    for (arguments, key) in [
        (
            r#"
            profile = "tools"
            region  = "eu-west-1"
            "#
            .to_owned(),
            "AKIAOFTHETOOLS000001",
        ),
        (
            format!(r#"assume_role = {{ role_arn = "{hub}", external_id = "acme:of_the_hub" }}"#),
            "ASIADOUBLE",
        ),
    ] {
        double.forget_calls();
        workspace
            .configure(&format!("{}{}", integration.hcl(), test(&arguments)))
            .apply();
        let calls = assumed(&double);
        let of_accounts = calls.iter().filter(|call| call.input["RoleArn"] != hub);
        let keys: Vec<&str> = of_accounts.map(|call| call.access_key.as_str()).collect();
        assert!(!keys.is_empty());
        assert!(keys.iter().all(|found| found.starts_with(key)), "{keys:?}");
    }
}

#[test]
fn credentials_that_are_of_no_use_are_errors() {
    let accounts = many_accounts(2);
    let double = double(&accounts);
    let integration = mirror(&accounts);
    let workspace = mirrored(&double, &integration);
    workspace.configure(&format!("{}{}", integration.hcl(), test("")));
    let key = || "AKIAORGMIRRORTESTKEY".to_owned();
    double
        .organization()
        .key_faults
        .insert(key(), KeyFault::Expired);
    workspace
        .plan_fails()
        .assert_only_error(&["AWS does not accept the credentials", "expired"]);
    double.organization().key_faults.clear();

    workspace.configure_provider(&format!(
        r#"
            region = "us-east-1"
            {}
            "#,
        endpoints(&double.url())
    ));
    workspace
        .plan_fails()
        .assert_only_error(&["No AWS credentials"]);
    // Nothing to test needs none.
    workspace
        .configure(&format!(
            "{}{}",
            integration.hcl(),
            test("account_ids = []")
        ))
        .plan();
}

#[test]
fn a_test_that_is_switched_off_needs_no_catalog() {
    let double = double(&[]);
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(&double));
    let with = |account_ids: &str| {
        let content = format!(
            r#"
            data "orgmirror_connection_test" "these" {{
              account_ids = {account_ids}
            }}
            "#
        );
        workspace.configure(&content);
    };
    with("null");
    workspace
        .plan_fails()
        .assert_only_error(&["There is no catalog to read"]);
    with("[]");
    workspace.plan().assert_no_warnings();
}

#[test]
fn arguments_out_of_bounds_are_refused() {
    for (arguments, fragments) in [
        ("concurrency = 0", &["concurrency", "at least 1"][..]),
        ("concurrency = 257", &["concurrency", "at most 256"]),
        (
            r#"connection_timeout = "500ms""#,
            &["connection_timeout", "between 1s and 5m"],
        ),
        (
            r#"timeouts = { read = "0s" }"#,
            &["timeouts", "between 1s and 24h"],
        ),
        (r#"account_ids = ["12"]"#, &["account_ids", "12 digits"]),
        (
            r#"workspace = "acme""#,
            &["workspace", "organization/workspace"],
        ),
    ] {
        let workspace = PROVIDER.workspace();
        workspace
            .configure(&format!(
                r#"
                data "orgmirror_connection_test" "these" {{
                  {arguments}
                }}
                "#
            ))
            .plan_fails()
            .assert_error(fragments);
    }
}

#[test]
fn credentials_of_the_tested_roles_are_in_no_state_plan_or_log() {
    let accounts = many_accounts(3);
    let double = double(&accounts);
    let integration = mirror(&accounts);
    let mut workspace = mirrored(&double, &integration);
    let log = workspace.path().join("terraform.log");
    workspace.set_env("TF_LOG", "trace");
    workspace.set_env("TF_LOG_PATH", &log.to_string_lossy());
    double
        .organization()
        .roles
        .remove(&role_arn(&accounts[0].0));
    workspace
        .configure(&format!("{}{}", integration.hcl(), test("")))
        .apply();
    let log = fs::read_to_string(&log).expect("a log");
    assert!(
        log.contains("provider.terraform-provider-orgmirror"),
        "the log holds nothing of the provider"
    );
    for path in files_below(workspace.path()) {
        let content = fs::read(&path).expect("a file");
        let content = String::from_utf8_lossy(&content);
        for secret in ["double-secret", "double-token"] {
            assert!(
                !content.contains(secret),
                "{secret} is in {}",
                path.display()
            );
        }
    }
}
