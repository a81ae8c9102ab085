//! Sessions worked out by hand, in a small world of reserved addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use listening_together_proto::v1;
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};

use super::recompute::{is_sampled, session_id};
use super::{Oracle, Outcome, Rules};

const BERLIN: u32 = 2_950_159;
const PARIS: u32 = 2_988_507;
const POTSDAM: u32 = 2_852_458;
const TOKYO: u32 = 1_850_144;

fn city(geoname_id: u32, name: &str, latitude: f64, longitude: f64, accuracy_radius: u32) -> Value {
    json!({
        "city": { "geoname_id": geoname_id, "names": { "en": name } },
        "country": { "iso_code": "XX", "names": { "en": "Somewhere" } },
        "location": {
            "latitude": latitude, "longitude": longitude,
            "accuracy_radius": accuracy_radius, "time_zone": "Etc/UTC",
        },
    })
}

/// What is where: `198.18.N.0/24` unless said otherwise.
fn atlas() -> Vec<(String, Value)> {
    let berlin = json!({
        "city": {
            "geoname_id": BERLIN,
            "names": { "en": "Berlin", "ja": "ベルリン", "pt-BR": "Berlim", "tlh": "berlIn" },
        },
        "continent": { "code": "EU" },
        "country": { "iso_code": "DE", "names": { "en": "Germany", "ru": "Германия" } },
        "registered_country": { "iso_code": "US" },
        "location": {
            "latitude": 52.5196, "longitude": 13.4069, "accuracy_radius": 20, "time_zone": "Europe/Berlin",
        },
    });
    let nets = [
        ("198.18.1.0/24", berlin),
        ("198.18.2.0/24", city(TOKYO, "Tokyo", 35.6895, 139.6917, 10)),
        ("2001:db8:2::/48", city(TOKYO, "Tokyo", 35.6895, 139.6917, 10)),
        ("198.18.3.0/24", city(PARIS, "Paris", 48.8566, 2.3522, 10)),
        ("198.18.4.0/24", city(POTSDAM, "Potsdam", 52.3989, 13.0657, 5)),
        ("198.18.5.0/24", city(50, "Taveuni", -16.9186, 179.0, 50)),
        ("198.18.6.0/24", city(60, "Apia", -13.8333, -171.7667, 50)),
        ("198.18.7.0/24", city(70, "Suva", -18.1416, 178.4415, 50)),
        // One city by four records: which stands for it is decided by radius, then latitude, then longitude.
        ("198.18.8.0/26", city(80, "Spread", 10.0, 10.0, 30)),
        ("198.18.8.64/26", city(80, "Spread", 11.0, 9.0, 20)),
        ("198.18.8.128/26", city(80, "Spread", 10.5, 12.0, 20)),
        ("198.18.8.192/26", city(80, "Spread", 10.5, 11.0, 20)),
        // Four corners of the equator: two pairs of antipodes, equally far apart.
        ("198.18.10.0/24", city(101, "East", 0.0, 90.0, 1)),
        ("198.18.11.0/24", city(102, "Null", 0.0, 0.0, 1)),
        ("198.18.12.0/24", city(103, "West", 0.0, -90.0, 1)),
        ("198.18.13.0/24", city(104, "Date line", 0.0, 180.0, 1)),
        // Same spot as Null, other id.
        ("198.18.14.0/24", city(99, "Null Island", 0.0, 0.0, 1)),
        // Not a place to be told.
        (
            "198.18.20.0/24",
            json!({ "country": { "iso_code": "DE" }, "location": { "latitude": 51.0, "longitude": 9.0, "accuracy_radius": 100 } }),
        ),
        (
            "198.18.21.0/24",
            json!({ "city": { "names": { "en": "Nameless number" } }, "location": { "latitude": 51.0, "longitude": 9.0, "accuracy_radius": 100 } }),
        ),
        ("198.18.22.0/24", json!({ "city": { "geoname_id": 22 } })),
        (
            "198.18.23.0/24",
            json!({ "city": { "geoname_id": 23 }, "location": { "latitude": 51.0, "accuracy_radius": 1 } }),
        ),
        ("198.18.24.0/24", city(24, "Vague", 51.0, 9.0, 201)),
        ("198.18.25.0/24", city(25, "Just right", 51.0, 9.0, 200)),
        (
            "198.18.26.0/24",
            json!({ "city": { "geoname_id": 26 }, "location": { "latitude": 51.0, "longitude": 9.0 } }),
        ),
        // Behind these addresses are the flags of `hideouts`.
        ("198.18.40.0/21", city(40, "Hideout", 20.0, 20.0, 1)),
    ];
    let mut atlas: Vec<_> = nets.into_iter().map(|(net, record)| (net.to_owned(), record)).collect();
    // Seventy towns along the equator, a tenth of a degree apart, but the last half a world away.
    for town in 0..70 {
        let longitude = if town == 69 { 170.0 } else { f64::from(town) / 10.0 };
        atlas.push((format!("198.19.{town}.0/24"), city(1_000 + town, "Town", 0.0, longitude, 1)));
    }
    atlas
}

