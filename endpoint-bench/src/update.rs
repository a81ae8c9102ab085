//! Updates as full as a pipeline makes them: five sessions a slot, eight places each, all names in eight languages.

use std::time::Duration;

use anyhow::Context as _;
use emulator_tests::geo_fixtures::table::Atlas;
use emulator_tests::listeners::Catalogue;
use listening_together_proto::{Coordinates, RECENT_SLOTS, Timestamp, v1};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// SESSIONS_PER_SLOT, as it is by default.
pub const SESSIONS: usize = 5;
/// MAX_PLACES, as it is by default.
pub const PLACES: usize = 8;

/// Makes slots; the same every time.
#[derive(Debug)]
pub struct Slots {
    places: Vec<v1::Place>,
    tracks: Vec<v1::Track>,
}

impl Slots {
    /// From real cities and an invented catalogue.
    ///
    /// # Errors
    /// When the table of cities is damaged.
    pub fn new() -> anyhow::Result<Self> {
        let atlas = Atlas::load()?;
        let track = |track: &emulator_tests::listeners::CatalogueTrack| v1::Track {
            track_id: track.track_id.clone(),
            title: track.title.clone(),
            artists: track.artists.split(';').map(str::to_owned).collect(),
            artwork_url: track.artwork_url.clone(),
        };
        let places = atlas.cities.iter().map(|city| {
            let (country, _) = atlas.country_of(city)?;
            Ok(v1::Place {
                geoname_id: city.geoname_id,
                city_names: city.names.clone().into_iter().collect(),
                country_code: city.country_code.clone(),
                country_names: country.names.clone().into_iter().collect(),
                latitude: city.latitude,
                longitude: city.longitude,
                accuracy_radius_km: 20,
                listener_count: 0,
                time_zone: city.time_zone.clone(),
            })
        });
        Ok(Self {
            places: places.collect::<anyhow::Result<_>>()?,
            tracks: Catalogue::invent(2000, 1).tracks().iter().map(track).collect(),
        })
    }

    /// An update whose newest slot has this number, with those before it that a pipeline would repeat. The slot `n`
    /// starts `n` times `length` after the epoch.
    ///
    /// # Errors
    /// When the number is out of range.
    pub fn update(&self, newest: u64, length: Duration) -> anyhow::Result<v1::SessionsUpdate> {
        // One is announced ahead, one is current.
        let count = u64::try_from(RECENT_SLOTS)? + 2;
        let slots = (newest.saturating_sub(count - 1)..=newest).rev().map(|number| self.slot(number, length));
        Ok(v1::SessionsUpdate { slots: slots.collect::<anyhow::Result<_>>()? })
    }

    fn slot(&self, number: u64, length: Duration) -> anyhow::Result<v1::Slot> {
        let mut chance = StdRng::seed_from_u64(number);
        let starts_at = start_of(number, length)?;
        let sessions = (0..SESSIONS).map(|_| self.session(starts_at, &mut chance));
        Ok(v1::Slot {
            number,
            starts_at: Some(starts_at.into()),
            ends_at: Some((starts_at + length).into()),
            sessions: sessions.collect::<anyhow::Result<_>>()?,
        })
    }

    fn session(&self, slot_start: Timestamp, chance: &mut StdRng) -> anyhow::Result<v1::Session> {
        let mut places: Vec<_> = self.places.sample(chance, PLACES).cloned().collect();
        for place in &mut places {
            place.listener_count = chance.random_range(1..10);
        }
        let at = |place: &v1::Place| {
            Coordinates::new(place.latitude, place.longitude).context("a city is on the earth")
        };
        let distance = at(&places[0])?.distance_to(at(&places[1])?);
        let window_end = slot_start - Duration::from_secs(3);
        Ok(v1::Session {
            session_id: format!("{:032x}", chance.random::<u128>()),
            track: self.tracks.choose(chance).cloned(),
            window_start: Some((window_end - Duration::from_secs(1)).into()),
            window_end: Some(window_end.into()),
            listener_count: places.iter().map(|place| place.listener_count).sum(),
            places,
            distance_km: distance.as_f64(),
            pane: 0,
        })
    }
}

/// When the slot of this number starts.
///
/// # Errors
/// When that is out of range.
pub fn start_of(number: u64, length: Duration) -> anyhow::Result<Timestamp> {
    let millis = i64::try_from(number)?.checked_mul(i64::try_from(length.as_millis())?);
    Ok(Timestamp::from_millis(millis.context("the slot's number is out of range")?))
}

#[cfg(test)]
mod tests {
    use listening_together_proto::Slot;

    use super::*;

    #[test]
    fn an_update_is_one_that_a_pipeline_could_publish() {
        let length = Duration::from_secs(5);
        let update = Slots::new().unwrap().update(1000, length).unwrap();
        let slots: Vec<_> = update.slots.iter().map(|slot| Slot::try_from(slot).unwrap()).collect();
        assert_eq!((slots.len(), slots[0].number, slots[10].number), (11, 1000, 990));
        assert_eq!(slots[0].starts_at, Timestamp::from_millis(5_000_000));
        for slot in slots {
            assert_eq!(slot.sessions.len(), SESSIONS);
            for session in slot.sessions {
                assert_eq!(session.places.len(), PLACES);
            }
        }
        assert_eq!(Slots::new().unwrap().update(1000, length).unwrap(), update);
    }
}
