//! Trusted access and service control policies of the organization.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::answers::{Page, listed, text};
use super::faults::{Failure, Faults};
use super::organization::Organization;

const TYPE: &str = "SERVICE_CONTROL_POLICY";
/// The policy of AWS that allows everything.
pub const FULL_ACCESS: &str = "p-FullAWSAccess";

/// Trusted access and service control policies.
#[derive(Debug, Clone, Default)]
pub struct Controls {
    /// Service principals with trusted access.
    pub trusted_services: BTreeSet<String>,
    /// None: the policy type is not switched on.
    pub policies: Option<BTreeMap<String, Policy>>,
}

/// A service control policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What people call it.
    pub name: String,
    /// The policy document, in JSON.
    pub content: String,
    /// IDs of roots, OUs and accounts.
    pub targets: BTreeSet<String>,
}

impl Organization {
    /// Switches service control policies on: AWS then attaches one that allows everything, everywhere.
    pub fn switch_policies_on(&mut self) {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        let targets = self.units().keys().chain(self.accounts().keys());
        let full_access = Policy {
            name: "FullAWSAccess".to_owned(),
            content: document(&statement),
            targets: targets.chain([&self.root_id]).cloned().collect(),
        };
        self.controls.policies = Some(BTreeMap::from([(FULL_ACCESS.to_owned(), full_access)]));
    }

    /// Attaches a new policy of these statements.
    pub fn attach_policy(&mut self, id: &str, name: &str, target_id: &str, statements: &Value) {
        let policy = Policy {
            name: name.to_owned(),
            content: document(statements),
            targets: [target_id.to_owned()].into(),
        };
        self.policies_mut().insert(id.to_owned(), policy);
    }

    /// The policies, which are switched on.
    pub fn policies_mut(&mut self) -> &mut BTreeMap<String, Policy> {
        self.controls
            .policies
            .as_mut()
            .expect("service control policies are switched on")
    }
}

fn document(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// `PolicyTypes` of the root.
pub(super) fn types(organization: &Organization) -> Value {
    match organization.controls.policies {
        Some(_) => json!([{ "Type": TYPE, "Status": "ENABLED" }]),
        None => json!([]),
    }
}

/// Answers a call about policies or services; none: it is about neither.
pub(super) fn answer(
    organization: &Organization,
    faults: &mut Faults,
    action: &str,
    input: &Value,
) -> Option<Result<Value, Failure>> {
    Some(match action {
        "ListAWSServiceAccessForOrganization" => services(organization, faults, action, input),
        "ListPolicies" => policies(organization, faults, action, input),
        "ListTargetsForPolicy" => targets(organization, faults, action, input),
        "DescribePolicy" => describe(organization, input),
        _ => return None,
    })
}

fn services(
    organization: &Organization,
    faults: &mut Faults,
    action: &str,
    input: &Value,
) -> Result<Value, Failure> {
    let page = Page::read(action, "", input)?;
    let services = organization.controls.trusted_services.iter();
    let (services, next) = page.cut(faults, services.filter(|service| **service > page.after));
    let services = services
        .iter()
        .map(|service| json!({ "ServicePrincipal": service, "DateEnabled": 1_577_836_800.0 }));
    Ok(listed("EnabledServicePrincipals", services.collect(), next))
}

fn policies(
    organization: &Organization,
    faults: &mut Faults,
    action: &str,
    input: &Value,
) -> Result<Value, Failure> {
    let filter = text(input, "Filter")?;
    let page = Page::read(action, filter, input)?;
    let none = BTreeMap::new();
    let policies = organization.controls.policies.as_ref();
    let policies = policies.filter(|_| filter == TYPE).unwrap_or(&none);
    let (ids, next) = page.cut(faults, policies.keys().filter(|id| **id > page.after));
    let summaries = ids
        .iter()
        .map(|id| summary(organization, id, &policies[*id]));
    Ok(listed("Policies", summaries.collect(), next))
}

fn targets(
    organization: &Organization,
    faults: &mut Faults,
    action: &str,
    input: &Value,
) -> Result<Value, Failure> {
    let id = text(input, "PolicyId")?;
    let policy = policy(organization, id)?;
    let page = Page::read(action, id, input)?;
    let (ids, next) = page.cut(faults, policy.targets.iter().filter(|id| **id > page.after));
    let targets = ids.iter().map(|id| {
        let unit = organization.units().get(*id);
        let account = organization.accounts().get(*id);
        let (arn, name, kind) = match (unit, account) {
            (Some(unit), _) => (
                organization.unit_arn(id),
                unit.name.as_str(),
                "ORGANIZATIONAL_UNIT",
            ),
            (_, Some(account)) => (
                organization.account_arn(id),
                account.name.as_str(),
                "ACCOUNT",
            ),
            _ => (organization.root_arn(), "Root", "ROOT"),
        };
        json!({ "TargetId": id, "Arn": arn, "Name": name, "Type": kind })
    });
    Ok(listed("Targets", targets.collect(), next))
}

fn describe(organization: &Organization, input: &Value) -> Result<Value, Failure> {
    let id = text(input, "PolicyId")?;
    let policy = policy(organization, id)?;
    Ok(json!({ "Policy": {
        "PolicySummary": summary(organization, id, policy),
        "Content": policy.content,
    }}))
}

fn policy<'a>(organization: &'a Organization, id: &str) -> Result<&'a Policy, Failure> {
    let policies = organization.controls.policies.as_ref();
    policies
        .and_then(|policies| policies.get(id))
        .ok_or_else(|| {
            Failure::new(
                400,
                "PolicyNotFoundException",
                "You specified a policy that doesn't exist.",
            )
        })
}

fn summary(organization: &Organization, id: &str, policy: &Policy) -> Value {
    let aws_managed = id == FULL_ACCESS;
    let owner = match aws_managed {
        true => "aws:policy".to_owned(),
        false => format!(
            "{}:policy/{}",
            organization.management_account_id, organization.id
        ),
    };
    let arn = format!(
        "arn:{}:organizations::{owner}/service_control_policy/{id}",
        organization.partition
    );
    json!({
        "Id": id,
        "Arn": arn,
        "Name": policy.name,
        "Description": "",
        "Type": TYPE,
        "AwsManaged": aws_managed,
    })
}
