//! Accounts without an AWS organization, from the example's HCL to the AWS CLI; and beside a discovered organization.

use std::path::Path;

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::moto::Moto;
use orgmirror_testing::python;
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::INTEGRATION;

const SINGLE: &str = include_str!("../../examples/single-accounts/main.tf");
const MERGED: &str = include_str!("../../examples/merged-snapshot/main.tf");

/// What the examples call the roles and external IDs of Lyon and Paris.
const LYON: [&str; 2] = [
    "arn:aws:iam::222233334444:role/audit",
    "lyon:x7c5v3b1n9m2l4k6",
];
const PARIS: [&str; 2] = [
    "arn:aws:iam::333344445555:role/orgmirror-readonly",
    "acme:k3v9w2q8r5t1y7u4",
];

/// Who the AWS CLI says that a profile of a published file is; none where it is refused.
fn identity(home: &Path, file: &Path, profile: &str, url: &str) -> Option<Value> {
    let mut command = python::command(home);
    command
        .args(["-m", "awscli", "--profile", profile, "--output", "json"])
        .args(["sts", "get-caller-identity"])
        .env("AWS_CONFIG_FILE", file)
        .env("AWS_ENDPOINT_URL_STS", url)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("NO_PROXY", "127.0.0.1");
    let output = python::run(&mut command);
    if !output.status.success() {
        let complaint = python::complaint(&output);
        assert!(complaint.contains("AccessDenied"), "{complaint}");
        return None;
    }
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A home whose `~/.aws/credentials` has the profile `me`.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(
        home.path().join(".aws/credentials"),
        "[me]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = of-mine\n",
    )
    .unwrap();
    home
}

#[test]
fn accounts_by_hand_are_mirrored_published_and_reached_through_their_roles() {
    // No AWS organization: the double is asked for roles only.
    let mut nobody = Organization::new(3);
    for [role, external_id] in [LYON, PARIS] {
        nobody.add_role(role, Some(external_id));
    }
    let double = Double::start(nobody);
    let workspace = PROVIDER.workspace_of_example(SINGLE);
    workspace.apply();
    assert_eq!(double.calls().total(), 0);
    assert_eq!(
        workspace.output("folders"),
        json!({ "/": "partners", "/Europe": "europe", "/Europe/France": "france" })
    );

    let location = workspace.output("aws_config");
    let file = workspace.path().join(location.as_str().unwrap());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("sandbox"), "only /Europe is shared: {text}");
    let home = home();
    for (profile, account, role) in [
        ("lyon", "222233334444", "audit"),
        ("paris", "333344445555", "orgmirror-readonly"),
    ] {
        let identity = identity(home.path(), &file, profile, &double.url());
        let identity = identity.expect("the role is given");
        assert_eq!(identity["Account"], account);
        assert_eq!(
            identity["Arn"],
            format!("arn:aws:sts::{account}:assumed-role/{role}/acme.audit")
        );
    }

    // The role checks who comes: with another external ID than it wants, nobody gets it. The AWS CLI keeps credentials in
    // the home.
    double
        .organization()
        .add_role(PARIS[0], Some("acme:another"));
    let other_home = self::home();
    assert_eq!(
        identity(other_home.path(), &file, "paris", &double.url()),
        None
    );
}

#[test]
fn accounts_from_elsewhere_stand_beside_a_discovered_organization() {
    let moto = Moto::seed(json!({
        "organizational_units": [{ "name": "Workloads", "accounts": [{ "name": "Shop" }] }],
    }));
    let mut workspace = PROVIDER.workspace_of_example(MERGED);
    for (name, value) in moto.environment() {
        workspace.set_env(name, &value);
    }
    workspace.apply();
    assert_eq!(workspace.output("partners"), json!(["aws_partner_lab"]));
    let integration = workspace.attributes("orgmirror_integration.acme");
    let partner = &integration["connections"]["999900001111"];
    assert_eq!(partner["path"], "/Partners");
    assert_eq!(partner["state"], "ACTIVE");
    let shop = &integration["connections"][moto.account("Shop")];
    assert_eq!(shop["path"], "/Workloads");
    assert_eq!(integration["aws_organization_id"], moto.id());

    // The organization changes, and the others stay as they are.
    moto.command(
        "rename_account",
        json!({ "account": "Shop", "name": "Store" }),
    );
    let plan = workspace.plan();
    let difference = plan.difference("orgmirror_integration.acme");
    assert_eq!(
        difference["connections"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        [&moto.account("Shop")],
        "{difference}"
    );
    workspace.apply_saved(&plan);

    // What is shared with a workspace has each its own role and external ID.
    workspace.write(
        "read.tf",
        r#"
        data "orgmirror_connections" "all" {
          integration_id = orgmirror_integration.acme.id
          depends_on     = [orgmirror_folder_override.partners]
        }
        "#,
    );
    workspace.apply();
    let connections = &workspace.attributes("data.orgmirror_connections.all")["connections"];
    assert_eq!(
        connections["aws_partner_lab"]["role_arn"],
        "arn:aws:iam::999900001111:role/acme-audit"
    );
    assert_eq!(
        connections["aws_partner_lab"]["external_id"],
        "acme:k3v9w2q8r5t1y7u4"
    );
    assert_eq!(connections["aws_store"]["external_id"], Value::Null);
}

#[test]
fn an_account_that_joins_the_organization_stays_what_it_was_by_hand() {
    let accounts = |state: &str| {
        format!(
            r#"{{ accounts = {{ "111122223333" = {{ name = "Lab"{state} }}, "222233334444" = {{ name = "Hub" }} }} }}"#
        )
    };
    let of = |source: &str| crate::configurations::Integration::of(source).hcl();
    let workspace = PROVIDER.workspace();
    workspace.configure(&of(&accounts(""))).apply();
    let by_hand = workspace.attributes(INTEGRATION);
    assert_eq!(by_hand["aws_organization_id"], Value::Null);

    // The same accounts, now members of an AWS organization.
    let joined = accounts(r#", joined_at = "2026-01-31T00:00:00Z""#);
    let joined = joined.replacen("{ ", r#"{ id = "o-a1b2c3d4e5", "#, 1);
    workspace.configure(&of(&joined)).plan().assert_in_place(
        INTEGRATION,
        &json!({ "aws_organization_id": [null, "o-a1b2c3d4e5"] }),
    );
    workspace.apply();
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"],
        by_hand["connections"]
    );
}
