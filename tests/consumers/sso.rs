//! botocore takes a published profile with SSO to the access portal's service, in every partition.

use orgmirror::model::sso::Sso;
use orgmirror_testing::python;
use serde_json::{Value, json};

use crate::organization::{Example, options};

#[test]
fn a_user_who_has_signed_in_gets_the_credentials_of_account_and_role() {
    for (portal_url, region, host) in [
        (
            "https://acme.awsapps.com/start/#/",
            "eu-west-1",
            "portal.sso.eu-west-1.amazonaws.com",
        ),
        (
            "https://start.us-gov-home.awsapps.com/directory/acme",
            "us-gov-east-1",
            "portal.sso.us-gov-east-1.amazonaws.com",
        ),
        (
            "https://start.home.awsapps.cn/directory/acme#/",
            "cn-north-1",
            "portal.sso.cn-north-1.amazonaws.com.cn",
        ),
    ] {
        let example = Example::new(
            &["Prod".to_owned()],
            &[("aws_config", options(&[("sso", "true")]))],
        )
        .with_sso(Sso {
            portal_url: portal_url.to_owned(),
            region: region.to_owned(),
            role_name: Some("ReadOnly".to_owned()),
        });
        let account = example.view(|view| view.connections[0].account_id.to_owned());
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("aws_config");
        std::fs::write(&file, example.published("aws_config")).unwrap();
        let mut command = python::command(home.path());
        command
            .arg(crate::c7n_org::script("sso.py"))
            .arg(&file)
            .arg(&example.handles()[0]);
        let output = python::run(&mut command);
        assert!(output.status.success(), "{}", python::complaint(&output));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let url = format!(
            "https://{host}/federation/credentials?role_name=ReadOnly&account_id={account}"
        );
        assert_eq!(
            found,
            json!({ "access_key": "ASIAX", "asked": [{ "url": url, "token": "of-the-user" }] })
        );
    }
}
