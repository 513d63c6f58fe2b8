//! Where credentials come from.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};

use super::calls::{self, Failure, Pacer, SeenEndpoint, TimeBudget};
use super::connect_error::{ConnectError, principal};
use super::settings::{AssumeRole, Settings};

pub(super) const ASSUME_ROLE: &str = "sts:AssumeRole";
/// The instance metadata service answers in milliseconds where it exists.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the credentials come from before a role is assumed.
pub(super) enum Origin {
    Keys,
    Profile(String),
    Chain,
}

impl Origin {
    pub(super) fn of(settings: &Settings) -> Result<Self, ConnectError> {
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

    pub(super) async fn provider(
        &self,
        settings: &Settings,
        region: &Region,
    ) -> SharedCredentialsProvider {
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

    pub(super) fn failed(&self, error: &CredentialsError) -> ConnectError {
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
pub(super) struct Primed {
    first: Mutex<Option<Credentials>>,
    provider: SharedCredentialsProvider,
}

impl Primed {
    pub(super) fn new(first: Credentials, provider: SharedCredentialsProvider) -> Self {
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
pub(super) struct AssumedRole {
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) endpoint: Arc<SeenEndpoint>,
    pub(super) role: AssumeRole,
    pub(super) pacer: Arc<Pacer>,
}

impl AssumedRole {
    pub(super) async fn assume(
        &self,
        budget: &mut TimeBudget,
    ) -> Result<Credentials, ConnectError> {
        let role = &self.role;
        let seconds = role
            .duration
            .map(|duration| i32::try_from(duration.as_secs()).unwrap_or(i32::MAX));
        let answer = self
            .pacer
            .call_within(ASSUME_ROLE, budget, || {
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
                .assume(&mut TimeBudget::unlimited())
                .await
                .map_err(CredentialsError::provider_error);
            assumed
        })
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

pub(super) fn metadata_client() -> imds::Client {
    imds::Client::builder()
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .max_attempts(2)
        .build()
}
