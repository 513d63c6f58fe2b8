//! Data sources.

use async_trait::async_trait;

use super::diagnostics::Diagnostics;
use super::resource::{CodecError, Context, Model, decode, encode, model_problems};
use super::schema::{Role, Schema};

/// A data source: what is read where Terraform evaluates it.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// What the provider's configuration makes.
    type Data: Send + Sync + 'static;
    /// Configuration and result.
    type State: Model;

    /// The type's name without the provider's.
    fn name(&self) -> &'static str;

    /// Its attributes.
    fn schema(&self) -> Schema;

    /// Rules between attributes; what is unknown is checked again once it is known.
    fn validate(&self, config: &Self::State, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Reads it. None only beside errors.
    async fn read(
        &self,
        context: Context<'_, Self::Data>,
        config: Self::State,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::State>;
}

/// A [`DataSource`] whose types the server need not know.
pub struct DataSourceType<D>(pub(crate) Box<dyn Erased<D>>);

impl<D: Send + Sync + 'static> DataSourceType<D> {
    /// Wraps a data source for [`super::provider::Provider::data_sources`].
    pub fn new<R: DataSource<Data = D>>(data_source: R) -> Self {
        Self(Box::new(data_source))
    }

    /// The type's name without the provider's.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Its attributes.
    pub fn schema(&self) -> Schema {
        self.0.schema()
    }

    /// Everything in which its schema and its Rust type contradict themselves or each other. For a unit test.
    pub fn problems(&self) -> Vec<String> {
        let schema = self.0.schema();
        let mut problems = schema.problems(Role::DataSource);
        problems.extend(self.0.model_problems(&schema));
        problems
    }
}

impl<D> std::fmt::Debug for DataSourceType<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataSourceType")
    }
}

/// [`DataSource`] over bytes.
#[async_trait]
pub(crate) trait Erased<D>: Send + Sync {
    fn name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn model_problems(&self, schema: &Schema) -> Vec<String>;
    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError>;
    async fn read(
        &self,
        context: Context<'_, D>,
        config: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError>;
}

#[async_trait]
impl<R: DataSource> Erased<R::Data> for R {
    fn name(&self) -> &'static str {
        DataSource::name(self)
    }

    fn schema(&self) -> Schema {
        DataSource::schema(self)
    }

    fn model_problems(&self, schema: &Schema) -> Vec<String> {
        model_problems::<R::State>(schema)
    }

    fn validate(&self, config: &[u8], diagnostics: &mut Diagnostics) -> Result<(), CodecError> {
        DataSource::validate(self, &decode("configuration", config)?, diagnostics);
        Ok(())
    }

    async fn read(
        &self,
        context: Context<'_, R::Data>,
        config: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        let config = decode("configuration", config)?;
        let state = DataSource::read(self, context, config, diagnostics).await;
        state.map(|state| encode("result", &state)).transpose()
    }
}
