//! The process that Terraform starts: handshake, mutual TLS, the services beside the provider, and a timely end.
//!
//! Terraform starts the provider through HashiCorp's go-plugin. It says what it wants in the
//! environment, reads one handshake line from standard output, and then speaks gRPC over a Unix socket.
//! Standard error carries the log. What go-plugin expects is in its `server.go` and `client.go`.

mod calls;
mod connections;
mod handshake;
mod lifetime;
mod logging;
mod routes;
mod services;
mod socket;
mod tls;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::UnixListener;
use tonic::transport::Server;
use tracing::{debug, info, warn};

use crate::proto::go_plugin::{
    grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer,
    grpc_stdio_server::GrpcStdioServer,
};
use crate::proto::health::health_server::HealthServer;
use crate::proto::tfplugin6::provider_server::{Provider, ProviderServer};

use calls::Calls;
use connections::Connections;
use handshake::{Handshake, Refusal};
use lifetime::{APPLIES_MAY_TAKE, Host, Lifetime, Signals};
use routes::Routes;
use services::{Broker, Controller, Health, Stdio};
use socket::{Socket, SocketError};
use tls::{Tls, TlsError};

/// The largest message that is received or sent, in bytes: the limit that Terraform's own SDKs use.
///
/// With tonic's default of 4 MiB, a resource whose state is over 2 MiB could not be planned: prior and
/// proposed state travel in one message.
pub const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// HTTP/2 flow control windows, in bytes. The default of 64 KiB costs a round trip for each 64 KiB of state.
const STREAM_WINDOW_BYTES: u32 = 16 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 64 << 20;

/// The largest HTTP/2 frame that is received, in bytes.
const FRAME_BYTES: u32 = 1 << 20;

/// How long the end of the process waits for responses that are still on their way.
const DRAIN: Duration = Duration::from_millis(500);

/// More threads than this gain nothing: Terraform runs ten operations at a time unless told otherwise.
const MAX_THREADS: usize = 8;

/// The facts about a provider that its process needs; they appear in the log, in messages and in the socket's path.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The name of the provider, with which the names of its resources begin, such as `random`.
    pub provider: &'static str,
    /// The version of the provider, such as `1.2.3`.
    pub version: &'static str,
    /// The crates that make up the provider. Their events and those of this crate are written to the log, at every level
    /// and with all fields; of the events of other crates only the messages of warnings and errors are.
    pub crates: &'static [&'static str],
    /// The programs that the provider works with, to complete the sentence "use ...", such as
    /// `Terraform or OpenTofu 1.11 or later`.
    pub hosts: &'static str,
}

impl About {
    /// The name of the executable, such as `terraform-provider-random`.
    #[must_use]
    pub fn executable(&self) -> String {
        format!("terraform-provider-{}", self.provider)
    }
}

/// Why the process could not serve.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the async runtime did not start: {0}")]
    Runtime(#[source] io::Error),
    #[error("the signal handlers could not be installed: {0}")]
    Signals(#[source] io::Error),
    #[error("the handshake line could not be written to standard output: {0}")]
    Handshake(#[source] io::Error),
    #[error("serving gRPC failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Whether Terraform, OpenTofu or another program that knows their plugin protocol started this process.
///
/// False when it was started by hand; [`serve`] then refuses too.
#[must_use]
pub fn is_started_by_terraform() -> bool {
    handshake::has_magic_cookie(&environment)
}

/// Serves `provider` until Terraform ends it, is gone, or asks by signal.
///
/// If the environment lacks something that Terraform puts there (magic cookie, protocol version 6, client
/// certificate), nothing listens: the reason goes to standard error, and the exit code is 1. When Terraform
/// started the process, the reason also goes to standard output as one line, because Terraform
/// shows an unexpected first line to the user and hides standard error.
pub fn serve<P: Provider>(provider: P, about: About) -> ExitCode {
    match try_serve(provider, about) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            explain(about, &error);
            ExitCode::FAILURE
        }
    }
}

fn try_serve<P: Provider>(provider: P, about: About) -> Result<(), ServeError> {
    let host = Host::of_this_process();
    let handshake = Handshake::read(about.hosts, &environment)?;
    logging::start(about, &environment);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.min(MAX_THREADS))
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let result = runtime.block_on(run(provider, about, &handshake, host));
    // A thread that is still blocked (a name look-up, a file lock) must not hold up the end.
    runtime.shutdown_background();
    result
}

async fn run<P: Provider>(
    provider: P,
    about: About,
    handshake: &Handshake,
    host: Host,
) -> Result<(), ServeError> {
    // The handlers come first: from the handshake line on, a Ctrl-C must not kill this process.
    let signals = Signals::install().map_err(ServeError::Signals)?;
    let (socket, listener) = Socket::create(
        about.provider,
        handshake.socket_directory.as_deref(),
        handshake.socket_group.as_deref(),
    )?;
    let listener = UnixListener::from_std(listener).map_err(ServeError::Runtime)?;
    let tls = Tls::new(handshake.client_certificate.clone())?;

    let lifetime = Lifetime::new();
    let connections = Connections::default();
    let incoming = connections::accept(listener, tls.acceptor(), connections.clone());

    let line = handshake.line(socket.path(), &tls.certificate_base64());
    print(&line).map_err(ServeError::Handshake)?;
    info!(
        name = about.executable(),
        version = about.version,
        "provider is listening"
    );

    let provider = ProviderServer::new(provider)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let routes = Routes::default()
        .with(Calls::new(provider, lifetime.clone()))
        .with(GrpcControllerServer::new(Controller::new(lifetime.clone())))
        .with(GrpcStdioServer::new(Stdio::new(lifetime.clone())))
        .with(GrpcBrokerServer::new(Broker::new(lifetime.clone())))
        .with(HealthServer::new(Health::new(lifetime.clone())));
    let server = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .serve_with_incoming_shutdown(routes, incoming, lifetime.clone().finished());
    tokio::pin!(server);

    let cause = tokio::select! {
        result = &mut server => {
            result?;
            return Ok(());
        }
        () = lifetime.clone().shutdown_requested() => "Terraform asked for it",
        signal = signals.terminated() => signal,
        gone = host.gone(connections) => gone,
    };
    debug!(cause, "provider is ending");

    // The server still runs meanwhile: calls in flight may need it to answer.
    tokio::select! {
        result = &mut server => result?,
        complete = lifetime.finish_applies(APPLIES_MAY_TAKE) => {
            if !complete {
                warn!("applies still in flight are cut off");
            }
            if let Ok(result) = tokio::time::timeout(DRAIN, server).await {
                result?;
            }
        }
    }
    Ok(())
}

/// Writes a line of the handshake to standard output, at once.
fn print(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

/// Says why the process does not serve; failing to say so changes nothing.
fn explain(about: About, error: &ServeError) {
    let name = about.executable();
    let _ = writeln!(io::stderr().lock(), "[ERROR] {name}: {error}");
    if is_started_by_terraform() {
        // A `|` would make the line look like a handshake.
        let line = format!("{name} did not start: {error}.")
            .replace('|', "/")
            .replace(['\n', '\r'], " ");
        let _ = writeln!(io::stdout().lock(), "{line}");
    }
}

fn environment(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}
