//! The plays that are tried, and what they have to become.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use emulator_tests::geo_fixtures::write_demo_databases;
use emulator_tests::oracle::{self, Oracle, Ties};
use listening_together_proto::{Timestamp, v1};
use maxminddb::Reader;
use pipeline::config::Config;
use pipeline::engine::Rules;
use pipeline::locate::{Atlas, DatabaseSettings, KnownBy};
use proptest::prelude::*;
use prost::Message as _;

/// When the plays begin, in milliseconds since the epoch.
pub(crate) const START_MS: i64 = 1_700_000_000_000;
pub(crate) const WINDOW_MS: i64 = 1000;
pub(crate) const LATENESS_MS: i64 = 30_000;
/// Plays are as much as this out of order, and as much is allowed for, where nothing is to be late.
pub(crate) const SPREAD_MS: i64 = 4000;

/// The demo's databases, and addresses of some of its cities and of none.
pub(crate) struct World {
    _directory: tempfile::TempDir,
    city: PathBuf,
    addresses: Vec<Vec<u8>>,
}

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| {
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnyPlay {
    pub(crate) user: u8,
    pub(crate) track: u8,
    pub(crate) address: usize,
    pub(crate) after_ms: i64,
}

impl AnyPlay {
    pub(crate) fn played_at_ms(&self) -> i64 {
        START_MS + self.after_ms
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let play = v1::Play {
            user_id: format!("user {}", self.user),
            track_id: format!("track {}", self.track),
            ip_address: WORLD.addresses[self.address].clone().into(),
            played_at: Some(Timestamp::from_millis(self.played_at_ms()).into()),
        };
        play.encode_to_vec()
    }
}

pub(crate) fn any_play(spread_ms: i64) -> impl Strategy<Value = AnyPlay> {
    (0u8..12, 0u8..4, 0..WORLD.addresses.len(), 0..spread_ms)
        .prop_map(|(user, track, address, after_ms)| AnyPlay { user, track, address, after_ms })
}

/// Plays in any order, some of them again.
pub(crate) fn deliveries(spread_ms: i64) -> impl Strategy<Value = Vec<AnyPlay>> {
    let plays = prop::collection::vec(any_play(spread_ms), 1..80);
    plays.prop_flat_map(|plays| {
        let again = prop::sample::subsequence(plays.clone(), 0..=plays.len());
        again.prop_flat_map(move |again| Just([plays.clone(), again].concat()).prop_shuffle())
    })
}

/// Every session finds room in a slot, and is never too old for one.
pub(crate) fn rules(max_disorder_ms: i64) -> Rules {
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

/// The demo's cities.
pub(crate) fn atlas(known_by: KnownBy) -> Atlas {
    let settings = DatabaseSettings {
        city: WORLD.city.clone(),
        anonymous_ip: None,
        max_accuracy_radius_km: 200,
        known_by,
    };
    Atlas::new(settings.open().unwrap())
}

/// Two who are far apart play a track of their own.
pub(crate) fn fillers(now: Timestamp) -> [AnyPlay; 2] {
    [0, WORLD.addresses.len() - 2].map(|address| AnyPlay {
        user: address as u8,
        track: u8::MAX,
        address,
        after_ms: now.as_millis() - START_MS,
    })
}

/// What differs from the sessions of `plays` by brute force, whatever the pane.
pub(crate) fn differences(
    sessions: &BTreeMap<String, v1::Session>,
    plays: &[&AnyPlay],
    clock: Timestamp,
    ties: Ties,
) -> Vec<String> {
    let rules = oracle::Rules { sessions_per_slot: 0, ties, ..oracle::Rules::default() };
    let brute_force = Oracle::new(&WORLD.city, None, None, rules).unwrap();
    let data: Vec<_> = plays.iter().map(|play| play.bytes()).collect();
    let expected = brute_force.sessions(&data, clock.as_millis()).sessions;
    let is_filler =
        |session: &v1::Session| session.track.as_ref().is_some_and(|track| track.track_id == "track 255");
    let published = sessions.values().filter(|session| !is_filler(session));
    let published: Vec<_> = published.map(|session| v1::Session { pane: 0, ..session.clone() }).collect();
    oracle::compare_all(&expected, &published)
}
