//! Settings of a connection that differ from the integration's.

use describe::Describe;
use serde::{Deserialize, Serialize};

use super::object::Object;
use super::scoped::{Scoped, Target};
use super::settings::OverriddenSettings;
use crate::model::checks;
use crate::model::handle::HandleKind;

/// What differs for a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedConnectionOverride)]
pub struct ConnectionOverride {
    /// `co_` and 20 characters.
    #[field(use_state_for_unknown)]
    pub id: String,
    /// ID of the integration, which may be declared in another configuration with the same catalog.
    #[field(required, requires_replace, check_string(checks::not_empty))]
    pub integration_id: String,
    /// ID of the account whose connection differs.
    #[field(required, requires_replace, check_string(checks::account_id))]
    pub account_id: String,
    /// Effective handle of the connection, which stays through renames; null: the derived one. Unique in the tenant.
    #[field(optional, check_string(checks::handle(HandleKind::Connection)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// ARN of the IAM role that tools assume, in this account; null: inherited.
    #[field(optional, check_string(checks::role_arn))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The other settings.
    #[field(flatten)]
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
