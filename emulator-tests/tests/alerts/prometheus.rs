//! Prometheus with the alerts of this repository, whose waits are shortened.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use emulator_tests::services::{Service, free_address};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// What is scraped: a service of an installation.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// The installation, under a name.
    pub(crate) namespace: &'static str,
    pub(crate) service: &'a Service,
}

/// A running Prometheus; it is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Prometheus {
    _process: Child,
    url: String,
    _directory: TempDir,
}

/// An alert that fires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Firing {
    pub(crate) namespace: String,
    pub(crate) alert: String,
}

/// The rules as they are shipped.
pub(crate) fn rules() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/dashboards/alerts.yaml")
}

/// Runs promtool, and gives what it prints.
///
/// # Errors
/// When it is missing, or finds something wrong.
pub(crate) async fn promtool(arguments: &[&str], input: Option<&str>) -> anyhow::Result<String> {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("promtool is needed: install the package prometheus")?;
    if let Some(input) = input {
        let mut stdin = child.stdin.take().context("its input is piped")?;
        tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await?;
    }
    drop(child.stdin.take());
    let output = child.wait_with_output().await?;
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "promtool {arguments:?}: {printed}");
    Ok(printed.into_owned())
}

impl Prometheus {
    /// Scrapes the targets twice a second. Ranges of the rules become seconds instead of minutes, and an alert fires as
    /// soon as it has been pending for three.
    pub(crate) async fn start(targets: &[Target<'_>]) -> anyhow::Result<Self> {
        let directory = TempDir::new()?;
        let rules = shortened(&std::fs::read_to_string(rules())?);
        std::fs::write(directory.path().join("alerts.yaml"), rules)?;
        let mut config = String::from(
            "global: {scrape_interval: 500ms, evaluation_interval: 500ms}\nrule_files: [alerts.yaml]\n\
             scrape_configs:\n- job_name: listening-together\n  static_configs:\n",
        );
        for Target { namespace, service } in targets {
            writeln!(config, "  - {{targets: ['{}'], labels: {{namespace: {namespace}}}}}", service.admin())?;
        }
        std::fs::write(directory.path().join("prometheus.yml"), config)?;
        let address = free_address()?;
        let process = Command::new("prometheus")
            .current_dir(directory.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"])
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("Prometheus is needed: install the package prometheus")?;
        Ok(Self { _process: process, url: format!("http://{address}"), _directory: directory })
    }

    /// The alerts that fire now; none while Prometheus starts.
    pub(crate) async fn firing(&self) -> anyhow::Result<Vec<Firing>> {
        let Ok(answer) = reqwest::get(format!("{}/api/v1/alerts", self.url)).await else {
            return Ok(Vec::new());
        };
        let answer: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing").map(|alert| Firing {
            namespace: text(&alert["labels"]["namespace"]),
            alert: text(&alert["labels"]["alertname"]),
        });
        Ok(firing.collect())
    }
}

/// How long a rule looks back, at any scale, to have seen enough.
const RANGE: Duration = Duration::from_secs(6);

fn shortened(rules: &str) -> String {
    let lines = rules.lines().map(|line| {
        if line.trim_start().starts_with("for: ") {
            let indent = line.len() - line.trim_start().len();
            return format!("{}for: 3s", " ".repeat(indent));
        }
        match (line.rfind('['), line.rfind(']')) {
            (Some(from), Some(to)) if line[from + 1..].starts_with(|first: char| first.is_ascii_digit()) => {
                format!("{}[{}s]{}", &line[..from], RANGE.as_secs(), &line[to + 1..])
            }
            _ => line.to_owned(),
        }
    });
    lines.map(|line| line + "\n").collect()
}
