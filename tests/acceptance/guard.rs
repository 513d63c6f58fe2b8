//! Plans that would remove too much, or that come from another AWS organization, stop.

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::terraform::Workspace;
use serde_json::json;

use crate::PROVIDER;
use crate::configurations::{
    DATA, INTEGRATION, Integration, SNAPSHOT, arguments_for, integration_of, many_accounts,
    snapshot,
};

fn applied(integration: &Integration) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure(&integration.hcl()).apply();
    workspace
}

#[test]
fn a_plan_that_removes_more_than_a_quarter_stops_and_lists_what_would_go() {
    let accounts = many_accounts(8);
    let workspace = applied(&integration_of(&accounts));
    let failure = workspace
        .configure(&integration_of(&accounts[3..]).hcl())
        .plan_fails();
    failure.assert_only_error(&[
        "removal_guard",
        "percent",
        "25",
        "3",
        "8",
        "000000000001",
        "Account 1",
        "000000000002",
        "000000000003",
        "terraform destroy",
        "-refresh=false",
    ]);
    failure.assert_nothing_about("000000000004");
}

#[test]
fn exactly_a_quarter_may_go() {
    let accounts = many_accounts(8);
    let workspace = applied(&integration_of(&accounts));
    let plan = workspace
        .configure(&integration_of(&accounts[2..]).hcl())
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "000000000001": "-", "000000000002": "-" } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn below_eight_connections_nothing_is_guarded() {
    let accounts = many_accounts(7);
    let workspace = applied(&integration_of(&accounts));
    workspace
        .configure(&integration_of(&accounts[..1]).hcl())
        .apply();
}

#[test]
fn a_plan_that_removes_more_than_the_count_stops() {
    let accounts = many_accounts(12);
    let guarded = |accounts: &[(String, String)]| {
        integration_of(accounts)
            .set("removal_guard", "{ percent = 100, count = 2 }")
            .hcl()
    };
    let workspace = PROVIDER.workspace();
    workspace.configure(&guarded(&accounts)).apply();
    workspace
        .configure(&guarded(&accounts[3..]))
        .plan_fails()
        .assert_only_error(&["removal_guard", "count", "2", "000000000003"]);
    workspace.configure(&guarded(&accounts[2..])).apply();
}

#[test]
fn a_wider_guard_in_the_same_plan_allows_the_removal() {
    let accounts = many_accounts(30);
    let workspace = applied(&integration_of(&accounts));
    workspace
        .configure(&integration_of(&accounts[22..]).hcl())
        .plan_fails()
        .assert_error(&["removal_guard"]);
    let plan = workspace
        .configure(
            &integration_of(&accounts[22..])
                .set("removal_guard", "{ percent = 75, count = 22 }")
                .hcl(),
        )
        .plan();
    let gone = plan.difference(INTEGRATION)["connections"].clone();
    assert_eq!(gone.as_object().map(serde_json::Map::len), Some(22));
    workspace.apply_saved(&plan);
    workspace
        .configure(&integration_of(&accounts[22..]).hcl())
        .apply();
}

