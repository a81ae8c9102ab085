//! Google's Python client from PyPI, unchanged, against local-pubsub: it uses gRPC for everything.
//!
//! The client is installed into a virtual environment below `target/` by the test, which fails when that
//! fails.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tokio::{process::Command, sync::OnceCell, time::timeout};

use crate::broker::TestBroker;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/round_trip.py");
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/requirements.txt");

/// An installation downloads some 30 MB.
const INSTALLATION: Duration = Duration::from_secs(600);
const RUN: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_works_unchanged() -> anyhow::Result<()> {
    let python = installed_client().await?;
    let broker = TestBroker::local().await?;
    let mut script = Command::new(python);
    script.arg(SCRIPT).arg(&broker.project).env("PUBSUB_EMULATOR_HOST", &broker.endpoint).kill_on_drop(true);
    let output = timeout(RUN, script.output()).await.context("the script did not end")??;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && told.ends_with("done\n"),
        "the Python client failed ({}) after:\n{told}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The interpreter of a virtual environment that has the client, and what makes messages of `.proto` files.
pub(crate) async fn installed_client() -> anyhow::Result<&'static Path> {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    Ok(PYTHON.get_or_try_init(install).await?)
}

/// Installs it, unless an earlier run has these very versions.
async fn install() -> anyhow::Result<PathBuf> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-client");
    let (python, installed) = (environment.join("bin/python"), environment.join("installed.txt"));
    let wanted = fs::read_to_string(REQUIREMENTS)?;
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    let create = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment).output();
    check(create.await, "python3 -m venv (on Debian: apt install python3-venv)")?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]);
    let output = timeout(INSTALLATION, pip.kill_on_drop(true).output()).await.context("pip did not end")?;
    check(output, "pip install (it needs PyPI, or a mirror that pip is set to)")?;
    fs::write(installed, wanted)?;
    Ok(python)
}

fn check(output: std::io::Result<Output>, what: &str) -> anyhow::Result<()> {
    let output = output.with_context(|| format!("cannot run {what}"))?;
    let (status, told) = (output.status, String::from_utf8_lossy(&output.stderr));
    ensure!(status.success(), "{what} failed ({status}):\n{told}");
    Ok(())
}
