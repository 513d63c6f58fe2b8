//! `iam_policy`: IAM policy documents that allow a workspace to assume exactly the roles that are published to it.
//!
//! The documents require no external ID. The trust policy of each role has to. Whoever has a workspace's files has the
//! external IDs, too, so a condition here would keep nobody out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Format, RenderError, Rendered};
use crate::model::objects::workspace::Options;
use crate::model::partition;
use crate::model::snapshot::listed;
use crate::model::visibility::View;

/// Characters of a managed policy, white space not counted ("IAM and AWS STS quotas", IAM User Guide). An inline policy
/// of a role may have 10,240, but all of them together.
const MAX_POLICY_SIZE: usize = 6_144;

/// Managed policies that a role may have unless its account's quota was raised (same page).
const MAX_POLICIES_OF_ROLE: usize = 10;

/// Characters of an ARN that IAM takes in a policy (`arnType` of its API).
const MAX_ARN_SIZE: usize = 2_048;

/// The format.
pub(super) struct IamPolicy;

impl Format for IamPolicy {
    fn name(&self) -> &'static str {
        "iam_policy"
    }

    fn file(&self) -> &'static str {
        "iam_policy.json"
    }

    fn description(&self) -> &'static str {
        "A JSON array of IAM policy documents that together allow `sts:AssumeRole` on exactly the roles of the \
         workspace's connections. Each is small enough for a managed policy and holds roles of one partition; nothing \
         published makes an empty array."
    }

    fn render(&self, view: &View<'_>, _: &Options) -> Result<Rendered, RenderError> {
        let mut roles: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut unfit = Vec::new();
        for connection in &view.connections {
            let arn = connection.role_arn;
            match partition_of(arn) {
                Some(partition) => {
                    roles.entry(partition).or_default().insert(arn);
                }
                None => unfit.push(format!("{} ({arn:?})", connection.handle)),
            }
        }

        let mut notices = Vec::new();
        if !unfit.is_empty() {
            notices.push(format!(
                "iam_policy.json leaves out the roles of {}: a policy can name a role exactly only by letters, digits \
                 and +=,.@_-/, and * or ? would allow others as well. Correct role_arn in their overrides.",
                listed(&unfit, ", ")
            ));
        }
        if roles.len() > 1 {
            notices.push(format!(
                "iam_policy.json has documents for the partitions {}. IAM refuses one with roles of another partition \
                 than its own, so attach each in its partition.",
                listed(&roles.keys().collect::<Vec<_>>(), ", ")
            ));
        }
        let mut documents = Vec::new();
        for (partition, roles) in &roles {
            let own = split(roles);
            if own.len() > MAX_POLICIES_OF_ROLE {
                notices.push(format!(
                    "iam_policy.json has {} documents for the {} roles in the partition {partition}, but a role can have \
                     {MAX_POLICIES_OF_ROLE} managed policies unless the quota of its account is raised. Raise it, or \
                     divide the workspace by attach.",
                    own.len(),
                    roles.len(),
                ));
            }
            documents.extend(own);
        }

        let mut bytes =
            serde_json::to_vec_pretty(&documents).map_err(|error| RenderError::Format {
                format: self.name(),
                reason: error.to_string(),
            })?;
        bytes.push(b'\n');
        Ok(Rendered { bytes, notices })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'static str,
    action: &'static str,
    resource: Vec<&'a str>,
}

impl<'a> Policy<'a> {
    /// The size of a policy that allows nothing, as compact JSON.
    const EMPTY_SIZE: usize = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":[]}]}"#.len();

    fn new(resource: Vec<&'a str>) -> Self {
        Self {
            version: "2012-10-17",
            statement: [Statement {
                effect: "Allow",
                action: "sts:AssumeRole",
                resource,
            }],
        }
    }
}

/// The partition of a role's ARN; none if a policy cannot name that role and no other.
fn partition_of(arn: &str) -> Option<&str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-/:".contains(&b);
    if arn.len() > MAX_ARN_SIZE || !arn.bytes().all(allowed) {
        return None;
    }
    partition::of_arn(arn)
}

