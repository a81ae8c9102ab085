//! The public port.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::Server;
use service_runtime::admin::cannot_bind;
use service_runtime::settings::SettingError;
use tokio_util::sync::CancellationToken;

use crate::routes::{AppState, app};

/// Longer than clients wait between two polls (each would reconnect otherwise), and than load balancers keep idle
/// connections (which would send a request into a closing one otherwise).
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a client may take to send the head of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long requests may take to finish at shutdown, in seconds.
const DRAIN_TIMEOUT_S: u64 = 4;

/// Binds `address`; gives the server, which has to be awaited to run, and the address with the port that it got.
///
/// When `stop` is cancelled the server takes no new connections, closes idle ones, lets requests that are under way
/// finish, and ends. It runs one worker for each core.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(
    address: SocketAddr,
    state: AppState,
    stop: CancellationToken,
) -> Result<(Server, SocketAddr), SettingError> {
    let server = HttpServer::new(move || app(state.clone()))
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(REQUEST_TIMEOUT)
        // No client that is of use closes its side before it has its answer; a stream ends with its client.
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .shutdown_signal(stop.cancelled_owned())
        .shutdown_timeout(DRAIN_TIMEOUT_S)
        .bind(address)
        .map_err(|error| cannot_bind("BIND_ADDR", address, &error))?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    Ok((server.run(), bound))
}
