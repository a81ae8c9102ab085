//! How busy each core was, and with what else than the measurement.

use std::time::Duration;

use anyhow::Context as _;

use crate::affinity::{LOAD_CORE, SERVER_CORE};

/// Clock ticks a second in /proc; it has been 100 on Linux for decades.
const TICKS_PER_SECOND: u64 = 100;

/// How long each of the two cores had been busy at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    server_core: u64,
    load_core: u64,
}

impl Busy {
    /// Until now.
    ///
    /// # Errors
    /// When the machine does not have these cores, or the kernel no such account.
    pub fn now() -> anyhow::Result<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat")?).context("this needs two cores")
    }

    fn parse(stat: &str) -> Option<Self> {
        let busy = |core: usize| {
            let name = format!("cpu{core} ");
            let fields = stat.lines().find_map(|line| line.strip_prefix(&name))?;
            let ticks: Vec<u64> = fields.split_whitespace().filter_map(|field| field.parse().ok()).collect();
            // user, nice, system, idle, iowait, irq, softirq, steal.
            Some(ticks.get(0..3)?.iter().chain(ticks.get(5..8)?).sum())
        };
        Some(Self { server_core: busy(SERVER_CORE)?, load_core: busy(LOAD_CORE)? })
    }

    /// For how long the core of servers has been busy since.
    #[must_use]
    pub fn server_core_since(self, earlier: Self) -> Duration {
        ticks(self.server_core.saturating_sub(earlier.server_core))
    }

    /// For how long the other core has been.
    #[must_use]
    pub fn load_core_since(self, earlier: Self) -> Duration {
        ticks(self.load_core.saturating_sub(earlier.load_core))
    }
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count * 1000 / TICKS_PER_SECOND)
}

/// The load averages, as the kernel writes them.
#[must_use]
pub fn load_averages() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The processor's name, if the kernel tells it.
#[must_use]
pub fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_each_core_is_read() {
        let before =
            Busy::parse("cpu  1 1 1\ncpu0 10 0 10 70 10 1 2 3 5 0\ncpu1 0 0 0 9 9 0 0 0 0 0\n").unwrap();
        assert_eq!(before, Busy { server_core: 26, load_core: 0 });
        let after = Busy { server_core: 126, load_core: 50 };
        assert_eq!(after.server_core_since(before), Duration::from_secs(1));
        assert_eq!(after.load_core_since(before), Duration::from_millis(500));
        assert_eq!(Busy::parse("cpu0 10 0 10 70 10 1 2 3 5 0\n"), None);
    }
}
