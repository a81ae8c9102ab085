//! (programme, instant, language) to the JSON of `GET /api/latest`: a pure function, so that every replica that knows
//! the same slots makes the same bytes.
//!
//! Fields stand in the order of the structs below. Times are RFC 3339 in UTC with milliseconds; distances are rounded
//! to 0.1 km, coordinates are written as they came. What is unknown of a track is absent, never null. Names that are
//! missing in a language are English, else in whatever language they are known. A place always has all its fields: a
//! city without any name is called by its country, else by its coordinates, and a country by its code.

mod rfc3339;

use std::borrow::Cow;

use listening_together_proto::{
    Coordinates, Kilometres, Language, Place, Programme, Session, Slot, Timestamp, Track,
};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use rfc3339::Rfc3339;

/// The body of `GET /api/latest` at `instant`; `None` until the first slot has started.
#[must_use]
pub fn latest(programme: &Programme, instant: Timestamp, language: Language) -> Option<Vec<u8>> {
    let current = programme.current_at(instant)?;
    let view = LatestView {
        slot_ms: current.ends_at.since(current.starts_at).as_millis(),
        current: SlotView::whole(current, language),
        next: programme.next_at(instant).map(|slot| SlotView::whole(slot, language)),
        recent: programme.recent_at(instant).map(|slot| SlotView::featured(slot, language)).collect(),
    };
    Some(serde_json::to_vec(&view).expect("plain structs with text keys always serialise"))
}

/// One slot with all its sessions, as `current` and `next` are in the body of `GET /api/latest`.
#[must_use]
pub fn slot(slot: &Slot, language: Language) -> Vec<u8> {
    serde_json::to_vec(&SlotView::whole(slot, language))
        .expect("plain structs with text keys always serialise")
}

/// What the world listens to now, what it will listen to next, and what it listened to lately.
#[derive(Serialize, ToSchema)]
#[schema(as = Latest)]
pub(crate) struct LatestView<'a> {
    /// Length of the current slot in milliseconds.
    #[schema(value_type = u64, minimum = 1)]
    slot_ms: u128,
    /// The newest slot that has started.
    current: SlotView<'a>,
    /// The slot that follows, once it is announced. Clients switch to it at its start, all at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<SlotView<'a>>,
    /// The slots before the current one, newest first, with their featured sessions only.
    #[schema(max_items = 9)]
    recent: Vec<SlotView<'a>>,
}

/// A stretch of the world's time and what is shown in it.
#[derive(Serialize, ToSchema)]
#[schema(as = Slot)]
pub(crate) struct SlotView<'a> {
    /// Number of the slot: slots that start later have larger ones.
    slot: u64,
    /// The first instant at which it is current.
    #[schema(value_type = String, format = DateTime)]
    starts_at: Rfc3339,
    /// When the next slot begins if there is one; without one, this slot stays current.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Rfc3339,
    /// The first is featured.
    #[schema(min_items = 1)]
    sessions: Vec<SessionView<'a>>,
}

impl<'a> SlotView<'a> {
    fn whole(slot: &'a Slot, language: Language) -> Self {
        Self::with(slot, slot.sessions.iter().map(|session| SessionView::new(session, language)).collect())
    }

    fn featured(slot: &'a Slot, language: Language) -> Self {
        Self::with(slot, vec![SessionView::new(slot.featured(), language)])
    }

    fn with(slot: &'a Slot, sessions: Vec<SessionView<'a>>) -> Self {
        let (starts_at, ends_at) = (Rfc3339(slot.starts_at), Rfc3339(slot.ends_at));
        Self { slot: slot.number, starts_at, ends_at, sessions }
    }
}

/// People in places far apart who started one track at the same moment.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionView<'a> {
    /// The same session always has the same id.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    id: String,
    track: TrackView<'a>,
    window: WindowView,
    /// How many they are, also outside of `places`.
    #[schema(value_type = u64)]
    listeners: u32,
    /// Between the first two places.
    #[serde(serialize_with = "tenths_of_km")]
    #[schema(value_type = f64, minimum = 0)]
    distance_km: Kilometres,
    /// The two that are farthest apart, then the others by listeners.
    #[schema(min_items = 2)]
    places: Vec<PlaceView<'a>>,
}

impl<'a> SessionView<'a> {
    fn new(session: &'a Session, language: Language) -> Self {
        Self {
            id: session.id.to_string(),
            track: TrackView::new(&session.track),
            window: WindowView { start: Rfc3339(session.window.start), end: Rfc3339(session.window.end) },
            listeners: session.listener_count,
            distance_km: session.distance,
            places: session.places.iter().map(|place| PlaceView::new(place, language)).collect(),
        }
    }
}

