//! The programme: which slot is current, next and recent at an instant.
//!
//! It is a set of slots, and everything asked of it is a pure function of that set and of the instant. Two replicas
//! that have received the same slots, in whatever order and however often, give the same answers. Where two pipelines
//! disagree on a slot during a change-over, every replica keeps the same one of the two: see [`Programme::insert`].
//!
//! Memory: slots older than the recent ones are dropped as time goes on, and slots are refused that begin absurdly far
//! ahead, so that at most a few dozen are held.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;

use crate::session::Slot;
use crate::time::Timestamp;
use crate::v1;

/// How many slots before the current one are shown as recent.
pub const RECENT_SLOTS: usize = 9;

/// The most slots that are held, whatever is received.
pub const MAX_SLOTS: usize = 64;

/// How far ahead a slot may begin: far more than any sensible lead, far less than a broken clock.
pub const MAX_AHEAD: Duration = Duration::from_secs(600);

/// The slots that have been announced.
#[derive(Clone, Debug, Default)]
pub struct Programme {
    /// By the instant at which they start, so that slots of two lengths (a changed setting) stay in order.
    slots: BTreeMap<Timestamp, Arc<Slot>>,
}

/// What became of a slot given to [`Programme::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was not known, or stands instead of one with which it disagrees.
    Changed,
    /// It was known already, lost against the one with which it disagrees, or is older than what is kept.
    Unchanged,
    /// It begins more than ten minutes ahead, or after more slots than any pipeline announces.
    Refused,
}

impl Programme {
    /// Takes in one announced slot.
    ///
    /// Of two slots with the same start the one whose featured session has the smaller id stands; if that is the same
    /// too, the one whose encoded bytes are smaller: an order of arrival decides nothing.
    pub fn insert(&mut self, slot: Slot, now: Timestamp) -> Inserted {
        if slot.starts_at > now + MAX_AHEAD {
            return Inserted::Refused;
        }
        self.forget_old(now);
        if self.oldest_kept(now).is_some_and(|oldest| slot.starts_at < oldest) {
            return Inserted::Unchanged;
        }
        let starts_at = slot.starts_at;
        if self.slots.get(&starts_at).is_some_and(|known| !stands_instead(&slot, known)) {
            return Inserted::Unchanged;
        }
        self.slots.insert(starts_at, Arc::new(slot));
        self.forget_old(now);
        // Full: what begins last makes room, once what is old has, so that the same slots stay in whatever order they
        // come.
        if self.slots.len() > MAX_SLOTS && self.slots.pop_last().is_some_and(|(last, _)| last == starts_at) {
            return Inserted::Refused;
        }
        Inserted::Changed
    }

    /// Drops the slots before the ninth before the current one.
    fn forget_old(&mut self, now: Timestamp) {
        if let Some(oldest) = self.oldest_kept(now) {
            self.slots = self.slots.split_off(&oldest);
        }
    }

    /// The slot that is shown at `instant`: the newest that has started. It stays current until another starts.
    #[must_use]
    pub fn current_at(&self, instant: Timestamp) -> Option<&Arc<Slot>> {
        self.started_by(instant).next()
    }

    /// The first slot that is announced but has not started at `instant`.
    #[must_use]
    pub fn next_at(&self, instant: Timestamp) -> Option<&Arc<Slot>> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.slots.range((Excluded(instant), Unbounded)).next().map(|(_, slot)| slot)
    }

    /// The slots before the one that is current at `instant`, newest first, at most [`RECENT_SLOTS`].
    pub fn recent_at(&self, instant: Timestamp) -> impl Iterator<Item = &Arc<Slot>> {
        self.started_by(instant).skip(1).take(RECENT_SLOTS)
    }

    /// Every slot that is held, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.values().rev()
    }

    /// The message that announces the newest slot and repeats the others back to the ninth before the one that is
    /// current `now`, newest first, as long as its encoded size stays below `max_bytes`.
    #[must_use]
    pub fn update_at(&self, now: Timestamp, max_bytes: usize) -> v1::SessionsUpdate {
        let oldest = self.oldest_kept(now).unwrap_or(Timestamp::MIN);
        let mut update = v1::SessionsUpdate::default();
        let mut bytes = 0;
        for slot in self.newest_first().take_while(|slot| slot.starts_at >= oldest) {
            let wire = v1::Slot::from(slot.as_ref());
            // A length-delimited field: tag, length (at most five bytes each way) and the slot.
            bytes += wire.encoded_len() + 6;
            if bytes >= max_bytes && !update.slots.is_empty() {
                break;
            }
            update.slots.push(wire);
        }
        update
    }

    /// The slots that have started by `instant`, newest first.
    fn started_by(&self, instant: Timestamp) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.range(..=instant).rev().map(|(_, slot)| slot)
    }

    /// Where the ninth slot before the current one starts, if there are so many.
    fn oldest_kept(&self, now: Timestamp) -> Option<Timestamp> {
        self.started_by(now).nth(RECENT_SLOTS).map(|slot| slot.starts_at)
    }
}

