//! The RPCs about the provider as a whole: what it offers, and its configuration.

use std::sync::Arc;

use crate::proto::tfplugin6 as wire;

use super::super::codec::decode;
use super::super::diagnostics::Diagnostics;
use super::super::provider::Provider;
use super::super::validation;
use super::encoded::msgpack_of;
use super::served::Served;

const CAPABILITIES: wire::ServerCapabilities = wire::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: false,
};

/// What a decoding error calls the configuration of the `provider` block.
const CONFIGURATION: &str = "provider configuration";

pub(super) async fn get_metadata<P: Provider>(
    served: Arc<Served<P>>,
    _request: wire::get_metadata::Request,
) -> wire::get_metadata::Response {
    use wire::get_metadata::{DataSourceMetadata, ResourceMetadata};
    let offered = served.offered();
    wire::get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        resources: offered
            .resources
            .keys()
            .map(|name| ResourceMetadata {
                type_name: name.clone(),
            })
            .collect(),
        data_sources: offered
            .data_sources
            .keys()
            .map(|name| DataSourceMetadata {
                type_name: name.clone(),
            })
            .collect(),
        ..Default::default()
    }
}

pub(super) async fn get_schemas<P: Provider>(
    served: Arc<Served<P>>,
    _request: wire::get_provider_schema::Request,
) -> wire::get_provider_schema::Response {
    let offered = served.offered();
    wire::get_provider_schema::Response {
        provider: Some(offered.provider_schema.to_proto()),
        resource_schemas: offered
            .resources
            .iter()
            .map(|(name, resource)| (name.clone(), resource.schema().to_proto()))
            .collect(),
        data_source_schemas: offered
            .data_sources
            .iter()
            .map(|(name, source)| (name.clone(), source.schema().to_proto()))
            .collect(),
        server_capabilities: Some(CAPABILITIES),
        ..Default::default()
    }
}

pub(super) async fn get_identity_schemas<P: Provider>(
    served: Arc<Served<P>>,
    _request: wire::get_resource_identity_schemas::Request,
) -> wire::get_resource_identity_schemas::Response {
    wire::get_resource_identity_schemas::Response {
        identity_schemas: served
            .offered()
            .resources
            .iter()
            .map(|(name, resource)| {
                let schema = resource.identity().to_proto(resource.schema());
                (name.clone(), schema)
            })
            .collect(),
        diagnostics: Vec::new(),
    }
}

pub(super) async fn validate<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::validate_provider_config::Request,
) -> wire::validate_provider_config::Response {
    let mut diagnostics = Diagnostics::new();
    diagnostics.collect(|diagnostics| {
        let schema = &served.offered().provider_schema;
        let config = msgpack_of(schema, request.config)?;
        validation::validate(schema, &config, diagnostics)?;
        let config: P::Config = decode(CONFIGURATION, &config)?;
        served.provider.validate(&config, diagnostics);
        Ok(())
    });
    wire::validate_provider_config::Response {
        diagnostics: diagnostics.into_proto(),
    }
}

pub(super) async fn configure<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::configure_provider::Request,
) -> wire::configure_provider::Response {
    let mut diagnostics = Diagnostics::new();
    let config: Option<P::Config> = diagnostics.collect(|_| {
        let config = msgpack_of(&served.offered().provider_schema, request.config)?;
        Ok(decode(CONFIGURATION, &config)?)
    });
    if let Some(config) = config {
        let cancelled = served.cancelled();
        let data = served
            .provider
            .configure(config, &cancelled, &mut diagnostics)
            .await;
        served.set_data(data);
    }
    wire::configure_provider::Response {
        diagnostics: diagnostics.into_proto(),
    }
}
