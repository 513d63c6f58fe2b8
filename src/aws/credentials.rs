//! Credentials: where they come from, and a session that holds them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::imds;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;

use super::calls::{self, Allowance, Failure, NoteEndpoint, Pacer, SeenEndpoint};
use super::denial::Denial;
use crate::model::partition::{self, Doubt};

/// AWS Organizations is one service per partition; in the commercial one any region's name leads to it.
const DEFAULT_REGION: &str = "us-east-1";
/// The instance metadata service answers in milliseconds where it exists.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
pub(super) const ASSUME_ROLE: &str = "sts:AssumeRole";
const GET_CALLER_IDENTITY: &str = "sts:GetCallerIdentity";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// AWS Organizations answers in tenths of a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// A catalog of 10,000 accounts has 6 MB, and goes up a line of half a megabit in this time.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Single sign-on and credential processes may take longer than the SDK's five seconds.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(60);

/// How to reach AWS, as the provider's arguments say it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// None: the environment's, the profile's, the instance's, else `us-east-1`, or where AWS Organizations is in the
    /// partition of `assume_role`.
    pub region: Option<String>,
    /// Profile of the shared files; wins over keys in the environment.
    pub profile: Option<String>,
    /// Access key ID; with `secret_key` it wins over `profile`.
    pub access_key: Option<String>,
    /// Secret access key.
    pub secret_key: Option<String>,
    /// Session token of temporary keys.
    pub token: Option<String>,
    /// Role to assume with the credentials found.
    pub assume_role: Option<AssumeRole>,
    /// Endpoints other than the AWS ones.
    pub endpoints: Endpoints,
    /// How often a call that AWS throttles, or that fails inside AWS, is made again.
    pub max_retries: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            access_key: None,
            secret_key: None,
            token: None,
            assume_role: None,
            endpoints: Endpoints::default(),
            max_retries: 25,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "(sensitive)");
        f.debug_struct("Settings")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("access_key", &hidden(&self.access_key))
            .field("secret_key", &hidden(&self.secret_key))
            .field("token", &hidden(&self.token))
            .field("assume_role", &self.assume_role)
            .field("endpoints", &self.endpoints)
            .field("max_retries", &self.max_retries)
            .finish()
    }
}

/// A role to assume.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// ARN of the role.
    pub role_arn: String,
    /// External ID that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// None: `orgmirror`.
    pub session_name: Option<String>,
    /// 15 minutes to 12 hours; none: one hour.
    pub duration: Option<Duration>,
}

// An external ID is no secret to AWS, but people treat it as one.
impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole")
            .field("role_arn", &self.role_arn)
            .field("external_id", &self.external_id.as_ref().map(|_| "(given)"))
            .field("session_name", &self.session_name)
            .field("duration", &self.duration)
            .finish()
    }
}

/// Endpoint URLs that replace those of AWS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Endpoints {
    /// AWS Organizations.
    pub organizations: Option<String>,
    /// AWS Security Token Service.
    pub sts: Option<String>,
    /// Amazon S3.
    pub s3: Option<String>,
    /// AWS Identity and Access Management.
    pub iam: Option<String>,
    /// Resource Groups Tagging API.
    pub tagging: Option<String>,
    /// AWS Resource Explorer.
    pub resource_explorer: Option<String>,
}

