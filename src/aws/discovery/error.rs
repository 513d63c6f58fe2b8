//! Why an AWS organization could not be read, and what a failed call means.

use std::time::Duration;

use super::super::calls::Failure;
use super::super::connect_error::{ConnectError, principal};
use super::super::denial::Denial;
use super::{Organization, Reading};
use crate::model::snapshot::SnapshotError;

/// For finding out who the caller is, to say it in an error.
const CALLER_TIMEOUT: Duration = Duration::from_secs(10);

/// Why an AWS organization could not be read. Every variant is one thing a user can act on;
/// [`DiscoveryError::fix`] says how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// AWS could not be talked to, or not any more.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// IAM does not allow a call.
    #[error("AWS refuses {action}{}: {message}",
        principal.as_ref().filter(|arn| !message.contains(*arn)).map_or_else(String::new, |arn| format!(" to {arn}")))]
    MissingPermission {
        /// As in IAM policies: `organizations:ListAccounts`.
        action: String,
        /// ARN of the caller, where known.
        principal: Option<String>,
        /// What AWS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
    /// The caller's account is in no AWS organization.
    #[error("{} is not in an AWS organization",
        account_id.as_ref().map_or_else(|| "the account of these credentials".to_owned(), |id| format!("account {id}")))]
    NotInOrganization {
        /// The caller's account, where known.
        account_id: Option<String>,
    },
    /// The caller's account is a member that may not read the AWS organization.
    #[error("AWS refuses {action} to account {account_id}, which is neither the management account of the AWS organization{} nor a delegated administrator",
        management_account_id.as_ref().map_or_else(String::new, |id| format!(" ({id})")))]
    NotAdministrator {
        /// The caller's account.
        account_id: String,
        /// The management account, where known.
        management_account_id: Option<String>,
        /// The call that was refused.
        action: String,
    },
    /// The reading took longer than its timeout.
    #[error("reading the AWS organization did not end within {} seconds ({accounts} accounts and {organizational_units} OUs were read, AWS throttled {throttled} calls)", after.as_secs_f64().ceil())]
    TimedOut {
        /// The timeout.
        after: Duration,
        /// Accounts read until then.
        accounts: usize,
        /// OUs read until then.
        organizational_units: usize,
        /// Calls that AWS throttled.
        throttled: u64,
    },
    /// Every reading contradicted itself.
    #[error("the AWS organization was read {rounds} times, and each reading contradicted itself: {}", problems.join("; "))]
    Inconsistent {
        /// How often it was read.
        rounds: usize,
        /// Accounts that the last reading could not place.
        accounts: Vec<String>,
        /// OUs that the last reading could not place.
        organizational_units: Vec<String>,
        /// The problems of the last reading, at most ten.
        problems: Vec<String>,
    },
    /// An answer that the API does not document.
    #[error("AWS answered {action} in a way that makes no snapshot: {what}")]
    Malformed {
        /// As in IAM policies.
        action: String,
        /// The problem.
        what: String,
    },
    /// The reading is not a tree.
    #[error("what was read of the AWS organization makes no snapshot: {0}")]
    Snapshot(#[from] SnapshotError),
    /// The run was stopped.
    #[error("the reading of the AWS organization was cancelled")]
    Cancelled,
}

