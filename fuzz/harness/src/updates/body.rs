//! Whether a body is what the contract says that `GET /api/latest` answers.

use listening_together_proto::RECENT_SLOTS;
use serde_json::Value;

pub(super) fn check(body: &[u8]) {
    let body: Value = serde_json::from_slice(body).expect("a body is JSON");
    assert!(body["slot_ms"].as_u64() > Some(0), "length of a slot");
    let current = check_slot(&body["current"]);
    if let Some(next) = body.get("next") {
        assert!(check_slot(next) > current, "the next slot is after the current one");
    }
    let recent = body["recent"].as_array().expect("recent slots are a list");
    assert!(recent.len() <= RECENT_SLOTS, "{} recent slots", recent.len());
    let mut after = current;
    for slot in recent {
        assert_eq!(sessions(slot).len(), 1, "a recent slot shows its featured session");
        let starts_at = check_slot(slot);
        assert!(starts_at < after, "recent slots are before the current one, newest first");
        after = starts_at;
    }
}

/// When it starts, in a notation whose order is that of time.
fn check_slot(slot: &Value) -> &str {
    assert!(slot["slot"].is_u64(), "a slot has a number");
    let [starts_at, ends_at] = ["starts_at", "ends_at"].map(|field| instant(&slot[field]));
    assert!(starts_at < ends_at, "a slot ends after it starts");
    assert!(!sessions(slot).is_empty(), "a slot has a session");
    sessions(slot).iter().for_each(check_session);
    starts_at
}

fn sessions(slot: &Value) -> &[Value] {
    slot["sessions"].as_array().expect("sessions are a list")
}

fn check_session(session: &Value) {
    let id = session["id"].as_str().expect("an id is text");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "the id of a session");
    assert!(session["track"]["id"].as_str().is_some_and(|id| !id.is_empty()), "the id of a track");
    assert!(instant(&session["window"]["start"]) < instant(&session["window"]["end"]), "a window");
    assert!(session["listeners"].is_u64(), "a number of listeners");
    assert!(session["distance_km"].as_f64() >= Some(0.0), "a distance");
    let places = session["places"].as_array().expect("places are a list");
    assert!(places.len() >= 2, "two places");
    for place in places {
        assert!(place["city"].as_str().is_some_and(|city| !city.is_empty()), "a city is called something");
        for field in ["country", "country_code", "time_zone"] {
            assert!(place[field].is_string(), "{field}");
        }
        for (field, most) in [("latitude", 90.0), ("longitude", 180.0)] {
            assert!(place[field].as_f64().is_some_and(|degrees| degrees.abs() <= most), "{field}");
        }
        assert!(place["listeners"].is_u64(), "listeners of a place");
    }
}

fn instant(value: &Value) -> &str {
    let text = value.as_str().expect("an instant is text");
    assert!(text.len() == "2026-11-24T09:00:05.000Z".len() && text.ends_with('Z'), "an instant: {text}");
    text
}
