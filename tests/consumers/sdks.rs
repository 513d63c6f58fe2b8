//! botocore, the AWS CLI's botocore and the AWS SDK for Rust read the profiles: exactly those, with exactly their values.

use std::collections::BTreeMap;

use aws_config::profile::{self, ProfileSet};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};
use orgmirror::model::objects::workspace::Options;
use orgmirror::model::sso::Sso;
use serde::Deserialize;
use serde_json::json;

use crate::names::names;
use crate::organization::{Example, options};
use crate::read::with_python;

/// Settings by section: profiles, then SSO sessions.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Sections {
    profiles: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(rename = "sso_sessions")]
    sessions: BTreeMap<String, BTreeMap<String, String>>,
}

/// Every setting that is ever written; the SDK for Rust does not list those that it found.
const KEYS: &[&str] = &[
    "role_arn",
    "source_profile",
    "credential_source",
    "external_id",
    "role_session_name",
    "region",
    "retry_mode",
    "max_attempts",
    "sso_session",
    "sso_account_id",
    "sso_role_name",
    "sso_start_url",
    "sso_region",
    "sso_registration_scopes",
    "aws_access_key_id",
];

fn example(options: Options) -> Example {
    Example::new(&names(), &[("aws_config", options)]).with_sso(sso())
}

fn sso() -> Sso {
    Sso {
        portal_url: "https://acme.awsapps.com/start#/".to_owned(),
        region: "eu-west-1".to_owned(),
        role_name: Some("Read+Only=,.@-".to_owned()),
    }
}

/// What a profile must hold, worked out from the model alone.
fn expected(
    example: &Example,
    source: &[(&str, &str)],
) -> BTreeMap<String, BTreeMap<String, String>> {
    example.view(|view| {
        let profiles = view.connections.iter().map(|connection| {
            let attempts = connection.settings.max_error_retry_attempts.to_string();
            let mut settings = vec![
                ("region", connection.settings.default_region.as_str()),
                ("retry_mode", "standard"),
                ("max_attempts", &attempts),
            ];
            settings.extend(source);
            if source[0].0 == "sso_session" {
                settings.push(("sso_account_id", connection.account_id));
            } else {
                settings.push(("role_arn", connection.role_arn));
                settings.push(("role_session_name", "acme.security"));
                settings.extend(
                    connection
                        .settings
                        .external_id
                        .as_deref()
                        .map(|id| ("external_id", id)),
                );
            }
            (connection.handle.to_owned(), owned(&settings))
        });
        profiles.collect()
    })
}

fn owned(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let settings = settings.iter();
    settings
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn with_botocore(package: &str, text: &[u8]) -> Sections {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("aws_config");
    std::fs::write(&file, text).unwrap();
    let found = with_python(package, &file);
    assert_eq!(found["others"], json!([]), "{package}");
    let read: Sections = serde_json::from_value(found.clone()).unwrap();
    let names: Vec<&String> = read.profiles.keys().collect();
    assert_eq!(found["available"], json!(names), "{package}");
    read
}

/// None: it cannot be read.
pub async fn with_rust(text: &str) -> Option<Sections> {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, text.to_owned())
        .build();
    let found: ProfileSet = profile::load(&Fs::real(), &Env::from_slice(&[]), &files, None)
        .await
        .ok()?;
    let profiles = found.profiles().map(|name| {
        let profile = found.get_profile(name).unwrap();
        let settings = KEYS
            .iter()
            .filter_map(|key| Some((*key, profile.get(key)?)));
        (name.to_owned(), owned(&settings.collect::<Vec<_>>()))
    });
    let sessions = found.sso_sessions().map(|name| {
        let session = found.sso_session(name).unwrap();
        let settings = KEYS
            .iter()
            .filter_map(|key| Some((*key, session.get(key)?)));
        (name.to_owned(), owned(&settings.collect::<Vec<_>>()))
    });
    Some(Sections {
        profiles: profiles.collect(),
        sessions: sessions.collect(),
    })
}

/// One by one, because a thousand in one message help nobody.
fn expect(found: &Sections, expected: &Sections, reader: &str) {
    for (name, settings) in expected.profiles.iter().chain(&expected.sessions) {
        let section = found.profiles.get(name).or(found.sessions.get(name));
        assert_eq!(section, Some(settings), "{reader}: {name}");
    }
    assert_eq!(found.profiles.len(), expected.profiles.len(), "{reader}");
    assert_eq!(found.sessions.len(), expected.sessions.len(), "{reader}");
}

async fn read_by_all(example: &Example, expected: &Sections) {
    let text = example.published("aws_config");
    assert_eq!(text, example.published("aws_config"));
    let found = with_rust(std::str::from_utf8(&text).unwrap()).await;
    expect(&found.unwrap(), expected, "the SDK for Rust");
    for package in ["botocore", "awscli"] {
        expect(&with_botocore(package, &text), expected, package);
    }
}

#[tokio::test]
async fn profiles_with_a_source_profile() {
    let preamble = "# The base.\n[profile orgmirror-base]\nregion = eu-west-1\nsso_session = acme\n\n\
                    [sso-session acme]\nsso_region = eu-west-1\n";
    let example = example(options(&[
        ("source_profile", "orgmirror-base"),
        ("preamble", preamble),
    ]));
    let mut profiles = expected(&example, &[("source_profile", "orgmirror-base")]);
    assert_eq!(profiles.len(), 1000);
    assert_eq!(
        profiles.keys().cloned().collect::<Vec<_>>(),
        example.handles()
    );
    let base = owned(&[("region", "eu-west-1"), ("sso_session", "acme")]);
    profiles.insert("orgmirror-base".to_owned(), base);
    let session = owned(&[("sso_region", "eu-west-1")]);
    let sessions = [("acme".to_owned(), session)].into();
    read_by_all(&example, &Sections { profiles, sessions }).await;
}

#[tokio::test]
async fn profiles_with_a_credential_source() {
    let example = example(options(&[("credential_source", "EcsContainer")]));
    let profiles = expected(&example, &[("credential_source", "EcsContainer")]);
    let sessions = BTreeMap::new();
    read_by_all(&example, &Sections { profiles, sessions }).await;
}

#[tokio::test]
async fn profiles_with_sso() {
    let example = example(options(&[("sso", "true")]));
    let session = "acme-eu-west-1";
    let source = [
        ("sso_session", session),
        ("sso_role_name", "Read+Only=,.@-"),
    ];
    let profiles = expected(&example, &source);
    let settings = owned(&[
        ("sso_start_url", "https://acme.awsapps.com/start"),
        ("sso_region", "eu-west-1"),
        ("sso_registration_scopes", "sso:account:access"),
    ]);
    let sessions = [(session.to_owned(), settings)].into();
    read_by_all(&example, &Sections { profiles, sessions }).await;
}
