//! A session: credentials that were obtained, and the clients that use them.

use std::sync::Arc;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;

use super::calls::{Failure, NoteEndpoint, Pacer, SeenEndpoint, TimeBudget};
use super::connect_error::ConnectError;
use super::credentials::{AssumedRole, Origin, Primed};
use super::long_lived_key::LongLivedKey;
use super::region::{DEFAULT_REGION, region};
use super::settings::{AssumeRole, Endpoints, Settings};
use crate::model::partition;

const GET_CALLER_IDENTITY: &str = "sts:GetCallerIdentity";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// AWS Organizations answers in tenths of a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// A catalog of 10,000 accounts has 6 MB, and goes up a line of half a megabit in this time.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Single sign-on and credential processes may take longer than the SDK's five seconds.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(60);

/// Open access to AWS: credentials that were obtained, and clients that use and refresh them.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) organizations: aws_sdk_organizations::Client,
    pub(super) organizations_endpoint: Arc<SeenEndpoint>,
    sts: aws_sdk_sts::Client,
    sts_endpoint: Arc<SeenEndpoint>,
    pub(super) pacer: Arc<Pacer>,
    config: SdkConfig,
    endpoints: Endpoints,
    max_retries: u32,
    /// The long-lived access key that was found; it may have assumed the session's role.
    pub(super) long_lived_key: Option<LongLivedKey>,
}

/// AWS Resource Explorer in one Region.
#[derive(Debug, Clone)]
pub(super) struct Regional {
    pub(super) client: aws_sdk_resourceexplorer2::Client,
    pub(super) endpoint: Arc<SeenEndpoint>,
}