fn hideouts() -> Vec<(String, Value)> {
    let flags = [
        json!({ "is_anonymous": true }),
        json!({ "is_anonymous_vpn": true }),
        json!({ "is_hosting_provider": true }),
        json!({ "is_public_proxy": true }),
        json!({ "is_residential_proxy": true }),
        json!({ "is_tor_exit_node": true }),
        json!({}),
        json!({ "is_anonymous": false, "is_tor_exit_node": false, "is_satellite_provider": true }),
    ];
    let mut hideouts: Vec<_> =
        (40..).zip(flags).map(|(net, record)| (format!("198.18.{net}.0/24"), record)).collect();
    // Hides, and has no place either.
    hideouts.push(("198.18.20.128/25".to_owned(), json!({ "is_anonymous": true })));
    hideouts
}

fn write_database(path: &std::path::Path, records: &[(String, Value)]) {
    let mut writer = mmdb_writer::Writer::new("Test");
    for (net, record) in records {
        writer.insert(net.parse::<ipnet::IpNet>().unwrap(), record).unwrap();
    }
    std::fs::write(path, writer.to_bytes().unwrap()).unwrap();
}

fn oracle(rules: Rules) -> Oracle {
    let dir = tempfile::tempdir().unwrap();
    let (city_db, anonymous_ip_db, catalog) =
        (dir.path().join("city.mmdb"), dir.path().join("anonymous-ip.mmdb"), dir.path().join("tracks.csv"));
    write_database(&city_db, &atlas());
    write_database(&anonymous_ip_db, &hideouts());
    std::fs::write(
        &catalog,
        "track_id,title,artists,artwork_url\nsong,A Song,Ann;Bob,https://art.example/1\n",
    )
    .unwrap();
    Oracle::new(&city_db, Some(&anonymous_ip_db), Some(&catalog), rules).unwrap()
}

fn message(user_id: &str, track_id: &str, ip_address: &[u8], played_at: Timestamp) -> Vec<u8> {
    v1::Play {
        user_id: user_id.to_owned(),
        track_id: track_id.to_owned(),
        ip_address: ip_address.to_vec().into(),
        played_at: Some(played_at),
    }
    .encode_to_vec()
}

fn play(user_id: &str, track_id: &str, ip: &str, ms: i64) -> Vec<u8> {
    let played_at =
        Timestamp { seconds: ms.div_euclid(1_000), nanos: ms.rem_euclid(1_000) as i32 * 1_000_000 };
    match ip.parse().unwrap() {
        IpAddr::V4(ip) => message(user_id, track_id, &ip.octets(), played_at),
        IpAddr::V6(ip) => message(user_id, track_id, &ip.octets(), played_at),
    }
}

