//! Rules 5 to 7: what sessions the plays that are left make.

use std::collections::BTreeMap;

use listening_together_proto::v1;
use proptest::prelude::*;
use prost_types::Timestamp;

use super::world::{BERLIN, PARIS, POTSDAM, TOKYO, Verdict, oracle, play, plays, verdict};
use crate::oracle::recompute::session_id;
use crate::oracle::{Rules, Ties, compare_all};

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
    assert_eq!(compare_all(&[(id.to_owned(), expected)].into(), outcome.sessions.values()), [""; 0]);
    assert_eq!((outcome.in_sessions(), outcome.counts.len()), (3, 0));
}

#[test]
fn of_two_plays_at_once_that_with_the_smaller_address_or_place_counts() {
    let plays = plays(&[("a", "198.18.1.1", 4), ("a", "198.18.2.1", 4), ("b", "198.18.3.9", 0)]);
    for (ties, expected) in [(Ties::ByAddress, BERLIN), (Ties::ByPlace, TOKYO)] {
        let outcome = oracle(Rules { ties, ..Rules::default() }).sessions(&plays, 2_000);
        let sessions: Vec<_> = outcome.sessions.values().collect();
        let places: Vec<_> = sessions[0].places.iter().map(|place| place.geoname_id).collect();
        assert_eq!(places, [expected.min(PARIS), expected.max(PARIS)], "{ties:?}");
    }
}

#[test]
fn listeners_and_places_make_a_session() {
    // One listener in each of the first towns, and these users in the last.
    let in_towns = |count: u32, in_the_last: &[&str]| {
        let spread =
            (0..count).map(|town| play(&format!("user-{town}"), "song", &format!("198.19.{town}.1"), 0));
        let far = in_the_last.iter().map(|user| play(user, "song", "198.19.69.1", 0));
        spread.chain(far).collect::<Vec<_>>()
    };
    let one_each = |towns: &[u32]| towns.iter().map(|town| (1_000 + town, 1)).collect::<Vec<_>>();

    let cases: Vec<(&str, Vec<Vec<u8>>, Verdict)> = vec![
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
            "a mapped address is compared as the IPv4 address",
            plays(&[("a", "::ffff:198.18.3.1", 4), ("a", "198.18.2.1", 4), ("b", "198.18.1.1", 9)]),
            Ok((2, vec![(TOKYO, 1), (BERLIN, 1)], 8_916)),
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
        assert_eq!(verdict(&outcome), expected, "{name}");
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
        assert_eq!(verdict(&oracle(rules).sessions(&plays(&three), 0)), expected, "{name}");
    }
}

proptest! {
    /// Of a crowd in few places, with few users and moments, so that they meet often.
    #[test]
    fn duplicates_and_order_change_nothing(
        crowd in prop::collection::vec((0..6_u8, 0..3_u8, 1..9_u8, 1..255_u8, 0..2_000_i64), 0..40),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        order in any::<prop::sample::Index>(),
    ) {
        let once: Vec<_> = crowd
            .iter()
            .map(|(user, track, net, host, ms)| {
                play(&format!("user-{user}"), &format!("track-{track}"), &format!("198.18.{net}.{host}"), ms - ms % 10)
            })
            .collect();
        let mut often = once.clone();
        if !once.is_empty() {
            often.extend(again.iter().map(|index| index.get(&once).clone()));
            let middle = order.index(often.len());
            often.rotate_left(middle);
            often.reverse();
        }
        let oracle = oracle(Rules::default());
        let (expected, outcome) = (oracle.sessions(&once, 0), oracle.sessions(&often, 0));
        prop_assert_eq!(&outcome.sessions, &expected.sessions);
        for (outcome, deliveries) in [(&expected, once.len()), (&outcome, often.len())] {
            let dropped: u64 = outcome.counts.values().sum();
            prop_assert_eq!(outcome.in_sessions() + dropped, deliveries as u64);
            let in_each: Vec<_> = outcome.deliveries.keys().collect();
            prop_assert_eq!(in_each, outcome.sessions.keys().collect::<Vec<_>>());
        }
    }
}