/// Why AWS could not be talked to. Every variant is one thing a user can act on; [`ConnectError::fix`] says how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing in any place where credentials may be.
    #[error("no AWS credentials were found; looked in: {}", tried.join(", "))]
    NoCredentials {
        /// The places, in the order in which they were tried.
        tried: Vec<String>,
    },
    /// `access_key` without `secret_key`, or the reverse, or a token without both.
    #[error("the AWS credentials are incomplete: {missing} is missing")]
    IncompleteKeys {
        /// The argument that is missing.
        missing: &'static str,
    },
    /// A place for credentials was configured, and they could not be obtained from it.
    #[error("AWS credentials could not be obtained from {origin}: {message}")]
    CredentialsUnavailable {
        /// Such as `profile "management"`.
        origin: String,
        /// What the place said.
        message: String,
    },
    /// AWS does not accept the key or token.
    #[error("AWS does not accept the credentials for {action} at {endpoint}: {message} ({code})")]
    InvalidCredentials {
        /// The call that was refused, as in IAM policies.
        action: String,
        /// URL of the endpoint, which tells the partition.
        endpoint: String,
        /// Such as `ExpiredTokenException`.
        code: String,
        /// What AWS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
    /// STS refuses to give the role.
    #[error("{} could not assume the role {role_arn} ({} external ID was sent): {message}",
        caller.as_deref().unwrap_or("the caller"),
        if *external_id_given { "an" } else { "no" })]
    AssumeRoleRefused {
        /// ARN of the role.
        role_arn: String,
        /// Whether an external ID was sent.
        external_id_given: bool,
        /// ARN of who tried, where known.
        caller: Option<String>,
        /// What STS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
    /// The role is where these credentials and this region do not lead.
    #[error("the role {role_arn} is in the partition {}, and the region {region} is in the partition {}",
        partition::of_arn(role_arn).unwrap_or_default(), partition::of_region(region))]
    OtherPartition {
        /// ARN of the role.
        role_arn: String,
        /// The region in use.
        region: String,
    },
    /// No answer from the endpoint.
    #[error("{endpoint} cannot be reached for {action}: {message}")]
    Unreachable {
        /// The call, as in IAM policies.
        action: String,
        /// URL of the endpoint.
        endpoint: String,
        /// What went wrong.
        message: String,
    },
    /// Throttled on every attempt.
    #[error("AWS throttled {action} on all of {attempts} attempts: {message}")]
    Throttled {
        /// The call, as in IAM policies.
        action: String,
        /// How often it was tried: `max_retries` and one.
        attempts: u32,
        /// What AWS said.
        message: String,
    },
    /// Obtaining credentials took too long.
    #[error("{what} did not end within {} seconds", after.as_secs_f64().ceil())]
    TimedOut {
        /// What was under way.
        what: String,
        /// The time it was given.
        after: Duration,
    },
    /// An answer of AWS that nothing better is known about.
    #[error("{action} failed: {message} ({code}{})",
        request_id.as_ref().map_or_else(String::new, |id| format!(", request {id}")))]
    Service {
        /// The call, as in IAM policies.
        action: String,
        /// Error code of AWS.
        code: String,
        /// What AWS said.
        message: String,
        /// For AWS support.
        request_id: Option<String>,
    },
}

