//! AWS IAM Identity Center: sign-in links, and profiles in what is published, in every partition.

use std::fs;

use serde_json::json;

use crate::PROVIDER;
use crate::configurations::Integration;

/// A partition, an account in it, its portal as a browser shows it, the portal's region, and the portal without what the
/// browser adds, up to the link.
const PORTALS: [[&str; 5]; 3] = [
    [
        "aws",
        "111111111111",
        "https://acme.awsapps.com/start/#/?tab=accounts",
        "eu-west-1",
        "https://acme.awsapps.com/start/",
    ],
    [
        "aws-us-gov",
        "222222222222",
        "https://start.us-gov-home.awsapps.com/directory/acme#/",
        "us-gov-east-1",
        "https://start.us-gov-home.awsapps.com/directory/acme",
    ],
    [
        "aws-cn",
        "333333333333",
        "https://start.home.awsapps.cn/directory/d-9067f00000",
        "cn-northwest-1",
        "https://start.home.awsapps.cn/directory/d-9067f00000",
    ],
];

fn integration([partition, account, portal, region, _]: [&str; 5]) -> Integration {
    let name = partition.replace('-', "_");
    Integration::of(&format!(
        r#"{{ partition = "{partition}", accounts = {{ "{account}" = {{ name = "Shop {partition}" }} }} }}"#
    ))
    .label(&name)
    .set_text("handle", &format!("in_{name}"))
    .set("permissions", r#"["*"]"#)
    .set(
        "sso",
        &format!(r#"{{ portal_url = "{portal}", region = "{region}", role_name = "Read+Only" }}"#),
    )
}

#[test]
fn links_and_profiles_open_account_and_role_in_every_partition() {
    let mut hcl: String = PORTALS
        .map(integration)
        .iter()
        .map(Integration::hcl)
        .collect();
    hcl.push_str(
        r#"
        resource "orgmirror_workspace" "people" {
          organization = "acme"
          handle       = "people"
          publish      = { aws_config = { sso = true }, json = {} }
        }
        "#,
    );
    let workspace = PROVIDER.workspace();
    workspace.configure(&hcl).apply();
    let locations = workspace.attributes("orgmirror_workspace.people")["locations"].clone();
    let read = |format: &str| {
        let location = locations[format].as_str().unwrap();
        fs::read_to_string(workspace.path().join(location)).unwrap()
    };
    let published = read("aws_config");
    let described: serde_json::Value = serde_json::from_str(&read("json")).unwrap();
    let described = described["connections"].as_array().unwrap().clone();
    for [partition, account, _, region, address] in PORTALS {
        let name = partition.replace('-', "_");
        let state = workspace.attributes(&format!("orgmirror_integration.{name}"));
        let link = format!("{address}#/console?account_id={account}&role_name=Read%2BOnly");
        assert_eq!(state["connections"][account]["sign_in_url"], link);
        let described = described
            .iter()
            .find(|connection| connection["account_id"] == account);
        assert_eq!(described.unwrap()["sign_in_url"], json!(link));

        let start_url = address.trim_end_matches('/');
        let (_, session) = published
            .split_once(&format!("sso_start_url = {start_url}\n"))
            .unwrap_or_else(|| panic!("no session of {start_url} in\n{published}"));
        assert!(
            session.starts_with(&format!("sso_region = {region}\n")),
            "{session}"
        );
        let (_, profile) = published
            .split_once(&format!("[profile shop_{name}]\n"))
            .unwrap_or_else(|| panic!("no profile of {name} in\n{published}"));
        let profile: Vec<&str> = profile
            .lines()
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(
            profile.contains(&format!("sso_account_id = {account}").as_str())
                && profile.contains(&"sso_role_name = Read+Only"),
            "{profile:?}"
        );
    }
}

#[test]
fn the_example_gives_links_and_profiles() {
    let workspace =
        PROVIDER.workspace_of_example(include_str!("../../examples/single-sign-on/main.tf"));
    workspace.apply().assert_none();
    let links = workspace.output("sign_in");
    let link =
        "https://acme.awsapps.com/start/#/console?account_id=222233334444&role_name=ReadOnly";
    assert_eq!(links["Shop"], link);
    let location = workspace.output("aws_config");
    let published = workspace.path().join(location.as_str().unwrap());
    let published = fs::read_to_string(published).unwrap();
    for part in [
        "[sso-session acme-eu-west-1]\n",
        "[profile shop]\n",
        "sso_account_id = 222233334444\n",
    ] {
        assert!(published.contains(part), "no {part:?} in\n{published}");
    }
}

#[test]
fn a_portal_of_another_region_is_warned_of_once() {
    let workspace = PROVIDER.workspace();
    let sso = |region: &str| {
        Integration::of_accounts([("111122223333", "sandbox")])
            .set(
                "sso",
                &format!(
                    r#"{{ portal_url = "https://ssoins-7223.portal.eu-west-1.app.aws", region = "{region}" }}"#
                ),
            )
            .hcl()
    };
    workspace
        .configure(&sso("us-east-1"))
        .plan()
        .assert_warning(&["Portal in another Region", "\"us-east-1\"", "\"eu-west-1\""]);
    workspace.apply();
    workspace.plan().assert_no_warnings();
    workspace
        .configure(&sso("eu-west-1"))
        .plan()
        .assert_no_warning_of("portal");
}
