//! schemathesis from PyPI: requests made from `/openapi.json`, answers held against it.
//!
//! It is installed into a virtual environment below `target/` by the test, which fails when that fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::replica::{Replica, alone};

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/requirements.txt");

const INSTALLATION: Duration = Duration::from_secs(300);
const RUN: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_nothing() {
    let python = installed().await;
    let _alone = alone().await;
    let broker = Broker::start().await;
    // It reads every answer to its end, also that of a stream.
    let settings = [("MAX_STREAM_AGE", "50ms")];
    let mut replica = Replica::start(broker.address, &settings).await;
    broker.announce_two(20).await;
    replica.until_latest_has("\"slot\":20").await;
    let mut tool = Command::new(python);
    let url = format!("http://{}/openapi.json", replica.api);
    tool.args([
        "-m",
        "schemathesis.cli",
        "run",
        &url,
        "--checks",
        "all",
        "--phases",
        "examples,coverage,fuzzing",
    ])
    .args(["--max-examples", "50", "--seed", "1", "--generation-database", "none", "--no-color"])
    .current_dir(env!("CARGO_TARGET_TMPDIR"))
    .kill_on_drop(true);
    let output = timeout(RUN, tool.output()).await.expect("an end of the run").unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "schemathesis found something:\n{told}");
    assert!(told.contains("Tested: 3"), "it tested every operation:\n{told}");
    replica.assert_well("Traceback");
}

/// The interpreter of a virtual environment that has it; an earlier run's if it has this very version.
async fn installed() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let (python, installed) = (environment.join("bin/python"), environment.join("installed.txt"));
    let wanted = fs::read_to_string(REQUIREMENTS).unwrap();
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return python;
    }
    let create = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment).output().await;
    check(create, "python3 -m venv (on Debian: apt install python3-venv)");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]);
    let output = timeout(INSTALLATION, pip.kill_on_drop(true).output()).await.expect("an end of pip");
    check(output, "pip install (it needs PyPI, or a mirror that pip is set to)");
    fs::write(installed, wanted).unwrap();
    python
}

fn check(output: std::io::Result<Output>, what: &str) {
    let output = output.unwrap_or_else(|error| panic!("cannot run {what}: {error}"));
    let (status, told) = (output.status, String::from_utf8_lossy(&output.stderr));
    assert!(status.success(), "{what} failed ({status}):\n{told}");
}
