//! How old the access key in use is.

use std::time::Duration;

use orgmirror::aws::{AssumeRole, KeyAge, Options, Reader, Session, Settings};
use orgmirror_testing::double::{Double, Failure, Organization};
use tokio_util::sync::CancellationToken;

use crate::{options, settings};

const KEY: &str = "AKIAEXAMPLE";

fn double(days: i64) -> Double {
    let mut organization = Organization::generate(20, 95);
    organization.key_ages.insert(KEY.to_owned(), days);
    Double::start(organization)
}

async fn age(settings: &Settings) -> Option<KeyAge> {
    let session = Session::open(settings, options().timeout).await.unwrap();
    session.key_age(options().timeout).await
}

fn days(days: u64) -> Option<KeyAge> {
    Some(KeyAge {
        last_four: "MPLE".to_owned(),
        days,
    })
}

#[tokio::test]
async fn the_key_in_use_is_found_among_those_of_its_user() {
    let double = double(120);
    assert_eq!(age(&settings(&double)).await, days(120));
}

#[tokio::test]
async fn a_key_made_in_the_future_is_new() {
    let double = double(-3);
    assert_eq!(age(&settings(&double)).await, days(0));
}

#[tokio::test]
async fn the_key_that_assumes_the_role_counts() {
    let double = double(91);
    let role_arn = format!(
        "arn:aws:iam::{}:role/orgmirror-discovery",
        double.organization().management_account_id
    );
    double.organization().add_role(&role_arn, None);
    let mut settings = settings(&double);
    settings.assume_role = Some(AssumeRole {
        role_arn,
        external_id: None,
        session_name: None,
        duration: None,
    });
    assert_eq!(age(&settings).await, days(91));
    let calls = double.calls();
    let asked = calls.all().iter().find(|call| call.service == "iam");
    assert_eq!(asked.unwrap().access_key, KEY);
}

#[tokio::test]
async fn temporary_credentials_are_not_asked_about() {
    let double = double(500);
    let mut with_token = settings(&double);
    with_token.token = Some("token".to_owned());
    let mut temporary = settings(&double);
    temporary.access_key = Some("ASIAEXAMPLE".to_owned());
    for settings in [with_token, temporary] {
        assert_eq!(age(&settings).await, None);
    }
    assert_eq!(double.calls().total(), 0);
}

#[tokio::test]
async fn where_iam_does_not_tell_nothing_is_known() {
    for failure in [
        Failure::new(403, "AccessDenied", "not authorized"),
        Failure::internal(),
        Failure::new(200, "", "no keys"),
    ] {
        let double = double(500);
        double.faults().fail_always("ListAccessKeys", failure);
        let mut settings = settings(&double);
        settings.max_retries = 1;
        assert_eq!(age(&settings).await, None);
    }
}

#[tokio::test]
async fn the_age_is_read_once_with_the_organization_and_only_when_asked_for() {
    let double = double(120);
    let (reader, cancelled) = (Reader::new(), CancellationToken::new());
    let settings = settings(&double);
    let read = async |key_age| {
        let options = Options {
            key_age,
            ..options()
        };
        let reading = reader.read(&settings, &options, &cancelled).await.unwrap();
        reading.key_age.clone()
    };
    assert_eq!(read(false).await, None);
    assert_eq!(double.calls().count("ListAccessKeys"), 0);
    assert_eq!(read(true).await, days(120));
    assert_eq!(read(true).await, days(120));
    assert_eq!(double.calls().count("ListAccessKeys"), 1);
}

#[tokio::test]
async fn an_iam_that_does_not_answer_is_not_waited_for_longer_than_the_reading_may_take() {
    let double = double(120);
    double.faults().never_answer("ListAccessKeys");
    let session = Session::open(&settings(&double), options().timeout)
        .await
        .unwrap();
    assert_eq!(session.key_age(Duration::from_millis(50)).await, None);
    // The session's own patience would be good for several.
    assert!(double.calls().count("ListAccessKeys") <= 1);
}

#[tokio::test]
async fn iam_does_not_hold_up_the_error_of_a_reading() {
    let double = double(120);
    double.faults().never_answer("ListAccessKeys");
    double.faults().not_in_use = true;
    let options = Options {
        key_age: true,
        ..options()
    };
    let reader = Reader::new();
    let outcome = reader
        .read(&settings(&double), &options, &CancellationToken::new())
        .await;
    assert!(outcome.is_err());
}
