//! The gRPC service of Terraform's protocol 6, for any [`Provider`].

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use futures_util::Stream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::proto::tfplugin6::{self as wire, provider_server};

use super::conformance;
use super::data_source::DataSourceType;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::identity::{Identity, ImportBy};
use super::json;
use super::msgpack::{DecodeError, NULL};
use super::node;
use super::path::Path;
use super::planning;
use super::private::Private;
use super::provider::Provider;
use super::resource::{CodecError, Context, MoveSource, ResourceType, decode};
use super::schema::Schema;
use super::validation;

/// Serves a provider. Cheap to make: schemas are built when they are first asked for.
pub struct Server<P: Provider> {
    inner: Arc<Inner<P>>,
}

struct Inner<P: Provider> {
    provider: P,
    offered: OnceLock<Offered<P::Data>>,
    data: RwLock<Option<Arc<P::Data>>>,
    stop: Mutex<CancellationToken>,
}

struct Offered<D> {
    provider_schema: Schema,
    resources: BTreeMap<String, Managed<D>>,
    data_sources: BTreeMap<String, (Schema, DataSourceType<D>)>,
}

struct Managed<D> {
    schema: Schema,
    identity: Identity,
    resource: ResourceType<D>,
}

impl<D: Send + Sync + 'static> From<ResourceType<D>> for Managed<D> {
    fn from(resource: ResourceType<D>) -> Self {
        Self {
            schema: resource.schema(),
            identity: resource.identity(),
            resource,
        }
    }
}

/// What a [`Context`] borrows from.
struct Surroundings<D> {
    data: Arc<D>,
    cancelled: CancellationToken,
}

impl<D> Surroundings<D> {
    fn context(&self) -> Context<'_, D> {
        Context {
            data: &self.data,
            cancelled: &self.cancelled,
        }
    }
}

impl<P: Provider> Server<P> {
    /// Serves `provider`.
    pub fn new(provider: P) -> Self {
        Self {
            inner: Arc::new(Inner {
                provider,
                offered: OnceLock::new(),
                data: RwLock::new(None),
                stop: Mutex::new(CancellationToken::new()),
            }),
        }
    }

    /// Runs a request in a task that ends with the request; the process around it sees to it that the request of
    /// an apply is never dropped.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Inner<P>>) -> F) -> Result<Response<T>, Status>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let mut task = AbortOnDrop(tokio::spawn(work(Arc::clone(&self.inner))));
        answer((&mut task.0).await)
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn answer<T>(result: Result<T, tokio::task::JoinError>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| {
        tracing::error!(%error, "a request ended abnormally");
        if error.is_panic() {
            Status::internal("the provider panicked, which is a bug; its log has the details")
        } else {
            Status::cancelled("the request was dropped")
        }
    })
}

impl<P: Provider> Inner<P> {
    fn offered(&self) -> &Offered<P::Data> {
        self.offered.get_or_init(|| {
            let name = |of: &str| format!("{}_{of}", self.provider.name());
            let resources = self.provider.resources().into_iter();
            let data_sources = self.provider.data_sources().into_iter();
            Offered {
                provider_schema: self.provider.schema(),
                resources: resources
                    .map(|resource| (name(resource.name()), resource.into()))
                    .collect(),
                data_sources: data_sources
                    .map(|source| (name(source.name()), (source.schema(), source)))
                    .collect(),
            }
        })
    }

    fn resource(&self, name: &str) -> Result<&Managed<P::Data>, Diagnostic> {
        self.offered()
            .resources
            .get(name)
            .ok_or_else(|| unknown_type("resource", name))
    }

    /// What goes beside a state that is answered; none while the object's identity is not known.
    fn identity_of(
        &self,
        name: &str,
        state: Option<&wire::DynamicValue>,
    ) -> Option<wire::ResourceIdentityData> {
        let identity = &self.resource(name).ok()?.identity;
        // States are checked where they are made; what cannot be read has no identity.
        let found = identity.in_state(&state?.msgpack).ok()?;
        found.map(identity_data)
    }

    fn data_source(&self, name: &str) -> Result<&(Schema, DataSourceType<P::Data>), Diagnostic> {
        self.offered()
            .data_sources
            .get(name)
            .ok_or_else(|| unknown_type("data source", name))
    }

