//! The organization changes, the mirror follows: on moto, the independent truth for the shape of a tree.

use orgmirror_testing::moto::Moto;
use orgmirror_testing::terraform::Workspace;
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{DATA, INTEGRATION, Integration, SNAPSHOT};

/// The words of the tree that all tests here start from.
fn company() -> Value {
    json!({
        "accounts": [{ "name": "Audit" }],
        "organizational_units": [
            { "name": "Workloads", "organizational_units": [
                { "name": "Prod", "accounts": [
                    { "name": "Web Shop", "email": "shop@example.com", "tags": { "env": "prod" } },
                    { "name": "Zoë's Data" },
                ] },
                { "name": "Dev", "accounts": [{ "name": "Web Shop" }, { "name": "Ledger" }] },
            ] },
            { "name": "Sandbox", "accounts": [{ "name": "Playground" }] },
            { "name": "Empty" },
        ],
    })
}

fn mirrored() -> (Moto, Workspace) {
    let moto = Moto::seed(company());
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&moto.provider_arguments());
    workspace
        .configure(&format!("{SNAPSHOT}{}", Integration::of(DATA).hcl()))
        .apply();
    (moto, workspace)
}

/// Plans, expects exactly this difference in place, and applies it.
fn follows(workspace: &Workspace, difference: &Value) {
    let plan = workspace.plan();
    plan.assert_in_place(INTEGRATION, difference);
    workspace.apply_saved(&plan);
}

#[test]
fn moto_is_mirrored_with_every_unit_and_account() {
    let (moto, workspace) = mirrored();
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(created["aws_organization_id"], moto.id());
    let folders = created["folders"].as_object().expect("folders");
    assert_eq!(folders.len(), 6, "{folders:#?}");
    assert_eq!(folders[&moto.root()]["path"], "/");
    for path in [
        "/Workloads",
        "/Workloads/Prod",
        "/Workloads/Dev",
        "/Sandbox",
        "/Empty",
    ] {
        assert_eq!(folders[&moto.unit(path)]["path"], path);
    }
    let connections = created["connections"].as_object().expect("connections");
    assert_eq!(connections.len(), 7, "{connections:#?}");
    let data = &connections[&moto.account("Zoë's Data")];
    assert_eq!(data["path"], "/Workloads/Prod");
    assert_eq!(data["folder_id"], moto.unit("/Workloads/Prod"));
    assert_eq!(data["derived_handle"], "zoe_s_data");
    assert_eq!(
        connections[&moto.management()]["path"],
        "/",
        "the management account is an account too"
    );
    let mut shops: Vec<&str> = connections
        .values()
        .filter(|connection| connection["name"] == "Web Shop")
        .filter_map(|connection| connection["derived_handle"].as_str())
        .collect();
    shops.sort_unstable();
    assert_eq!(shops[0], "web_shop");
    assert!(
        shops[1].starts_with("web_shop_") && shops[1].len() == 21,
        "{shops:?}"
    );
    let data = workspace.attributes(DATA);
    assert_eq!(data["management_account_id"], moto.management());
    assert_eq!(data["root_id"], moto.root());
    assert_eq!(data["partition"], "aws");
    assert_eq!(data["feature_set"], "ALL");
    assert_eq!(
        data["organizational_units"]
            .as_object()
            .map(serde_json::Map::len),
        Some(5)
    );
    assert_eq!(
        data["accounts"][moto.account("Web Shop")]["email"],
        "shop@example.com"
    );
}

#[test]
fn an_account_joins() {
    let (moto, workspace) = mirrored();
    let joined = moto.command(
        "create_account",
        json!({ "name": "Newcomer", "parent": moto.unit("/Sandbox") }),
    );
    let id = joined["id"].as_str().expect("an ID");
    follows(&workspace, &json!({ "connections": { id: "+" } }));
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"][id]["path"],
        "/Sandbox"
    );
}

#[test]
fn an_account_leaves() {
    let (moto, workspace) = mirrored();
    moto.command(
        "remove_account",
        json!({ "account": moto.account("Ledger") }),
    );
    follows(
        &workspace,
        &json!({ "connections": { moto.account("Ledger"): "-" } }),
    );
}

#[test]
fn an_account_is_renamed() {
    let (moto, workspace) = mirrored();
    moto.command(
        "rename_account",
        json!({ "account": moto.account("Ledger"), "name": "Books" }),
    );
    follows(
        &workspace,
        &json!({ "connections": { moto.account("Ledger"): {
            "name": ["Ledger", "Books"],
            "derived_handle": ["ledger", "books"],
        } } }),
    );
}

#[test]
fn an_account_moves() {
    let (moto, workspace) = mirrored();
    let (from, to) = (moto.unit("/Workloads/Dev"), moto.unit("/Workloads/Prod"));
    moto.command(
        "move_account",
        json!({ "account": moto.account("Ledger"), "parent": to }),
    );
    follows(
        &workspace,
        &json!({ "connections": { moto.account("Ledger"): {
            "folder_id": [from, to],
            "path": ["/Workloads/Dev", "/Workloads/Prod"],
        } } }),
    );
}

