//! One poll of all replicas at once, and of all naive servers.

use std::collections::BTreeSet;

use super::conditions::SLOT_MS;
use super::schedule::slot_of;

/// The number of a replica, in the order in which they were started.
pub type ReplicaNumber = u32;

/// A body, by a hash of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Body(pub u64);

/// What one replica answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who.
    pub replica: ReplicaNumber,
    /// What; `None` without an answer of status 200 in time.
    pub body: Option<Body>,
}

/// What came of polling all at once. Times are the harness's clock, in milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// When all were to be polled.
    pub due_ms: i64,
    /// When they were.
    pub sent_ms: i64,
    /// When the last answer was there.
    pub done_ms: i64,
    /// What the replicas answered that took part from beginning to end.
    pub answers: Vec<Answer>,
    /// The slots that the naive servers showed; `None` before the first one.
    pub naive: Vec<Option<u64>>,
}

/// Answers belong to a slot for sure when they were asked for and given this far from its ends, in milliseconds: clocks
/// are off by 10, and reading the time takes time.
pub const MARGIN_MS: i64 = 12;

impl Round {
    /// By how many milliseconds it was late.
    #[must_use]
    pub const fn late_ms(&self) -> i64 {
        self.sent_ms - self.due_ms
    }

    /// The start of the slot that it was to tell of.
    #[must_use]
    pub const fn slot(&self) -> i64 {
        slot_of(self.due_ms)
    }

    /// Whether it tells of one slot, whatever it tells.
    #[must_use]
    pub const fn is_within_slot(&self) -> bool {
        let start = self.slot();
        self.sent_ms >= start + MARGIN_MS && self.done_ms <= start + SLOT_MS - MARGIN_MS
    }

    /// Whether a replica did not answer.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.answers.is_empty() || self.answers.iter().any(|answer| answer.body.is_none())
    }

    /// The different bodies of the replicas.
    #[must_use]
    pub fn bodies(&self) -> BTreeSet<Body> {
        self.answers.iter().filter_map(|answer| answer.body).collect()
    }

    /// The different slots that the naive servers showed.
    #[must_use]
    pub fn naive_slots(&self) -> BTreeSet<Option<u64>> {
        self.naive.iter().copied().collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A round that was polled in no time, of these bodies (0 is no answer) and naive slots.
    pub(in super::super) fn round(due_ms: i64, bodies: &[u64], naive: &[u64]) -> Round {
        let body = |body: u64| (body > 0).then_some(Body(body));
        Round {
            due_ms,
            sent_ms: due_ms,
            done_ms: due_ms,
            answers: (0..)
                .zip(bodies)
                .map(|(replica, number)| Answer { replica, body: body(*number) })
                .collect(),
            naive: naive.iter().copied().map(Some).collect(),
        }
    }

    #[test]
    fn bodies_are_counted_once() {
        let round = round(500, &[7, 9, 7, 0], &[3, 3, 4]);
        assert_eq!(round.bodies(), BTreeSet::from([Body(7), Body(9)]));
        assert_eq!(round.naive_slots(), BTreeSet::from([Some(3), Some(4)]));
        assert!(round.is_incomplete());
    }

    #[test]
    fn a_round_at_the_end_of_a_slot_tells_of_none() {
        for (sent_ms, done_ms, within) in [
            (1012, 1020, true),
            (1011, 1020, false),
            (1980, 1988, true),
            (1980, 1989, false),
            (2000, 2020, false),
        ] {
            let round = Round { sent_ms, done_ms, ..round(1025, &[], &[]) };
            assert_eq!(round.is_within_slot(), within, "{sent_ms} to {done_ms}");
        }
    }
}
