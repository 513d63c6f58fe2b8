//! The age of the long-lived access key in use.

mod iam_endpoint;
mod list_access_keys;

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use super::session::Session;
use iam_endpoint::Endpoint;
use list_access_keys::ListAccessKeys;

const ACTION: &str = "iam:ListAccessKeys";

/// How old an access key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAge {
    /// The last four characters of its ID, which tell a person which one it is.
    pub last_four: String,
    /// Whole days since it was made; 0 where the clocks disagree.
    pub days: u64,
}

impl Session {
    /// The age of the long-lived access key that the session's credentials are, or that assumed its role. None where
    /// they are no such key, or IAM does not tell within `timeout`.
    pub async fn key_age(&self, timeout: Duration) -> Option<KeyAge> {
        let key = self.long_lived_key.as_ref()?;
        let endpoint = match Endpoint::of(&key.config, key.endpoint.as_deref()) {
            Ok(endpoint) => endpoint,
            Err(unusable) => {
                tracing::debug!(%unusable, "the age of the access key is not known");
                return None;
            }
        };
        let request = ListAccessKeys::new(&key.config, endpoint);
        let call = self.pacer.call(ACTION, || request.send());
        let keys = match tokio::time::timeout(timeout, call).await {
            Ok(Ok(keys)) => keys,
            Ok(Err(failure)) => {
                tracing::debug!(?failure, "the age of the access key is not known");
                return None;
            }
            Err(_) => {
                tracing::debug!("the age of the access key is not known: IAM does not answer");
                return None;
            }
        };
        let own = keys
            .iter()
            .find(|listed| listed.id.as_ref() == Some(&key.id))?;
        let made = SystemTime::try_from(own.made?).ok()?;
        let age = OffsetDateTime::now_utc() - OffsetDateTime::from(made);
        let length = key.id.chars().count();
        Some(KeyAge {
            last_four: key.id.chars().skip(length.saturating_sub(4)).collect(),
            days: u64::try_from(age.whole_days()).unwrap_or(0),
        })
    }
}
