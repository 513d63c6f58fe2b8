//! The services that go-plugin's host expects beside the provider.

use std::future::Future;
use std::pin::Pin;

use futures_util::{StreamExt, future, stream};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::lifetime::Lifetime;
use crate::proto::go_plugin::grpc_broker_server::GrpcBroker;
use crate::proto::go_plugin::grpc_controller_server::GrpcController;
use crate::proto::go_plugin::grpc_stdio_server::GrpcStdio;
use crate::proto::go_plugin::{ConnInfo, Empty, StdioData};
use crate::proto::health::health_check_response::ServingStatus;
use crate::proto::health::health_server;
use crate::proto::health::{HealthCheckRequest, HealthCheckResponse};

/// The name under which go-plugin's host asks for health.
const PLUGIN_SERVICE: &str = "plugin";

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A stream that is open until `end`, and empty.
fn silent_until<T: Send + 'static>(end: impl Future<Output = ()> + Send + 'static) -> BoxStream<T> {
    Box::pin(stream::once(end).filter_map(|()| future::ready(None)))
}

/// The service that ends the process.
#[derive(Debug)]
pub(super) struct Controller {
    lifetime: Lifetime,
}

impl Controller {
    pub(super) fn new(lifetime: Lifetime) -> Self {
        Self { lifetime }
    }
}

#[async_trait]
impl GrpcController for Controller {
    /// Answers at once when idle, otherwise when the applies in flight are done.
    ///
    /// Terraform kills the process two seconds after the answer and sets no limit before it.
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.lifetime.request_shutdown();
        self.lifetime.clone().finished().await;
        Ok(Response::new(Empty {}))
    }
}

/// The service that mirrors the standard streams. Its stream stays empty: after the handshake only the log is written
/// to them, and go-plugin reads that from standard error itself.
#[derive(Debug)]
pub(super) struct Stdio {
    lifetime: Lifetime,
}

impl Stdio {
    pub(super) fn new(lifetime: Lifetime) -> Self {
        Self { lifetime }
    }
}

#[async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = BoxStream<StdioData>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(silent_until(
            self.lifetime.clone().finished(),
        )))
    }
}

/// The service that arranges further connections. Terraform opens the stream and asks for none.
#[derive(Debug)]
pub(super) struct Broker {
    lifetime: Lifetime,
}

impl Broker {
    pub(super) fn new(lifetime: Lifetime) -> Self {
        Self { lifetime }
    }
}

#[async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = BoxStream<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let mut announcements = request.into_inner();
        let finished = self.lifetime.clone().finished();
        Ok(Response::new(silent_until(async move {
            let drained = async { while let Ok(Some(_)) = announcements.message().await {} };
            tokio::select! {
                () = drained => {}
                () = finished => {}
            }
        })))
    }
}

/// The service that says that the plugin is serving, for as long as it is.
#[derive(Debug)]
pub(super) struct Health {
    lifetime: Lifetime,
}

impl Health {
    pub(super) fn new(lifetime: Lifetime) -> Self {
        Self { lifetime }
    }
}

/// The state of a service by name; the empty name is the server as a whole.
fn health_of(service: &str) -> ServingStatus {
    match service {
        PLUGIN_SERVICE | "" => ServingStatus::Serving,
        _ => ServingStatus::ServiceUnknown,
    }
}

#[async_trait]
impl health_server::Health for Health {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match health_of(&request.get_ref().service) {
            ServingStatus::ServiceUnknown => Err(Status::not_found("no such service")),
            status => Ok(Response::new(HealthCheckResponse {
                status: status.into(),
            })),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let status = health_of(&request.get_ref().service).into();
        let first = stream::iter([Ok(HealthCheckResponse { status })]);
        let rest = silent_until(self.lifetime.clone().finished());
        Ok(Response::new(Box::pin(first.chain(rest))))
    }
}
