//! From the listening socket to authenticated connections.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use super::lifetime::{Count, Counted};

/// How long a client may take to prove itself.
const HANDSHAKE_MAY_TAKE: Duration = Duration::from_secs(10);

/// A pause when the system refuses to accept (no file descriptors left), so as not to spin.
const RETRY_ACCEPT_AFTER: Duration = Duration::from_millis(100);

/// How many clients are connected and authenticated.
pub(super) type Connections = Count;

/// A connection whose client proved itself.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TlsStream<UnixStream>,
    _counted: Counted,
}

/// Accepts until the stream is dropped; handshakes run side by side, so that a silent client keeps nobody out.
pub(super) fn accept(
    listener: UnixListener,
    acceptor: TlsAcceptor,
    connections: Connections,
) -> impl Stream<Item = io::Result<Connection>> + Send {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(authenticate(
                        stream,
                        acceptor.clone(),
                        connections.clone(),
                        sender.clone(),
                    ));
                }
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(RETRY_ACCEPT_AFTER).await;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn authenticate(
    stream: UnixStream,
    acceptor: TlsAcceptor,
    connections: Connections,
    authenticated: mpsc::Sender<io::Result<Connection>>,
) {
    match tokio::time::timeout(HANDSHAKE_MAY_TAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            debug!("a client with the right certificate connected");
            let connection = Connection {
                stream,
                _counted: connections.enter(),
            };
            // An error means that the server has ended.
            let _ = authenticated.send(Ok(connection)).await;
        }
        Ok(Err(error)) => warn!(%error, "a client was refused"),
        Err(_) => warn!("a client was refused: it did not finish the TLS handshake in time"),
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
