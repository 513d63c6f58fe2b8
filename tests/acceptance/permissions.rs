//! Permissions on folders and connections: their life, import, drift, dormancy, and whom they reach.

use orgmirror_testing::terraform::{UNKNOWN, Workspace, quoted};
use serde_json::json;

use crate::PROVIDER;
use crate::catalogs::{assert_id, declare_workspaces, edit, entries};
use crate::configurations::{
    Integration, TREE, applied, beside, configure, labelled, of_integration, tree, tree_without,
};

const FOLDER: &str = "orgmirror_folder_permission.this";
const CONNECTION: &str = "orgmirror_connection_permission.this";

fn folder_permission(arguments: &str) -> String {
    of_integration("folder_permission", arguments)
}

fn connection_permission(arguments: &str) -> String {
    of_integration("connection_permission", arguments)
}

#[test]
fn a_folder_permission_is_planned_beside_a_new_integration() {
    let workspace = PROVIDER.workspace();
    let permission = folder_permission(
        r#"
        folder_path = "/Workloads"
        grantee     = "acme/security"
        match_tags  = { env = "prod" }
        "#,
    );
    let plan = configure(&workspace, &tree(), &permission).plan();
    plan.assert_no_warnings();
    assert_eq!(
        plan.after(FOLDER),
        json!({
            "id": UNKNOWN,
            "integration_id": UNKNOWN,
            "folder_id": null,
            "folder_path": "/Workloads",
            "grantee": "acme/security",
            "match_tags": { "env": "prod" },
        })
    );
    workspace.apply_saved(&plan).assert_none();
    let state = workspace.attributes(FOLDER);
    assert_id(&state["id"], "fp_");
    assert_eq!(
        entries(&workspace, "folder_permissions"),
        [json!({
            "id": state["id"],
            "integration_id": workspace.attributes("orgmirror_integration.aws")["id"],
            "folder": { "path": "/Workloads" },
            "grantee": "acme/security",
            "match_tags": { "env": "prod" },
        })]
    );
}

#[test]
fn a_connection_permission_is_planned_beside_a_new_integration() {
    let workspace = PROVIDER.workspace();
    let permission = connection_permission(
        r#"
        account_id = "333333333333"
        grantee    = "*"
        "#,
    );
    let plan = configure(&workspace, &tree(), &permission).plan();
    assert_eq!(
        plan.after(CONNECTION),
        json!({ "id": UNKNOWN, "integration_id": UNKNOWN, "account_id": "333333333333", "grantee": "*" })
    );
    workspace.apply_saved(&plan).assert_none();
    let state = workspace.attributes(CONNECTION);
    assert_id(&state["id"], "cp_");
    assert_eq!(
        entries(&workspace, "connection_permissions"),
        [json!({
            "id": state["id"],
            "integration_id": workspace.attributes("orgmirror_integration.aws")["id"],
            "account_id": "333333333333",
            "grantee": "*",
        })]
    );
}

#[test]
fn with_everything_known_only_the_id_is_not() {
    let workspace = applied(&tree(), "");
    let plan = configure(
        &workspace,
        &tree(),
        &folder_permission(
            r#"
            folder_id = "root"
            grantee   = "acme"
            "#,
        ),
    )
    .plan();
    let mut planned = plan.after(FOLDER);
    assert_eq!(planned["id"], UNKNOWN);
    workspace.apply_saved(&plan).assert_none();
    let created = workspace.attributes(FOLDER);
    planned["id"] = created["id"].clone();
    assert_eq!(created, planned, "only the ID was unknown");
}

