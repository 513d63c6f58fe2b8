//! What of the AWS organization is read and mirrored: arguments of the data source, and HCL between it and the integration.

use std::collections::BTreeSet;

use orgmirror_testing::double::{Double, Organization, Paging, StateForm};
use orgmirror_testing::terraform::Workspace;
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{DATA, INTEGRATION, Integration, SNAPSHOT, arguments_for, snapshot};

/// Root: Management, Hub. /Workloads: /Prod (Shop, Data), /Dev (Shop Dev). /Sandbox: Play, /Sandbox/Old: Relic.
fn company() -> Organization {
    let mut company = Organization::new(7);
    let root = company.root_id.clone();
    company.add_account(&root, "Hub");
    let workloads = company.add_unit(&root, "Workloads");
    let prod = company.add_unit(&workloads, "Prod");
    let shop = company.add_account(&prod, "Shop");
    company.tag_account(&shop, "owner", "zoe@example.com");
    company.add_account(&prod, "Data");
    let dev = company.add_unit(&workloads, "Dev");
    company.add_account(&dev, "Shop Dev");
    let sandbox = company.add_unit(&root, "Sandbox");
    company.add_account(&sandbox, "Play");
    let old = company.add_unit(&sandbox, "Old");
    company.add_account(&old, "Relic");
    company
}

fn workspace_for(double: &Double, hcl: &str) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(double));
    workspace.configure(hcl);
    workspace
}

/// Mirrors the double with a data source of these arguments.
fn mirrored_with(double: &Double, arguments: &str) -> Workspace {
    let workspace = workspace_for(
        double,
        &format!("{}{}", snapshot(arguments), Integration::of(DATA).hcl()),
    );
    workspace.apply();
    workspace
}

fn names(of: &Value) -> BTreeSet<String> {
    of.as_object()
        .expect("a map")
        .values()
        .map(|element| element["name"].as_str().expect("a name").to_owned())
        .collect()
}

