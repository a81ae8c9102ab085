//! Sessions against sessions, field by field.

use std::collections::BTreeMap;
use std::fmt::Debug;

use listening_together_proto::v1;

/// How `got` differs from `expected`, a line a field; empty when they are equal.
///
/// The distance may differ by a millionth of itself, everything else is compared exactly.
pub fn compare(expected: &v1::Session, got: &v1::Session) -> Vec<String> {
    let mut differences = Differences { session_id: &expected.session_id, lines: Vec::new() };
    differences.field("session_id", &expected.session_id, &got.session_id);
    differences.field("track", &expected.track, &got.track);
    differences.field("window_start", &expected.window_start, &got.window_start);
    differences.field("window_end", &expected.window_end, &got.window_end);
    differences.field("listener_count", &expected.listener_count, &got.listener_count);
    differences.field("pane", &expected.pane, &got.pane);
    let difference_km = (expected.distance_km - got.distance_km).abs();
    let is_close = difference_km <= expected.distance_km * 1e-6;
    if !is_close {
        differences.add("distance_km", &expected.distance_km, &got.distance_km);
    }
    differences.field("places.len()", &expected.places.len(), &got.places.len());
    for (index, (expected, got)) in expected.places.iter().zip(&got.places).enumerate() {
        differences.place(index, expected, got);
    }
    differences.lines
}

/// How the sessions of `got` differ from `expected`, which is by session_id: the missing ones, those that should not
/// be, and every difference that [`compare`] finds. A session that occurs several times is compared each time.
pub fn compare_all<'a>(
    expected: &BTreeMap<String, v1::Session>,
    got: impl IntoIterator<Item = &'a v1::Session>,
) -> Vec<String> {
    let mut missing = expected.clone();
    let mut lines = Vec::new();
    for session in got {
        missing.remove(&session.session_id);
        match expected.get(&session.session_id) {
            Some(expected) => lines.extend(compare(expected, session)),
            None => lines.push(format!("session {}: not expected", session.session_id)),
        }
    }
    lines.extend(missing.keys().map(|session_id| format!("session {session_id}: missing")));
    lines
}

struct Differences<'a> {
    session_id: &'a str,
    lines: Vec<String>,
}

impl Differences<'_> {
    fn place(&mut self, index: usize, expected: &v1::Place, got: &v1::Place) {
        let at = |field: &str| format!("places[{index}].{field}");
        self.field(&at("geoname_id"), &expected.geoname_id, &got.geoname_id);
        self.field(&at("city_names"), &expected.city_names, &got.city_names);
        self.field(&at("country_code"), &expected.country_code, &got.country_code);
        self.field(&at("country_names"), &expected.country_names, &got.country_names);
        self.field(&at("latitude"), &expected.latitude, &got.latitude);
        self.field(&at("longitude"), &expected.longitude, &got.longitude);
        self.field(&at("accuracy_radius_km"), &expected.accuracy_radius_km, &got.accuracy_radius_km);
        self.field(&at("listener_count"), &expected.listener_count, &got.listener_count);
        self.field(&at("time_zone"), &expected.time_zone, &got.time_zone);
    }

    fn field<T: PartialEq + Debug>(&mut self, field: &str, expected: &T, got: &T) {
        if expected != got {
            self.add(field, expected, got);
        }
    }

    fn add<T: Debug>(&mut self, field: &str, expected: &T, got: &T) {
        let session_id = self.session_id;
        self.lines.push(format!("session {session_id}: {field} should be {expected:?}, is {got:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> v1::Session {
        let place = |geoname_id| v1::Place { geoname_id, ..v1::Place::default() };
        v1::Session {
            session_id: "5e55".into(),
            listener_count: 2,
            places: vec![place(1), place(2)],
            distance_km: 1_000.0,
            ..v1::Session::default()
        }
    }

    #[test]
    fn every_field_is_compared() {
        type Change = fn(&mut v1::Session);
        let cases: [(&str, Change); 17] = [
            ("session_id", |s| s.session_id.clear()),
            ("track", |s| s.track = Some(v1::Track::default())),
            ("window_start", |s| s.window_start = Some(prost_types::Timestamp::default())),
            ("window_end", |s| s.window_end = Some(prost_types::Timestamp::default())),
            ("listener_count", |s| s.listener_count = 3),
            ("pane", |s| s.pane = 1),
            ("distance_km", |s| s.distance_km = 1_000.001_1),
            ("distance_km", |s| s.distance_km = f64::NAN),
            ("places.len()", |s| s.places.truncate(1)),
            ("places[0].geoname_id", |s| s.places[0].geoname_id = 9),
            ("places[1].city_names", |s| _ = s.places[1].city_names.insert("en".into(), "Rome".into())),
            ("places[1].country_names", |s| {
                _ = s.places[1].country_names.insert("en".into(), "Italy".into())
            }),
            ("places[1].country_code", |s| s.places[1].country_code = "IT".into()),
            ("places[1].latitude", |s| s.places[1].latitude = 1e-9),
            ("places[1].longitude", |s| s.places[1].longitude = 1e-9),
            ("places[1].accuracy_radius_km", |s| s.places[1].accuracy_radius_km = 1),
            ("places[1].time_zone", |s| s.places[1].time_zone = "Europe/Rome".into()),
        ];
        for (field, change) in cases {
            let mut got = session();
            change(&mut got);
            let lines = compare(&session(), &got);
            assert_eq!(lines.len(), 1, "{field}: {lines:?}");
            assert!(lines[0].starts_with(&format!("session 5e55: {field} should be ")), "{lines:?}");
        }
    }

    #[test]
    fn equal_but_for_the_rounding_of_the_distance() {
        let got = v1::Session { distance_km: 1_000.000_9, ..session() };
        assert_eq!(compare(&session(), &got), [""; 0]);
    }

    #[test]
    fn missing_and_unexpected_sessions_are_told() {
        let expected =
            ["5e55", "0"].map(|id| (id.to_owned(), v1::Session { session_id: id.into(), ..session() }));
        let late = v1::Session { pane: 1, ..session() };
        let other = v1::Session { session_id: "1".into(), ..session() };
        assert_eq!(
            compare_all(&expected.into(), [&session(), &late, &other]),
            ["session 5e55: pane should be 0, is 1", "session 1: not expected", "session 0: missing",]
        );
    }
}
