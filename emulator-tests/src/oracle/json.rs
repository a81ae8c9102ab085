//! A session on the topic against the same session in an HTTP answer.

use std::collections::{BTreeMap, BTreeSet};

use listening_together_proto::v1;
use serde_json::{Map, Value, json};

use super::time;

/// How `json`, a session of `GET /api/latest` in the language `lang`, differs from what it shows; empty when nothing
/// does.
///
/// `distance_km` may be rounded to 0.1 km. A text that is unknown (a time zone, a name without even an English form)
/// may be empty or absent. Everything else has to be exact, and no other member may be there.
pub fn check_json(session: &v1::Session, json: &Value, lang: &str) -> Vec<String> {
    let mut lines = Vec::new();
    compare("session", &expected(session, lang), json, &mut lines);
    lines
}

fn expected(session: &v1::Session, lang: &str) -> Value {
    let time = |timestamp: &Option<_>| timestamp.as_ref().map(|at| time::to_text(time::to_ms(at)));
    json!({
        "id": session.session_id,
        "track": track(&session.track.clone().unwrap_or_default()),
        "window": { "start": time(&session.window_start), "end": time(&session.window_end) },
        "listeners": session.listener_count,
        "distance_km": session.distance_km,
        "places": session.places.iter().map(|place| json!({
            "city": name(&place.city_names, lang),
            "country": name(&place.country_names, lang),
            "country_code": place.country_code,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "listeners": place.listener_count,
            "time_zone": place.time_zone,
        })).collect::<Vec<_>>(),
    })
}

/// What the catalogue does not know of a track is absent.
fn track(track: &v1::Track) -> Value {
    let mut members = Map::from_iter([("id".to_owned(), json!(track.track_id))]);
    if !track.title.is_empty() {
        members.insert("title".to_owned(), json!(track.title));
    }
    if !track.artists.is_empty() {
        members.insert("artists".to_owned(), json!(track.artists));
    }
    if !track.artwork_url.is_empty() {
        members.insert("artwork_url".to_owned(), json!(track.artwork_url));
    }
    Value::Object(members)
}

fn name<'a>(names: &'a BTreeMap<String, String>, lang: &str) -> &'a str {
    names.get(lang).or_else(|| names.get("en")).map_or("", String::as_str)
}

fn compare(path: &str, expected: &Value, got: &Value, lines: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for key in expected.keys().chain(got.keys()).collect::<BTreeSet<_>>() {
                let value = |members: &Map<String, Value>| members.get(key).cloned();
                let path = format!("{path}.{key}");
                match (value(expected), value(got)) {
                    (Some(expected), Some(got)) => compare(&path, &expected, &got, lines),
                    (Some(expected), None) if expected == "" => {}
                    (Some(expected), None) => lines.push(format!("{path} should be {expected}, is absent")),
                    (None, got) => lines.push(format!("{path} should be absent, is {}", json!(got))),
                }
            }
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare(&format!("{path}[{index}]"), expected, got, lines);
            }
        }
        _ if is_same_scalar(path, expected, got) => {}
        _ => lines.push(format!("{path} should be {expected}, is {got}")),
    }
}

/// `52` and `52.0` are one number.
fn is_same_scalar(path: &str, expected: &Value, got: &Value) -> bool {
    match (expected.as_f64(), got.as_f64()) {
        (Some(expected), Some(got)) if path.ends_with(".distance_km") => {
            (expected - got).abs() <= 0.05 + 1e-6
        }
        (Some(expected), Some(got)) => expected == got,
        _ => expected == got,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> v1::Session {
        let names = |names: &[(&str, &str)]| -> BTreeMap<String, String> {
            names.iter().map(|(language, name)| (language.to_string(), name.to_string())).collect()
        };
        v1::Session {
            session_id: "5e55".into(),
            track: Some(v1::Track {
                track_id: "song".into(),
                title: "A Song".into(),
                artists: vec!["Ann".into(), "Bob".into()],
                artwork_url: "https://art.example/1".into(),
            }),
            window_start: Some(time::from_ms(1_795_510_805_000)),
            window_end: Some(time::from_ms(1_795_510_805_250)),
            listener_count: 3,
            places: vec![
                v1::Place {
                    geoname_id: 1,
                    city_names: names(&[("en", "Berlin"), ("pt-BR", "Berlim")]),
                    country_code: "DE".into(),
                    country_names: names(&[("en", "Germany"), ("pt-BR", "Alemanha")]),
                    latitude: 52.0,
                    longitude: 13.4069,
                    accuracy_radius_km: 20,
                    listener_count: 2,
                    time_zone: "Europe/Berlin".into(),
                },
                v1::Place {
                    geoname_id: 2,
                    city_names: names(&[("en", "Rome"), ("de", "Rom")]),
                    longitude: 12.5,
                    listener_count: 1,
                    ..v1::Place::default()
                },
            ],
            distance_km: 1_181.449_9,
            pane: 0,
        }
    }

    fn answer() -> Value {
        json!({
            "id": "5e55",
            "track": { "id": "song", "title": "A Song", "artists": ["Ann", "Bob"], "artwork_url": "https://art.example/1" },
            "window": { "start": "2026-11-24T09:00:05.000Z", "end": "2026-11-24T09:00:05.250Z" },
            "listeners": 3,
            "distance_km": 1181.4,
            "places": [
                { "city": "Berlim", "country": "Alemanha", "country_code": "DE", "latitude": 52, "longitude": 13.4069, "listeners": 2, "time_zone": "Europe/Berlin" },
                { "city": "Rome", "country": "", "latitude": 0.0, "longitude": 12.5, "listeners": 1 },
            ],
        })
    }

    #[test]
    fn an_answer_says_what_the_session_says() {
        assert_eq!(check_json(&session(), &answer(), "pt-BR"), [""; 0]);
    }

    #[test]
    fn an_unknown_track_has_only_its_id() {
        let track = Some(v1::Track { track_id: "song".into(), ..v1::Track::default() });
        let mut answer = answer();
        answer["track"] = json!({ "id": "song" });
        assert_eq!(check_json(&v1::Session { track, ..session() }, &answer, "pt-BR"), [""; 0]);
    }

    #[test]
    fn every_member_is_compared() {
        for (path, wrong) in [
            ("/id", json!("5e56")),
            ("/track/title", json!("A song")),
            ("/track/artists", json!(["Ann"])),
            ("/track/artists/1", json!("Rob")),
            ("/window/start", json!("2026-11-24T09:00:05Z")),
            ("/window/end", json!("2026-11-24T09:00:05.251Z")),
            ("/listeners", json!(2)),
            ("/distance_km", json!(1181.6)),
            ("/places/0/city", json!("Berlin")),
            ("/places/0/country", json!(null)),
            ("/places/0/country_code", json!("DD")),
            ("/places/0/latitude", json!(52.1)),
            ("/places/0/longitude", json!(13.4)),
            ("/places/0/listeners", json!("2")),
            ("/places/0/time_zone", json!("")),
            ("/places/1/city", json!("Rom")),
        ] {
            let mut answer = answer();
            *answer.pointer_mut(path).unwrap() = wrong;
            assert_eq!(check_json(&session(), &answer, "pt-BR").len(), 1, "{path}");
        }
    }

    #[test]
    fn no_member_too_many_or_too_few() {
        let mut answer = answer();
        answer["pane"] = json!(0);
        answer["track"].as_object_mut().unwrap().remove("title");
        assert_eq!(
            check_json(&session(), &answer, "pt-BR"),
            ["session.pane should be absent, is 0", "session.track.title should be \"A Song\", is absent"]
        );
    }
}
