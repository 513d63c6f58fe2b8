//! `resource "orgmirror_integration"`: the mirror of one AWS organization.

mod attributes;
pub(in crate::provider) mod exported;
mod planning;
mod source;
mod state;

use async_trait::async_trait;

use crate::catalog::Document;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::identity::ImportBy;
use crate::framework::private::Private;
use crate::framework::resource::{Context, Plan, Resource};
use crate::framework::schema::Schema;
use crate::model::integration::Integration;
use crate::model::mirror::unexplained_handles;
use crate::provider::kept::{
    IntegrationBy, complete, create, delete, existing, imported_integration, new_id, opened,
    possible, update, warn_of_object, warn_of_removal, warn_of_replacement,
};
use crate::provider::orgmirror::Data;

use state::State;

/// Where the private state keeps handles that came from `initial_handles`.
const GIVEN_HANDLES: &str = "given_handles";

/// The resource.
#[derive(Debug)]
pub struct IntegrationResource;

#[async_trait]
impl Resource for IntegrationResource {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "integration"
    }

    fn schema(&self) -> Schema {
        attributes::schema()
    }

    fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        planning::validate(config, diagnostics);
    }

    async fn plan(
        &self,
        context: Context<'_, Data>,
        plan: &mut Plan<State>,
        diagnostics: &mut Diagnostics,
    ) {
        /// Stands for an ID that is drawn at apply.
        const NEW: &str = "in_";

        planning::plan(plan, diagnostics);
        if diagnostics.has_errors() || plan.prior.as_ref() == Some(&plan.planned) {
            return;
        }
        let prior = plan.prior.as_ref();
        let replaced = prior
            .filter(|prior| prior.organization != plan.planned.organization)
            .and_then(|prior| prior.id.known());
        let prior_id = prior.and_then(|prior| prior.id.known());
        let id = match replaced {
            Some(_) => NEW,
            None => prior_id.map_or(NEW, String::as_str),
        };
        let Ok(integration) = plan.planned.integration(id) else {
            return;
        };
        match replaced {
            Some(replaced) => {
                warn_of_replacement(context.data, replaced, integration, diagnostics).await;
            }
            None => warn_of_object(context.data, integration, diagnostics).await,
        }
    }

    async fn plan_destroy(
        &self,
        context: Context<'_, Data>,
        prior: &State,
        _private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        planning::refuse_if_protected(prior, "destroy it", diagnostics);
        if let (false, Some(id)) = (diagnostics.has_errors(), prior.id.known()) {
            warn_of_removal::<Integration>(context.data, id, diagnostics).await;
        }
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        state: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let document = existing(context.data, diagnostics).await?;
        state_of(&document, state.id.known()?)
    }

    async fn create(
        &self,
        context: Context<'_, Data>,
        planned: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let id = new_id("in_");
        let integration = complete(planned.integration(&id), diagnostics)?;
        let document = create(context, integration, diagnostics).await?;
        state_of(&document, &id)
    }

    async fn update(
        &self,
        context: Context<'_, Data>,
        planned: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let id = planned.id.known()?.clone();
        let integration = complete(planned.integration(&id), diagnostics)?;
        let document = update(context, integration, diagnostics).await?;
        state_of(&document, &id)
    }

    async fn delete(
        &self,
        context: Context<'_, Data>,
        prior: State,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) {
        // Terraform does not ask for a plan of the destruction when it replaces on demand (-replace, taint).
        planning::refuse_if_protected(
            &prior,
            "destroy it (if it is tainted, run terraform untaint first)",
            diagnostics,
        );
        if let (false, Some(id)) = (diagnostics.has_errors(), prior.id.into_known()) {
            delete::<Integration>(context, id, diagnostics).await;
        }
    }

    async fn import(
        &self,
        context: Context<'_, Data>,
        by: ImportBy<'_, State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let catalog = opened(context.data, diagnostics)?;
        let document = possible(context.data, diagnostics).await?;
        let by = match &by {
            ImportBy::Id(handle) => IntegrationBy::Handle(handle),
            ImportBy::Identity(identity) => IntegrationBy::Id(identity.id.known()?),
        };
        let integration = imported_integration(by, catalog, document.as_deref(), diagnostics)?;
        let prefix = integration.handle_prefix.as_deref().unwrap_or_default();
        let given = unexplained_handles(&integration.mirror, prefix);
        if !given.is_empty() {
            private.set(GIVEN_HANDLES, &given);
        }
        Some(State::from(integration))
    }
}

fn state_of(document: &Document, id: &str) -> Option<State> {
    document.tenant().get::<Integration>(id).map(State::from)
}
