//! Google's Pub/Sub emulator as a child process.

use std::{
    ffi::OsString,
    fs::File,
    io::Read as _,
    net::TcpListener,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

use super::{installation::EmulatorInstallation, process_tree::TiedChild};

/// How long the emulator may take to answer: 2 s on an idle machine, several times that on a busy one.
const START: Duration = Duration::from_secs(90);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Between two questions whether it answers yet.
const PAUSE: Duration = Duration::from_millis(50);

/// A port that was free a moment ago may be taken when the emulator binds it.
const ATTEMPTS: u32 = 3;

/// How much of its log an error tells.
const LOG_LINES: usize = 12;

/// Google's emulator. Dropping it kills it; so does the end of this process, whatever ends it.
///
/// It keeps nothing: topics and subscriptions are gone with it.
#[derive(Debug)]
pub struct GoogleEmulator {
    process: TiedChild,
    endpoint: String,
    log: NamedTempFile,
}

impl GoogleEmulator {
    /// Starts it on a free port and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed (the text says what to install), ends early (the text has the end of its log), or does not
    /// answer in time.
    pub async fn start() -> anyhow::Result<Self> {
        let installation = tokio::task::spawn_blocking(EmulatorInstallation::find).await??;
        let mut attempt = 1;
        loop {
            let mut emulator = Self::launch(&installation)?;
            match emulator.until_it_answers().await {
                Ok(()) => return Ok(emulator),
                Err(error) if attempt == ATTEMPTS || !emulator.lost_its_port() => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    /// Where it listens, `127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Whether it still answers: to tell a test that failed from an emulator that died.
    ///
    /// # Errors
    /// When it does not; the text has the end of its log.
    pub async fn check(&self) -> anyhow::Result<()> {
        if self.answers(&http_client()?).await {
            return Ok(());
        }
        bail!("Google's emulator no longer answers; its log ends with:\n{}", self.end_of_log())
    }

    /// Kills it and waits for its end. It has no way to end otherwise, and nothing to lose.
    pub async fn stop(mut self) {
        let ended = tokio::task::spawn_blocking(move || self.process.kill()).await;
        if !matches!(ended, Ok(Ok(_))) {
            tracing::warn!("could not wait for the end of Google's emulator");
        }
    }

    fn launch(installation: &EmulatorInstallation) -> anyhow::Result<Self> {
        let port = free_port().context("no free port for Google's emulator")?;
        let log = NamedTempFile::new().context("no temporary file for the log of Google's emulator")?;
        let words: [OsString; 5] = [
            installation.java.clone().into(),
            "-jar".into(),
            installation.jar.clone().into(),
            "--host=127.0.0.1".into(),
            format!("--port={port}").into(),
        ];
        let process = TiedChild::start(words, log.reopen()?).context("cannot start Google's emulator")?;
        Ok(Self { process, endpoint: format!("127.0.0.1:{port}"), log })
    }

    async fn until_it_answers(&mut self) -> anyhow::Result<()> {
        let client = http_client()?;
        let deadline = Instant::now() + START;
        loop {
            if self.answers(&client).await {
                return Ok(());
            }
            if let Some(status) = self.process.ended()? {
                bail!(
                    "Google's emulator ended at its start ({status}); its log ends with:\n{}",
                    self.end_of_log()
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "Google's emulator did not answer within {START:?}; its log ends with:\n{}",
                    self.end_of_log()
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn answers(&self, client: &reqwest::Client) -> bool {
        let answer = client.get(format!("http://{}/", self.endpoint)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn lost_its_port(&self) -> bool {
        self.end_of_log().contains("Address already in use")
    }

    fn end_of_log(&self) -> String {
        let mut text = String::new();
        // A log that cannot be read adds nothing to the error that it was wanted for.
        drop(File::open(self.log.path()).and_then(|mut log| log.read_to_string(&mut text)));
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(ANSWER).no_proxy().build()
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