#[test]
fn folder_grantee_and_tags_change_in_place() {
    let first = folder_permission(
        r#"
        folder_path = "/Workloads"
        grantee     = "acme"
        "#,
    );
    let workspace = applied(&tree(), &first);
    let id = workspace.attributes(FOLDER)["id"].clone();
    for (arguments, difference) in [
        (
            r#"
            folder_path = "/Sandbox"
            grantee     = "acme"
            "#,
            json!({ "folder_path": ["/Workloads", "/Sandbox"] }),
        ),
        (
            r#"
            folder_id = "ou-aaaa-prod0000"
            grantee   = "acme"
            "#,
            json!({ "folder_path": ["/Sandbox", null], "folder_id": [null, "ou-aaaa-prod0000"] }),
        ),
        (
            r#"
            folder_id = "ou-aaaa-prod0000"
            grantee   = "*"
            "#,
            json!({ "grantee": ["acme", "*"] }),
        ),
        (
            r#"
            folder_id  = "ou-aaaa-prod0000"
            grantee    = "*"
            match_tags = { env = "prod" }
            "#,
            json!({ "match_tags": [null, { "env": "prod" }] }),
        ),
        (
            r#"
            folder_id  = "ou-aaaa-prod0000"
            grantee    = "*"
            match_tags = { env = "test", empty = "" }
            "#,
            json!({ "match_tags": { "env": ["prod", "test"], "empty": "+" } }),
        ),
        (
            r#"
            folder_id  = "ou-aaaa-prod0000"
            grantee    = "*"
            match_tags = {}
            "#,
            json!({ "match_tags": { "env": "-", "empty": "-" } }),
        ),
    ] {
        let plan = configure(&workspace, &tree(), &folder_permission(arguments)).plan();
        plan.assert_in_place(FOLDER, &difference);
        workspace.apply_saved(&plan);
    }
    assert_eq!(workspace.attributes(FOLDER)["id"], id);
}

#[test]
fn account_and_grantee_change_in_place() {
    let first = connection_permission(
        r#"
        account_id = "333333333333"
        grantee    = "acme"
        "#,
    );
    let workspace = applied(&tree(), &first);
    let id = workspace.attributes(CONNECTION)["id"].clone();
    for (arguments, difference) in [
        (
            r#"
            account_id = "111111111111"
            grantee    = "acme"
            "#,
            json!({ "account_id": ["333333333333", "111111111111"] }),
        ),
        (
            r#"
            account_id = "111111111111"
            grantee    = "acme/finops"
            "#,
            json!({ "grantee": ["acme", "acme/finops"] }),
        ),
    ] {
        let plan = configure(&workspace, &tree(), &connection_permission(arguments)).plan();
        plan.assert_in_place(CONNECTION, &difference);
        workspace.apply_saved(&plan);
    }
    assert_eq!(workspace.attributes(CONNECTION)["id"], id);
}

#[test]
fn another_integration_replaces_a_permission() {
    let other = tree().label("other").set_text("handle", "globex").hcl();
    let permission = connection_permission(
        r#"
        account_id = "333333333333"
        grantee    = "acme"
        "#,
    );
    let workspace = applied(&tree(), &format!("{other}{permission}"));
    let before = workspace.attributes(CONNECTION)["id"].clone();
    let moved = permission.replace("orgmirror_integration.aws", "orgmirror_integration.other");
    let plan = configure(&workspace, &tree(), &format!("{other}{moved}")).plan();
    plan.assert_actions(CONNECTION, &["delete", "create"]);
    assert_eq!(plan.replace_paths(CONNECTION), json!([["integration_id"]]));
    workspace.apply_saved(&plan);
    assert_ne!(workspace.attributes(CONNECTION)["id"], before);
    assert_eq!(entries(&workspace, "connection_permissions").len(), 1);
}

#[test]
fn a_permission_that_was_edited_or_deleted_by_hand_shows_and_is_restored() {
    let permission = folder_permission(
        r#"
        folder_path = "/Workloads"
        grantee     = "acme"
        "#,
    );
    let workspace = applied(&tree(), &permission);
    let id = workspace.attributes(FOLDER)["id"].clone();
    let id = id.as_str().unwrap();
    edit(&workspace, |document| {
        let entry = &mut document["folder_permissions"][id];
        entry["grantee"] = json!("*");
        entry["folder"] = json!({ "id": "root" });
    });
    let plan = workspace.plan();
    plan.assert_in_place(
        FOLDER,
        &json!({ "grantee": ["*", "acme"], "folder_id": ["root", null], "folder_path": [null, "/Workloads"] }),
    );
    workspace.apply_saved(&plan);

    edit(&workspace, |document| {
        document["folder_permissions"] = json!({});
    });
    let plan = workspace.plan();
    plan.assert_actions(FOLDER, &["create"]);
    workspace.apply_saved(&plan);
    assert_ne!(workspace.attributes(FOLDER)["id"], id);

    std::fs::remove_dir_all(workspace.path().join(".orgmirror")).expect("the catalog can go");
    workspace
        .plan_fails()
        .assert_error(&["The catalog is missing", "terraform state rm"]);
}

