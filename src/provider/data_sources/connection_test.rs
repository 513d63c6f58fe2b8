//! `data "orgmirror_connection_test"`: whether the roles of connections can be assumed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use describe::{Describe, Known, whole};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::connection_test::{Cause, Options, Problem, Target, TestError, Verdict};
use crate::aws::{AssumeRole, Session, Settings};
use crate::model::checks;
use crate::model::visibility::EffectiveConnection;
use crate::provider::catalog_ops::{open_catalog, read_document};
use crate::provider::concurrency::Concurrency;
use crate::provider::credentials::{self, Replacement};
use crate::provider::data::Data;
use crate::provider::duration;
use crate::provider::selection::Selection;
use crate::provider::timeouts::{Timeouts, read_timeout};
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::Schema;
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

/// What is tested, and how.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
struct Arguments {
    #[field(flatten)]
    selection: Selection,
    /// Only connections of these accounts. `[]` tests none, and asks neither AWS nor the catalog: a switch for where `count`
    /// is not allowed.
    #[field(optional, check_string(checks::account_id))]
    account_ids: Value<Set<String>>,
    #[field(
        flatten,
        reworded("this reading", "this test"),
        reworded("Region whose", "Region whose STS is asked, and whose")
    )]
    replacement: Replacement,
    #[field(flatten, reworded("accounts are asked", "connections are tested"))]
    concurrency: Concurrency,
    /// How long the calls for one connection may be under way, `1s` to `5m`. Waiting for its turn, and for AWS that throttles,
    /// does not count. Default `10s`.
    #[field(
        optional,
        check_string(|text| {
            let [least, most] = CONNECTION_TIMEOUT;
            duration::parse_within(text, least, most).map(drop)
        })
    )]
    connection_timeout: Value<String>,
    /// Time limits.
    #[field(
        optional,
        reworded(
            "the reading may take.",
            "the whole test may take. Connections that it leaves out count as failed."
        )
    )]
    timeouts: Value<Timeouts>,
}

/// The results of the test.
#[derive(Default, Describe)]
#[describe(planned = PlannedResults)]
struct Results {
    /// The connections that were tested, by effective handle.
    connections: BTreeMap<String, VerdictEntry>,
    /// IDs of the accounts with a connection that failed.
    failed: BTreeSet<String>,
    /// The connections that were not tested because they are not published either, by effective handle, each with the reason:
    /// the state of its account, or an override that disables it.
    skipped: BTreeMap<String, String>,
}

#[derive(Describe)]
#[describe(planned = PlannedVerdictEntry)]
struct VerdictEntry {
    /// ID of the account.
    account_id: String,
    /// ID of its integration.
    integration_id: String,
    /// ARN of the role that was assumed.
    role_arn: String,
    /// Whether the role was given, and is in that account.
    ok: bool,
    /// ARN of whom AWS takes the holder of the role's credentials for; null where the role was not given.
    caller_arn: Option<String>,
    #[field(description(&format!(
        "Why it failed, to compare: one of {}. Null where it did not.",
        Cause::ALL.map(|cause| format!("`{}`", cause.name())).join(", ")
    )))]
    cause: Option<String>,
    /// Why it failed, and what to do about it, to read. Null where it did not. It holds no external ID.
    error: Option<String>,
}

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    #[field(flatten)]
    arguments: Arguments,
    #[field(flatten)]
    results: PlannedResults,
}

#[async_trait]
impl DataSource for ConnectionTest {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "connection_test"
    }

    fn schema(&self) -> Schema {
        Schema::of::<State>(
            "Tests connections: assumes the role of each, with its external ID and the credentials of the provider, and asks \
             AWS whether that is in the right account. A connection that fails is a result, not an error; errors are for \
             credentials and a catalog that cannot be used. Terraform reads data sources in every plan: \
             [the guide](../guides/connection-tests.md) says how to test on a schedule instead.",
        )
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let arguments = &config.arguments;
        let wanted = whole::<BTreeSet<String>>(&arguments.account_ids).into_known();
        if wanted.as_ref().is_some_and(BTreeSet::is_empty) {
            return Some(config.with(Results::default()));
        }
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(read_document(context.data).await)?;
        let selected = diagnostics.record(arguments.selection.of(&document, catalog))?;
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
            let settings = context
                .data
                .settings_with(&arguments.replacement)
                .map_err(|unknown| unknown.diagnostic("Testing connections"));
            let settings = diagnostics.record(settings)?;
            let verdicts = run(&settings, &targets, &arguments.options(), context.cancelled).await;
            diagnostics.record(verdicts.map_err(|error| not_run(&error)))?
        };
        Some(config.with(Results::of(&tested, verdicts, &skipped)))
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let connection_timeout = self.connection_timeout.known();
        Options {
            concurrency: self.concurrency.at_once(),
            connection_timeout: connection_timeout
                // The schema has checked it.
                .and_then(|text| duration::parse(text).ok())
                .unwrap_or(DEFAULT_CONNECTION_TIMEOUT),
            timeout: read_timeout(&self.timeouts).unwrap_or(DEFAULT_TIMEOUT),
        }
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

impl State {
    fn with(self, results: Results) -> Self {
        Self {
            results: results.into_planned(),
            ..self
        }
    }
}

impl Results {
    fn of(
        tested: &[EffectiveConnection<'_>],
        verdicts: Vec<Verdict>,
        skipped: &[EffectiveConnection<'_>],
    ) -> Self {
        let failed = tested
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| verdict.problem.is_some())
            .map(|(connection, _)| connection.account_id.to_owned())
            .collect();
        let connections = tested.iter().zip(verdicts).map(|(connection, verdict)| {
            let entry = VerdictEntry::of(connection, verdict);
            (connection.handle.to_owned(), entry)
        });
        let skipped = skipped
            .iter()
            .map(|connection| (connection.handle.to_owned(), why_skipped(connection)));
        Self {
            connections: connections.collect(),
            failed,
            skipped: skipped.collect(),
        }
    }
}

fn why_skipped(connection: &EffectiveConnection<'_>) -> String {
    if connection.settings.enabled {
        format!("The account is {}.", connection.connection.state)
    } else {
        "An override disables it (enabled = false).".to_owned()
    }
}

impl VerdictEntry {
    fn of(connection: &EffectiveConnection<'_>, verdict: Verdict) -> Self {
        let problem = verdict.problem.as_ref();
        Self {
            account_id: connection.account_id.to_owned(),
            integration_id: connection.integration.id.clone(),
            role_arn: connection.role_arn.to_owned(),
            ok: problem.is_none(),
            cause: problem.map(|problem| problem.cause.name().to_owned()),
            error: problem.map(explain),
            caller_arn: verdict.caller_arn,
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