    fn data(&self) -> Result<Arc<P::Data>, Diagnostic> {
        let data = self.data.read().unwrap_or_else(PoisonError::into_inner);
        data.clone().ok_or_else(|| {
            Diagnostic::error(
                "Provider not configured",
                "Terraform asked for work before it configured the provider. This is a bug in Terraform or in the \
                 provider.",
            )
        })
    }

    fn surroundings(&self) -> Result<Surroundings<P::Data>, Diagnostic> {
        Ok(Surroundings {
            data: self.data()?,
            cancelled: self.cancelled(),
        })
    }

    fn cancelled(&self) -> CancellationToken {
        self.stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn capabilities() -> wire::ServerCapabilities {
        wire::ServerCapabilities {
            plan_destroy: true,
            get_provider_schema_optional: true,
            move_resource_state: true,
            generate_resource_config: false,
        }
    }
}

fn unknown_type(kind: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Unknown {kind} type"),
        format!(
            "This version of the provider has no {kind} {name:?}. Use a version that has it, or correct the name."
        ),
    )
}

fn refuse_newer(what: &str, type_name: &str, version: i64, known: i64) -> Result<(), Diagnostic> {
    if version <= known {
        return Ok(());
    }
    Err(Diagnostic::error(
        "State of a newer provider",
        format!(
            "The {what} of this {type_name} has schema version {version}; this version of the provider knows up to \
             {known}. Use the newer provider version that wrote it."
        ),
    ))
}

fn unsupported(what: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{what} not supported"),
        format!("This version of the provider offers no {what}."),
    )
}

/// Work that ends early at the first error.
fn collect<T>(
    diagnostics: &mut Diagnostics,
    work: impl FnOnce(&mut Diagnostics) -> Result<T, Diagnostic>,
) -> Option<T> {
    work(diagnostics)
        .map_err(|error| diagnostics.push(error))
        .ok()
}

/// The outcome of work that writes nothing, which is given up when Terraform is to stop.
async fn unless_stopped<T>(
    cancelled: &CancellationToken,
    work: impl Future<Output = Result<T, Diagnostic>>,
) -> Result<T, Diagnostic> {
    tokio::select! {
        biased;
        outcome = work => outcome,
        () = cancelled.cancelled() => Err(Diagnostic::error(
            "Stopped before its end",
            "Terraform was to stop (Ctrl-C, or an error elsewhere), so what this is about was not looked into. Run it again.",
        )),
    }
}

/// A value that the schema refuses may not fit the Rust type either; one report of it is enough.
fn unless_reported(
    result: Result<(), CodecError>,
    diagnostics: &Diagnostics,
) -> Result<(), Diagnostic> {
    match result {
        Err(_) if diagnostics.has_errors() => Ok(()),
        result => Ok(result?),
    }
}

impl From<DecodeError> for Diagnostic {
    fn from(error: DecodeError) -> Self {
        CodecError::Decode {
            what: "value",
            error,
        }
        .into()
    }
}

/// The MessagePack of a message's value; a missing one is null.
fn bytes(schema: &Schema, value: Option<wire::DynamicValue>) -> Result<Vec<u8>, Diagnostic> {
    match value {
        None => Ok(NULL.to_vec()),
        Some(value) if !value.msgpack.is_empty() => {
            let mut reader = super::msgpack::Reader::new(&value.msgpack);
            reader.skip()?;
            Ok(value.msgpack)
        }
        Some(value) if !value.json.is_empty() => {
            Ok(json::to_msgpack(schema.attributes(), &value.json)?)
        }
        Some(_) => Ok(NULL.to_vec()),
    }
}

fn dynamic(msgpack: Vec<u8>) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

fn identity_data(msgpack: Vec<u8>) -> wire::ResourceIdentityData {
    wire::ResourceIdentityData {
        identity_data: dynamic(msgpack),
    }
}

fn present(bytes: &[u8]) -> Option<&[u8]> {
    (!node::is_null(bytes)).then_some(bytes)
}

