//! How long it takes from pressing play to being current on a replica: `measure-latency --rate 30000`.
//!
//! Build the services in release first: `cargo build --release --bins`, then run it with `--release`.

#![expect(clippy::print_stdout, reason = "a measurement is its output")]

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use emulator_tests::installation::{Installation, now_ms, settled_books};
use emulator_tests::latency::{Latencies, parse_ms};
use emulator_tests::listeners::{Crowd, PlaySpec, Shares, Timing, publisher};
use emulator_tests::services::Usage;
use emulator_tests::topology::PLAYS;
use local_pubsub::LocalPubSub;
use serde_json::Value;

#[derive(Parser)]
struct Arguments {
    /// Plays a second.
    #[arg(long, default_value_t = 30_000.0)]
    rate: f64,
    /// Which share of the tracks the pipeline keeps.
    #[arg(long, default_value_t = 1.0)]
    sample_rate: f64,
    /// How many slots are looked at.
    #[arg(long, default_value_t = 20)]
    slots: u32,
}

const PATIENCE: Duration = Duration::from_secs(120);

/// How often the replica is asked; so much later a slot is noticed at most.
const POLL: Duration = Duration::from_millis(5);

/// Slots that are shown before everything is warm.
const WARM_UP: u32 = 2;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let sample_rate = arguments.sample_rate.to_string();
    let mut pipeline = installation.pipeline(&[("STREAMS", "2"), ("SAMPLE_RATE", &sample_rate)])?;
    let mut replica = installation.replica("europe-west1")?;
    pipeline.until_ready(PATIENCE).await?;
    let timing = Timing { spread_ms: 200, ..Timing::default() };
    let spec = PlaySpec { timing, shares: Shares::NONE, ..PlaySpec::default() };
    let client = installation.topology.pubsub.publisher().await?;
    let plays = publisher(&client, &installation.topology.pubsub.topic(PLAYS));
    let crowd = Crowd::start(installation.play_source(spec)?, arguments.rate, plays);
    replica.service.until_ready(PATIENCE).await?;

    let latencies = watch(&replica.url, arguments.slots).await?;
    let totals = crowd.stop().await;
    let books = settled_books(&pipeline, totals.confirmed).await?;
    let usage = Usage::of(pipeline.pid());
    println!(
        "{} plays a second, SAMPLE_RATE {sample_rate}: p50 {} ms, p99 {} ms, p99.9 {} ms, at most {} ms; {} sessions in {} slots",
        arguments.rate,
        latencies.quantile(0.5),
        latencies.quantile(0.99),
        latencies.quantile(0.999),
        latencies.at_most(1.0),
        latencies.sessions(),
        arguments.slots
    );
    println!(
        "{} plays left out because this machine is too slow; pipeline {:.0} MB, {:.2} µs of CPU a play",
        totals.skipped,
        usage.megabytes(),
        usage.cpu.as_secs_f64() * 1e6 / books.received as f64
    );
    println!("{} plays published; {books:?}", totals.confirmed);
    pipeline.terminate(Duration::from_secs(10)).await?;
    replica.service.terminate(Duration::from_secs(10)).await?;
    Ok(())
}

/// Looks at so many slots as they begin.
async fn watch(url: &str, slots: u32) -> anyhow::Result<Latencies> {
    let client = reqwest::Client::new();
    let (mut latencies, mut shown, mut seen) = (Latencies::default(), None, 0);
    let mut last = Instant::now();
    while seen < slots + WARM_UP {
        anyhow::ensure!(last.elapsed() < PATIENCE, "no slot for {PATIENCE:?}");
        tokio::time::sleep(POLL).await;
        let answer = client.get(format!("{url}/api/latest?lang=en")).send().await?;
        let current = answer.error_for_status()?.json::<Value>().await?["current"].take();
        let now = now_ms();
        let slot = current["slot"].as_u64().context("a slot has a number")?;
        if shown.replace(slot) == Some(slot) {
            continue;
        }
        (seen, last) = (seen + 1, Instant::now());
        if seen <= WARM_UP {
            continue;
        }
        for session in current["sessions"].as_array().context("a slot has sessions")? {
            let listeners = session["listeners"].as_u64().context("a session has listeners")?;
            latencies.shown(&window(&session["window"])?, listeners, now);
        }
    }
    Ok(latencies)
}

fn window(window: &Value) -> anyhow::Result<Range<i64>> {
    let time = |of: &str| window[of].as_str().and_then(parse_ms).context("a window has a start and an end");
    Ok(time("start")?..time("end")?)
}
