//! The real binaries as processes, as a user runs them: settings in, log lines, metrics and answers out.

mod lifeline;
mod metrics;
mod process;
mod usage;

pub use metrics::{Books, Metrics};
pub use process::{Ended, Service, ServiceError};
pub use usage::Usage;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

/// An address on the loopback interface whose port was free just now.
///
/// # Errors
/// When the machine has none.
pub fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Where cargo put the binary called `name`: beside this program, or beside the directory of this test program.
///
/// # Errors
/// When it has not been built.
pub fn binary(name: &str) -> Result<PathBuf, ServiceError> {
    let not_built = || ServiceError::NotBuilt { name: name.to_owned() };
    let program = std::env::current_exe().map_err(|_| not_built())?;
    let candidates = program.ancestors().skip(1).take(2).map(|directory| directory.join(name));
    candidates.into_iter().find(|path| path.is_file()).ok_or_else(not_built)
}
