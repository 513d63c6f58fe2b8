//! Who is trusted, and which policies are attached, as people write them.

use std::str::FromStr;

use crate::model::arn::{AccountId, Arn, is_account_id};

/// An account, role or user that may assume a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// Every principal in this account that the account's own policies allow to.
    Account(AccountId),
    /// What an ARN names.
    Arn {
        /// Such as `aws`.
        partition: String,
        /// ID of its account.
        account_id: AccountId,
        /// All of it.
        arn: String,
    },
}

/// A policy that roles get.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyArn {
    /// Such as `aws`.
    pub partition: String,
    /// All of it.
    pub arn: String,
}

/// Why something is not a principal or a policy: the rule that it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// `*`
    #[error("a role that trusts everyone can be used by strangers")]
    Everyone,
    /// The session of a role or of a federated user.
    #[error("a session ends, and its name may be anything")]
    Session,
    /// Anything else that can assume no role, or none of ours.
    #[error(
        "a trusted principal is the ID of an account or the ARN of a role, a user or an account's root"
    )]
    NoPrincipal,
    /// Not the ARN of a policy.
    #[error("it must be the ARN of a managed policy")]
    NoPolicy,
}

impl ArnError {
    /// What to write instead.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Everyone => "Name the accounts, roles or users that may assume the role.",
            Self::Session => {
                "Give the ARN of its role, such as \"arn:aws:iam::444455556666:role/pipeline\"."
            }
            Self::NoPrincipal => {
                "Write it like \"444455556666\" or \"arn:aws:iam::444455556666:role/pipeline\"."
            }
            Self::NoPolicy => "Write it like \"arn:aws:iam::aws:policy/SecurityAudit\".",
        }
    }
}

impl Principal {
    /// The partition that it is in, and the ARN that says so; none of an account, whose ID does not.
    pub fn partition_and_arn(&self) -> Option<(&str, &str)> {
        match self {
            Self::Account(_) => None,
            Self::Arn { partition, arn, .. } => Some((partition, arn)),
        }
    }

    /// ID of its account.
    pub fn account_id(&self) -> &AccountId {
        match self {
            Self::Account(id) => id,
            Self::Arn { account_id, .. } => account_id,
        }
    }

    /// As policies of this partition name it.
    pub(super) fn arn(&self, partition: &str) -> String {
        match self {
            Self::Account(id) => account_arn(partition, id),
            Self::Arn { arn, .. } => arn.clone(),
        }
    }
}

/// As policies name a whole account.
pub(super) fn account_arn(partition: &str, account_id: &AccountId) -> String {
    format!("arn:{partition}:iam::{account_id}:root")
}

impl FromStr for Principal {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        if text == "*" {
            return Err(ArnError::Everyone);
        }
        if let Ok(account_id) = text.parse() {
            return Ok(Self::Account(account_id));
        }
        let arn = without_region(text).ok_or(ArnError::NoPrincipal)?;
        let is_principal = arn.resource == "root"
            || is_named(arn.resource, "role/")
            || is_named(arn.resource, "user/");
        match (arn.service, arn.account_id.parse()) {
            ("sts", _) => Err(ArnError::Session),
            ("iam", Ok(account_id)) if is_principal => Ok(Self::Arn {
                partition: arn.partition.to_owned(),
                account_id,
                arn: text.to_owned(),
            }),
            _ => Err(ArnError::NoPrincipal),
        }
    }
}

impl FromStr for PolicyArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let is_policy = |arn: &Arn<'_>| {
            arn.service == "iam"
                && (arn.account_id == "aws" || is_account_id(arn.account_id))
                && is_named(arn.resource, "policy/")
        };
        let arn = without_region(text)
            .filter(is_policy)
            .ok_or(ArnError::NoPolicy)?;
        Ok(Self {
            partition: arn.partition.to_owned(),
            arn: text.to_owned(),
        })
    }
}

/// An ARN without Region, in a partition of AWS.
fn without_region(text: &str) -> Option<Arn<'_>> {
    let arn = Arn::parse(text).ok()?;
    let is_of_aws = arn.partition == "aws" || arn.partition.starts_with("aws-");
    (is_of_aws && arn.region.is_empty()).then_some(arn)
}

/// Whether a resource is of this kind, with a path or without, and without wildcards: in a trust policy they mean nothing.
fn is_named(resource: &str, kind: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    resource.strip_prefix(kind).is_some_and(|named| {
        let mut parts = named.split('/');
        parts.all(|part| !part.is_empty() && part.bytes().all(allowed))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn accounts_roles_and_users_can_be_trusted() {
        for (text, partition, account) in [
            ("012345678901", None, "012345678901"),
            (
                "arn:aws:iam::111122223333:root",
                Some("aws"),
                "111122223333",
            ),
            (
                "arn:aws-cn:iam::111122223333:role/ci/pipeline",
                Some("aws-cn"),
                "111122223333",
            ),
            (
                "arn:aws-us-gov:iam::111122223333:user/zoe@example.com",
                Some("aws-us-gov"),
                "111122223333",
            ),
        ] {
            let principal: Principal = text.parse().unwrap();
            let expected = partition.map(|partition| (partition, text));
            assert_eq!(principal.partition_and_arn(), expected, "{text}");
            assert_eq!(principal.account_id().as_ref(), account, "{text}");
        }
        let account: Principal = "111122223333".parse().unwrap();
        assert_eq!(account.arn("aws-cn"), "arn:aws-cn:iam::111122223333:root");
    }

    #[test]
    fn nobody_else_can() {
        for (text, why) in [
            ("*", ArnError::Everyone),
            (
                "arn:aws:sts::111122223333:assumed-role/pipeline/session",
                ArnError::Session,
            ),
            ("", ArnError::NoPrincipal),
            ("12345", ArnError::NoPrincipal),
            ("lambda.amazonaws.com", ArnError::NoPrincipal),
            ("arn:aws:iam::111122223333:role/", ArnError::NoPrincipal),
            ("arn:aws:iam::111122223333:role/*", ArnError::NoPrincipal),
            ("arn:aws:iam::111122223333:role//a", ArnError::NoPrincipal),
            ("arn:aws:iam::111122223333:group/a", ArnError::NoPrincipal),
            ("arn:aws:iam::1111:role/a", ArnError::NoPrincipal),
            ("arn:awsome:iam::111122223333:role/a", ArnError::NoPrincipal),
            ("arn:aws:iam::111122223333:role/a b", ArnError::NoPrincipal),
        ] {
            assert_eq!(text.parse::<Principal>(), Err(why), "{text}");
        }
    }

    #[test]
    fn policies_are_those_of_aws_or_of_an_account() {
        for arn in [
            "arn:aws:iam::aws:policy/SecurityAudit",
            "arn:aws-cn:iam::aws:policy/job-function/ViewOnlyAccess",
            "arn:aws:iam::111122223333:policy/own",
        ] {
            assert_eq!(arn.parse::<PolicyArn>().unwrap().arn, arn);
        }
        for other in [
            "SecurityAudit",
            "arn:aws:iam::aws:role/SecurityAudit",
            "arn:aws:iam::aws:policy/",
            "arn:aws:iam:::policy/SecurityAudit",
            "arn:aws:iam::aws:policy/*",
        ] {
            assert_eq!(
                other.parse::<PolicyArn>(),
                Err(ArnError::NoPolicy),
                "{other}"
            );
        }
    }
}
