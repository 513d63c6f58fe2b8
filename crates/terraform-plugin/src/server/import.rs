//! The RPCs that take objects into Terraform's state which it has not created as this resource: imports, and moves from
//! another resource type.

use std::sync::Arc;

use crate::proto::tfplugin6 as wire;

use super::super::conformance;
use super::super::diagnostics::{Diagnostic, Diagnostics};
use super::super::identity::{Identity, ImportBy};
use super::super::private::Private;
use super::super::provider::Provider;
use super::super::resource::MoveSource;
use super::encoded::{dynamic_value, identity_data, msgpack_of, non_null};
use super::reports::{report_violations, unless_stopped};
use super::served::Served;

pub(super) async fn import<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::import_resource_state::Request,
) -> wire::import_resource_state::Response {
    let mut diagnostics = Diagnostics::new();
    let importing = import_object(&served, request, &mut diagnostics);
    let outcome = unless_stopped(&served.cancelled(), importing).await;
    let imported = diagnostics.record(outcome).flatten();
    wire::import_resource_state::Response {
        imported_resources: imported.into_iter().collect(),
        diagnostics: diagnostics.into_proto(),
        deferred: None,
    }
}

async fn import_object<P: Provider>(
    served: &Served<P>,
    request: wire::import_resource_state::Request,
    diagnostics: &mut Diagnostics,
) -> Result<Option<wire::import_resource_state::ImportedResource>, Diagnostic> {
    let resource = served.resource(&request.type_name)?;
    let (schema, identity) = (resource.schema(), resource.identity());
    let value = request.identity.and_then(|data| data.identity_data);
    let msgpack = msgpack_of(schema, value)?;
    let asked = non_null(&msgpack);
    let by = import_by(identity, &request.type_name, &request.id, asked)?;
    let surroundings = served.surroundings()?;
    let mut private = Private::default();
    let state = resource
        .erased
        .import(surroundings.context(), by, &mut private, diagnostics)
        .await?;
    let Some(state) = state else {
        return Ok(None);
    };
    report_violations(
        "import",
        conformance::check_state(schema, &state)?,
        diagnostics,
    );
    let found = conformance::check_import(identity, asked, &state)?;
    report_violations("import", found, diagnostics);
    Ok(Some(wire::import_resource_state::ImportedResource {
        type_name: request.type_name,
        identity: identity.extract(&state)?.map(identity_data),
        state: Some(dynamic_value(state)),
        private: private.to_bytes(),
    }))
}

/// Reads how an import names its object.
///
/// # Errors
/// If it names none, or only a part of an identity.
fn import_by<'a>(
    identity: &Identity,
    type_name: &str,
    id: &'a str,
    asked: Option<&'a [u8]>,
) -> Result<ImportBy<'a, &'a [u8]>, Diagnostic> {
    match asked {
        Some(asked) if identity.extract(asked)?.is_none() => Err(Diagnostic::error(
            "Incomplete import identity",
            format!(
                "An import of {type_name} has an identity in which a value is null or not known. Give a value to {}.",
                identity.names().join(" and ")
            ),
        )),
        Some(asked) => Ok(ImportBy::Identity(asked)),
        None if id.is_empty() => Err(Diagnostic::error(
            "Import without an ID",
            format!(
                "An import of {type_name} names nothing. Set id in the import block, or identity with {}.",
                identity.names().join(" and ")
            ),
        )),
        None => Ok(ImportBy::Id(id)),
    }
}

pub(super) async fn take_over<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::move_resource_state::Request,
) -> wire::move_resource_state::Response {
    let mut diagnostics = Diagnostics::new();
    let state = diagnostics.record(take_over_state(&served, &request));
    let target_state = state.map(dynamic_value);
    wire::move_resource_state::Response {
        target_identity: served.identity_of(&request.target_type_name, target_state.as_ref()),
        target_state,
        diagnostics: diagnostics.into_proto(),
        ..Default::default()
    }
}

fn take_over_state<P: Provider>(
    served: &Served<P>,
    request: &wire::move_resource_state::Request,
) -> Result<Vec<u8>, Diagnostic> {
    let resource = served.resource(&request.target_type_name)?;
    let source = MoveSource {
        provider_address: &request.source_provider_address,
        type_name: &request.source_type_name,
        schema_version: request.source_schema_version,
        state: request
            .source_state
            .as_ref()
            .map_or(&[], |state| &state.json),
    };
    resource.erased.take_over(source).unwrap_or_else(|| {
        Err(Diagnostic::error(
            "Move not supported",
            format!(
                "{} cannot take over a {} of {}. Remove the moved block, and import the resource instead.",
                request.target_type_name, request.source_type_name, request.source_provider_address
            ),
        ))
    })
}
