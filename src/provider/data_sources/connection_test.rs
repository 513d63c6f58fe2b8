//! `data "orgmirror_connection_test"`: whether the roles of connections can be assumed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use describe::{Field, whole};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::connection_test::{Cause, Options, Problem, Target, TestError, Verdict};
use crate::aws::{AssumeRole, Session, Settings};
use crate::model::checks;
use crate::model::visibility::EffectiveConnection;
use crate::provider::catalog_ops::{open_catalog, read_document};
use crate::provider::concurrency::{at_once, concurrency};
use crate::provider::credentials::{self, AssumeRoleArgument, Replacement, replacements};
use crate::provider::data::Data;
use crate::provider::duration;
use crate::provider::selection::{Selection, selection};
use crate::provider::timeouts::{Timeouts, read_timeout, timeouts};
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::types::Type;
use terraform_plugin::value::{Set, Value};

const DEFAULT_CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Shortest and longest test of one connection.
const CONNECTION_TIMEOUT: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5 * 60)];
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// The shortest session that STS gives: nothing but one call is made with it.
const SESSION: Duration = Duration::from_secs(15 * 60);

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct ConnectionTest;

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    workspace: Value<String>,
    integration_id: Value<String>,
    folder_path: Value<String>,
    account_ids: Value<Set<String>>,
    assume_role: Value<AssumeRoleArgument>,
    profile: Value<String>,
    region: Value<String>,
    concurrency: Value<i64>,
    connection_timeout: Value<String>,
    timeouts: Value<Timeouts>,
    connections: Value<BTreeMap<String, VerdictState>>,
    failed: Value<Set<String>>,
    skipped: Value<BTreeMap<String, Value<String>>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct VerdictState {
    account_id: Value<String>,
    integration_id: Value<String>,
    role_arn: Value<String>,
    ok: Value<bool>,
    caller_arn: Value<String>,
    cause: Value<String>,
    error: Value<String>,
}

#[async_trait]
impl DataSource for ConnectionTest {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "connection_test"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "Tests connections: assumes the role of each, with its external ID and the credentials of the provider, and asks \
             AWS whether that is in the right account. A connection that fails is a result, not an error; errors are for \
             credentials and a catalog that cannot be used. Terraform reads data sources in every plan: \
             [the guide](../guides/connection-tests.md) says how to test on a schedule instead.",
            attributes(),
        )
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let wanted = whole::<BTreeSet<String>>(&config.account_ids).into_known();
        if wanted.as_ref().is_some_and(BTreeSet::is_empty) {
            return Some(fill(config, &[], Vec::new(), &[]));
        }
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(read_document(context.data).await)?;
        let selection = Selection {
            workspace: &config.workspace,
            integration_id: &config.integration_id,
            folder_path: &config.folder_path,
        };
        let selected = diagnostics.record(selection.of(&document, catalog))?;
        let mut connections = selected.connections;
        if let Some(wanted) = wanted {
            connections.retain(|connection| wanted.contains(connection.account_id));
            warn_of_absent(wanted, &connections, diagnostics);
        } else if connections.is_empty() {
            warn_of_none(diagnostics);
        }
        let (tested, skipped): (Vec<_>, Vec<_>) = connections
            .into_iter()
            .partition(EffectiveConnection::is_publishable);
        let targets: Vec<Target> = tested.iter().map(target).collect();
        let verdicts = if targets.is_empty() {
            Vec::new()
        } else {
            let settings = diagnostics.record(settings(&config, context.data))?;
            let verdicts = run(&settings, &targets, &options(&config), context.cancelled).await;
            diagnostics.record(verdicts.map_err(|error| not_run(&error)))?
        };
        Some(fill(config, &tested, verdicts, &skipped))
    }
}

fn attributes() -> Vec<Attribute> {
    let [workspace, integration_id, folder_path] = selection(
        "Only what is visible to this workspace, `organization/workspace`, whether it attaches it or not. A workspace that \
         is not declared sees what it would see if it were.",
    );
    let [assume_role, profile, region] = replacements(
        "test",
        "Region whose STS is asked, and whose partition is meant, for this test.",
    );
    vec![
        workspace,
        integration_id,
        folder_path,
        Attribute::set("account_ids", Type::String)
            .optional()
            .check_string(checks::account_id)
            .description(
                "Only connections of these accounts. `[]` tests none, and asks neither AWS nor the catalog: a switch for \
                 where `count` is not allowed.",
            ),
        assume_role,
        profile,
        region,
        concurrency("connections are tested"),
        Attribute::string("connection_timeout")
            .optional()
            .check_string(|text| {
                let [least, most] = CONNECTION_TIMEOUT;
                duration::parse_within(text, least, most).map(drop)
            })
            .description(
                "How long the calls for one connection may be under way, `1s` to `5m`. Waiting for its turn, and for AWS that \
                 throttles, does not count. Default `10s`.",
            ),
        timeouts(
            "How long the whole test may take. Connections that it leaves out count as failed. Default `30m`.",
        ),
        Attribute::nested_map("connections", verdict_attributes())
            .computed()
            .description("The connections that were tested, by effective handle."),
        Attribute::set("failed", Type::String)
            .computed()
            .description("IDs of the accounts with a connection that failed."),
        Attribute::map("skipped", Type::String)
            .computed()
            .description(
                "The connections that were not tested because they are not published either, by effective handle, each \
                 with the reason: the state of its account, or an override that disables it.",
            ),
    ]
}

