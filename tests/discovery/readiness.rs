//! What is read for readiness: policies and trusted access of the AWS organization, and Resource Explorer in its accounts.

use std::collections::{BTreeMap, BTreeSet};

use orgmirror::aws::connection_test::Target;
use orgmirror::aws::resource_explorer::{ReadingError, SERVICE_PRINCIPAL};
use orgmirror::aws::{
    AssumeRole, ConnectError, DiscoveryError, Endpoints, Purpose, Session, Settings,
};
use orgmirror::model::readiness::{Index, WantedIndexes};
use orgmirror::model::service_control::Verdict;
use orgmirror_testing::double::{Double, Explorer, Failure, KeyFault, Organization, Paging};
use serde_json::json;

use crate::reading::required;
use crate::{LIMIT, settings};

const ACCOUNT: &str = "111111111111";

/// One member account whose role everybody may assume, in an AWS organization with so many policies of no consequence.
fn organization(policies: usize) -> Organization {
    let mut organization = Organization::new(85);
    let root = organization.root_id.clone();
    organization.add_account_with_id(&root, "member", ACCOUNT);
    organization.add_role(&role().role_arn, None);
    organization.switch_policies_on();
    let statement = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" });
    for number in 0..policies {
        let id = format!("p-{number:010}");
        organization.attach_policy(&id, &format!("Policy {number}"), &root, &statement);
    }
    organization
}

fn role() -> AssumeRole {
    AssumeRole {
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/reader"),
        external_id: None,
        session_name: None,
        duration: None,
    }
}

fn targets() -> Vec<Target> {
    vec![Target {
        account_id: ACCOUNT.to_owned(),
        role: role(),
    }]
}

fn wanted() -> WantedIndexes {
    WantedIndexes {
        aggregator_region: "eu-west-1".to_owned(),
        regions: BTreeSet::from(["eu-west-1", "us-east-1"].map(str::to_owned)),
    }
}

async fn session(double: &Double) -> Session {
    session_with(double, &double.url()).await
}

/// With Resource Explorer at this URL.
async fn session_with(double: &Double, resource_explorer: &str) -> Session {
    let settings = settings(double);
    let settings = Settings {
        endpoints: Endpoints {
            resource_explorer: Some(resource_explorer.to_owned()),
            ..settings.endpoints
        },
        ..settings
    };
    Session::open(&settings, LIMIT).await.unwrap()
}

#[tokio::test]
async fn the_policy_lists_exactly_what_is_called() {
    let double = Double::start(organization(1));
    let session = session(&double).await;
    session.has_trusted_access(SERVICE_PRINCIPAL).await.unwrap();
    session.service_control_policies().await.unwrap();
    let mut expected = required(|action| action.purpose == Purpose::Readiness);
    expected.insert("organizations:ListRoots".to_owned());
    let called: BTreeSet<String> = double.calls().by_action().into_keys().collect();
    assert_eq!(called, expected);
}

#[tokio::test]
async fn a_role_is_asked_for_nothing_but_what_it_is_said_to_need() {
    let mut organization = organization(0);
    let explorer = Explorer::ready(&["eu-west-1", "us-east-1"]);
    organization.explorers.insert(ACCOUNT.to_owned(), explorer);
    let double = Double::start(organization);
    let session = session(&double).await;
    session.indexes(targets(), &wanted(), 1).await.unwrap();
    let calls = double.calls();
    let by_role = calls
        .all()
        .iter()
        .filter(|call| call.access_key.starts_with("ASIADOUBLE"));
    let actions: BTreeSet<String> = by_role
        .map(|call| format!("{}:{}", call.service, call.action))
        .collect();
    assert_eq!(
        actions,
        required(|action| action.purpose == Purpose::Indexes)
    );
}

#[tokio::test]
async fn lists_are_read_to_their_end_however_they_are_cut() {
    for paging in [Paging::Full, Paging::EmptyBeforeEach(2), Paging::Random(3)] {
        let mut organization = organization(45);
        let services = (0..30).map(|number| format!("service{number}.amazonaws.com"));
        let services = services.chain([SERVICE_PRINCIPAL.to_owned()]);
        organization.controls.trusted_services = services.collect();
        let root = organization.root_id.clone();
        let last = json!({ "Effect": "Deny", "Action": "cloudformation:*", "Resource": "*" });
        organization.attach_policy("p-zzzzzzzzzz", "last", &root, &last);
        let regions = ["ap-south-1", "eu-west-1", "us-east-1", "us-west-2"];
        organization
            .explorers
            .insert(ACCOUNT.to_owned(), Explorer::ready(&regions));
        let double = Double::start(organization);
        double.faults().paging = paging;
        let session = session(&double).await;

        assert!(session.has_trusted_access(SERVICE_PRINCIPAL).await.unwrap());
        let policies = session.service_control_policies().await.unwrap().unwrap();
        let regions = BTreeSet::from(["eu-west-1"]);
        let obstacles = policies.obstacles([(ACCOUNT, vec![&*root, ACCOUNT])], "aws", &regions);
        let found: Vec<_> = obstacles.keys().map(|place| place.verdict).collect();
        assert_eq!(found, [Verdict::Denies], "{paging:?}");
        let read = session.indexes(targets(), &wanted(), 1).await.unwrap();
        let indexes = read[ACCOUNT].as_ref().unwrap();
        assert_eq!(indexes.len(), 4, "{paging:?}");
    }
}

