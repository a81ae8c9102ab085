//! What stands between visitors and replicas.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Empty, Full};
use hyper::body::Incoming;
use hyper::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use super::Endpoints;
use super::connection::Connection;

/// What is sent to one replica or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Connections, whatever comes over them, as a Service of Kubernetes does it: one that is there stays where it is.
    Connections,
    /// Requests, as load balancers do it.
    Requests,
}

/// A proxy that tries nothing twice: whatever goes wrong behind it, visitors see.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(endpoints: Endpoints, routing: Routing) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let running = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                let endpoints = endpoints.clone();
                connections.spawn(async move {
                    // Whatever went wrong, closing the connection tells the client.
                    match routing {
                        Routing::Connections => drop(relay(client, &endpoints).await),
                        Routing::Requests => drop(forward(client, endpoints).await),
                    }
                });
            }
        });
        Ok(Self { address, running })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn relay(mut client: TcpStream, endpoints: &Endpoints) -> std::io::Result<()> {
    let replica = endpoints.pick().ok_or(std::io::ErrorKind::NotConnected)?;
    let mut replica = TcpStream::connect(replica).await?;
    client.set_nodelay(true)?;
    replica.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut replica).await?;
    Ok(())
}

/// The connections to replicas that one client's requests are sent over.
type Kept = Arc<Mutex<HashMap<SocketAddr, Connection>>>;

async fn forward(client: TcpStream, endpoints: Endpoints) -> anyhow::Result<()> {
    client.set_nodelay(true)?;
    let kept = Kept::default();
    let service = service_fn(|request| answer(request, &endpoints, &kept));
    http1::Builder::new().serve_connection(TokioIo::new(client), service).await?;
    Ok(())
}

type Answer = Response<Either<Incoming, Full<Bytes>>>;

async fn answer(
    request: Request<Incoming>,
    endpoints: &Endpoints,
    kept: &Kept,
) -> Result<Answer, Infallible> {
    let Some(replica) = endpoints.pick() else {
        return Ok(failed(StatusCode::SERVICE_UNAVAILABLE, "no replica is ready"));
    };
    let mut kept = kept.lock().await;
    let connection = kept.entry(replica).or_insert_with(|| Connection::new(replica));
    Ok(match connection.send(request.map(|_| Empty::new())).await {
        Ok(mut answer) => {
            // What is said of one connection is not passed on to the other.
            answer.headers_mut().remove(CONNECTION);
            answer.map(Either::Left)
        }
        Err(lost) => failed(StatusCode::BAD_GATEWAY, &lost.to_string()),
    })
}

fn failed(status: StatusCode, why: &str) -> Answer {
    let mut answer = Response::new(Either::Right(Full::from(why.to_owned())));
    *answer.status_mut() = status;
    answer
}
