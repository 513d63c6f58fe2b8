//! Where credentials come from, roles, and the errors of both.

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orgmirror::aws::{AssumeRole, ConnectError, Endpoints, Session, Settings};
use orgmirror_testing::double::{Double, KeyFault, Organization, Role};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::{LIMIT, expected, options, read_with, settings};

fn role(double: &Double) -> AssumeRole {
    AssumeRole {
        role_arn: format!(
            "arn:aws:iam::{}:role/orgmirror-discovery",
            double.organization().management_account_id
        ),
        external_id: Some("acme:0123456789abcdef".to_owned()),
        session_name: None,
        duration: None,
    }
}

/// A double with a discovery role that wants an external ID, and settings of a user who may assume it.
fn with_role() -> (Double, Settings) {
    let double = Double::start(Organization::generate(30, 60));
    let role = role(&double);
    double
        .organization()
        .add_role(&role.role_arn, role.external_id.as_deref());
    let mut settings = settings(&double);
    settings.assume_role = Some(role);
    (double, settings)
}

#[tokio::test]
async fn a_role_is_assumed_once_with_its_external_id() {
    let (double, mut settings) = with_role();
    if let Some(role) = &mut settings.assume_role {
        role.session_name = Some("nightly".to_owned());
        role.duration = Some(Duration::from_secs(900));
    }
    let snapshot = read_with(&settings, &options()).await.unwrap();
    assert_eq!(snapshot, expected(&double.organization(), false));
    let calls = double.calls();
    let assumed: Vec<_> = calls
        .all()
        .iter()
        .filter(|call| call.action == "AssumeRole")
        .collect();
    assert_eq!(assumed.len(), 1);
    assert_eq!(assumed[0].input["ExternalId"], "acme:0123456789abcdef");
    assert_eq!(assumed[0].input["RoleSessionName"], "nightly");
    assert_eq!(assumed[0].input["DurationSeconds"], "900");
    for call in calls
        .all()
        .iter()
        .filter(|call| call.service == "organizations")
    {
        assert!(call.access_key.starts_with("ASIADOUBLE"), "{call:?}");
    }
}

#[tokio::test]
async fn the_caller_is_the_role_that_was_assumed() {
    let (double, mut settings) = with_role();
    let management = double.organization().management_account_id.clone();
    let session = Session::open(&settings, LIMIT).await.unwrap();
    assert_eq!(
        session.caller_arn(LIMIT).await.unwrap(),
        format!("arn:aws:sts::{management}:assumed-role/orgmirror-discovery/orgmirror")
    );
    settings.assume_role = None;
    let session = Session::open(&settings, LIMIT).await.unwrap();
    assert_eq!(
        session.caller_arn(LIMIT).await.unwrap(),
        format!("arn:aws:iam::{management}:user/terraform")
    );
}

