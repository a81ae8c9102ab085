//! All verdicts, counted.

use std::collections::{BTreeMap, BTreeSet};

use super::episodes::Episodes;
use super::round::{Body, Round};
use super::verdict::{Leads, Unjudged, deciding_round};

/// What was seen of one kind of server.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Slots that were judged, by how many bodies there were in the middle.
    pub slots_by_bodies: BTreeMap<usize, u64>,
    /// Slots in which all were polled at least once, by how many bodies there were in the course of it.
    pub slots_by_bodies_in_course: BTreeMap<usize, u64>,
    /// Rounds within a slot, and those of them that differed.
    pub rounds: u64,
    /// See `rounds`.
    pub rounds_differing: u64,
    /// How long differences lasted.
    pub episodes: Episodes,
}

impl Seen {
    /// Slots that were judged.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.slots_by_bodies.values().sum()
    }

    /// Slots with one body.
    #[must_use]
    pub fn alike(&self) -> u64 {
        self.slots_by_bodies.get(&1).copied().unwrap_or(0)
    }

    /// The share of slots with one body among those that were judged; 0 when none was.
    #[must_use]
    pub fn share_alike(&self) -> f64 {
        self.alike() as f64 / self.judged().max(1) as f64
    }

    fn note_round(&mut self, at_ms: i64, bodies: usize) {
        self.rounds += 1;
        self.rounds_differing += u64::from(bodies > 1);
        self.episodes.note(at_ms, bodies > 1);
    }
}

/// All that was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Of the replicas.
    pub replicas: Seen,
    /// Of the naive servers.
    pub naive: Seen,
    /// Slots that were not judged; and how many of them differed all the same, as far as is known.
    pub unjudged: BTreeMap<Unjudged, u64>,
    /// See `unjudged`.
    pub unjudged_differing: u64,
    /// By how many milliseconds each round was late.
    pub late_ms: Vec<i64>,
    /// How many milliseconds after it was sent each middle round was answered by all.
    pub answered_ms: Vec<i64>,
    /// Polls of a replica that was ready and did not answer.
    pub unanswered: u64,
}

impl Tally {
    /// Takes in the rounds of the slot that starts at `slot_ms`, in order; returns the round by which it was judged
    /// differing, if it was.
    pub fn slot<'a>(&mut self, slot_ms: i64, rounds: &'a [Round], leads: &impl Leads) -> Option<&'a Round> {
        self.course(rounds);
        let (middle, why) = deciding_round(slot_ms, rounds, leads);
        let bodies = middle.map_or(0, |middle| middle.bodies().len());
        self.answered_ms.extend(middle.map(|middle| middle.done_ms - middle.sent_ms));
        if let Some(why) = why {
            *self.unjudged.entry(why).or_default() += 1;
            self.unjudged_differing += u64::from(bodies > 1);
            return None;
        }
        let middle = middle?;
        *self.replicas.slots_by_bodies.entry(bodies).or_default() += 1;
        *self.naive.slots_by_bodies.entry(middle.naive_slots().len()).or_default() += 1;
        (bodies > 1).then_some(middle)
    }

    /// Slots that were polled.
    #[must_use]
    pub fn polled(&self) -> u64 {
        self.replicas.judged() + self.unjudged.values().sum::<u64>()
    }

    /// What was seen in the course of a slot, where it is sure that all were asked about the same one.
    fn course(&mut self, rounds: &[Round]) {
        let (mut bodies, mut naive): (BTreeSet<Body>, BTreeSet<Option<u64>>) = Default::default();
        for round in rounds {
            self.late_ms.push(round.late_ms());
            self.unanswered += round.answers.iter().filter(|answer| answer.body.is_none()).count() as u64;
            if !round.is_within_slot() || round.answers.is_empty() {
                continue;
            }
            let (now, naive_now) = (round.bodies(), round.naive_slots());
            self.replicas.note_round(round.sent_ms, now.len());
            self.naive.note_round(round.sent_ms, naive_now.len());
            bodies.extend(now);
            naive.extend(naive_now);
        }
        if !bodies.is_empty() {
            *self.replicas.slots_by_bodies_in_course.entry(bodies.len()).or_default() += 1;
            *self.naive.slots_by_bodies_in_course.entry(naive.len()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::round::tests::round;
    use super::*;

    fn no_leads() -> BTreeMap<i64, i64> {
        BTreeMap::new()
    }

    #[test]
    fn slots_are_judged_by_their_middles() {
        let mut tally = Tally::default();
        let alike =
            [round(475, &[1, 2], &[5, 5]), round(500, &[2, 2], &[5, 6]), round(525, &[2, 2], &[6, 6])];
        assert_eq!(tally.slot(0, &alike, &no_leads()), None);
        let differing = [round(1500, &[2, 3], &[6, 7]), round(1525, &[3, 3], &[7, 7])];
        assert_eq!(tally.slot(1000, &differing, &no_leads()), Some(&differing[0]));
        let (seen, naive) = (&tally.replicas, &tally.naive);
        assert_eq!((seen.judged(), seen.alike(), seen.share_alike()), (2, 1, 0.5));
        assert_eq!((naive.judged(), naive.alike()), (2, 0));
        assert_eq!(seen.slots_by_bodies_in_course, BTreeMap::from([(2, 2)]));
        assert_eq!((seen.rounds, seen.rounds_differing), (5, 2));
        assert_eq!(seen.episodes.lengths_ms(), [25, 25]);
        assert_eq!(naive.episodes.lengths_ms(), [25, 25]);
    }

    #[test]
    fn slots_that_are_not_judged_are_counted_apart() {
        let mut tally = Tally::default();
        let late = Round { sent_ms: 701, done_ms: 701, ..round(500, &[1, 2], &[5, 5]) };
        assert_eq!(tally.slot(0, &[late], &no_leads()), None);
        assert_eq!(tally.slot(1000, &[round(1500, &[1, 0], &[5, 5])], &no_leads()), None);
        assert_eq!(tally.slot(2000, &[], &no_leads()), None);
        let expected = BTreeMap::from([(Unjudged::HarnessLate, 2), (Unjudged::Unanswered, 1)]);
        assert_eq!(tally.unjudged, expected);
        assert_eq!((tally.unjudged_differing, tally.unanswered), (1, 1));
        assert_eq!((tally.polled(), tally.replicas.judged()), (3, 0));
    }
}