/// Whether `slot` stands instead of `known`, which starts at the same instant.
#[must_use]
pub fn stands_instead(slot: &Slot, known: &Slot) -> bool {
    let by_id = slot.featured().id.cmp(&known.featured().id);
    let by_bytes = || encoded(slot).cmp(&encoded(known));
    by_id.then_with(by_bytes).is_lt()
}

fn encoded(slot: &Slot) -> Vec<u8> {
    v1::Slot::from(slot).encode_to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::tests::wire_slot;

    fn slot(number: u64, id: u128) -> Slot {
        Slot::try_from(&wire_slot(number, id)).unwrap()
    }

    /// The instant at which slot `number` starts, and some milliseconds more.
    fn at(number: i64, millis: i64) -> Timestamp {
        Timestamp::from_millis(number * 5000 + millis)
    }

    fn programme(numbers: impl IntoIterator<Item = u64>, now: Timestamp) -> Programme {
        let mut programme = Programme::default();
        for number in numbers {
            programme.insert(slot(number, 7), now);
        }
        programme
    }

    /// The numbers of the current, next and recent slots.
    fn shown(programme: &Programme, instant: Timestamp) -> (Option<u64>, Option<u64>, Vec<u64>) {
        (
            programme.current_at(instant).map(|slot| slot.number),
            programme.next_at(instant).map(|slot| slot.number),
            programme.recent_at(instant).map(|slot| slot.number).collect(),
        )
    }

    #[test]
    fn nothing_is_shown_before_the_first_slot_starts() {
        let programme = programme([20], at(19, 0));
        assert_eq!(shown(&programme, at(20, -1)), (None, Some(20), vec![]));
        assert_eq!(shown(&programme, at(20, 0)), (Some(20), None, vec![]));
    }

    #[test]
    fn a_slot_stays_current_until_another_starts() {
        let programme = programme([20, 23], at(20, 0));
        assert_eq!(shown(&programme, at(22, 4999)), (Some(20), Some(23), vec![]));
        assert_eq!(shown(&programme, at(23, 0)), (Some(23), None, vec![20]));
    }

    #[test]
    fn nine_recent_slots_are_kept() {
        let programme = programme(1..=30, at(29, 0));
        let expected = (Some(29), Some(30), (20..=28).rev().collect());
        assert_eq!(shown(&programme, at(29, 0)), expected);
        assert_eq!(programme.newest_first().count(), 11);
    }

    #[test]
    fn repeats_change_nothing() {
        let mut programme = programme([20], at(20, 0));
        assert_eq!(programme.insert(slot(20, 7), at(20, 0)), Inserted::Unchanged);
    }

    #[test]
    fn of_two_slots_that_disagree_the_smaller_session_id_stands() {
        for ids in [[3, 9], [9, 3]] {
            let mut programme = Programme::default();
            for id in ids {
                programme.insert(slot(20, id), at(19, 0));
            }
            let shown = programme.next_at(at(19, 0)).unwrap().featured().id.to_string();
            assert_eq!(shown, format!("{:032x}", 3), "{ids:?}");
        }
    }

    #[test]
    fn slots_of_absurd_times_are_refused() {
        let mut programme = programme([20], at(20, 0));
        assert_eq!(programme.insert(slot(20 + 121, 7), at(20, 0)), Inserted::Refused);
        assert_eq!(programme.insert(slot(20 + 120, 7), at(20, 0)), Inserted::Changed);
    }

    #[test]
    fn a_flood_of_slots_is_bounded() {
        let mut programme = Programme::default();
        let refused =
            (1..=120).filter(|number| programme.insert(slot(*number, 7), at(0, 0)) == Inserted::Refused);
        assert_eq!(refused.count(), 120 - MAX_SLOTS);
        assert_eq!(programme.newest_first().count(), MAX_SLOTS);
    }

    #[test]
    fn a_flood_of_slots_is_over_when_its_time_has_come() {
        let mut programme = programme(1..=120, at(0, 0));
        assert_eq!(programme.insert(slot(130, 7), at(100, 0)), Inserted::Changed);
        assert_eq!(shown(&programme, at(130, 0)).0, Some(130));
        let mut programme = Programme::default();
        for number in (1..=120).rev() {
            programme.insert(slot(number, 7), at(0, 0));
        }
        assert_eq!(
            shown(&programme, at(0, 0)).1,
            Some(1),
            "what begins first stays, in whatever order it came"
        );
        assert_eq!(programme.newest_first().count(), MAX_SLOTS);
    }

    #[test]
    fn a_flood_leaves_the_same_slots_in_whatever_order_it_comes() {
        let now = at(100, 0);
        // Eleven that have started, one more than is kept, and as many ahead as there is room for.
        let started = 90..=100;
        let ahead = 101..=154;
        let expected = programme(started.clone().chain(ahead.clone()), now);
        let orders: [(&str, Vec<u64>); 3] = [
            ("the current one last", (90..=99).chain(ahead.clone()).chain([100]).collect()),
            ("those ahead first", ahead.clone().chain(started.clone()).collect()),
            ("backwards", started.chain(ahead).rev().collect()),
        ];
        for (name, order) in orders {
            let programme = programme(order, now);
            assert!(programme.newest_first().eq(expected.newest_first()), "{name}");
        }
    }

    #[test]
    fn an_update_repeats_back_to_the_ninth_before_the_current_one() {
        let programme = programme(1..=30, at(29, 0));
        let update = programme.update_at(at(29, 3000), usize::MAX);
        let numbers: Vec<_> = update.slots.iter().map(|slot| slot.number).collect();
        assert_eq!(numbers, (20..=30).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_large_update_leaves_the_oldest_repeats_out() {
        let programme = programme(1..=30, at(29, 0));
        let one = v1::Slot::from(&slot(1, 7)).encoded_len();
        let update = programme.update_at(at(29, 0), 4 * one);
        assert!(update.encoded_len() < 4 * one);
        assert_eq!(update.slots.len(), 3);
        assert_eq!(programme.update_at(at(29, 0), 0).slots[0].number, 30, "never without the news");
    }

    proptest! {
        /// Whatever the order, the repeats and the disagreements: the same set of slots gives the same answers.
        #[test]
        fn order_and_repeats_change_nothing(
            slots in prop::collection::vec((10u64..22, 0u128..3), 1..40)
                .prop_flat_map(|slots| (Just(slots.clone()), Just(slots).prop_shuffle())),
            instant in 10i64..24,
        ) {
            let (one_order, another) = slots;
            let now = at(12, 0);
            let fill = |slots: &[(u64, u128)]| {
                let mut programme = Programme::default();
                for (number, id) in slots {
                    programme.insert(slot(*number, *id), now);
                }
                programme
            };
            let repeated: Vec<_> = another.iter().chain(&another).copied().collect();
            let [one, other] = [fill(&one_order), fill(&repeated)];
            prop_assert_eq!(one.current_at(at(instant, 0)), other.current_at(at(instant, 0)));
            prop_assert_eq!(one.next_at(at(instant, 0)), other.next_at(at(instant, 0)));
            prop_assert!(one.recent_at(at(instant, 0)).eq(other.recent_at(at(instant, 0))));
        }
    }
}