#[tokio::test]
async fn a_refused_role_names_the_three_causes() {
    let (double, good) = with_role();
    let given = |external_id: Option<&str>| {
        let mut settings = good.clone();
        if let Some(role) = &mut settings.assume_role {
            role.external_id = external_id.map(str::to_owned);
        }
        settings
    };
    let mut missing = good.clone();
    if let Some(role) = &mut missing.assume_role {
        role.role_arn.push_str("-typo");
    }
    for (settings, external_id_given) in [
        (given(Some("wrong")), true),
        (given(None), false),
        (missing, true),
    ] {
        let role_arn = settings.assume_role.as_ref().unwrap().role_arn.clone();
        let error = Session::open(&settings, LIMIT).await.unwrap_err();
        let user = format!(
            "arn:aws:iam::{}:user/terraform",
            double.organization().management_account_id
        );
        let ConnectError::AssumeRoleRefused {
            role_arn: named,
            external_id_given: said,
            caller,
            ..
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!(*named, role_arn);
        assert_eq!(*said, external_id_given);
        assert_eq!(caller.as_deref(), Some(user.as_str()));
        let fix = error.fix();
        for word in [
            "trust policy",
            "external ID",
            "sts:AssumeRole",
            role_arn.as_str(),
            &user,
        ] {
            assert!(fix.contains(word), "{word}: {fix}");
        }
        assert!(!format!("{error} {fix} {error:?}").contains("very-secret-key"));
    }
}

#[tokio::test]
async fn a_role_that_trusts_others_is_refused() {
    let (double, settings) = with_role();
    let role_arn = settings.assume_role.as_ref().unwrap().role_arn.clone();
    double.organization().roles.insert(
        role_arn,
        Role {
            trusted_accounts: Some(["999999999999".to_owned()].into()),
            ..Role::default()
        },
    );
    let error = Session::open(&settings, LIMIT).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::AssumeRoleRefused { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_bad_duration_points_to_the_arguments() {
    let (_double, mut settings) = with_role();
    if let Some(role) = &mut settings.assume_role {
        role.duration = Some(Duration::from_secs(60));
    }
    let error = Session::open(&settings, LIMIT).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Service { code, .. } if code == "ValidationError"),
        "{error:?}"
    );
    assert!(error.fix().contains("duration"), "{}", error.fix());
}

#[tokio::test]
async fn expired_keys_show_when_the_role_is_assumed() {
    let (double, settings) = with_role();
    double
        .organization()
        .key_faults
        .insert("AKIAEXAMPLE".to_owned(), KeyFault::Expired);
    let error = Session::open(&settings, LIMIT).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::InvalidCredentials { code, .. } if code == "ExpiredToken"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_sts_that_is_not_there_is_named() {
    let (_double, mut settings) = with_role();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    settings.endpoints.sts = Some(url.clone());
    let error = Session::open(&settings, LIMIT).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Unreachable { endpoint, .. } if *endpoint == url),
        "{error:?}"
    );
}

#[tokio::test]
async fn half_a_key_pair_says_which_half_is_missing() {
    let double = Double::start(Organization::new(61));
    let mut incomplete = settings(&double);
    incomplete.secret_key = None;
    let error = Session::open(&incomplete, LIMIT).await.unwrap_err();
    assert_eq!(
        error,
        ConnectError::IncompleteKeys {
            missing: "secret_key"
        }
    );
    incomplete.access_key = None;
    incomplete.token = Some("token".to_owned());
    let error = Session::open(&incomplete, LIMIT).await.unwrap_err();
    assert_eq!(
        error,
        ConnectError::IncompleteKeys {
            missing: "access_key and secret_key"
        }
    );
}

#[test]
fn settings_do_not_show_secrets() {
    let settings = Settings {
        access_key: Some("AKIAHIDDEN".to_owned()),
        secret_key: Some("hidden-secret".to_owned()),
        token: Some("hidden-token".to_owned()),
        assume_role: Some(AssumeRole {
            role_arn: "arn:aws:iam::111122223333:role/shown".to_owned(),
            external_id: Some("hidden-external-id".to_owned()),
            session_name: None,
            duration: None,
        }),
        ..Settings::default()
    };
    let shown = format!("{settings:?}");
    assert!(!shown.to_lowercase().contains("hidden"), "{shown}");
    assert!(shown.contains("role/shown"), "{shown}");
}

/// Keeps all that is logged, spans and events, with every field.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn note(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Note)) {
        let mut note = Note(format!("{} {}", metadata.level(), metadata.target()));
        record(&mut note);
        let mut log = self.0.lock().unwrap();
        log.push_str(&note.0);
        log.push('\n');
    }
}

struct Note(String);

impl Visit for Note {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.note(attributes.metadata(), |note| attributes.record(note));
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let metadata = context.metadata(span).unwrap();
        self.note(metadata, |note| values.record(note));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.note(event.metadata(), |note| event.record(note));
    }
}

/// Runs the test named `name` again, alone in its process, and gives what `work` logs there at any level; none in the process
/// that starts it. Where other tests run too, tracing takes it from them whether anybody wants to see an event.
pub(crate) fn logged_alone(name: &str, work: impl FnOnce()) -> Option<String> {
    if !inside(name) {
        in_environment(name, &[]);
        return None;
    }
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    work();
    let log = log.0.lock().unwrap();
    Some(log.clone())
}

