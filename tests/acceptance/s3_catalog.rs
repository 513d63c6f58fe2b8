//! The catalog in S3, by real Terraform.

use std::collections::BTreeSet;

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::moto;
use orgmirror_testing::s3::{Act, Bucket, error_body};
use orgmirror_testing::terraform::{Workspace, quoted};
use serde_json::Value;

use crate::PROVIDER;
use crate::configurations::{INTEGRATION, Integration};

const DOCUMENT: &str = "prod/tenants/default/catalog.json";

/// Arguments of a catalog in this bucket, and `more` of `s3`.
fn in_bucket(bucket: &Bucket, more: &str) -> String {
    format!(
        r#"
        region     = "us-east-1"
        access_key = "AKIATEST"
        secret_key = "secret"
        endpoints  = {{ s3 = "{}", sts = "{}" }}
        catalog    = {{ s3 = {{ bucket = "{}", prefix = "prod", use_path_style = true{more} }} }}
        "#,
        bucket.url(),
        moto::url(),
        bucket.name,
    )
}

/// [`in_bucket`] with our double as STS: the provider waits five seconds to know who calls, and moto serves all tests.
fn with_caller(bucket: &Bucket, double: &Double, more: &str) -> String {
    in_bucket(bucket, more).replace(moto::url(), &double.url())
}

fn two_accounts() -> Integration {
    Integration::of_accounts([("111111111111", "Web Shop"), ("222222222222", "hub")])
        .set("deletion_protection", "false")
}

const WORKSPACE: &str = r#"
    resource "orgmirror_workspace" "security" {
      organization = "acme"
      handle       = "security"
      publish      = { json = {} }
    }
    "#;

fn configured(bucket: &Bucket) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(&in_bucket(bucket, ""));
    workspace.configure(&two_accounts().hcl());
    workspace
}

fn document(bucket: &Bucket) -> Value {
    let bytes = bucket.get_blocking(DOCUMENT).expect("a document");
    serde_json::from_slice(&bytes).expect("it is JSON")
}

#[test]
fn a_catalog_in_s3_is_used_from_the_first_apply_to_the_last() {
    let bucket = Bucket::make();
    let double = Double::start(Organization::new(97));
    let workspace = configured(&bucket);
    let arguments = with_caller(&bucket, &double, "");
    workspace.configure_provider(&arguments);
    workspace.write("workspace.tf", WORKSPACE);
    workspace.plan();
    assert_eq!(bucket.keys(), Vec::<String>::new(), "a plan writes nothing");
    workspace.apply();
    let locations = workspace.attributes("orgmirror_workspace.security");
    let published = "prod/tenants/default/workspaces/acme/security/connections.json";
    assert_eq!(
        locations["locations"]["json"],
        format!("s3://{}/{published}", bucket.name)
    );
    assert!(bucket.get_blocking(published).is_some());
    assert_eq!(
        document(&bucket)["integrations"]
            .as_object()
            .map(|all| all.len()),
        Some(1)
    );
    assert!(!workspace.path().join(".orgmirror").exists());
    let who = &document(&bucket)["commit"]["who"];
    let account = double.organization().management_account_id.clone();
    let caller = format!("arn:aws:iam::{account}:user/terraform");
    assert_eq!(who["arn"], caller);
    workspace.destroy();
    assert_eq!(document(&bucket)["integrations"], serde_json::json!({}));
    assert_eq!(bucket.get_blocking(published), None);
}

