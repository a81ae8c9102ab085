//! match: a window's plays of one track -> a session, when people in places far apart share it.

use std::cmp::Reverse;

use listening_together_proto::{Coordinates, Kilometres, SessionId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::ledger::DropReason;
use crate::locate::{Atlas, CountryCode, Direction, Spot, SpotRef};
use crate::window::Listener;

/// The farthest pair is sought among this many places, those with most listeners.
const MAX_PAIRED_PLACES: usize = 64;

/// Two squared chords that differ by less may be of distances in the other order: far more than rounding accounts for.
const CHORD_ERROR: f64 = 1e-12;

/// The settings of the stage.
#[derive(Clone, Copy, Debug)]
pub struct MatchRules {
    /// A session has at least as many listeners.
    pub min_listeners: u32,
    /// A session has two places at least as far apart.
    pub min_distance: Kilometres,
    /// A session names at most as many places, and at least two.
    pub max_places: usize,
}

/// What the listeners of a track in a window share.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// All of them.
    pub listener_count: u32,
    /// The two places farthest apart, the smaller geoname id first, then the others by listeners.
    pub places: Vec<MatchedPlace>,
    /// Between the first two places.
    pub distance: Kilometres,
}

/// A city of a match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchedPlace {
    /// The city's id at geonames.org.
    pub geoname_id: u32,
    /// The record that stands for the city.
    pub spot: SpotRef,
    /// Where that record puts it.
    pub coordinates: Coordinates,
    /// The same as a direction.
    pub direction: Direction,
    /// The country that it is in.
    pub country: CountryCode,
    /// How many of the listeners are there.
    pub listener_count: u32,
}

/// The id of the session of `track` in the window that starts at `window_start`: the same always and everywhere.
#[must_use]
pub fn session_id(track: &str, window_start: Timestamp) -> SessionId {
    let mut hash = Sha256::new();
    hash.update(track);
    hash.update([0]);
    hash.update(window_start.as_millis().to_string());
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    SessionId::from_bytes(id)
}

/// Matches `listeners`, each user once.
///
/// # Errors
/// [`DropReason::SingleListener`] when they are too few, [`DropReason::SinglePlace`] when no two are far enough apart.
pub fn match_listeners(
    listeners: &[Listener],
    atlas: &Atlas,
    rules: &MatchRules,
) -> Result<Match, DropReason> {
    let listener_count = u32::try_from(listeners.len()).unwrap_or(u32::MAX);
    if listener_count < rules.min_listeners {
        return Err(DropReason::SingleListener);
    }
    let mut places = places_of(listeners, atlas);
    // By listeners, most first, then by id: the order in which places are considered and shown.
    places.sort_unstable_by_key(|place| (Reverse(place.listener_count), place.geoname_id));
    let paired = &places[..places.len().min(MAX_PAIRED_PLACES)];
    let (first, second, distance) = farthest_pair(paired).ok_or(DropReason::SinglePlace)?;
    if distance < rules.min_distance {
        return Err(DropReason::SinglePlace);
    }
    let others = places
        .iter()
        .filter(|place| ![first.geoname_id, second.geoname_id].contains(&place.geoname_id))
        .take(rules.max_places.saturating_sub(2));
    let places = [first, second].iter().chain(others).copied().collect();
    Ok(Match { listener_count, places, distance })
}

/// The cities of `listeners`. Of a city's records, the one with the smallest (radius, latitude, longitude) stands for it.
fn places_of(listeners: &[Listener], atlas: &Atlas) -> Vec<MatchedPlace> {
    let mut spots: Vec<_> = listeners.iter().map(|one| (atlas.spot(one.spot), one.spot)).collect();
    spots.sort_unstable_by_key(|(spot, _)| spot.geoname_id);
    let cities = spots.chunk_by(|(one, _), (other, _)| one.geoname_id == other.geoname_id);
    let place = |city: &[(&Spot, SpotRef)]| {
        let first = *city.first()?;
        let (spot, reference) = city.iter().copied().fold(first, standing);
        Some(MatchedPlace {
            geoname_id: spot.geoname_id,
            spot: reference,
            coordinates: spot.coordinates,
            direction: spot.direction,
            country: spot.country,
            listener_count: u32::try_from(city.len()).unwrap_or(u32::MAX),
        })
    };
    cities.filter_map(place).collect()
}

/// Which of two records of a city stands for it.
fn standing<'a>(one: (&'a Spot, SpotRef), other: (&'a Spot, SpotRef)) -> (&'a Spot, SpotRef) {
    if other.0.precedes(one.0) { other } else { one }
}

/// The two of `places` that are farthest apart, the smaller geoname id first; of equally distant pairs the one with the
/// smaller ids. `None` when there are fewer than two.
fn farthest_pair(places: &[MatchedPlace]) -> Option<(MatchedPlace, MatchedPlace, Kilometres)> {
    let mut by_id = places.to_vec();
    by_id.sort_unstable_by_key(|place| place.geoname_id);
    let mut farthest: Option<(MatchedPlace, MatchedPlace, Kilometres)> = None;
    let mut longest_chord = 0.0;
    // Pairs come in the order of their ids, so that an equally distant one never stands instead of an earlier one.
    for (index, first) in by_id.iter().enumerate() {
        for second in &by_id[index + 1..] {
            // The chord through the Earth grows with the distance along it and costs no trigonometry.
            let chord = first.direction.chord_squared(second.direction);
            if chord < longest_chord - CHORD_ERROR && farthest.is_some() {
                continue;
            }
            longest_chord = chord.max(longest_chord);
            let distance = first.coordinates.distance_to(second.coordinates);
            if farthest.is_none_or(|(_, _, known)| distance > known) {
                farthest = Some((*first, *second, distance));
            }
        }
    }
    farthest
}

#[cfg(test)]
mod tests;
