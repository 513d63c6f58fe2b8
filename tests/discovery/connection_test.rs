//! Tests of connections: each by itself, within the limits of STS, and whatever is wrong in words.

use std::collections::BTreeMap;
use std::time::Duration;

use orgmirror::aws::connection_test::{Cause, Options, Target, TestError, Verdict};
use orgmirror::aws::{AssumeRole, ConnectError, Session};
use orgmirror_testing::double::{Call, Double, Failure, KeyFault, Organization, Role};
use tokio_util::sync::CancellationToken;

use crate::credentials::{assert_logged_without, logged_alone, run};
use crate::{LIMIT, in_ever_more_time, round_trip, settings};

const EXTERNAL_ID: &str = "acme:0123456789abcdef";

/// So many member accounts, each with a role that wants the external ID and trusts the management account.
fn double(accounts: usize) -> Double {
    let mut organization = Organization::new(80);
    for number in 1..=accounts {
        organization.add_trusting_role(&role_arn(&account(number)), EXTERNAL_ID);
    }
    Double::start(organization)
}

fn account(number: usize) -> String {
    format!("{number:012}")
}

fn role_arn(account_id: &str) -> String {
    format!("arn:aws:iam::{account_id}:role/reader")
}

fn target(account_id: &str) -> Target {
    Target {
        account_id: account_id.to_owned(),
        role: AssumeRole {
            role_arn: role_arn(account_id),
            external_id: Some(EXTERNAL_ID.to_owned()),
            session_name: None,
            duration: None,
        },
    }
}

fn targets(accounts: usize) -> Vec<Target> {
    (1..=accounts)
        .map(|number| target(&account(number)))
        .collect()
}

fn options() -> Options {
    Options {
        concurrency: 16,
        connection_timeout: LIMIT,
        timeout: LIMIT,
    }
}

async fn test_with(
    double: &Double,
    targets: &[Target],
    options: &Options,
) -> Result<Vec<Verdict>, TestError> {
    let session = Session::open(&settings(double), options.timeout).await?;
    session
        .test_connections(targets, options, &CancellationToken::new())
        .await
}

async fn test(double: &Double, targets: &[Target]) -> Vec<Verdict> {
    test_with(double, targets, &options()).await.unwrap()
}

fn cause(verdict: &Verdict) -> Option<Cause> {
    verdict.problem.as_ref().map(|problem| problem.cause)
}

fn refusal(double: &Double, role_arn: &str, ending: &str) -> Failure {
    let caller = &double.organization().management_account_id;
    let message = format!(
        "User: arn:aws:iam::{caller}:user/terraform is not authorized to perform: sts:AssumeRole on resource: \
         {role_arn}{ending}"
    );
    Failure::new(403, "AccessDenied", &message)
}

/// Changes the role of an account of the double.
fn change(double: &Double, number: usize, change: impl FnOnce(&mut Role)) {
    let mut organization = double.organization();
    change(
        organization
            .roles
            .get_mut(&role_arn(&account(number)))
            .unwrap(),
    );
}

#[tokio::test]
async fn every_role_is_assumed_once_with_its_external_id_and_asks_who_it_is() {
    let double = double(40);
    let verdicts = test(&double, &targets(40)).await;
    for (number, verdict) in (1..).zip(&verdicts) {
        assert_eq!(verdict.problem, None);
        let expected = format!(
            "arn:aws:sts::{}:assumed-role/reader/orgmirror",
            account(number)
        );
        assert_eq!(verdict.caller_arn.as_deref(), Some(expected.as_str()));
    }
    assert_eq!(verdicts.len(), 40);
    let calls = double.calls();
    let mut sent = BTreeMap::new();
    for call in calls
        .all()
        .iter()
        .filter(|call| call.action == "AssumeRole")
    {
        assert_eq!(call.input["ExternalId"], EXTERNAL_ID);
        assert_eq!(call.access_key, "AKIAEXAMPLE");
        *sent.entry(call.input["RoleArn"].to_string()).or_insert(0) += 1;
    }
    assert_eq!(sent.len(), 40);
    assert!(sent.values().all(|calls| *calls == 1));
    // One of them is the caller itself.
    assert_eq!(calls.count("GetCallerIdentity"), 41);
    assert_eq!(calls.total(), 81);
}

