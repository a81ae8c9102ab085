//! Sessions and slots, checked once where they enter a service.

use std::sync::Arc;

use prost::Message as _;

use crate::id::{SessionId, TrackId};
use crate::language::Names;
use crate::place::{Coordinates, Kilometres, Place};
use crate::time::{Timestamp, Window};
use crate::v1;

/// One track that people in places far apart started within one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// A function of track and window.
    pub id: SessionId,
    /// What they listen to.
    pub track: Track,
    /// When they pressed play.
    pub window: Window,
    /// How many they are, also outside `places`.
    pub listener_count: u32,
    /// At least two: the two farthest apart, then the others by listeners.
    pub places: Vec<Place>,
    /// Between the first two places.
    pub distance: Kilometres,
    /// 0 for the on-time pane, then counting up.
    pub pane: u32,
}

/// A track as the catalogue describes it; everything but its id may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Track {
    pub id: TrackId,
    pub title: Box<str>,
    pub artists: Vec<Box<str>>,
    pub artwork_url: Box<str>,
}

/// A stretch of the world's time and what is shown in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// floor(`starts_at` / slot length)
    pub number: u64,
    /// The first instant at which it is current.
    pub starts_at: Timestamp,
    /// When the next slot begins if there is one; without one, this slot stays current.
    pub ends_at: Timestamp,
    /// At least one; the first is featured.
    pub sessions: Vec<Arc<Session>>,
}

impl Slot {
    /// The session that the world is shown.
    ///
    /// # Panics
    /// When a slot was built without a session.
    #[must_use]
    pub fn featured(&self) -> &Session {
        self.sessions.first().expect("a slot has at least one session")
    }
}

/// Why an update cannot be used. The texts name fields, never what stood in them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidUpdate {
    /// The bytes are not a `SessionsUpdate`.
    #[error("it does not decode")]
    Malformed,
    /// A field is missing or its value is impossible.
    #[error("{0} is missing or impossible")]
    Field(&'static str),
}

/// `Err` that names the field.
fn need<T>(value: Option<T>, field: &'static str) -> Result<T, InvalidUpdate> {
    value.ok_or(InvalidUpdate::Field(field))
}

fn need_time(wire: Option<&prost_types::Timestamp>, field: &'static str) -> Result<Timestamp, InvalidUpdate> {
    need(wire.and_then(|time| Timestamp::try_from(time).ok()), field)
}

/// Decodes the data of a message on the sessions topic.
///
/// # Errors
/// When it does not decode, or when a slot is not one that a pipeline publishes.
pub fn decode_update(data: &[u8]) -> Result<Vec<Slot>, InvalidUpdate> {
    let update = v1::SessionsUpdate::decode(data).map_err(|_| InvalidUpdate::Malformed)?;
    update.slots.iter().map(Slot::try_from).collect()
}

impl TryFrom<&v1::Slot> for Slot {
    type Error = InvalidUpdate;

    fn try_from(wire: &v1::Slot) -> Result<Self, Self::Error> {
        let starts_at = need_time(wire.starts_at.as_ref(), "slot.starts_at")?;
        let ends_at = need_time(wire.ends_at.as_ref(), "slot.ends_at")?;
        need((starts_at < ends_at).then_some(()), "slot.ends_at")?;
        need((!wire.sessions.is_empty()).then_some(()), "slot.sessions")?;
        let sessions = wire.sessions.iter().map(|session| Session::try_from(session).map(Arc::new));
        Ok(Self { number: wire.number, starts_at, ends_at, sessions: sessions.collect::<Result<_, _>>()? })
    }
}

impl TryFrom<&v1::Session> for Session {
    type Error = InvalidUpdate;

    fn try_from(wire: &v1::Session) -> Result<Self, Self::Error> {
        let window = Window {
            start: need_time(wire.window_start.as_ref(), "session.window_start")?,
            end: need_time(wire.window_end.as_ref(), "session.window_end")?,
        };
        need((window.start < window.end).then_some(()), "session.window_end")?;
        need((wire.places.len() >= 2).then_some(()), "session.places")?;
        Ok(Self {
            id: need(wire.session_id.parse().ok(), "session.session_id")?,
            track: Track::try_from(need(wire.track.as_ref(), "session.track")?)?,
            window,
            listener_count: wire.listener_count,
            places: wire.places.iter().map(Place::try_from).collect::<Result<_, _>>()?,
            distance: need(Kilometres::new(wire.distance_km), "session.distance_km")?,
            pane: wire.pane,
        })
    }
}

impl TryFrom<&v1::Track> for Track {
    type Error = InvalidUpdate;

    fn try_from(wire: &v1::Track) -> Result<Self, Self::Error> {
        Ok(Self {
            id: need(TrackId::new(&wire.track_id).ok(), "track.track_id")?,
            title: wire.title.as_str().into(),
            artists: wire.artists.iter().map(|artist| artist.as_str().into()).collect(),
            artwork_url: wire.artwork_url.as_str().into(),
        })
    }
}

impl TryFrom<&v1::Place> for Place {
    type Error = InvalidUpdate;

