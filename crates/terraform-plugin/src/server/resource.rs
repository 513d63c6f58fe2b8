//! The RPCs of managed resources, from the validation of a configuration to its apply.

use std::sync::Arc;

use crate::proto::tfplugin6 as wire;

use super::super::conformance;
use super::super::diagnostics::{Diagnostic, Diagnostics};
use super::super::msgpack::NULL;
use super::super::path::Path;
use super::super::planning;
use super::super::private::Private;
use super::super::provider::Provider;
use super::super::raw_value;
use super::super::resource::Config;
use super::super::validation;
use super::encoded::{clean_state, dynamic_value, identity_data, msgpack_of, non_null};
use super::reports::{refuse_newer, report_violations, unless_reported, unless_stopped};
use super::served::Served;

pub(super) async fn validate<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::validate_resource_config::Request,
) -> wire::validate_resource_config::Response {
    let mut diagnostics = Diagnostics::new();
    diagnostics.collect(|diagnostics| {
        let resource = served.resource(&request.type_name)?;
        let schema = resource.schema();
        let write_only = request
            .client_capabilities
            .is_some_and(|client| client.write_only_attributes_allowed);
        if schema.has_write_only() && !write_only {
            return Err(Diagnostic::error(
                "This Terraform is too old",
                format!(
                    "{} has write-only attributes, which this client does not announce to support \
                     (write_only_attributes_allowed). Use Terraform or OpenTofu 1.11 or later.",
                    request.type_name
                ),
            ));
        }
        let config = msgpack_of(schema, request.config)?;
        validation::validate(schema, &config, diagnostics)?;
        let validated = resource.erased.validate(&config, diagnostics);
        unless_reported(validated, diagnostics)
    });
    wire::validate_resource_config::Response {
        diagnostics: diagnostics.into_proto(),
    }
}

pub(super) async fn upgrade_state<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::upgrade_resource_state::Request,
) -> wire::upgrade_resource_state::Response {
    let mut diagnostics = Diagnostics::new();
    let upgraded = diagnostics.collect(|_| {
        let resource = served.resource(&request.type_name)?;
        let (version, known) = (request.version, resource.schema().state_version());
        refuse_newer("state", &request.type_name, version, known)?;
        let raw = request.raw_state.unwrap_or_default();
        if raw.json.is_empty() {
            return Err(Diagnostic::error(
                "State of a very old Terraform",
                "The state is not in JSON. Run Terraform 0.12 or later once with the provider version that wrote it.",
            ));
        }
        resource.erased.upgrade(version, known, &raw.json)
    });
    wire::upgrade_resource_state::Response {
        upgraded_state: upgraded.map(dynamic_value),
        diagnostics: diagnostics.into_proto(),
    }
}

pub(super) async fn upgrade_identity<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::upgrade_resource_identity::Request,
) -> wire::upgrade_resource_identity::Response {
    let mut diagnostics = Diagnostics::new();
    let upgraded = diagnostics.collect(|_| {
        let resource = served.resource(&request.type_name)?;
        let identity = resource.identity();
        let (version, known) = (request.version, identity.identity_version());
        refuse_newer("identity", &request.type_name, version, known)?;
        let raw = request.raw_identity.unwrap_or_default();
        Ok(identity.upgrade(resource.schema(), version, &raw.json)?)
    });
    wire::upgrade_resource_identity::Response {
        upgraded_identity: upgraded.flatten().map(identity_data),
        diagnostics: diagnostics.into_proto(),
    }
}

pub(super) async fn read<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::read_resource::Request,
) -> wire::read_resource::Response {
    let mut diagnostics = Diagnostics::new();
    let mut private = Private::from_bytes(&request.private);
    let name = request.type_name.clone();
    let current = request.current_state.clone();
    let reading = read_state(&served, request, &mut private, &mut diagnostics);
    let outcome = unless_stopped(&served.cancelled(), reading).await;
    let state = diagnostics.record(outcome);
    // An object that cannot be read now is not forgotten.
    let new_state = match state {
        Some(state) if !diagnostics.has_errors() => Some(dynamic_value(state)),
        _ => current,
    };
    wire::read_resource::Response {
        new_identity: served.identity_of(&name, new_state.as_ref()),
        new_state,
        private: private.to_bytes(),
        diagnostics: diagnostics.into_proto(),
        deferred: None,
    }
}

