//! Tests of connections: whether the role of each can be assumed, and is in the right account.

mod problem;

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::calls::TimeBudget;
use super::connect_error::ConnectError;
use super::credentials::ASSUME_ROLE;
use super::session::Session;
use super::settings::AssumeRole;
use crate::model::partition;

pub use problem::{Cause, Problem};

/// One connection to test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// ID of the account that the role has to be in.
    pub account_id: String,
    /// The role, and the arguments to assume it.
    pub role: AssumeRole,
}

/// How connections are tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many are tested at once, at least 1.
    pub concurrency: usize,
    /// How long the calls of one connection may be under way. Waiting for its turn, and for AWS that throttles, does not
    /// count.
    pub connection_timeout: Duration,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Result of the test of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// ARN of the caller, as AWS reports it for the role's credentials; none: the role was not assumed.
    pub caller_arn: Option<String>,
    /// None: the connection works.
    pub problem: Option<Problem>,
}

/// Why there are no verdicts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// The credentials that are to assume the roles are of no use, so that the connections were not tested.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// By the user.
    #[error("testing connections was cancelled")]
    Cancelled,
}

impl Verdict {
    fn failed(problem: Problem) -> Self {
        Self {
            caller_arn: None,
            problem: Some(problem),
        }
    }
}

impl Session {
    /// Assumes the role of each target with this session's credentials, and asks AWS for the caller. The verdicts are in the
    /// order of the targets. A failure of a target is its verdict, never an error.
    ///
    /// # Errors
    /// When this session's own credentials are refused, before or meanwhile; [`TestError::Cancelled`] at once when
    /// `cancelled` is.
    pub async fn test_connections(
        &self,
        targets: &[Target],
        options: &Options,
        cancelled: &CancellationToken,
    ) -> Result<Vec<Verdict>, TestError> {
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(TestError::Cancelled),
            verdicts = self.test_all(targets, options) => Ok(verdicts?),
        }
    }

    async fn test_all(
        &self,
        targets: &[Target],
        options: &Options,
    ) -> Result<Vec<Verdict>, ConnectError> {
        let deadline = Instant::now() + options.timeout;
        let (_, caller) = self.caller(options.timeout).await?;
        let caller = &caller;
        // By number: a closure over references is not general enough for a stream that is sent between threads.
        let tests = (0..targets.len()).map(|number| async move {
            let test = self.test_one(&targets[number], caller, options.connection_timeout);
            let verdict = match tokio::time::timeout_at(deadline, test).await {
                Ok(tested) => tested?,
                Err(_) => Verdict::failed(not_tested(options)),
            };
            Ok::<_, ConnectError>((number, verdict))
        });
        let mut verdicts: Vec<(usize, Verdict)> = stream::iter(tests)
            .buffer_unordered(options.concurrency.max(1))
            .try_collect()
            .await?;
        verdicts.sort_unstable_by_key(|(number, _)| *number);
        Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
    }

    /// The error is one of this session's credentials.
    async fn test_one(
        &self,
        target: &Target,
        caller: &str,
        timeout: Duration,
    ) -> Result<Verdict, ConnectError> {
        let role = &target.role;
        if let Some(problem) = elsewhere(&role.role_arn, caller) {
            return Ok(Verdict::failed(problem));
        }
        match self.caller_in(role, &mut TimeBudget::of(timeout)).await {
            Ok((account_id, arn)) => Ok(Verdict {
                problem: (account_id != target.account_id)
                    .then(|| in_another_account(target, &account_id)),
                caller_arn: Some(arn),
            }),
            Err(error) if is_of_the_caller(&error) => Err(error),
            Err(error) => Ok(Verdict::failed(Problem::of(&error, role, caller))),
        }
    }
}

/// Whether no other role can be assumed either.
pub(super) fn is_of_the_caller(error: &ConnectError) -> bool {
    match error {
        ConnectError::InvalidCredentials { action, .. } => action == ASSUME_ROLE,
        ConnectError::CredentialsUnavailable { .. } => true,
        _ => false,
    }
}

/// Credentials of one partition are unknown in every other; STS would say no more than that it refuses.
pub(super) fn elsewhere(role_arn: &str, caller: &str) -> Option<Problem> {
    let (theirs, ours) = (partition::of_arn(role_arn)?, partition::of_arn(caller)?);
    (theirs != ours).then(|| {
        Problem::new(
            Cause::Partition,
            format!("{role_arn} is in the partition {theirs}, and {caller} is in {ours}"),
            format!("Test it with credentials and a Region of {theirs} (profile, region), in a data source of its own."),
        )
    })
}

fn in_another_account(target: &Target, account_id: &str) -> Problem {
    Problem::new(
        Cause::WrongAccount,
        format!(
            "{} is in the account {account_id}, and the connection is for {}",
            target.role.role_arn, target.account_id
        ),
        "Correct role_arn in the override of the connection, or look at what answers instead of STS.",
    )
}

fn not_tested(options: &Options) -> Problem {
    Problem::new(
        Cause::NotTested,
        format!(
            "testing all connections did not end within {} seconds, and this one was left out",
            options.timeout.as_secs_f64().ceil()
        ),
        "Allow more time with timeouts = { read = \"...\" }, raise concurrency, or test fewer connections at a time.",
    )
}
