//! Every error that a reading can end in, with its text.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use orgmirror::aws::{ConnectError, DiscoveryError, Options, Purpose, REQUIRED_ACTIONS};

use crate::double::{Double, Failure, Organization};
use crate::{expected, options, read, read_with, settings, with_tags};

#[tokio::test]
async fn throttling_is_met_by_patience() {
    for failure in [Failure::throttled(), Failure::throttled_429()] {
        let double = Double::start(Organization::generate(100, 40));
        {
            let mut faults = double.faults();
            faults.fail_first("ListRoots", 4, failure.clone());
            faults.throttle(Some("ListOrganizationalUnitsForParent"), 40.0, 3, failure);
        }
        assert_eq!(
            read(&double).await.unwrap(),
            expected(&double.organization(), false)
        );
        assert_eq!(double.calls().count("ListRoots"), 5);
    }
}

#[tokio::test]
async fn the_pace_adapts_to_the_service() {
    let double = Double::start(Organization::generate(900, 41));
    double.faults().throttle(
        Some("ListOrganizationalUnitsForParent"),
        20.0,
        2,
        Failure::throttled(),
    );
    assert_eq!(
        read(&double).await.unwrap(),
        expected(&double.organization(), false)
    );
    let calls = double.calls();
    let refused = calls
        .all()
        .iter()
        .filter(|call| call.error.is_some())
        .count();
    let needed = double.organization().units().len() + 1;
    // Knocking blindly would be refused far more often than it is let in.
    assert!(refused < needed * 2, "{refused} refused, {needed} needed");
}

#[tokio::test]
async fn throttled_beyond_max_retries_says_how_often() {
    let double = Double::start(Organization::generate(20, 42));
    double
        .faults()
        .fail_always("ListAccounts", Failure::throttled());
    let mut settings = settings(&double);
    settings.max_retries = 2;
    let error = read_with(&settings, &options()).await.unwrap_err();
    assert!(
        matches!(
            &error,
            DiscoveryError::Connect(ConnectError::Throttled { action, attempts: 3, .. })
                if action == "organizations:ListAccounts"
        ),
        "{error:?}"
    );
    assert_eq!(double.calls().count("ListAccounts"), 3);
    assert!(
        error.to_string().contains("on all of 3 attempts"),
        "{error}"
    );
    assert!(error.fix().contains("max_retries"), "{}", error.fix());
}

#[tokio::test]
async fn no_retries_means_one_attempt() {
    let double = Double::start(Organization::generate(20, 43));
    double
        .faults()
        .fail_always("ListAccounts", Failure::throttled());
    let mut settings = settings(&double);
    settings.max_retries = 0;
    read_with(&settings, &options()).await.unwrap_err();
    assert_eq!(double.calls().count("ListAccounts"), 1);
}

