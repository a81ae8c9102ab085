//! What a play costs the core, from the bytes of a message to the sessions of a slot: plays per CPU-second, and the
//! ratio to a plain loop that gathers the same plays by window, track and user with nothing else around it. The ratio
//! holds on any machine; the rates are this machine's.
//!
//! `cargo bench -p pipeline` uses the demo's city database; `GEOIP_CITY_DB=path` a larger one. An argument selects the rows
//! whose name contains it: `cargo bench -p pipeline -- "all tracks"`. Without `--bench` in its
//! arguments, as under `cargo test --benches`, it takes a few plays only.

#![expect(clippy::print_stdout, reason = "the table of results is what a benchmark is for")]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use emulator_tests::geo_fixtures::write_demo_databases;
use emulator_tests::listeners::{Addresses, Catalogue, PlaySource, PlaySpec, Shares};
use listening_together_proto::{Kilometres, Timestamp};
use maxminddb::Reader;
use pipeline::curate::CurateRules;
use pipeline::decode::decode;
use pipeline::engine::{Effect, Engine, Rules};
use pipeline::ledger::Ledger;
use pipeline::locate::{Atlas, DatabaseSettings, KnownBy};
use pipeline::matching::{MatchRules, match_listeners};
use pipeline::sample::Sampler;
use pipeline::user::UserHash;
use pipeline::window::{LocatedPlay, WindowRules, Windows};
use rustix::time::{ClockId, clock_gettime};

/// The instant at which the first play is received, in milliseconds since the epoch.
const START_MS: u64 = 1_700_000_000_000;
/// Plays a second of the stream's own time.
const RATE: u64 = 30_000;
/// The engine is told the time as often as a busy pipeline would be.
const BATCH: usize = 1000;

/// One row of the table.
struct Case {
    name: &'static str,
    sample_rate: f64,
    tracks: usize,
    users: u32,
    window: Duration,
}

const SECOND: Duration = Duration::from_secs(1);

const CASES: [Case; 5] = [
    Case { name: "all tracks", sample_rate: 1.0, tracks: 100_000, users: 1_000_000, window: SECOND },
    Case {
        name: "1 track in 32",
        sample_rate: 1.0 / 32.0,
        tracks: 100_000,
        users: 1_000_000,
        window: SECOND,
    },
    Case { name: "10 x tracks", sample_rate: 1.0, tracks: 1_000_000, users: 1_000_000, window: SECOND },
    Case { name: "10 x users", sample_rate: 1.0, tracks: 100_000, users: 10_000_000, window: SECOND },
    Case {
        name: "10 x window",
        sample_rate: 1.0,
        tracks: 100_000,
        users: 1_000_000,
        window: Duration::from_secs(10),
    },
];

fn main() -> anyhow::Result<()> {
    let (plays, runs) =
        if std::env::args().any(|argument| argument == "--bench") { (2_000_000, 5) } else { (20_000, 1) };
    let directory = tempfile::TempDir::new()?;
    let city = city_database(directory.path())?;
    println!("{plays} plays of {RATE} a second, {runs} runs a row (the median counts), {}", city.display());
    println!("{:<24}{:>18}{:>18}{:>8}", "", "plays/CPU-s", "plain loop", "ratio");
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    for case in CASES.iter().filter(|case| case.name.contains(&filter)) {
        let stream = stream(case, plays, &city)?;
        let (mut core, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            core.push(run_core(case, &stream, &city)?);
            plain.push(run_plain(&stream, case.window));
        }
        print_row(case.name, plays, core, plain);
    }
    let case = &CASES[0];
    let name = "window and match alone";
    if name.contains(&filter) {
        let (stream, atlas) = (stream(case, plays, &city)?, open_atlas(&city)?);
        let middle: Result<Vec<_>, _> =
            (0..runs).map(|_| run_window_and_match(case, &stream, &atlas)).collect();
        let plain = (0..runs).map(|_| run_plain(&stream, case.window)).collect();
        print_row(name, plays, middle?, plain);
    }
    Ok(())
}

fn print_row(name: &str, plays: u64, core: Vec<Duration>, plain: Vec<Duration>) {
    let rate = |times: Vec<Duration>| plays as f64 / median(times).as_secs_f64();
    let (core, plain) = (rate(core), rate(plain));
    println!("{name:<24}{core:>18.0}{plain:>18.0}{:>8.2}", core / plain);
}

fn open_atlas(city: &Path) -> anyhow::Result<Atlas> {
    let settings = DatabaseSettings {
        city: city.to_owned(),
        anonymous_ip: None,
        max_accuracy_radius_km: 200,
        known_by: KnownBy::Address,
    };
    Ok(Atlas::new(settings.open()?))
}

/// A message and when it is received.
struct Received {
    data: Bytes,
    at: Timestamp,
}

fn stream(case: &Case, plays: u64, city: &Path) -> anyhow::Result<Vec<Received>> {
    let reader = Reader::open_readfile(city)?;
    let addresses = Arc::new(Addresses::index(&reader, 200, None)?);
    let spec = PlaySpec { users: case.users, shares: Shares::NONE, ..PlaySpec::default() };
    let mut source = PlaySource::new(spec, &Catalogue::invent(case.tracks, 1), addresses, 1)?;
    let received = (0..plays).map(|number| {
        let at = START_MS + number * 1000 / RATE;
        let at_ms = i64::try_from(at).unwrap_or(i64::MAX);
        Received { data: source.next(at).bytes, at: Timestamp::from_millis(at_ms) }
    });
    Ok(received.collect())
}

