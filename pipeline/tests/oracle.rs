//! The engine against the brute-force computation of the same sessions, which shares no code with it: any plays, in any
//! order, delivered once or more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use emulator_tests::geo_fixtures::write_demo_databases;
use emulator_tests::oracle::{self, Oracle};
use listening_together_proto::{Timestamp, v1};
use maxminddb::Reader;
use pipeline::config::Config;
use pipeline::engine::{Effect, Engine, Rules};
use pipeline::ledger::DropReason;
use pipeline::locate::{Atlas, DatabaseSettings};
use proptest::prelude::*;
use prost::Message as _;

/// When the plays begin, in milliseconds since the epoch.
const START_MS: i64 = 1_700_000_000_000;
const WINDOW_MS: i64 = 1000;
const LATENESS_MS: i64 = 30_000;
/// Plays are as much as this out of order, and as much is allowed for, where nothing is to be late.
const SPREAD_MS: i64 = 4000;

/// The demo's databases, and addresses of some of its cities and of none.
struct World {
    _directory: tempfile::TempDir,
    city: PathBuf,
    addresses: Vec<Vec<u8>>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let directory = tempfile::TempDir::new().unwrap();
    let city = write_demo_databases(directory.path()).unwrap().city;
    let reader = Reader::open_readfile(&city).unwrap();
    let networks =
        reader.networks(Default::default()).unwrap().map(|network| network.unwrap().network().unwrap());
    let bytes = |ip: std::net::IpAddr| match ip {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mut addresses: Vec<_> = networks.step_by(97).take(15).map(|network| bytes(network.ip())).collect();
    addresses.push(vec![127, 0, 0, 1]);
    World { _directory: directory, city, addresses }
});

/// One of few users plays one of few tracks somewhere, so many milliseconds after the start.
#[derive(Clone, Debug)]
struct AnyPlay {
    user: u8,
    track: u8,
    address: usize,
    after_ms: i64,
}

impl AnyPlay {
    fn played_at_ms(&self) -> i64 {
        START_MS + self.after_ms
    }

    fn bytes(&self) -> Vec<u8> {
        let play = v1::Play {
            user_id: format!("user {}", self.user),
            track_id: format!("track {}", self.track),
            ip_address: WORLD.addresses[self.address].clone().into(),
            played_at: Some(Timestamp::from_millis(self.played_at_ms()).into()),
        };
        play.encode_to_vec()
    }
}

fn any_play(spread_ms: i64) -> impl Strategy<Value = AnyPlay> {
    (0u8..12, 0u8..4, 0..WORLD.addresses.len(), 0..spread_ms)
        .prop_map(|(user, track, address, after_ms)| AnyPlay { user, track, address, after_ms })
}

/// Plays in any order, some of them again.
fn deliveries(spread_ms: i64) -> impl Strategy<Value = Vec<AnyPlay>> {
    let plays = prop::collection::vec(any_play(spread_ms), 1..80);
    plays.prop_flat_map(|plays| {
        let again = prop::sample::subsequence(plays.clone(), 0..=plays.len());
        again.prop_flat_map(move |again| Just([plays.clone(), again].concat()).prop_shuffle())
    })
}

/// Every session finds room in a slot, and is never too old for one.
fn rules(max_disorder_ms: i64) -> Rules {
    use clap::Parser as _;
    let flags = [
        "pipeline",
        "--google-cloud-project=demo",
        "--geoip-city-db=unused",
        "--sessions-per-slot=0",
        "--max-session-age=300s",
        "--slot=1s",
        "--lead=500ms",
        &format!("--max-disorder={max_disorder_ms}ms"),
    ];
    Config::try_parse_from(flags).unwrap().rules().unwrap()
}

fn brute_force() -> Oracle {
    Oracle::new(&WORLD.city, None, None, oracle::Rules { sessions_per_slot: 0, ..oracle::Rules::default() })
        .unwrap()
}

/// The engine, told of deliveries at a clock that stands still, and what it published.
struct Run {
    engine: Engine<()>,
    acks: u64,
    /// Each session's newest pane.
    sessions: BTreeMap<String, v1::Session>,
}

impl Run {
    /// At the clock of the end of all plays.
    fn new(max_disorder_ms: i64, clock: Timestamp) -> Self {
        let settings =
            DatabaseSettings { city: WORLD.city.clone(), anonymous_ip: None, max_accuracy_radius_km: 200 };
        let atlas = Atlas::new(settings.open().unwrap());
        let engine = Engine::new(rules(max_disorder_ms), atlas, Default::default(), clock);
        Self { engine, acks: 0, sessions: BTreeMap::new() }
    }

    fn deliver(&mut self, play: &AnyPlay, clock: Timestamp) {
        let mut effects = Vec::new();
        self.engine.receive(play.bytes().into(), (), clock, &mut effects);
        self.carry_out(effects);
    }

