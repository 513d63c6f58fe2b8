//! `data "orgmirror_onboarding"`: templates and policies that make accounts ready to be read.

use std::collections::BTreeSet;

use async_trait::async_trait;
use describe::{Describe, Known};

use crate::model::checks::{self, sentence};
use crate::model::partition::{AWS, AWS_CN, AWS_US_GOV};
use crate::onboarding::{ArnError, Onboarding, PolicyArn, Principal, WriteError, security_audit};
use crate::provider::data::Data;
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::path::Path;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::{Schema, Violation};
use terraform_plugin::value::{Set, Value};

/// Characters of a trust policy, white space not counted, unless the account's quota was raised ("IAM and AWS STS
/// quotas", IAM User Guide).
const MAX_TRUST_POLICY_SIZE: usize = 2_048;

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct OnboardingData;

/// What accounts are made ready for.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
struct Arguments {
    /// Name of the role, the same in each account, with its path in front if it has one; `connection_settings.role_name` of
    /// the integration.
    #[field(required, check_string(checks::role_name))]
    role_name: Value<String>,
    /// What whoever assumes the role has to send, best from `orgmirror_external_id`. Null: nothing.
    #[field(optional, check_string(checks::external_id))]
    external_id: Value<String>,
    /// Who may assume the role: IDs of accounts, which then say by policies of their own who of them may, and ARNs of roles and
    /// users, which have to exist before the role is made.
    #[field(
        required,
        min_items(1),
        check_string(|value| known::<Principal>(value).map(drop))
    )]
    trusted_principals: Value<Set<String>>,
    /// ARNs of managed policies that the role gets, beside a policy of its own for what the provider asks in each account. Those
    /// of an account can be attached in that account only. Default: AWS's `SecurityAudit`.
    #[field(optional, check_string(|value| known::<PolicyArn>(value).map(drop)))]
    permissions_policy_arns: Value<Set<String>>,
    /// ID of the member account through whose role the AWS organization is read, in place of the management account.
    #[field(optional, check_string(checks::account_id))]
    delegated_administrator_id: Value<String>,
    /// Partition of the accounts: `aws`, `aws-us-gov` or `aws-cn`. Default: that of the ARNs given, else `aws`.
    #[field(optional, check_string(partition))]
    partition: Value<String>,
}

/// What makes accounts ready.
#[derive(Describe)]
#[describe(planned = PlannedDocuments)]
struct Documents {
    /// Template of CloudFormation for one account, as YAML. Its parameter `DiscoveryAccountId` says in which account the role may
    /// also read the AWS organization.
    cloudformation_account: String,
    /// Template of CloudFormation for an AWS organization, as YAML: a StackSet with service-managed permissions and automatic
    /// deployment, whose template is `cloudformation_account`, and the role of the management account, which StackSets never
    /// reach. Its parameter `OrganizationalUnitIds` takes the ID of the root for all accounts. Null in `aws-cn`, where AWS has no
    /// such StackSets.
    cloudformation_stackset: Option<String>,
    /// A Terraform module for one account, with the provider `hashicorp/aws`. Its variable `discovery` says whether the role may
    /// also read the AWS organization.
    terraform: String,
    /// Trust policy of the role.
    trust_policy_json: String,
    /// Policy that allows exactly the calls by which the AWS organization is read, a statement for each purpose.
    discovery_policy_json: String,
    /// Delegation policy of the AWS organization that lets a member account read it: `delegated_administrator_id`, else the
    /// accounts of `trusted_principals`.
    delegation_policy_json: String,
    /// Policy that the trusted principals need in their own account to assume the role in the others.
    caller_policy_json: String,
}

/// Configuration and result.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    #[field(flatten)]
    arguments: Arguments,
    #[field(flatten)]
    documents: PlannedDocuments,
}

#[async_trait]
impl DataSource for OnboardingData {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "onboarding"
    }

    fn schema(&self) -> Schema {
        Schema::of::<State>(
            "Templates and policies that make accounts ready: the role that connections lead to, in one account or in all \
             of an AWS organization, and what reading the AWS organization needs. It asks neither AWS nor the catalog.",
        )
    }

    fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        diagnostics.record(config.arguments.partition());
    }

    async fn read(
        &self,
        _context: Context<'_, Data>,
        config: State,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let onboarding = diagnostics.record(config.arguments.onboarding())?;
        match Documents::of(&onboarding) {
            Ok(documents) => {
                warn_of_size(&documents.trust_policy_json, diagnostics);
                Some(State {
                    documents: documents.into_planned(),
                    ..config
                })
            }
            Err(error) => {
                diagnostics.error(
                    "Bug in the provider: onboarding cannot be written",
                    format!("{} Please report this.", sentence(&error)),
                );
                None
            }
        }
    }
}

