//! The public port: how connections are taken in, kept and given up.
//!
//! | what a client does | what happens to it |
//! |---|---|
//! | sends no whole request within 5 s of connecting | 408, by actix |
//! | sends a part of a later request | closed after 5 to 10 s: `guarded` |
//! | does not read what it is sent | closed by the kernel after 30 s: `socket` |
//! | keeps an idle connection | closed after 75 s, or when the port is |
//! | sends a head of more than 128 KiB | 431, by actix; less, but too much: `routes::limits` |
//! | comes when MAX_CONNECTIONS are open | waits in the kernel's queue |
//!
//! A connection takes some 16 KiB. Nothing is remembered of a client: not even its address gets this far.

mod guarded;
mod open_files;
mod socket;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_server::ServerBuilder;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::rt::net::TcpStream;
use service_runtime::admin::cannot_bind;
use service_runtime::settings::SettingError;
use tokio_util::sync::CancellationToken;

use crate::routes::{AppState, app};
use guarded::Guarded;

/// Longer than clients wait between two polls (each would reconnect otherwise), and than load balancers keep idle
/// connections (which would send a request into a closing one otherwise).
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a client may take to send the head of its first request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection is kept open to a client that is still sending what nobody reads.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long requests may take to finish when the port is closed, in seconds.
const DRAIN_TIMEOUT_S: u64 = 3;

/// Binds `address`; gives the server, which has to be awaited to run, and the address with the port that it got.
///
/// When `close` is cancelled the server takes no new connections, closes idle ones, lets requests that are under way
/// finish, and ends. It runs one worker for each core, which share `max_connections`.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(
    address: SocketAddr,
    max_connections: NonZeroUsize,
    state: AppState,
    close: CancellationToken,
) -> Result<(Server, SocketAddr), SettingError> {
    let cannot_bind = |error: std::io::Error| cannot_bind("BIND_ADDR", address, &error);
    let listener = socket::listen(address).map_err(cannot_bind)?;
    let bound = listener.local_addr().map_err(cannot_bind)?;
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let max_connections = open_files::affordable(max_connections.get());
    let closing = close.clone();
    let server = ServerBuilder::new()
        .workers(workers)
        .max_concurrent_connections(max_connections.div_ceil(workers))
        .shutdown_signal(close.cancelled_owned())
        .shutdown_timeout(DRAIN_TIMEOUT_S)
        .listen("session-api", listener, move || {
            let closing = closing.clone();
            // What `actix_web::HttpServer` does, with a guard around the connection.
            let http = HttpService::build()
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(REQUEST_TIMEOUT)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                // No client that is of use closes its side before it has its answer; a stream ends with its client.
                .h1_allow_half_closed(false)
                .graceful_shutdown_signal(move || closing.clone().cancelled_owned())
                .h1(map_config(app(state.clone()), |_| AppConfig::default()));
            fn_service(async |connection: TcpStream| {
                connection.set_nodelay(true)?;
                Ok((Guarded::new(connection), None))
            })
            .map_err(DispatchError::Io)
            .and_then(http)
        })
        .map_err(cannot_bind)?;
    Ok((server.run(), bound))
}
