//! The port, which a planned fault can close: connections break, new ones are refused, and it opens again
//! with everything that the broker holds.
//!
//! While it is closed the address stays bound, by a socket that does not listen: connecting is refused, and no
//! other program can take the port.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, watch},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Connections that wait to be served.
const ACCEPTED: usize = 16;

/// Connections that wait to be accepted, in the kernel.
const BACKLOG: u32 = 1024;

/// Between two tries to accept or to bind when the machine has run out of something.
const PAUSE: Duration = Duration::from_millis(20);

/// The connections to a listener for as long as the port is open, until `stopping`.
pub(crate) fn incoming(
    listener: TcpListener,
    open: watch::Receiver<bool>,
    stopping: CancellationToken,
) -> ReceiverStream<io::Result<Connection>> {
    let (accepted, incoming) = mpsc::channel(ACCEPTED);
    tokio::spawn(async move { stopping.run_until_cancelled(keep_gate(listener, open, accepted)).await });
    ReceiverStream::new(incoming)
}

async fn keep_gate(
    mut listener: TcpListener,
    mut open: watch::Receiver<bool>,
    accepted: mpsc::Sender<io::Result<Connection>>,
) {
    let Ok(address) = listener.local_addr() else { return };
    loop {
        let broken = CancellationToken::new();
        tokio::select! {
            biased;
            // The hub, which changes it, lives as long as the server.
            closed = open.wait_for(|open| !open) => if closed.is_err() { return },
            () = accept(&listener, &broken, &accepted) => return,
        }
        drop(listener);
        broken.cancel();
        listener = match reopen(address, &mut open).await {
            Ok(listener) => listener,
            Err(error) => return drop(accepted.send(Err(error)).await),
        };
    }
}

/// Accepts until nobody wants connections any more.
async fn accept(
    listener: &TcpListener,
    broken: &CancellationToken,
    accepted: &mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // The answers of small calls would wait for acknowledgements of TCP otherwise.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection broke before it was served");
                    continue;
                }
                if accepted.send(Ok(Connection::new(stream, broken))).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Holds the address until the port opens again, and listens.
async fn reopen(address: SocketAddr, open: &mut watch::Receiver<bool>) -> io::Result<TcpListener> {
    let socket = hold(address).await?;
    open.wait_for(|open| *open).await.map_err(io::Error::other)?;
    socket.listen(BACKLOG)
}

/// Binds the address without listening on it.
async fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of before may linger.
    socket.set_reuseaddr(true)?;
    while let Err(error) = socket.bind(address) {
        tracing::warn!(%error, %address, "cannot hold the address of the closed port");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(socket)
}

/// A connection that can be broken from outside.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    broken: CancellationToken,
    /// Wakes the reader, of which every connection has one waiting.
    breaks: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connection {
    fn new(stream: TcpStream, broken: &CancellationToken) -> Self {
        Self { stream, broken: broken.clone(), breaks: Box::pin(broken.clone().cancelled_owned()) }
    }

    /// The stream, unless it has been broken.
    fn whole(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.broken.is_cancelled() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.breaks.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.whole()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.whole()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}