/// What was called is in the log, with the SDK's own innermost events, and none of the secrets.
pub(crate) fn assert_logged_without(log: &str, action: &str, secrets: &[&str]) {
    assert!(log.contains("TRACE") && log.contains(action), "{log}");
    for secret in secrets {
        let at = log.find(secret).map(|at| &log[at.saturating_sub(2000)..at]);
        assert!(at.is_none(), "{secret} was logged after: {at:?}");
    }
}

#[test]
fn no_secret_is_logged_at_any_level() {
    const NAME: &str = "credentials::no_secret_is_logged_at_any_level";
    let log = logged_alone(NAME, || {
        let (double, mut settings) = with_role();
        settings.token = Some("very-secret-token".to_owned());
        let snapshot = run(read_with(&settings, &options()));
        assert_eq!(snapshot.unwrap(), expected(&double.organization(), false));
    });
    if let Some(log) = log {
        let secrets = [
            "very-secret-key",
            "very-secret-token",
            "double-secret",
            "double-token",
        ];
        assert_logged_without(&log, "ListAccounts", &secrets);
    }
}

/// Runs the test named `name` of this binary again, in an environment that holds nothing of AWS but `variables`: what the
/// default chain looks at is the process's own.
fn in_environment(name: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]);
    for (variable, _) in std::env::vars() {
        if variable.starts_with("AWS_") && variable != "AWS_CA_BUNDLE" {
            command.env_remove(variable);
        }
    }
    command.env("ORGMIRROR_TEST_INSIDE", name);
    command.env("HOME", "/nonexistent");
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "no test named {name} ran"
    );
}