#[test]
fn the_catalog_has_a_role_of_its_own() {
    let bucket = Bucket::make();
    let role_arn = "arn:aws:iam::123456789012:role/catalog";
    let mut organization = Organization::new(98);
    organization.add_role(role_arn, None);
    let double = Double::start(organization);
    let workspace = configured(&bucket);
    let role = format!(r#", assume_role = {{ role_arn = "{role_arn}" }}"#);
    let arguments = with_caller(&bucket, &double, &role);
    workspace.configure_provider(&arguments);
    workspace.apply();
    let who = &document(&bucket)["commit"]["who"]["arn"];
    let arn = who.as_str().expect("the AWS caller");
    assert!(arn.ends_with("assumed-role/catalog/orgmirror"), "{arn}");
    let calls = bucket.calls();
    let is_own = |key: &str| key.contains("Credential=AKIATEST/");
    let by_key = calls
        .iter()
        .filter(|call| call.header("authorization").is_some_and(is_own));
    assert_eq!(by_key.count(), 0, "every call is the role's");
}

#[test]
fn the_environment_names_a_bucket_too() {
    let bucket = Bucket::make();
    let mut workspace = PROVIDER.workspace();
    workspace.configure(&two_accounts().hcl());
    for (name, value) in [
        ("ORGMIRROR_CATALOG", format!("s3://{}/prod", bucket.name)),
        ("AWS_ACCESS_KEY_ID", "AKIATEST".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL_S3", bucket.url()),
        ("AWS_ENDPOINT_URL_STS", moto::url().to_owned()),
    ] {
        workspace.set_env(name, &value);
    }
    workspace.apply();
    assert!(bucket.get_blocking(DOCUMENT).is_some());
    workspace.set_env("ORGMIRROR_CATALOG", "s3://Not_A_Bucket/prod");
    workspace.plan_fails().assert_error(&[
        "The catalog cannot be used",
        "s3://Not_A_Bucket/prod",
        "ORGMIRROR_CATALOG",
    ]);
}

#[test]
fn what_is_wrong_with_a_catalog_argument_is_said_before_anything_is_read() {
    let workspace = PROVIDER.workspace();
    workspace.configure(&two_accounts().hcl());
    for (catalog, parts) in [
        ("{}", ["names no place", "Set either path"]),
        (
            r#"{ path = "x", s3 = { bucket = "acme" } }"#,
            ["names two places", "Set either path"],
        ),
        (
            r#"{ path = "s3://acme" }"#,
            ["It must be a directory", "s3 = { bucket"],
        ),
        (
            r#"{ s3 = { bucket = "s3://acme" } }"#,
            ["3 to 63", "the name alone"],
        ),
        (
            r#"{ s3 = { bucket = "acme", prefix = "a//b" } }"#,
            ["none of which is empty", "orgmirror/prod"],
        ),
        (
            r#"{ s3 = { bucket = "acme", endpoint = "s3.example.com" } }"#,
            ["https://", "scheme"],
        ),
    ] {
        workspace.configure_provider(&format!("catalog = {catalog}"));
        workspace.plan_fails().assert_error(&parts);
    }
}

#[test]
fn a_bucket_that_is_made_in_the_same_run_does_not_stop_the_plan() {
    let bucket = Bucket::make();
    let workspace = PROVIDER.workspace();
    workspace.configure(&format!(
        r#"
            resource "terraform_data" "bucket" {{
              input = "{}"
            }}
            {}
            "#,
        bucket.name,
        two_accounts().hcl()
    ));
    let arguments = in_bucket(&bucket, "");
    let literal = format!("\"{}\"", bucket.name);
    let arguments = arguments.replacen(&literal, "terraform_data.bucket.output", 1);
    workspace.configure_provider(&arguments);
    workspace.plan();
    workspace.apply();
    assert!(bucket.get_blocking(DOCUMENT).is_some());
}

#[test]
fn errors_of_s3_are_told_one_by_one() {
    let bucket = Bucket::make();
    let workspace = configured(&bucket);
    workspace.apply();
    let says = |status: u16, region: Option<&'static str>, code: &'static str| {
        bucket.on(move |_| Act::Say {
            status,
            region,
            body: error_body(code, "made up by the test"),
        });
    };
    says(403, None, "AccessDenied");
    workspace.plan_fails().assert_error(&[
        "S3 denies access to the catalog",
        "s3:GetObject",
        DOCUMENT,
    ]);
    says(301, Some("eu-west-1"), "PermanentRedirect");
    workspace.plan_fails().assert_error(&[
        "The S3 bucket is in another Region",
        "us-east-1 but in eu-west-1",
        r#"region = "eu-west-1""#,
    ]);
    says(400, None, "KMS.DisabledException");
    workspace
        .plan_fails()
        .assert_error(&["The KMS key of the catalog cannot be used"]);
    says(403, None, "RequestTimeTooSkewed");
    workspace
        .plan_fails()
        .assert_error(&["The system clock is wrong"]);
    bucket.on(|call| match call.header("if-match") {
        Some(_) => Act::ForgetMatch,
        None => Act::Pass,
    });
    workspace.write("more.tf", WORKSPACE);
    workspace.apply_fails().assert_error(&[
        "S3 endpoint without conditional writes",
        "does not check If-Match",
    ]);
    bucket.on(|_| Act::Pass);
    let arguments = in_bucket(&bucket, "").replace(&bucket.name, "orgmirror-test-no-bucket");
    workspace.configure_provider(&arguments);
    workspace.plan_fails().assert_error(&[
        "No such S3 bucket",
        "orgmirror-test-no-bucket",
        "Create it",
    ]);
    workspace.configure_provider(&in_bucket(&bucket, r#", endpoint = "http://127.0.0.1:9""#));
    workspace
        .plan_fails()
        .assert_error(&["S3 cannot be reached", "http://127.0.0.1:9"]);
    workspace.configure_provider(&in_bucket(&bucket, ""));
    workspace.apply();
}

const PROCESSES: usize = 8;
/// What each process declares: 50 objects.
const FOLDER_PERMISSIONS: usize = 20;
const CONNECTION_PERMISSIONS: usize = 10;
const OVERRIDES: usize = 20;

/// Eight processes at once, each with permissions and overrides of its own: every run succeeds.
fn eight_at_once(arguments: &str) {
    let first = PROVIDER.workspace();
    first.configure_provider(arguments);
    let accounts: Vec<(String, String)> = (0..PROCESSES * OVERRIDES)
        .map(|n| {
            (
                format!("{:012}", 100_000_000_000 + n),
                format!("account {n}"),
            )
        })
        .collect();
    let accounts = accounts
        .iter()
        .map(|(id, name)| (id.as_str(), name.as_str()));
    first
        .configure(&Integration::of_accounts(accounts).hcl())
        .apply();
    let integration = first.attributes(INTEGRATION)["id"].to_string();
    let workspaces: Vec<Workspace> = (0..PROCESSES)
        .map(|process| {
            let workspace = PROVIDER.workspace();
            workspace.configure_provider(arguments);
            workspace.configure(&share_of(process, &integration));
            workspace
        })
        .collect();
    std::thread::scope(|scope| {
        for workspace in workspaces {
            // It ends with a plan that says "No changes".
            scope.spawn(move || workspace.apply());
        }
    });
}

fn share_of(process: usize, integration: &str) -> String {
    let account = format!(
        "format(\"%012d\", {} + count.index)",
        100_000_000_000 + process * OVERRIDES
    );
    format!(
        r#"
        resource "orgmirror_folder_permission" "all" {{
          count          = {FOLDER_PERMISSIONS}
          integration_id = {integration}
          folder_path    = "/"
          grantee        = "o{process}/w${{count.index}}"
        }}
        resource "orgmirror_connection_permission" "all" {{
          count          = {CONNECTION_PERMISSIONS}
          integration_id = {integration}
          account_id     = {account}
          grantee        = "o{process}"
        }}
        resource "orgmirror_connection_override" "all" {{
          count          = {OVERRIDES}
          integration_id = {integration}
          account_id     = {account}
          handle         = "own_{process}_${{count.index}}"
        }}
        "#
    )
}

/// All 400 are there, with what follows from them.
fn assert_nothing_lost(document: &Value) {
    let all = |kind: &str, attribute: &str| -> BTreeSet<String> {
        let objects = document[kind].as_object().expect("objects").values();
        objects
            .map(|object| object[attribute].to_string())
            .collect()
    };
    assert_eq!(
        all("folder_permissions", "grantee").len(),
        PROCESSES * FOLDER_PERMISSIONS
    );
    assert_eq!(
        all("connection_permissions", "account_id").len(),
        PROCESSES * CONNECTION_PERMISSIONS
    );
    let overridden = all("connection_overrides", "handle");
    let integrations = document["integrations"].as_object().expect("integrations");
    let settled = integrations.values().flat_map(|integration| {
        let handles = integration["effective_handles"].as_object();
        handles.expect("handles").values().map(Value::to_string)
    });
    assert_eq!(settled.collect::<BTreeSet<_>>(), overridden);
    assert_eq!(overridden.len(), PROCESSES * OVERRIDES);
}

#[test]
fn eight_processes_at_once_lose_nothing_in_s3() {
    let bucket = Bucket::make();
    eight_at_once(&in_bucket(&bucket, ""));
    let document = document(&bucket);
    assert_nothing_lost(&document);
    let version = document["version"].as_u64().expect("a version");
    // One for the integration, and at most one for each of the others; how few they become is tested beside the catalog.
    assert!(version <= 1 + 400, "{version} versions");
    let entries = bucket
        .keys()
        .into_iter()
        .filter(|key| key.contains("/history/"));
    assert_eq!(entries.count() as u64, version);
}

#[test]
fn eight_processes_at_once_lose_nothing_on_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = quoted(&directory.path().to_string_lossy());
    eight_at_once(&format!("catalog = {{ path = {path} }}"));
    let document = directory.path().join("tenants/default/catalog.json");
    let document = std::fs::read(document).expect("a document");
    assert_nothing_lost(&serde_json::from_slice(&document).expect("it is JSON"));
}