/// Violations of what Terraform checks are bugs of the provider; they are reported as such, with the path.
fn report_violations(stage: &str, found: Vec<(Path, &'static str)>, diagnostics: &mut Diagnostics) {
    for (path, problem) in found {
        let whole = path.steps().is_empty();
        let place = if whole {
            "The object".to_owned()
        } else {
            path.to_string()
        };
        diagnostics.error_at(
            path,
            format!("Bug in the provider: inconsistent {stage}"),
            format!("{place}: {problem}. Nothing is wrong with your configuration; please report this with it."),
        );
    }
}

/// What a state may not hold is replaced by null, so that the rest is kept: Terraform drops a whole state for one
/// write-only value in it. Bytes that cannot be looked into stay as they are.
fn storable(schema: &Schema, state: Vec<u8>) -> Vec<u8> {
    let known = known_only(&state).unwrap_or(state);
    planning::without_write_only(schema, &known).unwrap_or(known)
}

fn known_only(state: &[u8]) -> Result<Vec<u8>, DecodeError> {
    use super::msgpack::{Head, Reader};

    let mut reader = Reader::new(state);
    let mut known = Vec::with_capacity(state.len());
    while !reader.is_at_end() {
        let before = reader.remaining();
        let start = state.len() - before;
        if reader.head()? == Head::Unknown {
            known.extend_from_slice(&NULL);
        } else {
            known.extend_from_slice(&state[start..state.len() - reader.remaining()]);
        }
    }
    Ok(known)
}

type EventStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn one_event<T: Send + 'static>(event: T) -> Result<Response<EventStream<T>>, Status> {
    Ok(Response::new(Box::pin(futures_util::stream::iter([Ok(
        event,
    )]))))
}

fn diagnostics_of(diagnostic: Diagnostic) -> Vec<wire::Diagnostic> {
    let mut diagnostics = Diagnostics::new();
    diagnostics.push(diagnostic);
    diagnostics.into_proto()
}

#[tonic::async_trait]
impl<P: Provider> provider_server::Provider for Server<P> {
    async fn get_metadata(
        &self,
        _request: Request<wire::get_metadata::Request>,
    ) -> Result<Response<wire::get_metadata::Response>, Status> {
        self.run(|inner| async move {
            use wire::get_metadata::{DataSourceMetadata, ResourceMetadata};
            let offered = inner.offered();
            let resources = offered.resources.keys();
            let data_sources = offered.data_sources.keys();
            wire::get_metadata::Response {
                server_capabilities: Some(Inner::<P>::capabilities()),
                resources: resources
                    .map(|name| ResourceMetadata {
                        type_name: name.clone(),
                    })
                    .collect(),
                data_sources: data_sources
                    .map(|name| DataSourceMetadata {
                        type_name: name.clone(),
                    })
                    .collect(),
                ..Default::default()
            }
        })
        .await
    }

    async fn get_provider_schema(
        &self,
        _request: Request<wire::get_provider_schema::Request>,
    ) -> Result<Response<wire::get_provider_schema::Response>, Status> {
        self.run(|inner| async move {
            let offered = inner.offered();
            let resources = offered.resources.iter();
            let data_sources = offered.data_sources.iter();
            wire::get_provider_schema::Response {
                provider: Some(offered.provider_schema.to_proto()),
                resource_schemas: resources
                    .map(|(name, managed)| (name.clone(), managed.schema.to_proto()))
                    .collect(),
                data_source_schemas: data_sources
                    .map(|(name, (schema, _))| (name.clone(), schema.to_proto()))
                    .collect(),
                server_capabilities: Some(Inner::<P>::capabilities()),
                ..Default::default()
            }
        })
        .await
    }

    async fn get_resource_identity_schemas(
        &self,
        _request: Request<wire::get_resource_identity_schemas::Request>,
    ) -> Result<Response<wire::get_resource_identity_schemas::Response>, Status> {
        self.run(|inner| async move {
            let resources = inner.offered().resources.iter();
            let schemas = resources.map(|(name, managed)| {
                let schema = managed.identity.to_proto(&managed.schema);
                (name.clone(), schema)
            });
            wire::get_resource_identity_schemas::Response {
                identity_schemas: schemas.collect(),
                diagnostics: Vec::new(),
            }
        })
        .await
    }