#[tokio::test]
async fn what_is_wrong_with_one_connection_is_its_verdict_alone() {
    let double = double(12);
    let mut targets = targets(12);
    let arn = |number: usize| role_arn(&account(number));
    targets[0].role.external_id = Some("acme:wrong".to_owned());
    targets[1].role.external_id = None;
    targets[2].role.role_arn.push_str("-missing");
    change(&double, 4, |role| {
        role.trusted_accounts = Some(["999999999999".to_owned()].into())
    });
    for (number, ending) in [
        (5, " with an explicit deny in a service control policy"),
        (
            6,
            " because no identity-based policy allows the sts:AssumeRole action",
        ),
        (
            7,
            " because no role trust policy allows the sts:AssumeRole action",
        ),
    ] {
        let refusal = refusal(&double, &arn(number), ending);
        change(&double, number, |role| role.refusal = Some(refusal));
    }
    let disabled = "STS is not activated in this region for account:000000000008. Your account administrator can activate STS in this region using the IAM Console.";
    change(&double, 8, |role| {
        role.refusal = Some(Failure::new(403, "RegionDisabledException", disabled));
    });
    change(&double, 9, |role| role.session_account = Some(account(1)));
    targets[9].role.role_arn = format!("arn:aws-us-gov:iam::{}:role/reader", account(10));
    targets[10].role.duration = Some(Duration::from_secs(60));

    let verdicts = test(&double, &targets).await;
    let causes: Vec<_> = verdicts.iter().map(cause).collect();
    assert_eq!(
        causes,
        [
            Some(Cause::RoleOrTrust),
            Some(Cause::RoleOrTrust),
            Some(Cause::RoleOrTrust),
            Some(Cause::RoleOrTrust),
            Some(Cause::ServiceControlPolicy),
            Some(Cause::CallerPolicy),
            Some(Cause::TrustPolicy),
            Some(Cause::Region),
            Some(Cause::WrongAccount),
            Some(Cause::Partition),
            Some(Cause::SessionDuration),
            None,
        ]
    );
    let text = |number: usize| {
        let problem = verdicts[number].problem.as_ref().unwrap();
        format!("{problem} {}", problem.fix())
    };
    let caller = format!(
        "arn:aws:iam::{}:user/terraform",
        double.organization().management_account_id
    );
    for (number, parts) in [
        (
            0,
            vec![arn(1), caller.clone(), "an external ID was sent".to_owned()],
        ),
        (1, vec!["no external ID was sent".to_owned()]),
        (
            2,
            vec![format!("{}-missing", arn(3)), "the role exists".to_owned()],
        ),
        (7, vec![disabled.to_owned()]),
        (8, vec![account(1), account(9)]),
        (9, vec!["aws-us-gov".to_owned(), caller]),
    ] {
        for part in parts {
            assert!(text(number).contains(&part), "{part}: {}", text(number));
        }
    }
    // It was given, though elsewhere.
    assert!(verdicts[8].caller_arn.is_some());
    for verdict in &verdicts {
        assert!(!format!("{verdict:?}").contains("acme:"), "{verdict:?}");
    }
    // Another partition knows nothing of these credentials: it is not asked.
    let asked = double.calls();
    assert_eq!(asked.count("AssumeRole"), 11);
}

fn throttled() -> Failure {
    Failure::new(400, "Throttling", "Rate exceeded")
}

#[tokio::test]
async fn throttling_slows_the_test_and_fails_nobody() {
    let double = double(60);
    let actions = ["AssumeRole", "GetCallerIdentity"];
    for action in actions {
        double.faults().throttle(Some(action), 20, throttled());
    }
    let verdicts = test(&double, &targets(60)).await;
    assert!(verdicts.iter().all(|verdict| verdict.problem.is_none()));
    for action in actions {
        // Of twenty calls one is refused, and nineteen are of use.
        assert_eq!(double.calls().failed(action), 3, "{action}");
    }
}

