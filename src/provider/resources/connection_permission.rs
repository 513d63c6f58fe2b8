//! `resource "orgmirror_connection_permission"`: a grant of one connection.

use crate::model::objects::{ConnectionPermission, PlannedConnectionPermission};
use terraform_plugin::value::Value;

use super::scoped::ScopedDeclaration;

impl ScopedDeclaration for PlannedConnectionPermission {
    type Object = ConnectionPermission;

    const DESCRIPTION: &'static str = "A grant of one connection, wherever its account moves. Grants add up, and nothing \
                                       denies. What may be assumed is for IAM to decide.";

    const IMPORT_ID: &'static str =
        "<integration handle>:<account ID>:<grantee>, such as acme:111122223333:acme/security";

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn id_mut(&mut self) -> &mut Value<String> {
        &mut self.id
    }
}
