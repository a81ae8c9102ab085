//! How soon the world is shown something fresh after a time without a pipeline, and how fast the backlog is gone:
//! `measure-outage --rate 30000 --seconds 120`.
//!
//! Build the pipeline in release first: `cargo build --release --bins`, then run it with `--release`.

#![expect(clippy::print_stdout, reason = "a measurement is its output")]

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use emulator_tests::collect::until;
use emulator_tests::installation::{Installation, now_ms, settled_books, updates};
use emulator_tests::listeners::{PlaySpec, Shares, Timing};
use emulator_tests::services::Usage;
use local_pubsub::LocalPubSub;

#[derive(Parser)]
struct Arguments {
    /// Plays a second, also while the backlog is worked off.
    #[arg(long, default_value_t = 30_000.0)]
    rate: f64,
    /// How long there is no pipeline.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
}

const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let sessions = installation.watch_sessions().await?;
    let timing = Timing { spread_ms: 200, ..Timing::default() };
    let spec = PlaySpec { timing, shares: Shares::NONE, ..PlaySpec::default() };
    let listeners = installation.listeners(spec, arguments.rate).await?;
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;

    let backlog = listeners.sent();
    let (started, started_ms) = (Instant::now(), now_ms());
    let pipeline = installation.pipeline(&[("STREAMS", "4")])?;
    sessions
        .until("a fresh slot", PATIENCE, |messages| {
            let newest = updates(&messages[messages.len().saturating_sub(1)..]);
            let sessions = newest.iter().flat_map(|update| &update.slots).flat_map(|slot| &slot.sessions);
            let mut starts = sessions.filter_map(|session| session.window_start);
            starts.any(|start| start.seconds * 1000 >= started_ms)
        })
        .await?;
    println!("a fresh slot was announced {:.1} s after the start", started.elapsed().as_secs_f64());
    until("the backlog is gone", PATIENCE, async || {
        let books = pipeline.metrics().await.map(|metrics| metrics.books());
        // What is on its way is no backlog.
        books.is_ok_and(|books| books.received as f64 + arguments.rate / 2.0 >= listeners.sent() as f64)
    })
    .await?;
    let took = started.elapsed().as_secs_f64();
    let usage = Usage::of(pipeline.pid());
    let books = pipeline.metrics().await?.books();
    println!(
        "the backlog of {backlog} plays was gone after {took:.1} s: {:.0} plays a second",
        books.received as f64 / took
    );
    println!(
        "{} MB, {:.2} µs of CPU a play",
        usage.megabytes().round(),
        usage.cpu.as_secs_f64() * 1e6 / books.received as f64
    );

    let sent = listeners.stop().await?.len() as u64;
    let books = settled_books(&pipeline, sent).await.context("every play is accounted for")?;
    println!("{sent} plays sent; {books:?}");
    pipeline.terminate(Duration::from_secs(10)).await?;
    Ok(())
}
