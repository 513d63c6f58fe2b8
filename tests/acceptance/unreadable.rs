//! Plans that cannot look into the catalog.

use std::fs;

use orgmirror_testing::s3::Bucket;
use orgmirror_testing::terraform::Workspace;

use crate::PROVIDER;
use crate::configurations::Integration;

fn of_one_account() -> Workspace {
    let workspace = PROVIDER.workspace();
    let integration = Integration::of_accounts([("111111111111", "hub")]);
    workspace.configure(&integration.hcl());
    workspace
}

/// Nothing is in the state yet, so nothing is read before the plan.
#[test]
fn a_first_plan_warns_where_the_catalog_cannot_be_read() {
    let workspace = of_one_account();
    let directory = workspace.path().join(".orgmirror/tenants/default");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("catalog.json"), "{ torn").unwrap();
    workspace.plan().assert_warning(&[
        "The catalog cannot be read",
        "catalog.json",
        "this plan shows neither",
        "the apply will fail",
    ]);
    workspace
        .apply_fails()
        .assert_error(&["The catalog cannot be read", "catalog.json"]);
    fs::remove_dir_all(workspace.path().join(".orgmirror")).unwrap();
    workspace.plan().assert_no_warnings();
    workspace.apply();
}

#[test]
fn a_first_plan_warns_where_there_is_no_bucket() {
    let bucket = Bucket::nowhere("orgmirror-test-no-such-bucket");
    let workspace = of_one_account();
    let s3 = format!(
        r#"s3 = {{ bucket = "{}", endpoint = "{}", use_path_style = true }}"#,
        bucket.name,
        bucket.url()
    );
    workspace.configure_provider(&format!(
        r#"
            region     = "us-east-1"
            access_key = "AKIATEST"
            secret_key = "secret"
            catalog    = {{ {s3} }}
            "#
    ));
    workspace.plan().assert_warning(&[
        "No such S3 bucket",
        "orgmirror-test-no-such-bucket",
        "the apply will fail",
    ]);
}
