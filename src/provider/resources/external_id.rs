//! `resource "orgmirror_external_id"`: an external ID, which a caller must send to assume a role. It is generated once.
//!
//! It is only in the state: the catalog has it only as a setting of objects that use it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use describe::Describe;

use crate::catalog::random_id;
use crate::model::checks;
use crate::provider::data::Data;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::identity::{Identity, ImportBy};
use terraform_plugin::path::Path;
use terraform_plugin::private::Private;
use terraform_plugin::resource::{Change, Context, Plan, Resource};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

/// Random characters behind the tenant: 82 bits.
const LENGTH: usize = 16;

/// Private: it was imported, and has no keepers yet.
const IMPORTED: &str = "imported";

/// The resource.
#[derive(Debug)]
pub(in crate::provider) struct ExternalIdResource;

/// Configuration, plan and state.
#[derive(Debug, Clone, PartialEq, Default, Describe)]
pub(in crate::provider) struct State {
    /// Any values. Another one makes another external ID: the resource is replaced. Those that are given first after an import
    /// are taken as they are.
    #[field(optional)]
    keepers: Value<BTreeMap<String, Value<String>>>,
    /// The external ID: the provider's `tenant`, a colon and 16 random characters `a-z0-9`. It stays when the tenant changes.
    /// AWS does not count external IDs among the secrets; it is in the state and in plans.
    #[field(use_state_for_unknown)]
    value: Value<String>,
}

#[async_trait]
impl Resource for ExternalIdResource {
    type Data = Data;
    type State = State;

    fn name(&self) -> &'static str {
        "external_id"
    }

    fn schema(&self) -> Schema {
        Schema::of::<State>(
            "An external ID for roles, cryptographically random and made once. Discovery, the settings of connections and \
             the templates of onboarding refer to it, so that all of them send and ask for the same.",
        )
    }

    fn identity(&self) -> Identity {
        Identity::of(["value"])
    }

    async fn plan(
        &self,
        _context: Context<'_, Data>,
        plan: &mut Plan<State>,
        _diagnostics: &mut Diagnostics,
    ) {
        let Some(prior) = &plan.prior else { return };
        let is_imported = plan.private.get(IMPORTED) == Some(true);
        if prior.keepers != plan.planned.keepers && !is_imported {
            plan.requires_replace.push(Path::of("keepers"));
        }
    }

    async fn read(
        &self,
        _context: Context<'_, Data>,
        state: State,
        _private: &mut Private,
        _diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        Some(state)
    }

    async fn create(
        &self,
        context: Context<'_, Data>,
        planned: State,
        _change: Change<'_, State>,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let tenant = context
            .data
            .tenant()
            .map_err(|unknown| unknown.diagnostic("An external ID"));
        let tenant = diagnostics.record(tenant)?;
        let random: String = random_id().chars().take(LENGTH).collect();
        Some(State {
            value: format!("{tenant}:{random}").into(),
            ..planned
        })
    }

    async fn update(
        &self,
        _context: Context<'_, Data>,
        planned: State,
        _change: Change<'_, State>,
        private: &mut Private,
        _diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        private.remove(IMPORTED);
        Some(planned)
    }

    async fn delete(
        &self,
        _context: Context<'_, Data>,
        _prior: State,
        _private: &mut Private,
        _diagnostics: &mut Diagnostics,
    ) {
    }

    async fn import(
        &self,
        _context: Context<'_, Data>,
        by: ImportBy<'_, State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<State> {
        let state = match by {
            ImportBy::Id(value) => State {
                value: value.into(),
                ..State::default()
            },
            ImportBy::Identity(state) => state,
        };
        let value = state.value.known()?;
        if let Err(violation) = checks::external_id(value) {
            diagnostics.error(
                "Invalid external ID import",
                format!(
                    "{value:?} is imported. {} {}",
                    violation.rule, violation.fix
                ),
            );
            return None;
        }
        private.set(IMPORTED, &true);
        Some(state)
    }
}
