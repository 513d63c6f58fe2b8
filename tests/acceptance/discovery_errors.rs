//! What goes wrong between here and AWS Organizations, and what people are told then.

use std::net::TcpListener;

use orgmirror_testing::double::{Double, Failure as Answer, KeyFault, Organization};
use orgmirror_testing::terraform::Workspace;

use crate::PROVIDER;
use crate::configurations::{
    DATA, INTEGRATION, Integration, SNAPSHOT, arguments_for, endpoints, provider, snapshot,
};

/// A role in the management account, which anybody may assume who sends the external ID.
fn discovery_role(double: &Double, external_id: Option<&str>) -> String {
    let mut organization = double.organization();
    let arn = format!(
        "arn:aws:iam::{}:role/discovery",
        organization.management_account_id
    );
    organization.add_role(&arn, external_id);
    arn
}

fn double() -> Double {
    Double::start(Organization::generate(30, 9))
}

/// A workspace that reads and mirrors with these arguments of the provider and of the data source.
fn reading(provider_arguments: &str, data_arguments: &str) -> Workspace {
    let workspace = PROVIDER.workspace();
    workspace.configure_provider(provider_arguments);
    workspace.configure(&format!(
        "{}{}",
        snapshot(data_arguments),
        Integration::of(DATA).hcl()
    ));
    workspace
}

#[test]
fn no_credentials_is_an_error_that_says_how_to_give_some() {
    let double = double();
    let workspace = reading(
        &format!(
            r#"
            region = "us-east-1"
            {}
            "#,
            endpoints(&double.url())
        ),
        "",
    );
    workspace.plan_fails().assert_only_error(&[
        "credentials",
        "profile",
        "access key",
        "AWS_PROFILE",
    ]);
    assert_eq!(double.calls().total(), 0);
}

#[test]
fn credentials_from_the_environment_serve_without_any_argument() {
    let double = double();
    let mut workspace = reading(&endpoints(&double.url()), "");
    workspace.set_env("AWS_ACCESS_KEY_ID", "AKIAFROMENVIRONMENT1");
    workspace.set_env("AWS_SECRET_ACCESS_KEY", "from the environment");
    workspace.apply();
    assert!(
        double
            .calls()
            .all()
            .iter()
            .all(|call| call.access_key == "AKIAFROMENVIRONMENT1")
    );
}

#[test]
fn a_profile_serves_and_one_that_does_not_exist_is_named() {
    let double = double();
    let mut workspace = reading(
        &format!(
            r#"
            profile = "management"
            {}
            "#,
            endpoints(&double.url())
        ),
        "",
    );
    let credentials = workspace.path().join("credentials");
    workspace.write(
        "credentials",
        "[management]\naws_access_key_id = AKIAOFTHEPROFILE0001\naws_secret_access_key = of the profile\n",
    );
    workspace.set_env(
        "AWS_SHARED_CREDENTIALS_FILE",
        &credentials.to_string_lossy(),
    );
    workspace.apply();
    assert!(
        double
            .calls()
            .all()
            .iter()
            .all(|call| call.access_key == "AKIAOFTHEPROFILE0001")
    );
    workspace.configure_provider(&format!(
        r#"
            profile = "managment"
            {}
            "#,
        endpoints(&double.url())
    ));
    workspace.plan_fails().assert_only_error(&["managment"]);
}

#[test]
fn keys_that_aws_does_not_know_or_that_are_over_are_errors() {
    let double = double();
    let workspace = reading(&arguments_for(&double), "");
    for fault in [KeyFault::Unknown, KeyFault::Expired] {
        double
            .organization()
            .key_faults
            .insert("AKIAORGMIRRORTESTKEY".to_owned(), fault);
        workspace.plan_fails().assert_only_error(&["credentials"]);
    }
}

