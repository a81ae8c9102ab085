//! Whether what the pipeline announces is what it may announce.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use listening_together_proto::session::decode_update;
use listening_together_proto::{Session, Slot, v1};
use pipeline::engine::Rules;
use pipeline::matching::session_id;
use prost::Message as _;

use super::decoding::millis;

/// Pub/Sub takes messages of 10 MB; the contract stays below 9.
const MAX_BYTES: usize = 9_000_000;

/// Who has played what in which window, whether it came in time or not.
#[derive(Debug)]
pub(super) struct Played {
    window_ms: i64,
    users: HashMap<(String, i64), HashSet<String>>,
}

impl Played {
    pub(super) fn new(window: Duration) -> Self {
        Self { window_ms: i64::try_from(window.as_millis()).unwrap_or(i64::MAX), users: HashMap::new() }
    }

    pub(super) fn add(&mut self, play: v1::Play) {
        let played_at = play.played_at.as_ref().and_then(millis).unwrap_or_default();
        let window_start = played_at.div_euclid(self.window_ms) * self.window_ms;
        self.users.entry((play.track_id, window_start)).or_default().insert(play.user_id);
    }

    fn users_of(&self, session: &Session) -> usize {
        let key = (session.track.id.to_string(), session.window.start.as_millis());
        self.users.get(&key).map_or(0, HashSet::len)
    }
}

pub(super) fn check(slot: &Slot, update: &v1::SessionsUpdate, rules: &Rules, played: &Played) {
    let data = update.encode_to_vec();
    assert!(data.len() < MAX_BYTES, "an update of {} bytes", data.len());
    let slots = decode_update(&data).expect("a replica can read every update");
    assert!(slots.contains(slot), "an update without its news");
    assert!(slots.is_sorted_by(|one, other| one.starts_at > other.starts_at), "newest first");
    assert_eq!(slot.featured().pane, 0, "a late pane is featured");
    let limit = rules.curate.sessions_per_slot.unwrap_or(usize::MAX);
    assert!(slot.sessions.len() <= limit, "{} sessions in a slot", slot.sessions.len());
    let ids: HashSet<_> = slot.sessions.iter().map(|session| session.id).collect();
    assert_eq!(ids.len(), slot.sessions.len(), "a session twice in a slot");
    slot.sessions.iter().for_each(|session| check_session(session, rules, played));
}

fn check_session(session: &Session, rules: &Rules, played: &Played) {
    assert_eq!(session.id, session_id(session.track.id.as_str(), session.window.start));
    assert!(session.listener_count >= rules.matching.min_listeners, "too few listeners");
    assert!(session.listener_count as usize <= played.users_of(session), "listeners who did not play");
    assert!((2..=rules.matching.max_places).contains(&session.places.len()), "places");
    let at_places: u32 = session.places.iter().map(|place| place.listener_count).sum();
    assert!(at_places <= session.listener_count, "more listeners at places than there are");
    assert!(session.distance >= rules.matching.min_distance, "places too near");
    let [first, second, ..] = session.places.as_slice() else { return };
    assert!(first.geoname_id < second.geoname_id, "the smaller id first");
    assert_eq!(session.distance, first.coordinates.distance_to(second.coordinates));
}
