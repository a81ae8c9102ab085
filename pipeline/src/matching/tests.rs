//! Who shares what, as tables over the fixture's cities: Berlin is 1, Sao Paulo 2, Lima 3, Osaka 4, Potsdam 8.

use std::net::IpAddr;
use std::time::Duration;

use listening_together_proto::Window;

use super::*;
use crate::decode::Address;
use crate::test_atlas::AtlasFixture;
use crate::user::{UserHash, UserId};
use crate::window::LocatedPlay;

const BERLIN: &str = "198.18.0.1";
const SAO_PAULO: &str = "198.18.2.1";
const LIMA: &str = "198.18.3.1";
const OSAKA: &str = "198.18.4.1";
const POTSDAM: &str = "198.18.5.1";

const RULES: MatchRules =
    MatchRules { min_listeners: 2, min_distance: Kilometres::new(100.0).unwrap(), max_places: 8 };

fn listeners(atlas: &mut Atlas, addresses: &[&str]) -> Vec<Listener> {
    let listener = |(index, text): (usize, &&str)| {
        let address = Address::from(text.parse::<IpAddr>().unwrap());
        let spot = atlas.locate(address).unwrap();
        let user = UserHash::in_process(0).of(UserId::new(&format!("user {index}")));
        let played_at = Timestamp::from_millis(0);
        let window = Window::holding(played_at, Duration::from_secs(1));
        Listener::of(&LocatedPlay { user, played_at, tie_break: address.into(), spot }, window)
    };
    addresses.iter().enumerate().map(listener).collect()
}

fn matched(addresses: &[&str], rules: MatchRules) -> Result<(u32, Vec<(u32, u32)>), DropReason> {
    let mut atlas = AtlasFixture::new().open_city_only();
    let listeners = listeners(&mut atlas, addresses);
    let shared = match_listeners(&listeners, &atlas, &rules)?;
    let places = shared.places.iter().map(|place| (place.geoname_id, place.listener_count));
    Ok((shared.listener_count, places.collect()))
}

#[test]
fn who_shares_what() {
    let far = Kilometres::new(11_500.0).unwrap();
    type Expected<'a> = Result<(u32, &'a [(u32, u32)]), DropReason>;
    let cases: [(&str, &[&str], MatchRules, Expected<'_>); 10] = [
        ("nobody", &[], RULES, Err(DropReason::SingleListener)),
        ("one", &[BERLIN], RULES, Err(DropReason::SingleListener)),
        ("two in one city", &[BERLIN, BERLIN], RULES, Err(DropReason::SinglePlace)),
        ("two in cities nearby", &[BERLIN, POTSDAM], RULES, Err(DropReason::SinglePlace)),
        ("two far apart", &[SAO_PAULO, BERLIN], RULES, Ok((2, &[(1, 1), (2, 1)]))),
        (
            "three when four are needed",
            &[BERLIN, LIMA, OSAKA],
            MatchRules { min_listeners: 4, ..RULES },
            Err(DropReason::SingleListener),
        ),
        (
            "not far enough",
            &[BERLIN, LIMA],
            MatchRules { min_distance: far, ..RULES },
            Err(DropReason::SinglePlace),
        ),
        (
            "the farthest pair first, then the others by listeners",
            &[BERLIN, BERLIN, POTSDAM, LIMA, LIMA, LIMA, OSAKA, SAO_PAULO],
            RULES,
            Ok((8, &[(2, 1), (4, 1), (3, 3), (1, 2), (8, 1)])),
        ),
        (
            "no more places than allowed, all listeners counted",
            &[BERLIN, BERLIN, POTSDAM, LIMA, LIMA, LIMA, OSAKA, SAO_PAULO],
            MatchRules { max_places: 3, ..RULES },
            Ok((8, &[(2, 1), (4, 1), (3, 3)])),
        ),
        (
            "equally many listeners: the smaller id",
            &[OSAKA, SAO_PAULO, POTSDAM, BERLIN],
            RULES,
            Ok((4, &[(2, 1), (4, 1), (1, 1), (8, 1)])),
        ),
    ];
    for (name, addresses, rules, expected) in cases {
        let expected = expected.map(|(count, places)| (count, places.to_vec()));
        assert_eq!(matched(addresses, rules), expected, "{name}");
    }
}

fn place(geoname_id: u32, latitude: f64, longitude: f64, listener_count: u32) -> MatchedPlace {
    let mut atlas = AtlasFixture::new().open_city_only();
    let [one] = listeners(&mut atlas, &[BERLIN])[..] else { unreachable!() };
    let coordinates = Coordinates::new(latitude, longitude).unwrap();
    let country = CountryCode::new("DE");
    MatchedPlace {
        geoname_id,
        spot: one.spot,
        coordinates,
        direction: Direction::of(coordinates),
        country,
        listener_count,
    }
}

#[test]
fn the_farthest_pair() {
    let cases: [(&str, &[(u32, f64, f64)], Option<(u32, u32)>); 5] = [
        ("one place", &[(1, 0.0, 0.0)], None),
        (
            "across the antimeridian is near",
            &[(3, 0.0, 179.0), (2, 0.0, -179.0), (1, 0.0, 170.0)],
            Some((1, 2)),
        ),
        ("pole to pole", &[(5, 90.0, 0.0), (4, 10.0, 10.0), (3, -90.0, 0.0)], Some((3, 5))),
        (
            "equally far: the smaller ids",
            &[(9, 0.0, 0.0), (7, 0.0, 90.0), (5, 0.0, 180.0), (2, 0.0, -90.0)],
            Some((2, 7)),
        ),
        ("the same spot twice", &[(2, 1.0, 1.0), (1, 1.0, 1.0)], Some((1, 2))),
    ];
    for (name, places, expected) in cases {
        let places: Vec<_> = places.iter().map(|(id, lat, lon)| place(*id, *lat, *lon, 1)).collect();
        let pair = farthest_pair(&places).map(|(first, second, _)| (first.geoname_id, second.geoname_id));
        assert_eq!(pair, expected, "{name}");
    }
}

#[test]
fn a_session_id_is_a_function_of_track_and_window() {
    // sha256("track\0" + "1000")
    let id = session_id("track", Timestamp::from_millis(1000));
    assert_eq!(id.to_string(), "86c5da74d00200843d2bd4e79db99244");
    let before_epoch = session_id("track", Timestamp::from_millis(-1000));
    assert_ne!(id, before_epoch);
}
