//! Which core a thread runs on. A process inherits it from the thread that starts it.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where servers run.
pub const SERVER_CORE: usize = 0;
/// Where everything else runs: load generators, clients, the broker.
pub const LOAD_CORE: usize = 1;

/// Keeps this thread, and what it starts from now on, on one core.
///
/// # Errors
/// When the process may not use that core, or the machine has none.
pub fn stay_on(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Calls `start`, which starts a process, so that it runs on the core of servers.
///
/// # Errors
/// When the process may not use that core, or the machine has none.
pub fn on_server_core<T>(start: impl FnOnce() -> T) -> io::Result<T> {
    let before = sched_getaffinity(None)?;
    stay_on(SERVER_CORE)?;
    let started = start();
    sched_setaffinity(None, &before)?;
    Ok(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_is_on_the_server_core_and_this_thread_is_not() {
        let before = sched_getaffinity(None).unwrap();
        let (count, is_there) = on_server_core(|| {
            let set = sched_getaffinity(None).unwrap();
            (set.count(), set.is_set(SERVER_CORE))
        })
        .unwrap();
        assert_eq!((count, is_there), (1, true));
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
