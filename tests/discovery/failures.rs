//! Every error that a reading can end in, with its text.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orgmirror::aws::{ConnectError, DiscoveryError, Options, Purpose, REQUIRED_ACTIONS, Session};
use orgmirror_testing::double::{Double, Failure, Organization};
use tokio_util::sync::CancellationToken;

use crate::{LIMIT, expected, in_ever_more_time, options, read, read_with, settings, with_tags};

#[tokio::test]
async fn throttling_is_met_by_patience() {
    const UNITS: &str = "ListOrganizationalUnitsForParent";
    for failure in [Failure::throttled(), Failure::throttled_429()] {
        let double = Double::start(Organization::generate(150, 40));
        {
            let mut faults = double.faults();
            faults.fail_first("ListRoots", 4, failure.clone());
            faults.throttle(Some(UNITS), 5, failure);
        }
        assert_eq!(
            read(&double).await.unwrap(),
            expected(&double.organization(), false)
        );
        let calls = double.calls();
        assert_eq!(calls.count("ListRoots"), 5);
        let needed = double.organization().units().len() + 1;
        assert_eq!(calls.count(UNITS) - calls.failed(UNITS), needed);
        // Of five calls one is refused, and four are of use.
        assert_eq!(calls.failed(UNITS), (needed - 1) / 4);
    }
}

/// How it adapts is tested beside it.
#[tokio::test]
async fn what_was_throttled_is_called_at_a_pace() {
    const UNITS: &str = "ListOrganizationalUnitsForParent";
    let double = Double::start(Organization::generate(900, 41));
    double.faults().fail_first(UNITS, 3, Failure::throttled());
    let session = Session::open(&settings(&double), LIMIT).await.unwrap();
    let began = Instant::now();
    let snapshot = session
        .discover(&options(), &CancellationToken::new())
        .await
        .unwrap();
    let took = began.elapsed();
    assert_eq!(snapshot, expected(&double.organization(), false));
    assert_eq!(double.calls().count(UNITS), 3 + 61);
    // The first interval is 50 milliseconds. A refusal makes it half as long again, and a success a twentieth shorter. However
    // fast the machine is, 61 calls are as long as the intervals between them.
    let first = 0.05 * 1.5 * 1.5;
    let least: f64 = (1..60).map(|call| first * 0.95_f64.powi(call)).sum();
    assert!(took > Duration::from_secs_f64(least), "{took:?}");
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

/// What a reading ends in that may take so long.
async fn read_within(double: &Double, timeout: Duration) -> DiscoveryError {
    let session = Session::open(&settings(double), LIMIT).await.unwrap();
    let short = Options {
        timeout,
        ..options()
    };
    let read = session.discover(&short, &CancellationToken::new()).await;
    read.unwrap_err()
}

#[tokio::test]
async fn a_reading_that_takes_too_long_ends_with_its_timeout() {
    let error = in_ever_more_time(async |timeout| {
        let double = Double::start(Organization::generate(400, 44));
        let _shut = double.faults().hold_from("ListAccounts", 4);
        let error = read_within(&double, timeout).await;
        let DiscoveryError::TimedOut {
            after,
            accounts,
            throttled: 0,
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(after, timeout);
        // Three pages come, if there is time for them.
        assert!([0, 20, 40, 60].contains(&accounts), "{accounts} accounts");
        (accounts == 60).then_some(error)
    });
    let error = error.await;
    assert!(error.fix().contains("timeouts = { read"), "{}", error.fix());
}

#[tokio::test]
async fn throttling_that_outlasts_the_timeout_is_named() {
    let error = in_ever_more_time(async |timeout| {
        let double = Double::start(Organization::generate(20, 45));
        double
            .faults()
            .fail_always("ListRoots", Failure::throttled());
        let error = read_within(&double, timeout).await;
        let DiscoveryError::TimedOut { throttled, .. } = error else {
            panic!("{error:?}");
        };
        (throttled > 0).then_some(error)
    });
    let error = error.await;
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
    use orgmirror_testing::double::KeyFault::{Expired, Unknown};
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
async fn an_endpoint_that_is_not_there_is_named() {
    let double = Double::start(Organization::new(52));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut settings = settings(&double);
    settings.endpoints.organizations = Some(format!("{url}/"));
    let error = read_with(&settings, &options()).await.unwrap_err();
    let DiscoveryError::Connect(ConnectError::Unreachable { endpoint, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*endpoint, url);
    assert!(error.to_string().contains(&url), "{error}");
    assert!(error.fix().contains("endpoints"), "{}", error.fix());
}

/// DescribeOrganization, ListRoots and ListAccounts are what a reading begins with. Where nobody answers them, each is tried
/// again three times.
const ATTEMPTS_WITHOUT_ANSWER: usize = 3 * 4;

/// It is a wrong name more often than a lost packet, and people wait for the error.
#[tokio::test]
async fn an_endpoint_that_only_hangs_up_is_given_up_soon() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    let hanging_up = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            drop(connection);
        }
    });
    let double = Double::start(Organization::new(52));
    let mut settings = settings(&double);
    settings.endpoints.organizations = Some(url.clone());
    let error = read_with(&settings, &options()).await.unwrap_err();
    hanging_up.abort();
    let DiscoveryError::Connect(ConnectError::Unreachable { endpoint, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*endpoint, url);
    let accepted = accepted.load(Ordering::Relaxed);
    assert!(
        (4..=ATTEMPTS_WITHOUT_ANSWER).contains(&accepted),
        "{accepted} attempts"
    );
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
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let page = axum::Router::new().fallback(async move || {
        counted.fetch_add(1, Ordering::Relaxed);
        "<html>sign in</html>"
    });
    let serving = tokio::spawn(async move { axum::serve(listener, page).await });
    let double = Double::start(Organization::new(54));
    let mut settings = settings(&double);
    settings.endpoints.organizations = Some(url);
    let error = read_with(&settings, &options()).await.unwrap_err();
    serving.abort();
    let asked = asked.load(Ordering::Relaxed);
    assert!(
        (4..=ATTEMPTS_WITHOUT_ANSWER).contains(&asked),
        "{asked} attempts"
    );
    assert!(
        matches!(
            &error,
            DiscoveryError::Connect(ConnectError::Service { .. })
        ),
        "{error:?}"
    );
    assert!(error.fix().contains("sign-in page"), "{}", error.fix());
}
