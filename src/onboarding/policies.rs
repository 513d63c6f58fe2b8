//! The policies by themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::arns::account_arn;
use super::node::{Node, list, map};
use super::{Onboarding, WriteError};
use crate::aws::{Purpose, REQUIRED_ACTIONS};
use crate::model::mirror::role_arn;

impl Onboarding {
    /// Who may assume the role, and with which external ID, as JSON.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn trust_policy_json(&self) -> Result<String, WriteError> {
        self.trust_policy().to_json("the trust policy")
    }

    /// What reading the AWS organization needs, as JSON.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn discovery_policy_json(&self) -> Result<String, WriteError> {
        discovery_policy().to_json("the discovery policy")
    }

    /// The delegation policy of the AWS organization that lets a member account read it, as JSON: the delegated
    /// administrator, else the accounts of those who are trusted.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn delegation_policy_json(&self) -> Result<String, WriteError> {
        let trusted = self.trusted_principals.iter().map(|p| p.account_id());
        let readers: BTreeSet<&str> = match &self.delegated_administrator_id {
            Some(account_id) => [account_id.as_str()].into(),
            None => trusted.collect(),
        };
        let readers = readers.iter().map(|id| account_arn(&self.partition, id));
        let principal = map([("AWS", list(readers))]);
        // A delegation policy knows no other actions.
        let actions = |action: &str| action.starts_with("organizations:");
        policy(reading(Some(&principal), actions)).to_json("the delegation policy")
    }

    /// What those who are trusted need in their own account to assume the role in all others, as JSON.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn caller_policy_json(&self) -> Result<String, WriteError> {
        let role = role_arn(&self.partition, "*", &self.role_name);
        let statement = map([
            ("Effect", "Allow"),
            ("Action", "sts:AssumeRole"),
            ("Resource", role.as_str()),
        ]);
        policy([statement]).to_json("the policy of callers")
    }

    pub(super) fn trust_policy(&self) -> Node {
        let trusted = self.trusted_principals.iter();
        let trusted = list(trusted.map(|principal| principal.arn(&self.partition)));
        let mut statement = vec![
            ("Effect", "Allow".into()),
            ("Principal", map([("AWS", trusted)])),
            ("Action", "sts:AssumeRole".into()),
        ];
        if let Some(external_id) = &self.external_id {
            let is_given = map([("sts:ExternalId", external_id.as_str())]);
            statement.push(("Condition", map([("StringEquals", is_given)])));
        }
        policy([Node::Map(statement)])
    }
}

/// What reading the AWS organization needs.
pub(super) fn discovery_policy() -> Node {
    policy(reading(None, |_| true))
}

fn policy(statements: impl IntoIterator<Item = Node>) -> Node {
    map([
        ("Version", "2012-10-17".into()),
        ("Statement", list(statements)),
    ])
}

/// A statement for each purpose of the actions that are wanted.
fn reading(principal: Option<&Node>, is_wanted: impl Fn(&str) -> bool) -> Vec<Node> {
    let mut purposes: BTreeMap<Purpose, Vec<&str>> = BTreeMap::new();
    for action in REQUIRED_ACTIONS.iter().filter(|a| is_wanted(a.name)) {
        purposes
            .entry(action.purpose)
            .or_default()
            .push(action.name);
    }
    let statements = purposes.into_iter().map(|(purpose, actions)| {
        let mut statement = vec![("Sid", purpose.sid().into()), ("Effect", "Allow".into())];
        statement.extend(principal.map(|principal| ("Principal", principal.clone())));
        statement.push(("Action", list(actions)));
        statement.push(("Resource", "*".into()));
        Node::Map(statement)
    });
    statements.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample::onboarding;
    use super::*;

    fn parsed(text: Result<String, WriteError>) -> Value {
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    #[test]
    fn the_trust_policy_names_the_principals_and_asks_for_the_external_id() {
        let mut onboarding = onboarding("aws");
        assert_eq!(
            onboarding.trust_policy_json().unwrap(),
            r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": [
          "arn:aws:iam::444455556666:root",
          "arn:aws:iam::777788889999:role/ci/pipeline"
        ]
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "acme:k3v9w2q8r5t1y7u4"
        }
      }
    }
  ]
}"#
        );
        onboarding.external_id = None;
        let policy = parsed(onboarding.trust_policy_json());
        assert_eq!(policy["Statement"][0].get("Condition"), None);
    }

    #[test]
    fn the_discovery_policy_is_the_list_of_actions_by_purpose() {
        let policy = parsed(onboarding("aws").discovery_policy_json());
        let statements = policy["Statement"].as_array().unwrap();
        let allowed = statements.iter().flat_map(|statement| {
            assert_eq!(statement["Effect"], "Allow");
            assert_eq!(statement["Resource"], "*");
            statement["Action"].as_array().unwrap()
        });
        let mut allowed: Vec<_> = allowed.map(|action| action.as_str().unwrap()).collect();
        let mut wanted: Vec<_> = REQUIRED_ACTIONS.iter().map(|action| action.name).collect();
        allowed.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(allowed, wanted);
        let sids: Vec<_> = statements
            .iter()
            .map(|statement| &statement["Sid"])
            .collect();
        assert_eq!(sids[..2], ["ReadOrganization", "ReadTags"]);
    }

    #[test]
    fn the_delegation_policy_is_for_the_accounts_that_read() {
        let mut onboarding = onboarding("aws-us-gov");
        let readers = |onboarding: &Onboarding| {
            let policy = parsed(onboarding.delegation_policy_json());
            for statement in policy["Statement"].as_array().unwrap() {
                for action in statement["Action"].as_array().unwrap() {
                    assert!(action.as_str().unwrap().starts_with("organizations:"));
                }
            }
            policy["Statement"][0]["Principal"]["AWS"].clone()
        };
        assert_eq!(
            readers(&onboarding),
            json!([
                "arn:aws-us-gov:iam::444455556666:root",
                "arn:aws-us-gov:iam::777788889999:root"
            ])
        );
        onboarding.delegated_administrator_id = Some("222222222222".to_owned());
        assert_eq!(
            readers(&onboarding),
            json!(["arn:aws-us-gov:iam::222222222222:root"])
        );
    }

    #[test]
    fn callers_may_assume_this_role_and_no_other() {
        let policy = parsed(onboarding("aws-cn").caller_policy_json());
        let expected = json!([{
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": "arn:aws-cn:iam::*:role/audit/orgmirror-readonly",
        }]);
        assert_eq!(policy["Statement"], expected);
    }
}
