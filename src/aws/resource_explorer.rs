//! What AWS Resource Explorer says in the accounts behind connections.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_sdk_resourceexplorer2::config::Builder;
use futures_util::{StreamExt, TryStreamExt, stream};
use thiserror::Error;

use super::calls::{Failure, Pacer, SeenEndpoint, TimeBudget};
use super::connect_error::ConnectError;
use super::connection_test::{Problem, Target, elsewhere, is_of_the_caller};
use super::session::{Regional, Session};
use super::settings::AssumeRole;
use super::{Purpose, REQUIRED_ACTIONS};
use crate::model::readiness::{Index, Indexes, WantedIndexes};

/// Who of AWS is given trusted access for searching across accounts:
/// <https://docs.aws.amazon.com/resource-explorer/latest/userguide/manage-service-multi-account.html>.
pub const SERVICE_PRINCIPAL: &str = "resource-explorer-2.amazonaws.com";

const GET_DEFAULT_VIEW: &str = "resource-explorer-2:GetDefaultView";
const GET_INDEX: &str = "resource-explorer-2:GetIndex";
const LIST_INDEXES: &str = "resource-explorer-2:ListIndexes";
/// The API's limit: <https://docs.aws.amazon.com/resource-explorer/latest/apireference/API_ListIndexes.html>.
const PAGE: i32 = 100;
/// Regions of an account that are read at once.
const REGIONS_AT_ONCE: usize = 4;
/// How long the calls may be under way that one Region of an account takes: one that is dead must not delay the others.
const CALLS_TIMEOUT: Duration = Duration::from_secs(10);
/// For finding out whose credentials these are.
const CALLER_TIMEOUT: Duration = Duration::from_secs(30);
/// The code of whatever IAM denies.
const DENIED: &str = "AccessDenied";
/// What Resource Explorer answers where a Region has no index.
const NOT_THERE: &str = "ResourceNotFoundException";

/// Why something in an account could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadingError {
    /// The role of the connection cannot be used.
    #[error(transparent)]
    Role(Problem),
    /// Resource Explorer could not be asked.
    #[error(transparent)]
    Calls(ConnectError),
}

impl ReadingError {
    /// What the user can do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::Role(problem) => problem.fix().to_owned(),
            Self::Calls(ConnectError::Service { code, .. }) if code == DENIED => {
                let called: Vec<&str> = REQUIRED_ACTIONS
                    .iter()
                    .filter(|action| action.purpose == Purpose::Indexes)
                    .map(|action| action.name)
                    .collect();
                format!(
                    "Allow {} in a policy of the role, and look for a service control policy that denies them.",
                    called.join(", ")
                )
            }
            Self::Calls(ConnectError::InvalidCredentials { .. }) => {
                "Where a Region is switched off in the account, its credentials do not count there: switch it on, or do not \
                 ask for it."
                    .to_owned()
            }
            Self::Calls(error) => error.fix(),
        }
    }
}

/// The indexes of an account, or why they could not be read.
pub type Reading = Result<Indexes<ReadingError>, ReadingError>;

impl Session {
    /// Reads the indexes of each account through its role, at most `concurrency` accounts at a time; by account ID.
    ///
    /// # Errors
    /// When this session's own credentials are refused. A failure in one account is in its reading.
    pub async fn indexes(
        &self,
        targets: Vec<Target>,
        wanted: &WantedIndexes,
        concurrency: usize,
    ) -> Result<BTreeMap<String, Reading>, ConnectError> {
        let (_, caller) = self.caller(CALLER_TIMEOUT).await?;
        let explorer = Explorer {
            session: self,
            caller,
            wanted,
            regional: Mutex::default(),
        };
        let explorer = &explorer;
        stream::iter(targets)
            .map(|target| async move {
                let reading = explorer.read(&target.role).await?;
                Ok((target.account_id, reading))
            })
            .buffer_unordered(concurrency.max(1))
            .try_collect()
            .await
    }
}

