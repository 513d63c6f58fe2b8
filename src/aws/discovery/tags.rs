//! The tags of accounts.
//!
//! The Resource Groups Tagging API lists them a hundred accounts at a time, to the management account only. It leaves out
//! accounts that have never had a tag, so a missing account may have no tags or may be hidden. So the tags that it lists are
//! used, and all other accounts are asked about one by one, in AWS Organizations. So are all accounts if the tagging API
//! refuses, cannot be reached, or lists nothing, as for a delegated administrator.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::super::calls::{Failure, TimeBudget, pages};
use super::cross_check::{Consistent, Contradictions};
use super::error::DiscoveryError;
use super::{CONCURRENCY, Organization, Reading};

const ACTION: &str = "organizations:ListTagsForResource";
const BULK_ACTION: &str = "tag:GetResources";
/// The API's limit: <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>.
const BULK_PAGE: i32 = 100;
/// How long one page of the tagging API may be under way. Networks without a way to it often answer nothing.
const BULK_TIME_BUDGET: Duration = Duration::from_secs(10);

/// Tags by ID or by ARN of the account.
pub(super) type TagsBy = BTreeMap<String, BTreeMap<String, String>>;

impl Reading<'_> {
    /// What the tagging API tells, by ARN: nothing of some accounts, or of any.
    pub(super) async fn tags_in_bulk(&self) -> TagsBy {
        let mut tags = TagsBy::new();
        if !self.include_tags {
            return tags;
        }
        let Some(client) = self.session.tagging() else {
            return tags;
        };
        let mut token: Option<String> = None;
        loop {
            let mut budget = TimeBudget::of(BULK_TIME_BUDGET);
            let pacer = &self.session.pacer;
            let page = pacer.call_within(BULK_ACTION, &mut budget, || {
                client
                    .get_resources()
                    .resource_type_filters("organizations:account")
                    .resources_per_page(BULK_PAGE)
                    .set_pagination_token(token.clone())
                    .send()
            });
            let page = match page.await {
                Ok(page) => page,
                Err(failure) => {
                    tracing::debug!(?failure, "tags are not read in bulk");
                    return tags;
                }
            };
            for resource in page.resource_tag_mapping_list.unwrap_or_default() {
                let told = resource
                    .tags
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value))
                    .collect();
                tags.insert(resource.resource_arn.unwrap_or_default(), told);
            }
            // The last page has an empty token.
            token = page.pagination_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return tags;
            }
        }
    }

    /// Reads the tags that `tags`, by ID, does not hold yet. Some: accounts left meanwhile.
    pub(super) async fn read_tags(
        &self,
        consistent: &Consistent,
        in_bulk: &TagsBy,
        tags: &mut TagsBy,
        organization: &Organization,
    ) -> Result<Option<Contradictions>, DiscoveryError> {
        if !self.include_tags {
            return Ok(None);
        }
        let mut waiting = Vec::new();
        for (id, (account, _)) in &consistent.accounts {
            if tags.contains_key(id) {
                continue;
            }
            match in_bulk.get(&account.arn) {
                Some(told) if !told.is_empty() => {
                    tags.insert(id.clone(), told.clone());
                }
                _ => waiting.push(id),
            }
        }
        let mut waiting = waiting.into_iter();
        let mut wrong = Contradictions::default();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < CONCURRENCY
                && let Some(id) = waiting.next()
            {
                running.push(async move { (id, self.tags_of(id).await) });
            }
            match running.next().await {
                None => break,
                Some((id, Ok(read))) => {
                    tags.insert(id.clone(), read);
                }
                Some((id, Err(Failure::Gone))) => {
                    let problem = format!("account {id} was listed, then gone");
                    wrong.account(id, problem);
                }
                Some((_, Err(failure))) => {
                    return Err(self.error(ACTION, failure, Some(organization)).await);
                }
            }
        }
        Ok((!wrong.is_empty()).then_some(wrong))
    }

    async fn tags_of(&self, id: &str) -> Result<BTreeMap<String, String>, Failure> {
        let tags = pages(|token| async move {
            let list = || {
                let client = &self.session.organizations;
                client
                    .list_tags_for_resource()
                    .resource_id(id)
                    .set_next_token(token.clone())
                    .send()
            };
            let answer = self.session.pacer.call(ACTION, list).await?;
            Ok((answer.tags, answer.next_token))
        });
        let told = tags.await?.into_iter();
        Ok(told.map(|tag| (tag.key, tag.value)).collect())
    }
}