impl Arguments {
    /// Parses the known elements of a set. Leaves out invalid ones: the schema reports them.
    fn parse_known<T: std::str::FromStr + Ord>(set: &Value<Set<String>>) -> BTreeSet<T> {
        set.known()
            .into_iter()
            .flat_map(Set::iter)
            .filter_map(Value::known)
            .filter_map(|text| text.parse().ok())
            .collect()
    }

    /// The one partition of all that is known.
    fn partition(&self) -> Result<String, Diagnostic> {
        let principals: BTreeSet<Principal> = Self::parse_known(&self.trusted_principals);
        let policies: BTreeSet<PolicyArn> = Self::parse_known(&self.permissions_policy_arns);
        // The schema refuses one that it does not know.
        let given = self.partition.known();
        let given = given.filter(|given| partition(given).is_ok());
        let all = given
            .map(|given| ("partition", given.as_str(), given.as_str()))
            .into_iter()
            .chain(
                principals
                    .iter()
                    .filter_map(Principal::partition_and_arn)
                    .map(|(partition, arn)| ("trusted_principals", arn, partition)),
            )
            .chain(policies.iter().map(|p| {
                (
                    "permissions_policy_arns",
                    p.arn.as_str(),
                    p.partition.as_str(),
                )
            }));
        let mut found: Option<(&str, &str, &str)> = None;
        for (attribute, value, partition) in all {
            match found {
                Some((first, other_value, other)) if other != partition => {
                    return Err(Diagnostic::error(
                        "More than one partition",
                        format!(
                            "{value:?} in {attribute} is of the partition {partition}, and {other_value:?} in {first} of \
                             {other}. A role trusts, and gets, only what is in its own partition. Make an onboarding for \
                             each partition."
                        ),
                    )
                    .at(Path::of(attribute)));
                }
                _ => found = found.or(Some((attribute, value, partition))),
            }
        }
        Ok(found.map_or(AWS, |(.., partition)| partition).to_owned())
    }

    fn onboarding(&self) -> Result<Onboarding, Diagnostic> {
        let partition = self.partition()?;
        let mut permissions_policies = Self::parse_known(&self.permissions_policy_arns);
        if self.permissions_policy_arns.is_null() {
            permissions_policies.extend(security_audit(&partition).parse::<PolicyArn>().ok());
        }
        Ok(Onboarding {
            partition,
            role_name: self.role_name.known().cloned().unwrap_or_default(),
            external_id: self.external_id.known().cloned(),
            trusted_principals: Self::parse_known(&self.trusted_principals),
            permissions_policies,
            delegated_administrator_id: self
                .delegated_administrator_id
                .known()
                // The schema has checked it.
                .and_then(|id| id.parse().ok()),
        })
    }
}

impl Documents {
    fn of(onboarding: &Onboarding) -> Result<Self, WriteError> {
        Ok(Self {
            cloudformation_account: onboarding.cloudformation_account()?,
            cloudformation_stackset: onboarding.cloudformation_stackset()?,
            terraform: onboarding.terraform()?,
            trust_policy_json: onboarding.trust_policy_json()?,
            discovery_policy_json: onboarding.discovery_policy_json()?,
            delegation_policy_json: onboarding.delegation_policy_json()?,
            caller_policy_json: onboarding.caller_policy_json()?,
        })
    }
}

/// What an argument names.
fn known<T: std::str::FromStr<Err = ArnError>>(value: &str) -> Result<T, Violation> {
    value
        .parse()
        .map_err(|error: ArnError| Violation::new(sentence(&error), error.fix()))
}

fn partition(value: &str) -> Result<(), Violation> {
    if [AWS, AWS_US_GOV, AWS_CN].contains(&value) {
        return Ok(());
    }
    Err(Violation::new(
        "It must be a partition that is known here.",
        "Use \"aws\", \"aws-us-gov\" or \"aws-cn\"; another one follows from the ARNs of trusted_principals.",
    ))
}

fn warn_of_size(trust_policy: &str, diagnostics: &mut Diagnostics) {
    let counted = trust_policy.chars().filter(|c| !c.is_whitespace());
    let size = counted.count();
    if size > MAX_TRUST_POLICY_SIZE {
        diagnostics.warning_at(
            Path::of("trusted_principals"),
            "Trust policy exceeds the IAM quota",
            format!(
                "The trust policy has {size} characters, and IAM takes {MAX_TRUST_POLICY_SIZE} unless the quota of the \
                 account is raised. Trust accounts in place of many of their roles, or raise the quota in each account."
            ),
        );
    }
}
