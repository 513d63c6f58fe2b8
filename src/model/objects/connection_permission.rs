//! A grant of a connection.

use describe::Describe;
use serde::{Deserialize, Serialize};

use super::object::{Concerns, Object};
use super::scoped::{Scoped, Target};
use crate::model::checks;
use crate::model::grantee::Grantee;

/// A grant of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Describe)]
#[describe(planned = PlannedConnectionPermission)]
pub struct ConnectionPermission {
    /// `cp_` and 20 characters.
    #[field(use_state_for_unknown)]
    pub id: String,
    /// ID of the integration, which may be declared in another configuration with the same catalog.
    #[field(required, requires_replace, check_string(checks::not_empty))]
    pub integration_id: String,
    /// ID of the account whose connection is granted.
    #[field(required, check_string(checks::account_id))]
    pub account_id: String,
    /// Who may use it: `*` (every workspace in the integration's scope), an organization such as `acme`, or one workspace such
    /// as `acme/security`. Workspaces that are declared later are meant as well.
    #[field(required)]
    pub grantee: Grantee,
}

impl Object for ConnectionPermission {
    const TYPE: &'static str = "connection_permission";
    const ID_PREFIX: &'static str = "cp_";

    fn id(&self) -> &str {
        &self.id
    }

    fn scoped(&self) -> Option<&dyn Scoped> {
        Some(self)
    }

    fn concerns(&self) -> Concerns<'_> {
        Concerns::CoveredBy(&self.grantee)
    }
}

impl Scoped for ConnectionPermission {
    fn integration_id(&self) -> &str {
        &self.integration_id
    }

    fn target(&self) -> Target<'_> {
        Target::Account(&self.account_id)
    }

    fn grantee(&self) -> Option<&Grantee> {
        Some(&self.grantee)
    }
}
