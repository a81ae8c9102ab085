//! The listening socket. What is set on it, the kernel also sets on every connection that it takes.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rustix::net::sockopt::set_tcp_user_timeout;

/// Connections that may wait to be taken: all replicas' clients come at once when a load balancer moves them.
const BACKLOG: i32 = 4096;

/// How long a client may leave what it was sent unacknowledged, or its window closed. No part of an HTTP server times
/// this: a client that never reads would keep its connection and its buffers for ever.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Listens on `address`.
///
/// # Errors
/// When it cannot be bound.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // A second call only changes the length of the queue.
    rustix::net::listen(&listener, BACKLOG)?;
    let millis = u32::try_from(UNREAD_TIMEOUT.as_millis()).expect("half a minute fits");
    set_tcp_user_timeout(&listener, millis)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use rustix::net::sockopt::tcp_user_timeout;

    use super::*;

    #[test]
    fn every_connection_is_given_up_that_is_not_read() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (connection, _) = listener.accept().unwrap();
        assert_eq!(tcp_user_timeout(&connection).unwrap(), 30_000);
    }
}