#[tokio::test]
async fn policies_that_are_attached_to_nothing_are_not_read() {
    let mut organization = organization(3);
    for policy in organization.policies_mut().values_mut() {
        policy.targets.clear();
    }
    let double = Double::start(organization);
    session(&double)
        .await
        .service_control_policies()
        .await
        .unwrap();
    assert_eq!(double.calls().count("DescribePolicy"), 0);
}

#[tokio::test]
async fn a_service_that_has_no_trusted_access_has_none() {
    let mut organization = organization(0);
    let other = "ram.amazonaws.com".to_owned();
    organization.controls.trusted_services.insert(other);
    let double = Double::start(organization);
    let session = session(&double).await;
    assert!(!session.has_trusted_access(SERVICE_PRINCIPAL).await.unwrap());
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    for name in required(|action| action.purpose == Purpose::Readiness) {
        let double = Double::start(organization(1));
        double
            .faults()
            .deny(name.trim_start_matches("organizations:"));
        let session = session(&double).await;
        let trusted = session.has_trusted_access(SERVICE_PRINCIPAL).await;
        let policies = session.service_control_policies().await;
        let error = trusted.map(drop).and(policies.map(drop)).unwrap_err();
        let DiscoveryError::MissingPermission {
            action, principal, ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(action, name);
        assert!(principal.is_some());
    }
}

#[tokio::test]
async fn a_document_that_is_no_policy_is_an_error_that_names_it() {
    let mut organization = organization(1);
    let policy = organization.policies_mut().get_mut("p-0000000000").unwrap();
    policy.content = "{}".to_owned();
    let double = Double::start(organization);
    let error = session(&double)
        .await
        .service_control_policies()
        .await
        .unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains("p-0000000000") && words.contains("no policy document"),
        "{words}"
    );
}

#[tokio::test]
async fn an_index_that_the_list_leaves_out_is_read_where_it_is_wanted() {
    let mut organization = organization(0);
    let mut explorer = Explorer::default();
    explorer.set("us-east-1", "LOCAL", "CREATING");
    explorer.set("ap-south-1", "LOCAL", "CREATING");
    organization.explorers.insert(ACCOUNT.to_owned(), explorer);
    let double = Double::start(organization);
    let read = session(&double)
        .await
        .indexes(targets(), &wanted(), 1)
        .await
        .unwrap();
    let indexes = read[ACCOUNT].as_ref().unwrap();
    let states: BTreeMap<&str, &Index> = indexes
        .iter()
        .map(|(region, index)| (region.as_str(), index.as_ref().unwrap()))
        .collect();
    assert_eq!(states.keys().copied().collect::<Vec<_>>(), ["us-east-1"]);
    assert_eq!(states["us-east-1"].state, "CREATING");
}

#[tokio::test]
async fn a_call_that_fails_in_passing_is_made_again_and_one_that_does_not_is_the_accounts_error() {
    let mut organization = organization(0);
    organization.explorers.insert(
        ACCOUNT.to_owned(),
        Explorer::ready(&["eu-west-1", "us-east-1"]),
    );
    let double = Double::start(organization);
    double
        .faults()
        .fail_first("GetIndex", 2, Failure::internal());
    let session = session(&double).await;
    let read = session.indexes(targets(), &wanted(), 1).await.unwrap();
    assert!(read[ACCOUNT].as_ref().unwrap().values().all(Result::is_ok));

    let refusal = Failure::new(400, "ValidationException", "Something is not right.");
    double
        .organization()
        .explorers
        .get_mut(ACCOUNT)
        .unwrap()
        .refusal = Some(refusal);
    let read = session.indexes(targets(), &wanted(), 1).await.unwrap();
    let Err(ReadingError::Calls(error)) = &read[ACCOUNT] else {
        panic!("{read:?}");
    };
    assert!(
        error
            .to_string()
            .contains("resource-explorer-2:ListIndexes failed: Something is not right."),
        "{error}"
    );
}

#[tokio::test]
async fn credentials_that_aws_refuses_are_one_error_and_not_that_of_every_account() {
    let double = Double::start(organization(0));
    let session = session(&double).await;
    let key = "AKIAEXAMPLE".to_owned();
    double
        .organization()
        .key_faults
        .insert(key, KeyFault::Expired);
    let error = session.indexes(targets(), &wanted(), 1).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::InvalidCredentials { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_the_accounts_error_and_named() {
    let double = Double::start(organization(0));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let session = session_with(&double, &url).await;
    let read = session.indexes(targets(), &wanted(), 1).await.unwrap();
    let error = read[ACCOUNT].as_ref().unwrap_err();
    assert!(error.to_string().contains(&url), "{error}");
    assert!(error.fix().contains(&url), "{}", error.fix());
}
