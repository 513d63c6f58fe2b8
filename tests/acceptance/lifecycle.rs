//! Create, change, import and destroy, with hand-written accounts: no AWS is near.

use orgmirror_testing::terraform::Workspace;
use serde_json::json;

use crate::PROVIDER;
use crate::configurations::{INTEGRATION, Integration};

const TREE: &str = r#"{
    organizational_units = {
      "ou-aaaa-workload" = { name = "Workloads" }
      "ou-aaaa-prod0000" = { name = "Prod", parent_id = "ou-aaaa-workload" }
      "ou-aaaa-sandbox0" = { name = "Sandbox" }
    }
    accounts = {
      "111111111111" = { name = "Web Shop", parent_id = "ou-aaaa-prod0000", email = "web@example.com" }
      "222222222222" = { name = "Zoë's lab", parent_id = "ou-aaaa-sandbox0" }
      "333333333333" = { name = "hub" }
    }
  }"#;

fn tree_with(from: &str, to: &str) -> Integration {
    assert!(TREE.contains(from), "{from} is not in the tree");
    Integration::of(&TREE.replace(from, to))
}

fn applied(integration: &Integration) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure(&integration.hcl()).apply();
    workspace
}

#[test]
fn single_accounts_need_no_aws_organization_and_no_aws() {
    let workspace = PROVIDER.workspace();
    let plan = workspace
        .configure(&Integration::of_accounts([("111122223333", "sandbox")]).hcl())
        .plan();
    plan.assert_actions(INTEGRATION, &["create"])
        .assert_no_warnings();
    let after = plan.after(INTEGRATION);
    assert_eq!(after["id"], json!("(known after apply)"));
    assert_eq!(
        after["folders"],
        json!({ "root": { "name": "Root", "derived_handle": "acme", "parent_id": null, "path": "/" } }),
    );
    assert_eq!(
        after["connections"],
        json!({ "111122223333": {
            "name": "sandbox",
            "email": null,
            "state": "ACTIVE",
            "tags": null,
            "derived_handle": "sandbox",
            "folder_id": "root",
            "path": "/",
            "derived_role_arn": "arn:aws:iam::111122223333:role/orgmirror-readonly",
            "owners": null,
            "sign_in_url": null,
        } }),
    );
    workspace.apply_saved(&plan).assert_none();
}

#[test]
fn a_mirror_is_created_as_planned_and_a_second_plan_says_no_changes() {
    let workspace = PROVIDER.workspace();
    let plan = workspace.configure(&Integration::of(TREE).hcl()).plan();
    plan.assert_actions(INTEGRATION, &["create"]);
    let mut planned = plan.after(INTEGRATION);
    workspace.apply_saved(&plan);
    let created = workspace.attributes(INTEGRATION);
    let id = created["id"].as_str().expect("an ID").to_owned();
    assert!(
        id.strip_prefix("in_").is_some_and(|random| {
            random.len() == 20
                && random
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        }),
        "{id}"
    );
    planned["id"] = json!(id);
    assert_eq!(created, planned, "only the ID was unknown");
    assert_eq!(
        created["folders"]["ou-aaaa-prod0000"],
        json!({ "name": "Prod", "derived_handle": "prod", "parent_id": "ou-aaaa-workload", "path": "/Workloads/Prod" })
    );
    assert_eq!(
        created["connections"]["222222222222"]["derived_handle"],
        "zoe_s_lab"
    );
    assert_eq!(
        created["connections"]["111111111111"]["path"],
        "/Workloads/Prod"
    );
    assert_eq!(created["aws_organization"], json!(null), "write-only");
    assert_eq!(created["aws_organization_id"], json!(null));
}