#[test]
fn suspended_accounts_are_not_removed_and_not_guarded() {
    let accounts = many_accounts(8);
    let workspace = applied(&integration_of(&accounts));
    let suspended: String = accounts
        .iter()
        .map(|(id, name)| format!(r#" "{id}" = {{ name = "{name}", state = "SUSPENDED" }},"#))
        .collect();
    workspace
        .configure(&Integration::of(&format!("{{ accounts = {{{suspended} }} }}")).hcl())
        .apply();
}

#[test]
fn an_empty_snapshot_stops() {
    let workspace = applied(&integration_of(&many_accounts(40)));
    workspace
        .configure(&Integration::of("{ accounts = {} }").hcl())
        .plan_fails()
        .assert_only_error(&["removal_guard", "40"]);
}

#[test]
fn an_exclude_that_is_too_wide_stops() {
    let double = Double::start(Organization::generate(60, 3));
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(&double));
    let integration = Integration::of(DATA).hcl();
    workspace
        .configure(&format!("{SNAPSHOT}{integration}"))
        .apply();
    let units: Vec<String> = double.organization().units().keys().cloned().collect();
    workspace
        .configure(&format!(
            "{}{integration}",
            snapshot(&format!("exclude_organizational_unit_ids = {units:?}"))
        ))
        .plan_fails()
        .assert_error(&["removal_guard"]);
    workspace.apply_fails().assert_error(&["removal_guard"]);
    workspace
        .configure(&format!("{SNAPSHOT}{integration}"))
        .plan()
        .assert_no_changes();
}

#[test]
fn destroying_past_the_guard_needs_no_refresh() {
    let accounts = many_accounts(8);
    let open = |accounts: &[(String, String)]| {
        integration_of(accounts)
            .set("deletion_protection", "false")
            .hcl()
    };
    let workspace = PROVIDER.workspace();
    workspace.configure(&open(&accounts)).apply();
    workspace
        .configure(&open(&accounts[5..]))
        .destroy_fails()
        .assert_error(&["removal_guard", "-refresh=false"]);
    workspace.destroy_with(&["-refresh=false"]);
}

#[test]
fn another_aws_organization_is_an_error_that_names_both() {
    let ours = Double::start(Organization::generate(20, 1));
    let theirs = Double::start(Organization::generate(20, 2));
    let workspace = PROVIDER.workspace();
    workspace.configure(&format!("{SNAPSHOT}{}", Integration::of(DATA).hcl()));
    workspace.configure_provider(&arguments_for(&ours));
    workspace.apply();
    workspace.configure_provider(&arguments_for(&theirs));
    let (ours, theirs) = (
        ours.organization().id.clone(),
        theirs.organization().id.clone(),
    );
    workspace.plan_fails().assert_error(&[&ours, &theirs]);
    assert_eq!(
        workspace.attributes(INTEGRATION)["aws_organization_id"],
        ours
    );
}

#[test]
fn the_guard_runs_again_at_apply_when_the_snapshot_was_deferred() {
    let double = Double::start(Organization::generate(40, 5));
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(&double));
    let hcl = |input: u8| {
        format!(
            r#"
            resource "terraform_data" "first" {{ input = {input} }}
            {}{}
            "#,
            snapshot("depends_on = [terraform_data.first]"),
            Integration::of(DATA).hcl()
        )
    };
    workspace.configure(&hcl(1)).plan().assert_no_warnings();
    workspace.apply();
    let before = workspace.attributes(INTEGRATION);

    let gone: Vec<String> = {
        let mut organization = double.organization();
        let management = organization.management_account_id.clone();
        let gone: Vec<String> = organization
            .accounts()
            .iter()
            .filter(|(id, account)| **id != management && account.state == "ACTIVE")
            .map(|(id, _)| id.clone())
            .take(30)
            .collect();
        for id in &gone {
            organization.remove_account(id);
        }
        gone
    };
    let plan = workspace.configure(&hcl(2)).plan();
    plan.assert_warning(&[
        "37 connections",
        "during the apply",
        "role ARNs",
        "depends_on",
    ]);
    workspace
        .apply_fails()
        .assert_error(&["removal_guard", "30 of 37 connections", &gone[0]]);
    assert_eq!(workspace.attributes(INTEGRATION), before);
    workspace.plan_fails().assert_error(&["removal_guard"]);
}

#[test]
fn a_deferred_snapshot_warns_that_nothing_of_the_tree_is_reviewed_and_then_applies() {
    let double = Double::start(Organization::generate(12, 5));
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&arguments_for(&double));
    let hcl = |input: u8| {
        format!(
            r#"
            resource "terraform_data" "first" {{ input = {input} }}
            {}{}
            "#,
            snapshot("depends_on = [terraform_data.first]"),
            Integration::of(DATA).hcl()
        )
    };
    workspace.configure(&hcl(1)).apply();
    let id = double.organization().management_account_id.clone();
    double.organization().rename_account(&id, "Payer");
    let plan = workspace.configure(&hcl(2)).plan();
    plan.assert_warning(&["during the apply", "role ARNs"]);
    let after = plan.after(INTEGRATION);
    assert_eq!(after["connections"], json!("(known after apply)"));
    assert_eq!(after["folders"], json!("(known after apply)"));
    assert_eq!(after["id"], workspace.attributes(INTEGRATION)["id"]);
    workspace.apply_saved(&plan);
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"][&id]["name"],
        "Payer"
    );
}

#[test]
fn a_snapshot_that_does_not_say_which_does_not_make_way_for_another_aws_organization() {
    let snapshot =
        |id: &str| format!(r#"{{ {id} accounts = {{ "111111111111" = {{ name = "a" }} }} }}"#);
    let workspace = PROVIDER.workspace();
    let write = |id| workspace.configure(&Integration::of(&snapshot(id)).hcl());
    write(r#"id = "o-aaaaaaaaaa","#);
    workspace.apply();
    write("");
    workspace.plan().assert_no_changes();
    write(r#"id = "o-bbbbbbbbbb","#);
    workspace
        .plan_fails()
        .assert_error(&["o-aaaaaaaaaa", "o-bbbbbbbbbb"]);
}
