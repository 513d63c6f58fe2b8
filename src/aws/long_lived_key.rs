//! The long-lived access key in use.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;

/// An access key of an IAM user or of a root user.
#[derive(Debug, Clone)]
pub(super) struct LongLivedKey {
    pub(super) id: String,
    /// With the key itself as credentials.
    pub(super) config: SdkConfig,
    pub(super) endpoint: Option<String>,
}

impl LongLivedKey {
    /// The key's ID, if it is long-lived, as its first letters tell:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>.
    pub(super) fn id_of(credentials: &Credentials) -> Option<String> {
        let id = credentials.access_key_id();
        let is_long_lived = id.starts_with("AKIA") && credentials.session_token().is_none();
        is_long_lived.then(|| id.to_owned())
    }

    /// `config` has the key as credentials.
    pub(super) fn new(id: String, config: SdkConfig, endpoint: Option<String>) -> Self {
        Self {
            id,
            config,
            endpoint,
        }
    }
}