    async fn validate_provider_config(
        &self,
        request: Request<wire::validate_provider_config::Request>,
    ) -> Result<Response<wire::validate_provider_config::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            collect(&mut diagnostics, |diagnostics| {
                let schema = &inner.offered().provider_schema;
                let config = bytes(schema, request.config)?;
                validation::validate(schema, &config, diagnostics)?;
                let config: P::Config = decode("provider configuration", &config)?;
                inner.provider.validate(&config, diagnostics);
                Ok(())
            });
            wire::validate_provider_config::Response {
                diagnostics: diagnostics.into_proto(),
            }
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Result<Response<wire::validate_resource_config::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            collect(&mut diagnostics, |diagnostics| {
                let Managed { schema, resource, .. } = inner.resource(&request.type_name)?;
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
                let config = bytes(schema, request.config)?;
                validation::validate(schema, &config, diagnostics)?;
                let validated = resource.0.validate(&config, diagnostics);
                unless_reported(validated, diagnostics)
            });
            wire::validate_resource_config::Response {
                diagnostics: diagnostics.into_proto(),
            }
        })
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<wire::validate_data_resource_config::Request>,
    ) -> Result<Response<wire::validate_data_resource_config::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            collect(&mut diagnostics, |diagnostics| {
                let (schema, source) = inner.data_source(&request.type_name)?;
                let config = bytes(schema, request.config)?;
                validation::validate(schema, &config, diagnostics)?;
                let validated = source.0.validate(&config, diagnostics);
                unless_reported(validated, diagnostics)
            });
            wire::validate_data_resource_config::Response {
                diagnostics: diagnostics.into_proto(),
            }
        })
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Result<Response<wire::upgrade_resource_state::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let upgraded = collect(&mut diagnostics, |_| {
                let Managed { schema, resource, .. } = inner.resource(&request.type_name)?;
                let version = request.version;
                refuse_newer("state", &request.type_name, version, schema.state_version())?;
                let raw = request.raw_state.unwrap_or_default();
                if raw.json.is_empty() {
                    return Err(Diagnostic::error(
                        "State of a very old Terraform",
                        "The state is not in JSON. Run Terraform 0.12 or later once with the provider version that \
                         wrote it.",
                    ));
                }
                resource.0.upgrade(version, &raw.json)
            });
            wire::upgrade_resource_state::Response {
                upgraded_state: upgraded.and_then(dynamic),
                diagnostics: diagnostics.into_proto(),
            }
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<wire::upgrade_resource_identity::Request>,
    ) -> Result<Response<wire::upgrade_resource_identity::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let upgraded = collect(&mut diagnostics, |_| {
                let Managed {
                    schema, identity, ..
                } = inner.resource(&request.type_name)?;
                let (version, known) = (request.version, identity.identity_version());
                refuse_newer("identity", &request.type_name, version, known)?;
                let raw = request.raw_identity.unwrap_or_default();
                Ok(identity.upgrade(schema, version, &raw.json)?)
            });
            wire::upgrade_resource_identity::Response {
                upgraded_identity: upgraded.flatten().map(identity_data),
                diagnostics: diagnostics.into_proto(),
            }
        })
        .await
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Result<Response<wire::configure_provider::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let config = collect(&mut diagnostics, |_| {
                let config = bytes(&inner.offered().provider_schema, request.config)?;
                Ok(decode::<P::Config>("provider configuration", &config)?)
            });
            if let Some(config) = config {
                let cancelled = inner.cancelled();
                let data = inner
                    .provider
                    .configure(config, &cancelled, &mut diagnostics)
                    .await;
                *inner.data.write().unwrap_or_else(PoisonError::into_inner) = data.map(Arc::new);
            }
            wire::configure_provider::Response {
                diagnostics: diagnostics.into_proto(),
            }
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Result<Response<wire::read_resource::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let mut private = Private::from_bytes(&request.private);
            let name = request.type_name.clone();
            let fallback = request.current_state.clone();
            let reading = read(&inner, request, &mut private, &mut diagnostics);
            let new_state = unless_stopped(&inner.cancelled(), reading)
                .await
                .map_err(|error| diagnostics.push(error));
            // What cannot be read now is not forgotten.
            let new_state = match new_state {
                Ok(state) if !diagnostics.has_errors() => dynamic(state),
                _ => fallback,
            };
            wire::read_resource::Response {
                new_identity: inner.identity_of(&name, new_state.as_ref()),
                new_state,
                private: private.to_bytes(),
                diagnostics: diagnostics.into_proto(),
                deferred: None,
            }
        })
        .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Result<Response<wire::plan_resource_change::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let planning = plan(&inner, request, &mut diagnostics);
            let planned = unless_stopped(&inner.cancelled(), planning)
                .await
                .map_err(|error| diagnostics.push(error));
            let mut response = planned.unwrap_or_default();
            response.diagnostics = diagnostics.into_proto();
            response
        })
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Result<Response<wire::apply_resource_change::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let mut private = Private::from_bytes(&request.planned_private);
            let name = request.type_name.clone();
            let prior = request.prior_state.clone();
            let new_state = apply(&inner, request, &mut private, &mut diagnostics)
                .await
                .map_err(|error| diagnostics.push(error));
            // A request that could not be understood changed nothing.
            let new_state = new_state.map_or(prior, dynamic);
            wire::apply_resource_change::Response {
                new_identity: inner.identity_of(&name, new_state.as_ref()),
                new_state,
                private: private.to_bytes(),
                diagnostics: diagnostics.into_proto(),
                ..Default::default()
            }
        })
        .await
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Result<Response<wire::import_resource_state::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let importing = import(&inner, request, &mut diagnostics);
            let imported = unless_stopped(&inner.cancelled(), importing)
                .await
                .map_err(|error| diagnostics.push(error));
            wire::import_resource_state::Response {
                imported_resources: imported.ok().flatten().into_iter().collect(),
                diagnostics: diagnostics.into_proto(),
                deferred: None,
            }
        })
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<wire::move_resource_state::Request>,
    ) -> Result<Response<wire::move_resource_state::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let moved = collect(&mut diagnostics, |_| {
                let Managed { resource, .. } = inner.resource(&request.target_type_name)?;
                let source = MoveSource {
                    provider_address: &request.source_provider_address,
                    type_name: &request.source_type_name,
                    schema_version: request.source_schema_version,
                    state: request.source_state.as_ref().map_or(&[], |state| &state.json),
                };
                resource.0.take_over(source).unwrap_or_else(|| {
                    Err(Diagnostic::error(
                        "Move not supported",
                        format!(
                            "{} cannot take over a {} of {}. Remove the moved block, and import the resource instead.",
                            request.target_type_name,
                            request.source_type_name,
                            request.source_provider_address
                        ),
                    ))
                })
            });
            let target_state = moved.and_then(dynamic);
            wire::move_resource_state::Response {
                target_identity: inner
                    .identity_of(&request.target_type_name, target_state.as_ref()),
                target_state,
                diagnostics: diagnostics.into_proto(),
                ..Default::default()
            }
        })
        .await
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Result<Response<wire::read_data_source::Response>, Status> {
        let request = request.into_inner();
        self.run(|inner| async move {
            let mut diagnostics = Diagnostics::new();
            let state = read_data(&inner, request, &mut diagnostics)
                .await
                .map_err(|error| diagnostics.push(error));
            wire::read_data_source::Response {
                state: state.ok().flatten().and_then(dynamic),
                diagnostics: diagnostics.into_proto(),
                deferred: None,
            }
        })
        .await
    }

    async fn stop_provider(
        &self,
        _request: Request<wire::stop_provider::Request>,
    ) -> Result<Response<wire::stop_provider::Response>, Status> {
        // What is under way is cancelled; what comes after, and Terraform does send more, is not.
        let mut stop = self
            .inner
            .stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *stop).cancel();
        Ok(Response::new(Default::default()))
    }

    async fn get_functions(
        &self,
        _request: Request<wire::get_functions::Request>,
    ) -> Result<Response<wire::get_functions::Response>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn call_function(
        &self,
        request: Request<wire::call_function::Request>,
    ) -> Result<Response<wire::call_function::Response>, Status> {
        let name = request.into_inner().name;
        Ok(Response::new(wire::call_function::Response {
            result: None,
            error: Some(wire::FunctionError {
                text: format!("This version of the provider has no function {name:?}."),
                function_argument: None,
            }),
        }))
    }

    async fn generate_resource_config(
        &self,
        _request: Request<wire::generate_resource_config::Request>,
    ) -> Result<Response<wire::generate_resource_config::Response>, Status> {
        Ok(Response::new(wire::generate_resource_config::Response {
            diagnostics: diagnostics_of(unsupported("generated configuration")),
            ..Default::default()
        }))
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<wire::validate_ephemeral_resource_config::Request>,
    ) -> Result<Response<wire::validate_ephemeral_resource_config::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(
            wire::validate_ephemeral_resource_config::Response {
                diagnostics: diagnostics_of(unknown_type("ephemeral resource", &name)),
            },
        ))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<wire::open_ephemeral_resource::Request>,
    ) -> Result<Response<wire::open_ephemeral_resource::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::open_ephemeral_resource::Response {
            diagnostics: diagnostics_of(unknown_type("ephemeral resource", &name)),
            ..Default::default()
        }))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<wire::renew_ephemeral_resource::Request>,
    ) -> Result<Response<wire::renew_ephemeral_resource::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::renew_ephemeral_resource::Response {
            diagnostics: diagnostics_of(unknown_type("ephemeral resource", &name)),
            ..Default::default()
        }))
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<wire::close_ephemeral_resource::Request>,
    ) -> Result<Response<wire::close_ephemeral_resource::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::close_ephemeral_resource::Response {
            diagnostics: diagnostics_of(unknown_type("ephemeral resource", &name)),
        }))
    }

    type ListResourceStream = EventStream<wire::list_resource::Event>;

    async fn list_resource(
        &self,
        request: Request<wire::list_resource::Request>,
    ) -> Result<Response<Self::ListResourceStream>, Status> {
        let name = request.into_inner().type_name;
        one_event(wire::list_resource::Event {
            diagnostic: diagnostics_of(unknown_type("list resource", &name)),
            ..Default::default()
        })
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<wire::validate_list_resource_config::Request>,
    ) -> Result<Response<wire::validate_list_resource_config::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(
            wire::validate_list_resource_config::Response {
                diagnostics: diagnostics_of(unknown_type("list resource", &name)),
            },
        ))
    }

    async fn plan_action(
        &self,
        request: Request<wire::plan_action::Request>,
    ) -> Result<Response<wire::plan_action::Response>, Status> {
        let name = request.into_inner().action_type;
        Ok(Response::new(wire::plan_action::Response {
            diagnostics: diagnostics_of(unknown_type("action", &name)),
            deferred: None,
        }))
    }

    type InvokeActionStream = EventStream<wire::invoke_action::Event>;

    async fn invoke_action(
        &self,
        request: Request<wire::invoke_action::Request>,
    ) -> Result<Response<Self::InvokeActionStream>, Status> {
        use wire::invoke_action::event::{Completed, Type};
        let name = request.into_inner().action_type;
        one_event(wire::invoke_action::Event {
            r#type: Some(Type::Completed(Completed {
                diagnostics: diagnostics_of(unknown_type("action", &name)),
            })),
        })
    }

    async fn validate_action_config(
        &self,
        request: Request<wire::validate_action_config::Request>,
    ) -> Result<Response<wire::validate_action_config::Response>, Status> {
        let name = request.into_inner().action_type;
        Ok(Response::new(wire::validate_action_config::Response {
            diagnostics: diagnostics_of(unknown_type("action", &name)),
        }))
    }

    async fn validate_state_store_config(
        &self,
        request: Request<wire::validate_state_store_config::Request>,
    ) -> Result<Response<wire::validate_state_store_config::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::validate_state_store_config::Response {
            diagnostics: diagnostics_of(unknown_type("state store", &name)),
        }))
    }

    async fn configure_state_store(
        &self,
        request: Request<wire::configure_state_store::Request>,
    ) -> Result<Response<wire::configure_state_store::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::configure_state_store::Response {
            diagnostics: diagnostics_of(unknown_type("state store", &name)),
            ..Default::default()
        }))
    }

    type ReadStateBytesStream = EventStream<wire::read_state_bytes::ResponseChunk>;

    async fn read_state_bytes(
        &self,
        request: Request<wire::read_state_bytes::Request>,
    ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
        let name = request.into_inner().type_name;
        one_event(wire::read_state_bytes::ResponseChunk {
            diagnostics: diagnostics_of(unknown_type("state store", &name)),
            ..Default::default()
        })
    }

    async fn write_state_bytes(
        &self,
        request: Request<Streaming<wire::write_state_bytes::RequestChunk>>,
    ) -> Result<Response<wire::write_state_bytes::Response>, Status> {
        drop(request);
        Ok(Response::new(wire::write_state_bytes::Response {
            diagnostics: diagnostics_of(unsupported("state store")),
        }))
    }

    async fn lock_state(
        &self,
        request: Request<wire::lock_state::Request>,
    ) -> Result<Response<wire::lock_state::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::lock_state::Response {
            diagnostics: diagnostics_of(unknown_type("state store", &name)),
            ..Default::default()
        }))
    }

    async fn unlock_state(
        &self,
        request: Request<wire::unlock_state::Request>,
    ) -> Result<Response<wire::unlock_state::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::unlock_state::Response {
            diagnostics: diagnostics_of(unknown_type("state store", &name)),
        }))
    }

    async fn get_states(
        &self,
        request: Request<wire::get_states::Request>,
    ) -> Result<Response<wire::get_states::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::get_states::Response {
            diagnostics: diagnostics_of(unknown_type("state store", &name)),
            ..Default::default()
        }))
    }

    async fn delete_state(
        &self,
        request: Request<wire::delete_state::Request>,
    ) -> Result<Response<wire::delete_state::Response>, Status> {
        let name = request.into_inner().type_name;
        Ok(Response::new(wire::delete_state::Response {
            diagnostics: diagnostics_of(unknown_type("state store", &name)),
        }))
    }
}

