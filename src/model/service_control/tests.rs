use serde_json::{Value, json};

use super::*;

const FULL: &str = "p-FullAWSAccess";

fn document(statements: Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn full_access() -> String {
    document(json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }]))
}

/// What stands in the way in eu-west-1 and us-east-1 of account 111 at `r/ou/111`, where everything is allowed and one
/// more policy is attached to the OU. In words.
fn with_policy(statements: Value) -> Vec<String> {
    let mut policies = ServiceControlPolicies::default();
    let everywhere = ["r", "ou", "111"].map(str::to_owned);
    policies
        .add(FULL, "FullAWSAccess", &full_access(), everywhere)
        .unwrap();
    policies
        .add("p-1", "fence", &document(statements), ["ou".to_owned()])
        .unwrap();
    words(&policies)
}

fn words(policies: &ServiceControlPolicies) -> Vec<String> {
    let regions = BTreeSet::from(["eu-west-1", "us-east-1"]);
    let accounts = [("111", vec!["r", "ou", "111"])];
    policies
        .obstacles(accounts, "aws", &regions)
        .iter()
        .map(|(place, stopped)| Obstacle(place, stopped).to_string())
        .collect()
}

const FENCE: &str = "the service control policy \"fence\" (p-1), statement";

#[test]
fn nothing_stands_in_the_way_of_full_access() {
    assert_eq!(
        with_policy(json!({ "Effect": "Deny", "Action": "ec2:*", "Resource": "*" })),
        [""; 0]
    );
}

#[test]
fn a_denied_action_is_named_with_policy_statement_and_place() {
    assert_eq!(
        with_policy(json!([
            { "Effect": "Deny", "Action": "s3:*", "Resource": "*" },
            { "Effect": "Deny", "Action": ["CloudFormation:create*"], "Resource": "*" },
        ])),
        [format!(
            "{FENCE} 2, at ou denies cloudformation:CreateStack in eu-west-1, us-east-1"
        )]
    );
    assert_eq!(
        with_policy(
            json!({ "Sid": "NoSearch", "Effect": "Deny", "NotAction": "cloudformation:*", "Resource": "*" })
        ),
        [format!(
            "{FENCE} NoSearch, at ou denies resource-explorer-2:CreateIndex in eu-west-1, us-east-1"
        )]
    );
}

#[test]
fn a_fence_of_regions_denies_outside_of_it() {
    let fence = |operator: &str, regions: Value| {
        with_policy(json!({
            "Sid": "Fence",
            "Effect": "Deny",
            "NotAction": ["iam:*", "sts:*"],
            "Resource": "*",
            "Condition": { operator: { "AWS:RequestedRegion": regions } },
        }))
    };
    let denied = [format!(
        "{FENCE} Fence, at ou denies cloudformation:CreateStack and resource-explorer-2:CreateIndex in us-east-1"
    )];
    for (operator, regions) in [
        ("StringNotEquals", json!(["eu-west-1", "eu-central-1"])),
        ("StringNotEqualsIfExists", json!("eu-west-1")),
        ("ForAllValues:StringNotEquals", json!("eu-west-1")),
        ("StringNotEqualsIgnoreCase", json!("EU-West-1")),
        ("StringNotLike", json!("eu-*")),
        ("StringEquals", json!(["us-east-1", "us-west-2"])),
        ("StringLike", json!("us-????-1")),
        ("stringequalsignorecase", json!("US-EAST-1")),
    ] {
        assert_eq!(fence(operator, regions), denied, "{operator}");
    }
    assert_eq!(fence("StringNotLike", json!(["eu-*", "us-*"])), [""; 0]);
    assert_eq!(
        fence("StringNotEquals", json!(["EU-WEST-1", "us-east-1"])).len(),
        1
    );
    assert_eq!(fence("Null", json!("true")), [""; 0]);
    assert_eq!(fence("Null", json!(false)).len(), 1);
}

#[test]
fn what_only_aws_can_judge_may_deny() {
    let may = |condition: Value| {
        let found = with_policy(json!({
            "Effect": "Deny", "Action": "cloudformation:*", "Resource": "*", "Condition": condition,
        }));
        found
            == [format!(
                "{FENCE} 1, at ou may deny cloudformation:CreateStack, depending on conditions or resources, in eu-west-1, \
             us-east-1"
            )]
    };
    assert!(may(
        json!({ "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/admin" } })
    ));
    assert!(may(
        json!({ "StringEquals": { "aws:RequestedRegion": "${aws:PrincipalTag/home}" } })
    ));
    assert!(may(
        json!({ "StringMatches": { "aws:RequestedRegion": "eu-west-1" } })
    ));
    // One condition that does not hold is enough.
    assert!(!may(json!({
        "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/admin" },
        "StringEquals": { "aws:RequestedRegion": "ap-south-1" },
    })));
}

