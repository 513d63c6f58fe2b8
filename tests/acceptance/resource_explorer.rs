//! Readiness for searching resources in many Regions, on our double: moto has neither Resource Explorer nor the policies
//! that stand in its way.

use std::collections::BTreeMap;

use orgmirror_testing::double::{Double, Explorer, FULL_ACCESS, Failure as Answer, Organization};
use orgmirror_testing::terraform::{Failure, Workspace, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{DATA, INTEGRATION, Integration, SNAPSHOT, arguments_for};

const READINESS: &str = "data.orgmirror_resource_explorer.these";
const EXTERNAL_ID: &str = "acme:0123456789abcdef";
/// Home of the aggregator, and another Region that is wanted.
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// An account of [`tree`].
const SHOP: &str = "111111111111";
/// Another one beside it.
const DEPOT: &str = "222222222222";
/// One in another OU.
const LAB: &str = "333333333333";

/// Three accounts in two OUs and the management account, all of them ready.
fn tree() -> Organization {
    let mut organization = Organization::new(95);
    let root = organization.root_id.clone();
    let workloads = organization.add_unit(&root, "Workloads");
    let sandbox = organization.add_unit(&root, "Sandbox");
    organization.add_account_with_id(&workloads, "shop", SHOP);
    organization.add_account_with_id(&workloads, "depot", DEPOT);
    organization.add_account_with_id(&sandbox, "lab", LAB);
    organization.switch_policies_on();
    let service = "resource-explorer-2.amazonaws.com".to_owned();
    organization.controls.trusted_services.insert(service);
    let ids: Vec<String> = organization.accounts().keys().cloned().collect();
    for id in ids {
        organization.add_role(&role_arn(&id), Some(EXTERNAL_ID));
        organization.explorers.insert(id, Explorer::ready(&REGIONS));
    }
    organization
}

fn role_arn(account_id: &str) -> String {
    format!("arn:aws:iam::{account_id}:role/reader")
}

/// The integration of an organization; its roles ask for the external ID.
fn mirror(aws_organization: &str) -> Integration {
    let settings = format!(
        r#"{{ role_name = "reader", external_id = {} }}"#,
        quoted(EXTERNAL_ID)
    );
    Integration::of(aws_organization).set("connection_settings", &settings)
}

/// HCL of the data source, which waits for the integration.
fn readiness(arguments: &str) -> String {
    format!(
        r#"
        data "orgmirror_resource_explorer" "these" {{
          integration_id    = orgmirror_integration.aws.id
          aggregator_region = "eu-west-1"
          regions           = ["us-east-1"]
          {arguments}
        }}
        "#
    )
}

/// A workspace that mirrors the double's organization and asks for its readiness.
fn asking(double: &Double, arguments: &str) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(double));
    let parts = [
        SNAPSHOT.to_owned(),
        mirror(DATA).hcl(),
        readiness(arguments),
    ];
    workspace.configure(&parts.concat());
    workspace
}

/// What it says after an apply that leaves nothing to do.
fn asked(double: &Double, arguments: &str) -> Value {
    let workspace = asking(double, arguments);
    workspace.apply();
    workspace.attributes(READINESS)
}

/// A workspace that mirrors an AWS organization and has been applied.
fn mirroring(double: &Double, aws_organization: &str) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(double));
    let parts = [SNAPSHOT.to_owned(), mirror(aws_organization).hcl()];
    workspace.configure(&parts.concat()).apply();
    workspace
}

/// What becomes of the question once everything is mirrored.
fn refused(double: &Double, question: &str) -> Failure {
    let workspace = mirroring(double, DATA);
    let parts = [SNAPSHOT.to_owned(), mirror(DATA).hcl(), question.to_owned()];
    workspace.configure(&parts.concat()).plan_fails()
}

fn keys(map: &Value) -> Vec<&str> {
    let map = map.as_object().expect("a map");
    map.keys().map(String::as_str).collect()
}

