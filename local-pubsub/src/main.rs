//! `local-pubsub --listen 127.0.0.1:8085`: the broker as a process of its own.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use local_pubsub::{FaultPlan, Limits, LocalPubSub};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A small Pub/Sub broker in memory, for development and tests.
///
/// It speaks google.pubsub.v1 over gRPC, and the administrative calls over REST too, on one port, in
/// plaintext and without credentials: point a client at it with PUBSUB_EMULATOR_HOST=HOST:PORT. Nothing is
/// persistent: topics, subscriptions and messages are gone when it stops. Production is Google Cloud Pub/Sub.
#[derive(Debug, Parser)]
#[command(version)]
struct Config {
    /// The address to listen on, HOST:PORT; port 0 takes a free one, which the log tells.
    #[arg(long, default_value = "127.0.0.1:8085", value_name = "HOST:PORT")]
    listen: String,

    /// How many MiB of messages to retain before Publish answers RESOURCE_EXHAUSTED; each counts its content
    /// and 256 bytes.
    #[arg(long, default_value_t = 1024, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    max_retained_mib: u64,

    /// What is to go wrong, as JSON, for example {"seed":7,"faults":[{"on":"plays-pipeline","after_ms":1000,
    /// "lasts_ms":5000,"fault":{"lose_acks":{"share":0.2}}}]}; the README lists the faults.
    #[arg(long, default_value = "{}", hide_default_value = true, value_name = "JSON", value_parser = fault_plan)]
    faults: FaultPlan,
}

fn fault_plan(json: &str) -> Result<FaultPlan, serde_json::Error> {
    serde_json::from_str(json)
}

/// A wrong setting.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::try_parse() {
        Ok(config) => config,
        Err(error) if error.use_stderr() => return complain(first_line(&error.to_string())),
        // The text of --help or --version; a closed pipe is the reader's wish.
        Err(text) => {
            drop(text.print());
            return ExitCode::SUCCESS;
        }
    };
    let levels = std::env::var("RUST_LOG").ok().and_then(|levels| levels.parse().ok());
    let levels = levels.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_filter(levels);
    tracing_subscriber::registry().with(lines).init();
    match run(&config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!(
            "error: cannot listen on '{}' (--listen <HOST:PORT>): {error}; give an address of this machine with a free port",
            config.listen
        )),
    }
}

async fn run(config: &Config) -> io::Result<()> {
    // Before anyone can know that it runs, so that no signal finds it without handlers.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let limits = Limits { max_retained_bytes: config.max_retained_mib << 20 };
    let broker = LocalPubSub::new()
        .with_limits(limits)
        .with_faults(config.faults.clone())
        .bind(&config.listen)
        .await?;
    tracing::info!(address = %broker.local_addr(), "listening; nothing is persistent");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    broker.shutdown().await;
    Ok(())
}

/// One line is enough for a wrong setting.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

fn complain(line: &str) -> ExitCode {
    drop(writeln!(io::stderr(), "{line}"));
    ExitCode::from(USAGE)
}