/// Whether this is the inner run of [`in_environment`].
fn inside(name: &str) -> bool {
    std::env::var("ORGMIRROR_TEST_INSIDE").is_ok_and(|inside| inside == name)
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn endpoints(url: &str) -> Endpoints {
    Endpoints {
        organizations: Some(url.to_owned()),
        sts: Some(url.to_owned()),
        ..Endpoints::default()
    }
}

/// Whoever waits for this error waits for the attempts at the metadata service, of which each takes a second at most.
#[test]
fn no_credentials_is_found_out_after_few_attempts() {
    const NAME: &str = "credentials::no_credentials_is_found_out_after_few_attempts";
    if inside(NAME) {
        let error = run(Session::open(&Settings::default(), LIMIT)).unwrap_err();
        let ConnectError::NoCredentials { tried } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(tried.len(), 5);
        assert!(error.to_string().contains("instance's metadata"), "{error}");
        assert!(error.fix().contains("aws sso login"), "{}", error.fix());
        return;
    }
    // A metadata service that takes connections and never answers: the slowest kind of none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    in_environment(NAME, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)]);
    silent.set_nonblocking(true).unwrap();
    let attempts = std::iter::from_fn(|| silent.accept().ok()).count();
    // Two at most for the Region, and two for the credentials.
    assert!((1..=4).contains(&attempts), "{attempts} attempts");
    in_environment(NAME, &[("AWS_EC2_METADATA_DISABLED", "true")]);
}

#[test]
fn a_profile_of_the_environment_that_is_not_there_is_named() {
    const NAME: &str = "credentials::a_profile_of_the_environment_that_is_not_there_is_named";
    if inside(NAME) {
        let error = run(Session::open(&Settings::default(), LIMIT)).unwrap_err();
        assert!(
            error.to_string().contains("\"absent\""),
            "{error} {error:?}"
        );
        return;
    }
    in_environment(
        NAME,
        &[
            ("AWS_PROFILE", "absent"),
            ("AWS_CONFIG_FILE", "/nonexistent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ],
    );
}

#[test]
fn a_sign_on_that_ran_out_says_how_to_sign_in() {
    const NAME: &str = "credentials::a_sign_on_that_ran_out_says_how_to_sign_in";
    if inside(NAME) {
        let settings = Settings {
            profile: Some("sso".to_owned()),
            ..Settings::default()
        };
        let error = run(Session::open(&settings, LIMIT)).unwrap_err();
        assert!(
            matches!(&error, ConnectError::CredentialsUnavailable { origin, .. } if origin.contains("sso")),
            "{error:?}"
        );
        assert!(error.fix().contains("aws sso login"), "{}", error.fix());
        return;
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "[profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\nregion = eu-west-1\n\
         [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://acme.awsapps.com/start\n"
    )
    .unwrap();
    in_environment(NAME, &[("AWS_CONFIG_FILE", file.path().to_str().unwrap())]);
}

#[test]
fn the_environment_gives_keys_region_and_endpoints() {
    const NAME: &str = "credentials::the_environment_gives_keys_region_and_endpoints";
    if inside(NAME) {
        run(async {
            let session = Session::open(&Settings::default(), LIMIT).await.unwrap();
            assert_eq!(session.region(), "eu-central-1");
            session
                .discover(&options(), &CancellationToken::new())
                .await
                .unwrap();
            session.caller_arn(LIMIT).await.unwrap();
        });
        return;
    }
    let double = Double::start(Organization::new(62));
    in_environment(
        NAME,
        &[
            ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", &double.url()),
        ],
    );
    let calls = double.calls();
    assert!(calls.count("ListAccounts") == 1 && calls.count("GetCallerIdentity") == 1);
    for call in calls.all() {
        assert_eq!(
            (call.access_key.as_str(), call.region.as_str()),
            ("AKIAENVIRONMENT", "eu-central-1")
        );
    }
}

#[test]
fn a_profile_wins_over_keys_in_the_environment() {
    const NAME: &str = "credentials::a_profile_wins_over_keys_in_the_environment";
    if inside(NAME) {
        let url = std::env::var("ORGMIRROR_TEST_URL").unwrap();
        run(async {
            for (profile, region) in [("management", "ap-southeast-2"), ("process", "us-east-1")] {
                let settings = Settings {
                    profile: Some(profile.to_owned()),
                    endpoints: endpoints(&url),
                    ..Settings::default()
                };
                let session = Session::open(&settings, LIMIT).await.unwrap();
                assert_eq!(session.region(), region);
                session.caller_arn(LIMIT).await.unwrap();
            }
            // The role of a profile is assumed too; STS refuses this one, and the error says whose it was.
            for (profile, text) in [("absent", "it is not there"), ("refused", "not authorized")] {
                let settings = Settings {
                    profile: Some(profile.to_owned()),
                    endpoints: endpoints(&url),
                    ..Settings::default()
                };
                let error = Session::open(&settings, LIMIT).await.unwrap_err();
                let ConnectError::CredentialsUnavailable { origin, message } = &error else {
                    panic!("{error:?}");
                };
                assert!(origin.contains(profile), "{error}");
                assert!(message.contains(text), "{error}");
            }
        });
        return;
    }
    let double = Double::start(Organization::new(63));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "[profile management]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = secret\nregion = ap-southeast-2\n\
         [profile process]\ncredential_process = echo '{{\"Version\": 1, \"AccessKeyId\": \"AKIAPROCESS\", \"SecretAccessKey\": \"secret\"}}'\n\
         [profile refused]\nrole_arn = arn:aws:iam::111122223333:role/not-there\nsource_profile = management\n"
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    in_environment(
        NAME,
        &[
            ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_CONFIG_FILE", path),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
            ("ORGMIRROR_TEST_URL", &double.url()),
            ("AWS_ENDPOINT_URL", &double.url()),
        ],
    );
    let keys: Vec<String> = double
        .calls()
        .all()
        .iter()
        .filter(|call| call.action == "GetCallerIdentity")
        .map(|call| call.access_key.clone())
        .collect();
    assert_eq!(keys, ["AKIAPROFILE", "AKIAPROCESS"]);
}