impl Session {
    /// Obtains credentials as `settings` say, and assumes their role.
    ///
    /// Whether AWS accepts the credentials shows in the first call, here that is the assuming of the role.
    ///
    /// # Errors
    /// When credentials cannot be obtained within `timeout`; each cause is a variant of its own.
    pub async fn open(settings: &Settings, timeout: Duration) -> Result<Self, ConnectError> {
        let what = match &settings.assume_role {
            Some(role) => format!("obtaining AWS credentials and assuming {}", role.role_arn),
            None => "obtaining AWS credentials".to_owned(),
        };
        match tokio::time::timeout(timeout, Self::open_untimed(settings)).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectError::TimedOut {
                what,
                after: timeout,
            }),
        }
    }

    async fn open_untimed(settings: &Settings) -> Result<Self, ConnectError> {
        let region = region(settings).await;
        let origin = Origin::of(settings)?;
        let provider = origin.provider(settings, &region).await;
        let first = provider
            .provide_credentials()
            .await
            .map_err(|error| origin.failed(&error))?;
        let key_id = LongLivedKey::id_of(&first);
        let own = SharedCredentialsProvider::new(Primed::new(first, provider));
        let config = sdk_config(settings, &region, own).await;
        let endpoints = &settings.endpoints;
        let long_lived_key =
            key_id.map(|id| LongLivedKey::new(id, config.clone(), endpoints.iam.clone()));
        let session = Self::with(config, endpoints.clone(), settings.max_retries);
        let session = match &settings.assume_role {
            Some(role) => session.assume(role).await?,
            None => session,
        };
        Ok(Self {
            long_lived_key,
            ..session
        })
    }

    fn with(config: SdkConfig, endpoints: Endpoints, max_retries: u32) -> Self {
        let sts_endpoint = Arc::new(SeenEndpoint::default());
        let mut sts = aws_sdk_sts::config::Builder::from(&config)
            .interceptor(NoteEndpoint(Arc::clone(&sts_endpoint)));
        if let Some(url) = &endpoints.sts {
            sts = sts.endpoint_url(url);
        }
        let organizations_endpoint = Arc::new(SeenEndpoint::default());
        let mut organizations = aws_sdk_organizations::config::Builder::from(&config)
            .interceptor(NoteEndpoint(Arc::clone(&organizations_endpoint)));
        if let Some(url) = &endpoints.organizations {
            organizations = organizations.endpoint_url(url);
        }
        Self {
            organizations: aws_sdk_organizations::Client::from_conf(organizations.build()),
            organizations_endpoint,
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            sts_endpoint,
            pacer: Arc::new(Pacer::new(max_retries)),
            config,
            endpoints,
            max_retries,
            long_lived_key: None,
        }
    }

    /// A session with the credentials of a role, which this session's credentials assume, by this session's pace. It has
    /// a pace of its own, as the role's account has limits of its own, and works in this session's Region.
    ///
    /// # Errors
    /// When the role is not given.
    pub async fn assume(&self, role: &AssumeRole) -> Result<Self, ConnectError> {
        refuse_other_partition(&role.role_arn, self.region())?;
        let assumed = self.assumed_role(role);
        let first = assumed.assume(&mut TimeBudget::unlimited()).await?;
        let provider = Primed::new(first, SharedCredentialsProvider::new(assumed));
        let mut config = self
            .config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(identity_cache());
        // Its connections serve all roles: each role with a client of its own costs a handshake and the roots of TLS.
        config.set_http_client(self.sts_endpoint.http_client());
        Ok(Self::with(
            config.build(),
            self.endpoints.clone(),
            self.max_retries,
        ))
    }

    fn assumed_role(&self, role: &AssumeRole) -> AssumedRole {
        AssumedRole {
            sts: self.sts.clone(),
            endpoint: Arc::clone(&self.sts_endpoint),
            role: role.clone(),
            pacer: Arc::clone(&self.pacer),
        }
    }

    /// The credentials of a role, which this session's credentials assume, by this session's pace.
    ///
    /// # Errors
    /// When the role is not given within the budget.
    pub(super) async fn credentials_of(
        &self,
        role: &AssumeRole,
        budget: &mut TimeBudget,
    ) -> Result<SharedCredentialsProvider, ConnectError> {
        let credentials = self.assumed_role(role).assume(budget).await?;
        Ok(SharedCredentialsProvider::new(credentials))
    }

    /// Makes a pacer for the account of a role, which has its own limits.
    pub(super) fn new_pacer(&self) -> Pacer {
        Pacer::new(self.max_retries)
    }

    /// Account ID and ARN of the caller with a role's credentials. All roles share the connections of this session: a client
    /// for each would cost a handshake.
    ///
    /// # Errors
    /// When the role is not given, or STS does not accept its credentials, within the budget.
    pub(super) async fn caller_in(
        &self,
        role: &AssumeRole,
        budget: &mut TimeBudget,
    ) -> Result<(String, String), ConnectError> {
        let credentials = self.credentials_of(role, budget).await?;
        let pacer = self.new_pacer();
        let answer = pacer.call_within(GET_CALLER_IDENTITY, budget, || {
            let with_credentials =
                aws_sdk_sts::config::Config::builder().credentials_provider(credentials.clone());
            self.sts
                .get_caller_identity()
                .customize()
                .config_override(with_credentials)
                .send()
        });
        self.identity(answer.await)
    }

    fn identity(
        &self,
        answer: Result<GetCallerIdentityOutput, Failure>,
    ) -> Result<(String, String), ConnectError> {
        let answer = answer.map_err(|failure| {
            ConnectError::of(GET_CALLER_IDENTITY, &self.sts_endpoint, failure)
        })?;
        Ok((
            answer.account.unwrap_or_default(),
            answer.arn.unwrap_or_default(),
        ))
    }

    /// The region in use.
    pub fn region(&self) -> &str {
        self.config.region().map_or(DEFAULT_REGION, AsRef::as_ref)
    }

    /// A client of Amazon S3, which makes every call once. With `use_path_style` buckets are named in the path of URLs.
    pub fn s3(&self, use_path_style: bool) -> aws_sdk_s3::Client {
        let mut builder =
            aws_sdk_s3::config::Builder::from(&self.config).force_path_style(use_path_style);
        if let Some(url) = &self.endpoints.s3 {
            builder = builder.endpoint_url(url);
        }
        builder = builder.timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(UPLOAD_TIMEOUT)
                .build(),
        );
        aws_sdk_s3::Client::from_conf(builder.build())
    }

    /// AWS Resource Explorer in a Region.
    pub(super) fn resource_explorer(&self, region: &str) -> Regional {
        let endpoint = Arc::new(SeenEndpoint::default());
        let mut builder = aws_sdk_resourceexplorer2::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .interceptor(NoteEndpoint(Arc::clone(&endpoint)));
        if let Some(url) = &self.endpoints.resource_explorer {
            builder = builder.endpoint_url(url);
        }
        Regional {
            client: aws_sdk_resourceexplorer2::Client::from_conf(builder.build()),
            endpoint,
        }
    }

    /// A client of the Resource Groups Tagging API in the Region of AWS Organizations, because the API shows only resources
    /// in its own Region. None if AWS Organizations has a custom endpoint and the tagging API has none.
    pub(super) fn tagging(&self) -> Option<aws_sdk_resourcegroupstagging::Client> {
        let Endpoints {
            organizations,
            tagging,
            ..
        } = &self.endpoints;
        if organizations.is_some() && tagging.is_none() {
            return None;
        }
        let region = partition::organizations_region(partition::of_region(self.region()));
        let mut builder = aws_sdk_resourcegroupstagging::config::Builder::from(&self.config)
            .region(Region::new(region));
        if let Some(url) = tagging {
            builder = builder.endpoint_url(url);
        }
        Some(aws_sdk_resourcegroupstagging::Client::from_conf(
            builder.build(),
        ))
    }

    /// ARN of who AWS takes the caller for.
    ///
    /// # Errors
    /// When STS cannot be reached within `timeout` or does not accept the credentials.
    pub async fn caller_arn(&self, timeout: Duration) -> Result<String, ConnectError> {
        self.caller(timeout).await.map(|(_, arn)| arn)
    }

    /// Account ID and ARN of the caller.
    pub(super) async fn caller(&self, timeout: Duration) -> Result<(String, String), ConnectError> {
        let call = self.pacer.call(GET_CALLER_IDENTITY, || {
            self.sts.get_caller_identity().send()
        });
        let answer =
            tokio::time::timeout(timeout, call)
                .await
                .map_err(|_| ConnectError::TimedOut {
                    what: GET_CALLER_IDENTITY.to_owned(),
                    after: timeout,
                })?;
        self.identity(answer)
    }
}

/// STS would only say that it does not know the credentials, or that the ARN is not valid.
fn refuse_other_partition(role_arn: &str, region: &str) -> Result<(), ConnectError> {
    match partition::of_arn(role_arn) {
        Some(own) if partition::is_known(own) && own != partition::of_region(region) => {
            Err(ConnectError::OtherPartition {
                role_arn: role_arn.to_owned(),
                region: region.to_owned(),
            })
        }
        _ => Ok(()),
    }
}

async fn sdk_config(
    settings: &Settings,
    region: &Region,
    credentials: SharedCredentialsProvider,
) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region.clone())
        .credentials_provider(credentials)
        .identity_cache(identity_cache())
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .build(),
        );
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    // So that CloudTrail shows who called.
    if let Ok(name) = AppName::new(concat!("orgmirror-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    loader.load().await
}

fn identity_cache() -> SharedIdentityCache {
    IdentityCache::lazy()
        .load_timeout(CREDENTIALS_TIMEOUT)
        .build()
}