/// State that all accounts share: separate clients for each account and Region would open new connections.
struct Explorer<'a> {
    session: &'a Session,
    /// ARN of the session's caller.
    caller: String,
    wanted: &'a WantedIndexes,
    regional: Mutex<BTreeMap<String, Regional>>,
}

/// One account, and who asks there.
struct Account<'a> {
    explorer: &'a Explorer<'a>,
    /// The role's credentials. They are not cached: the clients would keep those of every account.
    with_credentials: Builder,
    pacer: Pacer,
}

impl Explorer<'_> {
    /// The outer error is one of the session's own credentials.
    async fn read(&self, role: &AssumeRole) -> Result<Reading, ConnectError> {
        if let Some(problem) = elsewhere(&role.role_arn, &self.caller) {
            return Ok(Err(ReadingError::Role(problem)));
        }
        let mut budget = TimeBudget::of(CALLS_TIMEOUT);
        let credentials = match self.session.credentials_of(role, &mut budget).await {
            Ok(credentials) => credentials,
            Err(error) if is_of_the_caller(&error) => return Err(error),
            Err(error) => {
                let problem = Problem::of(&error, role, &self.caller);
                return Ok(Err(ReadingError::Role(problem)));
            }
        };
        let account = Account {
            explorer: self,
            with_credentials: Builder::new()
                .credentials_provider(credentials)
                .identity_cache(IdentityCache::no_cache()),
            pacer: self.session.new_pacer(),
        };
        Ok(account.indexes().await.map_err(ReadingError::Calls))
    }

    fn regional(&self, region: &str) -> Regional {
        let mut regional = self.regional.lock().unwrap_or_else(PoisonError::into_inner);
        regional
            .entry(region.to_owned())
            .or_insert_with(|| self.session.resource_explorer(region))
            .clone()
    }
}

impl Account<'_> {
    async fn indexes(&self) -> Result<Indexes<ReadingError>, ConnectError> {
        let wanted = self.explorer.wanted;
        // The list names the indexes of all Regions, but no states, and an index in the making may not be on it.
        let listed = self.list(&wanted.aggregator_region).await?;
        let regions: BTreeSet<String> = listed.union(&wanted.regions).cloned().collect();
        let indexes = stream::iter(regions)
            .map(|region| async move {
                let index = self.index(&region, wanted.regions.contains(&region)).await;
                (region, index.map_err(ReadingError::Calls))
            })
            .buffer_unordered(REGIONS_AT_ONCE)
            .filter_map(|(region, index)| async move { Some((region, index.transpose()?)) })
            .collect();
        Ok(indexes.await)
    }

    /// The Regions that have an index.
    async fn list(&self, region: &str) -> Result<BTreeSet<String>, ConnectError> {
        let Regional { client, endpoint } = self.explorer.regional(region);
        let mut budget = TimeBudget::of(CALLS_TIMEOUT);
        let mut regions = BTreeSet::new();
        let mut token: Option<String> = None;
        loop {
            let answer = self
                .pacer
                .call_within(LIST_INDEXES, &mut budget, || {
                    client
                        .list_indexes()
                        .max_results(PAGE)
                        .set_next_token(token.clone())
                        .customize()
                        .config_override(self.with_credentials.clone())
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
        let mut budget = TimeBudget::of(CALLS_TIMEOUT);
        let answer = self
            .pacer
            .call_within(GET_INDEX, &mut budget, || {
                client
                    .get_index()
                    .customize()
                    .config_override(self.with_credentials.clone())
                    .send()
            })
            .await;
        let Some(index) = found(answer, GET_INDEX, &endpoint)? else {
            return Ok(None);
        };
        let default_view_arn = if with_view {
            let answer = self
                .pacer
                .call_within(GET_DEFAULT_VIEW, &mut budget, || {
                    client
                        .get_default_view()
                        .customize()
                        .config_override(self.with_credentials.clone())
                        .send()
                })
                .await;
            let view = found(answer, GET_DEFAULT_VIEW, &endpoint)?;
            let arn = view.and_then(|view| view.view_arn);
            arn.filter(|arn| !arn.is_empty())
        } else {
            None
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
}

/// The answer; none if the service says that the resource does not exist.
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
