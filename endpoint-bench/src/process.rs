//! What a process uses, from the kernel's account of its threads and its memory.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use anyhow::Context as _;

/// The time that each thread of a process has been on a processor.
#[derive(Clone, Debug, Default)]
pub struct CpuTime(HashMap<String, u64>);

impl CpuTime {
    /// Of the process `pid` until now, to the nanosecond.
    ///
    /// # Errors
    /// When it has ended.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
        let mut threads = HashMap::new();
        for task in tasks.with_context(|| format!("the process {pid} has ended"))? {
            let task = task?;
            // A thread may end meanwhile.
            let Ok(text) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
            let nanoseconds = text.split(' ').next().unwrap_or_default().parse()?;
            threads.insert(task.file_name().to_string_lossy().into_owned(), nanoseconds);
        }
        Ok(Self(threads))
    }

    /// What has been used since. Threads that have ended do not count; those that do the work do not end.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Duration {
        let used = |(id, now): (&String, &u64)| now.saturating_sub(earlier.0.get(id).copied().unwrap_or(0));
        Duration::from_nanos(self.0.iter().map(used).sum())
    }
}

/// The processor time that all processes used which this one started and that have ended.
///
/// # Errors
/// When the kernel has no such account.
pub fn children() -> anyhow::Result<Duration> {
    parse_children(&std::fs::read_to_string("/proc/self/stat")?).context("/proc/self/stat is not as expected")
}

fn parse_children(stat: &str) -> Option<Duration> {
    // The name in parentheses may hold spaces; cutime and cstime are the 14th and 15th fields after it, in ticks of
    // which a second has had 100 for decades.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Resident memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All of it: `VmRSS`.
    pub resident: u64,
    /// What is no part of a file: `RssAnon`. The rest is program text, which replicas on a machine share, and which the
    /// kernel can drop.
    pub anonymous: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MB, {:.1} MB of it anonymous", megabytes(self.resident), megabytes(self.anonymous))
    }
}

/// Of 10^6 bytes.
#[must_use]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl Memory {
    /// Of the process `pid`.
    ///
    /// # Errors
    /// When it has ended.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/status"))?)
            .with_context(|| format!("the process {pid} has ended"))
    }

    fn parse(status: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        Some(Self { resident: bytes("VmRSS:")?, anonymous: bytes("RssAnon:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_used_is_added_up() {
        let at = |threads: &[(&str, u64)]| {
            CpuTime(threads.iter().map(|(id, used)| ((*id).to_owned(), *used)).collect())
        };
        let earlier = at(&[("1", 100), ("2", 50)]);
        let now = at(&[("1", 130), ("3", 7)]);
        assert_eq!(now.since(&earlier), Duration::from_nanos(37));
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let before = CpuTime::of(std::process::id()).unwrap();
        let mut spun = 0_u64;
        while CpuTime::of(std::process::id()).unwrap().since(&before) < Duration::from_millis(5) {
            spun = std::hint::black_box(spun + 1);
        }
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.resident > memory.anonymous && memory.anonymous > 100_000, "{memory:?}");
    }

    #[test]
    fn the_time_of_children_is_read() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 30 12 20 0 1 0";
        assert_eq!(parse_children(stat), Some(Duration::from_millis(420)));
        assert!(children().is_ok());
    }

    #[test]
    fn memory_is_read() {
        let status = "Name:\tx\nVmRSS:\t   22800 kB\nRssAnon:\t    9400 kB\n";
        assert_eq!(Memory::parse(status), Some(Memory { resident: 22_800 * 1024, anonymous: 9400 * 1024 }));
        assert_eq!(Memory::parse("Name:\tx\n"), None);
    }
}
