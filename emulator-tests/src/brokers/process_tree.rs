//! A child process that cannot outlive this one.
//!
//! A broker that all tests of a binary share lives in a static, which is never dropped, and a test run can be
//! killed. So the child is tied to a pipe that only this process holds open: a small shell waits for its end,
//! and kills the child then, however this process came to close it.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
};

/// Runs the command in its arguments until that ends, or standard input does. The pipe is moved to another
/// number because a shell without job control gives what it runs in the background an empty standard input.
const SCRIPT: &str = r#"exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ cat <&3 >/dev/null; kill -KILL "$child"; } 2>/dev/null &
watcher=$!
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status""#;

/// A running command. Dropping it kills the command and waits for its end.
#[derive(Debug)]
pub(super) struct TiedChild {
    shell: Child,
    lifeline: Option<ChildStdin>,
}

impl TiedChild {
    /// Starts a command, given as its words, with both outputs going to `log`.
    pub(super) fn start<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>, log: File) -> io::Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal is for this process, which decides when its broker ends.
            .process_group(0)
            .spawn()?;
        let lifeline = shell.stdin.take();
        Ok(Self { shell, lifeline })
    }

    /// How the command ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.shell.try_wait()
    }

    /// Kills the command and waits for its end.
    pub(super) fn kill(&mut self) -> io::Result<ExitStatus> {
        drop(self.lifeline.take());
        self.shell.wait()
    }
}

impl Drop for TiedChild {
    fn drop(&mut self) {
        // Nobody is left to tell when even that fails.
        drop(self.kill());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::Path,
        time::{Duration, Instant},
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Waits for a condition.
    fn until(what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
            std::thread::yield_now();
        }
    }

    fn is_alive(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    /// Starts a command that tells its process id and then does as `rest` says.
    fn start(rest: &str, directory: &Path) -> (TiedChild, String) {
        let log = directory.join("log");
        let script = format!("echo $$; {rest}");
        let child =
            TiedChild::start(["sh", "-c", &script], File::create(&log).expect("a file")).expect("sh runs");
        until("the command tells its id", || fs::read_to_string(&log).is_ok_and(|text| text.ends_with('\n')));
        let pid = fs::read_to_string(&log).expect("a log").trim().to_owned();
        (child, pid)
    }

    #[test]
    fn the_command_dies_with_its_handle() {
        let directory = tempfile::tempdir().expect("a directory");
        let (child, pid) = start("exec sleep 600", directory.path());
        assert!(is_alive(&pid));
        drop(child);
        assert!(!is_alive(&pid));
    }

    #[test]
    fn the_command_dies_when_its_starter_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut child, pid) = start("exec sleep 600", directory.path());
        // What the system does to the pipes of a process that is killed.
        drop(child.lifeline.take());
        until("the command is killed", || !is_alive(&pid));
    }

    #[test]
    fn the_end_of_the_command_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut child, _) = start("exit 7", directory.path());
        let mut ended = None;
        until("the command ends", || {
            ended = child.ended().expect("a child");
            ended.is_some()
        });
        assert_eq!(ended.and_then(|status| status.code()), Some(7));
    }
}
