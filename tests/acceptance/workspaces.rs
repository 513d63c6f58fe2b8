//! Workspaces: their files, what restores them, what they attach, and what reaches them.

use std::fs;
use std::path::PathBuf;

use orgmirror_testing::terraform::{UNKNOWN, Workspace, is_at_least, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::catalogs::{FILES, document, edit, files};
use crate::configurations::{
    INTEGRATION, Integration, configure, provider, security, tree_with_lab_in,
};

/// Address of the workspace that [`security`] declares.
const SECURITY: &str = "orgmirror_workspace.security";

fn shared_with_all() -> Integration {
    tree_with_lab_in("ou-lab").set("permissions", r#"["*"]"#)
}

fn file(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.path().join(FILES).join(name)
}

/// The handles in `connections.json`.
fn published(workspace: &Workspace) -> Vec<String> {
    let files = files(workspace);
    let json: Value = serde_json::from_str(&files["connections.json"]).expect("it is JSON");
    let connections = json["connections"].as_array().expect("connections");
    connections
        .iter()
        .map(|connection| connection["handle"].as_str().expect("a handle").to_owned())
        .collect()
}

/// Everything is published in two formats.
fn applied() -> Workspace {
    let workspace = PROVIDER.workspace();
    configure(
        &workspace,
        &shared_with_all(),
        &security("publish = { json = {}, c7n_org = {} }"),
    )
    .apply();
    workspace
}

#[test]
fn a_workspace_gets_its_files() {
    let workspace = applied();
    let state = workspace.attributes(SECURITY);
    assert_eq!(state["in_sync"], true);
    assert!(
        state["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("ws_") && id.len() == 23)
    );
    assert_eq!(
        state["locations"],
        json!({
            "c7n_org": format!("{FILES}/accounts.yml"),
            "json": format!("{FILES}/connections.json"),
        })
    );
    let names: Vec<String> = files(&workspace).into_keys().collect();
    assert_eq!(names, ["accounts.yml", "connections.json"]);
    assert_eq!(published(&workspace), ["hub", "lab", "shop"]);
    assert!(files(&workspace)["accounts.yml"].contains("333333333333"));

    let held = (document(&workspace), files(&workspace));
    workspace.plan();
    workspace.refresh();
    workspace.apply();
    assert_eq!((document(&workspace), files(&workspace)), held);

    workspace.destroy();
    assert!(!workspace.path().join(FILES).exists());
}

#[test]
fn a_plan_knows_the_locations_and_writes_nothing() {
    let workspace = PROVIDER.workspace();
    let plan = workspace
        .configure(&security("publish = { json = {} }"))
        .plan();
    let after = plan.after(SECURITY);
    assert_eq!(after["id"], UNKNOWN);
    assert_eq!(after["in_sync"], true);
    assert_eq!(
        after["locations"],
        json!({ "json": format!("{FILES}/connections.json") })
    );
    assert!(!workspace.path().join(".orgmirror").exists());
    workspace.apply_saved(&plan);
    assert_eq!(published(&workspace), [""; 0]);
}

#[test]
fn files_that_were_touched_are_restored() {
    let workspace = applied();
    let sound = files(&workspace);
    let json = file(&workspace, "connections.json");
    let touches: [(&str, &dyn Fn()); 4] = [
        ("edited", &|| {
            fs::write(&json, sound["connections.json"].replace("hub", "evil"))
                .expect("it can be written");
        }),
        ("deleted", &|| {
            fs::remove_file(&json).expect("it can be removed");
        }),
        ("all deleted", &|| {
            fs::remove_dir_all(workspace.path().join(FILES)).expect("they can be removed");
        }),
        ("of a format that nobody asked for", &|| {
            fs::write(file(&workspace, "aws.spc"), "old").expect("it can be written");
        }),
    ];
    for (what, touch) in touches {
        touch();
        let touched = files(&workspace);
        let plan = workspace.plan();
        plan.assert_in_place(SECURITY, &json!({ "in_sync": [false, true] }));
        assert_eq!(files(&workspace), touched, "{what}: a plan writes nothing");
        workspace.refresh();
        assert_eq!(
            files(&workspace),
            touched,
            "{what}: a refresh writes nothing"
        );
        assert_eq!(workspace.attributes(SECURITY)["in_sync"], false, "{what}");
        workspace.apply();
        assert_eq!(files(&workspace), sound, "{what}");
        assert_eq!(workspace.attributes(SECURITY)["in_sync"], true, "{what}");
    }
}

#[test]
fn old_files_are_replaced() {
    let workspace = applied();
    let old = files(&workspace);
    let more = tree_with_lab_in("ou-lab").set("permissions", "[]");
    configure(
        &workspace,
        &more,
        &security("publish = { json = {}, c7n_org = {} }"),
    )
    .apply();
    let new = files(&workspace);
    assert_ne!(old, new);
    for (name, content) in &old {
        fs::write(file(&workspace, name), content).expect("it can be written");
    }
    let plan = workspace.plan();
    plan.assert_in_place(SECURITY, &json!({ "in_sync": [false, true] }));
    workspace.apply_saved(&plan);
    assert_eq!(files(&workspace), new);
}

#[test]
fn formats_come_and_go() {
    let workspace = applied();
    let plan = configure(
        &workspace,
        &shared_with_all(),
        &security("publish = { json = {}, steampipe = { aggregators = true } }"),
    )
    .plan();
    plan.assert_in_place(
        SECURITY,
        &json!({
            "locations": { "aws_config": "+", "c7n_org": "-", "steampipe": "+" },
            "publish": { "c7n_org": [{}, null], "steampipe": [null, { "aggregators": true }] },
        }),
    );
    workspace.apply_saved(&plan);
    let names: Vec<String> = files(&workspace).into_keys().collect();
    assert_eq!(names, ["aws.spc", "aws_config", "connections.json"]);

    for without in ["publish = {}", ""] {
        configure(&workspace, &shared_with_all(), &security(without)).apply();
        assert!(!workspace.path().join(FILES).exists(), "{without}");
        assert_eq!(workspace.attributes(SECURITY)["locations"], json!({}));
    }

    configure(
        &workspace,
        &shared_with_all(),
        &security("publish = { json = {} }"),
    )
    .apply();
    configure(&workspace, &shared_with_all(), "")
        .plan()
        .assert_warning(&[
            "Connections of acme/security: 3 lost",
            "hub (333333333333 \"hub\" in /)",
        ]);
    workspace.apply();
    assert!(!workspace.path().join(FILES).exists());
}

#[test]
fn another_name_is_another_workspace() {
    let workspace = applied();
    let id = workspace.attributes(SECURITY)["id"].clone();
    let renamed = security("publish = { json = {} }").replace("= \"security\"", "= \"audit\"");
    let plan = configure(&workspace, &shared_with_all(), &renamed).plan();
    plan.assert_actions(SECURITY, &["delete", "create"]);
    assert_eq!(plan.replace_paths(SECURITY), json!([["handle"]]));
    workspace.apply_saved(&plan);
    assert_ne!(workspace.attributes(SECURITY)["id"], id);
    assert!(!workspace.path().join(FILES).exists());
    let directory = workspace.path().join(FILES).with_file_name("audit");
    assert!(directory.join("connections.json").exists());
}

#[test]
fn two_workspaces_of_one_name_are_an_error() {
    let workspace = applied();
    let twin = security("").replace(
        "\"orgmirror_workspace\" \"security\"",
        "\"orgmirror_workspace\" \"twin\"",
    );
    configure(
        &workspace,
        &shared_with_all(),
        &format!(
            "{}{twin}",
            security("publish = { json = {}, c7n_org = {} }")
        ),
    )
    .plan()
    .assert_warning(&[
        "Workspace already exists",
        "acme/security",
        "the apply will fail",
    ]);
    workspace.apply_fails().assert_only_error(&[
        "Workspace already exists",
        "terraform import ADDRESS acme/security",
    ]);
}

#[test]
fn a_workspace_that_is_replaced_before_it_is_destroyed_says_what_to_remove() {
    let workspace = applied();
    let arguments = "
        publish = { json = {}, c7n_org = {} }
        lifecycle { create_before_destroy = true }
        ";
    configure(&workspace, &shared_with_all(), &security(arguments)).apply();
    workspace
        .apply_fails_with(&["-replace=orgmirror_workspace.security"])
        .assert_only_error(&["Workspace already exists", "remove create_before_destroy"]);
    workspace.plan().assert_no_changes();
}

#[test]
fn a_part_is_attached() {
    let workspace = PROVIDER.workspace();
    for (attach, handles) in [
        (r#"["/Workloads"]"#, &["shop"][..]),
        (r#"["/"]"#, &["hub", "lab", "shop"]),
        (r#"["ou-lab", "333333333333"]"#, &["hub", "lab"]),
        ("[]", &[]),
        ("null", &["hub", "lab", "shop"]),
    ] {
        let arguments = format!(
            "
            attach  = {attach}
            publish = {{ json = {{}} }}
            "
        );
        configure(&workspace, &shared_with_all(), &security(&arguments)).apply();
        assert_eq!(published(&workspace), handles, "attach = {attach}");
    }
}

#[test]
fn what_is_attached_and_nowhere_is_warned_of() {
    let workspace = applied();
    let arguments = r#"
        attach  = ["/Workload", "ou-prod", "999999999999"]
        publish = { json = {} }
        "#;
    configure(&workspace, &shared_with_all(), &security(arguments));
    let expected = [
        "Entries of attach are not in the catalog",
        "- /Workload - 999999999999 They attach nothing",
    ];
    workspace.plan().assert_warning(&expected);
    workspace.apply().assert_warning(&expected);
    assert_eq!(published(&workspace), ["shop"]);
    workspace.plan().assert_warning(&expected);
    for refused in ["\"Workloads/Prod\"", "\"/Workloads/\"", "\"12345\"", "\"\""] {
        configure(
            &workspace,
            &shared_with_all(),
            &security(&format!("attach = [{refused}]")),
        )
        .plan_fails()
        .assert_error_at(
            r#"resource "orgmirror_workspace" "security""#,
            "attach",
            &["attach", refused.trim_matches('"')],
        );
    }
}

#[test]
fn an_account_that_joins_or_moves_reaches_the_workspace_by_itself() {
    let workspace = PROVIDER.workspace();
    let rest = format!(
        r#"
        {}
        resource "orgmirror_folder_permission" "work" {{
          integration_id = orgmirror_integration.aws.id
          folder_path    = "/Workloads"
          grantee        = "acme/security"
        }}
        "#,
        security("publish = { json = {} }")
    );
    configure(&workspace, &tree_with_lab_in("ou-lab"), &rest).apply();
    assert_eq!(published(&workspace), ["shop"]);

    let plan = configure(&workspace, &tree_with_lab_in("ou-prod"), &rest).plan();
    plan.assert_warning(&[
        "Connections of acme/security: 1 gained",
        "lab (222222222222 \"lab\" in /Workloads/Prod)",
    ]);
    plan.assert_actions(SECURITY, &["no-op"]);
    workspace.apply_saved(&plan);
    assert_eq!(published(&workspace), ["lab", "shop"]);

    let joined = tree_with_lab_in("ou-prod").hcl().replace(
        r#"{ name = "hub" }"#,
        r#"{ name = "hub" }
      "444444444444" = { name = "new", parent_id = "ou-work" }"#,
    );
    let plan = workspace.configure(&format!("{joined}{rest}")).plan();
    plan.assert_warning(&["Connections of acme/security: 1 gained", "444444444444"]);
    workspace.apply_saved(&plan);
    assert_eq!(published(&workspace), ["lab", "new", "shop"]);
}

#[test]
fn grants_hold_for_a_workspace_that_is_declared_later() {
    let workspace = PROVIDER.workspace();
    let shared = tree_with_lab_in("ou-lab").set("permissions", r#"["acme/security"]"#);
    configure(&workspace, &shared, "").apply();
    let plan = configure(&workspace, &shared, &security("publish = { json = {} }")).plan();
    plan.assert_warning(&["Connections of acme/security: 3 gained"]);
    workspace.apply_saved(&plan);
    assert_eq!(published(&workspace), ["hub", "lab", "shop"]);
}

#[test]
fn options_that_make_no_publication_are_refused() {
    let workspace = PROVIDER.workspace();
    for (options, fragments) in [
        (
            r#"{ source_profile = "hub", sso = true }"#,
            &["publish.aws_config", "sso"][..],
        ),
        (
            r#"{ credential_source = "Moon" }"#,
            &["publish.aws_config.credential_source", "Moon"],
        ),
        (
            r#"{ preamble = "[profile x]\naws_secret_access_key = s3cr3t" }"#,
            &["publish.aws_config.preamble"],
        ),
    ] {
        workspace
            .configure(&security(&format!(
                "publish = {{ aws_config = {options} }}"
            )))
            .plan_fails()
            .assert_error_at(
                r#"resource "orgmirror_workspace" "security""#,
                "publish",
                &[&["Invalid publication options"], fragments].concat(),
            )
            .assert_nothing_about("s3cr3t");
    }
}

#[test]
fn options_made_in_the_same_run_are_checked_once_they_are_known() {
    let made = |value: &str| {
        format!(
            r#"
            resource "terraform_data" "made" {{
              input = {}
            }}
            "#,
            quoted(value)
        )
    };
    let options = security(
        "publish = { json = {}, aws_config = { credential_source = terraform_data.made.output } }",
    );
    let workspace = PROVIDER.workspace();
    let plan = workspace
        .configure(&format!("{}{options}", made("Moon")))
        .plan();
    let after = plan.after(SECURITY);
    assert_eq!(after["publish"]["aws_config"]["credential_source"], UNKNOWN);
    assert_eq!(
        after["locations"],
        json!({
            "aws_config": format!("{FILES}/aws_config"),
            "json": format!("{FILES}/connections.json"),
        })
    );
    workspace
        .apply_fails()
        .assert_error(&["publish.aws_config.credential_source", "Moon"]);
    workspace
        .configure(&format!("{}{options}", made("Environment")))
        .apply();
    assert!(files(&workspace).contains_key("aws_config"));
}

#[test]
fn formats_and_names_made_in_the_same_run_hide_the_locations() {
    let made = r#"
        resource "terraform_data" "made" {
          input = "security"
        }
        "#;
    for arguments in [
        security(r#"publish = { json = terraform_data.made.output == "security" ? {} : null }"#),
        security("publish = { json = {} }")
            .replace("= \"security\"", "= terraform_data.made.output"),
        security(
            "
            attach  = [terraform_data.made.output]
            publish = { json = {} }
            ",
        ),
    ] {
        let workspace = PROVIDER.workspace();
        let plan = workspace.configure(&format!("{made}{arguments}")).plan();
        let locations = plan.after(SECURITY)["locations"].clone();
        let is_known = locations != UNKNOWN;
        assert_eq!(is_known, arguments.contains("attach"), "{arguments}");
        workspace.apply_saved(&plan);
        assert!(files(&workspace).contains_key("connections.json"));
    }
}

#[test]
fn a_catalog_that_is_not_known_yet_stops_only_what_needs_it() {
    let workspace = PROVIDER.workspace();
    let plan = workspace
        .configure(&format!(
            r#"
            resource "terraform_data" "made" {{
              input = "here"
            }}
            {}{}
            "#,
            provider("catalog = { path = terraform_data.made.output }"),
            security("publish = { json = {} }")
        ))
        .plan();
    assert_eq!(plan.after(SECURITY)["locations"], UNKNOWN);
    workspace.apply_saved(&plan);
    assert_eq!(
        workspace.attributes(SECURITY)["locations"]["json"],
        "here/tenants/default/workspaces/acme/security/connections.json"
    );
}

#[test]
fn a_catalog_that_moved_shows_as_other_locations() {
    let workspace = applied();
    fs::rename(
        workspace.path().join(".orgmirror"),
        workspace.path().join("moved"),
    )
    .expect("it can be moved");
    workspace.configure_provider(r#"catalog = { path = "moved" }"#);
    let plan = workspace.plan();
    let moved = |name: &str| {
        json!([
            format!("{FILES}/{name}"),
            format!("moved/tenants/default/workspaces/acme/security/{name}")
        ])
    };
    plan.assert_in_place(
        SECURITY,
        &json!({ "locations": { "c7n_org": moved("accounts.yml"), "json": moved("connections.json") } }),
    );
    plan.assert_actions(INTEGRATION, &["no-op"]);
    workspace.apply_saved(&plan);
}

#[test]
fn a_workspace_in_another_configuration_shares_only_the_catalog() {
    let platform = PROVIDER.workspace();
    configure(&platform, &shared_with_all(), "").apply();
    let team = PROVIDER.workspace();
    let place = platform.path().join(".orgmirror");
    let path = place.to_string_lossy().into_owned();
    team.configure(&format!(
        "{}{}",
        provider(&format!("catalog = {{ path = {} }}", quoted(&path))),
        security("publish = { json = {} }")
    ))
    .apply();
    assert_eq!(published(&platform), ["hub", "lab", "shop"]);
    assert_eq!(
        team.attributes(SECURITY)["locations"]["json"],
        format!("{path}/tenants/default/workspaces/acme/security/connections.json")
    );

    configure(
        &platform,
        &tree_with_lab_in("ou-lab").set("permissions", r#"["other"]"#),
        "",
    )
    .plan()
    .assert_warning(&["Connections of acme/security: 3 lost"]);
    platform.apply();
    assert_eq!(published(&platform), [""; 0]);
    team.plan().assert_no_changes();
    team.destroy();
    platform.plan().assert_no_changes();
}

#[test]
fn what_cannot_be_published_is_a_warning_and_shows_in_the_next_plan() {
    let workspace = PROVIDER.workspace();
    configure(&workspace, &shared_with_all(), "").apply();
    // A file where the directory has to be stops even root.
    let directory = workspace.path().join(FILES);
    let parent = directory.parent().expect("it has a parent");
    fs::create_dir_all(parent).expect("it can be made");
    fs::write(&directory, "in the way").expect("it can be written");
    configure(
        &workspace,
        &shared_with_all(),
        &security("publish = { json = {} }"),
    );
    let warnings = workspace.apply_saved_after_a_change(&workspace.plan());
    warnings.assert_warning(&[FILES]);
    assert_eq!(workspace.attributes(SECURITY)["in_sync"], true);
    workspace
        .plan()
        .assert_in_place(SECURITY, &json!({ "in_sync": [false, true] }));
    fs::remove_file(&directory).expect("it can be removed");
    workspace.apply();
    assert_eq!(published(&workspace), ["hub", "lab", "shop"]);
}

#[test]
fn a_workspace_edited_in_the_catalog_shows_in_the_next_plan() {
    let workspace = applied();
    let sound = files(&workspace);
    edit(&workspace, |document| {
        let workspaces = document["workspaces"].as_object_mut().expect("workspaces");
        for workspace in workspaces.values_mut() {
            workspace["attach"] = json!([]);
            workspace["publish"] = json!({ "json": {} });
        }
    });
    let plan = workspace.plan();
    plan.assert_in_place(
        SECURITY,
        &json!({
            "attach": [[], null],
            "publish": { "c7n_org": [null, {}] },
            "in_sync": [false, true],
        }),
    );
    workspace.apply_saved(&plan);
    assert_eq!(files(&workspace), sound);

    edit(&workspace, |document| {
        document["workspaces"] = json!({});
    });
    workspace.plan().assert_actions(SECURITY, &["create"]);
    workspace.apply();
    assert_eq!(published(&workspace), ["hub", "lab", "shop"]);
}

#[test]
fn a_workspace_is_imported() {
    let workspace = applied();
    let state = workspace.attributes(SECURITY);
    workspace.forget(SECURITY);
    workspace
        .import_fails(SECURITY, "acme/secrets")
        .assert_error(&["No such workspace", "\"acme/secrets\"", "acme/security"]);
    workspace.import_fails(SECURITY, "security");
    workspace.import(SECURITY, "acme/security");
    workspace.plan().assert_no_changes();
    assert_eq!(workspace.attributes(SECURITY), state);
}

#[test]
fn a_workspace_is_imported_by_its_identity() {
    let workspace = applied();
    let state = workspace.attributes(SECURITY);
    let id = state["id"].as_str().expect("an ID");
    workspace.forget(SECURITY);
    let importing = |id: &str| {
        let identity = quoted(id);
        workspace.write(
            "import.tf",
            &format!(
                "
                import {{
                  to       = {SECURITY}
                  identity = {{ id = {identity} }}
                }}
                "
            ),
        );
    };
    importing("ws_nobody");
    let failure = workspace.plan_fails();
    if !is_at_least(1, 12) {
        failure.assert_error(&["An argument named \"identity\" is not expected here"]);
        return;
    }
    failure.assert_only_error(&["No such workspace", "\"ws_nobody\"", "acme/security", id]);
    importing(id);
    let plan = workspace.plan();
    plan.assert_actions(SECURITY, &["no-op"]);
    workspace.apply_saved(&plan);
    assert_eq!(workspace.attributes(SECURITY), state);
}

#[test]
fn a_profile_that_takes_the_name_of_a_connection_is_refused() {
    let conflicting = security(r#"publish = { aws_config = { source_profile = "hub" } }"#);
    let workspace = PROVIDER.workspace();
    configure(&workspace, &shared_with_all(), "").apply();
    configure(&workspace, &shared_with_all(), &conflicting);
    let expected = [
        "Handles conflict with profile names",
        "the account 333333333333 (\"hub\")",
    ];
    workspace.plan().assert_warning(&expected);
    workspace.apply_fails().assert_only_error(&expected);
    assert!(!workspace.holds(SECURITY));

    // The same run may bring the way out.
    let overriding = r#"
        resource "orgmirror_connection_override" "hub" {
          integration_id = orgmirror_integration.aws.id
          account_id     = "333333333333"
          handle         = "hub_account"
        }
        "#;
    configure(
        &workspace,
        &shared_with_all(),
        &format!("{conflicting}{overriding}"),
    )
    .plan()
    .assert_warning(&expected);
    workspace.apply();
    assert!(files(&workspace)["aws_config"].contains("[profile hub_account]"));
}

#[test]
fn a_connection_that_takes_the_name_of_a_profile_later_is_left_out() {
    let workspace = PROVIDER.workspace();
    let rest = security(r#"publish = { aws_config = { source_profile = "night" } }"#);
    configure(&workspace, &shared_with_all(), &rest).apply();
    let joined = shared_with_all().hcl().replace(
        r#"{ name = "hub" }"#,
        r#"{ name = "hub" }
      "444444444444" = { name = "night" }"#,
    );
    workspace
        .configure(&format!("{joined}{rest}"))
        .apply()
        .assert_warning(&["444444444444", "no profile is published for it"]);
    assert!(!files(&workspace)["aws_config"].contains("[profile night]"));
    fs::remove_file(file(&workspace, "aws_config")).expect("it can be removed");
    workspace.apply();
    assert!(files(&workspace).contains_key("aws_config"));
}
