//! session-api as a child process.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, MutexGuard};

/// How long to wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where replicas listen. Connections to it come from 127.0.0.1, whose ports are not its: thousands of them cannot take
/// one that a replica is about to bind.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);

/// Waits until no other test runs that holds what this gives: those that measure times or memory, or take all of the
/// machine, run one after another.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// A running replica; it is killed when this is dropped.
pub(crate) struct Replica {
    child: Child,
    pub(crate) api: SocketAddr,
    admin: SocketAddr,
    log: tempfile::NamedTempFile,
}

impl Replica {
    /// Starts one that is ready and shows `slot`, of which `broker` has to be told meanwhile.
    pub(crate) async fn start(broker: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let [api, admin] = [free_address().await, free_address().await];
        let log = tempfile::NamedTempFile::new().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_session-api"))
            .env_clear()
            .env("GOOGLE_CLOUD_PROJECT", "test")
            .env("PUBSUB_EMULATOR_HOST", broker.to_string())
            .env("BIND_ADDR", api.to_string())
            .env("ADMIN_ADDR", admin.to_string())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut replica = Self { child, api, admin, log };
        replica
            .until("a subscription", async |replica| replica.log().contains("created a subscription"))
            .await;
        replica
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    /// Waits until `condition` holds, and for nothing once the process has ended.
    pub(crate) async fn until(&mut self, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self).await {
            assert_eq!(self.child.try_wait().unwrap(), None, "it has ended:\n{}", self.log());
            if start.elapsed() > PATIENCE {
                panic!("no {what}:\n{}\n{}", self.log(), self.metrics().await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it answers with a body that holds `text`.
    pub(crate) async fn until_latest_has(&mut self, text: &str) {
        self.until(text, async |replica| replica.get("/api/latest").await.contains(text)).await;
    }

    /// Waits until a line of its metrics is this.
    pub(crate) async fn until_metric(&mut self, line: &str) {
        self.until(line, async |replica| replica.metrics().await.lines().any(|found| found == line)).await;
    }

    /// The answer to a request on a connection of its own; empty when there is none.
    pub(crate) async fn get(&self, path: &str) -> String {
        ask(self.api, path).await.unwrap_or_default()
    }

    pub(crate) async fn metrics(&self) -> String {
        ask(self.admin, "/metrics").await.unwrap_or_default()
    }

    /// The value of a metric with these labels; 0 when it has none.
    pub(crate) async fn value(&self, name: &str) -> f64 {
        let metrics = self.metrics().await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_default()
    }

    /// How many files and connections it has open.
    pub(crate) fn open_files(&self) -> usize {
        let files = format!("/proc/{}/fd", self.child.id().expect("it runs"));
        std::fs::read_dir(files).unwrap().count()
    }

    /// What it says of its readiness.
    pub(crate) async fn health(&self) -> String {
        ask(self.admin, "/readyz?verbose").await.unwrap_or_default()
    }

    /// Its resident memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id().expect("it runs"));
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    /// Asks it to end, and waits for that; gives how long it took.
    pub(crate) async fn terminate(mut self) -> Duration {
        let start = Instant::now();
        let id = self.child.id().and_then(|id| Pid::from_raw(id.try_into().unwrap())).expect("it runs");
        kill_process(id, Signal::TERM).unwrap();
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("an end").unwrap();
        assert!(status.success(), "{status}:\n{}", self.log());
        start.elapsed()
    }

    /// Asserts that it still runs and has not panicked, and that nothing it logged is `secret`.
    pub(crate) fn assert_well(&mut self, secret: &str) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it has ended:\n{}", self.log());
        let log = self.log();
        assert!(!log.contains("panicked") && !log.contains(secret), "{log}");
    }
}

async fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// One that no other call gave.
async fn free_address() -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::const_new(BTreeSet::new());
    let mut given = GIVEN.lock().await;
    loop {
        let address = TcpListener::bind((ADDRESS, 0)).and_then(|listener| listener.local_addr()).unwrap();
        if given.insert(address) {
            return address;
        }
    }
}
