//! More than one AWS organization in one configuration.

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::moto::Moto;
use orgmirror_testing::terraform::Workspace;
use serde_json::json;

use crate::PROVIDER;

const EXAMPLE: &str = include_str!("../../examples/two-organizations/main.tf");

const ACME: &str = "orgmirror_integration.acme";
const GLOBEX: &str = "orgmirror_integration.globex";

/// The management accounts of the example.
const MANAGEMENT: [&str; 2] = ["111111111111", "222222222222"];

/// The external IDs of the example's roles.
const EXTERNAL_IDS: [&str; 2] = ["acme:k3v9w2q8r5t1y7u4", "globex:a1s2d3f4g5h6j7k8"];

fn example(management: [&str; 2]) -> Workspace {
    let mut text = EXAMPLE.to_owned();
    for (of_example, own) in MANAGEMENT.iter().zip(management) {
        assert!(text.contains(of_example), "the example names {of_example}");
        text = text.replace(of_example, own);
    }
    PROVIDER.workspace_of_example(&text)
}

#[test]
fn two_organizations_are_mirrored_each_through_a_role_of_its_own() {
    let company = |workload: &str| {
        Moto::seed(json!({
            "organizational_units": [
                { "name": "Workloads", "accounts": [{ "name": workload }] },
                { "name": "Sandbox", "accounts": [{ "name": "Sandbox" }] },
            ],
        }))
    };
    let (acme, globex) = (company("Shop"), company("Mill"));
    let mut workspace = example([&acme.management(), &globex.management()]);
    // The user is of the first one.
    for (name, value) in acme.environment() {
        workspace.set_env(name, &value);
    }
    workspace.apply();
    for (address, moto, workload, prefix) in [
        (ACME, &acme, "Shop", "acme_"),
        (GLOBEX, &globex, "Mill", "globex_"),
    ] {
        let integration = workspace.attributes(address);
        assert_eq!(integration["aws_organization_id"], moto.id());
        let connections = integration["connections"].as_object().unwrap();
        assert_eq!(connections.len(), 3, "{connections:?}");
        assert_eq!(connections[&moto.account(workload)]["name"], workload);
        assert_eq!(
            connections[&moto.account("Sandbox")]["derived_handle"],
            format!("{prefix}sandbox")
        );
    }

    // A change of the one is no change of the other.
    globex.command(
        "rename_account",
        json!({ "account": "Mill", "name": "Mine" }),
    );
    let plan = workspace.plan();
    plan.assert_actions(GLOBEX, &["update"])
        .assert_actions(ACME, &["no-op"]);
    workspace.apply_saved(&plan);
}

#[test]
fn the_roles_of_one_configuration_swapped_are_an_error_for_both() {
    let [acme, globex] = [Moto::seed(json!({})), Moto::seed(json!({}))];
    let (first, second) = (acme.management(), globex.management());
    let mut workspace = example([&first, &second]);
    for (name, value) in acme.environment() {
        workspace.set_env(name, &value);
    }
    workspace.apply();
    let swapped = EXAMPLE
        .replace(MANAGEMENT[0], &second)
        .replace(MANAGEMENT[1], &first);
    let failure = workspace.configure(&swapped).plan_fails();
    for name in ["acme", "globex"] {
        failure.assert_error_at(
            &format!(r#"resource "orgmirror_integration" "{name}""#),
            "",
            &["Another AWS organization", &acme.id(), &globex.id()],
        );
    }
}

/// Two AWS organizations that know nothing of each other, each with credentials, an endpoint and an external ID of its own.
#[test]
fn each_organization_has_its_own_credentials_and_external_id() {
    let doubles: Vec<(Double, String)> = [(11, EXTERNAL_IDS[0]), (12, EXTERNAL_IDS[1])]
        .map(|(seed, external_id)| {
            let mut organization = Organization::generate(6, seed);
            let management = organization.management_account_id.clone();
            let role = format!("arn:aws:iam::{management}:role/orgmirror-discovery");
            organization.add_role(&role, Some(external_id));
            (Double::start(organization), management)
        })
        .into();
    let mut workspace = example([&doubles[0].1, &doubles[1].1]);
    let text = std::fs::read_to_string(workspace.path().join("main.tf")).unwrap();
    let with_profiles = |text: &str| {
        ["acme", "globex"]
            .iter()
            .fold(text.to_owned(), |text, name| {
                let data = format!(r#"data "orgmirror_aws_organization" "{name}" {{"#);
                assert!(text.contains(&data), "the example reads {name}");
                text.replace(
                    &data,
                    &format!(
                        r#"
                    {data}
                    profile = "{name}"
                    "#
                    ),
                )
            })
    };
    workspace.configure(&with_profiles(&text));
    let profiles: String = ["acme", "globex"]
        .iter()
        .zip(&doubles)
        .map(|(name, (double, _))| {
            format!(
                "[profile {name}]\nregion = us-east-1\nendpoint_url = {}\naws_access_key_id = AKIAOF{}\n\
                 aws_secret_access_key = of-{name}\n",
                double.url(),
                name.to_uppercase()
            )
        })
        .collect();
    workspace.write("aws_config", &profiles);
    let file = workspace.path().join("aws_config");
    workspace.set_env("AWS_CONFIG_FILE", &file.to_string_lossy());
    workspace.apply();
    for (address, (double, _)) in [ACME, GLOBEX].iter().zip(&doubles) {
        let integration = workspace.attributes(address);
        assert_eq!(integration["aws_organization_id"], double.organization().id);
        let calls = double.calls();
        assert!(calls.count("AssumeRole") > 0);
        let name = address.rsplit('.').next().unwrap().to_uppercase();
        let own = calls
            .all()
            .iter()
            .filter(|call| call.action == "AssumeRole");
        assert!(
            own.clone()
                .all(|call| call.access_key == format!("AKIAOF{name}"))
        );
    }

    // What is wrong with one of them is said of that one.
    let failure = workspace
        .configure(&with_profiles(&text).replace(EXTERNAL_IDS[1], "globex:of-somebody-else"))
        .plan_fails();
    failure.assert_only_error(&["The role cannot be assumed", &doubles[1].1]);
    failure.assert_error_at(
        r#"data "orgmirror_aws_organization" "globex""#,
        "",
        &["external ID"],
    );
}