#[test]
fn accounts_with_all_indexes_are_ready() {
    let double = Double::start(tree());
    let management = double.organization().management_account_id.clone();
    let found = asked(&double, "");
    assert_eq!(found["ready"], true);
    assert_eq!(found["problems"], json!([]));
    assert_eq!(found["trusted_access"], true);
    assert_eq!(found["service_control_policies"], json!([]));
    assert_eq!(found["skipped_account_ids"], json!([]));
    let mut ids = vec![SHOP, DEPOT, LAB, &management];
    ids.sort_unstable();
    assert_eq!(keys(&found["accounts"]), ids);
    let view = |region: &str| {
        format!(
            "arn:aws:resource-explorer-2:{region}:{SHOP}:view/all-resources/00000000-0000-4000-8000-000000000002"
        )
    };
    assert_eq!(
        found["accounts"][SHOP],
        json!({
            "handle": "shop",
            "ready": true,
            "problems": [],
            "aggregator_region": "eu-west-1",
            "indexes": {
                "eu-west-1": {
                    "type": "AGGREGATOR",
                    "state": "ACTIVE",
                    "default_view_arn": view("eu-west-1"),
                    "error": null,
                },
                "us-east-1": {
                    "type": "LOCAL",
                    "state": "ACTIVE",
                    "default_view_arn": view("us-east-1"),
                    "error": null,
                },
            },
            "error": null,
        })
    );
}

#[test]
fn few_calls_are_made_and_each_account_is_asked_by_its_own_role() {
    let double = Double::start(tree());
    let workspace = asking(&double, "");
    workspace.apply();
    double.forget_calls();
    workspace.plan();
    let calls = double.calls();
    let counts: BTreeMap<String, usize> = calls
        .by_action()
        .into_iter()
        .filter(|(action, _)| {
            action.starts_with("resource-explorer-2:")
                || ["Polic", "ServiceAccess", "AssumeRole", "ListAccounts"]
                    .iter()
                    .any(|part| action.contains(part))
        })
        .collect();
    let expected = [
        // One reading of the tree serves the snapshot, too.
        ("organizations:ListAccounts", 1),
        ("organizations:ListAWSServiceAccessForOrganization", 1),
        ("organizations:ListPolicies", 1),
        ("organizations:ListTargetsForPolicy", 1),
        ("organizations:DescribePolicy", 1),
        ("sts:AssumeRole", 4),
        ("resource-explorer-2:ListIndexes", 4),
        ("resource-explorer-2:GetIndex", 4 * REGIONS.len()),
        ("resource-explorer-2:GetDefaultView", 4 * REGIONS.len()),
    ];
    assert_eq!(
        counts,
        expected
            .map(|(action, count)| (action.to_owned(), count))
            .into()
    );
    let explorer = calls
        .all()
        .iter()
        .filter(|call| call.service == "resource-explorer-2");
    assert!(
        explorer
            .clone()
            .all(|call| call.access_key.starts_with("ASIADOUBLE"))
    );
    let regions = explorer
        .filter(|call| call.action == "GetIndex")
        .map(|call| call.region.as_str());
    assert_eq!(
        regions
            .clone()
            .filter(|region| *region == "us-east-1")
            .count(),
        4
    );
    assert_eq!(regions.filter(|region| *region == "eu-west-1").count(), 4);
}

