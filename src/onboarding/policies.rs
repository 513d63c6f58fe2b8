//! The policies by themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::arns::account_arn;
use super::node::{Node, list, map};
use super::{Onboarding, WriteError};
use crate::aws::{Caller, Purpose, REQUIRED_ACTIONS};
use crate::model::arn::AccountId;
use crate::model::mirror::role_arn;

impl Onboarding {
    /// Who may assume the role, and with which external ID, as JSON.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn trust_policy_json(&self) -> Result<String, WriteError> {
        self.trust_policy().to_json("the trust policy")
    }

    /// What a role or a user needs to read the AWS organization, as JSON.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn discovery_policy_json(&self) -> Result<String, WriteError> {
        let statements = self.statements(&[Caller::Reader, Caller::KeyOwner], None);
        policy(statements).to_json("the discovery policy")
    }

    /// The delegation policy of the AWS organization that lets a member account read it, as JSON: the delegated
    /// administrator, else the accounts of those who are trusted.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn delegation_policy_json(&self) -> Result<String, WriteError> {
        let trusted = self.trusted_principals.iter().map(|p| p.account_id());
        let readers: BTreeSet<&AccountId> = match &self.delegated_administrator_id {
            Some(account_id) => [account_id].into(),
            None => trusted.collect(),
        };
        let readers = readers.iter().map(|id| account_arn(&self.partition, id));
        let principal = map([("AWS", list(readers))]);
        let statements = self.statements(&[Caller::Reader], Some(&principal));
        policy(statements).to_json("the delegation policy")
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
        let keys = self.statements(&[Caller::KeyOwner], None);
        policy(std::iter::once(statement).chain(keys)).to_json("the policy of callers")
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

    /// What the role needs to read the AWS organization.
    pub(super) fn discovery_policy(&self) -> Node {
        policy(self.statements(&[Caller::Reader], None))
    }

    /// What the role needs in each account beside the policies that it gets; none: nothing.
    pub(super) fn connection_policy(&self) -> Option<Node> {
        let statements = self.statements(&[Caller::Connection], None);
        (!statements.is_empty()).then(|| policy(statements))
    }

    /// A statement for each purpose of what these call; with a delegate those of a delegation policy, which knows the
    /// actions of AWS Organizations only.
    fn statements(&self, callers: &[Caller], delegate: Option<&Node>) -> Vec<Node> {
        let mut purposes: BTreeMap<Purpose, Vec<&str>> = BTreeMap::new();
        let called = REQUIRED_ACTIONS
            .iter()
            .filter(|action| callers.contains(&action.purpose.caller()))
            .filter(|action| delegate.is_none() || action.name.starts_with("organizations:"));
        for action in called {
            let actions = purposes.entry(action.purpose).or_default();
            actions.push(action.name);
        }
        purposes
            .into_iter()
            .map(|(purpose, actions)| {
                let mut statement = vec![("Sid", purpose.sid().into()), ("Effect", "Allow".into())];
                statement.extend(delegate.map(|delegate| ("Principal", delegate.clone())));
                statement.push(("Action", list(actions)));
                statement.push(("Resource", purpose.resource(&self.partition).into()));
                Node::Map(statement)
            })
            .collect()
    }
}

fn policy(statements: impl IntoIterator<Item = Node>) -> Node {
    map([
        ("Version", "2012-10-17".into()),
        ("Statement", list(statements)),
    ])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample::onboarding;
    use super::*;

    fn parse(text: Result<String, WriteError>) -> Value {
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
        let policy = parse(onboarding.trust_policy_json());
        assert_eq!(policy["Statement"][0].get("Condition"), None);
    }

    /// What a policy allows, with the statement that does.
    fn allowed_actions(policy: &Value) -> BTreeSet<(&str, &str)> {
        let statements = policy["Statement"].as_array().unwrap().iter();
        let actions = statements.flat_map(|statement| {
            assert_eq!(statement["Effect"], "Allow");
            let sid = statement["Sid"].as_str().unwrap();
            let actions = statement["Action"].as_array().unwrap().iter();
            actions.map(move |action| (action.as_str().unwrap(), sid))
        });
        actions.collect()
    }

    /// What the list of actions has for these callers.
    fn listed_actions(callers: &[Caller]) -> BTreeSet<(&'static str, &'static str)> {
        let actions = REQUIRED_ACTIONS.iter();
        let wanted = actions.filter(|action| callers.contains(&action.purpose.caller()));
        wanted
            .map(|action| (action.name, action.purpose.sid()))
            .collect()
    }

    #[test]
    fn whoever_reads_is_allowed_what_reading_calls() {
        let onboarding = onboarding("aws");
        let policy = parse(onboarding.discovery_policy_json());
        assert_eq!(
            allowed_actions(&policy),
            listed_actions(&[Caller::Reader, Caller::KeyOwner])
        );
        let of_role = serde_json::to_value(onboarding.discovery_policy()).unwrap();
        assert_eq!(allowed_actions(&of_role), listed_actions(&[Caller::Reader]));
        let of_connection = onboarding.connection_policy();
        let of_connection = of_connection.map(|policy| serde_json::to_value(policy).unwrap());
        let of_connection = of_connection
            .as_ref()
            .map(allowed_actions)
            .unwrap_or_default();
        assert_eq!(of_connection, listed_actions(&[Caller::Connection]));
    }

    #[test]
    fn users_read_their_own_keys_only() {
        assert_eq!(
            Purpose::KeyAge.resource("aws-cn"),
            "arn:aws-cn:iam::*:user/${aws:username}"
        );
        assert_eq!(Purpose::Discovery.resource("aws"), "*");
    }

    #[test]
    fn the_delegation_policy_is_for_the_accounts_that_read() {
        let mut onboarding = onboarding("aws-us-gov");
        let readers = |onboarding: &Onboarding| {
            let policy = parse(onboarding.delegation_policy_json());
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
        onboarding.delegated_administrator_id = Some("222222222222".parse().unwrap());
        assert_eq!(
            readers(&onboarding),
            json!(["arn:aws-us-gov:iam::222222222222:root"])
        );
    }

    #[test]
    fn callers_may_assume_this_role_and_no_other() {
        let policy = parse(onboarding("aws-cn").caller_policy_json());
        let expected = json!({
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": "arn:aws-cn:iam::*:role/audit/orgmirror-readonly",
        });
        assert_eq!(policy["Statement"][0], expected);
        let owned = listed_actions(&[Caller::KeyOwner]);
        let others = &policy["Statement"].as_array().unwrap()[1..];
        assert_eq!(allowed_actions(&json!({ "Statement": others })), owned);
    }
}