    fn try_from(wire: &v1::Place) -> Result<Self, Self::Error> {
        let coordinates = Coordinates::new(wire.latitude, wire.longitude);
        Ok(Self {
            geoname_id: wire.geoname_id,
            city: Names::from(&wire.city_names),
            country_code: wire.country_code.as_str().into(),
            country: Names::from(&wire.country_names),
            coordinates: need(coordinates, "place.latitude or place.longitude")?,
            accuracy_radius_km: wire.accuracy_radius_km,
            listener_count: wire.listener_count,
            time_zone: wire.time_zone.as_str().into(),
        })
    }
}

impl From<&Slot> for v1::Slot {
    fn from(slot: &Slot) -> Self {
        Self {
            number: slot.number,
            starts_at: Some(slot.starts_at.into()),
            ends_at: Some(slot.ends_at.into()),
            sessions: slot.sessions.iter().map(|session| session.as_ref().into()).collect(),
        }
    }
}

impl From<&Session> for v1::Session {
    fn from(session: &Session) -> Self {
        Self {
            session_id: session.id.to_string(),
            track: Some((&session.track).into()),
            window_start: Some(session.window.start.into()),
            window_end: Some(session.window.end.into()),
            listener_count: session.listener_count,
            places: session.places.iter().map(Into::into).collect(),
            distance_km: session.distance.as_f64(),
            pane: session.pane,
        }
    }
}

impl From<&Track> for v1::Track {
    fn from(track: &Track) -> Self {
        Self {
            track_id: track.id.as_str().into(),
            title: track.title.as_ref().into(),
            artists: track.artists.iter().map(|artist| artist.as_ref().into()).collect(),
            artwork_url: track.artwork_url.as_ref().into(),
        }
    }
}

impl From<&Place> for v1::Place {
    fn from(place: &Place) -> Self {
        Self {
            geoname_id: place.geoname_id,
            city_names: (&place.city).into(),
            country_code: place.country_code.as_ref().into(),
            country_names: (&place.country).into(),
            latitude: place.coordinates.latitude(),
            longitude: place.coordinates.longitude(),
            accuracy_radius_km: place.accuracy_radius_km,
            listener_count: place.listener_count,
            time_zone: place.time_zone.as_ref().into(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::language::Language;

    /// A place in the wire's terms, with every field set.
    fn wire_place(geoname_id: u32, latitude: f64) -> v1::Place {
        v1::Place {
            geoname_id,
            city_names: [("en".into(), format!("City {geoname_id}"))].into(),
            country_code: "DE".into(),
            country_names: [("en".into(), "Germany".into()), ("ja".into(), "ドイツ".into())].into(),
            latitude,
            longitude: 13.4,
            accuracy_radius_km: 10,
            listener_count: 2,
            time_zone: "Europe/Berlin".into(),
        }
    }

    /// A slot of five seconds in the wire's terms, with every field set; `id` is its featured session's.
    pub(crate) fn wire_slot(number: u64, id: u128) -> v1::Slot {
        let start = i64::try_from(number).unwrap() * 5;
        let seconds = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let session = v1::Session {
            session_id: format!("{id:032x}"),
            track: Some(v1::Track {
                track_id: format!("track-{id}"),
                title: "Harbour Lights".into(),
                artists: vec!["The Tides".into(), "Ana".into()],
                artwork_url: "https://example.org/a.png".into(),
            }),
            window_start: seconds(start - 4),
            window_end: seconds(start - 3),
            listener_count: 4,
            places: vec![wire_place(1, 52.5), wire_place(2, -23.5)],
            distance_km: 8450.0,
            pane: 0,
        };
        v1::Slot { number, starts_at: seconds(start), ends_at: seconds(start + 5), sessions: vec![session] }
    }

    #[test]
    fn a_slot_survives_the_round_trip() {
        let wire = wire_slot(352_820, 7);
        let slot = Slot::try_from(&wire).unwrap();
        assert_eq!(v1::Slot::from(&slot), wire);
        assert_eq!(slot.featured().places[0].country.get(Language::Ja), Some("ドイツ"));
    }

    #[test]
    fn impossible_slots_name_the_field() {
        type Damage = fn(&mut v1::Slot);
        let cases: [(&str, Damage); 11] = [
            ("slot.starts_at", |slot| slot.starts_at = None),
            ("slot.ends_at", |slot| slot.ends_at = slot.starts_at),
            ("slot.sessions", |slot| slot.sessions.clear()),
            ("session.session_id", |slot| slot.sessions[0].session_id = "7".into()),
            ("session.track", |slot| slot.sessions[0].track = None),
            ("track.track_id", |slot| slot.sessions[0].track = Some(v1::Track::default())),
            ("session.window_start", |slot| slot.sessions[0].window_start = None),
            ("session.window_end", |slot| {
                slot.sessions[0].window_end = slot.sessions[0].window_start;
            }),
            ("session.places", |slot| slot.sessions[0].places.truncate(1)),
            ("session.distance_km", |slot| slot.sessions[0].distance_km = f64::NAN),
            ("place.latitude or place.longitude", |slot| {
                slot.sessions[0].places[1].latitude = 91.0;
            }),
        ];
        for (field, damage) in cases {
            let mut wire = wire_slot(1, 7);
            damage(&mut wire);
            assert_eq!(Slot::try_from(&wire), Err(InvalidUpdate::Field(field)), "{field}");
        }
    }

    #[test]
    fn bytes_that_are_no_update_are_malformed() {
        assert_eq!(decode_update(&[0xff; 9]), Err(InvalidUpdate::Malformed));
    }
}
