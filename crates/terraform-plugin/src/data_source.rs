//! Data sources.

use std::fmt;

use async_trait::async_trait;

use super::codec::{CodecError, decode, encode};
use super::diagnostics::Diagnostics;
use super::model::{self, Model};
use super::resource::Context;
use super::schema::{Role, Schema};

/// A data source: something that Terraform reads and does not manage.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The data that the provider's configuration makes.
    type Data: Send + Sync + 'static;
    /// The Rust type of configuration and result.
    type State: Model;

    /// The type's name without the provider's.
    fn name(&self) -> &'static str;

    /// Its attributes.
    fn schema(&self) -> Schema;

    /// Checks rules between attributes. Terraform asks again once an unknown value is known.
    fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Reads it, and returns the configuration completed by what was read. Returns none only beside errors.
    async fn read(
        &self,
        context: Context<'_, Self::Data>,
        config: Self::State,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;
}

/// A [`DataSource`] whose types the server need not know.
pub struct DataSourceType<D> {
    name: &'static str,
    schema: Schema,
    model_problems: fn(&Schema) -> Vec<String>,
    pub(crate) erased: Box<dyn Erased<D>>,
}

impl<D: Send + Sync + 'static> DataSourceType<D> {
    /// Wraps a data source for [`super::provider::Provider::data_sources`].
    pub fn new<R: DataSource<Data = D>>(data_source: R) -> Self {
        Self {
            name: data_source.name(),
            schema: data_source.schema(),
            model_problems: model::problems::<R::State>,
            erased: Box::new(Typed(data_source)),
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

    /// Every contradiction within and between its schema and its Rust type. For a unit test.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.schema.problems(Role::DataSource);
        problems.extend((self.model_problems)(&self.schema));
        problems
    }
}

impl<D> fmt::Debug for DataSourceType<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSourceType")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The calls of a [`DataSource`] over bytes.
#[async_trait]
pub(crate) trait Erased<D>: Send + Sync {
    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError>;

    async fn read(
        &self,
        context: Context<'_, D>,
        config: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;
}

/// A data source with its types: decodes what comes in, and encodes what goes out.
struct Typed<R>(R);

#[async_trait]
impl<R: DataSource> Erased<R::Data> for Typed<R> {
    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError> {
        self.0
            .validate(&decode("configuration", config)?, diagnostics);
        Ok(())
    }

    async fn read(
        &self,
        context: Context<'_, R::Data>,
        config: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let config = decode("configuration", config)?;
        let state = self.0.read(context, config, diagnostics).await;
        state.map(|state| encode("result", &state)).transpose()
    }
}
