//! The binary: its settings, and how it ends.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

const PATIENCE: Duration = Duration::from_secs(30);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-pubsub"));
    command.args(arguments).env("NO_COLOR", "1").env("RUST_LOG", "info");
    command
}

fn run(arguments: &[&str]) -> Result<Output> {
    Ok(command(arguments).output()?)
}

/// A running broker. Killed when dropped.
struct Process {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Process {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut child =
            command(&[&["--listen", "localhost:0"], arguments].concat()).stderr(Stdio::piped()).spawn()?;
        let mut log = BufReader::new(child.stderr.take().context("it is piped")?);
        let mut line = String::new();
        log.read_line(&mut line)?;
        let address = line.split("address=").nth(1).with_context(|| format!("no address in {line:?}"))?;
        Ok(Self { address: address.trim().to_owned(), child, log })
    }

    /// Waits for its end, and returns its exit code and the rest of its log.
    fn end(&mut self) -> Result<(Option<i32>, String)> {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "it did not end within {PATIENCE:?}");
            std::thread::yield_now();
        }
        let mut rest = String::new();
        self.log.read_to_string(&mut rest)?;
        Ok((self.child.wait()?.code(), rest))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended when the test went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_wrong_setting_gets_one_line_and_exit_code_2() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let taken = taken.local_addr()?.to_string();
    let cases = [
        ("a port in use", vec!["--listen", &taken], "--listen", "in use"),
        ("no port", vec!["--listen", "localhost"], "--listen", "HOST:PORT"),
        ("not a port", vec!["--listen", "localhost:http"], "--listen", "port"),
        ("no number", vec!["--max-retained-mib", "lots"], "--max-retained-mib", "lots"),
        ("nothing retained", vec!["--max-retained-mib", "0"], "--max-retained-mib", "1.."),
        ("no plan of faults", vec!["--faults", r#"{"faults": [{"fault": "burn"}]}"#], "--faults", "burn"),
        ("an unknown setting", vec!["--persist"], "--persist", "unexpected"),
    ];
    for (case, arguments, setting, detail) in cases {
        let output = run(&arguments)?;
        let told = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{case}: {told}");
        assert_eq!(told.lines().count(), 1, "{case}: {told}");
        assert!(told.contains(setting) && told.contains(detail), "{case}: {told}");
    }
    Ok(())
}

#[test]
fn help_says_that_nothing_is_persistent() -> Result<()> {
    let output = run(&["--help"])?;
    assert!(output.status.success());
    // Where clap wraps, it wraps at the width of the terminal.
    let told = String::from_utf8(output.stdout)?.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "--listen <HOST:PORT>",
        "--max-retained-mib",
        "--faults <JSON>",
        "Nothing is persistent",
        "PUBSUB_EMULATOR_HOST",
    ] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
    Ok(())
}

#[test]
fn signals_end_it_well() -> Result<()> {
    for signal in ["TERM", "INT"] {
        let mut process = Process::start(&[])?;
        ensure!(process.address.contains(':'), "{:?} is no address", process.address);
        let pid = process.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status()?;
        ensure!(sent.success(), "cannot send {signal}");
        let (code, log) = process.end()?;
        assert_eq!(code, Some(0), "{signal}: {log}");
        assert!(log.contains("stopping"), "{signal}: {log}");
    }
    Ok(())
}

#[test]
fn a_plan_of_faults_is_followed_from_the_start() -> Result<()> {
    // Open for a moment, or the address would not be told.
    let plan = r#"{"faults": [{"fault": "refuse_connections", "after_ms": 50}]}"#;
    let process = Process::start(&["--faults", plan])?;
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(&process.address).is_ok() {
        ensure!(Instant::now() < deadline, "connections are still accepted");
        std::thread::yield_now();
    }
    Ok(())
}
