//! `resource "orgmirror_integration"`: the mirror of one AWS organization.

mod argument;
mod planning;
mod state;

use async_trait::async_trait;
use describe::{Known, NotKnown};

use crate::catalog::{Catalog, Document};
use crate::model::mirror::unexplained_handles;
use crate::model::objects::Integration;
use crate::provider::catalog_ops::{IntegrationBy, imported_integration};
use crate::provider::catalog_resource::Declaration;
use crate::provider::data::Data;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::ImportBy;
use terraform_plugin::private::Private;
use terraform_plugin::resource::Plan;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

pub(in crate::provider) use state::State;

/// Where the private state keeps handles that came from `initial_handles`.
const GIVEN_HANDLES: &str = "given_handles";

#[async_trait]
impl Declaration for State {
    type Object = Integration;

    fn schema() -> Schema {
        Schema::of::<Self>(
            "The mirror of one AWS organization (or of a hand-written list of accounts) as a tree of folders, one per \
             organizational unit, and connections, one per account.",
        )
    }

    fn id(&self) -> &Value<String> {
        &self.integration.id
    }

    fn object(&self, id: &str) -> Result<Integration, NotKnown> {
        let mut planned = self.integration.clone();
        planned.id = id.into();
        Integration::from_planned(planned)
    }

    /// Names and e-mail addresses may be unknown although it is known who sees what.
    fn outline(&self, id: &str) -> Option<(Integration, bool)> {
        let mut planned = self.integration.clone();
        planned.id = id.into();
        let is_whole = planned.mirror.decides_visibility();
        planned.mirror.empty_unknown();
        Some((Integration::from_planned(planned).ok()?, is_whole))
    }

    fn set_object(&mut self, integration: &Integration) {
        *self = Self {
            aws_organization: Value::Null,
            integration: integration.clone().into_planned(),
        };
    }

    fn validate(&self, diagnostics: &mut Diagnostics) {
        planning::validate(self, diagnostics);
    }

    fn complete(plan: &mut Plan<Self>, _data: &Data, diagnostics: &mut Diagnostics) {
        planning::plan(plan, diagnostics);
    }

    fn takes_place_of(&self, prior: &Self) -> bool {
        prior.integration.organization != self.integration.organization
    }

    fn refuse_destroy(&self, how: &str, diagnostics: &mut Diagnostics) {
        planning::refuse_if_protected(self, how, diagnostics);
    }

    fn find<'a>(
        by: &ImportBy<'_, Self>,
        catalog: &Catalog,
        document: Option<&'a Document>,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'a Integration> {
        let by = match by {
            ImportBy::Id(handle) => IntegrationBy::Handle(handle),
            ImportBy::Identity(identity) => IntegrationBy::Id(identity.integration.id.known()?),
        };
        imported_integration(by, catalog, document, diagnostics)
    }

    fn set_imported(
        &mut self,
        integration: &Integration,
        _catalog: &Catalog,
        private: &mut Private,
    ) {
        let prefix = integration.handle_prefix.as_deref().unwrap_or_default();
        let given = unexplained_handles(&integration.mirror, prefix);
        if !given.is_empty() {
            private.set(GIVEN_HANDLES, &given);
        }
    }
}