#[test]
fn an_account_is_suspended_and_revived() {
    let (moto, workspace) = mirrored();
    let ledger = moto.account("Ledger");
    for (from, to) in [
        ("ACTIVE", "SUSPENDED"),
        ("SUSPENDED", "CLOSED"),
        ("CLOSED", "ACTIVE"),
    ] {
        moto.command(
            "set_account_state",
            json!({ "account": ledger, "state": to }),
        );
        follows(
            &workspace,
            &json!({ "connections": { &ledger: { "state": [from, to] } } }),
        );
    }
}

#[test]
fn an_account_that_closes_and_then_disappears_goes() {
    let (moto, workspace) = mirrored();
    let ledger = moto.account("Ledger");
    moto.command(
        "set_account_state",
        json!({ "account": ledger, "state": "CLOSED" }),
    );
    workspace.apply();
    moto.command("remove_account", json!({ "account": ledger }));
    follows(&workspace, &json!({ "connections": { ledger: "-" } }));
}

#[test]
fn an_account_first_seen_suspended_is_not_mirrored_until_it_is_active() {
    let (moto, workspace) = mirrored();
    let joined = moto.command(
        "create_account",
        json!({ "name": "Latecomer", "parent": moto.unit("/Sandbox"), "state": "SUSPENDED" }),
    );
    let id = joined["id"].as_str().expect("an ID");
    let plan = workspace.plan();
    plan.assert_no_changes();
    workspace.apply();
    assert_eq!(
        workspace.attributes(DATA)["accounts"][id]["state"],
        "SUSPENDED"
    );
    moto.command(
        "set_account_state",
        json!({ "account": id, "state": "ACTIVE" }),
    );
    follows(&workspace, &json!({ "connections": { id: "+" } }));
}

#[test]
fn a_unit_is_created_and_filled() {
    let (moto, workspace) = mirrored();
    let created = moto.command(
        "create_ou",
        json!({ "name": "Labs", "parent": moto.unit("/Sandbox") }),
    );
    let id = created["id"].as_str().expect("an ID");
    follows(&workspace, &json!({ "folders": { id: "+" } }));
    moto.command(
        "move_account",
        json!({ "account": moto.account("Playground"), "parent": id }),
    );
    follows(
        &workspace,
        &json!({ "connections": { moto.account("Playground"): {
            "folder_id": [moto.unit("/Sandbox"), id],
            "path": ["/Sandbox", "/Sandbox/Labs"],
        } } }),
    );
}

#[test]
fn a_unit_is_renamed() {
    let (moto, workspace) = mirrored();
    moto.command(
        "rename_ou",
        json!({ "ou": moto.unit("/Workloads"), "name": "Products" }),
    );
    let moved = |at: &str| json!([format!("/Workloads/{at}"), format!("/Products/{at}")]);
    let mut connections = json!({});
    for (id, connection) in workspace.attributes(INTEGRATION)["connections"]
        .as_object()
        .expect("connections")
    {
        if let Some(below) = connection["path"]
            .as_str()
            .and_then(|path| path.strip_prefix("/Workloads/"))
        {
            connections[id] = json!({ "path": moved(below) });
        }
    }
    follows(
        &workspace,
        &json!({
            "folders": {
                moto.unit("/Workloads"): {
                    "name": ["Workloads", "Products"],
                    "derived_handle": ["workloads", "products"],
                    "path": ["/Workloads", "/Products"],
                },
                moto.unit("/Workloads/Prod"): { "path": moved("Prod") },
                moto.unit("/Workloads/Dev"): { "path": moved("Dev") },
            },
            "connections": connections,
        }),
    );
}

#[test]
fn a_unit_moves_with_all_below_it() {
    let (moto, workspace) = mirrored();
    moto.command(
        "move_ou",
        json!({ "ou": moto.unit("/Workloads/Prod"), "parent": "/" }),
    );
    let path = json!({ "path": ["/Workloads/Prod", "/Prod"] });
    let mut connections = json!({});
    for (id, connection) in workspace.attributes(INTEGRATION)["connections"]
        .as_object()
        .expect("connections")
    {
        if connection["path"] == "/Workloads/Prod" {
            connections[id] = path.clone();
        }
    }
    assert_eq!(connections.as_object().map(serde_json::Map::len), Some(2));
    follows(
        &workspace,
        &json!({
            "folders": { moto.unit("/Workloads/Prod"): {
                "parent_id": [moto.unit("/Workloads"), moto.root()],
                "path": ["/Workloads/Prod", "/Prod"],
            } },
            "connections": connections,
        }),
    );
}

