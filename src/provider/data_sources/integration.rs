//! `data "orgmirror_integration"`: an integration that another configuration declares.

use async_trait::async_trait;
use describe::{Attributes, Known};

use crate::model::checks;
use crate::model::handle::HandleKind;
use crate::model::objects::PlannedIntegration;
use crate::provider::catalog_ops::{IntegrationBy, integration_by, opened, readable};
use crate::provider::data::Data;
use terraform_plugin::data_source::DataSource;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::path::Path;
use terraform_plugin::resource::Context;
use terraform_plugin::schema::{Attribute, Schema};

/// The data source.
#[derive(Debug)]
pub(in crate::provider) struct IntegrationData;

#[async_trait]
impl DataSource for IntegrationData {
    type Data = Data;
    type State = PlannedIntegration;

    fn name(&self) -> &'static str {
        "integration"
    }

    fn schema(&self) -> Schema {
        let handle = Attribute::string("handle")
            .required()
            .check_string(checks::handle(HandleKind::Integration))
            .description("Handle of the integration.");
        let attributes = PlannedIntegration::attributes().into_iter();
        let exported = attributes.map(Attribute::exported);
        let exported = exported.filter(|attribute| attribute.name() != "handle");
        Schema::new(
            "An integration of the catalog, with what the resource exports; for configurations that share the catalog with \
             the one that declares it. In that one, use the resource itself: it is known at plan.",
            std::iter::once(handle).chain(exported).collect(),
        )
    }

    async fn read(
        &self,
        context: Context<'_, Data>,
        config: PlannedIntegration,
        diagnostics: &mut Diagnostics,
    ) -> Option<PlannedIntegration> {
        let catalog = opened(context.data, diagnostics)?;
        let document = readable(context.data, diagnostics).await?;
        let fix = "Give the handle of one of its integrations.";
        let by = IntegrationBy::Handle(config.handle.known()?);
        match integration_by(by, catalog, Some(&document), fix) {
            Ok(integration) => Some(integration.clone().into_planned()),
            Err(diagnostic) => {
                diagnostics.push(diagnostic.at(Path::of("handle")));
                None
            }
        }
    }
}
