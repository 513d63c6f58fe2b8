//! Managed resources whose Rust types the server need not know.

use std::fmt;

use async_trait::async_trait;

use super::super::codec::{CodecError, decode, encode};
use super::super::diagnostics::{Diagnostic, Diagnostics};
use super::super::identity::{Identity, ImportBy};
use super::super::json;
use super::super::model;
use super::super::msgpack::DecodeError;
use super::super::path::Path;
use super::super::private::Private;
use super::super::schema::{Role, Schema};
use super::{Change, Config, Context, MoveSource, Plan, Resource};

/// A [`Resource`] whose types the server need not know.
pub struct ResourceType<D> {
    name: &'static str,
    schema: Schema,
    identity: Identity,
    model_problems: fn(&Schema) -> Vec<String>,
    pub(crate) erased: Box<dyn Erased<D>>,
}

impl<D: Send + Sync + 'static> ResourceType<D> {
    /// Wraps a resource for [`Provider::resources`](crate::provider::Provider::resources).
    pub fn new<R: Resource<Data = D>>(resource: R) -> Self {
        Self {
            name: resource.name(),
            schema: resource.schema(),
            identity: resource.identity(),
            model_problems: model::problems::<R::State>,
            erased: Box::new(Typed(resource)),
        }
    }

    /// The type's name without the provider's.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its attributes.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The attributes that name an object for good.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Every contradiction within and between its schema, its identity and its Rust type. For a unit test.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.schema.problems(Role::Resource);
        problems.extend(self.identity.problems(&self.schema));
        problems.extend((self.model_problems)(&self.schema));
        problems
    }
}

impl<D> fmt::Debug for ResourceType<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceType")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The calls of a [`Resource`] over bytes.
#[async_trait]
pub(crate) trait Erased<D>: Send + Sync {
    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError>;

    async fn plan(
        &self,
        context: Context<'_, D>,
        prior: Option<&[u8]>,
        config: &[u8],
        proposed: &[u8],
        private: Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Planned, CodecError>;

    async fn plan_destroy(
        &self,
        context: Context<'_, D>,
        prior: &[u8],
        private: &Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), CodecError>;

    async fn read(
        &self,
        context: Context<'_, D>,
        state: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;

    /// Creates, changes or deletes the object, as prior and planned state say. None if nothing is there afterwards.
    async fn apply(
        &self,
        context: Context<'_, D>,
        prior: Option<&[u8]>,
        planned: Option<&[u8]>,
        config: Config<'_>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;

    async fn import(
        &self,
        context: Context<'_, D>,
        by: ImportBy<'_, &[u8]>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;

    /// Turns a stored state of the schema version `from` into one of the version `to`, which is today's.
    fn upgrade(&self, from: i64, to: i64, state: &[u8]) -> Result<Vec<u8>, Diagnostic>;

    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<Vec<u8>, Diagnostic>>;
}

/// The outcome of a plan, in bytes.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) state: Vec<u8>,
    pub(crate) private: Private,
    pub(crate) requires_replace: Vec<Path>,
}

/// A resource with its types: decodes what comes in, and encodes what goes out.
struct Typed<R>(R);

#[async_trait]
impl<R: Resource> Erased<R::Data> for Typed<R> {
    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError> {
        self.0
            .validate(&decode("configuration", config)?, diagnostics);
        Ok(())
    }

    async fn plan(
        &self,
        context: Context<'_, R::Data>,
        prior: Option<&[u8]>,
        config: &[u8],
        proposed: &[u8],
        private: Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Planned, CodecError> {
        let mut plan = Plan {
            prior: prior
                .map(|prior| decode("prior state", prior))
                .transpose()?,
            config: decode("configuration", config)?,
            planned: decode("proposed state", proposed)?,
            private,
            requires_replace: Vec::new(),
        };
        self.0.plan(context, &mut plan, diagnostics).await;
        Ok(Planned {
            state: encode("planned state", &plan.planned)?,
            private: plan.private,
            requires_replace: plan.requires_replace,
        })
    }

    async fn plan_destroy(
        &self,
        context: Context<'_, R::Data>,
        prior: &[u8],
        private: &Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), CodecError> {
        let prior = decode("prior state", prior)?;
        self.0
            .plan_destroy(context, &prior, private, diagnostics)
            .await;
        Ok(())
    }

    async fn read(
        &self,
        context: Context<'_, R::Data>,
        state: &[u8],
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let current = decode("state", state)?;
        let new = self.0.read(context, current, private, diagnostics).await;
        new.map(|new| encode("state", &new)).transpose()
    }

    async fn apply(
        &self,
        context: Context<'_, R::Data>,
        prior: Option<&[u8]>,
        planned: Option<&[u8]>,
        config: Config<'_>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let (new, otherwise) = match (prior, planned) {
            (None, None) => (None, None),
            (None, Some(planned)) => {
                let planned = decode("planned state", planned)?;
                let change = Change::new(config, None);
                let creating = self
                    .0
                    .create(context, planned, change, private, diagnostics);
                (creating.await, None)
            }
            (Some(prior), Some(planned)) => {
                let planned = decode("planned state", planned)?;
                let change = Change::new(config, Some(prior));
                let updating = self
                    .0
                    .update(context, planned, change, private, diagnostics);
                // Without a new state nothing was changed, and what was there is still there.
                (updating.await, Some(prior))
            }
            (Some(prior), None) => {
                let deleted = decode("prior state", prior)?;
                self.0.delete(context, deleted, private, diagnostics).await;
                (None, diagnostics.has_errors().then_some(prior))
            }
        };
        match new {
            Some(new) => encode("new state", &new).map(Some),
            None => Ok(otherwise.map(<[u8]>::to_vec)),
        }
    }

    async fn import(
        &self,
        context: Context<'_, R::Data>,
        by: ImportBy<'_, &[u8]>,
        private: &mut Private,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let by = match by {
            ImportBy::Id(id) => ImportBy::Id(id),
            ImportBy::Identity(identity) => ImportBy::Identity(decode("identity", identity)?),
        };
        let state = self.0.import(context, by, private, diagnostics).await;
        state
            .map(|state| encode("imported state", &state))
            .transpose()
    }

    fn upgrade(&self, from: i64, to: i64, state: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let unreadable = |error| CodecError::Decode {
            what: "stored state",
            error,
        };
        let upgraded = if from == to {
            json::from_slice(state).map_err(unreadable)?
        } else {
            let stored = serde_json::from_slice(state)
                .map_err(|error| unreadable(DecodeError::new(format!("it is no JSON: {error}"))))?;
            self.0.upgrade(from, stored)?
        };
        Ok(encode("upgraded state", &upgraded)?)
    }

    fn take_over(&self, source: MoveSource<'_>) -> Option<Result<Vec<u8>, Diagnostic>> {
        let state = self.0.take_over(source)?;
        Some(state.and_then(|state| Ok(encode("moved state", &state)?)))
    }
}
