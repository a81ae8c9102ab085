//! `make soak`: does everything hold for half an hour on a Pub/Sub that fails? Plays are late, out of order, twice and
//! again, streams break off, updates are late and lost, and replicas are killed and replaced; looked at every minute, and at the
//! end by what is left in Pub/Sub.
//!
//! Build the services in release first: `cargo build --release --bins`, then run it with `--release`.

#![expect(clippy::print_stdout, reason = "a measurement is its output")]

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Parser;
use emulator_tests::collect::Collector;
use emulator_tests::installation::{Installation, Replica, settled_books, slots, updates};
use emulator_tests::listeners::{Crowd, PlaySpec, Shares, Timing, publisher};
use emulator_tests::services::{Books, Service, Usage};
use emulator_tests::topology::{PLAYS, PLAYS_SUBSCRIPTION};
use local_pubsub::{Fault, FaultPlan, LocalPubSub, Share};

#[derive(Parser)]
struct Arguments {
    /// Plays a second.
    #[arg(long, default_value_t = 30_000.0)]
    rate: f64,
    /// For how long.
    #[arg(long, default_value_t = 30)]
    minutes: u32,
}

const PATIENCE: Duration = Duration::from_secs(120);
const END: Duration = Duration::from_secs(15);
const REGIONS: [&str; 3] = ["europe-west1", "us-central1", "asia-east1"];

/// How often everything is looked at.
const LOOK: Duration = Duration::from_secs(60);

/// A replica is replaced every so many looks.
const REPLACE_EVERY: u32 = 5;

/// What is not acknowledged comes back within so long: the ack deadline of the plays, and some more.
const COMES_BACK: Duration = Duration::from_secs(75);

/// The last looks may be above the first ones by so much, after everything has grown to its size.
const GROWTH: f64 = 1.1;

/// One look.
struct Look {
    books: Books,
    pipeline: Usage,
    /// The replica that is never replaced.
    replica: Usage,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let sessions = installation.watch_sessions().await?;
    let mut pipeline = installation.pipeline(&[("STREAMS", "2")])?;
    pipeline.until_ready(PATIENCE).await?;
    let mut replicas: Vec<_> =
        REGIONS.into_iter().map(|region| installation.replica(region)).collect::<Result<_, _>>()?;
    broker.set_faults(faults()?);
    let timing = Timing { spread_ms: 500, ..Timing::default() };
    let spec = PlaySpec { timing, shares: Shares::default(), ..PlaySpec::default() };
    let client = installation.topology.pubsub.publisher().await?;
    let plays = publisher(&client, &installation.topology.pubsub.topic(PLAYS));
    let (crowd, began) =
        (Crowd::start(installation.play_source(spec)?, arguments.rate, plays), Instant::now());

    let mut looks = Vec::new();
    for minute in 1..=arguments.minutes {
        tokio::time::sleep((LOOK * minute).saturating_sub(began.elapsed())).await;
        pipeline.check_running()?;
        for replica in &mut replicas {
            replica.service.check_running()?;
        }
        looks.push(look(&pipeline, &replicas[0], minute).await?);
        if minute % REPLACE_EVERY == 0 {
            let region = (minute / REPLACE_EVERY) as usize % (REGIONS.len() - 1) + 1;
            let killed = std::mem::replace(&mut replicas[region], installation.replica(REGIONS[region])?);
            killed.service.kill(END).await?;
        }
    }

