//! What AWS Organizations says of the services and the policies of an AWS organization.

use aws_sdk_organizations::types::{PolicySummary, PolicyType};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::calls::{self, Failure, pages};
use super::connect_error::{ConnectError, principal};
use super::discovery::DiscoveryError;
use super::session::Session;
use crate::model::service_control::ServiceControlPolicies;

/// The API's limit: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPolicies.html>.
const PAGE: i32 = 20;
/// Policies that are read at once.
const CONCURRENCY: usize = 8;

const DESCRIBE_POLICY: &str = "organizations:DescribePolicy";
const LIST_POLICIES: &str = "organizations:ListPolicies";
const LIST_ROOTS: &str = "organizations:ListRoots";
const LIST_SERVICE_ACCESS: &str = "organizations:ListAWSServiceAccessForOrganization";
const LIST_TARGETS: &str = "organizations:ListTargetsForPolicy";

impl Session {
    /// Whether a service, such as `resource-explorer-2.amazonaws.com`, has trusted access to the AWS organization.
    ///
    /// # Errors
    /// When AWS Organizations does not say.
    pub async fn has_trusted_access(&self, service: &str) -> Result<bool, DiscoveryError> {
        let enabled = pages(|token| async move {
            let list = || {
                self.organizations
                    .list_aws_service_access_for_organization()
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            };
            let answer = self.pacer.call(LIST_SERVICE_ACCESS, list).await?;
            Ok((answer.enabled_service_principals, answer.next_token))
        })
        .await
        .map_err(|failure| self.refused(LIST_SERVICE_ACCESS, failure))?;
        let mut names = enabled.iter().map(|enabled| enabled.service_principal());
        Ok(names.any(|name| name == Some(service)))
    }

    /// The service control policies of the AWS organization; none where they are not in force.
    ///
    /// # Errors
    /// When they cannot be read whole.
    pub async fn service_control_policies(
        &self,
    ) -> Result<Option<ServiceControlPolicies>, DiscoveryError> {
        if !self.has_service_control_policies().await? {
            return Ok(None);
        }
        let mut policies = ServiceControlPolicies::default();
        let mut read = stream::iter(self.policies().await?)
            .map(|policy| self.read_policy(policy))
            .buffer_unordered(CONCURRENCY);
        while let Some(attached) = read.try_next().await? {
            let Some((id, name, document, target_ids)) = attached else {
                continue;
            };
            policies
                .add(&id, &name, &document, target_ids)
                .map_err(|error| no_valid_answer(DESCRIBE_POLICY, format!("{id}: {error}")))?;
        }
        Ok(Some(policies))
    }

    /// Whether the root has the policy type switched on, without which no policy counts.
    async fn has_service_control_policies(&self) -> Result<bool, DiscoveryError> {
        let roots = pages(|token| async move {
            let list = || {
                self.organizations
                    .list_roots()
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            };
            let answer = self.pacer.call(LIST_ROOTS, list).await?;
            Ok((answer.roots, answer.next_token))
        })
        .await
        .map_err(|failure| self.refused(LIST_ROOTS, failure))?;
        let mut types = roots.iter().flat_map(|root| root.policy_types());
        Ok(types.any(|listed| listed.r#type() == Some(&PolicyType::ServiceControlPolicy)))
    }

    async fn policies(&self) -> Result<Vec<PolicySummary>, DiscoveryError> {
        pages(|token| async move {
            let list = || {
                self.organizations
                    .list_policies()
                    .filter(PolicyType::ServiceControlPolicy)
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            };
            let answer = self.pacer.call(LIST_POLICIES, list).await?;
            Ok((answer.policies, answer.next_token))
        })
        .await
        .map_err(|failure| self.refused(LIST_POLICIES, failure))
    }

    /// ID, name and document of a policy, and the IDs of what it is attached to; none where that is nothing.
    async fn read_policy(
        &self,
        policy: PolicySummary,
    ) -> Result<Option<(String, String, String, Vec<String>)>, DiscoveryError> {
        let (Some(id), Some(name)) = (policy.id, policy.name) else {
            return Err(no_valid_answer(
                LIST_POLICIES,
                "a policy has no ID or no name".to_owned(),
            ));
        };
        let target_ids = self.targets(&id).await?;
        if target_ids.is_empty() {
            return Ok(None);
        }
        let answer = self
            .pacer
            .call(DESCRIBE_POLICY, || {
                self.organizations.describe_policy().policy_id(&id).send()
            })
            .await
            .map_err(|failure| self.refused(DESCRIBE_POLICY, failure))?;
        let document = answer
            .policy
            .and_then(|policy| policy.content)
            .ok_or_else(|| no_valid_answer(DESCRIBE_POLICY, format!("{id} has no content")))?;
        Ok(Some((id, name, document, target_ids)))
    }

    async fn targets(&self, policy_id: &str) -> Result<Vec<String>, DiscoveryError> {
        let targets = pages(|token| async move {
            let list = || {
                self.organizations
                    .list_targets_for_policy()
                    .policy_id(policy_id)
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .send()
            };
            let answer = self.pacer.call(LIST_TARGETS, list).await?;
            Ok((answer.targets, answer.next_token))
        })
        .await
        .map_err(|failure| self.refused(LIST_TARGETS, failure))?;
        let ids = targets.into_iter().filter_map(|target| target.target_id);
        Ok(ids.collect())
    }

    /// The meaning of a failed call, after the accounts of the AWS organization could be read.
    fn refused(&self, action: &'static str, failure: Failure) -> DiscoveryError {
        match failure {
            Failure::Denied {
                message,
                request_id,
            } => DiscoveryError::MissingPermission {
                action: action.to_owned(),
                principal: principal(&message).map(str::to_owned),
                message,
                request_id,
            },
            failure => ConnectError::of(action, &self.organizations_endpoint, failure).into(),
        }
    }
}

fn no_valid_answer(action: &str, message: String) -> DiscoveryError {
    DiscoveryError::Connect(ConnectError::Service {
        action: action.to_owned(),
        code: calls::NO_VALID_ANSWER.to_owned(),
        message,
        request_id: None,
    })
}