impl DiscoveryError {
    /// What the user can do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Connect(error) => error.fix(),
            Self::MissingPermission {
                action,
                principal,
                message,
                ..
            } => {
                let principal = principal.as_deref().unwrap_or("the caller");
                let fix = match Denial::of(message) {
                    Some(denial) => denial.fix(action, principal),
                    None => format!(
                        "Allow {action} in a policy of {principal}. If a policy allows it already, look for a service control policy, permissions boundary or session \
                         policy that does not."
                    ),
                };
                format!("{fix} The whole policy that discovery needs is in docs/guides/onboarding.md.")
            }
            Self::NotInOrganization { .. } => "Use credentials of the organization's management account or of a delegated administrator (profile, access_key or assume_role). To mirror \
                accounts without an AWS organization, list them by hand: aws_organization = { accounts = { \"111122223333\" = { name = \"sandbox\" } } }."
                .to_owned(),
            Self::NotAdministrator {
                account_id,
                management_account_id,
                ..
            } => {
                let management = management_account_id
                    .as_ref()
                    .map_or_else(|| "the management account".to_owned(), |id| format!("the management account {id}"));
                format!(
                    "Assume a role in {management} (assume_role), or let {management} register {account_id} as a delegated administrator, or allow it to read with a \
                     resource-based delegation policy (docs/guides/onboarding.md has one)."
                )
            }
            Self::TimedOut { throttled, .. } if *throttled > 0 => "AWS throttles these calls per account, for all tools together. Allow more time with timeouts = { read = \"...\" }, or run when less else \
                is running."
                .to_owned(),
            Self::TimedOut { .. } => {
                "Allow more time with timeouts = { read = \"...\" }, and check the network.".to_owned()
            }
            Self::Inconsistent { .. } => "The organization is being changed right now: try again when that is done. If the same accounts or OUs are named again, look at \
                them in the AWS console: an account must be under an OU that exists."
                .to_owned(),
            Self::Malformed { .. } | Self::Snapshot(_) => "Check that the endpoint is AWS Organizations (endpoints, AWS_ENDPOINT_URL); if it is, please report this.".to_owned(),
            Self::Cancelled => "Run it again.".to_owned(),
        }
    }
}

/// Why a call gave nothing to go on with.
pub(super) enum CallError {
    Failure(Failure),
    Error(Box<DiscoveryError>),
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<DiscoveryError> for CallError {
    fn from(error: DiscoveryError) -> Self {
        Self::Error(Box::new(error))
    }
}

impl Reading<'_> {
    /// What a failed call means to the user.
    pub(super) async fn error(
        &self,
        action: &'static str,
        error: impl Into<CallError>,
        organization: Option<&Organization>,
    ) -> DiscoveryError {
        let failure = match error.into() {
            CallError::Failure(failure) => failure,
            CallError::Error(error) => return *error,
        };
        match failure {
            Failure::NotInUse => DiscoveryError::NotInOrganization {
                account_id: self.caller().await.map(|(account_id, _)| account_id),
            },
            Failure::Denied {
                message,
                request_id,
            } => {
                // IAM names the principal; AWS Organizations itself, which refuses members, does not.
                if let Some(principal) = principal(&message) {
                    return DiscoveryError::MissingPermission {
                        action: action.to_owned(),
                        principal: Some(principal.to_owned()),
                        message,
                        request_id,
                    };
                }
                let management = organization.map(|known| known.management_account_id.clone());
                match self.caller().await {
                    Some((account_id, _))
                        if management.as_ref().is_some_and(|id| *id != account_id) =>
                    {
                        DiscoveryError::NotAdministrator {
                            account_id,
                            management_account_id: management,
                            action: action.to_owned(),
                        }
                    }
                    caller => DiscoveryError::MissingPermission {
                        action: action.to_owned(),
                        principal: caller.map(|(_, arn)| arn),
                        message,
                        request_id,
                    },
                }
            }
            failure => {
                ConnectError::of(action, &self.session.organizations_endpoint, failure).into()
            }
        }
    }

    async fn caller(&self) -> Option<(String, String)> {
        self.session.caller(CALLER_TIMEOUT).await.ok()
    }
}

pub(super) fn required(
    action: &str,
    what: &str,
    key: &str,
    value: Option<String>,
) -> Result<String, DiscoveryError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| malformed(action, &format!("{what} has no {key}")))
}

pub(super) fn malformed(action: &str, what: &str) -> DiscoveryError {
    DiscoveryError::Malformed {
        action: action.to_owned(),
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_principal_is_the_one_that_iam_names() {
        assert_eq!(
            principal(
                "User: arn:aws:iam::111122223333:user/x is not authorized to perform: organizations:ListRoots"
            ),
            Some("arn:aws:iam::111122223333:user/x")
        );
        assert_eq!(
            principal("You don't have permissions to access this resource."),
            None
        );
    }
}
