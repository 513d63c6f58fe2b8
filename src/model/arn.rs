//! ARNs and account IDs, taken apart and checked in one place.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest path of a role, and the longest name ("IAM and AWS STS quotas", IAM User Guide).
const MAX_ROLE_PATH: usize = 512;
const MAX_ROLE_NAME: usize = 64;

/// What a text was expected to be, and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not an [`Arn`].
    #[error("it must be an ARN")]
    Arn,
    /// Not a [`RoleArn`].
    #[error("it must be the ARN of an IAM role")]
    RoleArn,
    /// Not an [`AccountId`].
    #[error("an AWS account ID has 12 digits")]
    AccountId,
}

/// An ARN in its parts. Any part may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn<'a> {
    /// Such as `aws`.
    pub partition: &'a str,
    /// Such as `iam`.
    pub service: &'a str,
    /// Empty where the service has no Regions.
    pub region: &'a str,
    /// ID of the account, or what stands for it, such as `aws` for the policies of AWS.
    pub account_id: &'a str,
    /// Everything behind the account. It may contain colons.
    pub resource: &'a str,
}

/// The ID of an AWS account: 12 digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

/// The ARN of an IAM role, in a partition of AWS and in an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn(String);

impl<'a> Arn<'a> {
    /// Takes an ARN apart.
    ///
    /// # Errors
    /// When the text does not begin with `arn:`, or has fewer than six parts.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(Malformed::Arn);
        if next()? != "arn" {
            return Err(Malformed::Arn);
        }
        Ok(Self {
            partition: next()?,
            service: next()?,
            region: next()?,
            account_id: next()?,
            resource: next()?,
        })
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            service,
            region,
            account_id,
            resource,
        } = self;
        write!(
            f,
            "arn:{partition}:{service}:{region}:{account_id}:{resource}"
        )
    }
}

impl RoleArn {
    /// ID of the account that the role is in.
    pub fn account_id(&self) -> &str {
        // It was an ARN when it was checked.
        Arn::parse(&self.0).map_or("", |arn| arn.account_id)
    }
}

/// Whether an ID is an AWS account's: 12 digits.
pub fn is_account_id(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())
}

/// Whether it can be the name of an IAM role, with its path in front if it has one.
pub fn is_role_name(value: &str) -> bool {
    let name = value.rsplit('/').next().unwrap_or_default();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    (1..=MAX_ROLE_NAME).contains(&name.len())
        && value.len() <= MAX_ROLE_PATH + MAX_ROLE_NAME
        && !value.starts_with('/')
        && !value.contains("//")
        && value.bytes().all(|b| allowed(b) || b == b'/')
}

fn is_role_arn(text: &str) -> bool {
    Arn::parse(text).is_ok_and(|arn| {
        arn.partition.starts_with("aws")
            && arn.service == "iam"
            && arn.region.is_empty()
            && is_account_id(arn.account_id)
            && arn.resource.strip_prefix("role/").is_some_and(is_role_name)
    })
}

/// What every checked text can do. It is compared and hashed as its text, so it can be looked up by `&str`.
macro_rules! checked {
    ($($name:ident is $check:ident,)+) => {$(
        impl TryFrom<String> for $name {
            type Error = Malformed;

            fn try_from(text: String) -> Result<Self, Malformed> {
                if $check(&text) {
                    Ok(Self(text))
                } else {
                    Err(Malformed::$name)
                }
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(checked: $name) -> Self {
                checked.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}
checked! {
    AccountId is is_account_id,
    RoleArn is is_role_arn,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[test]
    fn an_arn_has_six_parts_and_the_last_may_contain_colons() {
        let text = "arn:aws-cn:sns:cn-north-1:111122223333:topic:of:mine";
        let arn = Arn::parse(text).unwrap();
        assert_eq!(
            arn,
            Arn {
                partition: "aws-cn",
                service: "sns",
                region: "cn-north-1",
                account_id: "111122223333",
                resource: "topic:of:mine",
            }
        );
        assert_eq!(arn.to_string(), text);
        assert!(Arn::parse("arn:::::").is_ok());
        for other in [
            "",
            "arn",
            "arn:aws",
            "arn:aws:iam::111122223333",
            "urn:::::",
        ] {
            assert_eq!(Arn::parse(other), Err(Malformed::Arn), "{other}");
        }
    }

    #[test]
    fn a_role_s_arn_has_an_account_a_name_and_perhaps_a_path() {
        for arn in [
            "arn:aws:iam::111122223333:role/name",
            "arn:aws-cn:iam::111122223333:role/path/name",
        ] {
            let arn: RoleArn = arn.parse().unwrap();
            assert_eq!(arn.account_id(), "111122223333", "{arn}");
        }
        for other in [
            "name",
            "arn:aws:iam::111122223333:user/name",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role//name",
            "arn:aws:iam::1111:role/name",
            "arn:aws:iam:us-east-1:111122223333:role/name",
            "arn:aws:sts::111122223333:role/name",
            "arn:azure:iam::111122223333:role/name",
        ] {
            assert_eq!(other.parse::<RoleArn>(), Err(Malformed::RoleArn), "{other}");
        }
    }

    #[test]
    fn a_checked_text_is_its_text_in_json_and_as_a_key() {
        let id: AccountId = "012345678901".parse().unwrap();
        let json = serde_json::to_string(&BTreeMap::from([(id.clone(), 1)])).unwrap();
        assert_eq!(json, r#"{"012345678901":1}"#);
        let read: BTreeMap<AccountId, i32> = serde_json::from_str(&json).unwrap();
        assert_eq!(read.get("012345678901"), Some(&1));
        assert_eq!(HashMap::from([(id, 2)]).get("012345678901"), Some(&2));
        let error = serde_json::from_str::<AccountId>(r#""12345""#).unwrap_err();
        assert_eq!(error.to_string(), "an AWS account ID has 12 digits");
    }
}
