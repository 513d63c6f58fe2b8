//! The story that the README tells, with the example that it shows.

use std::collections::BTreeSet;
use std::fs;

use orgmirror_testing::moto::Moto;
use orgmirror_testing::terraform::Workspace;
use serde_json::{Value, json};

use crate::PROVIDER;

const EXAMPLE: &str = include_str!("../../examples/workspaces/main.tf");

/// The account that the example calls the sandbox.
const SANDBOX: &str = "111122223333";

fn company() -> Moto {
    Moto::seed(json!({
        "accounts": [{ "name": "Hub" }],
        "organizational_units": [
            {
                "name": "Workloads",
                "accounts": [{ "name": "Payments API" }],
                "organizational_units": [{ "name": "Prod", "accounts": [{ "name": "Shop" }] }],
            },
            { "name": "Sandbox", "accounts": [{ "name": "Sandbox" }, { "name": "Lab" }] },
        ],
    }))
}

fn configured(moto: &Moto) -> Workspace {
    assert!(EXAMPLE.contains(SANDBOX), "the example names the sandbox");
    let example = EXAMPLE.replace(SANDBOX, &moto.account("Sandbox"));
    let mut workspace = PROVIDER.workspace_of_example(&example);
    for (name, value) in moto.environment() {
        workspace.set_env(name, &value);
    }
    workspace
}

fn published(workspace: &Workspace, file: &str) -> String {
    let path = workspace
        .path()
        .join(".orgmirror/tenants/acme/workspaces/acme")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of the connections that Steampipe reads, without the aggregators.
fn steampipe(workspace: &Workspace) -> BTreeSet<String> {
    let text = published(workspace, "security/aws.spc");
    let profiles = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("profile"));
    profiles
        .map(|rest| {
            rest.trim_matches(|c: char| c == '=' || c == '"' || c.is_whitespace())
                .to_owned()
        })
        .collect()
}

fn finops(workspace: &Workspace) -> Vec<Value> {
    let json: Value =
        serde_json::from_str(&published(workspace, "finops/connections.json")).unwrap();
    json["connections"].as_array().unwrap().clone()
}

fn handles(connections: &[Value]) -> BTreeSet<&str> {
    let handles = connections.iter().map(|connection| &connection["handle"]);
    handles.map(|handle| handle.as_str().unwrap()).collect()
}

#[test]
fn security_sees_everything_finops_sees_workloads_and_the_sandbox_is_its_own() {
    let moto = company();
    let workspace = configured(&moto);
    workspace.apply();

    let all = [
        "aws_hub",
        "aws_lab",
        "aws_management",
        "aws_payments_api",
        "aws_shop",
        "playground",
    ];
    assert_eq!(steampipe(&workspace), all.map(str::to_owned).into());
    let connections = finops(&workspace);
    assert_eq!(
        handles(&connections),
        ["aws_payments_api", "aws_shop"].into()
    );
    for connection in &connections {
        let granted = &connection["granted_by"];
        assert_eq!(granted[0]["grantee"], "acme/finops", "{granted}");
        assert_eq!(granted[0]["folder"]["path"], "/Workloads", "{granted}");
    }
    let spc = published(&workspace, "security/aws.spc");
    let (_, playground) = spc.split_once("connection \"playground\"").unwrap();
    let (playground, _) = playground.split_once("\n}").unwrap();
    assert!(
        playground.contains("eu-west-1") && !playground.contains('*'),
        "{playground}"
    );
    assert!(published(&workspace, "security/accounts.yml").contains("playground"));
    assert!(published(&workspace, "security/aws_config").contains("[profile playground]"));
    assert!(published(&workspace, "finops/aws_config").contains("source_profile = hub"));
}

#[test]
fn what_is_created_in_or_moved_to_a_granted_folder_is_warned_of_and_reaches_the_workspace() {
    let moto = company();
    let workspace = configured(&moto);
    workspace.apply();

    moto.command(
        "create_account",
        json!({ "name": "Fraud Detection", "parent": "/Workloads/Prod" }),
    );
    moto.command(
        "move_account",
        json!({ "account": "Lab", "parent": "/Workloads" }),
    );
    moto.command(
        "rename_account",
        json!({ "account": "Shop", "name": "Shop Frontend" }),
    );
    let plan = workspace.plan();
    plan.assert_actions("orgmirror_integration.acme", &["update"])
        .assert_warning(&[
            "Connections of acme/finops: 2 gained, 1 renamed",
            "aws_fraud_detection",
            "aws_lab",
            "aws_shop -> aws_shop_frontend",
        ])
        .assert_warning(&["Connections of acme/security: 1 gained, 1 renamed"]);
    workspace.apply_saved(&plan);
    assert_eq!(
        handles(&finops(&workspace)),
        [
            "aws_fraud_detection",
            "aws_lab",
            "aws_payments_api",
            "aws_shop_frontend"
        ]
        .into()
    );
    assert!(steampipe(&workspace).contains("aws_fraud_detection"));
}