impl ConnectError {
    /// What the user can do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::NoCredentials { .. } => "Give the provider a profile (profile = \"...\", after aws sso login where it uses single sign-on), an access key pair, or \
                run where the environment has credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a role of the pipeline, container or instance)."
                .to_owned(),
            Self::IncompleteKeys { missing } => format!(
                "Set {missing}, or remove the other part. access_key and secret_key belong together; token goes with both."
            ),
            Self::CredentialsUnavailable { origin, .. } => format!(
                "Check {origin}: aws configure list-profiles shows the profiles there are, and aws sts get-caller-identity with the same settings should fail the same \
                 way. For single sign-on, sign in again with aws sso login."
            ),
            Self::InvalidCredentials { code, .. } => match code.as_str() {
                "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                    "The temporary credentials have expired: obtain new ones (aws sso login, or the step of the pipeline that assumes the role), and check that the \
                     machine's clock is right."
                        .to_owned()
                }
                "SignatureDoesNotMatch" | "InvalidSignatureException" => {
                    "The secret key does not belong to the access key, or the machine's clock is wrong. Check secret_key (or AWS_SECRET_ACCESS_KEY).".to_owned()
                }
                _ => "Check that the access key exists and is active, that a temporary key comes with its token, and that the endpoint is of the right partition: AWS \
                      GovCloud (US) and China have credentials of their own, and need a region of theirs (region = \"us-gov-west-1\", \"cn-northwest-1\")."
                    .to_owned(),
            },
            Self::AssumeRoleRefused {
                role_arn,
                external_id_given,
                caller,
                message,
                ..
            } => {
                let caller = caller.as_deref().unwrap_or("the caller");
                if let Some(denial) = Denial::of(message) {
                    return denial.fix("sts:AssumeRole", caller);
                }
                let external_id = if *external_id_given {
                    "the external ID in assume_role is exactly the one in the condition sts:ExternalId of that trust policy"
                } else {
                    "that trust policy asks for no external ID (condition sts:ExternalId); if it does, set external_id in assume_role"
                };
                format!(
                    "STS gives one answer for several causes. Check that (1) the role {role_arn} exists and its trust policy trusts {caller}, (2) {external_id}, and (3) a \
                     policy of {caller} allows sts:AssumeRole on {role_arn}."
                )
            }
            Self::OtherPartition { role_arn, .. } => {
                let wanted = partition::of_arn(role_arn).unwrap_or_default();
                format!(
                    "No credentials lead from one partition into another. For this role, set region to one of {wanted}, such as {:?}, and use credentials of an account in \
                     {wanted}; or correct role_arn. The region comes from the argument region, from AWS_REGION, else from the profile.",
                    partition::default_region(wanted)
                )
            }
            Self::Unreachable { endpoint, .. } => format!(
                "Check the name {endpoint}, the network, and a proxy or firewall in between. Endpoints come from the provider's endpoints argument, from \
                 AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>, from the profile, else from the region.{}",
                misspelt_region(endpoint)
            ),
            Self::Throttled { .. } => "Other tools are using AWS in the same account at the same time. Try again later, raise max_retries, or run at another time."
                .to_owned(),
            Self::TimedOut { .. } => {
                "Check the network and the place the credentials come from, or allow more time with timeouts = { read = \"...\" }.".to_owned()
            }
            Self::Service { code, .. } => match code.as_str() {
                "ValidationError" => "Check the arguments of assume_role: role_arn, session_name, external_id, and a duration of 15 minutes up to the role's maximum session duration."
                    .to_owned(),
                calls::NO_VALID_ANSWER => "Check that the endpoint is the AWS service and not something else, such as a proxy's sign-in page. Endpoints come from the provider's \
                    endpoints argument, from AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>, from the profile, else from the region."
                    .to_owned(),
                "ServiceException" | "ServiceUnavailable" | "ServiceUnavailableException" | "InternalFailure" | "InternalError" => {
                    "AWS had an error of its own on every attempt: try again later. https://health.aws.amazon.com shows known disturbances; AWS support can find the call by its request ID."
                        .to_owned()
                }
                _ => "Look the error code up in the AWS documentation; AWS support can find the call by its request ID.".to_owned(),
            },
        }
    }

    pub(super) fn of(action: &str, endpoint: &SeenEndpoint, failure: Failure) -> Self {
        let action = action.to_owned();
        match failure {
            Failure::Throttled { attempts, message } => Self::Throttled {
                action,
                attempts,
                message,
            },
            Failure::InvalidCredentials {
                code,
                message,
                request_id,
            } => Self::InvalidCredentials {
                action,
                endpoint: endpoint.get(),
                code,
                message,
                request_id,
            },
            Failure::CredentialsUnavailable { message } => Self::CredentialsUnavailable {
                origin: "where they came from before".to_owned(),
                message,
            },
            Failure::Unreachable { message } => Self::Unreachable {
                action,
                endpoint: endpoint.get(),
                message,
            },
            Failure::TimedOut { after } => Self::TimedOut {
                what: action,
                after,
            },
            Failure::Service {
                code,
                message,
                request_id,
            } => Self::Service {
                action,
                code,
                message,
                request_id,
            },
            Failure::Denied {
                message,
                request_id,
            } => Self::Service {
                action,
                code: "AccessDenied".to_owned(),
                message,
                request_id,
            },
            Failure::NotInUse => Self::Service {
                action,
                code: "AWSOrganizationsNotInUseException".to_owned(),
                message: "the account is in no AWS organization".to_owned(),
                request_id: None,
            },
            Failure::Gone => Self::Service {
                action,
                code: "NotFound".to_owned(),
                message: "what was asked about is not there".to_owned(),
                request_id: None,
            },
        }
    }
}

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
        let own = SharedCredentialsProvider::new(Primed::new(first, provider));
        let config = sdk_config(settings, &region, own).await;
        let session = Self::with(config, settings.endpoints.clone(), settings.max_retries);
        match &settings.assume_role {
            Some(role) => session.assume(role, None).await,
            None => Ok(session),
        }
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
        }
    }

    /// A session with the credentials of a role, which this session's credentials assume, by this session's pace. It has
    /// a pace of its own, as the role's account has limits of its own, and works in `region`; none: in this session's.
    ///
    /// # Errors
    /// When the role is not given.
    pub async fn assume(
        &self,
        role: &AssumeRole,
        region: Option<&str>,
    ) -> Result<Self, ConnectError> {
        refuse_other_partition(&role.role_arn, self.region())?;
        let assumed = self.assumed(role);
        let first = assumed.assume(&mut Allowance::unlimited()).await?;
        let provider = Primed::new(first, SharedCredentialsProvider::new(assumed));
        let mut config = self
            .config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(identity_cache());
        // Its connections serve all roles: each role with a client of its own costs a handshake and the roots of TLS.
        config.set_http_client(self.sts_endpoint.http_client());
        if let Some(region) = region {
            config = config.region(Region::new(region.to_owned()));
        }
        Ok(Self::with(
            config.build(),
            self.endpoints.clone(),
            self.max_retries,
        ))
    }

    fn assumed(&self, role: &AssumeRole) -> AssumedRole {
        AssumedRole {
            sts: self.sts.clone(),
            endpoint: Arc::clone(&self.sts_endpoint),
            role: role.clone(),
            pacer: Arc::clone(&self.pacer),
        }
    }

    /// Account ID and ARN of whom AWS takes the holder of a role's credentials for. Many roles are asked by the connections
    /// of this session: one of its own for each would cost a handshake and a client.
    ///
    /// # Errors
    /// When the role is not given, or STS does not accept its credentials, within the allowance.
    pub(super) async fn caller_in(
        &self,
        role: &AssumeRole,
        allowance: &mut Allowance,
    ) -> Result<(String, String), ConnectError> {
        let credentials = self.assumed(role).assume(allowance).await?;
        // The role's account has limits of its own.
        let pacer = Pacer::new(self.max_retries);
        let answer = pacer.call_within(GET_CALLER_IDENTITY, allowance, || {
            let with_credentials = aws_sdk_sts::config::Config::builder()
                .credentials_provider(SharedCredentialsProvider::new(credentials.clone()));
            let call = self.sts.get_caller_identity().customize();
            call.config_override(with_credentials).send()
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

/// Where the credentials come from before a role is assumed.
enum Origin {
    Keys,
    Profile(String),
    Chain,
}

impl Origin {
    fn of(settings: &Settings) -> Result<Self, ConnectError> {
        match (&settings.access_key, &settings.secret_key, &settings.token) {
            (Some(_), Some(_), _) => Ok(Self::Keys),
            (None, Some(_), _) => Err(ConnectError::IncompleteKeys {
                missing: "access_key",
            }),
            (Some(_), None, _) => Err(ConnectError::IncompleteKeys {
                missing: "secret_key",
            }),
            (None, None, Some(_)) => Err(ConnectError::IncompleteKeys {
                missing: "access_key and secret_key",
            }),
            (None, None, None) => Ok(match &settings.profile {
                Some(profile) => Self::Profile(profile.clone()),
                None => Self::Chain,
            }),
        }
    }

    async fn provider(&self, settings: &Settings, region: &Region) -> SharedCredentialsProvider {
        let config = ProviderConfig::without_region().with_region(Some(region.clone()));
        match (self, &settings.access_key, &settings.secret_key) {
            (Self::Keys, Some(access_key), Some(secret_key)) => {
                SharedCredentialsProvider::new(Credentials::new(
                    access_key,
                    secret_key,
                    settings.token.clone(),
                    None,
                    "orgmirror provider arguments",
                ))
            }
            (Self::Profile(profile), _, _) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&config)
                    .profile_name(profile)
                    .build(),
            ),
            _ => SharedCredentialsProvider::new(
                DefaultCredentialsChain::builder()
                    .configure(config)
                    .region(region.clone())
                    .imds_client(metadata_client())
                    .build()
                    .await,
            ),
        }
    }

    fn failed(&self, error: &CredentialsError) -> ConnectError {
        let message = calls::chain(error);
        let not_loaded = matches!(error, CredentialsError::CredentialsNotLoaded(_));
        // The metadata service is asked last: one that refuses is one more place without credentials.
        let refused = message.contains("IMDS");
        match self {
            Self::Chain if not_loaded || refused => {
                let profile = std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned());
                let mut tried = vec![
                    "the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)".to_owned(),
                    format!("profile \"{profile}\" of the shared AWS files"),
                    "a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)".to_owned(),
                    "the container's credentials".to_owned(),
                ];
                tried.push(if refused {
                    format!("the instance's metadata ({})", of_metadata(&message))
                } else {
                    "the instance's metadata".to_owned()
                });
                ConnectError::NoCredentials { tried }
            }
            Self::Chain => ConnectError::CredentialsUnavailable {
                origin: "the default credential chain".to_owned(),
                message,
            },
            Self::Profile(profile) => ConnectError::CredentialsUnavailable {
                origin: format!("profile \"{profile}\" of the shared AWS files"),
                message: if not_loaded {
                    "it is not there, or nothing in it gives credentials".to_owned()
                } else {
                    message
                },
            },
            Self::Keys => ConnectError::CredentialsUnavailable {
                origin: "access_key and secret_key".to_owned(),
                message,
            },
        }
    }
}

