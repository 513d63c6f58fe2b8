//! `resource "orgmirror_connection_permission"`: a grant of one connection.

use serde::{Deserialize, Serialize};

use crate::model::objects::ConnectionPermission;
use crate::provider::catalog_resource::id;
use crate::provider::late::{NotKnown, known_value};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use super::scoped::{self, ScopedDeclaration};

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    id: Value<String>,
    integration_id: Value<String>,
    account_id: Value<String>,
    grantee: Value<String>,
}

impl ScopedDeclaration for State {
    type Object = ConnectionPermission;

    const IMPORT_ID: &'static str =
        "<integration handle>:<account ID>:<grantee>, such as acme:111122223333:acme/security";

    fn schema() -> Schema {
        Schema::new(
            "A grant of one connection, wherever its account moves. Grants add up, and nothing denies. What may be \
             assumed is for IAM to decide.",
            vec![
                id::<ConnectionPermission>(),
                scoped::integration_id(),
                scoped::account_id("ID of the account whose connection is granted."),
                scoped::grantee(),
            ],
        )
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn object(&self, id: &str) -> Result<ConnectionPermission, NotKnown> {
        Ok(ConnectionPermission {
            id: id.to_owned(),
            integration_id: known_value(&self.integration_id, "integration_id")?,
            account_id: known_value(&self.account_id, "account_id")?,
            grantee: scoped::parsed_grantee(&self.grantee)?,
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