#[tokio::test]
async fn a_reading_that_takes_too_long_ends_with_its_timeout() {
    let double = Double::start(Organization::generate(400, 44));
    double.faults().latency = Duration::from_millis(100);
    let short = Options {
        timeout: Duration::from_millis(600),
        ..options()
    };
    let started = Instant::now();
    let error = read_with(&settings(&double), &short).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    let DiscoveryError::TimedOut {
        after,
        accounts,
        throttled: 0,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(after, short.timeout);
    assert!((1..400).contains(&accounts), "{accounts} accounts");
    assert!(error.fix().contains("timeouts = { read"), "{}", error.fix());
}

#[tokio::test]
async fn throttling_that_outlasts_the_timeout_is_named() {
    let double = Double::start(Organization::generate(20, 45));
    double
        .faults()
        .fail_always("ListRoots", Failure::throttled());
    let short = Options {
        timeout: Duration::from_millis(500),
        ..options()
    };
    let error = read_with(&settings(&double), &short).await.unwrap_err();
    let DiscoveryError::TimedOut { throttled, .. } = error else {
        panic!("{error:?}");
    };
    assert!(throttled > 0);
    assert!(error.fix().contains("throttles"), "{}", error.fix());
}

#[tokio::test]
async fn errors_inside_aws_are_tried_again() {
    let double = Double::start(Organization::generate(60, 46));
    {
        let mut faults = double.faults();
        for action in ["DescribeOrganization", "ListRoots", "ListAccounts"] {
            faults.fail_first(action, 3, Failure::internal());
        }
    }
    assert_eq!(
        read(&double).await.unwrap(),
        expected(&double.organization(), false)
    );
}

#[tokio::test]
async fn an_error_that_lasts_comes_with_its_code_and_request() {
    let double = Double::start(Organization::generate(20, 47));
    double
        .faults()
        .fail_always("ListRoots", Failure::internal());
    let mut settings = settings(&double);
    settings.max_retries = 1;
    let error = read_with(&settings, &options()).await.unwrap_err();
    let DiscoveryError::Connect(ConnectError::Service {
        action,
        code,
        request_id,
        ..
    }) = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        (action.as_str(), code.as_str()),
        ("organizations:ListRoots", "ServiceException")
    );
    assert!(
        request_id
            .as_deref()
            .is_some_and(|id| id.starts_with("00000000-")),
        "{request_id:?}"
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let purposes = [Purpose::Discovery, Purpose::Tags];
    let called = REQUIRED_ACTIONS
        .iter()
        .filter(|action| purposes.contains(&action.purpose));
    // The tagging API may refuse.
    let needed = called.filter(|action| action.name.starts_with("organizations:"));
    for action in needed.map(|action| action.name) {
        let mut organization = Organization::generate(60, 48);
        let hidden = organization.accounts().keys().next_back().unwrap().clone();
        organization.hide_account_from_parent(&hidden);
        let double = Double::start(organization);
        {
            let mut faults = double.faults();
            faults.without_paths = true;
            faults.deny(action.trim_start_matches("organizations:"));
        }
        let error = read_with(&settings(&double), &with_tags())
            .await
            .unwrap_err();
        let DiscoveryError::MissingPermission {
            action: named,
            principal,
            ..
        } = &error
        else {
            panic!("{action}: {error:?}");
        };
        let user = format!(
            "arn:aws:iam::{}:user/terraform",
            double.organization().management_account_id
        );
        assert_eq!(
            (named.as_str(), principal.as_deref()),
            (action, Some(user.as_str()))
        );
        assert!(error.to_string().contains(action), "{error}");
        assert!(
            error.fix().contains(action) && error.fix().contains(&user),
            "{}",
            error.fix()
        );
    }
}

#[tokio::test]
async fn an_account_in_no_organization_is_told_how_to_go_on() {
    let double = Double::start(Organization::generate(20, 49));
    double.faults().not_in_use = true;
    let error = read(&double).await.unwrap_err();
    let account_id = double.organization().management_account_id.clone();
    assert_eq!(
        error,
        DiscoveryError::NotInOrganization {
            account_id: Some(account_id.clone())
        }
    );
    assert_eq!(
        error.to_string(),
        format!("account {account_id} is not in an AWS organization")
    );
    assert!(
        error.fix().contains("aws_organization = { accounts = {"),
        "{}",
        error.fix()
    );
}

#[tokio::test]
async fn a_member_account_may_not_read() {
    let mut organization = Organization::generate(20, 50);
    let member = organization
        .accounts()
        .keys()
        .find(|id| **id != organization.management_account_id)
        .unwrap()
        .clone();
    organization
        .key_accounts
        .insert("AKIAEXAMPLE".to_owned(), member.clone());
    let double = Double::start(organization);
    let error = read(&double).await.unwrap_err();
    let management = double.organization().management_account_id.clone();
    let DiscoveryError::NotAdministrator {
        account_id,
        management_account_id,
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        (account_id, management_account_id.as_ref()),
        (&member, Some(&management))
    );
    assert!(
        error.fix().contains("delegated administrator"),
        "{}",
        error.fix()
    );

    double
        .organization()
        .delegated_administrators
        .insert(member);
    assert_eq!(
        read(&double).await.unwrap(),
        expected(&double.organization(), false)
    );
}

#[tokio::test]
async fn keys_that_aws_refuses_are_told_apart() {
    use crate::double::KeyFault::{Expired, Unknown};
    for (fault, code, advice) in [
        (
            Unknown,
            "UnrecognizedClientException",
            "exists and is active",
        ),
        (Expired, "ExpiredTokenException", "have expired"),
    ] {
        let mut organization = Organization::generate(20, 51);
        organization
            .key_faults
            .insert("AKIAEXAMPLE".to_owned(), fault);
        let double = Double::start(organization);
        let error = read(&double).await.unwrap_err();
        assert!(
            matches!(&error, DiscoveryError::Connect(ConnectError::InvalidCredentials { code: found, .. }) if found == code),
            "{error:?}"
        );
        assert!(error.fix().contains(advice), "{}", error.fix());
        assert!(!format!("{error:?} {error}").contains("very-secret-key"));
        // Refused for good: nothing is gained by asking again.
        assert_eq!(double.calls().count("DescribeOrganization"), 1);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_named_soon() {
    let double = Double::start(Organization::new(52));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut settings = settings(&double);
    settings.endpoints.organizations = Some(format!("{url}/"));
    let started = Instant::now();
    let error = read_with(&settings, &options()).await.unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    let DiscoveryError::Connect(ConnectError::Unreachable { endpoint, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*endpoint, url);
    assert!(error.to_string().contains(&url), "{error}");
    assert!(error.fix().contains("endpoints"), "{}", error.fix());
}

#[tokio::test]
async fn an_endpoint_that_is_something_else_is_an_error() {
    let double = Double::start(Organization::generate(20, 53));
    for (failure, malformed) in [
        (Failure::new(404, "", "not found"), false),
        (Failure::new(200, "", "welcome"), true),
    ] {
        double.faults().fail_always("DescribeOrganization", failure);
        let error = read(&double).await.unwrap_err();
        let expected = match &error {
            DiscoveryError::Malformed { action, .. } => {
                malformed && action == "organizations:DescribeOrganization"
            }
            DiscoveryError::Connect(ConnectError::Service { .. }) => !malformed,
            _ => false,
        };
        assert!(expected, "{error:?}");
    }
}

#[tokio::test]
async fn a_sign_in_page_is_not_taken_for_aws() {
    // Answers everything with a page, as the proxy of a network that wants a sign-in does.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = axum::Router::new().fallback(|| async { "<html>sign in</html>" });
    let serving = tokio::spawn(async move { axum::serve(listener, page).await });
    let double = Double::start(Organization::new(54));
    let mut settings = settings(&double);
    settings.endpoints.organizations = Some(url);
    let started = Instant::now();
    let error = read_with(&settings, &options()).await.unwrap_err();
    serving.abort();
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(
        matches!(
            &error,
            DiscoveryError::Connect(ConnectError::Service { .. })
        ),
        "{error:?}"
    );
    assert!(error.fix().contains("sign-in page"), "{}", error.fix());
}
