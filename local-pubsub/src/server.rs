//! The server: one port for gRPC (HTTP/2) and REST (HTTP/1.1).

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, ToSocketAddrs},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Server};

use crate::{broker::Limits, fallback, faults::FaultPlan, gate, grpc, hub::Hub, rest};

/// How long a shutdown waits for connections to close before it drops them.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Flow-control windows of HTTP/2, wide enough for a second's publishes in flight.
const WINDOW_BYTES: u32 = 8 << 20;

/// The largest HTTP/2 frame that clients may send: fewer, larger frames cost less.
const FRAME_BYTES: u32 = 256 << 10;

/// A broker that is yet to be started.
#[derive(Clone, Debug, Default)]
pub struct LocalPubSub {
    limits: Limits,
    faults: FaultPlan,
}

impl LocalPubSub {
    /// A broker with default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much the broker retains before it refuses to publish.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what goes wrong, from the start on.
    #[must_use]
    pub fn with_faults(mut self, faults: FaultPlan) -> Self {
        self.faults = faults;
        self
    }

    /// Starts the broker on an address; port 0 takes a free one. It serves until shut down or dropped, on the
    /// runtime that this is called on.
    ///
    /// # Errors
    ///
    /// When the address cannot be resolved or bound.
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Running> {
        let listener = TcpListener::bind(address).await?;
        let local_addr = listener.local_addr()?;
        let stopping = CancellationToken::new();
        let hub = Hub::new(self.limits, stopping.clone());
        let router = grpc::routes(&hub).into_axum_router().merge(rest::router(hub.clone()));
        let routes = Routes::from(fallback::add_to(router));
        let mut builder = Server::builder()
            .accept_http1(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES);
        let server = builder.add_routes(routes).serve_with_incoming_shutdown(
            gate::incoming(listener, hub.port_open(), stopping.clone()),
            stopping.clone().cancelled_owned(),
        );
        hub.set_faults(self.faults);
        tokio::spawn(Arc::clone(&hub).run_timer());
        Ok(Running { local_addr, stopping, hub, server: tokio::spawn(server) })
    }
}

/// A broker that serves. Dropping it begins a shutdown without waiting for its end.
#[derive(Debug)]
pub struct Running {
    local_addr: SocketAddr,
    stopping: CancellationToken,
    hub: Arc<Hub>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Running {
    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Lets things go wrong from now on as this plan says, and no longer as the plan before did; a plan without
    /// faults ends them. Messages that have been delayed, doubled or lost before stay so.
    ///
    /// To be called on the runtime that the broker runs on.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.hub.set_faults(plan);
    }

    /// Stops accepting, ends streams and waiting pulls with UNAVAILABLE, and waits up to 5 s for connections
    /// to close.
    pub async fn shutdown(mut self) {
        self.stopping.cancel();
        match tokio::time::timeout(SHUTDOWN_GRACE, &mut self.server).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the server ended with an error"),
            Ok(Err(error)) => tracing::warn!(%error, "the server task failed"),
            Err(_) => {
                tracing::warn!("connections were still open at the end of the grace period");
                self.server.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}