    fn advance(&mut self, clock: Timestamp) {
        let mut effects = Vec::new();
        self.engine.advance(clock, &mut effects);
        self.carry_out(effects);
    }

    /// Lets as much time pass as makes every pane and slot. Two go on listening meanwhile, from before the next slot is
    /// decided: late panes are only shown beside one that is on time.
    fn finish(&mut self, clock: Timestamp) {
        for filler in fillers(clock - Duration::from_millis(1)) {
            self.deliver(&filler, clock);
        }
        for tenths in 0..150 {
            let now = clock + Duration::from_millis(100 * tenths);
            for filler in fillers(now).iter().filter(|_| tenths < 100) {
                self.deliver(filler, now);
            }
            self.advance(now);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect<()>>) {
        for effect in effects {
            match effect {
                Effect::Ack(()) => self.acks += 1,
                Effect::Reject { .. } => panic!("every message is a play"),
                Effect::Announce { update, plays, .. } => {
                    // Newest first: the first time that a session is met is its newest pane.
                    let sessions = update.slots.into_iter().next().into_iter().flat_map(|slot| slot.sessions);
                    self.sessions.extend(sessions.map(|session| (session.session_id.clone(), session)));
                    let mut acks = Vec::new();
                    self.engine.published(plays, &mut acks);
                    self.carry_out(acks);
                }
            }
        }
        let ledger = self.engine.ledger();
        let done = ledger.settled() + ledger.dropped_in_all();
        assert_eq!(
            (ledger.received(), self.acks),
            (done + ledger.held(), done),
            "the books add up at every step"
        );
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.engine.ledger().dropped(reason)
    }
}

/// Two who are far apart play a track of their own.
fn fillers(now: Timestamp) -> [AnyPlay; 2] {
    [0, WORLD.addresses.len() - 2].map(|address| AnyPlay {
        user: address as u8,
        track: u8::MAX,
        address,
        after_ms: now.as_millis() - START_MS,
    })
}

/// The deliveries that are in time by rule 4, told by a watermark of this test's own.
fn in_time<'a>(deliveries: &'a [AnyPlay], max_disorder_ms: i64, clock_ms: i64) -> Vec<&'a AnyPlay> {
    let mut watermark = i64::MIN;
    let is_in_time = |play: &&'a AnyPlay| {
        watermark = watermark.max(play.played_at_ms().min(clock_ms) - max_disorder_ms - 1);
        let window_end = (play.played_at_ms().div_euclid(WINDOW_MS) + 1) * WINDOW_MS;
        window_end - 1 + LATENESS_MS > watermark
    };
    deliveries.iter().filter(is_in_time).collect()
}

/// What differs from the sessions of `plays` by brute force, whatever the pane.
fn differences(run: &Run, plays: &[&AnyPlay], clock: Timestamp) -> Vec<String> {
    let data: Vec<_> = plays.iter().map(|play| play.bytes()).collect();
    let expected = brute_force().sessions(&data, clock.as_millis()).sessions;
    let is_filler =
        |session: &v1::Session| session.track.as_ref().is_some_and(|track| track.track_id == "track 255");
    let published = run.sessions.values().filter(|session| !is_filler(session));
    let published: Vec<_> = published.map(|session| v1::Session { pane: 0, ..session.clone() }).collect();
    oracle::compare_all(&expected, &published)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn within_the_disorder_allowed_for_sessions_are_those_of_brute_force(plays in deliveries(SPREAD_MS)) {
        let clock = Timestamp::from_millis(START_MS + SPREAD_MS);
        let mut run = Run::new(SPREAD_MS, clock);
        plays.iter().for_each(|play| run.deliver(play, clock));
        run.finish(clock);
        prop_assert_eq!(differences(&run, &plays.iter().collect::<Vec<_>>(), clock), Vec::<String>::new());
        prop_assert_eq!((run.dropped(DropReason::Late), run.engine.ledger().held()), (0, 0));
    }

    /// A minute's plays in any order, half a second of disorder allowed for: what is not late is in the newest pane of its
    /// session, although most of it came after its window had fired.
    #[test]
    fn beyond_the_disorder_allowed_for_a_play_is_in_a_pane_or_late(plays in deliveries(60_000)) {
        let clock = Timestamp::from_millis(START_MS + 60_000);
        let mut run = Run::new(500, clock);
        for play in &plays {
            run.deliver(play, clock);
            run.advance(clock);
        }
        run.finish(clock);
        let in_time = in_time(&plays, 500, clock.as_millis());
        prop_assert_eq!(run.dropped(DropReason::Late), (plays.len() - in_time.len()) as u64);
        prop_assert_eq!(differences(&run, &in_time, clock), Vec::<String>::new());
        prop_assert_eq!(run.engine.ledger().held(), 0);
    }
}
