//! `resource "orgmirror_connection_permission"`: a grant of one connection.

use serde::{Deserialize, Serialize};

use crate::framework::diagnostics::Diagnostics;
use crate::framework::schema::Schema;
use crate::framework::value::Value;
use crate::model::permission::ConnectionPermission;
use crate::provider::late::{NotKnown, known_value};

use super::belonging::{self, BelongingResource, BelongingState};

/// The resource.
pub type ConnectionPermissionResource = BelongingResource<State>;

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    id: Value<String>,
    integration_id: Value<String>,
    account_id: Value<String>,
    grantee: Value<String>,
}

impl BelongingState for State {
    type Object = ConnectionPermission;

    const NAME: &'static str = "connection_permission";
    const ID_PREFIX: &'static str = "cp_";
    const IMPORT_ID: &'static str =
        "<integration handle>:<account ID>:<grantee>, such as acme:111122223333:acme/security";

    fn schema() -> Schema {
        Schema::new(
            "A grant of one connection, wherever its account moves. Grants add up, and nothing denies. What may be \
             assumed is for IAM to decide.",
            vec![
                belonging::id(Self::ID_PREFIX),
                belonging::integration_id(),
                belonging::account_id("ID of the account whose connection is granted."),
                belonging::grantee(),
            ],
        )
    }

    fn validate(&self, _diagnostics: &mut Diagnostics) {}

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn object(&self, id: &str) -> Result<ConnectionPermission, NotKnown> {
        Ok(ConnectionPermission {
            id: id.to_owned(),
            integration_id: known_value(&self.integration_id, "integration_id")?,
            account_id: known_value(&self.account_id, "account_id")?,
            grantee: belonging::parsed_grantee(&self.grantee)?,
        })
    }
}

impl From<&ConnectionPermission> for State {
    fn from(permission: &ConnectionPermission) -> Self {
        Self {
            id: permission.id.clone().into(),
            integration_id: permission.integration_id.clone().into(),
            account_id: permission.account_id.clone().into(),
            grantee: permission.grantee.to_string().into(),
        }
    }
}
