//! One client's connection to an HTTP/1.1 server, over which request follows request.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// Nobody takes connections.
    #[error("no connection")]
    NoConnection(#[source] std::io::Error),
    /// It was sent, and the connection ended.
    #[error("no answer")]
    NoAnswer(#[source] hyper::Error),
}

/// Made at the first request, and anew at one for which it was closed before that could be sent: as HTTP has it, that is
/// nothing that a client would notice. Nothing is sent twice.
#[derive(Debug)]
pub(super) struct Connection {
    to: SocketAddr,
    open: Option<SendRequest<Empty<Bytes>>>,
}

impl Connection {
    pub(super) fn new(to: SocketAddr) -> Self {
        Self { to, open: None }
    }

    /// The head of the answer to `request`, and its body, which has to be read before the next one.
    pub(super) async fn send(&mut self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, Lost> {
        let unsent = match self.open.take() {
            Some(kept) => match self.send_on(kept, request).await {
                Ok(answer) => return Ok(answer),
                Err((_, Some(unsent))) => unsent,
                Err((lost, None)) => return Err(lost),
            },
            None => request,
        };
        let fresh = self.connect().await?;
        self.send_on(fresh, unsent).await.map_err(|(lost, _)| lost)
    }

    /// The answer; or why there is none, with the request if it has not been sent.
    async fn send_on(
        &mut self,
        mut open: SendRequest<Empty<Bytes>>,
        request: Request<Empty<Bytes>>,
    ) -> Result<Response<Incoming>, (Lost, Option<Request<Empty<Bytes>>>)> {
        if let Err(closed) = open.ready().await {
            return Err((Lost::NoAnswer(closed), Some(request)));
        }
        match open.try_send_request(request).await {
            Ok(answer) => {
                self.open = Some(open);
                Ok(answer)
            }
            Err(mut failed) => {
                let unsent = failed.take_message();
                Err((Lost::NoAnswer(failed.into_error()), unsent))
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>, Lost> {
        let stream = TcpStream::connect(self.to).await.map_err(Lost::NoConnection)?;
        stream.set_nodelay(true).map_err(Lost::NoConnection)?;
        let (open, running) = http1::handshake(TokioIo::new(stream)).await.map_err(Lost::NoAnswer)?;
        // It ends with the connection; what goes wrong is told to the request that it happened to.
        tokio::spawn(running);
        Ok(open)
    }
}
