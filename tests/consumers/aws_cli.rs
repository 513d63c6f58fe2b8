//! The real AWS CLI runs `aws --profile HANDLE sts get-caller-identity` and lands in the account, through the role.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;

use orgmirror::model::objects::workspace::Options;
use orgmirror_testing::double::{Double, Organization, Role};
use orgmirror_testing::moto::Moto;
use orgmirror_testing::python;
use serde_json::{Value, json};

use crate::organization::{Example, account_id, options};

/// Access key of whoever uses the files; it belongs to the management account.
const KEY: &str = "AKIAEXAMPLE";

/// Names of every kind, few enough for a tool that takes a second to start.
const NAMES: &[&str] = &[
    "default",
    "Prod",
    "prod",
    "x]\n[profile y",
    "\"quoted\" = # ;",
    "012345678901",
    "日本 🙂",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
];

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A home with a published file in it.
struct Home {
    directory: tempfile::TempDir,
    url: String,
}

impl Home {
    fn new(example: &Example, url: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("published"),
            example.published("aws_config"),
        )
        .unwrap();
        Self {
            directory,
            url: url.to_owned(),
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Gives a profile of `~/.aws/credentials` the user's key.
    fn with_credentials(self, profile: &str) -> Self {
        let aws = self.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        let text = format!(
            "[{profile}]\naws_access_key_id = {KEY}\naws_secret_access_key = very-secret-key\n"
        );
        std::fs::write(aws.join("credentials"), text).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = python::command(self.path());
        command
            .args(["-m", "awscli"])
            .args(arguments)
            .args(["--output", "json", "sts", "get-caller-identity"])
            .env("AWS_CONFIG_FILE", self.path().join("published"))
            .env("AWS_ENDPOINT_URL_STS", &self.url)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1");
        command
    }

    /// Who the user is with a profile.
    fn identity(&self, profile: &str) -> Output {
        python::run(&mut self.command(&["--profile", profile]))
    }
}

fn account_and_arn(output: &Output) -> (String, String) {
    assert!(output.status.success(), "{}", python::complaint(output));
    let identity: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |key: &str| identity[key].as_str().unwrap().to_owned();
    (text("Account"), text("Arn"))
}

/// The identity that each profile must lead to, by handle.
fn expected(example: &Example) -> BTreeMap<String, (String, String)> {
    example.view(|view| {
        let connections = view.connections.iter().map(|connection| {
            let role = connection.role_arn.rsplit('/').next().unwrap();
            let id = connection.account_id;
            let arn = format!("arn:aws:sts::{id}:assumed-role/{role}/acme.security");
            (connection.handle.to_owned(), (id.to_owned(), arn))
        });
        connections.collect()
    })
}

/// Asks for every profile, two at a time.
fn identities(home: &Home, handles: Vec<String>) -> BTreeMap<String, (String, String)> {
    let waiting = Mutex::new(VecDeque::from(handles));
    let found = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(handle) = waiting.lock().unwrap().pop_front() else {
                        return;
                    };
                    let identity = account_and_arn(&home.identity(&handle));
                    found.lock().unwrap().insert(handle, identity);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

/// A double whose roles are those of the example and want its external IDs.
fn double_of(example: &Example) -> Double {
    let mut organization = Organization::new(7);
    let management = organization.management_account_id.clone();
    example.view(|view| {
        for connection in &view.connections {
            let role = Role {
                external_id: connection.settings.external_id.clone(),
                trusted_accounts: Some([management.clone()].into()),
                ..Role::default()
            };
            organization
                .roles
                .insert(connection.role_arn.to_owned(), role);
        }
    });
    Double::start(organization)
}

fn example(aws_config: Options) -> Example {
    Example::new(&names(NAMES), &[("aws_config", aws_config)])
}

#[test]
fn every_profile_leads_to_its_account_through_the_role_with_the_external_id() {
    let example = example(options(&[("source_profile", "base")]));
    let double = double_of(&example);
    let home = Home::new(&example, &double.url()).with_credentials("base");
    assert_eq!(identities(&home, example.handles()), expected(&example));
    let calls = double.calls();
    let assumed: Vec<&Value> = calls
        .all()
        .iter()
        .filter(|call| call.action == "AssumeRole")
        .map(|call| &call.input["ExternalId"])
        .collect();
    assert_eq!(assumed.len(), NAMES.len());
    assert!(assumed.contains(&&json!(crate::organization::EXTERNAL_ID)));
    assert!(assumed.contains(&&json!("own+=,.@:/-0")));
}

#[test]
fn a_wrong_external_id_is_refused() {
    let example = example(options(&[("source_profile", "base")]));
    let double = double_of(&example);
    let (handle, role_arn) = example.view(|view| {
        let connection = &view.connections[1];
        (connection.handle.to_owned(), connection.role_arn.to_owned())
    });
    let role = double.organization().roles[&role_arn].clone();
    let other = Role {
        external_id: Some("acme:another".to_owned()),
        ..role
    };
    double.organization().roles.insert(role_arn, other);
    let home = Home::new(&example, &double.url()).with_credentials("base");
    let output = home.identity(&handle);
    assert!(!output.status.success());
    assert!(
        python::complaint(&output).contains("AccessDenied"),
        "{}",
        python::complaint(&output)
    );
}

#[test]
fn the_environment_is_a_source() {
    let example = example(options(&[("credential_source", "Environment")]));
    let double = double_of(&example);
    let home = Home::new(&example, &double.url());
    let output = python::run(
        home.command(&["--profile", "prod"])
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", "very-secret-key"),
    );
    assert_eq!(account_and_arn(&output), expected(&example)["prod"]);
}

/// The base is itself a role, assumed from a profile of `~/.aws/credentials`, and finds its endpoint in the preamble.
#[test]
fn a_preamble_brings_the_base_of_all_profiles() {
    let hub = account_id(900);
    let hub_arn = format!("arn:aws:iam::{hub}:role/hub");
    let preamble = format!(
        "[profile orgmirror-base]\nrole_arn = {hub_arn}\nsource_profile = me\nregion = eu-west-1\nservices = here\n\n\
         [services here]\nsts =\n  endpoint_url = URL\n"
    );
    let without_double = example(options(&[("source_profile", "orgmirror-base")]));
    let double = double_of(&without_double);
    {
        let mut organization = double.organization();
        for role in organization.roles.values_mut() {
            role.trusted_accounts = Some([hub.clone()].into());
        }
        organization.roles.insert(hub_arn, Role::default());
    }
    let example = example(options(&[
        ("source_profile", "orgmirror-base"),
        ("preamble", &preamble.replace("URL", &double.url())),
    ]));
    let home = Home::new(&example, &double.url()).with_credentials("me");
    assert_eq!(
        account_and_arn(&home.identity("prod")),
        expected(&example)["prod"]
    );
    let (account, _) = account_and_arn(&home.identity("orgmirror-base"));
    assert_eq!(account, hub);
}

/// What is implied by another format: the user's own `[default]` is hidden with the rest of `~/.aws/config`, but the one
/// of `~/.aws/credentials` is not.
#[test]
fn the_implied_source_is_the_users_default() {
    let example = Example::new(&names(&["Prod"]), &[("steampipe", Options::new())]);
    let double = double_of(&example);
    let home = Home::new(&example, &double.url()).with_credentials("default");
    assert_eq!(
        account_and_arn(&home.identity("prod")),
        expected(&example)["prod"]
    );
}

#[test]
fn the_handle_default_is_what_is_used_without_a_profile() {
    let example = example(options(&[("source_profile", "base")]));
    let double = double_of(&example);
    let home = Home::new(&example, &double.url()).with_credentials("base");
    let output = python::run(&mut home.command(&[]));
    assert_eq!(account_and_arn(&output), expected(&example)["default"]);
}

#[test]
fn moto_gives_the_same_identities() {
    let moto = Moto::seed(json!({}));
    let example = Example::new(
        &names(&NAMES[..5]),
        &[("aws_config", options(&[("source_profile", "base")]))],
    );
    let home = Home::new(&example, &moto.url()).with_credentials("base");
    assert_eq!(identities(&home, example.handles()), expected(&example));
}
