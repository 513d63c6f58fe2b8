//! `resource "orgmirror_connection_override"`: settings of one connection that differ from what it inherits.

use serde::{Deserialize, Serialize};

use crate::model::arn::RoleArn;
use crate::model::handle::HandleKind;
use crate::model::objects::ConnectionOverride;
use crate::model::tenant::Tenant;
use crate::provider::arguments;
use crate::provider::catalog_resource::id;
use crate::provider::late::{self, NotKnown, known_late, known_value};
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::Identity;
use terraform_plugin::path::Path;
use terraform_plugin::schema::{Attribute, Schema};
use terraform_plugin::value::{Set, Value};

use super::overridden::{self, Settings};
use super::scoped::{self, ScopedDeclaration};

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::provider) struct State {
    id: Value<String>,
    integration_id: Value<String>,
    account_id: Value<String>,
    handle: Value<String>,
    role_arn: Value<String>,
    external_id: Value<String>,
    regions: Value<Set<String>>,
    default_region: Value<String>,
    max_error_retry_attempts: Value<i64>,
    min_error_retry_delay: Value<i64>,
    ignore_error_codes: Value<Set<String>>,
    enabled: Value<bool>,
}

impl State {
    fn settings(&self) -> Settings {
        Settings {
            external_id: self.external_id.clone(),
            regions: self.regions.clone(),
            default_region: self.default_region.clone(),
            max_error_retry_attempts: self.max_error_retry_attempts.clone(),
            min_error_retry_delay: self.min_error_retry_delay.clone(),
            ignore_error_codes: self.ignore_error_codes.clone(),
            enabled: self.enabled.clone(),
        }
    }
}

impl ScopedDeclaration for State {
    type Object = ConnectionOverride;

    const IMPORT_ID: &'static str = "<integration handle>:<account ID>, such as acme:111122223333";

    fn schema() -> Schema {
        let mut attributes = vec![
            id::<ConnectionOverride>(),
            scoped::integration_id(),
            scoped::account_id("ID of the account whose connection differs.").requires_replace(),
            Attribute::string("handle")
                .optional()
                .check_string(arguments::handle(HandleKind::Connection))
                .description(
                    "Effective handle of the connection, which stays through renames; null: the derived one. Unique in the \
                     tenant.",
                ),
            Attribute::string("role_arn")
                .optional()
                .check_string(arguments::role_arn)
                .description("ARN of the IAM role that tools assume, in this account; null: inherited."),
        ];
        attributes.extend(overridden::attributes(
            "False: the connection is not published, whatever other overrides say.",
        ));
        Schema::new(
            "Settings of one connection that differ from what it inherits of its folders and the integration. A setting \
             that is null is inherited. There is one override for each connection.",
            attributes,
        )
    }

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
        self.settings().validate(role_arn, diagnostics);
    }

    fn remark_on_change(&self, partition: Option<&str>, diagnostics: &mut Diagnostics) {
        let settings = self.settings();
        settings.remark(partition, diagnostics);
        if settings.is_all_inherited() && self.handle.is_null() && self.role_arn.is_null() {
            overridden::warn_of_nothing("role_arn", diagnostics);
        }
    }

    fn id(&self) -> &Value<String> {
        &self.id
    }

    fn object(&self, id: &str) -> Result<ConnectionOverride, NotKnown> {
        Ok(ConnectionOverride {
            id: id.to_owned(),
            integration_id: known_value(&self.integration_id, "integration_id")?,
            account_id: known_value(&self.account_id, "account_id")?,
            handle: known_late(late::optional(&self.handle), "handle")?,
            role_arn: known_late(late::optional(&self.role_arn), "role_arn")?,
            settings: self.settings().overridden()?,
        })
    }
}

impl From<&ConnectionOverride> for State {
    fn from(overriding: &ConnectionOverride) -> Self {
        let settings = Settings::from(&overriding.settings);
        Self {
            id: overriding.id.clone().into(),
            integration_id: overriding.integration_id.clone().into(),
            account_id: overriding.account_id.clone().into(),
            handle: overriding.handle.clone().into(),
            role_arn: overriding.role_arn.clone().into(),
            external_id: settings.external_id,
            regions: settings.regions,
            default_region: settings.default_region,
            max_error_retry_attempts: settings.max_error_retry_attempts,
            min_error_retry_delay: settings.min_error_retry_delay,
            ignore_error_codes: settings.ignore_error_codes,
            enabled: settings.enabled,
        }
    }
}
