//! The editorial score: which session is worth showing, given what was shown lately.
//!
//! Far apart, many listeners, and above all something new: countries that were not on lately, no track that was on
//! within 20 slots and no pair of cities within 60, as long as there is an alternative.

use std::collections::VecDeque;

use listening_together_proto::{Session, TrackId};

use crate::locate::CountryCode;
use crate::matching::Match;

/// A track is not featured again within so many slots while alternatives exist.
const TRACK_REST: usize = 20;
/// Nor is a pair of cities; and a country counts as entirely new after so many.
const MEMORY: usize = 60;

/// Half of the Earth's circumference: no two places are farther apart, in kilometres.
const FARTHEST_KM: f64 = 20_015.1;
/// As many listeners count as much as any larger number.
const CROWD: f64 = 1000.0;

/// What each of the three virtues adds to a score, the sum being 1.
const NOVELTY_WEIGHT: f64 = 0.5;
const DISTANCE_WEIGHT: f64 = 0.3;
const CROWD_WEIGHT: f64 = 0.2;

/// How much a session is worth showing; the larger, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// Neither its track nor its pair of cities was featured lately.
    fresh: bool,
    /// In millionths, so that scores compare exactly.
    merit: i64,
}

/// What was featured in the latest slots, newest first.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<Featured>);

#[derive(Clone, Debug)]
struct Featured {
    track: TrackId,
    /// Geoname ids, the smaller first.
    cities: [u32; 2],
    countries: [CountryCode; 2],
}

impl History {
    /// A session was featured in the slot after those that are known.
    pub fn add(&mut self, session: &Session) {
        let places = [0, 1].map(|index| &session.places[index]);
        self.0.push_front(Featured {
            track: session.track.id.clone(),
            cities: ordered(places.map(|place| place.geoname_id)),
            countries: places.map(|place| CountryCode::new(&place.country_code)),
        });
        self.0.truncate(MEMORY);
    }

    /// What a session of `track` is worth.
    #[must_use]
    pub fn score(&self, track: &TrackId, shared: &Match) -> Score {
        let pair = [0, 1].map(|index| &shared.places[index]);
        let cities = ordered(pair.map(|place| place.geoname_id));
        let track_rests = self.0.iter().take(TRACK_REST).all(|featured| featured.track != *track);
        let cities_rest = self.0.iter().all(|featured| featured.cities != cities);
        let novelty = pair.map(|place| self.novelty(place.country)).iter().sum::<f64>() / 2.0;
        let distance = shared.distance.as_f64() / FARTHEST_KM;
        let crowd = f64::from(shared.listener_count).ln_1p() / CROWD.ln_1p();
        let merit =
            NOVELTY_WEIGHT * novelty + DISTANCE_WEIGHT * distance.min(1.0) + CROWD_WEIGHT * crowd.min(1.0);
        Score { fresh: track_rests && cities_rest, merit: (merit * 1e6) as i64 }
    }

    /// From 0 for a country that was on in the latest slot to 1 for one that was not on lately.
    fn novelty(&self, country: CountryCode) -> f64 {
        let slots_ago = self.0.iter().position(|featured| featured.countries.contains(&country));
        slots_ago.map_or(1.0, |slots| slots as f64 / MEMORY as f64)
    }
}

fn ordered([one, other]: [u32; 2]) -> [u32; 2] {
    [one.min(other), one.max(other)]
}
