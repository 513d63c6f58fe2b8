//! Managed resources.

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
pub use erased::ResourceType;

/// What surrounds a call.
#[derive(Debug)]
pub struct Context<'a, D> {
    /// What the provider's configuration made.
    pub data: &'a D,
    /// Set when Terraform asks to stop: end soon, and report what was done.
    pub cancelled: &'a CancellationToken,
}

/// A plan in the making.
#[derive(Debug)]
pub struct Plan<S> {
    /// The state so far; none: the resource will be created.
    pub prior: Option<S>,
    /// The configuration, write-only values included.
    pub config: S,
    /// What is planned: the configuration with defaults, computed values unknown. To be completed.
    pub planned: S,
    /// What the provider remembers about the resource.
    pub private: Private,
    /// Attributes whose change means another object, beyond those the schema says.
    pub requires_replace: Vec<Path>,
}

/// State that another resource type or provider left, to be taken over by a `moved` block.
#[derive(Debug, Clone, Copy)]
pub struct MoveSource<'a> {
    /// Such as `registry.terraform.io/hashicorp/aws`.
    pub provider_address: &'a str,
    /// Such as `aws_organizations_organization`.
    pub type_name: &'a str,
    /// Schema version of that state.
    pub schema_version: i64,
    /// The state as JSON.
    pub state: &'a [u8],
}

/// A managed resource: what happens when Terraform plans and applies it.
///
/// Every method adds to `diagnostics` what a person should know. Methods that return a state may return one beside
/// errors: it is kept.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// What the provider's configuration makes.
    type Data: Send + Sync + 'static;
    /// Configuration, plan and state.
    type State: Model;

    /// The type's name without the provider's.
    fn name(&self) -> &'static str;

    /// Its attributes.
    fn schema(&self) -> Schema;

    /// Which attributes name an object for good.
    fn identity(&self) -> Identity {
        Identity::of(["id"])
    }

    /// Rules between attributes; what is unknown is checked again once it is known.
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

    /// May refuse to destroy.
    async fn plan_destroy(
        &self,
        context: Context<'_, Self::Data>,
        prior: &Self::State,
        private: &Private,
        diagnostics: &mut Diagnostics,
    ) {
        let _ = (context, prior, private, diagnostics);
    }

    /// The resource as it is now; none where it is gone.
    async fn read(
        &self,
        context: Context<'_, Self::Data>,
        state: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Creates what was planned. A state returned beside errors is kept, and Terraform marks it as tainted.
    ///
    /// Write-only values are not in the planned state: what they say goes into it in [`Self::plan`].
    async fn create(
        &self,
        context: Context<'_, Self::Data>,
        planned: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Changes what is there into what was planned. None beside errors: nothing was changed.
    async fn update(
        &self,
        context: Context<'_, Self::Data>,
        planned: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;

    /// Deletes it. With errors it counts as still there.
    async fn delete(
        &self,
        context: Context<'_, Self::Data>,
        prior: Self::State,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    );

    /// Finds what `terraform import` or an import block names. None only beside errors.
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

    /// Turns a state of an older schema version into today's. Needed once [`Schema::version`] has been raised.
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

    /// Takes over the state of another resource type, of this or another provider, that a `moved` block names; none where
    /// that type is not one it knows. Needed by a resource that replaces another one.
    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<Self::State, Diagnostic>> {
        let _ = source;
        None
    }
}