/// The CPU time of taking the stream in: decode, sample, locate, window, match, curate, ledger.
fn run_core(case: &Case, stream: &[Received], city: &Path) -> anyhow::Result<Duration> {
    let atlas = open_atlas(city)?;
    let mut engine = Engine::new(rules(case)?, atlas, Default::default(), stream[0].at);
    let mut effects: Vec<Effect<()>> = Vec::new();
    let start = cpu_time();
    for batch in stream.chunks(BATCH) {
        let now = batch[0].at;
        engine.receive_all(batch.iter().map(|received| (received.data.clone(), ())), now, &mut effects);
        engine.advance(now, &mut effects);
        settle(&mut engine, &mut effects);
    }
    let took = cpu_time() - start;
    anyhow::ensure!(engine.ledger().received() == stream.len() as u64, "every play is on the books");
    Ok(took)
}

/// The CPU time of the stages in the middle, on plays that were decoded and located before: window, distinct listeners,
/// match.
fn run_window_and_match(case: &Case, stream: &[Received], atlas: &Atlas) -> anyhow::Result<Duration> {
    let Rules { max_future_skew, window, matching, .. } = rules(case)?;
    let users = UserHash::in_process(0);
    let located = stream.iter().filter_map(|received| {
        let play = decode(&received.data, received.at, max_future_skew).ok()?;
        let spot = atlas.locate(play.address).ok()?;
        let user = users.of(play.user);
        let (played_at, tie_break) = (play.played_at, play.address.into());
        Some((play.track, LocatedPlay { user, played_at, tie_break, spot }))
    });
    let located: Vec<_> = located.collect();
    let (mut windows, mut ledger) = (Windows::new(window, Timestamp::MIN), Ledger::default());
    let mut sessions = 0;
    let start = cpu_time();
    for (batch, received) in located.chunks(BATCH).zip(stream.chunks(BATCH)) {
        let now = received[0].at;
        for (track, play) in batch {
            windows.observe(play.played_at, now);
            if !windows.is_late(windows.window_of(play.played_at)) {
                windows.insert(track, play, ledger.receive(()));
            }
        }
        windows.fire(|pane| sessions += u64::from(match_listeners(pane.listeners, atlas, &matching).is_ok()));
    }
    let took = cpu_time() - start;
    anyhow::ensure!(ledger.received() == stream.len() as u64 && sessions > 0, "every play was in time");
    Ok(took)
}

/// Confirms announcements at once.
fn settle(engine: &mut Engine<()>, effects: &mut Vec<Effect<()>>) {
    let mut acks = Vec::new();
    for effect in effects.drain(..) {
        if let Effect::Announce { plays, .. } = effect {
            engine.published(plays, &mut acks);
        }
    }
}

fn rules(case: &Case) -> anyhow::Result<Rules> {
    Ok(Rules {
        max_future_skew: 5 * SECOND,
        sampler: Sampler::new(case.sample_rate),
        window: WindowRules {
            length: case.window,
            max_disorder: SECOND / 2,
            allowed_lateness: 30 * SECOND,
            idle_timeout: SECOND,
        },
        matching: MatchRules {
            min_listeners: 2,
            min_distance: Kilometres::new(100.0).context("100 km is a distance")?,
            max_places: 8,
        },
        curate: CurateRules {
            slot: 5 * SECOND,
            lead: 2 * SECOND,
            max_session_age: 10 * SECOND,
            sessions_per_slot: Some(5),
        },
    })
}

/// The CPU time of gathering the same plays, decoded before, by window, track and user.
fn run_plain(stream: &[Received], window: Duration) -> Duration {
    use prost::Message as _;
    let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
    let mut tracks = HashMap::new();
    let mut users = HashMap::new();
    let decoded: Vec<(i64, u32, u32)> = stream
        .iter()
        .filter_map(|received| listening_together_proto::v1::Play::decode(&received.data[..]).ok())
        .map(|play| {
            let time =
                play.played_at.map_or(0, |time| time.seconds * 1000 + i64::from(time.nanos) / 1_000_000);
            let (known_tracks, known_users) = (tracks.len() as u32, users.len() as u32);
            let track = *tracks.entry(play.track_id).or_insert(known_tracks);
            (time / window_ms, track, *users.entry(play.user_id).or_insert(known_users))
        })
        .collect();
    let start = cpu_time();
    let mut groups: HashMap<(i64, u32), HashSet<u32>> = HashMap::new();
    for (window, track, user) in decoded {
        groups.entry((window, track)).or_default().insert(user);
    }
    let shared = groups.values().filter(|users| users.len() > 1).count();
    let took = cpu_time() - start;
    std::hint::black_box(shared);
    took
}

fn city_database(directory: &Path) -> anyhow::Result<PathBuf> {
    match std::env::var_os("GEOIP_CITY_DB") {
        Some(path) => Ok(path.into()),
        None => Ok(write_demo_databases(directory)?.city),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The CPU time of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    Duration::new(part(time.tv_sec), 0) + Duration::from_nanos(part(time.tv_nsec))
}