/// What they listen to. What is not known of it is absent.
#[derive(Serialize, ToSchema)]
#[schema(as = Track)]
struct TrackView<'a> {
    #[schema(min_length = 1)]
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    title: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    artists: &'a [Box<str>],
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    artwork_url: &'a str,
}

impl<'a> TrackView<'a> {
    fn new(track: &'a Track) -> Self {
        Self {
            id: track.id.as_str(),
            title: &track.title,
            artists: &track.artists,
            artwork_url: &track.artwork_url,
        }
    }
}

/// When they started it: from `start` on, and before `end`.
#[derive(Serialize, ToSchema)]
#[schema(as = Window)]
struct WindowView {
    #[schema(value_type = String, format = DateTime)]
    start: Rfc3339,
    #[schema(value_type = String, format = DateTime)]
    end: Rfc3339,
}

/// Where some of them are. Every field is always there; country, code and time zone are empty when unknown.
#[derive(Serialize, ToSchema)]
#[schema(as = Place)]
struct PlaceView<'a> {
    /// In the language of the answer if it is known in that, else in another.
    #[schema(value_type = String, min_length = 1)]
    city: Cow<'a, str>,
    /// In the language of the answer if it is known in that, else in another.
    country: &'a str,
    /// ISO 3166-1 alpha-2.
    country_code: &'a str,
    /// Degrees, north is positive. The middle of the city, never of a person.
    #[schema(minimum = -90, maximum = 90)]
    latitude: f64,
    /// Degrees, east is positive.
    #[schema(minimum = -180, maximum = 180)]
    longitude: f64,
    /// How many of them are here.
    #[schema(value_type = u64)]
    listeners: u32,
    /// A name of the IANA time zone database.
    time_zone: &'a str,
}

impl<'a> PlaceView<'a> {
    fn new(place: &'a Place, language: Language) -> Self {
        let country = place.country.get(language).unwrap_or(&place.country_code);
        let city = place.city.get(language).or(Some(country).filter(|country| !country.is_empty()));
        Self {
            city: city.map_or_else(|| degrees(place.coordinates).into(), Cow::Borrowed),
            country,
            country_code: &place.country_code,
            latitude: place.coordinates.latitude(),
            longitude: place.coordinates.longitude(),
            listeners: place.listener_count,
            time_zone: &place.time_zone,
        }
    }
}

/// Coordinates for people: `52.5°N 13.4°E`.
fn degrees(coordinates: Coordinates) -> String {
    let (latitude, longitude) = (coordinates.latitude(), coordinates.longitude());
    let north = if latitude < 0.0 { 'S' } else { 'N' };
    let east = if longitude < 0.0 { 'W' } else { 'E' };
    format!("{:.1}°{north} {:.1}°{east}", latitude.abs(), longitude.abs())
}