fn paths(of: &Value) -> BTreeSet<String> {
    of.as_object()
        .expect("a map")
        .values()
        .map(|element| element["path"].as_str().expect("a path").to_owned())
        .collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// The state says exactly what the organization is.
fn assert_mirrors(workspace: &Workspace, organization: &Organization) {
    let data = workspace.attributes(DATA);
    assert_eq!(data["id"], organization.id);
    assert_eq!(data["arn"], organization.arn());
    assert_eq!(data["feature_set"], organization.feature_set);
    assert_eq!(data["root_id"], organization.root_id);
    assert_eq!(
        data["management_account_id"],
        organization.management_account_id
    );
    assert_eq!(data["partition"], organization.partition);
    let units = data["organizational_units"].as_object().expect("units");
    assert_eq!(units.len(), organization.units().len());
    for (id, unit) in organization.units() {
        assert_eq!(units[id]["name"], unit.name, "{id}");
        assert_eq!(units[id]["parent_id"], unit.parent_id, "{id}");
        assert_eq!(units[id]["arn"], organization.unit_arn(id), "{id}");
    }
    let accounts = data["accounts"].as_object().expect("accounts");
    assert_eq!(accounts.len(), organization.accounts().len());
    let integration = workspace.attributes(INTEGRATION);
    let connections = integration["connections"].as_object().expect("connections");
    let mut handles = BTreeSet::new();
    for (id, account) in organization.accounts() {
        assert_eq!(accounts[id]["name"], account.name, "{id}");
        assert_eq!(accounts[id]["email"], account.email, "{id}");
        assert_eq!(accounts[id]["parent_id"], account.parent_id, "{id}");
        assert_eq!(accounts[id]["arn"], organization.account_arn(id), "{id}");
        assert_eq!(accounts[id]["joined_method"], account.joined_method, "{id}");
        assert_eq!(
            connections.contains_key(id),
            account.state == "ACTIVE",
            "{id} is {}",
            account.state
        );
        if let Some(connection) = connections.get(id) {
            assert_eq!(connection["folder_id"], account.parent_id, "{id}");
            assert_eq!(connection["path"], accounts[id]["path"], "{id}");
            handles.insert(connection["derived_handle"].to_string());
        }
    }
    let folders = integration["folders"].as_object().expect("folders");
    assert_eq!(folders.len(), organization.units().len() + 1);
    handles.extend(
        folders
            .values()
            .map(|folder| folder["derived_handle"].to_string()),
    );
    assert_eq!(
        handles.len(),
        folders.len() + connections.len(),
        "every handle is there once"
    );
}

#[test]
fn an_organization_with_paths_is_mirrored_without_a_listing_per_parent() {
    let double = Double::start(Organization::generate(90, 1));
    let workspace = mirrored_with(&double, "");
    assert_mirrors(&workspace, &double.organization());
    assert_eq!(double.calls().count("ListAccountsForParent"), 0);
}

#[test]
fn an_organization_without_paths_is_mirrored_just_the_same() {
    let double = Double::start(Organization::generate(90, 1));
    double.faults().without_paths = true;
    let workspace = mirrored_with(&double, "");
    assert_mirrors(&workspace, &double.organization());
    assert!(double.calls().count("ListAccountsForParent") > 0);

    double.faults().without_paths = false;
    workspace.plan().assert_no_changes();
}

#[test]
fn pages_that_are_empty_or_ragged_lose_nothing() {
    for (paging, without_paths) in [
        (Paging::EmptyBeforeEach(2), false),
        (Paging::EmptyBeforeEach(2), true),
        (Paging::Random(3), true),
    ] {
        let double = Double::start(Organization::generate(60, 2));
        double.faults().paging = paging;
        double.faults().without_paths = without_paths;
        let workspace = mirrored_with(&double, "");
        assert_mirrors(&workspace, &double.organization());
    }
}

#[test]
fn a_state_is_read_from_either_field() {
    let double = Double::start(company());
    let id = double.organization().account_named("Hub");
    let workspace = mirrored_with(&double, "");
    double.organization().set_state(&id, "SUSPENDED");
    for form in [StateForm::StateOnly, StateForm::StatusOnly, StateForm::Both] {
        double.faults().state_form = form;
        workspace.plan().assert_in_place(
            INTEGRATION,
            &json!({ "connections": { &id: { "state": ["ACTIVE", "SUSPENDED"] } } }),
        );
    }
    double.organization().set_state(&id, "CLOSED");
    double.faults().state_form = StateForm::Both;
    workspace.plan().assert_in_place(
        INTEGRATION,
        &json!({ "connections": { &id: { "state": ["ACTIVE", "CLOSED"] } } }),
    );
}

#[test]
fn an_account_that_moves_during_the_walk_is_there_once() {
    for without_paths in [false, true] {
        let double = Double::start(Organization::generate(120, 4));
        double.faults().without_paths = without_paths;
        let (moving, to) = {
            let organization = double.organization();
            let to = organization.root_id.clone();
            let moving: Vec<String> = organization
                .accounts()
                .iter()
                .filter(|(_, account)| account.state == "ACTIVE" && account.parent_id != to)
                .map(|(id, _)| id.clone())
                .take(12)
                .collect();
            (moving, to)
        };
        let action = if without_paths {
            "ListAccountsForParent"
        } else {
            "ListAccounts"
        };
        for (number, id) in moving.iter().enumerate() {
            let (id, to) = (id.clone(), to.clone());
            double
                .faults()
                .after(action, number / 3 + 1, move |organization| {
                    organization.move_account(&id, &to);
                });
        }
        // The whole is settled when the second plan reads it again.
        let workspace = workspace_for(
            &double,
            &format!("{SNAPSHOT}{}", Integration::of(DATA).hcl()),
        );
        let plan = workspace.plan();
        let connections = &plan.after(INTEGRATION)["connections"];
        for id in &moving {
            assert!(connections[id].is_object(), "{id} was dropped");
        }
        workspace.apply();
        assert_mirrors(&workspace, &double.organization());
    }
}

#[test]
fn excluded_units_and_accounts_are_left_out_with_all_below() {
    let double = Double::start(company());
    let (sandbox, hub) = {
        let organization = double.organization();
        (
            organization.unit_at("/Sandbox"),
            organization.account_named("Hub"),
        )
    };
    let workspace = mirrored_with(
        &double,
        &format!(
            r#"
            exclude_organizational_unit_ids = ["{sandbox}"]
            exclude_account_ids             = ["{hub}"]
            "#
        ),
    );
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(
        names(&created["connections"]),
        set(["Management", "Shop", "Data", "Shop Dev"])
    );
    assert_eq!(
        paths(&created["folders"]),
        set(["/", "/Workloads", "/Workloads/Prod", "/Workloads/Dev"])
    );
}

#[test]
fn given_units_are_mirrored_below_their_ancestors_and_an_exclude_wins() {
    let double = Double::start(company());
    let (workloads, sandbox, prod, old) = {
        let organization = double.organization();
        (
            organization.unit_at("/Workloads"),
            organization.unit_at("/Sandbox"),
            organization.unit_at("/Workloads/Prod"),
            organization.unit_at("/Sandbox/Old"),
        )
    };
    let workspace = mirrored_with(
        &double,
        &format!(r#"organizational_unit_ids = ["{prod}", "{old}"]"#),
    );
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(
        names(&created["connections"]),
        set(["Shop", "Data", "Relic"])
    );
    assert_eq!(
        paths(&created["folders"]),
        set([
            "/",
            "/Workloads",
            "/Workloads/Prod",
            "/Sandbox",
            "/Sandbox/Old"
        ]),
        "ancestors stay as folders"
    );

    let workspace = mirrored_with(
        &double,
        &format!(
            r#"
            organizational_unit_ids         = ["{workloads}", "{sandbox}"]
            exclude_organizational_unit_ids = ["{prod}", "{sandbox}"]
            "#
        ),
    );
    assert_eq!(
        names(&workspace.attributes(INTEGRATION)["connections"]),
        set(["Shop Dev"])
    );
}

#[test]
fn a_unit_to_include_that_is_not_there_is_an_error_naming_it() {
    let double = Double::start(company());
    let workspace = workspace_for(
        &double,
        &snapshot(r#"organizational_unit_ids = ["ou-abcd-11112222"]"#),
    );
    workspace
        .plan_fails()
        .assert_error(&["organizational_unit_ids", "ou-abcd-11112222"]);
}

#[test]
fn the_management_account_can_be_left_out() {
    let double = Double::start(company());
    let workspace = mirrored_with(&double, "include_management_account = false");
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(
        names(&created["connections"]),
        set(["Hub", "Shop", "Data", "Shop Dev", "Play", "Relic"])
    );
    assert_eq!(
        workspace.attributes(DATA)["management_account_id"],
        double.organization().management_account_id
    );
}

#[test]
fn tags_are_read_only_when_asked_for() {
    let double = Double::start(company());
    let shop = double.organization().account_named("Shop");
    let hub = double.organization().account_named("Hub");
    let workspace = mirrored_with(&double, "");
    assert_eq!(double.calls().count("ListTagsForResource"), 0);
    assert_eq!(
        workspace.attributes(DATA)["accounts"][&shop]["tags"],
        Value::Null
    );

    let workspace = mirrored_with(&double, "include_tags = true");
    let accounts = &workspace.attributes(DATA)["accounts"];
    assert_eq!(
        accounts[&shop]["tags"],
        json!({ "owner": "zoe@example.com" })
    );
    assert_eq!(accounts[&hub]["tags"], json!({}));
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"][&shop]["tags"],
        json!({ "owner": "zoe@example.com" })
    );
}

#[test]
fn a_snapshot_can_be_filtered_and_merged_in_hcl() {
    let double = Double::start(company());
    let hcl = |filter: &str| {
        format!(
            "{SNAPSHOT}{}",
            Integration::of(&format!(
                r#"merge({DATA}, {{
                    accounts = merge(
                      {{ for id, account in {DATA}.accounts : id => account if {filter} }},
                      {{ "999999999999" = {{ name = "By hand" }} }},
                    )
                  }})"#
            ))
            .hcl()
        )
    };
    let workspace = workspace_for(&double, &hcl(r#"!startswith(account.path, "/Sandbox")"#));
    workspace.apply();
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(
        names(&created["connections"]),
        set(["Management", "Hub", "Shop", "Data", "Shop Dev", "By hand"])
    );
    assert_eq!(
        created["connections"]["999999999999"]["path"], "/",
        "no parent: the root"
    );

    let plan = workspace.configure(&hcl("true")).plan();
    let (play, relic) = {
        let organization = double.organization();
        (
            organization.account_named("Play"),
            organization.account_named("Relic"),
        )
    };
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { play: "+", relic: "+" } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn a_snapshot_that_is_ignored_keeps_the_tree_with_a_warning() {
    let double = Double::start(company());
    let workspace = mirrored_with(&double, "");
    let hub = double.organization().account_named("Hub");
    double.organization().rename_account(&hub, "Spoke");
    let plan = workspace
        .configure(&format!(
            "{SNAPSHOT}{}",
            Integration::of(DATA)
                .block(
                    "
                    lifecycle {
                      ignore_changes = [aws_organization]
                    }
                    "
                )
                .hcl()
        ))
        .plan();
    plan.assert_no_changes()
        .assert_warning(&["aws_organization", "ignore_changes"]);
    workspace.apply();
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"][&hub]["name"],
        "Hub"
    );

    // Settings still reach the tree that is kept.
    let plan = workspace
        .configure(
            &Integration::of(DATA)
                .without("aws_organization")
                .set_text("handle_prefix", "x_")
                .hcl(),
        )
        .plan();
    plan.assert_warning(&["aws_organization"]);
    assert_eq!(
        plan.difference(INTEGRATION)["connections"][&hub],
        json!({ "derived_handle": ["hub", "x_hub"] })
    );
    workspace.apply_saved(&plan);

    let plan = workspace
        .configure(&format!(
            "{SNAPSHOT}{}",
            Integration::of(DATA).set_text("handle_prefix", "x_").hcl()
        ))
        .plan();
    plan.assert_no_warnings().assert_in_place(
        INTEGRATION,
        &json!({ "connections": { &hub: {
            "name": ["Hub", "Spoke"],
            "derived_handle": ["x_hub", "x_spoke"],
        } } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn no_snapshot_at_all_is_an_error_on_create() {
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&Integration::of("null").hcl())
        .plan_fails()
        .assert_only_error(&["aws_organization"]);
    workspace
        .configure(&Integration::of("null").without("aws_organization").hcl())
        .plan_fails()
        .assert_only_error(&["aws_organization"]);
}

#[test]
fn identical_readings_of_one_run_are_made_once() {
    let double = Double::start(company());
    let workspace = workspace_for(
        &double,
        &format!(
            r#"
            {SNAPSHOT}
            data "orgmirror_aws_organization" "again" {{}}
            {}
            "#,
            Integration::of(DATA).hcl()
        ),
    );
    workspace.plan();
    assert_eq!(double.calls().count("DescribeOrganization"), 1);
}

#[test]
fn applying_a_saved_plan_reads_nothing_from_aws() {
    let double = Double::start(company());
    let workspace = workspace_for(
        &double,
        &format!("{SNAPSHOT}{}", Integration::of(DATA).hcl()),
    );
    let plan = workspace.plan();
    double.forget_calls();
    workspace.apply_saved_after_a_change(&plan);
    assert_eq!(
        double.calls().by_action().get("organizations:ListAccounts"),
        None
    );
    workspace.plan().assert_no_changes();
}

#[test]
fn one_configuration_mirrors_several_organizations_through_roles_of_their_own() {
    let mut organization = company();
    let role = |name: &str| {
        format!(
            "arn:aws:iam::{}:role/{name}",
            company().management_account_id
        )
    };
    organization.add_role(&role("of-acme"), Some("secret-of-acme"));
    organization.add_role(&role("of-globex"), None);
    let double = Double::start(organization);
    let workspace = workspace_for(
        &double,
        &format!(
            r#"
            {}
            data "orgmirror_aws_organization" "globex" {{
              assume_role = {{ role_arn = "{}" }}
            }}
            {}{}
            "#,
            snapshot(&format!(
                r#"assume_role = {{ role_arn = "{}", external_id = "secret-of-acme", session_name = "reading", duration = "15m" }}"#,
                role("of-acme")
            )),
            role("of-globex"),
            Integration::of(DATA).hcl(),
            Integration::of("data.orgmirror_aws_organization.globex")
                .label("globex")
                .set_text("handle", "globex")
                .set_text("handle_prefix", "globex_")
                .hcl(),
        ),
    );
    workspace.plan();
    let calls = double.calls();
    let assumed: Vec<String> = calls
        .all()
        .iter()
        .filter(|call| call.action == "AssumeRole")
        .map(|call| call.input.to_string())
        .collect();
    assert_eq!(assumed.len(), 2, "{assumed:?}");
    let of = |role: &str| {
        assumed
            .iter()
            .find(|input| input.contains(role))
            .unwrap_or_else(|| panic!("{role} was not assumed: {assumed:?}"))
    };
    for part in ["secret-of-acme", "reading", "900"] {
        assert!(of("of-acme").contains(part), "no {part} in {assumed:?}");
    }
    assert!(!of("of-globex").contains("secret-of-acme"), "{assumed:?}");
    assert_eq!(
        calls.count("DescribeOrganization"),
        2,
        "two readings, as two roles"
    );
    assert!(
        calls
            .all()
            .iter()
            .filter(|call| call.service == "organizations")
            .all(|call| call.access_key != "AKIAORGMIRRORTESTKEY"),
        "the organization is read as the roles"
    );
    workspace.apply();
}

#[test]
fn other_partitions_are_mirrored_with_their_own_arns_and_regions() {
    for (partition, region) in [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")] {
        let mut organization = company();
        organization.partition = partition.to_owned();
        let double = Double::start(organization);
        let workspace = workspace_for(
            &double,
            &format!("{SNAPSHOT}{}", Integration::of(DATA).hcl()),
        );
        let region_of_the_call = if partition == "aws-cn" {
            "cn-northwest-1"
        } else {
            region
        };
        workspace
            .configure_provider(&arguments_for(&double).replace("us-east-1", region_of_the_call));
        workspace.apply();
        assert_mirrors(&workspace, &double.organization());
        let created = workspace.attributes(INTEGRATION);
        let shop = double.organization().account_named("Shop");
        assert_eq!(
            created["connections"][&shop]["derived_role_arn"],
            format!("arn:{partition}:iam::{shop}:role/orgmirror-readonly")
        );
        assert_eq!(created["connection_settings"]["default_region"], region);
    }
}

#[test]
fn hand_written_states_decide_what_is_mirrored() {
    let hcl = |states: [&str; 3]| {
        Integration::of(&format!(
            r#"{{ accounts = {{
                "111111111111" = {{ name = "a", state = {} }}
                "222222222222" = {{ name = "b", state = {} }}
                "333333333333" = {{ name = "c", state = {} }}
            }} }}"#,
            states[0], states[1], states[2]
        ))
        .hcl()
    };
    let workspace = PROVIDER.workspace();
    workspace
        .configure(&hcl(["null", "\"ACTIVE\"", "\"SUSPENDED\""]))
        .apply();
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(names(&created["connections"]), set(["a", "b"]));
    assert_eq!(created["connections"]["111111111111"]["state"], "ACTIVE");
    let plan = workspace
        .configure(&hcl(["\"CLOSED\"", "\"PENDING_CLOSURE\"", "null"]))
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": {
            "111111111111": { "state": ["ACTIVE", "CLOSED"] },
            "222222222222": { "state": ["ACTIVE", "PENDING_CLOSURE"] },
            "333333333333": "+",
        } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn excluding_what_is_not_there_is_warned_of() {
    let double = Double::start(Organization::generate(10, 1));
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(&double));
    let excludes = r#"
        exclude_account_ids             = ["999999999999"]
        exclude_organizational_unit_ids = ["ou-none-00000000"]
        "#;
    workspace
        .configure(&format!(
            "{}{}",
            snapshot(excludes),
            Integration::of(DATA).hcl()
        ))
        .plan()
        .assert_warning(&["exclude_account_ids", "999999999999", "does nothing"])
        .assert_warning(&["exclude_organizational_unit_ids", "ou-none-00000000"]);
}
