//! Providers.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::data_source::DataSourceType;
use super::diagnostics::Diagnostics;
use super::model::{self, Model};
use super::resource::ResourceType;
use super::schema::{Role, Schema};

/// A provider: its configuration and the resources and data sources it offers.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The `provider` block.
    type Config: Model;
    /// The data that the configuration makes, handed to every resource and data source.
    type Data: Send + Sync + 'static;

    /// The provider's name, with which the name of every type begins.
    fn name(&self) -> &'static str;

    /// The attributes of the `provider` block.
    fn schema(&self) -> Schema;

    /// Checks rules between attributes.
    fn validate(&self, config: &Self::Config, diagnostics: &mut Diagnostics) {
        let _ = (config, diagnostics);
    }

    /// Takes the configuration, in which values may be unknown while Terraform plans. Returns none only beside errors.
    async fn configure(
        &self,
        config: Self::Config,
        cancelled: &CancellationToken,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self::Data>;

    /// The managed resources.
    fn resources(&self) -> Vec<ResourceType<Self::Data>>;

    /// The data sources.
    fn data_sources(&self) -> Vec<DataSourceType<Self::Data>>;
}

/// Every contradiction within and between a provider's schemas and Rust types. For a unit test.
pub fn problems<P: Provider>(provider: &P) -> Vec<String> {
    let schema = provider.schema();
    let mut problems = schema.problems(Role::Provider);
    problems.extend(model::problems::<P::Config>(&schema));
    for resource in provider.resources() {
        let found = resource.problems();
        problems.extend(
            found
                .into_iter()
                .map(|p| format!("resource {}: {p}", resource.name())),
        );
    }
    for data_source in provider.data_sources() {
        let found = data_source.problems();
        problems.extend(
            found
                .into_iter()
                .map(|p| format!("data {}: {p}", data_source.name())),
        );
    }
    problems
}