async fn read_state<P: Provider>(
    served: &Served<P>,
    request: wire::read_resource::Request,
    private: &mut Private,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<u8>, Diagnostic> {
    let resource = served.resource(&request.type_name)?;
    let (schema, identity) = (resource.schema(), resource.identity());
    let state = msgpack_of(schema, request.current_state)?;
    if raw_value::is_null(&state) {
        return Ok(state);
    }
    let surroundings = served.surroundings()?;
    let new = resource
        .erased
        .read(surroundings.context(), &state, private, diagnostics)
        .await?
        .unwrap_or_else(|| NULL.to_vec());
    report_violations(
        "state",
        conformance::check_state(schema, &new)?,
        diagnostics,
    );
    let found = conformance::check_same_object(identity, &state, &new)?;
    report_violations("state", found, diagnostics);
    Ok(new)
}

pub(super) async fn plan<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::plan_resource_change::Request,
) -> wire::plan_resource_change::Response {
    let mut diagnostics = Diagnostics::new();
    let planning = plan_change(&served, request, &mut diagnostics);
    let outcome = unless_stopped(&served.cancelled(), planning).await;
    let planned = diagnostics.record(outcome).unwrap_or_default();
    wire::plan_resource_change::Response {
        diagnostics: diagnostics.into_proto(),
        ..planned
    }
}

async fn plan_change<P: Provider>(
    served: &Served<P>,
    request: wire::plan_resource_change::Request,
    diagnostics: &mut Diagnostics,
) -> Result<wire::plan_resource_change::Response, Diagnostic> {
    let resource = served.resource(&request.type_name)?;
    let (schema, identity) = (resource.schema(), resource.identity());
    let prior_state = msgpack_of(schema, request.prior_state)?;
    let prior = non_null(&prior_state);
    let config = msgpack_of(schema, request.config)?;
    let proposed = msgpack_of(schema, request.proposed_new_state)?;
    let private = Private::from_bytes(&request.prior_private);
    let surroundings = served.surroundings()?;
    let context = surroundings.context();
    if raw_value::is_null(&proposed) {
        if let Some(prior) = prior {
            resource
                .erased
                .plan_destroy(context, prior, &private, diagnostics)
                .await?;
        }
        return Ok(wire::plan_resource_change::Response {
            planned_state: Some(dynamic_value(proposed)),
            planned_private: private.to_bytes(),
            ..Default::default()
        });
    }
    let proposed = planning::propose(schema, &config, prior, &proposed)?;
    let planned = resource
        .erased
        .plan(context, prior, &config, &proposed, private, diagnostics)
        .await?;
    let mut replace = planned.requires_replace;
    if let Some(prior) = prior {
        replace.extend(planning::requires_replace(schema, prior, &planned.state)?);
    }
    if !diagnostics.has_errors() {
        let found = conformance::check_plan(schema, prior, &config, &planned.state)?;
        report_violations("plan", found, diagnostics);
        if let Some(prior) = prior
            && replace.is_empty()
        {
            let found = conformance::check_same_object(identity, prior, &planned.state)?;
            report_violations("plan", found, diagnostics);
        }
    }
    Ok(wire::plan_resource_change::Response {
        planned_identity: identity.extract(&planned.state)?.map(identity_data),
        planned_state: Some(dynamic_value(planned.state)),
        planned_private: planned.private.to_bytes(),
        requires_replace: replace.iter().filter_map(Path::to_proto).collect(),
        ..Default::default()
    })
}

pub(super) async fn apply<P: Provider>(
    served: Arc<Served<P>>,
    request: wire::apply_resource_change::Request,
) -> wire::apply_resource_change::Response {
    let mut diagnostics = Diagnostics::new();
    let mut private = Private::from_bytes(&request.planned_private);
    let name = request.type_name.clone();
    let prior = request.prior_state.clone();
    let outcome = apply_change(&served, request, &mut private, &mut diagnostics).await;
    let state = diagnostics.record(outcome);
    // A request that could not be understood changed nothing.
    let new_state = state.map(dynamic_value).or(prior);
    wire::apply_resource_change::Response {
        new_identity: served.identity_of(&name, new_state.as_ref()),
        new_state,
        private: private.to_bytes(),
        diagnostics: diagnostics.into_proto(),
        ..Default::default()
    }
}

async fn apply_change<P: Provider>(
    served: &Served<P>,
    request: wire::apply_resource_change::Request,
    private: &mut Private,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<u8>, Diagnostic> {
    let resource = served.resource(&request.type_name)?;
    let schema = resource.schema();
    let prior = msgpack_of(schema, request.prior_state)?;
    let planned = msgpack_of(schema, request.planned_state)?;
    let surroundings = served.surroundings()?;
    let config = Config {
        schema,
        value: request.config.as_ref(),
    };
    let new = resource
        .erased
        .apply(
            surroundings.context(),
            non_null(&prior),
            non_null(&planned),
            config,
            private,
            diagnostics,
        )
        .await?
        .unwrap_or_else(|| NULL.to_vec());
    if !diagnostics.has_errors() {
        // The change is made: a result that cannot be checked is reported and kept.
        match conformance::check_result(schema, &planned, &new) {
            Ok(found) => report_violations("result", found, diagnostics),
            Err(error) => diagnostics.push(error.into()),
        }
    }
    Ok(clean_state(schema, new))
}