/// Listeners `(user, ip, ms)` of one song.
fn plays(listeners: &[(&str, &str, i64)]) -> Vec<Vec<u8>> {
    listeners.iter().map(|(user, ip, ms)| play(user, "song", ip, *ms)).collect()
}

/// Of the only session: listeners, places with listeners in order, whole kilometres.
type Summary = (u32, Vec<(u32, u32)>, i64);

/// Without a session: how many plays were dropped, by reason.
type Dropped = Vec<(&'static str, u64)>;

fn summary(outcome: &Outcome) -> Result<Summary, Dropped> {
    assert!(outcome.sessions.len() <= 1, "{:?}", outcome.sessions.keys());
    match outcome.sessions.values().next() {
        Some(session) => Ok((
            session.listener_count,
            session.places.iter().map(|place| (place.geoname_id, place.listener_count)).collect(),
            session.distance_km.round() as i64,
        )),
        None => Err(outcome.counts.iter().map(|(&reason, &count)| (reason, count)).collect()),
    }
}

#[test]
fn a_session_has_every_field() {
    let outcome = oracle(Rules::default()).sessions(
        &plays(&[("ann", "198.18.1.1", 1_000), ("bob", "198.18.2.1", 1_999), ("cid", "198.18.1.2", 1_500)]),
        2_000,
    );
    // The id and the distance are from Python's hashlib and from the haversine formula.
    let id = "d86514328eb1186dda425ff89f6aa6e4";
    let names = |names: &[(&str, &str)]| -> BTreeMap<String, String> {
        names.iter().map(|(language, name)| (language.to_string(), name.to_string())).collect()
    };
    let berlin = v1::Place {
        geoname_id: BERLIN,
        city_names: names(&[("en", "Berlin"), ("ja", "ベルリン"), ("pt-BR", "Berlim")]),
        country_code: "DE".into(),
        country_names: names(&[("en", "Germany"), ("ru", "Германия")]),
        latitude: 52.5196,
        longitude: 13.4069,
        accuracy_radius_km: 20,
        listener_count: 2,
        time_zone: "Europe/Berlin".into(),
    };
    let tokyo = v1::Place {
        geoname_id: TOKYO,
        city_names: names(&[("en", "Tokyo")]),
        country_code: "XX".into(),
        country_names: names(&[("en", "Somewhere")]),
        latitude: 35.6895,
        longitude: 139.6917,
        accuracy_radius_km: 10,
        listener_count: 1,
        time_zone: "Etc/UTC".into(),
    };
    let expected = v1::Session {
        session_id: id.into(),
        track: Some(v1::Track {
            track_id: "song".into(),
            title: "A Song".into(),
            artists: vec!["Ann".into(), "Bob".into()],
            artwork_url: "https://art.example/1".into(),
        }),
        window_start: Some(Timestamp { seconds: 1, nanos: 0 }),
        window_end: Some(Timestamp { seconds: 2, nanos: 0 }),
        listener_count: 3,
        places: vec![tokyo, berlin],
        distance_km: 8_916.065_895_721_5,
        pane: 0,
    };
    assert_eq!(super::compare_all(&[(id.to_owned(), expected)].into(), outcome.sessions.values()), [""; 0]);
    assert_eq!((outcome.in_sessions(), outcome.counts.len()), (3, 0));
}

#[test]
fn listeners_and_places_make_a_session() {
    let many = |count: u32| (0..count).map(|town| format!("198.19.{town}.1")).collect::<Vec<_>>();
    let towns = many(70);
    let in_towns = |count: usize, at_the_last: &[&'static str]| {
        let mut listeners: Vec<(String, String)> =
            (0..count).map(|town| (format!("user-{town}"), towns[town].clone())).collect();
        listeners.extend(at_the_last.iter().map(|user| (user.to_string(), towns[69].clone())));
        listeners.iter().map(|(user, ip)| play(user, "song", ip, 0)).collect::<Vec<_>>()
    };
    let one_each = |towns: &[u32]| towns.iter().map(|town| (1_000 + town, 1)).collect::<Vec<_>>();

    let cases: Vec<(&str, Vec<Vec<u8>>, Result<Summary, Dropped>)> = vec![
        ("nobody", vec![], Err(vec![])),
        ("one listener", plays(&[("a", "198.18.1.1", 0)]), Err(vec![("single_listener", 1)])),
        (
            "one listener at two places: duplicates do not make a listener",
            plays(&[("a", "198.18.1.1", 0), ("a", "198.18.2.1", 1), ("a", "198.18.2.1", 1)]),
            Err(vec![("single_listener", 3)]),
        ),
        (
            "two listeners in one place",
            plays(&[("a", "198.18.1.1", 0), ("b", "198.18.1.2", 1)]),
            Err(vec![("single_place", 2)]),
        ),
        (
            "two listeners in neighbouring places",
            plays(&[("a", "198.18.1.1", 0), ("b", "198.18.4.1", 1)]),
            Err(vec![("single_place", 2)]),
        ),
        (
            "two listeners in far places",
            plays(&[("a", "198.18.1.1", 0), ("b", "198.18.3.1", 999)]),
            Ok((2, vec![(BERLIN, 1), (PARIS, 1)], 878)),
        ),
        (
            "two listeners in two windows",
            plays(&[("a", "198.18.1.1", 999), ("b", "198.18.3.1", 1_000)]),
            Err(vec![("single_listener", 2)]),
        ),
        (
            "two windows around the epoch",
            plays(&[("a", "198.18.1.1", -1), ("b", "198.18.3.1", 0)]),
            Err(vec![("single_listener", 2)]),
        ),
        (
            "before the epoch",
            plays(&[("a", "198.18.1.1", -1), ("b", "198.18.3.1", -1_000)]),
            Ok((2, vec![(BERLIN, 1), (PARIS, 1)], 878)),
        ),
        (
            "the earliest play says where a listener is",
            plays(&[
                ("a", "198.18.2.1", 5),
                ("a", "198.18.3.1", 4),
                ("b", "198.18.1.1", 9),
                ("b", "198.18.2.1", 9),
            ]),
            Ok((2, vec![(BERLIN, 1), (PARIS, 1)], 878)),
        ),
        (
            "of two plays at once that with the smaller address counts: 32.1.… (v6) is before 198.18.…",
            plays(&[("a", "198.18.1.1", 4), ("a", "2001:db8:2::1", 4), ("b", "198.18.3.9", 0)]),
            Ok((2, vec![(TOKYO, 1), (PARIS, 1)], 9_712)),
        ),
        (
            "an earlier play that hides does not count",
            plays(&[("a", "198.18.40.1", 0), ("a", "198.18.3.1", 4), ("b", "198.18.1.1", 9)]),
            Ok((2, vec![(BERLIN, 1), (PARIS, 1)], 878)),
        ),
        (
            "a mapped address is the IPv4 address",
            plays(&[("a", "::ffff:198.18.3.1", 4), ("a", "198.18.3.1", 4), ("b", "198.18.1.1", 9)]),
            Ok((2, vec![(BERLIN, 1), (PARIS, 1)], 878)),
        ),
        (
            "the farthest pair, then the others by listeners",
            plays(&[
                ("a", "198.18.1.1", 0),
                ("b", "198.18.2.1", 0),
                ("c", "198.18.3.1", 0),
                ("d", "198.18.4.1", 0),
                ("e", "198.18.4.1", 0),
            ]),
            Ok((5, vec![(TOKYO, 1), (PARIS, 1), (POTSDAM, 2), (BERLIN, 1)], 9_712)),
        ),
        (
            "the others with equally many listeners are by geoname_id",
            plays(&[
                ("a", "198.18.1.1", 0),
                ("b", "198.18.2.1", 0),
                ("c", "198.18.3.1", 0),
                ("d", "198.18.4.1", 0),
            ]),
            Ok((4, vec![(TOKYO, 1), (PARIS, 1), (POTSDAM, 1), (BERLIN, 1)], 9_712)),
        ),
        (
            "the antimeridian is no barrier: near by, not around the world",
            plays(&[("a", "198.18.5.1", 0), ("b", "198.18.6.1", 0), ("c", "198.18.7.1", 0)]),
            Ok((3, vec![(60, 1), (70, 1), (50, 1)], 1_151)),
        ),
        (
            "equally far pairs: the smaller ids",
            plays(&[
                ("a", "198.18.13.1", 0),
                ("b", "198.18.12.1", 0),
                ("c", "198.18.11.1", 0),
                ("d", "198.18.10.1", 0),
            ]),
            Ok((4, vec![(101, 1), (103, 1), (102, 1), (104, 1)], 20_015)),
        ),
        (
            "two cities in one spot are two places, the smaller id is in the pair",
            plays(&[("a", "198.18.13.1", 0), ("b", "198.18.11.1", 0), ("c", "198.18.14.1", 0)]),
            Ok((3, vec![(99, 1), (104, 1), (102, 1)], 20_015)),
        ),
        (
            "the 64 places with most listeners are compared, of equal ones those with the smaller ids",
            in_towns(65, &["far"]),
            Ok((66, one_each(&[0, 63, 1, 2, 3, 4, 5, 6]), 701)),
        ),
        (
            "a place with more listeners is among the 64",
            in_towns(65, &["far", "away"]),
            Ok((67, [vec![(1_000, 1), (1_069, 2)], one_each(&[1, 2, 3, 4, 5, 6])].concat(), 18_903)),
        ),
    ];
    let oracle = oracle(Rules::default());
    for (name, deliveries, expected) in cases {
        let outcome = oracle.sessions(&deliveries, 1_000);
        assert_eq!(summary(&outcome), expected, "{name}");
        let duplicated_and_reversed: Vec<_> = deliveries.iter().rev().chain(&deliveries).collect();
        assert_eq!(oracle.sessions(&duplicated_and_reversed, 1_000).sessions, outcome.sessions, "{name}");
        let dropped: u64 = outcome.counts.values().sum();
        assert_eq!(outcome.in_sessions() + dropped, deliveries.len() as u64, "{name}");
    }
}

#[test]
fn one_record_stands_for_a_city() {
    let oracle = oracle(Rules::default());
    for (name, hosts, latitude, longitude, radius) in [
        ("the most accurate", [1, 65], 11.0, 9.0, 20),
        ("then the southernmost", [65, 129], 10.5, 12.0, 20),
        ("then the westernmost", [129, 193], 10.5, 11.0, 20),
    ] {
        let [a, b] = hosts.map(|host| format!("198.18.8.{host}"));
        let outcome = oracle.sessions(
            &plays(&[("a", &a, 0), ("b", &b, 0), ("c", "198.18.8.2", 0), ("d", "198.18.1.1", 0)]),
            0,
        );
        let session = outcome.sessions.values().next().unwrap();
        let place = &session.places[0];
        assert_eq!((place.geoname_id, place.listener_count), (80, 3), "{name}");
        assert_eq!(
            (place.latitude, place.longitude, place.accuracy_radius_km),
            (latitude, longitude, radius),
            "{name}"
        );
    }
}

#[test]
fn every_drop_has_its_reason() {
    let now = 100_000;
    let at = |seconds, nanos| Timestamp { seconds, nanos };
    let long = "x".repeat(129);
    let without = |strip: fn(&mut v1::Play)| {
        let mut play = v1::Play::decode(play("a", "t", "198.18.1.1", now).as_slice()).unwrap();
        strip(&mut play);
        play.encode_to_vec()
    };
    let ipv4 = &[198, 18, 1, 1];
    let cases = [
        ("not protobuf", b"\xff\xff\xff".to_vec(), "malformed"),
        ("empty", vec![], "malformed"),
        ("no user", without(|play| play.user_id.clear()), "malformed"),
        ("no track", without(|play| play.track_id.clear()), "malformed"),
        ("no address", without(|play| play.ip_address.clear()), "malformed"),
        ("no time", without(|play| play.played_at = None), "malformed"),
        ("long user", message(&long, "t", ipv4, at(100, 0)), "malformed"),
        ("long track", message("a", &long, ipv4, at(100, 0)), "malformed"),
        ("longest ids", message(&long[1..], &long[1..], ipv4, at(100, 0)), "single_listener"),
        ("43 letters of 3 bytes", message(&"曲".repeat(43), "t", ipv4, at(100, 0)), "malformed"),
        ("user is not UTF-8", b"\x0a\x01\xff".to_vec(), "malformed"),
        ("5 bytes of address", message("a", "t", &[198, 18, 1, 1, 1], at(100, 0)), "malformed"),
        ("negative nanoseconds", message("a", "t", ipv4, at(100, -1)), "malformed"),
        ("malformed and of the future", message("", "t", ipv4, at(200, 0)), "malformed"),
        ("just not of the future", message("a", "t", ipv4, at(105, 999_999)), "single_listener"),
        ("of the future", message("a", "t", ipv4, at(105, 1_000_000)), "future"),
        ("vpn", play("a", "t", "198.18.41.1", now), "anonymous"),
        ("anonymous", play("a", "t", "198.18.40.1", now), "anonymous"),
        ("hosting", play("a", "t", "198.18.42.1", now), "anonymous"),
        ("public proxy", play("a", "t", "198.18.43.1", now), "anonymous"),
        ("residential proxy", play("a", "t", "198.18.44.1", now), "anonymous"),
        ("Tor exit", play("a", "t", "198.18.45.1", now), "anonymous"),
        ("Tor exit, mapped", play("a", "t", "::ffff:198.18.45.1", now), "anonymous"),
        ("empty anonymous record", play("a", "t", "198.18.46.1", now), "single_listener"),
        ("no flag is true", play("a", "t", "198.18.47.1", now), "single_listener"),
        ("anonymous and unlocated", play("a", "t", "198.18.20.200", now), "anonymous"),
        ("no record", play("a", "t", "203.0.113.1", now), "unlocated"),
        ("no record, v6", play("a", "t", "2001:db8:ffff::1", now), "unlocated"),
        ("country only", play("a", "t", "198.18.20.1", now), "unlocated"),
        ("no city id", play("a", "t", "198.18.21.1", now), "unlocated"),
        ("no location", play("a", "t", "198.18.22.1", now), "unlocated"),
        ("no longitude", play("a", "t", "198.18.23.1", now), "unlocated"),
        ("inaccurate", play("a", "t", "198.18.24.1", now), "unlocated"),
        ("just accurate enough", play("a", "t", "198.18.25.1", now), "single_listener"),
        ("accuracy unknown", play("a", "t", "198.18.26.1", now), "single_listener"),
    ];
    let oracle = oracle(Rules::default());
    for (name, delivery, reason) in cases {
        let outcome = oracle.sessions(&[delivery], now);
        assert_eq!(outcome.counts, [(reason, 1)].into(), "{name}");
        assert_eq!(outcome.count(reason), 1, "{name}");
    }
}

#[test]
fn without_an_anonymous_ip_database_nothing_is_anonymous() {
    let dir = tempfile::tempdir().unwrap();
    let city_db = dir.path().join("city.mmdb");
    write_database(&city_db, &atlas());
    let oracle = Oracle::new(&city_db, None, None, Rules::default()).unwrap();
    let outcome = oracle.sessions(&plays(&[("a", "198.18.40.1", 0), ("b", "198.18.1.1", 0)]), 0);
    let session = outcome.sessions.values().next().unwrap();
    assert_eq!(session.places[0].geoname_id, 40);
    assert_eq!(session.track, Some(v1::Track { track_id: "song".into(), ..v1::Track::default() }));
}

#[test]
fn sampling_is_the_hash_of_track_and_window() {
    // XXH3-64 of the same bytes by the Python package xxhash.
    for (track_id, window_start_ms, hash) in [
        ("track-1", 0, 9_528_495_339_655_761_647_u64),
        ("track-1", 1_000, 6_834_484_105_000_835_792),
        ("track-1", -1_000, 13_398_516_441_214_664_986),
        ("track-1", 1_795_510_805_000, 16_537_185_487_760_734_655),
        ("track-2", 1_795_510_805_000, 8_169_387_511_905_618_110),
        ("曲", 1_000, 2_419_303_921_966_282_007),
    ] {
        let share = hash as f64 / 2f64.powi(64);
        let kept = |rate| is_sampled(track_id, window_start_ms, rate);
        let keeps = [kept(0.0), kept(share - 1e-12), kept(share + 1e-12), kept(1.0)];
        assert_eq!(keeps, [false, false, true, true], "{track_id} {window_start_ms}");
    }
}

#[test]
fn a_track_is_sampled_with_all_its_plays() {
    let oracle = oracle(Rules { sample_rate: 0.4, ..Rules::default() });
    let deliveries: Vec<_> = [0, 1_000]
        .iter()
        .flat_map(|&window_start_ms| {
            [("a", "198.18.1.1"), ("b", "198.18.2.1"), ("c", "198.18.40.1")]
                .map(|(user, ip)| play(user, "track-1", ip, window_start_ms))
        })
        .collect();
    let outcome = oracle.sessions(&deliveries, 1_000);
    let ids: Vec<_> = outcome.sessions.keys().collect();
    assert_eq!(ids, [&session_id("track-1", 1_000)]);
    assert_eq!(outcome.counts, [("unsampled", 3), ("anonymous", 1)].into());
}

#[test]
fn session_ids_are_known_from_elsewhere() {
    // The first half of SHA-256 by Python's hashlib.
    for (track_id, window_start_ms, id) in [
        ("track-1", 0, "9da69ccf3defbc68b1cfb8cbbaddf80f"),
        ("track-1", -1_000, "6e72ed7486167808fc83fa609655f789"),
        ("track-1", 1_795_510_805_000, "4b9ff46680266212e91d9d46ee3944e6"),
        ("曲", 1_000, "2cf71b252a457479554696465d99a998"),
    ] {
        assert_eq!(session_id(track_id, window_start_ms), id, "{track_id} {window_start_ms}");
    }
}

#[test]
fn settings_change_what_is_a_session() {
    let three = [("a", "198.18.1.1", 0), ("b", "198.18.3.1", 0), ("c", "198.18.4.1", 1_500)];
    let berlin_paris = vec![(BERLIN, 1), (PARIS, 1)];
    for (name, rules, expected) in [
        ("defaults", Rules::default(), Ok((2, berlin_paris.clone(), 878))),
        (
            "longer windows",
            Rules { window_ms: 2_000, ..Rules::default() },
            Ok((3, vec![(BERLIN, 1), (PARIS, 1), (POTSDAM, 1)], 878)),
        ),
        (
            "fewer places",
            Rules { window_ms: 2_000, max_places: 2, ..Rules::default() },
            Ok((3, berlin_paris.clone(), 878)),
        ),
        ("more listeners", Rules { min_listeners: 3, ..Rules::default() }, Err(vec![("single_listener", 3)])),
        (
            "farther",
            Rules { min_distance_km: 900.0, ..Rules::default() },
            Err(vec![("single_listener", 1), ("single_place", 2)]),
        ),
        (
            "more accurate",
            Rules { max_accuracy_radius_km: 9, ..Rules::default() },
            Err(vec![("single_listener", 1), ("unlocated", 2)]),
        ),
    ] {
        assert_eq!(summary(&oracle(rules).sessions(&plays(&three), 0)), expected, "{name}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let missing = std::path::Path::new("missing.mmdb");
    let error = Oracle::new(missing, None, None, Rules::default()).err().unwrap();
    assert!(format!("{error:#}").contains("missing.mmdb"), "{error:#}");
}
