//! Rules 1 to 4: what is rejected, dropped and sampled.

use listening_together_proto::v1;
use prost::Message as _;
use prost_types::Timestamp;

use super::world::{atlas, message, oracle, play, plays, write_database};
use crate::oracle::recompute::{is_sampled, session_id};
use crate::oracle::{Oracle, Rules};

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
        (
            "user is not UTF-8",
            [&play("a", "t", "198.18.1.1", now)[..], b"\x0a\x01\xff"].concat(),
            "malformed",
        ),
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