#[test]
fn defaults_are_filled_in_and_an_argument_that_goes_returns_to_its_default() {
    let workspace = applied(
        &Integration::of(TREE)
            .set(
                "connection_settings",
                r#"{
                    role_name = "audit", external_id = "acme:1", regions = ["eu-*"], default_region = "eu-west-1"
                    max_error_retry_attempts = 3, min_error_retry_delay = 50, ignore_error_codes = ["AccessDenied"]
                }"#,
            )
            .set("permissions", r#"["*"]"#)
            .set("removal_guard", "{ percent = 1, count = 2 }")
            .set("deletion_protection", "false"),
    );
    let plan = workspace.configure(&Integration::of(TREE).hcl()).plan();
    let role = |id: &str, name: &str| json!(format!("arn:aws:iam::{id}:role/{name}"));
    plan.assert_in_place(
        INTEGRATION,
        &json!({
            "connection_settings": {
                "role_name": ["audit", "orgmirror-readonly"],
                "external_id": ["acme:1", null],
                "regions": [["eu-*"], ["*"]],
                "default_region": ["eu-west-1", "us-east-1"],
                "max_error_retry_attempts": [3, 9],
                "min_error_retry_delay": [50, 25],
                "ignore_error_codes": [["AccessDenied"], []],
            },
            "connections": {
                "111111111111": { "derived_role_arn": [role("111111111111", "audit"), role("111111111111", "orgmirror-readonly")] },
                "222222222222": { "derived_role_arn": [role("222222222222", "audit"), role("222222222222", "orgmirror-readonly")] },
                "333333333333": { "derived_role_arn": [role("333333333333", "audit"), role("333333333333", "orgmirror-readonly")] },
            },
            "permissions": [["*"], []],
            "removal_guard": { "percent": [1, 25], "count": [2, 20] },
            "deletion_protection": [false, true],
        }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn the_default_region_follows_the_partition() {
    for (partition, region) in [
        ("aws", "us-east-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-cn", "cn-north-1"),
    ] {
        let workspace = applied(&Integration::of(&format!(
            r#"{{ partition = "{partition}", accounts = {{ "111122223333" = {{ name = "sandbox" }} }} }}"#
        )));
        let created = workspace.attributes(INTEGRATION);
        assert_eq!(created["connection_settings"]["default_region"], region);
        assert_eq!(
            created["connections"]["111122223333"]["derived_role_arn"],
            format!("arn:{partition}:iam::111122223333:role/orgmirror-readonly")
        );
    }
}

#[test]
fn an_account_that_joins_is_an_element_more_and_nothing_else() {
    let workspace = applied(&Integration::of(TREE));
    let plan = workspace
        .configure(
            &tree_with(
                r#""333333333333" ="#,
                r#""444444444444" = { name = "Web-Shop" }
               "333333333333" ="#,
            )
            .hcl(),
        )
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "444444444444": "+" } }),
    );
    assert_eq!(
        plan.after(INTEGRATION)["connections"]["444444444444"]["derived_handle"],
        "web_shop_444444444444",
        "the handle is taken, and the one that has it keeps it"
    );
    workspace.apply_saved(&plan);
}

