//! What a rolling update costs wrk's visitors: `measure-rolling-update --faster 5`.
//!
//! Build session-api in release first: `cargo build --release --bins`, then run it with `--release`.
//! wrk is in Debian's package of that name.

#![expect(clippy::print_stdout, reason = "a measurement is its output")]

#[path = "../tests/rolling_update/announcer.rs"]
mod announcer;

use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use clap::Parser;
use emulator_tests::installation::Installation;
use emulator_tests::rollout::{Deployment, Pace, Proxy, Routing};
use local_pubsub::LocalPubSub;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use announcer::Announcer;

#[derive(Parser)]
struct Arguments {
    /// How many replicas there are.
    #[arg(long, default_value_t = 3)]
    replicas: usize,
    /// How much faster than with the chart's settings a replica is given up; what a replica itself does takes its time.
    #[arg(long, default_value_t = 5)]
    faster: u32,
    /// What session-api does after SIGTERM, such as 0s.
    #[arg(long)]
    shutdown_delay: Option<String>,
    /// Send SIGTERM at once, and let requests follow later.
    #[arg(long)]
    without_pre_stop: bool,
    /// Connections that wrk keeps open.
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let _programme = Announcer::start(&installation.topology).await?;
    let mut pace = Pace::CHART.faster(arguments.faster);
    if arguments.without_pre_stop {
        pace.pre_stop = std::time::Duration::ZERO;
    }
    let delay = arguments.shutdown_delay.map(|delay| ("SHUTDOWN_DELAY", delay));
    let settings: Vec<_> = delay.into_iter().collect();
    for routing in [Routing::Connections, Routing::Requests] {
        let mut deployment =
            Deployment::start(&installation, settings.clone(), pace, arguments.replicas).await?;
        let proxy = Proxy::start(deployment.endpoints(), routing).await?;
        let wrk = wrk(proxy.address(), arguments.connections)?;
        let started = std::time::Instant::now();
        deployment.roll().await?;
        println!(
            "{routing:?}, {} replicas replaced in {:.1} s",
            arguments.replicas,
            started.elapsed().as_secs_f64()
        );
        println!("{}", summary(wrk).await?);
    }
    Ok(())
}

fn wrk(to: SocketAddr, connections: usize) -> anyhow::Result<Child> {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", &connections.to_string(), "--duration", "1h"]);
    let url = format!("http://{to}/api/latest");
    let child = command.arg(url).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    child.context("wrk cannot be started; it is in Debian's package wrk")
}

/// Ends wrk, and gives the lines that say how many requests it made and what was wrong with them.
async fn summary(wrk: Child) -> anyhow::Result<String> {
    let id = wrk.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).context("wrk has ended")?;
    kill_process(id, Signal::INT)?;
    let output = wrk.wait_with_output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(text.contains(" requests in "), "wrk says: {text}");
    let of_interest =
        |line: &&str| [" requests in ", "Socket errors", "Non-2xx"].iter().any(|what| line.contains(what));
    Ok(text.lines().filter(of_interest).collect::<Vec<_>>().join("\n"))
}
