//! How many connections the process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files that are needed beside the connections of clients: those of Pub/Sub, of the admin port, of the runtime.
const OTHERS: u64 = 256;

/// `wanted`, or as many as the operating system lets this process have; its limit is raised as far as it goes.
pub(super) fn affordable(wanted: usize) -> usize {
    let available = raise_limit().saturating_sub(OTHERS).max(1);
    let affordable = usize::try_from(available).unwrap_or(usize::MAX).min(wanted);
    if affordable < wanted {
        tracing::warn!(
            max_connections = affordable,
            "the limit of open files (nofile) leaves fewer connections than MAX_CONNECTIONS says"
        );
    }
    affordable
}

/// Many systems start a process with a soft limit of 1024 for the sake of programs that use select(2).
fn raise_limit() -> u64 {
    let limits = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limits.maximum, maximum: limits.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum.unwrap_or(u64::MAX),
        Err(_) => limits.current.unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_kept_to() {
        assert_eq!(affordable(1), 1);
        let limits = getrlimit(Resource::Nofile);
        assert_eq!(limits.current, limits.maximum);
        let all = limits.maximum.map_or(usize::MAX, |maximum| usize::try_from(maximum - OTHERS).unwrap());
        assert_eq!(affordable(usize::MAX), all);
    }
}