    let totals = crowd.stop().await;
    broker.set_faults(FaultPlan::default());
    let books = settled_books(&pipeline, totals.confirmed).await?;
    println!(
        "{} plays published, {} left out because this machine is too slow, {} refused; deliveries {}, {} of them again",
        totals.confirmed,
        totals.skipped,
        totals.failed,
        books.received,
        books.received - totals.confirmed
    );
    println!("{books:?}");
    let shown = slots(&updates(&sessions.messages()));
    let gaps = shown.keys().zip(shown.keys().skip(1)).filter(|(one, next)| *next - *one != 1).count();
    println!("{} slots were announced, with {gaps} gaps", shown.len());
    let ended = pipeline.terminate(END).await?;
    ensure!(ended.status.success(), "{ended:?}");
    let left = left(&installation).await?;
    println!("{left} plays came back after the end: Pub/Sub has {}", if left == 0 { "none" } else { "some" });
    for replica in replicas {
        let ended = replica.service.terminate(END).await?;
        ensure!(ended.status.success(), "{ended:?}");
    }
    ensure!(left == 0, "{left} plays were not acknowledged");
    ensure!(gaps == 0, "{gaps} slots were skipped");
    flat(&looks)
}

/// What goes wrong with plays all the time, and with updates on their way to replicas.
fn faults() -> anyhow::Result<FaultPlan> {
    let delays = |median, at_most| {
        anyhow::Ok(Fault::DelayMessages {
            median: Duration::from_millis(median),
            sigma: 0.5,
            stalls: Share::new(0.001)?,
            at_most: Duration::from_millis(at_most),
        })
    };
    Ok(FaultPlan::seeded(1)
        .with_on(PLAYS_SUBSCRIPTION, delays(20, 1000)?)
        .with_on(PLAYS_SUBSCRIPTION, Fault::Duplicate { share: Share::new(0.001)? })
        .with_on(PLAYS_SUBSCRIPTION, Fault::LoseAcks { share: Share::new(0.001)? })
        .with_on(PLAYS_SUBSCRIPTION, Fault::ResetStreams { mean_life: Duration::from_secs(120) })
        .with_on("session-api-*", delays(120, 3000)?)
        .with_on("session-api-*", Fault::LoseMessages { share: Share::new(0.01)? }))
}

async fn look(pipeline: &Service, replica: &Replica, minute: u32) -> anyhow::Result<Look> {
    let books = pipeline.metrics().await?.books();
    ensure!(books.add_up(), "the books do not add up: {books:?}");
    let look = Look { books, pipeline: Usage::of(pipeline.pid()), replica: Usage::of(replica.service.pid()) };
    println!(
        "{minute:>3} min: received {} = settled {} + held {} + dropped {}; pipeline {:.0} MB, {} files; replica {:.1} MB, {} files",
        look.books.received,
        look.books.settled,
        look.books.held,
        look.books.dropped.values().sum::<u64>(),
        look.pipeline.megabytes(),
        look.pipeline.open_files,
        look.replica.megabytes(),
        look.replica.open_files
    );
    Ok(look)
}

/// How many plays come to somebody who asks after the pipeline has ended.
async fn left(installation: &Installation) -> anyhow::Result<usize> {
    let collector = Collector::of(&installation.topology, PLAYS_SUBSCRIPTION).await?;
    tokio::time::sleep(COMES_BACK).await;
    let left = collector.messages().len();
    collector.stop().await;
    Ok(left)
}

/// Whether the last third of the looks is no higher than the second.
fn flat(looks: &[Look]) -> anyhow::Result<()> {
    let third = looks.len() / 3;
    let most = |looks: &[Look], of: fn(&Look) -> f64| looks.iter().map(of).fold(0.0, f64::max);
    let figures: [(&str, fn(&Look) -> f64); 4] = [
        ("the pipeline's memory, MB", |look| look.pipeline.megabytes()),
        ("the pipeline's open files", |look| look.pipeline.open_files as f64),
        ("a replica's memory, MB", |look| look.replica.megabytes()),
        ("a replica's open files", |look| look.replica.open_files as f64),
    ];
    for (name, of) in figures {
        let (before, after) = (most(&looks[third..2 * third], of), most(&looks[2 * third..], of));
        println!("{name}: at most {before:.1} in the second third, {after:.1} in the last");
        ensure!(third == 0 || after <= before * GROWTH, "{name} grows");
    }
    Ok(())
}
