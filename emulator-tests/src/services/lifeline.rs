//! Ends a service when this process ends, however that comes about.
//!
//! Dropping a [`super::Service`] kills it, but a second Ctrl-C, a closed terminal or SIGKILL drop nothing. A small shell
//! therefore waits for the end of a pipe that only this process holds open, and kills the service then.

use std::process::{Child, Command, Stdio};

/// Waits for the end of standard input, then kills the process in its argument.
const SCRIPT: &str = r#"cat >/dev/null; kill -KILL "$1" 2>/dev/null"#;

/// The tie of one process to this one. Dropping it unties them.
#[derive(Debug)]
pub(super) struct Lifeline(Child);

impl Lifeline {
    /// Ties the process `pid` to this one.
    pub(super) fn tie(pid: u32) -> std::io::Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal is for this process, which decides when its services end.
            .process_group(0)
            .spawn()?;
        Ok(Self(shell))
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        // The shell goes first: once the pipe is closed it would kill whatever has the process id by then.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
