//! What a process uses, from the kernel's own account.

use std::time::Duration;

/// Clock ticks a second in /proc; it has been 100 on Linux for decades.
const TICKS_PER_SECOND: u64 = 100;

/// Memory, processor time and open files of one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Resident now, in bytes.
    pub resident: u64,
    /// User and system time since its start.
    pub cpu: Duration,
    /// Files, sockets and the like that it has open.
    pub open_files: usize,
}

impl Usage {
    /// Of the process `pid`; nothing where there is no /proc.
    #[must_use]
    pub fn of(pid: Option<u32>) -> Self {
        let read =
            |file: &str| pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok());
        Self {
            resident: read("status").and_then(|text| resident(&text)).unwrap_or(0),
            cpu: read("stat").and_then(|text| cpu(&text)).unwrap_or_default(),
            open_files: pid
                .and_then(|pid| std::fs::read_dir(format!("/proc/{pid}/fd")).ok())
                .map_or(0, Iterator::count),
        }
    }

    /// Resident memory in megabytes (10^6 bytes).
    #[must_use]
    pub fn megabytes(&self) -> f64 {
        self.resident as f64 / 1e6
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

fn cpu(stat: &str) -> Option<Duration> {
    // The name in parentheses may hold spaces; utime and stime are the 12th and 13th fields after it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_time_and_files() {
        let one = std::fs::File::open("/proc/self/stat").unwrap();
        let own = Usage::of(Some(std::process::id()));
        assert!(own.resident > 100_000 && own.open_files > 3, "{own:?} with {one:?}");
        assert_eq!(Usage::of(None).open_files, 0);
    }

    #[test]
    fn the_kernels_account_is_read() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2048 * 1024));
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0";
        assert_eq!(cpu(stat), Some(Duration::from_secs(2)));
    }
}