#[test]
fn an_account_that_leaves_is_an_element_less_and_nothing_else() {
    let workspace = applied(&Integration::of(TREE));
    let plan = workspace
        .configure(&tree_with(r#""333333333333" = { name = "hub" }"#, "").hcl())
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "333333333333": "-" } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn a_renamed_account_changes_its_name_and_handle_in_place() {
    let workspace = applied(&Integration::of(TREE));
    let plan = workspace
        .configure(&tree_with("Web Shop", "Storefront").hcl())
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "111111111111": {
            "name": ["Web Shop", "Storefront"],
            "derived_handle": ["web_shop", "storefront"],
        } } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn a_moved_account_changes_its_folder_in_place() {
    let workspace = applied(&Integration::of(TREE));
    let plan = workspace
        .configure(
            &tree_with(
                r#"name = "Web Shop", parent_id = "ou-aaaa-prod0000""#,
                r#"name = "Web Shop", parent_id = null"#,
            )
            .hcl(),
        )
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "111111111111": {
            "folder_id": ["ou-aaaa-prod0000", "root"],
            "path": ["/Workloads/Prod", "/"],
        } } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn a_renamed_unit_changes_the_paths_below_it_in_place() {
    let workspace = applied(&Integration::of(TREE));
    let plan = workspace
        .configure(&tree_with("Workloads", "Products / 100%").hcl())
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({
            "folders": {
                "ou-aaaa-workload": {
                    "name": ["Workloads", "Products / 100%"],
                    "derived_handle": ["workloads", "products_100"],
                    "path": ["/Workloads", "/Products %2F 100%25"],
                },
                "ou-aaaa-prod0000": { "path": ["/Workloads/Prod", "/Products %2F 100%25/Prod"] },
            },
            "connections": { "111111111111": { "path": ["/Workloads/Prod", "/Products %2F 100%25/Prod"] } },
        }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn a_moved_unit_takes_its_accounts_along_in_place() {
    let workspace = applied(&Integration::of(TREE));
    let plan = workspace
        .configure(
            &tree_with(
                r#"{ name = "Prod", parent_id = "ou-aaaa-workload" }"#,
                r#"{ name = "Prod", parent_id = "ou-aaaa-sandbox0" }"#,
            )
            .hcl(),
        )
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({
            "folders": { "ou-aaaa-prod0000": {
                "parent_id": ["ou-aaaa-workload", "ou-aaaa-sandbox0"],
                "path": ["/Workloads/Prod", "/Sandbox/Prod"],
            } },
            "connections": { "111111111111": { "path": ["/Workloads/Prod", "/Sandbox/Prod"] } },
        }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn an_email_or_a_tag_that_changes_shows_alone_and_is_kept() {
    let workspace = applied(&Integration::of(TREE));
    let changed = TREE.replace("web@example.com", "shop@example.com").replace(
        r#"name = "hub""#,
        r#"name = "hub", tags = { env = "prod" }"#,
    );
    let plan = workspace.configure(&Integration::of(&changed).hcl()).plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": {
            "111111111111": { "email": ["web@example.com", "shop@example.com"] },
            "333333333333": { "tags": [null, { "env": "prod" }] },
        } }),
    );
    workspace.apply_saved(&plan);
    let plan = workspace
        .configure(&Integration::of(&changed.replace("prod\"", "test\"")).hcl())
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({ "connections": { "333333333333": { "tags": { "env": ["prod", "test"] } } } }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn a_handle_changes_in_place_and_the_id_survives() {
    let workspace = applied(&Integration::of(TREE));
    let before = workspace.attributes(INTEGRATION);
    let plan = workspace
        .configure(&Integration::of(TREE).set_text("handle", "globex").hcl())
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({
            "handle": ["acme", "globex"],
            "folders": { "root": { "derived_handle": ["acme", "globex"] } },
        }),
    );
    workspace.apply_saved(&plan);
    assert_eq!(workspace.attributes(INTEGRATION)["id"], before["id"]);
}

#[test]
fn a_prefix_changes_every_handle_in_place() {
    let workspace = applied(&Integration::of_accounts([
        ("111111111111", "Web Shop"),
        ("222222222222", "hub"),
    ]));
    let prefixed =
        Integration::of_accounts([("111111111111", "Web Shop"), ("222222222222", "hub")])
            .set_text("handle_prefix", "aws_");
    let plan = workspace.configure(&prefixed.hcl()).plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({
            "handle_prefix": [null, "aws_"],
            "folders": { "root": { "derived_handle": ["acme", "aws_acme"] } },
            "connections": {
                "111111111111": { "derived_handle": ["web_shop", "aws_web_shop"] },
                "222222222222": { "derived_handle": ["hub", "aws_hub"] },
            },
        }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn sign_in_links_and_owners_follow_their_settings() {
    let organization = r#"{ accounts = {
        "111111111111" = { name = "shop", tags = { owner = "zoe@example.com" } }
        "222222222222" = { name = "hub", tags = {} }
    } }"#;
    let workspace = applied(&Integration::of(organization));
    let plan = workspace.configure(&Integration::of(organization)
            .set(
                "sso",
                r#"{ portal_url = "https://acme.awsapps.com/start", region = "us-east-1", role_name = "ReadOnly" }"#,
            )
            .set(
                "owners",
                r#"[{ attribute = "okta_group", values = ["platform"] }]"#,
            )
            .set(
                "resource_owners",
                r#"[{ tag_key = "owner", attribute = "user" }]"#,
            )
            .set_text("custom_access_details", "Ask in #cloud")
            .hcl()).plan();
    plan.assert_actions(INTEGRATION, &["update"]);
    workspace.apply_saved(&plan);
    let connections = &workspace.attributes(INTEGRATION)["connections"];
    let url = connections["111111111111"]["sign_in_url"]
        .as_str()
        .expect("a link");
    assert!(
        url.starts_with("https://acme.awsapps.com/start")
            && url.contains("account_id=111111111111")
            && url.contains("role_name=ReadOnly"),
        "{url}"
    );
    assert_eq!(
        connections["111111111111"]["owners"],
        json!([{ "attribute": "user", "values": ["zoe@example.com"] }])
    );
    assert_eq!(
        connections["222222222222"]["owners"],
        json!([{ "attribute": "okta_group", "values": ["platform"] }]),
        "no tag: the integration's owners"
    );

    let plan = workspace
        .configure(&Integration::of(organization).hcl())
        .plan();
    let url = |id: &str| connections[id]["sign_in_url"].clone();
    let owners = |id: &str| connections[id]["owners"].clone();
    let (shop, hub) = ("111111111111", "222222222222");
    plan.assert_in_place(
        INTEGRATION,
        &json!({
            "sso": [{ "portal_url": "https://acme.awsapps.com/start", "region": "us-east-1", "role_name": "ReadOnly" }, null],
            "owners": [[{ "attribute": "okta_group", "values": ["platform"] }], null],
            "resource_owners": [[{ "tag_key": "owner", "attribute": "user" }], null],
            "custom_access_details": ["Ask in #cloud", null],
            "connections": {
                shop: { "sign_in_url": [url(shop), null], "owners": [owners(shop), null] },
                hub: { "sign_in_url": [url(hub), null], "owners": [owners(hub), null] },
            },
        }),
    );
    workspace.apply_saved(&plan);
}

#[test]
fn empty_and_null_arguments_settle() {
    let empty = Integration::of(
        r#"{ organizational_units = {}, accounts = { "111111111111" = { name = "hub", tags = {}, email = "" } } }"#,
    )
    .set_text("handle_prefix", "")
    .set("initial_handles", "{}")
    .set("permissions", "[]")
    .set("owners", "[]")
    .set("resource_owners", "[]")
    .set_text("custom_access_details", "")
    .set("removal_guard", "{}")
    .set(
        "connection_settings",
        r#"{ role_name = "audit", ignore_error_codes = [] }"#,
    );
    let workspace = applied(&empty);
    let created = workspace.attributes(INTEGRATION);
    assert_eq!(
        created["removal_guard"],
        json!({ "percent": 25, "count": 20 })
    );

    let null = Integration::of(
        r#"{ organizational_units = null, accounts = { "111111111111" = { name = "hub", tags = null, email = null } } }"#,
    )
    .set("organization", "null")
    .set("handle_prefix", "null")
    .set("initial_handles", "null")
    .set("permissions", "null")
    .set("owners", "null")
    .set("resource_owners", "null")
    .set("custom_access_details", "null")
    .set("sso", "null")
    .set("removal_guard", "null")
    .set("deletion_protection", "null")
    .set(
        "connection_settings",
        r#"{
            role_name = "audit", external_id = null, regions = null, default_region = null, ignore_error_codes = null
            max_error_retry_attempts = null, min_error_retry_delay = null
        }"#,
    );
    workspace.configure(&null.hcl()).apply();
    let changed = workspace.attributes(INTEGRATION);
    assert_eq!(changed["permissions"], json!([]));
    assert_eq!(changed["deletion_protection"], true);
    assert_eq!(
        changed["removal_guard"],
        json!({ "percent": 25, "count": 20 })
    );
    assert_eq!(changed["connection_settings"]["regions"], json!(["*"]));

    workspace
        .configure(
            &null
                .set("removal_guard", "{ percent = 10, count = null }")
                .hcl(),
        )
        .plan()
        .assert_in_place(
            INTEGRATION,
            &json!({ "removal_guard": { "percent": [25, 10] } }),
        );
    workspace.apply();
}

#[test]
fn another_organization_replaces_the_integration() {
    let open = Integration::of(TREE).set("deletion_protection", "false");
    let workspace = applied(&open.clone().set_text("organization", "platform"));
    let before = workspace.attributes(INTEGRATION)["id"].clone();
    let plan = workspace
        .configure(&open.clone().set_text("organization", "security").hcl())
        .plan();
    plan.assert_actions(INTEGRATION, &["delete", "create"]);
    assert_eq!(plan.replace_paths(INTEGRATION), json!([["organization"]]));
    workspace.apply_saved(&plan);
    assert_ne!(workspace.attributes(INTEGRATION)["id"], before);

    let plan = workspace.configure(&open.hcl()).plan();
    plan.assert_actions(INTEGRATION, &["delete", "create"]);
    workspace.apply_saved(&plan);
}

#[test]
fn a_protected_integration_is_neither_destroyed_nor_replaced() {
    let protected = Integration::of(TREE).set_text("organization", "platform");
    let workspace = applied(&protected);
    let refusal = ["deletion_protection", "acme", "false"];
    workspace.destroy_fails().assert_error(&refusal);

    workspace
        .configure(&protected.clone().set_text("organization", "other").hcl())
        .plan_fails()
        .assert_error(&refusal);

    workspace.configure("").plan_fails().assert_error(&refusal);

    let open = protected.set("deletion_protection", "false");
    workspace
        .configure(&open.hcl())
        .destroy_fails()
        .assert_error(&refusal);
    assert!(workspace.holds(INTEGRATION));

    workspace.apply();
    workspace.destroy();
}

#[test]
fn a_protected_integration_is_not_replaced_on_demand() {
    let workspace = applied(&Integration::of(TREE));
    let before = workspace.attributes(INTEGRATION);
    let replace = format!("-replace={INTEGRATION}");
    workspace
        .apply_fails_with(&[&replace])
        .assert_error(&["deletion_protection", "acme", "false"]);
    assert_eq!(workspace.attributes(INTEGRATION), before);
    workspace.plan().assert_no_changes();

    workspace
        .configure(
            &Integration::of(TREE)
                .set("deletion_protection", "false")
                .hcl(),
        )
        .apply();
    workspace.apply_with(&[&replace]);
    assert_ne!(workspace.attributes(INTEGRATION)["id"], before["id"]);
}

#[test]
fn hand_written_accounts_can_become_a_whole_aws_organization() {
    let workspace = applied(&Integration::of_accounts([("111111111111", "hub")]));
    let plan = workspace
        .configure(
            &Integration::of(
                r#"{
                id      = "o-abcdefghij"
                root_id = "r-abcd"
                accounts = { "111111111111" = { name = "hub", parent_id = "r-abcd" } }
            }"#,
            )
            .hcl(),
        )
        .plan();
    plan.assert_in_place(
        INTEGRATION,
        &json!({
            "aws_organization_id": [null, "o-abcdefghij"],
            "folders": { "root": "-", "r-abcd": "+" },
            "connections": { "111111111111": { "folder_id": ["root", "r-abcd"] } },
        }),
    );
    assert_eq!(
        plan.after(INTEGRATION)["folders"]["r-abcd"]["derived_handle"],
        "acme"
    );
    workspace.apply_saved(&plan);
}

#[test]
fn what_was_destroyed_leaves_its_handle_free() {
    let open = Integration::of(TREE).set("deletion_protection", "false");
    let workspace = applied(&open);
    let first = workspace.attributes(INTEGRATION)["id"].clone();
    workspace.destroy();
    workspace.apply().assert_none();
    assert_ne!(workspace.attributes(INTEGRATION)["id"], first);
}

#[test]
fn an_integration_is_imported_by_its_handle_and_then_has_no_changes() {
    let integration = Integration::of(TREE)
        .set_text("organization", "platform")
        .set_text("handle_prefix", "aws_")
        .set("permissions", r#"["platform"]"#)
        .set(
            "owners",
            r#"[{ attribute = "okta_group", values = ["platform"] }]"#,
        );
    let workspace = applied(&integration);
    let before = workspace.attributes(INTEGRATION);
    workspace.forget(INTEGRATION);
    assert!(!workspace.holds(INTEGRATION));
    workspace.import(INTEGRATION, "acme");
    assert_eq!(workspace.attributes(INTEGRATION), before);
    workspace.plan().assert_no_changes();
}

#[test]
fn an_imported_integration_can_have_its_configuration_generated() {
    let workspace = applied(
        &Integration::of(TREE).set_text("handle_prefix", "aws_").set(
            "sso",
            r#"{ portal_url = "https://acme.awsapps.com/start", region = "us-east-1" }"#,
        ),
    );
    let before = workspace.attributes(INTEGRATION);
    workspace.forget(INTEGRATION);
    let plan = workspace
        .configure(&format!(
            r#"
            import {{
              to = {INTEGRATION}
              id = "acme"
            }}
            "#
        ))
        .plan_with(&["-generate-config-out=generated.tf"]);
    plan.assert_actions(INTEGRATION, &["no-op"])
        .assert_warning(&["aws_organization is null", "tree is kept"]);
    workspace.apply();
    assert_eq!(workspace.attributes(INTEGRATION), before);
}

#[test]
fn importing_a_handle_that_is_not_there_says_which_ones_are() {
    let workspace = applied(&Integration::of(TREE));
    workspace.forget(INTEGRATION);
    workspace
        .import_fails(INTEGRATION, "acne")
        .assert_error(&["acne", "acme"]);
}

#[test]
fn a_person_reads_a_plan_without_the_snapshot() {
    let workspace = applied(&Integration::of(TREE));
    let text = workspace.plan().text();
    assert!(text.contains("No changes."), "{text}");
    let text = workspace
        .configure(&tree_with("Web Shop", "Storefront").hcl())
        .plan()
        .text();
    for line in [
        "# orgmirror_integration.aws will be updated in-place",
        r#"~ derived_handle   = "web_shop" -> "storefront""#,
        r#"~ name             = "Web Shop" -> "Storefront""#,
    ] {
        assert!(text.contains(line), "no line {line:?} in\n{text}");
    }
    assert!(
        !text.contains("222222222222"),
        "connections that stay as they are need no review:\n{text}"
    );
}
