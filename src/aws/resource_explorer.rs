//! What AWS Resource Explorer says in the accounts behind connections.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_resourceexplorer2::Client;
use aws_sdk_resourceexplorer2::config::Builder;
use futures_util::{StreamExt, stream};

use super::calls::{Failure, Pacer, SeenEndpoint};
use super::credentials::{AssumeRole, ConnectError, Regional, Session};
use crate::model::readiness::{Index, Indexes, WantedIndexes};

/// Who of AWS is given trusted access for searching across accounts:
/// <https://docs.aws.amazon.com/resource-explorer/latest/userguide/manage-service-multi-account.html>.
pub const SERVICE_PRINCIPAL: &str = "resource-explorer-2.amazonaws.com";

/// The IAM actions that the role of a connection must be allowed for this.
pub const ACTIONS: [&str; 3] = [LIST_INDEXES, GET_INDEX, GET_DEFAULT_VIEW];

const GET_DEFAULT_VIEW: &str = "resource-explorer-2:GetDefaultView";
const GET_INDEX: &str = "resource-explorer-2:GetIndex";
const LIST_INDEXES: &str = "resource-explorer-2:ListIndexes";
/// The API's limit: <https://docs.aws.amazon.com/resource-explorer/latest/apireference/API_ListIndexes.html>.
const PAGE: i32 = 100;
/// What Resource Explorer answers where a Region has no index.
const NOT_THERE: &str = "ResourceNotFoundException";

/// An account to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// ID of the account.
    pub account_id: String,
    /// The role of its connection.
    pub role: AssumeRole,
}

impl Session {
    /// Looks at the indexes of each account through its role, at most `concurrency` accounts at a time. By account ID what
    /// was read, or why nothing could be.
    pub async fn indexes(
        &self,
        targets: Vec<Target>,
        wanted: &WantedIndexes,
        concurrency: usize,
    ) -> BTreeMap<String, Result<Indexes, ConnectError>> {
        let explorer = Explorer {
            session: self,
            regional: Mutex::default(),
        };
        let explorer = &explorer;
        stream::iter(targets)
            .map(|target| async move {
                let indexes = explorer.indexes(&target.role, wanted).await;
                (target.account_id, indexes)
            })
            .buffer_unordered(concurrency.max(1))
            .collect()
            .await
    }
}

/// A client for each Region, which all accounts share: a client of its own for each account would make new connections.
struct Explorer<'a> {
    session: &'a Session,
    regional: Mutex<BTreeMap<String, Regional>>,
}

/// One account, and who asks there.
struct Account<'a> {
    explorer: &'a Explorer<'a>,
    credentials: SharedCredentialsProvider,
    /// Every account has limits of its own.
    pacer: Pacer,
}

impl Explorer<'_> {
    async fn indexes(
        &self,
        role: &AssumeRole,
        wanted: &WantedIndexes,
    ) -> Result<Indexes, ConnectError> {
        let credentials = self.session.credentials_of(role).await?;
        let account = Account {
            explorer: self,
            credentials: SharedCredentialsProvider::new(credentials),
            pacer: self.session.another_pacer(),
        };
        // The list names the indexes of all Regions, but no states, and an index in the making may not be on it.
        let listed = account.list(&wanted.aggregator_region).await?;
        let mut indexes = Indexes::new();
        for region in listed.union(&wanted.regions) {
            let index = account.index(region, wanted.regions.contains(region)).await;
            if let Some(index) = index.transpose() {
                indexes.insert(region.clone(), index.map_err(|error| error.to_string()));
            }
        }
        Ok(indexes)
    }

    fn regional(&self, region: &str) -> Regional {
        let mut regional = self.regional.lock().unwrap_or_else(PoisonError::into_inner);
        let made = regional
            .entry(region.to_owned())
            .or_insert_with(|| self.session.resource_explorer(region));
        made.clone()
    }
}

impl Account<'_> {
    fn credentials(&self) -> Builder {
        Builder::new().credentials_provider(self.credentials.clone())
    }

    /// The Regions that have an index.
    async fn list(&self, region: &str) -> Result<BTreeSet<String>, ConnectError> {
        let Regional { client, endpoint } = self.explorer.regional(region);
        let mut regions = BTreeSet::new();
        let mut token: Option<String> = None;
        loop {
            let answer = self
                .pacer
                .call(LIST_INDEXES, || {
                    client
                        .list_indexes()
                        .max_results(PAGE)
                        .set_next_token(token.clone())
                        .customize()
                        .config_override(self.credentials())
                        .send()
                })
                .await
                .map_err(|failure| ConnectError::of(LIST_INDEXES, &endpoint, failure))?;
            let indexes = answer.indexes.unwrap_or_default().into_iter();
            regions.extend(indexes.filter_map(|index| index.region));
            token = answer.next_token;
            if token.is_none() {
                return Ok(regions);
            }
        }
    }

    /// The index of a Region, with its default view if that is wanted.
    async fn index(&self, region: &str, with_view: bool) -> Result<Option<Index>, ConnectError> {
        let Regional { client, endpoint } = self.explorer.regional(region);
        let answer = self
            .pacer
            .call(GET_INDEX, || {
                client
                    .get_index()
                    .customize()
                    .config_override(self.credentials())
                    .send()
            })
            .await;
        let Some(index) = found(answer, GET_INDEX, &endpoint)? else {
            return Ok(None);
        };
        let default_view_arn = match with_view {
            true => self.default_view(&client, &endpoint).await?,
            false => None,
        };
        Ok(Some(Index {
            kind: index
                .r#type
                .map_or_else(String::new, |kind| kind.as_str().to_owned()),
            state: index
                .state
                .map_or_else(String::new, |state| state.as_str().to_owned()),
            default_view_arn,
        }))
    }

    async fn default_view(
        &self,
        client: &Client,
        endpoint: &SeenEndpoint,
    ) -> Result<Option<String>, ConnectError> {
        let answer = self
            .pacer
            .call(GET_DEFAULT_VIEW, || {
                client
                    .get_default_view()
                    .customize()
                    .config_override(self.credentials())
                    .send()
            })
            .await;
        let view = found(answer, GET_DEFAULT_VIEW, endpoint)?;
        let arn = view.and_then(|view| view.view_arn);
        Ok(arn.filter(|arn| !arn.is_empty()))
    }
}

/// An answer; none where the service says that what was asked for is not there.
fn found<T>(
    answer: Result<T, Failure>,
    action: &'static str,
    endpoint: &SeenEndpoint,
) -> Result<Option<T>, ConnectError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::Service { code, .. }) if code == NOT_THERE => Ok(None),
        Err(failure) => Err(ConnectError::of(action, endpoint, failure)),
    }
}
