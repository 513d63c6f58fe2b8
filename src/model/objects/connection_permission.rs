//! A grant of a connection.

use serde::{Deserialize, Serialize};

use super::object::{Concerns, Object};
use super::scoped::{Scoped, Target};
use crate::model::grantee::Grantee;

/// A grant of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionPermission {
    /// `cp_` and 20 characters `[a-z0-9]`.
    pub id: String,
    /// `in_...`
    pub integration_id: String,
    /// ID of the account whose connection is granted.
    pub account_id: String,
    /// The grantee.
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
