//! Managed resources in four methods of their Rust type.

use std::marker::PhantomData;

use async_trait::async_trait;

use super::diagnostics::{Diagnostic, Diagnostics};
use super::identity::Identity;
use super::model::Model;
use super::private::Private;
use super::resource::{Change, Context, Resource};
use super::schema::Schema;

/// A managed resource that its Rust type describes: the plan follows from the schema, and each method succeeds or fails.
/// [`ResourceType::simple`](super::resource::ResourceType::simple) makes it part of a provider.
///
/// A resource that needs more implements [`Resource`] itself: rules between attributes, a plan that it completes,
/// write-only values, warnings, private state, import, upgrades of older states.
#[async_trait]
pub trait SimpleResource: Model {
    /// The data that the provider's configuration makes.
    type Data: Send + Sync + 'static;

    /// The type's name without the provider's.
    const NAME: &'static str;

    /// Its attributes.
    fn schema() -> Schema;

    /// The attributes that name an object for good.
    fn identity() -> Identity {
        Identity::of(["id"])
    }

    /// Reads the object as it is now; none if it is gone.
    ///
    /// # Errors
    /// If it cannot be read. Terraform then keeps the state that it has.
    async fn read(self, data: &Self::Data) -> Result<Option<Self>, Diagnostic>;

    /// Creates what was planned. What is unknown in the plan is known in the result.
    ///
    /// # Errors
    /// If nothing was created. A resource that may create half of an object implements [`Resource::create`] instead, and
    /// returns what is there beside the error.
    async fn create(self, data: &Self::Data) -> Result<Self, Diagnostic>;

    /// Changes the object into the planned one.
    ///
    /// # Errors
    /// If nothing was changed.
    async fn update(self, data: &Self::Data) -> Result<Self, Diagnostic>;

    /// Deletes the object.
    ///
    /// # Errors
    /// If it is still there.
    async fn delete(self, data: &Self::Data) -> Result<(), Diagnostic>;
}

/// A [`SimpleResource`] as a [`Resource`].
pub(crate) struct Simple<S>(PhantomData<fn() -> S>);

impl<S> Simple<S> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

#[async_trait]
impl<S: SimpleResource> Resource for Simple<S> {
    type Data = S::Data;
    type State = S;

    fn name(&self) -> &'static str {
        S::NAME
    }

    fn schema(&self) -> Schema {
        S::schema()
    }

    fn identity(&self) -> Identity {
        S::identity()
    }

    async fn read(
        &self,
        context: Context<'_, S::Data>,
        state: S,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<S> {
        let found = state.read(context.data).await;
        diagnostics.record(found)?
    }

    async fn create(
        &self,
        context: Context<'_, S::Data>,
        planned: S,
        _change: Change<'_, S>,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<S> {
        let created = planned.create(context.data).await;
        diagnostics.record(created)
    }

    async fn update(
        &self,
        context: Context<'_, S::Data>,
        planned: S,
        _change: Change<'_, S>,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Option<S> {
        let updated = planned.update(context.data).await;
        diagnostics.record(updated)
    }

    async fn delete(
        &self,
        context: Context<'_, S::Data>,
        prior: S,
        _private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) {
        let deleted = prior.delete(context.data).await;
        diagnostics.record(deleted);
    }
}
