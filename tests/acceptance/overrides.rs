//! Overrides of folders and connections: their life, import, drift, dormancy, conflicts, and the handles they give.

use orgmirror_testing::terraform::{UNKNOWN, Workspace, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::catalogs::{assert_id, declare_workspaces, document, edit, entries};
use crate::configurations::{
    INTEGRATION, Integration, TREE, applied, beside, configure, labelled, of_integration, tree,
    tree_without,
};

const FOLDER: &str = "orgmirror_folder_override.this";
const CONNECTION: &str = "orgmirror_connection_override.this";

fn folder_override(arguments: &str) -> String {
    of_integration("folder_override", arguments)
}

fn connection_override(arguments: &str) -> String {
    of_integration("connection_override", arguments)
}

/// Published handles that differ from the derived ones.
fn effective_handles(workspace: &Workspace) -> Value {
    let document = document(workspace);
    let integrations = document["integrations"].as_object();
    let integration = integrations.and_then(|all| {
        all.values()
            .find(|integration| integration["handle"] == "acme")
    });
    integration.expect("an integration")["effective_handles"].clone()
}

const EVERYTHING: &str = r#"
  external_id              = "acme:1"
  regions                  = ["eu-*", "us-east-1"]
  default_region           = "eu-west-1"
  max_error_retry_attempts = 3
  min_error_retry_delay    = 50
  ignore_error_codes       = ["AccessDenied"]
  enabled                  = false
"#;

fn everything(own: &Value) -> Value {
    let mut all = json!({
        "external_id": "acme:1",
        "regions": ["eu-*", "us-east-1"],
        "default_region": "eu-west-1",
        "max_error_retry_attempts": 3,
        "min_error_retry_delay": 50,
        "ignore_error_codes": ["AccessDenied"],
        "enabled": false,
    });
    let own = own.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(own);
    all
}

#[test]
fn a_connection_override_with_everything_is_planned_beside_a_new_integration() {
    let workspace = PROVIDER.workspace();
    let own = r#"
        account_id = "333333333333"
        handle     = "core"
        role_arn   = "arn:aws:iam::333333333333:role/ops/hub"
        "#;
    let plan = configure(
        &workspace,
        &tree(),
        &connection_override(&format!("{own}{EVERYTHING}")),
    )
    .plan();
    plan.assert_no_warnings();
    let expected = |id: &Value, integration_id: &Value| {
        everything(&json!({
            "id": id,
            "integration_id": integration_id,
            "account_id": "333333333333",
            "handle": "core",
            "role_arn": "arn:aws:iam::333333333333:role/ops/hub",
        }))
    };
    let unknown = json!(UNKNOWN);
    assert_eq!(plan.after(CONNECTION), expected(&unknown, &unknown));
    workspace.apply_saved(&plan).assert_none();
    let state = workspace.attributes(CONNECTION);
    assert_id(&state["id"], "co_");
    let integration = workspace.attributes(INTEGRATION);
    assert_eq!(state, expected(&state["id"], &integration["id"]));
    assert_eq!(
        entries(&workspace, "connection_overrides"),
        [json!({
            "id": state["id"],
            "integration_id": integration["id"],
            "account_id": "333333333333",
            "handle": "core",
            "role_arn": "arn:aws:iam::333333333333:role/ops/hub",
            "settings": everything(&json!({})),
        })]
    );
    assert_eq!(
        integration["connections"]["333333333333"]["derived_handle"], "hub",
        "no change to one resource makes another look changed"
    );
}

#[test]
fn a_folder_override_with_everything_is_planned_beside_a_new_integration() {
    let workspace = PROVIDER.workspace();
    let own = r#"
        folder_path = "/Workloads"
        handle      = "wl"
        role_name   = "ops/audit"
        "#;
    let plan = configure(
        &workspace,
        &tree(),
        &folder_override(&format!("{own}{EVERYTHING}")),
    )
    .plan();
    let mut planned = plan.after(FOLDER);
    workspace.apply_saved(&plan).assert_none();
    let state = workspace.attributes(FOLDER);
    assert_id(&state["id"], "fo_");
    let integration_id = workspace.attributes(INTEGRATION)["id"].clone();
    assert_eq!(
        state,
        everything(&json!({
            "id": state["id"],
            "integration_id": integration_id,
            "folder_id": null,
            "folder_path": "/Workloads",
            "handle": "wl",
            "role_name": "ops/audit",
        }))
    );
    planned["id"] = state["id"].clone();
    planned["integration_id"] = integration_id.clone();
    assert_eq!(planned, state, "only the IDs were unknown");
    assert_eq!(
        entries(&workspace, "folder_overrides"),
        [json!({
            "id": state["id"],
            "integration_id": integration_id,
            "folder": { "path": "/Workloads" },
            "handle": "wl",
            "role_name": "ops/audit",
            "settings": everything(&json!({})),
        })]
    );
}

#[test]
fn every_setting_changes_in_place_and_returns_to_what_is_inherited() {
    let settings = [
        ("external_id", "\"acme:1\"", "\"acme:2\""),
        ("regions", r#"["*"]"#, r#"["eu-*"]"#),
        ("default_region", "\"eu-west-1\"", "\"eu-west-2\""),
        ("max_error_retry_attempts", "1", "2"),
        ("min_error_retry_delay", "1", "2"),
        ("ignore_error_codes", "[]", r#"["AccessDenied"]"#),
        ("handle", "\"first\"", "\"second\""),
    ];
    let arn = |name: &str| format!("\"arn:aws:iam::333333333333:role/{name}\"");
    for (address, kind, own, role, [first_role, second_role]) in [
        (
            CONNECTION,
            "connection_override",
            r#"account_id = "333333333333""#,
            "role_arn",
            [arn("x"), arn("y")],
        ),
        (
            FOLDER,
            "folder_override",
            r#"folder_id = "root""#,
            "role_name",
            ["\"x\"".to_owned(), "\"y\"".to_owned()],
        ),
    ] {
        let settings = settings
            .into_iter()
            .chain([(role, first_role.as_str(), second_role.as_str())])
            .chain([("enabled", "true", "false")]);
        let settings: Vec<_> = settings.collect();
        let [inherited, first, second] = [0, 1, 2].map(|step| {
            let lines = settings.iter().map(|(name, first, second)| {
                let value = ["null", first, second][step];
                format!("{name} = {value}\n")
            });
            of_integration(kind, &format!("{own}\n{}", lines.collect::<String>()))
        });
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let difference = |from: usize, to: usize| {
            let changes = settings.iter().filter_map(|(name, first, second)| {
                let nothing = if *name == "enabled" { "true" } else { "null" };
                let values = [nothing, first, second].map(value);
                let change = json!([values[from], values[to]]);
                (values[from] != values[to]).then(|| ((*name).to_owned(), change))
            });
            Value::Object(changes.collect())
        };
        let workspace = applied(&tree(), &inherited);
        let id = workspace.attributes(address)["id"].clone();
        for (declared, difference) in [
            (&first, difference(0, 1)),
            (&second, difference(1, 2)),
            (&inherited, difference(2, 0)),
        ] {
            let plan = configure(&workspace, &tree(), declared).plan();
            plan.assert_in_place(address, &difference);
            if declared == &inherited {
                plan.assert_warning(&["The override changes nothing", role, "external_id"]);
            }
            workspace.apply_saved(&plan);
        }
        assert_eq!(workspace.attributes(address)["id"], id);
        workspace.plan().assert_no_changes().assert_no_warnings();
    }
}

#[test]
fn another_object_or_integration_replaces_an_override() {
    let other = tree()
        .label("other")
        .set_text("handle", "globex")
        .set_text("handle_prefix", "gx_");
    let other = other.hcl();
    let workspace = PROVIDER.workspace();
    let step = |rest: &str, address: &str, paths: &Value| {
        let plan = configure(&workspace, &tree(), &format!("{other}{rest}")).plan();
        plan.assert_actions(address, &["delete", "create"]);
        assert_eq!(&plan.replace_paths(address), paths);
        workspace.apply_saved(&plan);
    };
    let start = |rest: &str| {
        configure(&workspace, &tree(), &format!("{other}{rest}")).apply();
    };
    let hub = connection_override(
        r#"
        account_id = "333333333333"
        handle     = "core"
        "#,
    );
    start(&hub);
    let shop = hub.replace("333333333333", "111111111111");
    step(&shop, CONNECTION, &json!([["account_id"]]));
    assert_eq!(
        effective_handles(&workspace),
        json!({ "111111111111": "core" })
    );
    let globex = shop.replace("orgmirror_integration.aws", "orgmirror_integration.other");
    step(&globex, CONNECTION, &json!([["integration_id"]]));

    let by_id = folder_override(
        r#"
        folder_id = "ou-aaaa-workload"
        handle    = "wl"
        "#,
    );
    start(&by_id);
    let by_path = folder_override(
        r#"
        folder_path = "/Workloads"
        handle      = "wl"
        "#,
    );
    step(&by_path, FOLDER, &json!([["folder_id"], ["folder_path"]]));
    let sandbox = folder_override(
        r#"
        folder_path = "/Sandbox"
        handle      = "wl"
        "#,
    );
    step(&sandbox, FOLDER, &json!([["folder_path"]]));
    assert_eq!(entries(&workspace, "folder_overrides").len(), 1);
}

#[test]
fn an_override_that_was_edited_or_deleted_by_hand_shows_and_is_restored() {
    let workspace = applied(
        &tree(),
        &connection_override(
            r#"
            account_id = "333333333333"
            regions    = ["eu-west-1"]
            "#,
        ),
    );
    let id = workspace.attributes(CONNECTION)["id"].clone();
    let id = id.as_str().unwrap();
    edit(&workspace, |document| {
        let entry = &mut document["connection_overrides"][id];
        entry["settings"]["regions"] = json!(["*"]);
        entry["settings"]["enabled"] = json!(false);
        entry["role_arn"] = json!("arn:aws:iam::333333333333:role/admin");
    });
    let plan = workspace.plan();
    plan.assert_in_place(
        CONNECTION,
        &json!({
            "regions": [["*"], ["eu-west-1"]],
            "enabled": [false, true],
            "role_arn": ["arn:aws:iam::333333333333:role/admin", null],
        }),
    );
    workspace.apply_saved(&plan);
    edit(&workspace, |document| {
        document["connection_overrides"] = json!({})
    });
    let plan = workspace.plan();
    plan.assert_actions(CONNECTION, &["create"]);
    workspace.apply_saved(&plan);
}

#[test]
fn an_override_that_was_edited_into_another_accounts_counts_as_gone() {
    let declared = connection_override(
        r#"
        account_id = "333333333333"
        regions    = ["eu-west-1"]
        "#,
    );
    let workspace = applied(&tree(), &declared);
    edit(&workspace, |document| {
        let overrides = document["connection_overrides"].as_object_mut();
        for each in overrides.unwrap().values_mut() {
            each["account_id"] = json!("222222222222");
        }
    });
    workspace
        .plan()
        .assert_actions(CONNECTION, &["create"])
        .assert_warning(&[
            "The connection override was changed outside Terraform",
            "edited by hand",
            "222222222222",
            "333333333333",
        ]);
    workspace.apply();
    let mut accounts: Vec<Value> = entries(&workspace, "connection_overrides")
        .into_iter()
        .map(|each| each["account_id"].clone())
        .collect();
    accounts.sort_by_key(Value::to_string);
    assert_eq!(accounts, [json!("222222222222"), json!("333333333333")]);
}

#[test]
fn overrides_are_imported_by_path_by_id_and_by_account() {
    let both = [
        folder_override(
            r#"
            folder_path = "/Workloads/Prod: live"
            regions     = ["eu-*"]
            "#,
        ),
        connection_override(
            r#"
            account_id         = "333333333333"
            ignore_error_codes = []
            "#,
        ),
    ]
    .concat();
    let workspace = applied(&tree(), &both);
    for (address, import_id) in [
        (FOLDER, "acme:/Workloads/Prod: live"),
        (FOLDER, "acme:ou-aaaa-prod0000"),
        (CONNECTION, "acme:333333333333"),
    ] {
        let before = workspace.attributes(address);
        workspace.forget(address);
        workspace.import(address, import_id);
        assert_eq!(workspace.attributes(address), before, "{import_id}");
    }
    workspace.plan().assert_no_changes().assert_no_warnings();
    workspace.forget(CONNECTION);
    workspace
        .import_fails(CONNECTION, "acme:111111111111")
        .assert_error(&[
            "No such connection override",
            "acme:111111111111",
            "acme:333333333333 (co_",
        ]);
    workspace.import(CONNECTION, "acme:333333333333");
}

#[test]
fn a_handle_that_an_override_gives_stays_through_a_rename() {
    let both = [
        connection_override(
            r#"
            account_id = "333333333333"
            handle     = "core"
            "#,
        ),
        folder_override(
            r#"
            folder_id = "ou-aaaa-workload"
            handle    = "wl"
            "#,
        ),
    ]
    .concat();
    let workspace = applied(&tree(), &both);
    let given = json!({ "333333333333": "core", "ou-aaaa-workload": "wl" });
    assert_eq!(effective_handles(&workspace), given);

    let renamed = TREE
        .replace("\"hub\"", "\"Center\"")
        .replace("\"Workloads\"", "\"Products\"");
    let renamed = Integration::of(&renamed).set("deletion_protection", "false");
    let plan = configure(&workspace, &renamed, &both).plan();
    plan.assert_actions(CONNECTION, &["no-op"])
        .assert_actions(FOLDER, &["no-op"]);
    workspace.apply_saved(&plan);
    assert_eq!(effective_handles(&workspace), given);

    configure(&workspace, &renamed, "").apply();
    assert_eq!(
        effective_handles(&workspace),
        Value::Null,
        "without the overrides the derived handles are back"
    );
}

#[test]
fn a_new_handle_says_what_it_breaks() {
    let integration = tree().set("permissions", r#"["*"]"#);
    let workspace = applied(&integration, "");
    declare_workspaces(&workspace, &["acme/security"]);
    configure(
        &workspace,
        &integration,
        &connection_override(
            r#"
            account_id = "333333333333"
            handle     = "core"
            "#,
        ),
    )
    .plan()
    .assert_warning(&[
        "Connections of acme/security: 1 renamed",
        "hub -> core",
        "whatever names the old one",
    ]);
    workspace.apply();
    configure(
        &workspace,
        &integration,
        &connection_override(
            r#"
            account_id = "333333333333"
            handle     = "core"
            enabled    = false
            "#,
        ),
    )
    .plan()
    .assert_warning(&["Connections of acme/security: 1 lost", "core (333333333333"]);
    workspace.apply();
    configure(&workspace, &integration, "")
        .plan()
        .assert_warning(&[
            "Connections of acme/security: 1 gained",
            "hub (333333333333",
        ]);
}

#[test]
fn what_leaves_makes_overrides_dormant_and_they_revive_with_their_handles() {
    let both = [
        connection_override(
            r#"
            account_id = "222222222222"
            handle     = "core"
            "#,
        ),
        folder_override(
            r#"
            folder_path = "/Sandbox"
            handle      = "wl"
            "#,
        ),
    ]
    .concat();
    let workspace = applied(&tree(), &both);
    let before = [CONNECTION, FOLDER].map(|address| workspace.attributes(address));
    let without = tree_without("sandbox0");
    let plan = configure(&workspace, &without, &both).plan();
    plan.assert_warning(&[
        "Permissions and overrides become dormant",
        "the override of the account 222222222222",
        "the override of the folder /Sandbox",
    ]);
    workspace.apply_saved(&plan);
    let plan = workspace.plan();
    plan.assert_no_changes()
        .assert_warning(&["Dormant connection override", "the account 222222222222"])
        .assert_warning(&["Dormant folder override", "the folder /Sandbox"]);

    // The handle is kept for the one that may return.
    let taker = labelled(
        "connection_override",
        "taker",
        r#"
        account_id = "333333333333"
        handle     = "core"
        "#,
    );
    configure(&workspace, &without, &format!("{both}{taker}"))
        .apply_fails()
        .assert_only_error(&["Handle taken", "\"core\"", "222222222222"]);

    configure(&workspace, &tree(), &both).apply();
    let after = [CONNECTION, FOLDER].map(|address| workspace.attributes(address));
    assert_eq!(after, before, "they revive with the same ID");
    assert_eq!(
        effective_handles(&workspace),
        json!({ "222222222222": "core", "ou-aaaa-sandbox0": "wl" })
    );
}

#[test]
fn there_is_one_override_for_each_object() {
    let first = [
        connection_override(
            r#"
            account_id = "333333333333"
            regions    = ["*"]
            "#,
        ),
        folder_override(
            r#"
            folder_path = "/Workloads"
            regions     = ["*"]
            "#,
        ),
    ]
    .concat();
    let workspace = applied(&tree(), &first);
    let (second, id) = beside(&workspace);
    for (arguments, kind, fragments) in [
        (
            r#"account_id = "333333333333""#,
            "connection_override",
            [
                "An override already exists",
                "terraform import ADDRESS 'acme:333333333333'",
            ],
        ),
        (
            r#"folder_id = "ou-aaaa-workload""#,
            "folder_override",
            [
                "An override already exists",
                "terraform import ADDRESS 'acme:/Workloads'",
            ],
        ),
    ] {
        let another = of_integration(
            kind,
            &format!(
                r#"
            {arguments}
            regions = ["eu-*"]
            "#
            ),
        )
        .replace("orgmirror_integration.aws.id", &quoted(&id));
        second.configure(&another).plan().assert_warning(&fragments);
        second.apply_fails().assert_only_error(&fragments);
    }
    // What the error says works.
    second.import(FOLDER, "acme:/Workloads");
    assert_eq!(second.attributes(FOLDER)["folder_path"], "/Workloads");
}

#[test]
fn a_handle_that_is_taken_names_its_holder() {
    let workspace = applied(&tree(), "");
    for (handle, holder) in [
        (
            "shop",
            "the account 111111111111 (\"shop\") of the integration \"acme\"",
        ),
        (
            "sandbox",
            "the folder ou-aaaa-sandbox0 (\"Sandbox\") of the integration \"acme\"",
        ),
    ] {
        configure(
            &workspace,
            &tree(),
            &connection_override(&format!(
                r#"
                account_id = "333333333333"
                handle     = "{handle}"
                "#
            )),
        );
        let fragments = ["Handle taken", handle, holder];
        workspace
            .plan()
            .assert_warning(&fragments)
            .assert_warning(&["Unless this run changes that"]);
        workspace.apply_fails().assert_only_error(&fragments);
    }
}

#[test]
fn a_handle_passes_from_one_override_to_another_in_one_run() {
    let handles = |hub: &str, shop: &str| {
        [
            labelled(
                "connection_override",
                "hub",
                &format!(
                    r#"
                    account_id = "333333333333"
                    handle     = "{hub}"
                    "#
                ),
            ),
            labelled(
                "connection_override",
                "shop",
                &format!(
                    r#"
                    account_id = "111111111111"
                    handle     = "{shop}"
                    "#
                ),
            ),
        ]
        .concat()
    };
    let workspace = applied(&tree(), &handles("core", "store"));
    let plan = configure(&workspace, &tree(), &handles("center", "core")).plan();
    plan.assert_warning(&[
        "Handle taken",
        "core",
        "333333333333",
        "Unless this run changes that",
    ]);
    workspace.apply_saved(&plan);
    assert_eq!(
        effective_handles(&workspace),
        json!({ "333333333333": "center", "111111111111": "core" })
    );

    configure(&workspace, &tree(), &handles("core", "center"))
        .apply_fails()
        .assert_error(&["Handle taken", "core", "to swap two"])
        .assert_error(&["Handle taken", "center", "to swap two"]);
}

#[test]
fn overrides_go_with_their_integration() {
    let workspace = applied(&tree(), "");
    let (second, id) = beside(&workspace);
    second
        .configure(
            &connection_override(
                r#"
            account_id = "333333333333"
            handle     = "core"
            "#,
            )
            .replace("orgmirror_integration.aws.id", &quoted(&id)),
        )
        .apply();
    workspace.plan_with(&["-destroy"]).assert_warning(&[
        "Permissions and overrides are removed with the integration",
        "the override of the account 333333333333",
    ]);
    workspace.destroy();
    assert!(entries(&workspace, "connection_overrides").is_empty());
    second.plan().assert_actions(CONNECTION, &["create"]);
}

#[test]
fn arguments_are_validated_before_anything_is_planned() {
    let connection = |argument: &str| {
        connection_override(&format!(
            r#"
            account_id = "333333333333"
            {argument}
            "#
        ))
    };
    let folder = |argument: &str| {
        folder_override(&format!(
            r#"
        folder_path = "/"
        {argument}
        "#
        ))
    };
    for (declared, fragments) in [
        (
            connection_override(r#"account_id = "hub""#),
            &["account_id", "12 digits"][..],
        ),
        (
            connection(r#"role_arn = "arn:aws:iam::111111111111:role/x""#),
            &["Role of another account", "111111111111", "333333333333"],
        ),
        (
            connection(r#"role_arn = "x""#),
            &["role_arn", "ARN of an IAM role"],
        ),
        (
            connection(r#"handle = "Core""#),
            &["handle", "\"Core\"", "\"core\" would do"],
        ),
        (connection(r#"handle = "pg_x""#), &["handle", "reserved"]),
        (
            connection(r#"external_id = "a b""#),
            &["external_id", "2 to 1224"],
        ),
        (connection("regions = []"), &["Too few elements", "regions"]),
        (
            connection(r#"regions = ["Europe"]"#),
            &["regions", "Europe"],
        ),
        (connection(r#"default_region = "*""#), &["default_region"]),
        (
            connection("max_error_retry_attempts = 0"),
            &["max_error_retry_attempts", "at least 1"],
        ),
        (
            connection("min_error_retry_delay = 0.5"),
            &["min_error_retry_delay", "whole number"],
        ),
        (
            connection(r#"ignore_error_codes = [""]"#),
            &["ignore_error_codes", "must not be empty"],
        ),
        (
            folder_override(r#"regions = ["*"]"#),
            &["Missing folder", "folder_path"],
        ),
        (
            folder(r#"folder_id = "root""#),
            &["Conflicting folder arguments"],
        ),
        (
            folder(r#"role_name = "arn:aws:iam::111111111111:role/x""#),
            &["role_name", "not an ARN"],
        ),
        (folder(r#"handle = "aws""#), &["handle", "reserved"]),
    ] {
        let workspace = PROVIDER.workspace();
        configure(&workspace, &tree(), &declared)
            .plan_fails()
            .assert_only_error(fragments);
    }
}

#[test]
fn settings_made_in_the_same_run_are_taken() {
    let workspace = PROVIDER.workspace();
    let made = r#"
        resource "terraform_data" "made" {
          input = "eu-west-1"
        }
        "#;
    let value = "terraform_data.made.output";
    let declared = connection_override(&format!(
        r#"
        account_id     = "333333333333"
        regions        = ["us-east-1", {value}]
        default_region = {value}
        external_id    = "acme:${{{value}}}"
        role_arn       = "arn:aws:iam::333333333333:role/${{{value}}}"
        "#
    ));
    let plan = configure(&workspace, &tree(), &format!("{made}{declared}")).plan();
    plan.assert_no_warnings();
    let planned = plan.after(CONNECTION);
    assert_eq!(planned["default_region"], UNKNOWN);
    assert_eq!(planned["account_id"], "333333333333");
    assert_eq!(planned["enabled"], true);
    workspace.apply_saved(&plan);
    assert_eq!(
        workspace.attributes(CONNECTION)["regions"],
        json!(["eu-west-1", "us-east-1"])
    );

    // What turns out to be wrong is an error then.
    let wrong = PROVIDER.workspace();
    let declared = connection_override(&format!(
        r#"
        account_id = "333333333333"
        role_arn   = "arn:aws:iam::111111111111:role/${{{value}}}"
        "#
    ));
    configure(&wrong, &tree(), &format!("{made}{declared}")).plan();
    wrong
        .apply_fails()
        .assert_only_error(&["Role of another account", "111111111111"]);
}

#[test]
fn the_nearest_override_wins_setting_by_setting() {
    let settings = r#"{ role_name = "reader", external_id = "acme:0", regions = ["*"], min_error_retry_delay = 10 }"#;
    let integration = tree().set("connection_settings", settings);
    let declared = [
        labelled(
            "folder_override",
            "root",
            r#"
            folder_path              = "/"
            role_name                = "audit"
            max_error_retry_attempts = 5
            default_region           = "eu-west-1"
            "#,
        ),
        labelled(
            "folder_override",
            "workloads",
            r#"
            folder_id                = "ou-aaaa-workload"
            regions                  = ["eu-*"]
            max_error_retry_attempts = 4
            external_id              = "acme:1"
            "#,
        ),
        labelled(
            "folder_override",
            "sandbox",
            r#"
            folder_path = "/Sandbox"
            enabled     = false
            "#,
        ),
        labelled(
            "connection_override",
            "shop",
            r#"
            account_id         = "111111111111"
            regions            = ["eu-west-1"]
            ignore_error_codes = ["A"]
            handle             = "store"
            "#,
        ),
        labelled(
            "connection_override",
            "lab",
            r#"
            account_id = "222222222222"
            role_arn   = "arn:aws:iam::222222222222:role/own"
            "#,
        ),
    ]
    .concat();
    let all = r#"
        data "orgmirror_connections" "all" {
          integration_id = orgmirror_integration.aws.id
          depends_on = [
            orgmirror_folder_override.root, orgmirror_folder_override.workloads,
            orgmirror_folder_override.sandbox, orgmirror_connection_override.shop,
            orgmirror_connection_override.lab
          ]
        }
        "#;
    let workspace = applied(&integration, &format!("{declared}{all}"));
    let found = workspace.attributes("data.orgmirror_connections.all")["connections"].clone();
    let expected = [
        (
            "store",
            json!({
                "role_arn": "arn:aws:iam::111111111111:role/audit",
                "external_id": "acme:1",
                "regions": ["eu-west-1"],
                "default_region": "eu-west-1",
                "max_error_retry_attempts": 4,
                "min_error_retry_delay": 10,
                "ignore_error_codes": ["A"],
                "enabled": true,
            }),
        ),
        (
            "lab",
            json!({
                "role_arn": "arn:aws:iam::222222222222:role/own",
                "external_id": "acme:0",
                "regions": ["*"],
                "default_region": "eu-west-1",
                "max_error_retry_attempts": 5,
                "min_error_retry_delay": 10,
                "ignore_error_codes": [],
                "enabled": false,
            }),
        ),
        (
            "hub",
            json!({
                "role_arn": "arn:aws:iam::333333333333:role/audit",
                "external_id": "acme:0",
                "regions": ["*"],
                "default_region": "eu-west-1",
                "max_error_retry_attempts": 5,
                "min_error_retry_delay": 10,
                "ignore_error_codes": [],
                "enabled": true,
            }),
        ),
    ];
    assert_eq!(
        found.as_object().expect("connections").len(),
        expected.len()
    );
    for (handle, expected) in expected {
        for (name, value) in expected.as_object().expect("settings") {
            assert_eq!(&found[handle][name], value, "{name} of {handle}");
        }
    }
}
