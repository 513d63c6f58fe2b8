//! One HTTP/2 connection to the plugin, for the clients that tonic generates.
//!
//! tonic has a channel of its own. Its feature changes what tower consists of, though, and all of the AWS SDK stands on
//! tower: cargo would compile the SDK and the provider twice, once to use and once to test.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::uri::{Authority, Scheme};
use tonic::codegen::http::{Request, Response, Uri};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no stream to talk on.
    #[error("the connection was not made")]
    Stream(#[from] io::Error),
    /// HTTP/2 on the stream broke down.
    #[error("the connection failed")]
    Http(#[from] hyper::Error),
}

/// A connection, for any number of clients; it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Channel(SendRequest<Body>);

impl Channel {
    /// With Terraform's flow control, in bytes.
    pub async fn over<S>(stream: S) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (requests, connection) = Builder::new(TokioExecutor::new())
            .initial_stream_window_size(16 << 20)
            .initial_connection_window_size(64 << 20)
            .handshake(TokioIo::new(stream))
            .await?;
        // How it ends, its requests tell.
        tokio::spawn(connection);
        Ok(Self(requests))
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    /// Always: what tonic's clients make of an error here does not tell its cause.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(Authority::from_static("localhost"));
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
        let mut requests = self.0.clone();
        Box::pin(async move {
            requests.ready().await?;
            Ok(requests.send_request(request).await?)
        })
    }
}
