//! What is effective and why, and integrations of other configurations.

use orgmirror_testing::terraform::{UNKNOWN, Workspace, quoted};
use serde_json::{Value, json};

use crate::PROVIDER;
use crate::configurations::{INTEGRATION, labelled, security, tree_with_lab_in};

/// Address of the data source that [`connections`] declares.
const CONNECTIONS: &str = "data.orgmirror_connections.these";

/// HCL of the data source.
fn connections(arguments: &str) -> String {
    format!(
        r#"
        data "orgmirror_connections" "these" {{
          {arguments}
        }}
        "#
    )
}

/// The tree with permissions and overrides of every kind, and a workspace that attaches a part.
fn platform() -> Workspace {
    let parts = [
        tree_with_lab_in("ou-lab")
            .set("permissions", r#"["other"]"#)
            .hcl(),
        labelled(
            "folder_permission",
            "work",
            r#"
            folder_path = "/Workloads"
            grantee     = "acme/security"
            match_tags  = { env = "prod" }
            "#,
        ),
        labelled(
            "folder_permission",
            "all",
            r#"
            folder_id = "root"
            grantee   = "acme"
            "#,
        ),
        labelled(
            "connection_permission",
            "lab",
            r#"
            account_id = "222222222222"
            grantee    = "*"
            "#,
        ),
        labelled(
            "folder_override",
            "work",
            r#"
            folder_id = "ou-work"
            regions   = ["eu-west-1"]
            role_name = "audit"
            "#,
        ),
        labelled(
            "connection_override",
            "lab",
            r#"
            account_id = "222222222222"
            handle     = "laboratory"
            enabled    = false
            "#,
        ),
        security(
            r#"
            attach  = ["/Workloads", "222222222222"]
            publish = { json = {} }
            "#,
        ),
    ];
    let workspace = PROVIDER.workspace();
    workspace.configure(&parts.concat()).apply();
    workspace
}

/// Another configuration with the catalog of the first one.
fn beside(platform: &Workspace) -> Workspace {
    let path = platform.path().join(".orgmirror");
    let workspace = PROVIDER.workspace();
    let path = quoted(&path.to_string_lossy());
    workspace.configure_provider(&format!("catalog = {{ path = {path} }}"));
    workspace
}

fn read(workspace: &Workspace, arguments: &str) -> Value {
    workspace.configure(&connections(arguments)).apply();
    workspace.attributes(CONNECTIONS)["connections"].clone()
}

fn handles(connections: &Value) -> Vec<&str> {
    let connections = connections.as_object().expect("a map");
    connections.keys().map(String::as_str).collect()
}

#[test]
fn connections_have_effective_settings_and_the_grants_that_make_them_visible() {
    let platform = platform();
    let team = beside(&platform);
    let id = |address: &str| platform.attributes(address)["id"].clone();

    let found = read(&team, r#"workspace = "acme/security""#);
    assert_eq!(handles(&found), ["hub", "laboratory", "shop"]);
    assert_eq!(
        found["shop"],
        json!({
            "account_id": "111111111111",
            "integration_id": id(INTEGRATION),
            "name": "shop",
            "email": null,
            "state": "ACTIVE",
            "tags": { "env": "prod" },
            "handle": "shop",
            "folder_id": "ou-prod",
            "path": "/Workloads/Prod",
            "role_arn": "arn:aws:iam::111111111111:role/audit",
            "external_id": null,
            "regions": ["eu-west-1"],
            "default_region": "us-east-1",
            "max_error_retry_attempts": 9,
            "min_error_retry_delay": 25,
            "ignore_error_codes": [],
            "enabled": true,
            "published": true,
            "owners": null,
            "sign_in_url": null,
            "custom_access_details": null,
            "granted_by": [
                {
                    "resource_type": "orgmirror_folder_permission",
                    "permission_id": id("orgmirror_folder_permission.all"),
                    "grantee": "acme",
                    "folder_id": "root",
                    "folder_path": "/",
                    "account_id": null,
                    "match_tags": null,
                },
                {
                    "resource_type": "orgmirror_folder_permission",
                    "permission_id": id("orgmirror_folder_permission.work"),
                    "grantee": "acme/security",
                    "folder_id": "ou-work",
                    "folder_path": "/Workloads",
                    "account_id": null,
                    "match_tags": { "env": "prod" },
                },
            ],
        })
    );
    assert_eq!(found["laboratory"]["account_id"], "222222222222");
    assert_eq!(found["laboratory"]["enabled"], false);
    // Attached and not enabled; visible and not attached.
    assert_eq!(found["laboratory"]["published"], false);
    assert_eq!(found["hub"]["published"], false);
    assert_eq!(
        found["laboratory"]["granted_by"][1],
        json!({
            "resource_type": "orgmirror_connection_permission",
            "permission_id": id("orgmirror_connection_permission.lab"),
            "grantee": "*",
            "folder_id": null,
            "folder_path": null,
            "account_id": "222222222222",
            "match_tags": null,
        })
    );

    let everything = read(&team, "");
    assert_eq!(handles(&everything), ["hub", "laboratory", "shop"]);
    assert_eq!(everything["hub"]["published"], Value::Null);
    assert_eq!(
        everything["hub"]["granted_by"][0],
        json!({
            "resource_type": "orgmirror_integration",
            "permission_id": null,
            "grantee": "other",
            "folder_id": "root",
            "folder_path": "/",
            "account_id": null,
            "match_tags": null,
        })
    );
}

#[test]
fn a_workspace_that_nobody_declared_sees_what_it_would_see() {
    let platform = platform();
    let team = beside(&platform);
    let found = read(&team, r#"workspace = "elsewhere/later""#);
    assert_eq!(handles(&found), ["laboratory"]);
    let found = read(&team, r#"workspace = "other/later""#);
    assert_eq!(handles(&found), ["hub", "laboratory", "shop"]);
    assert_eq!(found["hub"]["published"], false);
    assert_eq!(found["hub"]["granted_by"].as_array().map(Vec::len), Some(1));
}

#[test]
fn connections_are_filtered() {
    let platform = platform();
    let team = beside(&platform);
    let id = quoted(
        platform.attributes(INTEGRATION)["id"]
            .as_str()
            .expect("an ID"),
    );
    for (arguments, expected) in [
        (r#"folder_path = "/Workloads""#.to_owned(), &["shop"][..]),
        (
            r#"folder_path = "/""#.to_owned(),
            &["hub", "laboratory", "shop"],
        ),
        (
            format!("integration_id = {id}"),
            &["hub", "laboratory", "shop"],
        ),
        (
            format!(
                r#"
                integration_id = {id}
                workspace      = "elsewhere/later"
                folder_path    = "/Sandbox"
                "#
            ),
            &["laboratory"],
        ),
        (
            r#"
            workspace   = "elsewhere/later"
            folder_path = "/Workloads"
            "#
            .to_owned(),
            &[],
        ),
    ] {
        let found = read(&team, &arguments);
        assert_eq!(handles(&found), expected, "{arguments}");
    }
    for (arguments, fragments) in [
        (
            r#"folder_path = "/Workload""#,
            &[
                "No such folder",
                "\"/Workload\"",
                "Did you mean /Workloads?",
            ][..],
        ),
        (
            r#"integration_id = "in_gone""#,
            &["No such integration", "\"in_gone\"", "\"acme\""],
        ),
        (
            r#"workspace = "acme""#,
            &["workspace", "organization/workspace"],
        ),
        (
            r#"folder_path = "Workloads""#,
            &["folder_path", "starts with /"],
        ),
    ] {
        team.configure(&connections(arguments))
            .plan_fails()
            .assert_error(fragments);
    }
}

#[test]
fn an_integration_of_another_configuration_is_what_the_resource_exports() {
    let platform = platform();
    let team = beside(&platform);
    let declared = r#"
        data "orgmirror_integration" "aws" {
          handle = "acme"
        }
        "#;
    team.configure(declared).apply();
    let mut exported = platform.attributes(INTEGRATION);
    let exported_members = exported.as_object_mut().expect("an object");
    assert_eq!(
        exported_members.remove("aws_organization"),
        Some(Value::Null)
    );
    assert_eq!(team.attributes("data.orgmirror_integration.aws"), exported);

    team.configure(&declared.replace("acme", "acne"))
        .plan_fails()
        .assert_error_at(
            r#"data "orgmirror_integration" "aws""#,
            r#"handle = "acne""#,
            &["No such integration", "\"acne\"", "it has \"acme\""],
        );
}

#[test]
fn without_a_catalog_the_error_says_where_it_looked_and_how_to_wait() {
    for data_source in [
        connections(""),
        r#"
        data "orgmirror_integration" "aws" {
          handle = "acme"
        }
        "#
        .to_owned(),
    ] {
        let workspace = PROVIDER.workspace();
        let integration = tree_with_lab_in("ou-lab").hcl();
        workspace
            .configure(&format!("{integration}{data_source}"))
            .plan_fails()
            .assert_only_error(&[
                "There is no catalog to read",
                ".orgmirror/tenants/default/catalog.json",
                "depends_on",
                "orgmirror_integration.NAME.id",
            ]);
        let waiting = data_source.replace("{\n", "{\n  depends_on = [orgmirror_integration.aws]\n");
        workspace
            .configure(&format!("{integration}{waiting}"))
            .apply();
    }
}

#[test]
fn a_reference_waits_for_the_integration_and_its_changes() {
    let workspace = PROVIDER.workspace();
    let waiting = connections("integration_id = orgmirror_integration.aws.id");
    let output = r#"
        output "handles" {
          value = keys(data.orgmirror_connections.these.connections)
        }
        "#;
    let plan = workspace
        .configure(&format!(
            "{}{waiting}{output}",
            tree_with_lab_in("ou-lab").hcl()
        ))
        .plan();
    assert_eq!(plan.after(CONNECTIONS)["connections"], UNKNOWN);
    workspace.apply_saved(&plan);
    assert_eq!(workspace.output("handles"), json!(["hub", "lab", "shop"]));
    let prefixed = tree_with_lab_in("ou-lab").set_text("handle_prefix", "aws_");
    workspace
        .configure(&format!("{}{waiting}{output}", prefixed.hcl()))
        .apply();
    assert_eq!(
        workspace.output("handles"),
        json!(["aws_hub", "aws_lab", "aws_shop"])
    );
}
