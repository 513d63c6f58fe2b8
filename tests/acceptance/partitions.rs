//! Regions, roles and portals of a partition: what is refused, what is warned of, and that each partition is mirrored with
//! its own.

use orgmirror_testing::double::{Double, Organization};
use orgmirror_testing::terraform::Failure;

use crate::PROVIDER;
use crate::configurations::{
    DATA, INTEGRATION, Integration, configure, endpoints, of_integration, snapshot, tree,
};

/// Hand-written accounts in a partition.
fn accounts_in(partition: &str) -> Integration {
    Integration::of(&format!(
        r#"{{ partition = "{partition}", accounts = {{ "111122223333" = {{ name = "sandbox" }} }} }}"#
    ))
}

fn settings(integration: Integration, settings: &str) -> Integration {
    integration.set(
        "connection_settings",
        &format!(r#"{{ role_name = "audit", {settings} }}"#),
    )
}

/// All of them are refused in one plan, each with what has to be in its error.
#[track_caller]
fn all_refused(cases: &[(Integration, &[&str])]) {
    let label = |number: usize| format!("case_{number}");
    let workspace = PROVIDER.workspace();
    let hcl = cases.iter().enumerate();
    let hcl: String = hcl
        .map(|(number, (integration, _))| {
            let handle = format!("\"case_{number}\"");
            let integration = integration.clone().label(&label(number));
            integration.set("handle", &handle).hcl()
        })
        .collect();
    let failure = workspace.configure(&hcl).plan_fails();
    for (number, (_, fragments)) in cases.iter().enumerate() {
        let block = format!(r#"resource "orgmirror_integration" "{}""#, label(number));
        failure.assert_error_at(&block, "", fragments);
    }
}

#[test]
fn what_is_in_another_partition_than_the_accounts_is_refused() {
    let sso = |arguments: &str| format!(r#"{{ role_name = "ReadOnly", {arguments} }}"#);
    all_refused(&[
        (
            settings(
                accounts_in("aws-us-gov"),
                r#"regions = ["us-*", "us-east-1"]"#,
            ),
            &[
                "Value in another partition",
                "connection_settings.regions",
                "\"us-east-1\"",
                "of the partition aws,",
                "in the partition aws-us-gov",
                "such as the Region \"us-gov-west-1\"",
            ],
        ),
        (
            settings(accounts_in("aws-cn"), r#"default_region = "us-east-1""#),
            &[
                "connection_settings.default_region",
                "such as the Region \"cn-north-1\"",
            ],
        ),
        (
            // A region that is not known yet tells its partition by its name.
            settings(accounts_in("aws"), r#"regions = ["us-gov-north-9"]"#),
            &["\"us-gov-north-9\"", "aws_organization.partition"],
        ),
        (
            // Nothing says a partition, so it is the commercial one.
            settings(
                Integration::of_accounts([("111122223333", "sandbox")]),
                r#"regions = ["cn-north-1"]"#,
            ),
            &["\"cn-north-1\"", "aws_organization.partition"],
        ),
        (
            accounts_in("aws-us-gov").set(
                "sso",
                &sso(r#"portal_url = "https://acme.awsapps.com/start", region = "us-east-1""#),
            ),
            &["sso.portal_url", "https://acme.awsapps.com/start"],
        ),
        (
            accounts_in("aws").set(
                "sso",
                &sso(r#"portal_url = "https://sso.acme.example", region = "us-gov-west-1""#),
            ),
            &["sso.region", "\"us-gov-west-1\""],
        ),
    ]);
}

#[test]
fn two_partitions_side_by_side_are_refused_before_the_snapshot_is_known() {
    let of_both = [
        settings(
            Integration::of(DATA),
            r#"regions = ["us-gov-west-1"], default_region = "eu-west-1""#,
        ),
        settings(
            Integration::of(DATA),
            r#"regions = ["cn-north-1", "eu-west-1"]"#,
        ),
        Integration::of(DATA).set(
            "sso",
            r#"{ portal_url = "https://start.us-gov-home.awsapps.com/directory/acme", region = "us-east-1" }"#,
        ),
    ];
    for integration in of_both {
        let workspace = PROVIDER.workspace();
        workspace
            .configure(&format!("{}{}", snapshot(""), integration.hcl()))
            .plan_fails()
            .assert_only_error(&["Values in different partitions", "integration of their own"]);
    }
}

#[test]
fn a_default_region_is_one_and_an_availability_zone_is_none() {
    all_refused(&[
        (
            settings(accounts_in("aws"), r#"default_region = "eu-*""#),
            &["default_region", "\"eu-*\"", "one AWS Region"],
        ),
        (
            settings(accounts_in("aws"), r#"regions = ["us-east-1a"]"#),
            &["regions", "\"us-east-1a\"", "name of an AWS Region"],
        ),
        (
            accounts_in("aws").set(
                "sso",
                r#"{ portal_url = "https://acme.awsapps.com", region = "us-east-1" }"#,
            ),
            &[
                "portal_url",
                "\"https://acme.awsapps.com\"",
                "https://start.us-gov-home.awsapps.com/directory/acme",
            ],
        ),
    ]);
}

#[test]
fn a_region_that_is_not_known_is_taken_with_one_warning() {
    let workspace = PROVIDER.workspace();
    let integration = settings(
        accounts_in("aws"),
        r#"regions = ["eu-west-1", "us-wset-2", "cn-*"], default_region = "xx-faraway-1""#,
    );
    let plan = workspace.configure(&integration.hcl()).plan();
    plan.assert_warning(&[
        "Unknown Region",
        "\"us-wset-2\"",
        "no Region of the partition aws",
        "Did you mean \"us-west-2\"?",
    ])
    .assert_warning(&["Unknown Region", "\"xx-faraway-1\"", "AWS adds Regions"])
    .assert_warning(&["No Region matches", "\"cn-*\""])
    .assert_no_warning_of("\"eu-west-1\"");
    workspace.apply_saved(&plan);
    let kept = workspace.attributes(INTEGRATION);
    assert_eq!(
        kept["connection_settings"]["default_region"],
        "xx-faraway-1"
    );
    // Who wants it so is told no more.
    workspace.plan().assert_no_warnings();
}

#[test]
fn an_override_in_another_partition_is_a_warning_at_plan_and_an_error_at_apply() {
    for (kind, arguments, fragments) in [
        (
            "folder_override",
            r#"
            folder_path = "/"
            regions     = ["us-gov-west-1"]
            "#,
            ["\"us-gov-west-1\" in regions", "aws-us-gov"],
        ),
        (
            "connection_override",
            r#"
            account_id     = "333333333333"
            default_region = "cn-north-1"
            "#,
            ["\"cn-north-1\" in default_region", "aws-cn"],
        ),
        (
            "connection_override",
            r#"
            account_id = "333333333333"
            role_arn   = "arn:aws-cn:iam::333333333333:role/x"
            "#,
            [
                "role/x\" in role_arn is of the partition aws-cn",
                "Give a role of the partition aws.",
            ],
        ),
    ] {
        let workspace = PROVIDER.workspace();
        configure(&workspace, &tree(), "").apply();
        configure(&workspace, &tree(), &of_integration(kind, arguments));
        let mut all = vec!["Value in another partition", "the partition aws"];
        all.extend(fragments);
        workspace.plan().assert_warning(&all);
        workspace.apply_fails().assert_only_error(&all);
    }
}

#[test]
fn an_override_with_two_partitions_is_refused() {
    let refused = |declared: &str| -> Failure {
        let workspace = PROVIDER.workspace();
        configure(&workspace, &tree(), declared).plan_fails()
    };
    refused(&of_integration(
        "folder_override",
        r#"
        folder_path    = "/"
        regions        = ["us-gov-west-1"]
        default_region = "us-east-1"
        "#,
    ))
    .assert_only_error(&[
        "Values in different partitions",
        "default_region",
        "regions",
    ]);
    refused(&of_integration(
        "connection_override",
        r#"
        account_id = "333333333333"
        regions    = ["us-east-1"]
        role_arn   = "arn:aws-us-gov:iam::333333333333:role/x"
        "#,
    ))
    .assert_only_error(&["Values in different partitions", "role_arn", "regions"]);
}

#[test]
fn an_override_of_regions_that_are_not_known_is_warned_of() {
    let workspace = PROVIDER.workspace();
    configure(&workspace, &tree(), "").apply();
    configure(
        &workspace,
        &tree(),
        &of_integration(
            "folder_override",
            r#"
            folder_path = "/"
            regions     = ["eu-wset-1", "cn-*"]
            "#,
        ),
    )
    .plan()
    .assert_warning(&["Unknown Region", "Did you mean \"eu-west-1\""])
    .assert_warning(&["No Region matches", "of the partition aws"]);
    workspace.apply();
    workspace.plan().assert_no_warnings();
}

/// A double in a partition, a role in its management account, and the arguments that lead to both.
fn discovering(partition: &str) -> (Double, String) {
    let mut organization = Organization::generate(12, 5);
    organization.partition = partition.to_owned();
    let management = organization.management_account_id.clone();
    let role = format!("arn:{partition}:iam::{management}:role/discovery");
    organization.add_role(&role, None);
    let double = Double::start(organization);
    let arguments = format!(
        r#"
        access_key = "AKIAORGMIRRORTESTKEY"
        secret_key = "a key of the double"
        {}
        assume_role = {{ role_arn = "{role}" }}
        "#,
        endpoints(&double.url())
    );
    (double, arguments)
}

#[test]
fn without_a_region_discovery_goes_where_the_partition_of_the_role_has_aws_organizations() {
    for (partition, region) in [
        ("aws", "us-east-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-cn", "cn-northwest-1"),
    ] {
        let (double, arguments) = discovering(partition);
        let workspace = PROVIDER.workspace();
        workspace.configure_provider(&arguments);
        let integration = Integration::of(DATA);
        workspace
            .configure(&format!("{}{}", snapshot(""), integration.hcl()))
            .apply();
        let calls = double.calls();
        let regions: Vec<&str> = calls
            .all()
            .iter()
            .map(|call| call.region.as_str())
            .collect();
        assert!(
            regions.iter().all(|called| *called == region),
            "{partition}: {regions:?}"
        );
        let created = workspace.attributes(INTEGRATION);
        let arn = format!("arn:{partition}:iam::");
        for connection in created["connections"].as_object().unwrap().values() {
            let derived = connection["derived_role_arn"].as_str().unwrap();
            assert!(derived.starts_with(&arn), "{derived}");
        }
    }
}

#[test]
fn a_role_in_another_partition_than_the_region_is_an_error_before_any_call() {
    let (double, arguments) = discovering("aws-us-gov");
    let workspace = PROVIDER.workspace();
    workspace.configure(&snapshot(""));
    workspace.configure_provider(&format!(
        r#"
            region = "eu-west-1"
            {arguments}
            "#
    ));
    workspace.plan_fails().assert_only_error(&[
        "The role is in another partition",
        "aws-us-gov",
        "eu-west-1",
        "region",
        "\"us-gov-west-1\"",
    ]);
    assert_eq!(double.calls().total(), 0);
}