#[test]
fn a_wrong_external_id_is_an_error_that_names_the_role_and_the_trust() {
    let double = double();
    let role = &discovery_role(&double, Some("the-right-one"));
    let with = |external_id: &str| {
        provider(&format!(
            r#"
            {}
            assume_role = {{ role_arn = "{role}" {external_id} }}
            "#,
            arguments_for(&double)
        ))
    };
    let workspace = reading("", "");
    workspace.write("provider.tf", &with(r#", external_id = "a-wrong-one""#));
    workspace
        .plan_fails()
        .assert_only_error(&[role, "external ID", "trust"])
        .assert_nothing_about("a-wrong-one");
    workspace.write("provider.tf", &with(""));
    workspace
        .plan_fails()
        .assert_only_error(&[role, "external_id", "trust"]);
    workspace.write("provider.tf", &with(r#", external_id = "the-right-one""#));
    workspace.apply();
}

#[test]
fn a_role_that_does_not_trust_the_caller_is_an_error_that_names_both() {
    let double = double();
    let role = "arn:aws:iam::123456789012:role/nobody";
    let workspace = reading(
        &format!(
            r#"
            {}
            assume_role = {{ role_arn = "{role}" }}
            "#,
            arguments_for(&double)
        ),
        "",
    );
    let caller = double.organization().management_account_id.clone();
    workspace
        .plan_fails()
        .assert_only_error(&[role, &caller, "trust"]);
}

#[test]
fn a_missing_permission_is_named_for_every_call() {
    let double = double();
    let denied = |actions: &[&str], arguments: &str| {
        for action in actions {
            double.faults().deny(action);
            reading(&arguments_for(&double), arguments)
                .plan_fails()
                .assert_only_error(&[&format!("organizations:{action}")]);
            double.faults().allow(action);
        }
    };
    let calls = |arguments: &str| -> Vec<String> {
        double.forget_calls();
        reading(&arguments_for(&double), arguments).plan();
        double
            .calls()
            .by_action()
            .keys()
            .filter_map(|call| call.strip_prefix("organizations:").map(str::to_owned))
            .collect()
    };
    for (without_paths, arguments) in [(false, ""), (true, ""), (false, "include_tags = true")] {
        double.faults().without_paths = without_paths;
        let made = calls(arguments);
        assert!(made.len() > 2, "{made:?}");
        denied(
            &made.iter().map(String::as_str).collect::<Vec<_>>(),
            arguments,
        );
    }
}

#[test]
fn a_service_control_policy_that_denies_is_named_and_not_the_callers_policy() {
    let double = double();
    let denied = Answer::new(
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::111122223333:user/terraform is not authorized to perform: organizations:ListAccounts on \
         resource: * with an explicit deny in a service control policy",
    );
    double.faults().fail_always("ListAccounts", denied);
    reading(&arguments_for(&double), "")
        .plan_fails()
        .assert_only_error(&[
            "organizations:ListAccounts",
            "A statement of the service control policy denies it",
            "exempt arn:aws:iam::111122223333:user/terraform",
        ])
        .assert_nothing_about("Allow organizations:ListAccounts");
}

#[test]
fn keys_of_another_partition_are_told_where_they_were_not_known() {
    let double = double();
    double
        .organization()
        .key_faults
        .insert("AKIAORGMIRRORTESTKEY".to_owned(), KeyFault::Unknown);
    reading(&arguments_for(&double), "")
        .plan_fails()
        .assert_only_error(&[&double.url(), "right partition", "us-gov-west-1"]);
}

#[test]
fn a_misspelt_region_in_an_endpoint_is_asked_about() {
    // Nothing outside of this machine is asked: names below localhost lead nowhere else.
    reading(
        &format!(
            r#"
            region      = "us-wset-2"
            access_key  = "AKIANOBODY"
            secret_key  = "nobody"
            max_retries = 1
            {}
            "#,
            endpoints("http://organizations.us-wset-2.localhost:9")
        ),
        "",
    )
    .plan_fails()
    .assert_only_error(&["AWS cannot be reached", "did you mean \"us-west-2\"?"]);
}

#[test]
fn an_account_in_no_organization_is_told_how_to_list_accounts_by_hand() {
    let double = double();
    double.faults().not_in_use = true;
    reading(&arguments_for(&double), "")
        .plan_fails()
        .assert_only_error(&["AWS organization", "accounts = {"]);
}

#[test]
fn a_member_account_without_delegation_is_an_error() {
    let double = double();
    let member = {
        let mut organization = double.organization();
        let member = organization
            .accounts()
            .keys()
            .find(|id| **id != organization.management_account_id)
            .cloned()
            .expect("a member");
        organization
            .key_accounts
            .insert("AKIAORGMIRRORTESTKEY".to_owned(), member.clone());
        member
    };
    let workspace = reading(&arguments_for(&double), "");
    let management = double.organization().management_account_id.clone();
    workspace.plan_fails().assert_only_error(&[
        &member,
        &management,
        "delegated administrator",
        "assume_role",
    ]);
    double
        .organization()
        .delegated_administrators
        .insert(member);
    workspace.apply();
}

#[test]
fn throttling_within_the_limits_is_waited_out() {
    let double = double();
    double.faults().throttle(None, 4, Answer::throttled());
    double
        .faults()
        .fail_first("ListAccounts", 2, Answer::throttled_429());
    double
        .faults()
        .fail_first("DescribeOrganization", 1, Answer::internal());
    let workspace = reading(&arguments_for(&double), "");
    workspace.apply();
    let failed = |code: &str| {
        let calls = double.calls();
        let failed = calls.all().iter();
        failed
            .filter(|call| call.error.as_deref() == Some(code))
            .count()
    };
    let refused = failed("TooManyRequestsException");
    assert!(refused >= 3, "{refused} calls were throttled");
    assert_eq!(failed("ThrottlingException"), 2);
    assert_eq!(failed("ServiceException"), 1);
}

#[test]
fn throttling_beyond_max_retries_is_an_error_that_names_the_argument() {
    let double = double();
    double
        .faults()
        .fail_always("ListAccounts", Answer::throttled());
    reading(
        &format!(
            "
            {}
            max_retries = 2
            ",
            arguments_for(&double)
        ),
        "",
    )
    .plan_fails()
    .assert_only_error(&["organizations:ListAccounts", "throttled", "max_retries"]);
    assert_eq!(double.calls().count("ListAccounts"), 3);
}

#[test]
fn a_reading_that_takes_too_long_is_an_error_that_names_the_timeout() {
    let double = double();
    double.faults().never_answer("ListAccounts");
    reading(&arguments_for(&double), r#"timeouts = { read = "1s" }"#)
        .plan_fails()
        .assert_only_error(&["timeouts", "read"]);
}

#[test]
fn an_endpoint_that_nobody_answers_at_is_named() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address")
    };
    reading(
        &format!(
            r#"
            region      = "us-east-1"
            access_key  = "AKIANOBODY"
            secret_key  = "nobody"
            max_retries = 1
            {}
            "#,
            endpoints(&format!("http://{address}"))
        ),
        "",
    )
    .plan_fails()
    .assert_only_error(&[&address.to_string()]);
}

#[test]
fn an_error_in_the_reading_leaves_the_mirror_as_it_is() {
    let double = double();
    let workspace = reading(&arguments_for(&double), "");
    workspace.apply();
    let before = workspace.attributes(INTEGRATION);
    double.faults().deny("ListAccounts");
    workspace.plan_fails();
    workspace.apply_fails();
    assert_eq!(workspace.attributes(INTEGRATION), before);
    double.faults().clear();
    workspace.plan().assert_no_changes();
}

#[test]
fn the_data_source_may_use_another_profile_than_the_provider() {
    let double = double();
    let mut workspace = PROVIDER.workspace();
    workspace.write(
        "credentials",
        "[one]\naws_access_key_id = AKIAOFPROFILEONE0001\naws_secret_access_key = one\n\
         [two]\naws_access_key_id = AKIAOFPROFILETWO0002\naws_secret_access_key = two\n",
    );
    let credentials = workspace.path().join("credentials");
    workspace.set_env(
        "AWS_SHARED_CREDENTIALS_FILE",
        &credentials.to_string_lossy(),
    );
    workspace.configure_provider(&format!(
        r#"
            profile = "one"
            {}
            "#,
        endpoints(&double.url())
    ));
    workspace.configure(SNAPSHOT).plan();
    workspace.configure(&snapshot(
        r#"
            profile = "two"
            region  = "eu-west-1"
            "#,
    ));
    let of_the_provider = double.calls();
    double.forget_calls();
    workspace.plan();
    let of_the_data_source = double.calls();
    for (calls, key) in [
        (of_the_provider, "AKIAOFPROFILEONE0001"),
        (of_the_data_source, "AKIAOFPROFILETWO0002"),
    ] {
        assert!(calls.total() > 0);
        assert!(calls.all().iter().all(|call| call.access_key == key));
    }
}
