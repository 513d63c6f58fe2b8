//! `data "orgmirror_integration"`: an integration that another configuration declares.

use async_trait::async_trait;
use describe::{Attributes, Known};

use crate::model::checks;
use crate::model::handle::HandleKind;
use crate::model::objects::PlannedIntegration;
use crate::provider::catalog_ops::{IntegrationBy, find_integration, open_catalog, read_document};
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
        let catalog = diagnostics.record(open_catalog(context.data))?;
        let document = diagnostics.record(read_document(context.data).await)?;
        let fix = "Give the handle of one of its integrations.";
        let by = IntegrationBy::Handle(config.handle.known()?);
        let found = find_integration(by, catalog, Some(&document), fix)
            .map_err(|diagnostic| diagnostic.at(Path::of("handle")));
        Some(diagnostics.record(found)?.clone().into_planned())
    }
}
