//! One service as a child process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::Metrics;
use super::lifeline::Lifeline;

/// Why a service is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its binary is not there.
    #[error("{name} is not built beside this program; run: cargo build --bins, with --release for release")]
    NotBuilt {
        /// Which binary.
        name: String,
    },
    /// It cannot be started.
    #[error("cannot start {name}")]
    Start {
        /// Which binary.
        name: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It ended or was not ready in time; its last log lines say why.
    #[error("{name} {problem}; its log ends with:\n{log}")]
    Unwell {
        /// Which binary.
        name: String,
        /// What is wrong.
        problem: String,
        /// The end of its log.
        log: String,
    },
    /// It does not answer on its admin address.
    #[error("{name} does not answer")]
    Silent {
        /// Which binary.
        name: String,
        /// Why not.
        source: reqwest::Error,
    },
}

/// How a service ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// With which code, or by which signal.
    pub status: ExitStatus,
    /// How long it took from the signal.
    pub took: Duration,
}

/// A running service. It is killed when this is dropped.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    /// Before the child in order of being dropped, so that it never outlives it.
    _lifeline: Option<Lifeline>,
    admin: SocketAddr,
    log: PathBuf,
    http: reqwest::Client,
}

impl Service {
    /// Starts the binary at `path` with these environment variables and no others but `PATH` and `HOME`. Its log goes
    /// to the file `log`, its admin address is on a free port.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(path: &Path, settings: &[(&str, String)], log: &Path) -> Result<Self, ServiceError> {
        Self::start_as(path, &[], settings, log)
    }

    /// The same with arguments.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_as(
        path: &Path,
        arguments: &[&str],
        settings: &[(&str, String)],
        log: &Path,
    ) -> Result<Self, ServiceError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |source| ServiceError::Start { name: name.clone(), source };
        let admin = super::free_address().map_err(failed)?;
        let file = std::fs::File::create(log).map_err(failed)?;
        let mut command = Command::new(path);
        command.env_clear();
        for kept in ["PATH", "HOME"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        let child = command
            .args(arguments)
            .env("ADMIN_ADDR", admin.to_string())
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .kill_on_drop(true)
            // Ctrl-C on a terminal goes to the whole group: whoever started the service stops it in order.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let lifeline = child.id().map(Lifeline::tie).transpose().map_err(failed)?;
        Ok(Self {
            name,
            child,
            _lifeline: lifeline,
            admin,
            log: log.to_owned(),
            http: reqwest::Client::new(),
        })
    }

    /// The process's id, for those who measure it.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Fails once it has ended by itself.
    ///
    /// # Errors
    /// When it has ended; the text has the end of its log.
    pub fn check_running(&mut self) -> Result<(), ServiceError> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(self.unwell(format!("ended with {status}"))),
            _ => Ok(()),
        }
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready within `deadline`.
    pub async fn until_ready(&mut self, deadline: Duration) -> Result<(), ServiceError> {
        self.until_answers("/readyz", "is not ready", deadline).await
    }

    /// Waits until it answers, ready or not.
    ///
    /// # Errors
    /// When it ends, or does not answer within `deadline`.
    pub async fn until_live(&mut self, deadline: Duration) -> Result<(), ServiceError> {
        self.until_answers("/livez", "does not answer", deadline).await
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        self.answers("/readyz").await
    }

    async fn answers(&self, path: &str) -> bool {
        let answer = self.http.get(format!("http://{}{path}", self.admin)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    async fn until_answers(
        &mut self,
        path: &str,
        fault: &str,
        deadline: Duration,
    ) -> Result<(), ServiceError> {
        let start = Instant::now();
        loop {
            self.check_running()?;
            if self.answers(path).await {
                return Ok(());
            }
            if start.elapsed() > deadline {
                return Err(self.unwell(format!("{fault} after {deadline:?}")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its metrics now.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self) -> Result<Metrics, ServiceError> {
        Ok(Metrics::parse(&self.scrape().await?))
    }

    /// What Prometheus would be answered now.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn scrape(&self) -> Result<String, ServiceError> {
        let silent = |source| ServiceError::Silent { name: self.name.clone(), source };
        let answer = self.http.get(format!("http://{}/metrics", self.admin)).send().await.map_err(silent)?;
        answer.text().await.map_err(silent)
    }

    /// Where it answers probes and scrapes.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it has not ended within `deadline`.
    pub async fn terminate(mut self, deadline: Duration) -> Result<Ended, ServiceError> {
        self.signal(Signal::TERM);
        self.end(deadline).await
    }

    /// Kills it (SIGKILL) and waits for its end.
    ///
    /// # Errors
    /// When it has not ended within `deadline`.
    pub async fn kill(mut self, deadline: Duration) -> Result<Ended, ServiceError> {
        self.signal(Signal::KILL);
        self.end(deadline).await
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            // A process that has ended just now needs no signal.
            let _ = kill_process(pid, signal);
        }
    }

    async fn end(&mut self, deadline: Duration) -> Result<Ended, ServiceError> {
        let start = Instant::now();
        match tokio::time::timeout(deadline, self.child.wait()).await {
            Ok(Ok(status)) => Ok(Ended { status, took: start.elapsed() }),
            Ok(Err(source)) => Err(ServiceError::Start { name: self.name.clone(), source }),
            Err(_) => Err(self.unwell(format!("has not ended after {deadline:?}"))),
        }
    }

    fn unwell(&self, problem: String) -> ServiceError {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        ServiceError::Unwell { name: self.name.clone(), problem, log: end }
    }
}
