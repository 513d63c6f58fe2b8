//! Managed resources.

mod change;
mod erased;

use async_trait::async_trait;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::identity::{Identity, ImportBy};
use super::path::Path;
use super::private::Private;
use super::schema::Schema;

pub use super::model::Model;
pub use change::Change;
pub(crate) use change::Config;
pub use erased::ResourceType;

/// The surroundings of a call.
#[derive(Debug)]
pub struct Context<'a, D> {
    /// The data that the provider's configuration made.
    pub data: &'a D,
    /// Cancelled when Terraform asks to stop. The call should then end soon, and report what it has done.
    pub cancelled: &'a CancellationToken,
}

/// A plan in the making.
#[derive(Debug)]
pub struct Plan<S> {
    /// The state so far; none if the resource will be created.
    pub prior: Option<S>,
    /// The configuration, write-only values included.
    pub config: S,
    /// The planned state, to be completed: the configuration with defaults, and with computed values unknown.
    pub planned: S,
    /// The provider's notes about the resource.
    pub private: Private,
    /// Attributes whose change replaces the object, beyond those of which the schema says so.
    pub requires_replace: Vec<Path>,
}

/// State that another resource type or provider left, to be taken over by a `moved` block.
#[derive(Debug, Clone, Copy)]
pub struct MoveSource<'a> {
    /// The provider's address, such as `registry.terraform.io/hashicorp/random`.
    pub provider_address: &'a str,
    /// The resource type's name, such as `random_pet`.
    pub type_name: &'a str,
    /// The schema version of that state.
    pub schema_version: i64,
    /// The state as JSON.
    pub state: &'a [u8],
}

/// A managed resource: what happens when Terraform plans and applies it.
///
/// Every method adds diagnostics for what a person should know. A state that a method returns beside errors is kept.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// The data that the provider's configuration makes.
    type Data: Send + Sync + 'static;
    /// The Rust type of configurations, plans and states.
    type State: Model;

    /// The type's name without the provider's.
    fn name(&self) -> &'static str;

    /// Its attributes.
    fn schema(&self) -> Schema;

    /// The attributes that name an object for good.
    fn identity(&self) -> Identity {
        Identity::of(["id"])
    }

    /// Checks rules between attributes. Terraform asks again once an unknown value is known.
    fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Completes the plan of a creation or change.
    async fn plan(
        &self,
        context: Context<'_, Self::Data>,
        plan: &mut Plan<Self::State>,
        diagnostics: &mut Diagnostics,
    ) {
        let _ = (context, plan, diagnostics);
    }

    /// Refuses a destruction, or warns of it. By default it does neither.
    async fn plan_destroy(
        &self,
        context: Context<'_, Self::Data>,
        prior: &Self::State,
        private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        let _ = (context, prior, private, diagnostics);
    }

    /// Reads the resource as it is now; none if it is gone.
    async fn read(
        &self,
        context: Context<'_, Self::Data>,
        state: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Creates what was planned. A state returned beside errors is kept, and Terraform marks it as tainted.
    ///
    /// Write-only values are not in the planned state; [`Change::config`] has them.
    async fn create(
        &self,
        context: Context<'_, Self::Data>,
        planned: Self::State,
        change: Change<'_, Self::State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Changes the object into the planned one. None beside errors means that nothing was changed.
    ///
    /// [`Change::prior`] has the state before, and [`Change::config`] the write-only values.
    async fn update(
        &self,
        context: Context<'_, Self::Data>,
        planned: Self::State,
        change: Change<'_, Self::State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Deletes the object. After errors Terraform takes it for still there.
    async fn delete(
        &self,
        context: Context<'_, Self::Data>,
        prior: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    );

    /// Finds the object that `terraform import` or an import block names. Returns none only beside errors.
    async fn import(
        &self,
        context: Context<'_, Self::Data>,
        by: ImportBy<'_, Self::State>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State> {
        let _ = (context, by, private);
        diagnostics.error(
            "Import is not supported",
            format!("{} cannot be imported.", self.name()),
        );
        None
    }

    /// Turns a state of an older schema version into today's. A resource needs it once its [`Schema::version`] was
    /// raised.
    ///
    /// # Errors
    /// A diagnostic if it cannot.
    fn upgrade(&self, version: i64, state: Json) -> Result<Self::State, Diagnostic> {
        let _ = state;
        Err(Diagnostic::error(
            "Unknown state version",
            format!(
                "The state of this {} has schema version {version}, from which no upgrade is known. Use the provider \
                 version that wrote it.",
                self.name()
            ),
        ))
    }

    /// Takes over the state of another resource type, of this or another provider, that a `moved` block names; none if
    /// the resource does not know that type. A resource needs it if it takes the place of another one.
    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<Self::State, Diagnostic>> {
        let _ = source;
        None
    }
}
