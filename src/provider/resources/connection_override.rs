//! `resource "orgmirror_connection_override"`: settings of one connection that differ from what it inherits.

use crate::model::arn::RoleArn;
use crate::model::objects::{ConnectionOverride, PlannedConnectionOverride};
use crate::model::tenant::Tenant;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::Identity;
use terraform_plugin::path::Path;
use terraform_plugin::value::Value;

use super::overridden;
use super::scoped::ScopedDeclaration;

impl ScopedDeclaration for PlannedConnectionOverride {
    type Object = ConnectionOverride;

    const DESCRIPTION: &'static str = "Settings of one connection that differ from what it inherits of its folders and the \
                                       integration. A setting that is null is inherited. There is one override for each \
                                       connection.";

    const IMPORT_ID: &'static str = "<integration handle>:<account ID>, such as acme:111122223333";

    fn identity() -> Identity {
        Identity::of(["integration_id", "account_id"])
    }

    fn identity_text(&self) -> String {
        let [integration, account] = [&self.integration_id, &self.account_id]
            .map(|id| id.known().map_or("", String::as_str));
        format!("the integration_id {integration:?} and the account_id {account:?}")
    }

    fn find_identity<'a>(&self, tenant: &'a Tenant) -> Option<&'a ConnectionOverride> {
        let overrides = tenant.each::<ConnectionOverride>();
        let mut own =
            overrides.filter(|each| Some(&each.integration_id) == self.integration_id.known());
        own.find(|each| Some(&each.account_id) == self.account_id.known())
    }

    fn has_identity_of(&self, object: &ConnectionOverride) -> bool {
        self.integration_id.known() == Some(&object.integration_id)
            && self.account_id.known() == Some(&object.account_id)
    }

    fn validate(&self, diagnostics: &mut Diagnostics) {
        if let (Value::Known(account), Value::Known(role)) = (&self.account_id, &self.role_arn)
            // The schema reports what is no ARN of a role.
            && let Ok(parsed) = role.parse::<RoleArn>()
            && parsed.account_id() != account
        {
            diagnostics.error_at(
                Path::of("role_arn"),
                "Role of another account",
                format!(
                    "role_arn is {role:?}, and account_id is {account:?}. A connection leads into its own account, so the role \
                     must be in it. Correct the one or the other."
                ),
            );
        }
        let role_arn = self.role_arn.known().map(String::as_str);
        overridden::validate(&self.settings, role_arn, diagnostics);
    }

    fn remark_on_change(&self, partition: Option<&str>, diagnostics: &mut Diagnostics) {
        overridden::remark(&self.settings, partition, diagnostics);
        if overridden::is_all_inherited(&self.settings)
            && self.handle.is_null()
            && self.role_arn.is_null()
        {
            overridden::warn_of_nothing("role_arn", diagnostics);
        }
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn id_mut(&mut self) -> &mut Value<String> {
        &mut self.id
    }
}