#[test]
fn whatever_is_wrong_with_an_account_is_said_of_it_and_does_not_hide_the_others() {
    let mut organization = tree();
    let management = organization.management_account_id.clone();
    organization.roles.remove(&role_arn(LAB));
    let mut moved = Explorer::ready(&["ap-south-1", "eu-west-1"]);
    moved.set("us-east-1", "LOCAL", "CREATING");
    organization.explorers.insert(DEPOT.to_owned(), moved);
    let mut without_view = Explorer::ready(&["eu-west-1"]);
    without_view
        .indexes
        .get_mut("eu-west-1")
        .unwrap()
        .default_view = false;
    organization.explorers.insert(SHOP.to_owned(), without_view);
    let mut switched_off = Explorer::ready(&["eu-west-1"]);
    switched_off.disabled_regions.insert("us-east-1".to_owned());
    organization
        .explorers
        .insert(management.clone(), switched_off);
    organization.controls.trusted_services.clear();
    let double = Double::start(organization);

    let found = asked(&double, "");
    assert_eq!(found["ready"], false);
    assert_eq!(found["trusted_access"], false);
    let accounts = &found["accounts"];
    assert_eq!(
        accounts[SHOP]["problems"],
        json!([
            "us-east-1 has no index",
            "the aggregator index in eu-west-1 has no default view",
        ])
    );
    assert_eq!(
        accounts[DEPOT]["problems"],
        json!([
            "the index in us-east-1 is CREATING, not ACTIVE",
            "ap-south-1 has an index and is not among the regions",
            "the aggregator index is in ap-south-1, not in eu-west-1",
        ])
    );
    assert_eq!(accounts[DEPOT]["aggregator_region"], "ap-south-1");
    assert_eq!(accounts[DEPOT]["indexes"]["us-east-1"]["state"], "CREATING");

    let error = accounts[LAB]["error"].as_str().unwrap();
    for part in [&role_arn(LAB), "exists", "external ID"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains(EXTERNAL_ID), "{error}");
    assert_eq!(
        accounts[LAB]["problems"],
        json!([format!("the account could not be read: {error}")])
    );
    assert_eq!(accounts[LAB]["indexes"], Value::Null);

    let region = &accounts[&management]["indexes"]["us-east-1"];
    let error = region["error"].as_str().unwrap();
    assert!(error.contains("switched off"), "{error}");
    assert_eq!(region["state"], Value::Null);
    assert_eq!(
        accounts[&management]["indexes"]["eu-west-1"]["state"],
        "ACTIVE"
    );

    let problems: Vec<&str> = found["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(problems[0].contains("no trusted access"), "{problems:?}");
    assert!(
        problems.contains(&&*format!("us-east-1 has no index: account {SHOP}.")),
        "{problems:?}"
    );
    assert_eq!(problems.len(), 8, "{problems:?}");
}

#[test]
fn a_policy_in_the_way_is_named_with_its_statement_and_the_accounts_below() {
    let mut organization = tree();
    let workloads = organization.unit_at("/Workloads");
    let fence = json!([
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        {
            "Sid": "Europe",
            "Effect": "Deny",
            "NotAction": ["iam:*", "organizations:*", "sts:*"],
            "Resource": "*",
            "Condition": { "StringNotEquals": { "aws:RequestedRegion": ["eu-west-1", "eu-central-1"] } },
        },
    ]);
    organization.attach_policy("p-europe0001", "europe", &workloads, &fence);
    let root = organization.root_id.clone();
    let stacks = json!({
        "Effect": "Deny",
        "Action": "cloudformation:*",
        "Resource": "*",
        "Condition": { "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/platform" } },
    });
    organization.attach_policy("p-stacks0001", "stacks", &root, &stacks);
    let full_access = organization.policies_mut().get_mut(FULL_ACCESS).unwrap();
    full_access.targets.remove(LAB);
    let double = Double::start(organization);

    let found = asked(&double, "");
    let message = |index: usize| found["service_control_policies"][index]["message"].clone();
    assert_eq!(
        found["service_control_policies"],
        json!([
            {
                "policy_id": "p-europe0001",
                "policy_name": "europe",
                "statement": "Europe",
                "target_id": workloads,
                "verdict": "denies",
                "actions": ["cloudformation:CreateStack", "resource-explorer-2:CreateIndex"],
                "regions": ["us-east-1"],
                "account_ids": [SHOP, DEPOT],
                "message": format!(
                    "the service control policy \"europe\" (p-europe0001), statement Europe, at {workloads} denies \
                     cloudformation:CreateStack and resource-explorer-2:CreateIndex in us-east-1"
                ),
            },
            {
                "policy_id": null,
                "policy_name": null,
                "statement": null,
                "target_id": LAB,
                "verdict": "does_not_allow",
                "actions": ["cloudformation:CreateStack", "resource-explorer-2:CreateIndex"],
                "regions": ["eu-west-1", "us-east-1"],
                "account_ids": [LAB],
                "message": message(1),
            },
            {
                "policy_id": "p-stacks0001",
                "policy_name": "stacks",
                "statement": "1",
                "target_id": root,
                "verdict": "may_deny",
                "actions": ["cloudformation:CreateStack"],
                "regions": ["eu-west-1", "us-east-1"],
                // The management account is not subject to them.
                "account_ids": [SHOP, DEPOT, LAB],
                "message": message(2),
            },
        ])
    );
    assert_eq!(found["ready"], false);
    assert_eq!(found["problems"].as_array().unwrap().len(), 3);
    assert_eq!(
        found["accounts"][SHOP]["problems"],
        json!([message(0), message(2)])
    );
}

