//! Onboarding: what makes an account, or all accounts of an AWS organization, ready to be read and used.
//!
//! One role is at the centre, of the same name in each account: the role that connections lead to. In the account
//! through which the AWS organization is read, it may read that as well. [`Onboarding`] writes this role for
//! CloudFormation and for Terraform, and its policies by themselves.
//!
//! Pure: text from arguments. What the policies allow comes from [`crate::aws::REQUIRED_ACTIONS`], the one list of the
//! calls that are made.

use std::collections::BTreeSet;

use crate::model::arn::AccountId;
use crate::model::partition::AWS_CN;

mod arns;
mod cloudformation;
mod node;
mod policies;
mod terraform;

pub use arns::{ArnError, PolicyArn, Principal};

/// Names of the role's own policies: for reading the AWS organization, and for what is asked in each account.
const DISCOVERY_POLICY: &str = "orgmirror-discovery";
const CONNECTION_POLICY: &str = "orgmirror-connection";

/// The role of an onboarding, and who is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onboarding {
    /// Partition of the accounts that get the role.
    pub partition: String,
    /// The role's name, with its path in front if it has one: `audit/orgmirror-readonly`.
    pub role_name: String,
    /// What whoever assumes the role has to send; none: nothing.
    pub external_id: Option<String>,
    /// Who may assume the role; at least one.
    pub trusted_principals: BTreeSet<Principal>,
    /// What the role may do.
    pub permissions_policies: BTreeSet<PolicyArn>,
    /// ID of the member account that reads the AWS organization in place of the management account.
    pub delegated_administrator_id: Option<AccountId>,
}

/// A text that could not be written; a mistake in this room.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be written: {reason}")]
pub struct WriteError {
    what: &'static str,
    reason: String,
}

impl WriteError {
    fn of(what: &'static str, reason: &impl ToString) -> Self {
        Self {
            what,
            reason: reason.to_string(),
        }
    }
}

/// The policy that allows what a security audit reads, in each partition ("AWS managed policies for job functions", IAM
/// User Guide).
pub fn security_audit(partition: &str) -> String {
    format!("arn:{partition}:iam::aws:policy/SecurityAudit")
}

impl Onboarding {
    /// Whether StackSets get their permissions from AWS Organizations in this partition. In the China Regions they do not
    /// ("Prerequisites for stack set operations", CloudFormation User Guide of Amazon Web Services in China).
    fn has_service_managed_stack_sets(&self) -> bool {
        self.partition != AWS_CN
    }

    /// What IAM shows of the role.
    fn role_description(&self) -> String {
        let asked = match self.external_id {
            Some(_) => " with the external ID",
            None => "",
        };
        format!("Assumed{asked} by the tools that use this account as a connection of orgmirror.")
    }

    /// The role's path, `/` without any, and its name without it.
    fn path_and_name(&self) -> (String, &str) {
        match self.role_name.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_owned(), &self.role_name),
        }
    }
}

#[cfg(test)]
mod sample;