#[test]
fn resources_decide_as_far_as_they_are_known() {
    let found = |key: &str, resource: &str| {
        let mut statement = json!({ "Effect": "Deny", "Action": "cloudformation:*" });
        statement[key] = json!(resource);
        with_policy(statement)
            .first()
            .map_or("nothing", |words| {
                if words.contains("may deny") {
                    "may"
                } else {
                    "denies"
                }
            })
            .to_owned()
    };
    assert_eq!(found("Resource", "*"), "denies");
    assert_eq!(found("Resource", "arn:*:cloudformation:*"), "denies");
    assert_eq!(
        found("Resource", "arn:aws:cloudformation:*:*:stack/*"),
        "may"
    );
    assert_eq!(
        found("Resource", "arn:aws:cloudformation:*:111:stack/prod-*/*"),
        "may"
    );
    assert_eq!(
        found("Resource", "arn:aws:cloudformation:ap-south-1:*"),
        "nothing"
    );
    assert_eq!(found("Resource", "arn:aws:s3:::*"), "nothing");
    assert_eq!(found("NotResource", "arn:aws:s3:::*"), "denies");
    assert_eq!(found("NotResource", "*"), "nothing");
    assert_eq!(
        found(
            "NotResource",
            "arn:aws:cloudformation:*:${aws:PrincipalAccount}:*"
        ),
        "may"
    );
}

#[test]
fn a_region_restricted_for_other_actions_is_told_apart() {
    assert_eq!(
        with_policy(json!({
            "Effect": "Deny", "Action": "ec2:*", "Resource": "*",
            "Condition": { "StringNotEquals": { "aws:RequestedRegion": "eu-west-1" } },
        })),
        [format!(
            "{FENCE} 1, at ou denies other actions in us-east-1"
        )]
    );
}

#[test]
fn every_level_must_allow() {
    let mut policies = ServiceControlPolicies::default();
    let upper = ["r", "ou"].map(str::to_owned);
    policies
        .add(FULL, "FullAWSAccess", &full_access(), upper)
        .unwrap();
    assert_eq!(
        words(&policies),
        [
            "at 111 no service control policy allows cloudformation:CreateStack and resource-explorer-2:CreateIndex in \
          eu-west-1, us-east-1"
        ]
    );
    let some = document(json!([
        { "Effect": "Allow", "NotAction": "resource-explorer-2:*", "Resource": "*" },
        {
            "Effect": "Allow", "Action": "resource-explorer-2:*", "Resource": "*",
            "Condition": { "StringEquals": { "aws:RequestedRegion": "eu-west-1" } },
        },
    ]));
    policies
        .add("p-2", "most", &some, ["111".to_owned()])
        .unwrap();
    assert_eq!(
        words(&policies),
        ["at 111 no service control policy allows resource-explorer-2:CreateIndex in us-east-1"]
    );
    let tagged = document(json!({
        "Effect": "Allow", "Action": "resource-explorer-2:*", "Resource": "*",
        "Condition": { "StringEquals": { "aws:PrincipalTag/team": "cloud" } },
    }));
    policies
        .add("p-3", "tagged", &tagged, ["111".to_owned()])
        .unwrap();
    assert_eq!(
        words(&policies),
        [
            "at 111 service control policies allow resource-explorer-2:CreateIndex only on conditions or for resources that \
          may not hold, in us-east-1"
        ]
    );
}

#[test]
fn accounts_below_a_place_are_gathered() {
    let mut policies = ServiceControlPolicies::default();
    let deny = document(json!({ "Effect": "Deny", "Action": "*", "Resource": "*" }));
    let levels = ["r", "a", "b", "111", "222", "333"].map(str::to_owned);
    policies
        .add(FULL, "FullAWSAccess", &full_access(), levels)
        .unwrap();
    policies
        .add("p-1", "fence", &deny, ["a".to_owned()])
        .unwrap();
    let accounts = [
        ("111", vec!["r", "a", "111"]),
        ("222", vec!["r", "a", "222"]),
        ("333", vec!["r", "b", "333"]),
    ];
    let obstacles = policies.obstacles(accounts, "aws", &BTreeSet::from(["eu-west-1"]));
    let [(place, stopped)] = obstacles
        .into_iter()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(
        (place.verdict, place.target_id.as_str()),
        (Verdict::Denies, "a")
    );
    assert_eq!(
        stopped.account_ids,
        BTreeSet::from(["111", "222"].map(str::to_owned))
    );
}

#[test]
fn a_document_that_is_no_policy_is_refused() {
    let refused = |document: &str| {
        let mut policies = ServiceControlPolicies::default();
        policies
            .add("p-1", "fence", document, [])
            .unwrap_err()
            .to_string()
    };
    assert!(refused("{").starts_with("it is no policy document: "));
    assert!(refused("{}").contains("Statement"));
    let neither = document(json!({ "Sid": "Odd", "Effect": "Deny", "Resource": "*" }));
    assert!(refused(&neither).contains("statement Odd needs one of Action and NotAction"));
}
