//! What a play costs each of two stages, as processes on local-pubsub: `measure-stages locate --rate 20000` has simulated
//! listeners publish plays to one process that locates, `measure-stages curate --rate 100000` publishes located plays as if
//! many such processes did.
//!
//! Build the pipeline in release first: `cargo build --release --bins`, then run it with `--release`.

#![expect(clippy::print_stdout, reason = "a measurement is its output")]

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::{Parser, ValueEnum};
use emulator_tests::installation::{Installation, now_ms, settled_books, slots, updates};
use emulator_tests::listeners::{Pace, PlaySpec, Shares, Timing};
use emulator_tests::services::{Service, Usage};
use emulator_tests::topology::LOCATED_PLAYS;
use google_cloud_pubsub::model::Message;
use listening_together_proto::v1;
use local_pubsub::LocalPubSub;
use maxminddb::{Reader, geoip2};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

#[derive(Parser)]
struct Arguments {
    /// Which stage.
    stage: Stage,
    /// Plays a second.
    #[arg(long, default_value_t = 20_000.0)]
    rate: f64,
    /// For how long.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Located plays a message.
    #[arg(long, default_value_t = 500)]
    batch: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stage {
    Locate,
    Curate,
}

const PATIENCE: Duration = Duration::from_secs(120);

/// As the second stage should have it.
const SETTINGS: [(&str, &str); 1] = [("MAX_DISORDER", "1s")];

/// How many different plays there are; then they are played again.
const PLAYS: usize = 200_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    match arguments.stage {
        Stage::Locate => locate(&installation, &arguments).await,
        Stage::Curate => curate(&installation, &arguments).await,
    }
}

fn ordinary() -> PlaySpec {
    let timing = Timing { spread_ms: 200, ..Timing::default() };
    PlaySpec { timing, shares: Shares::NONE, ..PlaySpec::default() }
}

async fn locate(installation: &Installation, arguments: &Arguments) -> anyhow::Result<()> {
    let batch = arguments.batch.to_string();
    let mut process = installation.locate(&[("LOCATED_BATCH_PLAYS", &batch)])?;
    process.until_ready(PATIENCE).await?;
    let before = Usage::of(process.pid());
    let listeners = installation.listeners(ordinary(), arguments.rate).await?;
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    let sent = listeners.stop().await?.len() as u64;
    report("locate", &process, &before, sent).await?;
    let metrics = process.metrics().await?;
    let (sum, count) = ("_sum", "_count");
    let mean = |name: &str| metrics.get(&format!("{name}{sum}")) / metrics.get(&format!("{name}{count}"));
    println!(
        "{:.0} plays a message, published {:.0} ms after its first came in (mean)",
        mean("pipeline_locate_batch_plays"),
        mean("pipeline_locate_duration_seconds") * 1e3
    );
    process.terminate(Duration::from_secs(10)).await?;
    Ok(())
}

async fn curate(installation: &Installation, arguments: &Arguments) -> anyhow::Result<()> {
    let plays = located_plays(installation)?;
    let sessions = installation.watch_sessions().await?;
    let mut process = installation.curate(&SETTINGS)?;
    process.until_ready(PATIENCE).await?;
    let before = Usage::of(process.pid());
    let client = installation.topology.pubsub.publisher().await?;
    let topic = installation.topology.pubsub.topic(LOCATED_PLAYS);
    let publisher = client.publisher(topic).set_message_count_threshold(1).build();
    let (started, mut pace) = (Instant::now(), Pace::per_second(arguments.rate / arguments.batch as f64));
    let (mut next, mut sent, mut confirmations) = (0, 0, Vec::new());
    while started.elapsed() < Duration::from_secs(arguments.seconds) {
        for _ in 0..pace.due(started.elapsed()) {
            let message = message((next..next + arguments.batch).map(|index| &plays[index % PLAYS]));
            confirmations.push(publisher.publish(Message::new().set_data(message)));
            next += arguments.batch;
            sent += arguments.batch as u64;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for confirmation in confirmations {
        confirmation.await?;
    }
    println!("{} messages were left out because this machine is too slow", pace.skipped());
    report("curate", &process, &before, sent).await?;
    println!("{} slots were announced", slots(&updates(&sessions.messages())).len());
    process.terminate(Duration::from_secs(10)).await?;
    Ok(())
}

async fn report(stage: &str, process: &Service, before: &Usage, sent: u64) -> anyhow::Result<()> {
    let books = settled_books(process, sent).await?;
    let usage = Usage::of(process.pid());
    let cpu = (usage.cpu - before.cpu).as_secs_f64();
    println!(
        "{stage}: {} plays, {:.2} µs of CPU each, {:.0} plays a CPU-second, {:.0} MB",
        books.received,
        cpu * 1e6 / books.received as f64,
        books.received as f64 / cpu,
        usage.megabytes()
    );
    println!("{books:?}");
    Ok(())
}

/// Plays of simulated listeners, located; without their time.
fn located_plays(installation: &Installation) -> anyhow::Result<Vec<v1::LocatedPlay>> {
    let reader = Reader::open_readfile(&installation.databases.city)?;
    let mut source = installation.play_source(ordinary())?;
    let mut plays = Vec::with_capacity(PLAYS);
    while plays.len() < PLAYS {
        let play = v1::Play::decode(source.next(0).bytes)?;
        let ip = <[u8; 4]>::try_from(&play.ip_address[..]).map(IpAddr::from);
        let ip = ip.or_else(|_| <[u8; 16]>::try_from(&play.ip_address[..]).map(IpAddr::from))?;
        let Some(record) = reader.lookup(ip)?.decode::<geoip2::City<'_>>()? else { continue };
        let (Some(latitude), Some(longitude)) = (record.location.latitude, record.location.longitude) else {
            continue;
        };
        plays.push(v1::LocatedPlay {
            user_hash: Bytes::copy_from_slice(&Sha256::digest(play.user_id.as_bytes())[..16]),
            track_id: play.track_id,
            played_at: None,
            geoname_id: record.city.geoname_id.unwrap_or(0),
            accuracy_radius_km: record.location.accuracy_radius.unwrap_or(0).into(),
            latitude,
            longitude,
        });
    }
    Ok(plays)
}

/// A message of these plays, pressed in the last fifth of a second.
fn message<'a>(plays: impl Iterator<Item = &'a v1::LocatedPlay>) -> Bytes {
    let now = now_ms();
    let at = |millis: i64| {
        let nanos = i32::try_from(millis.rem_euclid(1000) * 1_000_000).unwrap_or_default();
        Some(prost_types::Timestamp { seconds: millis.div_euclid(1000), nanos })
    };
    let played = plays
        .zip(0..)
        .map(|(play, index)| v1::LocatedPlay { played_at: at(now - index % 200), ..play.clone() });
    v1::LocatedPlays { plays: played.collect(), seen_until: at(now) }.encode_to_vec().into()
}
