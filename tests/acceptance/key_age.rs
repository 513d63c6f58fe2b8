//! The warning that the access key in use is old.

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::terraform::Workspace;

use crate::PROVIDER;
use crate::configurations::{DATA, Integration, SNAPSHOT, arguments_for, endpoints};

const WARNING: &str = "The access key in use is old";

/// The key of [`arguments_for`] is this many days old.
fn double(days: i64) -> Double {
    let mut organization = Organization::generate(12, 7);
    let key = "AKIAORGMIRRORTESTKEY".to_owned();
    organization.key_ages.insert(key, days);
    Double::start(organization)
}

fn mirrored(arguments: &str) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(arguments);
    let mirror = Integration::of(DATA).hcl();
    workspace.configure(&format!("{SNAPSHOT}{mirror}"));
    workspace
}

fn after_90_days(double: &Double) -> String {
    format!(
        "
        {}
        credential_rotation_days = 90
        ",
        arguments_for(double)
    )
}

#[test]
fn an_old_key_is_told_by_its_last_four_characters_and_its_age() {
    let double = double(91);
    let workspace = mirrored(&after_90_days(&double));
    workspace
        .plan()
        .assert_warning(&[WARNING, "ends in TKEY", "91 days old", "is 90"]);
    workspace.apply();
}

#[test]
fn a_key_is_not_old_on_its_last_day() {
    let double = double(90);
    let workspace = mirrored(&after_90_days(&double));
    workspace.plan().assert_no_warnings();
    assert_eq!(double.calls().count("ListAccessKeys"), 1);
    workspace.apply();
}

#[test]
fn the_key_behind_a_role_counts() {
    let double = double(500);
    let role = format!(
        "arn:aws:iam::{}:role/discovery",
        double.organization().management_account_id
    );
    double.organization().add_role(&role, None);
    let workspace = mirrored(&format!(
        r#"
        {}
        assume_role = {{ role_arn = "{role}" }}
        "#,
        after_90_days(&double)
    ));
    workspace.plan().assert_warning(&[WARNING, "500 days old"]);
    workspace.apply();
}

#[test]
fn where_iam_refuses_nothing_is_said() {
    let double = double(500);
    double.faults().deny("ListAccessKeys");
    let workspace = mirrored(&after_90_days(&double));
    workspace.plan().assert_no_warnings();
    assert_eq!(double.calls().count("ListAccessKeys"), 1);
    workspace.apply();
}

#[test]
fn without_the_argument_and_with_temporary_keys_iam_is_not_asked() {
    let double = double(500);
    let temporary = format!(
        r#"
        {}
        token = "a token"
        "#,
        after_90_days(&double)
    );
    for arguments in [arguments_for(&double), temporary] {
        let workspace = mirrored(&arguments);
        workspace.plan().assert_no_warnings();
        workspace.apply();
    }
    assert_eq!(double.calls().count("ListAccessKeys"), 0);
}

#[test]
fn credential_rotation_days_are_at_least_one() {
    let workspace = mirrored(&format!(
        "
        credential_rotation_days = 0
        {}
        ",
        endpoints("http://127.0.0.1:9")
    ));
    workspace
        .plan_fails()
        .assert_error(&["credential_rotation_days", "at least 1"]);
}
