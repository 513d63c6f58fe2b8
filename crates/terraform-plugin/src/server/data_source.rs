//! The RPCs of data sources.

use std::sync::Arc;

use crate::proto::tfplugin6 as wire;

use super::super::conformance;
use super::super::diagnostics::{Diagnostic, Diagnostics};
use super::super::provider::Provider;
use super::super::validation;
use super::encoded::{dynamic_value, msgpack_of};
use super::reports::{report_violations, unless_reported};
use super::served::Served;

pub(super) async fn validate<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::validate_data_resource_config::Request,
) -> wire::validate_data_resource_config::Response {
    let mut diagnostics = Diagnostics::new();
    diagnostics.collect(|diagnostics| {
        let source = served.data_source(&request.type_name)?;
        let config = msgpack_of(source.schema(), request.config)?;
        validation::validate(source.schema(), &config, diagnostics)?;
        let validated = source.erased.validate(&config, diagnostics);
        unless_reported(validated, diagnostics)
    });
    wire::validate_data_resource_config::Response {
        diagnostics: diagnostics.into_proto(),
    }
}

pub(super) async fn read<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::read_data_source::Request,
) -> wire::read_data_source::Response {
    let mut diagnostics = Diagnostics::new();
    let outcome = read_state(&served, request, &mut diagnostics).await;
    let state = diagnostics.record(outcome).flatten();
    wire::read_data_source::Response {
        state: state.map(dynamic_value),
        diagnostics: diagnostics.into_proto(),
        deferred: None,
    }
}

async fn read_state<P: Provider>(
    served: &Served<P>,
    request: wire::read_data_source::Request,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Vec<u8>>, Diagnostic> {
    let source = served.data_source(&request.type_name)?;
    let schema = source.schema();
    let config = msgpack_of(schema, request.config)?;
    let surroundings = served.surroundings()?;
    let state = source
        .erased
        .read(surroundings.context(), &config, diagnostics)
        .await?;
    if let Some(state) = &state
        && !diagnostics.has_errors()
    {
        report_violations(
            "data",
            conformance::check_state(schema, state)?,
            diagnostics,
        );
        let found = conformance::check_plan(schema, None, &config, state)?;
        report_violations("data", found, diagnostics);
    }
    Ok(state)
}
