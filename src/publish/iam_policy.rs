//! `iam_policy`: IAM policy documents that allow a workspace to assume exactly the roles that are published to it.
//!
//! The documents ask for no external ID: it is the trust policy of each role that has to, and whoever holds a
//! workspace's files holds the external IDs as well, so a condition here would keep nobody out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Format, RenderError, Rendered};
use crate::model::snapshot::listed;
use crate::model::visibility::View;
use crate::model::workspace::Options;

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
            let arn = connection.role_arn.as_ref();
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
    arn.strip_prefix("arn:")?.split(':').next()
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