fn tenths_of_km<S: Serializer>(distance: &Kilometres, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((distance.as_f64() * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use listening_together_proto::Names;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{at, programme, slot};

    fn body(programme: &Programme, instant: Timestamp, language: Language) -> Value {
        serde_json::from_slice(&latest(programme, instant, language).unwrap()).unwrap()
    }

    #[test]
    fn nothing_is_shown_before_the_first_slot_starts() {
        let programme = programme([slot(20, 7)], at(19, 0));
        assert_eq!(latest(&programme, at(20, -1), Language::En), None);
        assert!(latest(&programme, at(20, 0), Language::En).is_some());
    }

    #[test]
    fn the_bytes_are_those_of_the_contract() {
        let programme = programme([slot(359_102_161, 7)], at(359_102_161, 0));
        let bytes = latest(&programme, at(359_102_161, 0), Language::PtBr).unwrap();
        let expected = concat!(
            r#"{"slot_ms":5000,"current":{"slot":359102161,"starts_at":"2026-11-24T09:00:05.000Z","#,
            r#""ends_at":"2026-11-24T09:00:10.000Z","sessions":[{"id":"00000000000000000000000000000007","#,
            r#""track":{"id":"track-7","title":"Harbour Lights","artists":["The Tides","Ana"],"#,
            r#""artwork_url":"https://example.org/a.png"},"#,
            r#""window":{"start":"2026-11-24T09:00:01.000Z","end":"2026-11-24T09:00:02.000Z"},"#,
            r#""listeners":12,"distance_km":10236.4,"places":[{"city":"Berlim","country":"Alemanha","#,
            r#""country_code":"DE","latitude":52.5,"longitude":13.4,"listeners":7,"time_zone":"Europe/Berlin"},"#,
            r#"{"city":"São Paulo","country":"Brazil","country_code":"BR","latitude":-23.5475,"#,
            r#""longitude":-46.6361,"listeners":5,"time_zone":"America/Sao_Paulo"}]}]},"recent":[]}"#,
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn current_and_next_are_whole_and_recent_slots_show_their_featured_session() {
        let slots = (18..=21).map(|number| {
            let mut slot = slot(number, 7);
            slot.sessions.push(slot.sessions[0].clone());
            slot
        });
        let body = body(&programme(slots, at(20, 0)), at(20, 0), Language::En);
        let sessions = |slot: &Value| slot["sessions"].as_array().unwrap().len();
        assert_eq!((&body["current"]["slot"], sessions(&body["current"])), (&json!(20), 2));
        assert_eq!((&body["next"]["slot"], sessions(&body["next"])), (&json!(21), 2));
        let recent: Vec<_> = body["recent"].as_array().unwrap().iter().collect();
        assert_eq!(
            recent.iter().map(|slot| slot["slot"].clone()).collect::<Vec<_>>(),
            [json!(19), json!(18)]
        );
        assert!(recent.iter().all(|slot| sessions(slot) == 1));
    }

    #[test]
    fn what_is_unknown_of_a_track_is_absent() {
        let mut slot = slot(20, 7);
        let session = std::sync::Arc::make_mut(&mut slot.sessions[0]);
        (session.track.title, session.track.artwork_url) = ("".into(), "".into());
        session.track.artists.clear();
        let body = body(&programme([slot], at(20, 0)), at(20, 0), Language::En);
        assert_eq!(body["current"]["sessions"][0]["track"], json!({ "id": "track-7" }));
        assert_eq!(body.get("next"), None);
    }

    #[test]
    fn a_place_without_names_is_called_by_what_is_known() {
        let germany = Names::from(&[("en".to_owned(), "Germany".to_owned())].into());
        let cases = [
            ("country", germany, "DE", ("Germany", "Germany")),
            ("country's code", Names::default(), "DE", ("DE", "DE")),
            ("coordinates", Names::default(), "", ("52.5°N 13.4°E", "")),
        ];
        for (name, country, code, expected) in cases {
            let mut place = slot(20, 7).featured().places[0].clone();
            (place.city, place.country, place.country_code) = (Names::default(), country, code.into());
            let view = PlaceView::new(&place, Language::Ja);
            assert_eq!((view.city.as_ref(), view.country), expected, "{name}");
        }
        assert_eq!(degrees(Coordinates::new(-23.54, -46.66).unwrap()), "23.5°S 46.7°W");
    }

    proptest! {
        /// However the slots arrived: the same set of slots gives the same bytes, and they are JSON.
        #[test]
        fn the_body_is_a_function_of_the_slots_the_instant_and_the_language(
            slots in prop::collection::vec((10u64..22, 0u128..3), 1..30)
                .prop_flat_map(|slots| (Just(slots.clone()), Just(slots).prop_shuffle())),
            instant in 10i64..24,
            language in prop::sample::select(&Language::ALL),
        ) {
            let fill = |slots: Vec<(u64, u128)>| {
                programme(slots.into_iter().map(|(number, id)| slot(number, id)), at(12, 0))
            };
            let (one_order, another) = slots;
            let [one, other] =
                [fill(one_order), fill(another)].map(|programme| latest(&programme, at(instant, 0), language));
            prop_assert_eq!(&one, &other);
            if let Some(bytes) = one {
                let body: Value = serde_json::from_slice(&bytes).unwrap();
                let fields: BTreeSet<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
                prop_assert!(fields.is_subset(&["slot_ms", "current", "next", "recent"].into()));
                prop_assert!(body["recent"].as_array().unwrap().len() <= 9);
            }
        }

        /// Whatever stands in a title: the body is JSON, and the title comes back from it.
        #[test]
        fn any_text_survives(title in "\\PC{1,20}|[\\x00-\\x1f\"\\\\]{1,5}") {
            let mut slot = slot(20, 7);
            std::sync::Arc::make_mut(&mut slot.sessions[0]).track.title = title.as_str().into();
            let body = body(&programme([slot], at(20, 0)), at(20, 0), Language::En);
            prop_assert_eq!(&body["current"]["sessions"][0]["track"]["title"], &json!(title));
        }
    }
}