/// Policies for these roles, none above the limit. The roles need no escaping in JSON.
fn split<'a>(roles: &BTreeSet<&'a str>) -> Vec<Policy<'a>> {
    let mut policies = Vec::new();
    let mut resource = Vec::new();
    let mut size = Policy::EMPTY_SIZE;
    for role in roles {
        // Its quotes, and the comma that follows all but the last.
        let added = role.len() + 3;
        if size + added > MAX_POLICY_SIZE + 1 {
            policies.push(Policy::new(std::mem::take(&mut resource)));
            size = Policy::EMPTY_SIZE;
        }
        resource.push(*role);
        size += added;
    }
    if !resource.is_empty() {
        policies.push(Policy::new(resource));
    }
    policies
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;
    use crate::model::mirror::role_arn;
    use crate::model::objects::Integration;
    use crate::publish::sample::{acme, integration, options, with_view, workspace};

    fn render(integrations: &[Integration]) -> (String, Vec<String>) {
        let workspace = workspace(&[("iam_policy", options(&[]))]);
        with_view(integrations, &workspace, |view| {
            let rendered = IamPolicy.render(view, &options(&[])).unwrap();
            (String::from_utf8(rendered.bytes).unwrap(), rendered.notices)
        })
    }

    #[test]
    fn every_role_once() {
        // The same account twice in the tenant, under two handles.
        let twice = integration("other", &[], &[("111111111111", "Hub", None)]);
        let (text, notices) = render(&[acme(), twice]);
        assert_eq!(notices, [""; 0]);
        assert_eq!(
            text,
            r#"[
  {
    "Version": "2012-10-17",
    "Statement": [
      {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": [
          "arn:aws:iam::111111111111:role/orgmirror-readonly",
          "arn:aws:iam::222222222222:role/orgmirror-readonly",
          "arn:aws:iam::333333333333:role/orgmirror-readonly"
        ]
      }
    ]
  }
]
"#
        );
    }

    #[test]
    fn nothing_published_is_no_document() {
        let mut integration = acme();
        integration.permissions.clear();
        assert_eq!(render(&[integration]), ("[]\n".to_owned(), Vec::new()));
    }

    #[test]
    fn partitions_do_not_mix_and_patterns_are_left_out() {
        let mut integration = acme();
        let arns = [
            role_arn("aws-cn", "111111111111", "reader"),
            role_arn("aws", "222222222222", "*"),
            role_arn("aws", "333333333333", "audit/reader"),
        ];
        for (connection, arn) in integration.mirror.connections.values_mut().zip(arns) {
            connection.derived_role_arn = arn;
        }
        let (text, notices) = render(&[integration]);
        let documents: serde_json::Value = serde_json::from_str(&text).unwrap();
        let resources = [0, 1, 2].map(|at| &documents[at]["Statement"][0]["Resource"]);
        assert_eq!(
            resources,
            [
                &serde_json::json!(["arn:aws:iam::333333333333:role/audit/reader"]),
                &serde_json::json!(["arn:aws-cn:iam::111111111111:role/reader"]),
                &serde_json::Value::Null
            ]
        );
        let [pattern, partitions] = &notices[..] else {
            panic!("{notices:?}");
        };
        assert!(
            pattern.contains("audit_x (\"arn:aws:iam::222222222222:role/*\")"),
            "{pattern}"
        );
        assert!(
            partitions.contains("the partitions aws, aws-cn."),
            "{partitions}"
        );
    }

    #[test]
    fn more_documents_than_a_role_can_have_are_told() {
        let accounts = |count: u64| -> Vec<(String, String)> {
            let ids = (0..count).map(|n| format!("{:012}", 100_000_000_000 + n));
            ids.map(|id| (id.clone(), id)).collect()
        };
        let notices_of = |count| {
            let accounts = accounts(count);
            let accounts: Vec<_> = accounts
                .iter()
                .map(|(id, name)| (id.as_str(), name.as_str(), None))
                .collect();
            render(&[integration("acme", &[], &accounts)]).1
        };
        let per_document = (MAX_POLICY_SIZE + 1 - Policy::EMPTY_SIZE)
            / (role_arn("aws", "111111111111", "orgmirror-readonly").len() + 3);
        let most = (per_document * MAX_POLICIES_OF_ROLE) as u64;
        assert_eq!(notices_of(most), [""; 0]);
        let [notice] = &notices_of(most + 1)[..] else {
            panic!("one notice");
        };
        assert!(
            notice.contains(&format!("11 documents for the {} roles", most + 1)),
            "{notice}"
        );
    }

    #[test]
    fn a_policy_may_be_as_large_as_iam_allows_and_no_larger() {
        let first = "a".repeat(MAX_POLICY_SIZE / 2);
        // Quotes around both, and a comma between them.
        let room = MAX_POLICY_SIZE - Policy::EMPTY_SIZE - first.len() - 5;
        let sizes = |second: usize| -> Vec<usize> {
            let second = "b".repeat(second);
            let policies = split(&BTreeSet::from([first.as_str(), second.as_str()]));
            let compact = policies.iter().map(serde_json::to_vec);
            compact.map(|policy| policy.unwrap().len()).collect()
        };
        assert_eq!(sizes(room), [MAX_POLICY_SIZE]);
        assert_eq!(sizes(room + 1).len(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Every role is in one policy, none is larger than IAM allows, and none could have taken the next role as well.
        #[test]
        fn policies_are_full_but_not_too_large(
            roles in btree_set("arn:aws:iam::[0-9]{12}:role/[a-z/]{1,576}", 0..60),
        ) {
            let roles: BTreeSet<&str> = roles.iter().map(String::as_str).collect();
            let policies = split(&roles);
            let all: Vec<&str> = policies
                .iter()
                .flat_map(|policy| policy.statement[0].resource.iter().copied())
                .collect();
            prop_assert_eq!(&all, &roles.iter().copied().collect::<Vec<_>>());
            let size = |policy: &Policy<'_>| serde_json::to_string(policy).unwrap().len();
            for policy in &policies {
                prop_assert!(size(policy) <= MAX_POLICY_SIZE);
            }
            for pair in policies.windows(2) {
                let next = pair[1].statement[0].resource[0];
                prop_assert!(size(&pair[0]) + next.len() + 3 > MAX_POLICY_SIZE);
            }
        }
    }
}