#[tokio::test]
async fn throttling_that_does_not_end_is_said_of_the_connection() {
    let double = double(1);
    let mut settings = settings(&double);
    settings.max_retries = 1;
    double.faults().fail_always(
        "AssumeRole",
        Failure::new(400, "Throttling", "Rate exceeded"),
    );
    let session = Session::open(&settings, options().timeout).await.unwrap();
    let verdicts = session
        .test_connections(&targets(1), &options(), &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(cause(&verdicts[0]), Some(Cause::Throttled));
    assert!(
        verdicts[0]
            .problem
            .as_ref()
            .unwrap()
            .fix()
            .contains("concurrency")
    );
    assert_eq!(double.calls().count("AssumeRole"), 2);
}

#[tokio::test]
async fn dead_connections_are_given_up() {
    let double = double(3);
    double.faults().never_answer("AssumeRole");
    let short = Options {
        connection_timeout: Duration::from_secs(2),
        ..options()
    };
    let verdicts = test_with(&double, &targets(3), &short).await.unwrap();
    for verdict in verdicts {
        assert_eq!(cause(&verdict), Some(Cause::Timeout), "{verdict:?}");
        assert_eq!(
            verdict.problem.unwrap().to_string(),
            "sts:AssumeRole did not end within 2 seconds"
        );
    }
}

/// They would take a quarter of an hour each.
#[tokio::test]
async fn nobody_waits_for_dead_connections() {
    let double = double(40);
    for number in 1..=3 {
        change(&double, number, |role| role.never_answers = true);
    }
    let four = Options {
        concurrency: 4,
        ..options()
    };
    let targets = targets(40);
    let all_others_are_tested = double.until(|calls| {
        // One that asks who it is is the caller itself.
        calls.answered("GetCallerIdentity") == 1 + 37 && calls.under_way("AssumeRole") == 3
    });
    tokio::select! {
        verdicts = test_with(&double, &targets, &four) => panic!("{verdicts:?}"),
        () = all_others_are_tested => {}
    }
}

#[tokio::test]
async fn others_are_tested_after_dead_connections_were_given_up() {
    let verdicts = in_ever_more_time(async |connection_timeout| {
        let double = double(6);
        for number in 1..=3 {
            change(&double, number, |role| role.never_answers = true);
        }
        let two = Options {
            concurrency: 2,
            connection_timeout,
            ..options()
        };
        let verdicts = test_with(&double, &targets(6), &two).await.unwrap();
        let (dead, others) = verdicts.split_at(3);
        let is_given_up = |verdict: &Verdict| cause(verdict) == Some(Cause::Timeout);
        assert!(dead.iter().all(is_given_up), "{dead:?}");
        (!others.iter().any(is_given_up)).then(|| others.to_vec())
    });
    for verdict in verdicts.await {
        assert_eq!(cause(&verdict), None, "{verdict:?}");
    }
}

/// The first connection is throttled for longer than it may take, and the second waits for its turn meanwhile.
#[tokio::test]
async fn neither_the_queue_nor_the_pace_counts_as_the_time_of_a_connection() {
    let verdicts = in_ever_more_time(async |connection_timeout| {
        let double = double(2);
        // Each pause is at least half of what it may be, and that is 50 milliseconds, twice as much each time, and 5 seconds
        // in the end.
        let (mut refusals, mut pauses) = (0, Duration::ZERO);
        while pauses <= connection_timeout {
            let doubled = Duration::from_millis(50) * (1 << refusals);
            pauses += doubled.min(Duration::from_secs(5)) / 2;
            refusals += 1;
        }
        double
            .faults()
            .fail_first("AssumeRole", refusals, throttled());
        let one = Options {
            concurrency: 1,
            connection_timeout,
            ..options()
        };
        let verdicts = test_with(&double, &targets(2), &one).await.unwrap();
        assert_eq!(double.calls().count("AssumeRole"), refusals + 2);
        let are_in_time = !verdicts
            .iter()
            .any(|verdict| cause(verdict) == Some(Cause::Timeout));
        are_in_time.then_some(verdicts)
    });
    for verdict in verdicts.await {
        assert_eq!(verdict.problem, None);
    }
}

#[tokio::test]
async fn failures_that_may_pass_are_repeated_for_as_long_as_the_time_of_a_connection() {
    let internal = || Failure::new(500, "InternalFailure", "An internal error occurred.");
    let passing = double(2);
    passing.faults().fail_first("AssumeRole", 2, internal());
    let verdicts = test(&passing, &targets(1)).await;
    assert_eq!(verdicts[0].problem, None);

    let verdicts = in_ever_more_time(async |connection_timeout| {
        let lasting = double(2);
        lasting.faults().fail_always("AssumeRole", internal());
        let short = Options {
            connection_timeout,
            ..options()
        };
        let verdicts = test_with(&lasting, &targets(2), &short).await.unwrap();
        let are_answered = !verdicts
            .iter()
            .any(|verdict| cause(verdict) == Some(Cause::Timeout));
        are_answered.then_some(verdicts)
    });
    for verdict in verdicts.await {
        assert_eq!(cause(&verdict), Some(Cause::Other), "{verdict:?}");
    }
}

#[tokio::test]
async fn no_more_connections_than_asked_for_are_tested_at_once() {
    let double = double(30);
    let gate = double.faults().hold("AssumeRole");
    let five = Options {
        concurrency: 5,
        ..options()
    };
    let five_wait = async {
        double
            .until(|calls| calls.under_way("AssumeRole") >= 5)
            .await;
        round_trip(&double).await;
        assert_eq!(double.calls().under_way("AssumeRole"), 5);
        gate.open();
    };
    let targets = targets(30);
    let (verdicts, ()) = tokio::join!(test_with(&double, &targets, &five), five_wait);
    assert_eq!(verdicts.unwrap().len(), 30);
    let is_of_a_connection =
        |call: &Call| call.action == "AssumeRole" || call.access_key.starts_with("ASIA");
    assert_eq!(double.calls().peak(is_of_a_connection), 5);
}

#[tokio::test]
async fn the_time_of_the_whole_test_leaves_verdicts() {
    in_ever_more_time(async |timeout| {
        let double = double(20);
        let _shut = double.faults().hold_from("AssumeRole", 4);
        let session = Session::open(&settings(&double), LIMIT).await.unwrap();
        let short = Options {
            concurrency: 1,
            timeout,
            ..options()
        };
        let tested = session
            .test_connections(&targets(20), &short, &CancellationToken::new())
            .await;
        let verdicts = match tested {
            Ok(verdicts) => verdicts,
            // Not even the caller was known in time.
            Err(TestError::Connect(ConnectError::TimedOut { .. })) => return None,
            Err(error) => panic!("{error:?}"),
        };
        let tested = verdicts
            .iter()
            .take_while(|verdict| verdict.problem.is_none())
            .count();
        assert!(tested <= 3, "{tested}");
        for verdict in &verdicts[tested..] {
            assert_eq!(cause(verdict), Some(Cause::NotTested));
            assert!(verdict.problem.as_ref().unwrap().fix().contains("timeouts"));
        }
        // Three have their verdicts, if there is time for them.
        (tested == 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn credentials_that_are_of_no_use_are_an_error_and_no_verdict() {
    let double = double(10);
    let expire = |organization: &mut Organization| {
        let key = "AKIAEXAMPLE".to_owned();
        organization.key_faults.insert(key, KeyFault::Expired);
    };
    let is_expired = |error: TestError| matches!(&error, TestError::Connect(ConnectError::InvalidCredentials { code, .. }) if code == "ExpiredToken");
    // They run out meanwhile.
    double.faults().after("AssumeRole", 3, expire);
    let one = Options {
        concurrency: 1,
        ..options()
    };
    let error = test_with(&double, &targets(10), &one).await.unwrap_err();
    assert!(is_expired(error));
    assert_eq!(double.calls().count("AssumeRole"), 4);
    // They had done so before.
    let error = test_with(&double, &targets(10), &one).await.unwrap_err();
    assert!(is_expired(error));
    assert_eq!(double.calls().count("AssumeRole"), 4);
}

#[tokio::test]
async fn credentials_of_a_role_that_sts_refuses_are_a_verdict() {
    let double = double(2);
    double.faults().after("AssumeRole", 1, |organization| {
        let key = "ASIADOUBLE0000000001".to_owned();
        organization.key_faults.insert(key, KeyFault::Unknown);
    });
    let one = Options {
        concurrency: 1,
        ..options()
    };
    let verdicts = test_with(&double, &targets(2), &one).await.unwrap();
    assert_eq!(cause(&verdicts[0]), Some(Cause::Credentials));
    assert_eq!(verdicts[1].problem, None);
}

#[tokio::test]
async fn a_cancelled_test_ends() {
    let double = double(20);
    double.faults().never_answer("AssumeRole");
    let session = Session::open(&settings(&double), options().timeout)
        .await
        .unwrap();
    let cancelled = CancellationToken::new();
    let (targets, options) = (targets(20), options());
    let (outcome, ()) = tokio::join!(
        session.test_connections(&targets, &options, &cancelled),
        async {
            double
                .until(|calls| calls.under_way("AssumeRole") > 0)
                .await;
            cancelled.cancel();
        }
    );
    assert_eq!(outcome, Err(TestError::Cancelled));
}

#[test]
fn no_secret_of_a_test_is_logged_at_any_level() {
    const NAME: &str = "connection_test::no_secret_of_a_test_is_logged_at_any_level";
    let log = logged_alone(NAME, || {
        let double = double(3);
        let mut targets = targets(3);
        targets[0].role.external_id = Some("acme:wrong".to_owned());
        let verdicts = run(test(&double, &targets));
        assert_eq!(cause(&verdicts[0]), Some(Cause::RoleOrTrust));
    });
    if let Some(log) = log {
        let secrets = ["very-secret-key", "double-secret", "double-token"];
        assert_logged_without(&log, "AssumeRole", &secrets);
    }
}

/// A handshake for each role would be most of the time of a test of thousands.
#[tokio::test]
async fn all_roles_are_used_by_the_same_connections() {
    let double = double(60);
    let four = Options {
        concurrency: 4,
        ..options()
    };
    let session = Session::open(&settings(&double), options().timeout)
        .await
        .unwrap();
    let targets = targets(60);
    session
        .test_connections(&targets, &four, &CancellationToken::new())
        .await
        .unwrap();
    for target in &targets {
        let role = session.assume(&target.role).await.unwrap();
        role.caller_arn(options().timeout).await.unwrap();
    }
    // One that comes back a moment late is replaced, once for each of the four.
    assert!(double.accepted() <= 2 * 4, "{}", double.accepted());
}