fn verdict_attributes() -> Vec<Attribute> {
    let string =
        |name: &str, description: &str| Attribute::string(name).computed().description(description);
    let causes: Vec<String> = Cause::ALL.map(|cause| format!("`{}`", cause.name())).into();
    vec![
        string("account_id", "ID of the account."),
        string("integration_id", "ID of its integration."),
        string("role_arn", "ARN of the role that was assumed."),
        Attribute::bool("ok")
            .computed()
            .description("Whether the role was given, and is in that account."),
        string(
            "caller_arn",
            "ARN of whom AWS takes the holder of the role's credentials for; null where the role was not given.",
        ),
        string(
            "cause",
            &format!(
                "Why it failed, to compare: one of {}. Null where it did not.",
                causes.join(", ")
            ),
        ),
        string(
            "error",
            "Why it failed, and what to do about it, to read. Null where it did not. It holds no external ID.",
        ),
    ]
}

fn settings(config: &State, data: &Data) -> Result<Settings, Diagnostic> {
    let replacement = Replacement {
        assume_role: &config.assume_role,
        profile: &config.profile,
        region: &config.region,
    };
    replacement
        .settings(data)
        .map_err(|unknown| unknown.diagnostic("Testing connections"))
}

fn options(config: &State) -> Options {
    let connection_timeout = config.connection_timeout.known();
    Options {
        concurrency: at_once(&config.concurrency),
        connection_timeout: connection_timeout
            // The schema has checked it.
            .and_then(|text| duration::parse(text).ok())
            .unwrap_or(DEFAULT_CONNECTION_TIMEOUT),
        timeout: read_timeout(&config.timeouts).unwrap_or(DEFAULT_TIMEOUT),
    }
}

/// The arguments to assume the role of a connection.
pub(super) fn target(connection: &EffectiveConnection<'_>) -> Target {
    Target {
        account_id: connection.account_id.to_owned(),
        role: AssumeRole {
            role_arn: connection.role_arn.to_owned(),
            external_id: connection.settings.external_id.clone(),
            session_name: None,
            duration: Some(SESSION),
        },
    }
}

async fn run(
    settings: &Settings,
    targets: &[Target],
    options: &Options,
    cancelled: &CancellationToken,
) -> Result<Vec<Verdict>, TestError> {
    let started = Instant::now();
    let session = tokio::select! {
        biased;
        () = cancelled.cancelled() => return Err(TestError::Cancelled),
        session = Session::open(settings, options.timeout) => session?,
    };
    let left = Options {
        timeout: options.timeout.saturating_sub(started.elapsed()),
        ..options.clone()
    };
    session.test_connections(targets, &left, cancelled).await
}

fn fill(
    config: State,
    tested: &[EffectiveConnection<'_>],
    verdicts: Vec<Verdict>,
    skipped: &[EffectiveConnection<'_>],
) -> State {
    let failed = tested
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| verdict.problem.is_some())
        .map(|(connection, _)| connection.account_id.to_owned());
    let failed = failed.collect::<BTreeSet<String>>().into_value();
    let connections = tested.iter().zip(verdicts).map(|(connection, verdict)| {
        let state = VerdictState::of(connection, verdict);
        (connection.handle.to_owned(), state)
    });
    let skipped = skipped
        .iter()
        .map(|connection| (connection.handle.to_owned(), why_skipped(connection)));
    State {
        connections: Value::Known(connections.collect()),
        failed,
        skipped: skipped.collect::<BTreeMap<String, String>>().into_value(),
        ..config
    }
}

fn why_skipped(connection: &EffectiveConnection<'_>) -> String {
    if connection.settings.enabled {
        format!("The account is {}.", connection.connection.state)
    } else {
        "An override disables it (enabled = false).".to_owned()
    }
}

impl VerdictState {
    fn of(connection: &EffectiveConnection<'_>, verdict: Verdict) -> Self {
        let problem = verdict.problem;
        Self {
            account_id: connection.account_id.into(),
            integration_id: connection.integration.id.clone().into(),
            role_arn: connection.role_arn.into(),
            ok: problem.is_none().into(),
            caller_arn: verdict.caller_arn.into(),
            cause: problem
                .as_ref()
                .map(|problem| problem.cause.name().to_owned())
                .into(),
            error: problem.as_ref().map(explain).into(),
        }
    }
}

fn explain(problem: &Problem) -> String {
    format!("{} {}", checks::sentence(problem), problem.fix())
}

/// An account that is not tested must not look like one that passed.
fn warn_of_absent(
    mut wanted: BTreeSet<String>,
    connections: &[EffectiveConnection<'_>],
    diagnostics: &mut Diagnostics,
) {
    for connection in connections {
        wanted.remove(connection.account_id);
    }
    if !wanted.is_empty() {
        let wanted: Vec<String> = wanted.into_iter().collect();
        diagnostics.warning_at(
            Path::of("account_ids"),
            "No connection to test for some accounts",
            format!(
                "account_ids holds {}, and there is no connection of that among those that the other arguments select. It was \
                 not tested: check for a typing error, whether the account is still mirrored, and the other arguments.",
                wanted.join(", ")
            ),
        );
    }
}

/// An empty `failed` must not look like a test that all passed.
fn warn_of_none(diagnostics: &mut Diagnostics) {
    diagnostics.warning(
        "No connection to test",
        "workspace, integration_id and folder_path select no connection, so that nothing was tested: failed is empty, and so \
         is connections. Check for a typing error, the permissions of the workspace, and the provider's tenant and catalog.",
    );
}

fn not_run(error: &TestError) -> Diagnostic {
    match error {
        TestError::Connect(error) => Diagnostic::error(
            credentials::summary(error),
            format!("{} {}", checks::sentence(error), error.fix()),
        ),
        TestError::Cancelled => Diagnostic::error(
            "Testing connections was cancelled",
            "No connection has a result. Plan again to test them.",
        ),
    }
}
