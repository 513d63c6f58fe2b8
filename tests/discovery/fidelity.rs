//! The double itself: held to the published API model.

use std::process::Command;

use orgmirror_testing::double::{Double, Explorer, Organization, StateForm};
use orgmirror_testing::python;

#[test]
fn answers_are_those_of_the_published_model() {
    for (form, without_paths) in [
        (StateForm::Both, false),
        (StateForm::StateOnly, false),
        (StateForm::StatusOnly, true),
    ] {
        let mut organization = Organization::generate(60, 70);
        let role = format!(
            "arn:aws:iam::{}:role/checked",
            organization.management_account_id
        );
        organization.add_role(&role, Some("external"));
        organization.switch_policies_on();
        let root = organization.root_id.clone();
        let statement = serde_json::json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" });
        organization.attach_policy("p-example0001", "example", &root, &statement);
        let trusted = ["ram.amazonaws.com", "sso.amazonaws.com"].map(str::to_owned);
        organization.controls.trusted_services.extend(trusted);
        let management = organization.management_account_id.clone();
        let explorer = Explorer::ready(&["us-east-1", "eu-west-1"]);
        organization.explorers.insert(management, explorer);
        let double = Double::start(organization);
        {
            let mut faults = double.faults();
            faults.state_form = form;
            faults.without_paths = without_paths;
        }
        let checked = python::run(
            Command::new(python::executable())
                .arg(python::script("check_double.py"))
                .args([double.url(), role]),
        );
        assert!(
            checked.status.success(),
            "{}\n{}",
            python::complaint(&checked),
            python::MISSING
        );
        // The check says what it called: everything the double can answer.
        let said = String::from_utf8_lossy(&checked.stdout);
        for action in [
            "DescribeOrganization",
            "ListRoots",
            "ListAccounts",
            "ListAccountsForParent",
            "ListOrganizationalUnitsForParent",
            "ListParents",
            "DescribeAccount",
            "DescribeOrganizationalUnit",
            "ListTagsForResource",
            "GetCallerIdentity",
            "AssumeRole",
            "ListAWSServiceAccessForOrganization",
            "ListPolicies",
            "ListTargetsForPolicy",
            "DescribePolicy",
            "ListIndexes",
            "GetIndex",
            "GetDefaultView",
            "GetResources",
            "ListAccessKeys",
        ] {
            assert!(
                said.contains(&format!("checked {action}\n")),
                "{action} was not checked:\n{said}"
            );
        }
    }
}

/// How long it takes is measured in `benches`.
#[test]
fn fifty_thousand_accounts_can_be_made() {
    let organization = Organization::generate(50_000, 71);
    assert_eq!(organization.accounts().len(), 50_000);
}