#[test]
fn a_unit_is_deleted() {
    let (moto, workspace) = mirrored();
    moto.command("delete_ou", json!({ "ou": moto.unit("/Empty") }));
    follows(
        &workspace,
        &json!({ "folders": { moto.unit("/Empty"): "-" } }),
    );
}

#[test]
fn a_unit_deleted_around_its_accounts_is_an_error_and_nothing_is_lost() {
    let (moto, workspace) = mirrored();
    // AWS refuses this; moto does it and leaves an account without a parent.
    moto.command(
        "delete_ou",
        json!({ "ou": moto.unit("/Sandbox"), "force": true }),
    );
    workspace
        .plan_fails()
        .assert_error(&[&moto.account("Playground")]);
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"][moto.account("Playground")]["path"],
        "/Sandbox"
    );
}

#[test]
fn an_email_changes_alone() {
    let (moto, workspace) = mirrored();
    let ledger = moto.account("Ledger");
    moto.command(
        "set_email",
        json!({ "account": ledger, "email": "books@example.com" }),
    );
    let plan = workspace.plan();
    let before = workspace.attributes(INTEGRATION)["connections"][&ledger]["email"].clone();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { &ledger: { "email": [before, "books@example.com"] } } }),
    );
    workspace.apply_saved(&plan);
    assert_eq!(
        workspace.attributes(INTEGRATION)["connections"][&ledger]["email"],
        "books@example.com"
    );
}

#[test]
fn tags_change_alone_where_they_are_read() {
    let (moto, workspace) = mirrored();
    let ledger = moto.account("Ledger");
    let hcl = |tags: bool| {
        format!(
            r#"
            data "orgmirror_aws_organization" "aws" {{ include_tags = {tags} }}
            {}
            "#,
            Integration::of(DATA).hcl()
        )
    };
    let plan = workspace.configure(&hcl(true)).plan();
    plan.assert_actions(INTEGRATION, &["update"]);
    let connections = &plan.difference(INTEGRATION)["connections"];
    assert_eq!(
        connections[moto.account("Audit")],
        json!({ "tags": [null, {}] })
    );
    assert_eq!(connections.as_object().map(serde_json::Map::len), Some(7));
    workspace.apply_saved(&plan);

    moto.command(
        "set_tags",
        json!({ "account": ledger, "tags": { "env": "prod" } }),
    );
    follows(
        &workspace,
        &json!({ "connections": { &ledger: { "tags": { "env": "+" } } } }),
    );
    moto.command(
        "set_tags",
        json!({ "account": ledger, "tags": { "env": "dev" } }),
    );
    follows(
        &workspace,
        &json!({ "connections": { &ledger: { "tags": { "env": ["prod", "dev"] } } } }),
    );
}

#[test]
fn a_saved_plan_applies_what_was_reviewed_even_if_the_organization_changed_since() {
    let (moto, workspace) = mirrored();
    let ledger = moto.account("Ledger");
    moto.command(
        "rename_account",
        json!({ "account": ledger, "name": "Books" }),
    );
    let reviewed = workspace.plan();
    let planned = reviewed.after(INTEGRATION);

    moto.command(
        "rename_account",
        json!({ "account": ledger, "name": "Archive" }),
    );
    moto.command(
        "remove_account",
        json!({ "account": moto.account("Audit") }),
    );
    moto.command("create_account", json!({ "name": "Newcomer" }));
    workspace.apply_saved_after_a_change(&reviewed);
    assert_eq!(workspace.attributes(INTEGRATION), planned);
    assert!(planned["connections"][moto.account("Audit")].is_object());

    let plan = workspace.plan();
    let difference = plan.difference(INTEGRATION);
    assert_eq!(
        difference["connections"][&ledger]["name"],
        json!(["Books", "Archive"])
    );
    assert_eq!(difference["connections"][moto.account("Audit")], "-");
    assert_eq!(
        difference["connections"]
            .as_object()
            .map(serde_json::Map::len),
        Some(3)
    );
    workspace.apply_saved(&plan);
}

#[test]
fn several_changes_at_once_are_one_difference() {
    let (moto, workspace) = mirrored();
    let created = moto.command("create_ou", json!({ "name": "Archive" }));
    let archive = created["id"].as_str().expect("an ID").to_owned();
    moto.command(
        "move_account",
        json!({ "account": moto.account("Playground"), "parent": archive }),
    );
    moto.command("delete_ou", json!({ "ou": moto.unit("/Sandbox") }));
    moto.command(
        "set_account_state",
        json!({ "account": moto.account("Audit"), "state": "SUSPENDED" }),
    );
    follows(
        &workspace,
        &json!({
            "folders": { archive.clone(): "+", moto.unit("/Sandbox"): "-" },
            "connections": {
                moto.account("Playground"): {
                    "folder_id": [moto.unit("/Sandbox"), archive],
                    "path": ["/Sandbox", "/Archive"],
                },
                moto.account("Audit"): { "state": ["ACTIVE", "SUSPENDED"] },
            },
        }),
    );
}
