//! Settings of a connection that differ from the integration's.

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::scoped::{Scoped, Target};
use super::settings::OverriddenSettings;

/// What differs for a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionOverride {
    /// `co_` and 20 characters `[a-z0-9]`.
    pub id: String,
    /// `in_...`
    pub integration_id: String,
    /// Of which connection.
    pub account_id: String,
    /// Effective handle of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// ARN of the role that tools assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The other settings.
    pub settings: OverriddenSettings,
}

impl Object for ConnectionOverride {
    const TYPE: &'static str = "connection_override";
    const ID_PREFIX: &'static str = "co_";

    fn id(&self) -> &str {
        &self.id
    }

    fn scoped(&self) -> Option<&dyn Scoped> {
        Some(self)
    }
}

impl Scoped for ConnectionOverride {
    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Account(&self.account_id)
    }
}
