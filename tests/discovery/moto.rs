//! Discovery against moto: somebody else's idea of AWS Organizations, seeded through its API.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_organizations::types::{ChildType, OrganizationFeatureSet, Tag};
use orgmirror::aws::{DiscoveryError, Endpoints, Settings};
use orgmirror_testing::python;

use crate::{options, read_with, with_tags};

const SERVER: &str = "
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print('http://%s:%d' % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
";

/// A moto of one test's own. It ends when its input does: with this value, or with the test process.
struct Moto {
    process: Child,
    input: Option<ChildStdin>,
    url: String,
}

impl Moto {
    fn start() -> Self {
        let executable = python::executable();
        let mut process = Command::new(&executable)
            .args(["-c", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                let executable = executable.to_string_lossy();
                panic!("{executable}: {error}; {}", python::MISSING)
            });
        let input = process.stdin.take();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        assert!(
            url.starts_with("http://"),
            "moto did not start; {}",
            python::MISSING
        );
        Self {
            process,
            input,
            url: url.trim().to_owned(),
        }
    }

    fn client(&self) -> Client {
        let credentials = Credentials::new("AKIAEXAMPLE", "secret", None, None, "test");
        Client::from_conf(
            aws_sdk_organizations::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials)
                .endpoint_url(&self.url)
                .build(),
        )
    }

    fn settings(&self) -> Settings {
        Settings {
            region: Some("us-east-1".to_owned()),
            access_key: Some("AKIAEXAMPLE".to_owned()),
            secret_key: Some("secret".to_owned()),
            endpoints: Endpoints {
                organizations: Some(self.url.clone()),
                sts: Some(self.url.clone()),
                tagging: Some(self.url.clone()),
                ..Endpoints::default()
            },
            ..Settings::default()
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

struct Seed {
    client: Client,
    root: String,
    management: String,
}

impl Seed {
    async fn new(moto: &Moto) -> Self {
        let client = moto.client();
        let made = client
            .create_organization()
            .feature_set(OrganizationFeatureSet::All)
            .send()
            .await
            .unwrap();
        let roots = client.list_roots().send().await.unwrap();
        Self {
            root: roots.roots()[0].id().unwrap().to_owned(),
            management: made.organization.unwrap().master_account_id.unwrap(),
            client,
        }
    }

    async fn unit(&self, parent: &str, name: &str) -> String {
        let made = self
            .client
            .create_organizational_unit()
            .parent_id(parent)
            .name(name)
            .send()
            .await
            .unwrap();
        made.organizational_unit.unwrap().id.unwrap()
    }

    async fn account(&self, parent: &str, name: &str) -> String {
        let made = self
            .client
            .create_account()
            .account_name(name)
            .email(format!("{}@example.com", name.replace(' ', "-")))
            .send()
            .await
            .unwrap();
        let id = made.create_account_status.unwrap().account_id.unwrap();
        if parent != self.root {
            self.client
                .move_account()
                .account_id(&id)
                .source_parent_id(&self.root)
                .destination_parent_id(parent)
                .send()
                .await
                .unwrap();
        }
        id
    }
}

#[tokio::test]
async fn the_tree_is_the_one_that_was_made() {
    let moto = Moto::start();
    let seed = Seed::new(&moto).await;
    let workloads = seed.unit(&seed.root, "Workloads").await;
    let production = seed.unit(&workloads, "Prod / EU").await;
    let mut accounts = BTreeMap::from([(seed.management.clone(), seed.root.clone())]);
    // More than a page of accounts under one parent, and of OUs.
    for number in 0..25 {
        let id = seed
            .account(&production, &format!("Payments {number}"))
            .await;
        accounts.insert(id, production.clone());
    }
    let mut units = vec![workloads.clone(), production.clone()];
    for number in 0..22 {
        units.push(seed.unit(&workloads, &format!("Team {number}")).await);
    }
    let sandbox = seed.account(&seed.root, "Sandbox").await;
    accounts.insert(sandbox.clone(), seed.root.clone());
    let closed = seed.account(&workloads, "Closed").await;
    accounts.insert(closed.clone(), workloads.clone());
    seed.client
        .close_account()
        .account_id(&closed)
        .send()
        .await
        .unwrap();
    seed.client
        .tag_resource()
        .resource_id(&sandbox)
        .tags(
            Tag::builder()
                .key("owner")
                .value("ada@example.com")
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();

    let snapshot = read_with(&moto.settings(), &with_tags()).await.unwrap();
    assert_eq!(snapshot.root_id, seed.root);
    assert_eq!(snapshot.management_account_id, seed.management);
    assert_eq!(snapshot.partition, "aws");
    assert_eq!(snapshot.feature_set, "ALL");
    let parents: BTreeMap<String, String> = snapshot
        .accounts
        .iter()
        .map(|(id, account)| (id.clone(), account.parent_id.clone()))
        .collect();
    assert_eq!(parents, accounts);
    units.sort();
    assert_eq!(
        snapshot
            .organizational_units
            .keys()
            .cloned()
            .collect::<Vec<_>>(),
        units
    );
    assert_eq!(
        snapshot.organizational_units[&production].path,
        "/Workloads/Prod %2F EU"
    );
    assert_eq!(snapshot.accounts[&closed].path, "/Workloads");
    assert_eq!(snapshot.accounts[&closed].state, "SUSPENDED");
    assert_eq!(snapshot.accounts[&sandbox].state, "ACTIVE");
    assert_eq!(
        snapshot.accounts[&sandbox].tags,
        Some(BTreeMap::from([(
            "owner".to_owned(),
            "ada@example.com".to_owned()
        )]))
    );
    assert!(
        snapshot
            .accounts
            .values()
            .all(|account| account.joined_at.is_some())
    );

    // Moved back and forth between two readings: the next one shows it.
    seed.client
        .move_account()
        .account_id(&sandbox)
        .source_parent_id(&seed.root)
        .destination_parent_id(&production)
        .send()
        .await
        .unwrap();
    let again = read_with(&moto.settings(), &with_tags()).await.unwrap();
    assert_eq!(again.accounts[&sandbox].path, "/Workloads/Prod %2F EU");
}

#[tokio::test]
async fn an_account_without_an_organization_is_an_error() {
    let moto = Moto::start();
    // moto lists no accounts and no error here; the organization's own description decides.
    let error = read_with(&moto.settings(), &options()).await.unwrap_err();
    assert_eq!(
        error,
        DiscoveryError::NotInOrganization {
            account_id: Some("123456789012".to_owned())
        }
    );
}

#[tokio::test]
async fn accounts_of_a_deleted_ou_are_never_dropped() {
    let moto = Moto::start();
    let seed = Seed::new(&moto).await;
    let doomed = seed.unit(&seed.root, "Doomed").await;
    let orphan = seed.account(&doomed, "Orphan").await;
    // AWS refuses this; moto leaves the account behind.
    seed.client
        .delete_organizational_unit()
        .organizational_unit_id(&doomed)
        .send()
        .await
        .unwrap();
    let children = seed
        .client
        .list_children()
        .parent_id(&seed.root)
        .child_type(ChildType::Account)
        .send()
        .await
        .unwrap();
    assert!(
        children
            .children()
            .iter()
            .all(|child| child.id() != Some(&orphan))
    );
    let error = read_with(&moto.settings(), &options()).await.unwrap_err();
    let DiscoveryError::Inconsistent { accounts, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*accounts, [orphan]);
}