/// Gives credentials that were obtained already before it asks their provider again.
#[derive(Debug)]
struct Primed {
    first: Mutex<Option<Credentials>>,
    provider: SharedCredentialsProvider,
}

impl Primed {
    fn new(first: Credentials, provider: SharedCredentialsProvider) -> Self {
        Self {
            first: Mutex::new(Some(first)),
            provider,
        }
    }
}

impl ProvideCredentials for Primed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = first.take().filter(|credentials| {
            credentials
                .expiry()
                .is_none_or(|expiry| expiry > SystemTime::now())
        });
        match fresh {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.provider.provide_credentials(),
        }
    }
}

/// Gives the credentials of a role.
#[derive(Debug)]
struct AssumedRole {
    sts: aws_sdk_sts::Client,
    endpoint: Arc<SeenEndpoint>,
    role: AssumeRole,
    pacer: Arc<Pacer>,
}

impl AssumedRole {
    async fn assume(&self, allowance: &mut Allowance) -> Result<Credentials, ConnectError> {
        let role = &self.role;
        let seconds = role
            .duration
            .map(|duration| i32::try_from(duration.as_secs()).unwrap_or(i32::MAX));
        let answer = self
            .pacer
            .call_within(ASSUME_ROLE, allowance, || {
                self.sts
                    .assume_role()
                    .role_arn(&role.role_arn)
                    .role_session_name(role.session_name.as_deref().unwrap_or("orgmirror"))
                    .set_external_id(role.external_id.clone())
                    .set_duration_seconds(seconds)
                    .send()
            })
            .await
            .map_err(|failure| match failure {
                Failure::Denied {
                    message,
                    request_id,
                } => ConnectError::AssumeRoleRefused {
                    role_arn: role.role_arn.clone(),
                    external_id_given: role.external_id.is_some(),
                    caller: principal(&message).map(str::to_owned),
                    message,
                    request_id,
                },
                failure => ConnectError::of(ASSUME_ROLE, &self.endpoint, failure),
            })?;
        let given = answer.credentials.ok_or_else(|| ConnectError::Service {
            action: ASSUME_ROLE.to_owned(),
            code: calls::NO_VALID_ANSWER.to_owned(),
            message: "the answer holds no credentials".to_owned(),
            request_id: None,
        })?;
        let expiry = SystemTime::try_from(given.expiration).ok();
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            expiry,
            "orgmirror assume_role",
        ))
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let assumed: provider::Result = self
                .assume(&mut Allowance::unlimited())
                .await
                .map_err(CredentialsError::provider_error);
            assumed
        })
    }
}