async fn read<P: Provider>(
    inner: &Inner<P>,
    request: wire::read_resource::Request,
    private: &mut Private,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<u8>, Diagnostic> {
    let Managed {
        schema,
        identity,
        resource,
    } = inner.resource(&request.type_name)?;
    let state = bytes(schema, request.current_state)?;
    if node::is_null(&state) {
        return Ok(state);
    }
    let surroundings = inner.surroundings()?;
    let context = surroundings.context();
    let new = resource
        .0
        .read(context, &state, private, diagnostics)
        .await?;
    let new = new.unwrap_or_else(|| NULL.to_vec());
    report_violations("state", conformance::stored(schema, &new)?, diagnostics);
    let found = conformance::same_object(identity, &state, &new)?;
    report_violations("state", found, diagnostics);
    Ok(new)
}

async fn plan<P: Provider>(
    inner: &Inner<P>,
    request: wire::plan_resource_change::Request,
    diagnostics: &mut Diagnostics,
) -> Result<wire::plan_resource_change::Response, Diagnostic> {
    let Managed {
        schema,
        identity,
        resource,
    } = inner.resource(&request.type_name)?;
    let prior = bytes(schema, request.prior_state)?;
    let prior = present(&prior);
    let config = bytes(schema, request.config)?;
    let proposed = bytes(schema, request.proposed_new_state)?;
    let private = Private::from_bytes(&request.prior_private);
    let surroundings = inner.surroundings()?;
    let context = surroundings.context();
    if node::is_null(&proposed) {
        if let Some(prior) = prior {
            resource
                .0
                .plan_destroy(context, prior, &private, diagnostics)
                .await?;
        }
        return Ok(wire::plan_resource_change::Response {
            planned_state: dynamic(proposed),
            planned_private: private.to_bytes(),
            ..Default::default()
        });
    }
    let proposed = planning::propose(schema, &config, prior, &proposed)?;
    let planned = resource
        .0
        .plan(context, prior, &config, &proposed, private, diagnostics)
        .await?;
    let mut replace = planned.requires_replace;
    if let Some(prior) = prior {
        replace.extend(planning::requires_replace(schema, prior, &planned.state)?);
    }
    if !diagnostics.has_errors() {
        let found = conformance::planned(schema, prior, &config, &planned.state)?;
        report_violations("plan", found, diagnostics);
        if let Some(prior) = prior
            && replace.is_empty()
        {
            let found = conformance::same_object(identity, prior, &planned.state)?;
            report_violations("plan", found, diagnostics);
        }
    }
    Ok(wire::plan_resource_change::Response {
        planned_identity: identity.in_state(&planned.state)?.map(identity_data),
        planned_state: dynamic(planned.state),
        planned_private: planned.private.to_bytes(),
        requires_replace: replace.iter().filter_map(Path::to_proto).collect(),
        ..Default::default()
    })
}

async fn apply<P: Provider>(
    inner: &Inner<P>,
    request: wire::apply_resource_change::Request,
    private: &mut Private,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<u8>, Diagnostic> {
    let Managed {
        schema, resource, ..
    } = inner.resource(&request.type_name)?;
    let prior = bytes(schema, request.prior_state)?;
    let planned = bytes(schema, request.planned_state)?;
    let surroundings = inner.surroundings()?;
    let context = surroundings.context();
    let new = match (present(&prior), present(&planned)) {
        (None, None) => None,
        (None, Some(planned)) => {
            let erased = &resource.0;
            erased
                .create(context, planned, private, diagnostics)
                .await?
        }
        (Some(prior), Some(planned)) => {
            let erased = &resource.0;
            let new = erased
                .update(context, planned, private, diagnostics)
                .await?;
            // Without a new state nothing was changed, and what was there is still there.
            Some(new.unwrap_or_else(|| prior.to_vec()))
        }
        (Some(prior), None) => {
            let erased = &resource.0;
            erased.delete(context, prior, private, diagnostics).await?;
            diagnostics.has_errors().then(|| prior.to_vec())
        }
    };
    let new = new.unwrap_or_else(|| NULL.to_vec());
    if !diagnostics.has_errors() {
        // The change is made: a result that cannot be checked is reported and kept.
        match conformance::applied(schema, &planned, &new) {
            Ok(found) => report_violations("result", found, diagnostics),
            Err(error) => diagnostics.push(error.into()),
        }
    }
    Ok(storable(schema, new))
}

async fn import<P: Provider>(
    inner: &Inner<P>,
    request: wire::import_resource_state::Request,
    diagnostics: &mut Diagnostics,
) -> Result<Option<wire::import_resource_state::ImportedResource>, Diagnostic> {
    let Managed {
        schema,
        identity,
        resource,
    } = inner.resource(&request.type_name)?;
    let asked = request.identity.and_then(|data| data.identity_data);
    let asked = bytes(schema, asked)?;
    let asked = present(&asked);
    let by = match asked {
        Some(asked) if identity.in_state(asked)?.is_none() => {
            return Err(Diagnostic::error(
                "Import by half an identity",
                format!(
                    "An import of {} has an identity in which a value is null or not known. Give a value to {}.",
                    request.type_name,
                    identity.names().join(" and ")
                ),
            ));
        }
        Some(asked) => ImportBy::Identity(asked),
        None if request.id.is_empty() => {
            return Err(Diagnostic::error(
                "Import without an ID",
                format!(
                    "An import of {} names nothing. Set id in the import block, or identity with {}.",
                    request.type_name,
                    identity.names().join(" and ")
                ),
            ));
        }
        None => ImportBy::Id(request.id.as_str()),
    };
    let surroundings = inner.surroundings()?;
    let context = surroundings.context();
    let mut private = Private::default();
    let state = resource
        .0
        .import(context, by, &mut private, diagnostics)
        .await?;
    let Some(state) = state else {
        return Ok(None);
    };
    report_violations("import", conformance::stored(schema, &state)?, diagnostics);
    let found = conformance::imported(identity, asked, &state)?;
    report_violations("import", found, diagnostics);
    Ok(Some(wire::import_resource_state::ImportedResource {
        type_name: request.type_name,
        identity: identity.in_state(&state)?.map(identity_data),
        state: dynamic(state),
        private: private.to_bytes(),
    }))
}

async fn read_data<P: Provider>(
    inner: &Inner<P>,
    request: wire::read_data_source::Request,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Vec<u8>>, Diagnostic> {
    let (schema, source) = inner.data_source(&request.type_name)?;
    let config = bytes(schema, request.config)?;
    let surroundings = inner.surroundings()?;
    let context = surroundings.context();
    let state = source.0.read(context, &config, diagnostics).await?;
    if let Some(state) = &state
        && !diagnostics.has_errors()
    {
        report_violations("data", conformance::stored(schema, state)?, diagnostics);
        let found = conformance::planned(schema, None, &config, state)?;
        report_violations("data", found, diagnostics);
    }
    Ok(state)
}