#[test]
fn policies_that_are_switched_off_or_concern_other_actions_do_not_count() {
    let mut organization = tree();
    let root = organization.root_id.clone();
    let elsewhere = json!({
        "Effect": "Deny", "Action": "ec2:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:RequestedRegion": "eu-west-1" } },
    });
    organization.attach_policy("p-compute001", "compute", &root, &elsewhere);
    let double = Double::start(organization);
    let found = asked(&double, "");
    assert_eq!(found["ready"], true);
    assert_eq!(
        found["service_control_policies"][0]["verdict"],
        "restricts_region"
    );
    assert_eq!(
        found["service_control_policies"][0]["regions"],
        json!(["us-east-1"])
    );

    double.organization().controls.policies = None;
    double.forget_calls();
    let found = asked(&double, "");
    assert_eq!(found["service_control_policies"], json!([]));
    assert_eq!(double.calls().count("ListPolicies"), 0);
}

#[test]
fn only_the_wanted_units_are_asked_and_what_cannot_be_asked_is_listed() {
    let mut organization = tree();
    let workloads = organization.unit_at("/Workloads");
    let within = organization.add_unit(&workloads, "Prod");
    organization.move_account(DEPOT, &within);
    let double = Double::start(organization);
    let workspace = asking(
        &double,
        &format!(r#"organizational_unit_ids = ["{workloads}"]"#),
    );
    workspace.apply();
    let found = workspace.attributes(READINESS);
    assert_eq!(keys(&found["accounts"]), [SHOP, DEPOT]);
    assert_eq!(found["skipped_account_ids"], json!([]));

    let joined = "444444444444";
    {
        let mut organization = double.organization();
        organization.add_account_with_id(&within, "joined", joined);
        // Nobody asks for one that is closed and never had a connection.
        let closed = "555555555555";
        organization.add_account_with_id(&within, "closed", closed);
        organization.set_state(closed, "SUSPENDED");
        organization.set_state(SHOP, "SUSPENDED");
    }
    let parts = [
        r#"
        data "orgmirror_aws_organization" "aws" {
          exclude_account_ids = ["444444444444"]
        }
        "#
        .to_owned(),
        mirror(DATA).hcl(),
        readiness(&format!(r#"organizational_unit_ids = ["{workloads}"]"#)),
    ];
    workspace.configure(&parts.concat()).apply();
    let found = workspace.attributes(READINESS);
    assert_eq!(keys(&found["accounts"]), [DEPOT]);
    assert_eq!(found["skipped_account_ids"], json!([SHOP, joined]));
}

#[test]
fn accounts_written_by_hand_are_asked_without_an_organization() {
    let double = Double::start(tree());
    let by_hand = format!(r#"{{ accounts = {{ "{SHOP}" = {{ name = "shop" }} }} }}"#);
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(&double));
    let main = |arguments: &str| [mirror(&by_hand).hcl(), readiness(arguments)].concat();
    workspace.configure(&main("")).apply();
    let found = workspace.attributes(READINESS);
    assert_eq!(found["ready"], true);
    assert_eq!(found["trusted_access"], Value::Null);
    assert_eq!(keys(&found["accounts"]), [SHOP]);
    let calls = double.calls();
    assert!(
        calls
            .all()
            .iter()
            .all(|call| call.service != "organizations")
    );

    workspace
        .configure(&main(r#"organizational_unit_ids = ["ou-ab12-34cd56ef"]"#))
        .plan_fails()
        .assert_only_error(&["no AWS organization", "organizational_unit_ids"]);
}

#[test]
fn a_missing_permission_to_read_policies_is_an_error_that_names_it() {
    let double = Double::start(tree());
    for action in [
        "ListAWSServiceAccessForOrganization",
        "ListPolicies",
        "ListTargetsForPolicy",
        "DescribePolicy",
    ] {
        double.faults().deny(action);
        refused(&double, &readiness(""))
            .assert_only_error(&["Missing permission", &format!("organizations:{action}")]);
        double.faults().allow(action);
    }
}

#[test]
fn a_role_without_the_permissions_is_told_which() {
    let double = Double::start(tree());
    double.faults().deny("ListIndexes");
    let found = asked(&double, "");
    let error = found["accounts"][SHOP]["error"].as_str().unwrap();
    for part in [
        &format!("arn:aws:sts::{SHOP}:assumed-role/reader/orgmirror"),
        "Allow resource-explorer-2:GetDefaultView, resource-explorer-2:GetIndex, resource-explorer-2:ListIndexes",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn questions_that_cannot_be_answered_are_errors() {
    let double = Double::start(tree());
    let regions = |aggregator: &str, regions: &str, more: &str| {
        format!(
            r#"
            data "orgmirror_resource_explorer" "these" {{
              integration_id    = orgmirror_integration.aws.id
              aggregator_region = "{aggregator}"
              regions           = {regions}
              {more}
            }}
            "#
        )
    };
    let refused = |question: &str| refused(&double, question);
    refused(&regions("eu-west-1", r#"["us-gov-west-1"]"#, "")).assert_only_error(&[
        "several partitions",
        "us-gov-west-1",
        "aws-us-gov",
    ]);
    refused(&regions("us-gov-west-1", r#"["us-gov-west-1"]"#, "")).assert_only_error(&[
        "another partition",
        "us-gov-west-1",
        "aggregator_region",
    ]);
    refused(&regions("eu-west-1", r#"["eu-*"]"#, "")).assert_only_error(&["eu-*", "region"]);
    refused(&regions("eu-west-1", "[]", "")).assert_only_error(&["regions"]);
    refused(&readiness(
        r#"organizational_unit_ids = ["ou-none-00000000"]"#,
    ))
    .assert_only_error(&["ou-none-00000000", "organizational_unit_ids"]);
    refused(&readiness("concurrency = 257")).assert_only_error(&["257", "256"]);
}

#[test]
fn credentials_of_another_organization_are_an_error() {
    let double = Double::start(tree());
    let platform = asking(&double, "");
    platform.apply();
    let id = platform.attributes(INTEGRATION)["id"].clone();
    let (before, after) = {
        let mut organization = double.organization();
        let before = std::mem::replace(&mut organization.id, "o-another000".to_owned());
        (before, organization.id.clone())
    };
    let catalog = platform.path().join(".orgmirror");
    let catalog = quoted(&catalog.to_string_lossy());
    let arguments = format!(
        "
        catalog = {{ path = {catalog} }}
        {}
        ",
        arguments_for(&double)
    );
    let beside = PROVIDER.workspace();
    beside.configure_provider(&arguments);
    let question = readiness("").replace("orgmirror_integration.aws.id", &id.to_string());
    beside
        .configure(&question)
        .plan_fails()
        .assert_only_error(&["Credentials of another AWS organization", &before, &after]);
}

#[test]
fn the_organization_may_be_read_with_other_credentials_than_the_roles() {
    let mut organization = tree();
    let discovery = format!(
        "arn:aws:iam::{}:role/discovery",
        organization.management_account_id
    );
    organization.add_role(&discovery, None);
    let pipeline = "555555555555";
    let root = organization.root_id.clone();
    organization.add_account_with_id(&root, "pipeline", pipeline);
    organization.set_state(pipeline, "SUSPENDED");
    organization
        .key_accounts
        .insert("AKIAORGMIRRORTESTKEY".to_owned(), pipeline.to_owned());
    let double = Double::start(organization);
    let role = format!(r#"assume_role = {{ role_arn = "{discovery}" }}"#);
    let workspace = asking(&double, "");
    let snapshot = format!(
        r#"
        data "orgmirror_aws_organization" "aws" {{
          {role}
        }}
        "#
    );
    workspace
        .configure(&[snapshot, mirror(DATA).hcl(), readiness(&role)].concat())
        .apply();
    assert_eq!(workspace.attributes(READINESS)["ready"], true);
    let calls = double.calls();
    let assumed = calls
        .all()
        .iter()
        .filter(|call| call.action == "AssumeRole");
    let (by_pipeline, others): (Vec<_>, Vec<_>) =
        assumed.partition(|call| call.access_key == "AKIAORGMIRRORTESTKEY");
    assert!(others.is_empty(), "{others:?}");
    assert!(
        by_pipeline
            .iter()
            .any(|call| call.input["RoleArn"] == role_arn(SHOP))
    );
}

/// More than without the argument.
const AT_ONCE: usize = 20;

#[test]
fn many_accounts_are_asked_at_once_and_throttling_only_slows() {
    let mut organization = tree();
    let sandbox = organization.unit_at("/Sandbox");
    for number in 1..=300 {
        let id = organization.add_account(&sandbox, &format!("Account {number}"));
        organization.add_role(&role_arn(&id), Some(EXTERNAL_ID));
        organization.explorers.insert(id, Explorer::ready(&REGIONS));
    }
    let targets: Vec<String> = organization.accounts().keys().cloned().collect();
    let full_access = organization.policies_mut().get_mut(FULL_ACCESS).unwrap();
    full_access.targets.extend(targets);
    let double = Double::start(organization);
    {
        let mut faults = double.faults();
        let throttled = Answer::throttled_429;
        faults.fail_first("ListIndexes", 20, throttled());
        faults.throttle(Some("AssumeRole"), 100, throttled());
        faults.fail_until_different("AssumeRole", "RoleArn", AT_ONCE, throttled());
    }
    let workspace = mirroring(&double, DATA);
    let parts = [
        SNAPSHOT.to_owned(),
        mirror(DATA).hcl(),
        readiness(&format!("concurrency = {AT_ONCE}")),
    ];
    workspace.configure(&parts.concat());
    // With fewer at once, those would be throttled for ever.
    workspace.apply();
    let found = workspace.attributes(READINESS);
    assert_eq!(found["problems"], json!([]));
    assert_eq!(keys(&found["accounts"]).len(), 304);
    assert!(double.calls().failed("AssumeRole") >= AT_ONCE);
}

#[test]
fn an_account_that_does_not_answer_in_time_does_not_hold_up_the_plan() {
    let double = Double::start(tree());
    double.faults().never_answer("ListIndexes");
    let by_hand = format!(r#"{{ accounts = {{ "{SHOP}" = {{ name = "shop" }} }} }}"#);
    let workspace = mirroring(&double, &by_hand);
    let question = readiness(r#"timeouts = { read = "5s" }"#);
    workspace
        .configure(&[mirror(&by_hand).hcl(), question].concat())
        .plan_fails()
        .assert_only_error(&["Resource Explorer check timed out", "5 seconds", "timeouts"]);
}

#[test]
fn a_check_warns_of_what_is_not_ready() {
    let mut organization = tree();
    organization.explorers.remove(LAB);
    let double = Double::start(organization);
    let workspace = asking(&double, "");
    let check = r#"
        check "resource_explorer" {
          assert {
            condition     = data.orgmirror_resource_explorer.these.ready
            error_message = join("\n", data.orgmirror_resource_explorer.these.problems)
          }
        }
        "#;
    workspace.write("check.tf", check);
    workspace.apply();
    workspace.plan().assert_warning(&[
        "Check block assertion failed",
        &format!("us-east-1 has no index: account {LAB}."),
    ]);
}