#[test]
fn what_leaves_makes_permissions_dormant_and_they_revive() {
    let permissions = [
        labelled(
            "folder_permission",
            "by_path",
            r#"
            folder_path = "/Sandbox"
            grantee     = "acme"
            "#,
        ),
        labelled(
            "folder_permission",
            "by_id",
            r#"
            folder_id = "ou-aaaa-sandbox0"
            grantee   = "acme"
            "#,
        ),
        labelled(
            "connection_permission",
            "lab",
            r#"
            account_id = "222222222222"
            grantee    = "acme"
            "#,
        ),
    ]
    .concat();
    let workspace = applied(&tree(), &permissions);
    declare_workspaces(&workspace, &["acme/security"]);
    let ids = |workspace: &Workspace| {
        [
            "orgmirror_folder_permission.by_path",
            "orgmirror_folder_permission.by_id",
            "orgmirror_connection_permission.lab",
        ]
        .map(|address| workspace.attributes(address)["id"].clone())
    };
    let before = ids(&workspace);

    let without = TREE
        .lines()
        .filter(|line| !line.contains("ou-aaaa-sandbox0"));
    let without = Integration::of(&without.collect::<Vec<_>>().join("\n"))
        .set("deletion_protection", "false");
    let plan = configure(&workspace, &without, &permissions).plan();
    plan.assert_warning(&[
        "Permissions and overrides become dormant",
        "the permission on the folder /Sandbox for \"acme\"",
        "the permission on the folder ou-aaaa-sandbox0 for \"acme\"",
        "the permission on the account 222222222222 for \"acme\"",
        before[2].as_str().unwrap(),
    ])
    .assert_warning(&["Connections of acme/security: 1 lost", "lab (222222222222"]);
    workspace.apply_saved(&plan);

    let plan = workspace.plan();
    plan.assert_no_changes();
    for (kind, what) in [
        ("folder", "the folder /Sandbox"),
        ("folder", "the folder ou-aaaa-sandbox0"),
        ("connection", "the account 222222222222"),
    ] {
        plan.assert_warning(&[&format!("Dormant {kind} permission"), "\"acme\"", what]);
    }
    // A dormant permission can be changed, and goes like any other.
    configure(
        &workspace,
        &without,
        &permissions.replace(r#"= "acme""#, r#"= "*""#),
    )
    .apply();
    configure(&workspace, &without, &permissions).apply();

    let plan = configure(&workspace, &tree(), &permissions).plan();
    plan.assert_warning(&[
        "Connections of acme/security: 1 gained",
        "lab (222222222222",
    ]);
    workspace.apply_saved(&plan);
    workspace.plan().assert_no_changes().assert_no_warnings();
    assert_eq!(ids(&workspace), before, "they revive with the same ID");
}

#[test]
fn what_is_not_there_is_a_warning_at_plan_and_an_error_at_apply() {
    for (permission, fragments) in [
        (
            folder_permission(
                r#"
                folder_path = "/workloads"
                grantee     = "acme"
                "#,
            ),
            [
                "No such folder",
                "no folder \"/workloads\"",
                "did you mean \"/Workloads\"",
            ],
        ),
        (
            folder_permission(
                r#"
                folder_id = "ou-aaaa-workloas"
                grantee   = "acme"
                "#,
            ),
            [
                "No such folder",
                "no folder \"ou-aaaa-workloas\"",
                "\"ou-aaaa-workload\" (/Workloads)",
            ],
        ),
        (
            connection_permission(
                r#"
                account_id = "111111111112"
                grantee    = "acme"
                "#,
            ),
            [
                "No such account",
                "no account \"111111111112\"",
                "\"111111111111\" (\"shop\")",
            ],
        ),
        (
            connection_permission(
                r#"
                account_id = "111111111111"
                grantee    = "acme"
                "#,
            )
            .replace("orgmirror_integration.aws.id", "\"in_of_another_tenant\""),
            [
                "No such integration",
                "in_of_another_tenant",
                "tenant \"default\"",
            ],
        ),
    ] {
        let workspace = applied(&tree(), "");
        let plan = configure(&workspace, &tree(), &permission).plan();
        plan.assert_warning(&fragments)
            .assert_warning(&["Unless this run changes that, the apply will fail"]);
        workspace.apply_fails().assert_only_error(&fragments);
        assert!(!workspace.holds(FOLDER) && !workspace.holds(CONNECTION));
    }
}

#[test]
fn what_the_same_run_adds_can_be_granted() {
    let workspace = applied(&tree_without("\"222222222222\""), "");
    let permission = connection_permission(
        r#"
        account_id = "222222222222"
        grantee    = "acme"
        "#,
    );
    let plan = configure(&workspace, &tree(), &permission).plan();
    plan.assert_warning(&[
        "No such account",
        "222222222222",
        "Unless this run changes that",
    ]);
    workspace.apply_saved(&plan);
    workspace.plan().assert_no_changes().assert_no_warnings();
}

#[test]
fn an_organizations_integration_is_shared_inside_it_only() {
    let integration = tree().set_text("organization", "platform");
    let workspace = applied(&integration, "");
    configure(
        &workspace,
        &integration,
        &folder_permission(
            r#"
            folder_path = "/"
            grantee     = "acme/security"
            "#,
        ),
    );
    let fragments = ["Grantee out of scope", "\"acme/security\"", "platform"];
    workspace.plan().assert_warning(&fragments);
    workspace.apply_fails().assert_only_error(&fragments);
    for grantee in ["*", "platform", "platform/security"] {
        configure(
            &workspace,
            &integration,
            &folder_permission(&format!(
                r#"
                folder_path = "/"
                grantee     = "{grantee}"
                "#
            )),
        )
        .apply();
    }
}

#[test]
fn two_configurations_can_grant_the_same_and_access_ends_with_the_last() {
    let permission = folder_permission(
        r#"
        folder_path = "/Sandbox"
        grantee     = "acme"
        "#,
    );
    let first = applied(&tree(), &permission);
    declare_workspaces(&first, &["acme/security"]);
    let (second, id) = beside(&first);
    second
        .configure(&permission.replace("orgmirror_integration.aws.id", &quoted(&id)))
        .plan()
        .assert_no_warnings();
    second.apply();
    assert_eq!(entries(&first, "folder_permissions").len(), 2);

    first
        .plan_with(&["-destroy", "-target", FOLDER])
        .assert_no_warning_of("Connections of");
    configure(&first, &tree(), "")
        .plan()
        .assert_no_warning_of("Connections of");
    first.apply();
    assert_eq!(entries(&first, "folder_permissions").len(), 1);

    second
        .plan_with(&["-destroy"])
        .assert_warning(&["Connections of acme/security: 1 lost", "lab (222222222222"]);
    second.destroy();
    assert!(entries(&first, "folder_permissions").is_empty());
}

#[test]
fn permissions_go_with_their_integration_in_all_configurations() {
    let permission = folder_permission(
        r#"
        folder_path = "/"
        grantee     = "*"
        "#,
    );
    let first = applied(&tree(), "");
    declare_workspaces(&first, &["acme/security"]);
    let (second, id) = beside(&first);
    second
        .configure(&permission.replace("orgmirror_integration.aws.id", &quoted(&id)))
        .apply();
    let held = second.attributes(FOLDER)["id"].clone();

    first
        .plan_with(&["-destroy"])
        .assert_warning(&[
            "Permissions and overrides are removed with the integration",
            "the permission on the folder / for \"*\"",
            held.as_str().unwrap(),
        ])
        .assert_warning(&["Connections of acme/security: 3 lost"]);
    configure(&first, &tree().set_text("organization", "platform"), "")
        .plan()
        .assert_warning(&["Permissions and overrides are removed with the integration"]);
    configure(&first, &tree(), "").destroy();
    assert!(entries(&first, "folder_permissions").is_empty());

    let plan = second.plan();
    plan.assert_actions(FOLDER, &["create"])
        .assert_warning(&["No such integration", &id]);
    second.destroy();
}

#[test]
fn a_permission_that_reaches_workspaces_says_whom() {
    let workspace = applied(&tree(), "");
    declare_workspaces(&workspace, &["acme/finops", "acme/security", "globex/lab"]);
    let plan = configure(
        &workspace,
        &tree(),
        &folder_permission(
            r#"
            folder_path = "/Workloads"
            grantee     = "acme/security"
            "#,
        ),
    )
    .plan();
    plan.assert_warning(&[
        "Connections of acme/security: 1 gained",
        "shop (111111111111",
    ]);
    workspace.apply_saved(&plan);

    let wider = folder_permission(
        r#"
        folder_path = "/"
        grantee     = "acme"
        "#,
    );
    configure(&workspace, &tree(), &wider)
        .plan()
        .assert_warning(&[
            "Connections of acme/security: 2 gained",
            "hub (333333333333",
            "lab (222222222222",
        ])
        .assert_warning(&["Connections of acme/finops: 3 gained"]);
    workspace.apply();

    let tagged = folder_permission(
        r#"
        folder_path = "/"
        grantee     = "acme"
        match_tags  = { env = "prod" }
        "#,
    );
    configure(&workspace, &tree(), &tagged)
        .plan()
        .assert_warning(&[
            "Connections of acme/finops and 1 more workspace: 2 lost",
            "acme/security",
            "hub (333333333333",
            "lab (222222222222",
        ]);
    workspace.apply();
    configure(&workspace, &tree(), "")
        .plan()
        .assert_warning(&["1 lost", "shop (111111111111"]);
}

#[test]
fn permissions_are_imported_by_path_by_id_and_by_their_own_id() {
    let both = [
        labelled(
            "folder_permission",
            "path",
            r#"
            folder_path = "/Workloads/Prod: live"
            grantee     = "acme/security"
            "#,
        ),
        labelled(
            "folder_permission",
            "id",
            r#"
            folder_id = "ou-aaaa-sandbox0"
            grantee   = "*"
            "#,
        ),
        labelled(
            "connection_permission",
            "hub",
            r#"
            account_id = "333333333333"
            grantee    = "acme"
            "#,
        ),
    ]
    .concat();
    let workspace = applied(&tree(), &both);
    let (path, id, hub) = (
        "orgmirror_folder_permission.path",
        "orgmirror_folder_permission.id",
        "orgmirror_connection_permission.hub",
    );
    let own = workspace.attributes(hub)["id"].clone();
    for (address, import_id) in [
        (path, "acme:/Workloads/Prod: live:acme/security"),
        (path, "acme:ou-aaaa-prod0000:acme/security"),
        (id, "acme:/Sandbox:*"),
        (id, "acme:ou-aaaa-sandbox0:*"),
        (hub, "acme:333333333333:acme"),
        (hub, own.as_str().unwrap()),
    ] {
        let before = workspace.attributes(address);
        workspace.forget(address);
        workspace.import(address, import_id);
        assert_eq!(workspace.attributes(address), before, "{import_id}");
    }
    workspace.plan().assert_no_changes().assert_no_warnings();
}

#[test]
fn an_import_that_names_nothing_or_several_says_what_there_is() {
    let permission = folder_permission(
        r#"
        folder_path = "/Sandbox"
        grantee     = "acme"
        "#,
    );
    let twin = labelled(
        "folder_permission",
        "twin",
        r#"
        folder_path = "/Sandbox"
        grantee     = "acme"
        match_tags  = { env = "prod" }
        "#,
    );
    let by_id = labelled(
        "folder_permission",
        "by_id",
        r#"
        folder_id = "ou-aaaa-sandbox0"
        grantee   = "acme"
        "#,
    );
    let workspace = applied(&tree(), &format!("{permission}{twin}{by_id}"));
    let id = |address: &str| {
        let id = workspace.attributes(address)["id"].clone();
        id.as_str().unwrap().to_owned()
    };
    let (first, second) = (id(FOLDER), id("orgmirror_folder_permission.twin"));
    let third = id("orgmirror_folder_permission.by_id");
    workspace.forget(FOLDER);
    workspace
        .import_fails(FOLDER, "acme:/Sandbox:acme")
        .assert_error(&[
            "More than one folder permission",
            &first,
            &second,
            "Import by the ID",
        ]);
    for import_id in [
        "acme:/Sandbox:*",
        "acme:/Workloads:acme",
        "acme:/Sandbox",
        "acme",
        "fp_1",
    ] {
        workspace.import_fails(FOLDER, import_id).assert_error(&[
            "No such folder permission",
            import_id,
            "acme:/Workloads:acme/security",
            &format!("acme:/Sandbox:acme ({first})"),
            &format!("acme:ou-aaaa-sandbox0:acme ({third})"),
        ]);
    }
    workspace
        .import_fails(FOLDER, "acne:/Sandbox:acme")
        .assert_error(&["No such integration", "acne", "acme"]);
    workspace.forget("orgmirror_folder_permission.by_id");
    workspace.import(
        "orgmirror_folder_permission.by_id",
        "acme:ou-aaaa-sandbox0:acme",
    );
    workspace.import(FOLDER, &first);
    workspace.plan().assert_no_changes();
}

#[test]
fn arguments_are_validated_before_anything_is_planned() {
    for (permission, fragments) in [
        (
            folder_permission(r#"grantee = "acme""#),
            &["Missing folder", "folder_id", "folder_path"][..],
        ),
        (
            folder_permission(
                r#"
                folder_id   = null
                folder_path = null
                grantee     = "acme"
                "#,
            ),
            &["Missing folder"],
        ),
        (
            folder_permission(
                r#"
                folder_id   = "root"
                folder_path = "/"
                grantee     = "acme"
                "#,
            ),
            &[
                "Conflicting folder arguments",
                "\"root\"",
                "\"/\"",
                "Remove one",
            ],
        ),
        (
            folder_permission(
                r#"
                folder_path = "Workloads"
                grantee     = "acme"
                "#,
            ),
            &["folder_path", "\"Workloads\"", "starts with /"],
        ),
        (
            folder_permission(
                r#"
                folder_path = "/Workloads/"
                grantee     = "acme"
                "#,
            ),
            &["folder_path", "no / at its end"],
        ),
        (
            folder_permission(
                r#"
                folder_path = "/100%"
                grantee     = "acme"
                "#,
            ),
            &["folder_path", "%25"],
        ),
        (
            folder_permission(
                r#"
                folder_id = "/Workloads"
                grantee   = "acme"
                "#,
            ),
            &["folder_id", "is a path", "folder_path"],
        ),
        (
            folder_permission(
                r#"
                folder_id = "111122223333"
                grantee   = "acme"
                "#,
            ),
            &["folder_id", "12 digits"],
        ),
        (
            folder_permission(
                r#"
                folder_id = "root"
                grantee   = "acme/*"
                "#,
            ),
            &["grantee", "acme/*"],
        ),
        (
            folder_permission(
                r#"
                folder_id = "root"
                grantee   = "Acme"
                "#,
            ),
            &["grantee", "Acme", "acme"],
        ),
        (
            folder_permission(
                r#"
                folder_id  = "root"
                grantee    = "*"
                match_tags = { "" = "x" }
                "#,
            ),
            &["match_tags", "must not be empty"],
        ),
        (
            folder_permission(
                r#"
                folder_id  = "root"
                grantee    = "*"
                match_tags = { env = null }
                "#,
            ),
            &["Null element", "match_tags"],
        ),
        (
            folder_permission(
                r#"
                folder_id = "root"
                grantee   = "*"
                "#,
            )
            .replace("orgmirror_integration.aws.id", "\"\""),
            &["integration_id", "must not be empty"],
        ),
        (
            connection_permission(
                r#"
                account_id = "shop"
                grantee    = "*"
                "#,
            ),
            &["account_id", "12 digits"],
        ),
    ] {
        let workspace = PROVIDER.workspace();
        configure(&workspace, &tree(), &permission)
            .plan_fails()
            .assert_only_error(fragments);
    }
}

#[test]
fn inputs_made_in_the_same_run_are_taken() {
    let workspace = PROVIDER.workspace();
    let made = r#"
        resource "terraform_data" "made" {
          input = "acme"
        }
        "#;
    let path = r#"folder_path = "/${terraform_data.made.output == "acme" ? "Workloads" : ""}""#;
    let permissions = [
        folder_permission(&format!(
            "
            {path}
            grantee    = terraform_data.made.output
            match_tags = {{ env = terraform_data.made.output }}
            "
        )),
        labelled(
            "folder_permission",
            "late",
            r#"
            folder_id   = terraform_data.made.output == "acme" ? "root" : null
            folder_path = terraform_data.made.output == "acme" ? null : "/"
            grantee     = "*"
            "#,
        ),
    ]
    .concat();
    let plan = configure(&workspace, &tree(), &format!("{made}{permissions}")).plan();
    plan.assert_no_warnings();
    assert_eq!(plan.after(FOLDER)["grantee"], UNKNOWN);
    workspace.apply_saved(&plan);
    assert_eq!(workspace.attributes(FOLDER)["folder_path"], "/Workloads");
    assert_eq!(
        workspace.attributes("orgmirror_folder_permission.late")["folder_id"],
        "root"
    );

    // What turns out to be wrong is an error then.
    let wrong = PROVIDER.workspace();
    configure(
        &wrong,
        &tree(),
        &format!(
            "{made}{}",
            folder_permission(
                r#"
                folder_path = terraform_data.made.output
                grantee     = "*"
                "#
            )
        ),
    )
    .plan();
    wrong
        .apply_fails()
        .assert_only_error(&["folder_path", "\"acme\"", "starts with /"]);
}

/// An account that somebody moves into a granted OU must not get there unseen.
#[test]
fn an_account_that_moves_under_a_grant_is_told_in_the_integrations_plan() {
    let permission = folder_permission(
        r#"
        folder_path = "/Workloads"
        grantee     = "acme"
        "#,
    );
    let workspace = applied(&tree(), &permission);
    declare_workspaces(&workspace, &["acme/security"]);
    let moved = TREE.replace(
        r#"name = "lab", parent_id = "ou-aaaa-sandbox0""#,
        r#"name = "lab", parent_id = "ou-aaaa-prod0000""#,
    );
    let moved = Integration::of(&moved).set("deletion_protection", "false");
    let plan = configure(&workspace, &moved, &permission).plan();
    plan.assert_warning(&[
        "Connections of acme/security: 1 gained",
        "lab (222222222222 \"lab\" in /Workloads/Prod: live)",
    ]);
    workspace.apply_saved(&plan);
}

#[test]
fn names_that_are_not_known_yet_give_no_false_warnings() {
    let made = |value: &str| {
        format!(
            r#"
            resource "terraform_data" "made" {{
              input = "{value}"
            }}
            "#
        )
    };
    let organization = TREE
        .replace("\"Workloads\"", "terraform_data.made.output")
        .replace("\"hub\"", "terraform_data.made.output");
    let integration = Integration::of(&organization).set("deletion_protection", "false");
    let permissions = [
        folder_permission(
            r#"
            folder_path = "/Workloads"
            grantee     = "acme"
            "#,
        ),
        connection_permission(
            r#"
            account_id = "333333333333"
            grantee    = "acme"
            "#,
        ),
    ]
    .concat();
    let with = |value: &str| format!("{}{permissions}", made(value));
    let workspace = applied(&integration, &with("Workloads"));
    declare_workspaces(&workspace, &["acme/security"]);
    configure(&workspace, &integration, &with("Products"))
        .plan()
        .assert_no_warnings();
    // When the names are known, during the apply, so is what they do.
    workspace
        .apply()
        .assert_warning(&["Permissions and overrides become dormant", "/Workloads"])
        .assert_warning(&["Connections of acme/security: 1 lost", "shop (111111111111"]);
}
