//! The provider that is served, and the state that its RPCs share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use tokio_util::sync::CancellationToken;

use crate::proto::tfplugin6::{DynamicValue, ResourceIdentityData};

use super::super::data_source::DataSourceType;
use super::super::diagnostics::Diagnostic;
use super::super::provider::Provider;
use super::super::resource::{Context, ResourceType};
use super::super::schema::Schema;
use super::encoded::identity_data;
use super::reports::unknown_type;

/// A provider, its offer, and the data that its configuration made.
pub(super) struct Served<P: Provider> {
    pub(super) provider: P,
    offered: OnceLock<Offered<P::Data>>,
    data: RwLock<Option<Arc<P::Data>>>,
    stop: Mutex<CancellationToken>,
}

/// The schemas and types of a provider; types by their whole names.
pub(super) struct Offered<D> {
    pub(super) provider_schema: Schema,
    pub(super) resources: BTreeMap<String, ResourceType<D>>,
    pub(super) data_sources: BTreeMap<String, DataSourceType<D>>,
}

/// The owner of what a [`Context`] borrows.
pub(super) struct Surroundings<D> {
    data: Arc<D>,
    cancelled: CancellationToken,
}

impl<D> Surroundings<D> {
    pub(super) fn context(&self) -> Context<'_, D> {
        Context {
            data: &self.data,
            cancelled: &self.cancelled,
        }
    }
}

impl<P: Provider> Served<P> {
    pub(super) fn new(provider: P) -> Self {
        Self {
            provider,
            offered: OnceLock::new(),
            data: RwLock::new(None),
            stop: Mutex::new(CancellationToken::new()),
        }
    }

    pub(super) fn offered(&self) -> &Offered<P::Data> {
        self.offered.get_or_init(|| {
            let whole = |name: &str| format!("{}_{name}", self.provider.name());
            Offered {
                provider_schema: self.provider.schema(),
                resources: self
                    .provider
                    .resources()
                    .into_iter()
                    .map(|resource| (whole(resource.name()), resource))
                    .collect(),
                data_sources: self
                    .provider
                    .data_sources()
                    .into_iter()
                    .map(|source| (whole(source.name()), source))
                    .collect(),
            }
        })
    }

    pub(super) fn resource(&self, name: &str) -> Result<&ResourceType<P::Data>, Diagnostic> {
        self.offered()
            .resources
            .get(name)
            .ok_or_else(|| unknown_type("resource", name))
    }

    pub(super) fn data_source(&self, name: &str) -> Result<&DataSourceType<P::Data>, Diagnostic> {
        self.offered()
            .data_sources
            .get(name)
            .ok_or_else(|| unknown_type("data source", name))
    }

    /// The identity that goes beside a state in an answer; none while it is not known.
    pub(super) fn identity_of(
        &self,
        name: &str,
        state: Option<&DynamicValue>,
    ) -> Option<ResourceIdentityData> {
        let identity = self.resource(name).ok()?.identity();
        // States are checked where they are made; one that cannot be read has no identity.
        let found = identity.extract(&state?.msgpack).ok()?;
        found.map(identity_data)
    }

    /// Keeps the data that the provider's configuration made; none after a configuration that failed.
    pub(super) fn set_data(&self, data: Option<P::Data>) {
        *self.data.write().unwrap_or_else(PoisonError::into_inner) = data.map(Arc::new);
    }

    /// The surroundings of a call of the provider.
    ///
    /// # Errors
    /// If the provider is not configured.
    pub(super) fn surroundings(&self) -> Result<Surroundings<P::Data>, Diagnostic> {
        let configured = self.data.read().unwrap_or_else(PoisonError::into_inner);
        match &*configured {
            Some(data) => Ok(Surroundings {
                data: Arc::clone(data),
                cancelled: self.cancelled(),
            }),
            None => Err(Diagnostic::error(
                "Provider not configured",
                "Terraform asked for work before it configured the provider. This is a bug in Terraform or in the \
                 provider.",
            )),
        }
    }

    /// A token that is cancelled when Terraform asks to stop the calls that are under way now.
    pub(super) fn cancelled(&self) -> CancellationToken {
        self.stop
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Cancels the calls that are under way. Terraform sends more afterwards, and those are not cancelled.
    pub(super) fn stop(&self) {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *stop).cancel();
    }
}