/// A question, where the Region in the name of an endpoint is none that is known.
fn misspelt_region(endpoint: &str) -> String {
    let mut parts = endpoint.split(['/', '.', ':']);
    let Some(region) = parts.find(|part| partition::is_region(part)) else {
        return String::new();
    };
    match partition::doubt(None, region) {
        Some(Doubt::Unknown(near)) if !near.is_empty() => {
            let near: Vec<String> = near.iter().map(|near| format!("{near:?}")).collect();
            format!(
                " {region:?} is no region that is known: did you mean {}?",
                near.join(" or ")
            )
        }
        _ => String::new(),
    }
}

/// What the instance's metadata service is not asked for, of the list of all providers.
fn of_metadata(message: &str) -> &str {
    let mut lines = message.lines().map(str::trim);
    let line = lines.find(|line| line.contains("IMDS")).unwrap_or(message);
    let line = line.strip_prefix("Ec2InstanceMetadata: ").unwrap_or(line);
    line.strip_prefix("the credential provider was not enabled: ")
        .unwrap_or(line)
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

/// The principal that an AccessDenied message names: `User: ARN is not authorized to perform ...`.
pub(super) fn principal(message: &str) -> Option<&str> {
    let rest = message.split("User: ").nth(1)?;
    let principal = rest.split_whitespace().next()?;
    principal.starts_with("arn:").then_some(principal)
}

async fn region(settings: &Settings) -> Region {
    if let Some(region) = &settings.region {
        return Region::new(region.clone());
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    let mut chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build());
    // Asking the metadata service costs a second where there is none: only where credentials may come from it too.
    let elsewhere = settings.access_key.is_some()
        || settings.profile.is_some()
        || ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
    if !elsewhere {
        chain = chain.or_else(
            ImdsRegionProvider::builder()
                .imds_client(metadata_client())
                .build(),
        );
    }
    // The credentials are of the role's partition, or cannot assume it.
    let role = settings.assume_role.as_ref();
    let partition = role.and_then(|role| partition::of_arn(&role.role_arn));
    let default = partition.map_or(DEFAULT_REGION, partition::organizations_region);
    let region = chain.region().await;
    region.unwrap_or_else(|| Region::new(default))
}

fn metadata_client() -> imds::Client {
    imds::Client::builder()
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .max_attempts(2)
        .build()
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
