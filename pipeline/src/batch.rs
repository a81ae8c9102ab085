//! batch: located plays -> messages of many plays each, bounded in size and in how long a play waits.
//!
//! Messages are taken when they can be published. While they cannot, plays go on into full messages, which wait here; that
//! is bounded by what Pub/Sub lets a process hold unacknowledged.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use listening_together_proto::Timestamp;

use crate::ledger::Held;
use crate::located_plays;

/// The settings of the stage.
#[derive(Clone, Copy, Debug)]
pub struct BatchRules {
    /// At most so many plays a message, at least 1. None takes more than 250 bytes.
    pub most_plays: usize,
    /// How long a play waits for others.
    pub wait: Duration,
}

/// A message to publish.
pub struct Batch<A> {
    /// The message.
    pub data: Bytes,
    /// Its plays: they are settled when it is confirmed as published.
    pub plays: Vec<Held<A>>,
    /// When the first of them came in.
    pub begun: Timestamp,
}

/// Plays that wait to be published.
pub struct Batches<A> {
    rules: BatchRules,
    open: Option<Open<A>>,
    full: VecDeque<Batch<A>>,
}

/// A message that has room for more.
struct Open<A> {
    message: Vec<u8>,
    plays: Vec<Held<A>>,
    begun: Timestamp,
    seen_until: Timestamp,
}

impl<A> Batches<A> {
    /// Nothing waits.
    #[must_use]
    pub const fn new(rules: BatchRules) -> Self {
        Self { rules, open: None, full: VecDeque::new() }
    }

    /// Takes in a play that `write` writes into a message, when event time has come to `seen_until`.
    pub fn push(
        &mut self,
        play: Held<A>,
        seen_until: Timestamp,
        now: Timestamp,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let open = self.open.get_or_insert_with(|| Open {
            message: Vec::new(),
            plays: Vec::new(),
            begun: now,
            seen_until,
        });
        write(&mut open.message);
        open.plays.push(play);
        // Of the play that came last: what came after it must not make those late that wait behind it.
        open.seen_until = seen_until;
        if open.plays.len() >= self.rules.most_plays {
            self.full.extend(self.open.take().map(Open::close));
        }
    }

    /// The next message that is full, or of which a play has waited long enough.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Batch<A>> {
        self.full.pop_front().or_else(|| {
            let is_due = |open: &mut Open<A>| {
                // A clock that was set back keeps nobody waiting.
                now < open.begun || now >= open.begun + self.rules.wait
            };
            self.open.take_if(is_due).map(Open::close)
        })
    }

    /// The next message, due or not.
    pub fn take_any(&mut self) -> Option<Batch<A>> {
        self.full.pop_front().or_else(|| self.open.take().map(Open::close))
    }

    /// When [`Batches::take_due`] has something, given that no play comes before; an instant that is past if it has now.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let full = self.full.front().map(|batch| batch.begun);
        full.or_else(|| self.open.as_ref().map(|open| open.begun + self.rules.wait))
    }
}

impl<A> Open<A> {
    fn close(mut self) -> Batch<A> {
        located_plays::write_end(&mut self.message, self.seen_until);
        Batch { data: self.message.into(), plays: self.plays, begun: self.begun }
    }
}

#[cfg(test)]
mod tests {
    use listening_together_proto::v1;
    use prost::Message as _;

    use super::*;
    use crate::ledger::Ledger;

    const RULES: BatchRules = BatchRules { most_plays: 3, wait: Duration::from_millis(20) };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    /// Batches, and plays that are numbered as they come.
    struct Story {
        batches: Batches<u32>,
        ledger: Ledger,
        plays: u32,
    }

    impl Story {
        fn new() -> Self {
            Self { batches: Batches::new(RULES), ledger: Ledger::default(), plays: 0 }
        }

        fn push(&mut self, count: u32, now: i64) -> &mut Self {
            for _ in 0..count {
                let number = self.plays;
                self.plays += 1;
                let play = self.ledger.receive(number);
                self.batches.push(play, at(now - 100), at(now), |message| {
                    let play = v1::LocatedPlay { geoname_id: number, ..Default::default() };
                    prost::encoding::message::encode(1, &play, message);
                });
            }
            self
        }

        /// The numbers of the plays of a batch, by their handles; its message has the same.
        fn numbers(&mut self, batch: Option<Batch<u32>>) -> (Vec<u32>, i64) {
            let Some(batch) = batch else { return (vec![], 0) };
            let message = v1::LocatedPlays::decode(batch.data).unwrap();
            let numbers: Vec<_> = batch.plays.into_iter().map(|play| self.ledger.settle(play).ack).collect();
            let written: Vec<_> = message.plays.iter().map(|play| play.geoname_id).collect();
            assert_eq!(numbers, written);
            let seen_until = Timestamp::try_from(&message.seen_until.unwrap()).unwrap();
            (numbers, seen_until.as_millis() - at(0).as_millis())
        }

        fn due(&mut self, now: i64) -> (Vec<u32>, i64) {
            let batch = self.batches.take_due(at(now));
            self.numbers(batch)
        }
    }

    #[test]
    fn a_play_waits_for_others_but_not_for_long() {
        let mut story = Story::new();
        assert_eq!(story.batches.next_due(), None);
        story.push(1, 0).push(1, 15);
        assert_eq!(story.batches.next_due(), Some(at(20)));
        assert_eq!(story.due(19), (vec![], 0));
        assert_eq!(story.due(20), (vec![0, 1], -85), "event time is that of the last of them");
        assert_eq!((story.due(1000), story.batches.next_due()), ((vec![], 0), None));
    }

    #[test]
    fn a_full_message_is_due_at_once_and_messages_keep_their_order() {
        let mut story = Story::new();
        story.push(3, 0).push(4, 5);
        assert!(story.batches.next_due().is_some_and(|due| due <= at(5)));
        assert_eq!(story.due(5).0, [0, 1, 2]);
        assert_eq!(story.due(5).0, [3, 4, 5]);
        assert_eq!(story.due(5).0, [0; 0]);
        assert_eq!(story.batches.next_due(), Some(at(25)));
    }

    #[test]
    fn what_waits_behind_others_keeps_its_own_event_time() {
        let mut story = Story::new();
        story.push(3, 0).push(3, 1000).push(1, 2000);
        assert_eq!([story.due(2000).1, story.due(2000).1, story.due(2020).1], [-100, 900, 1900]);
    }

    #[test]
    fn in_the_end_everything_is_taken() {
        let mut story = Story::new();
        story.push(5, 0);
        let batches = std::iter::from_fn(|| story.batches.take_any()).collect::<Vec<_>>();
        let plays: usize = batches.iter().map(|batch| batch.plays.len()).sum();
        assert_eq!((batches.len(), plays), (2, 5));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let mut story = Story::new();
        story.push(1, 10_000);
        assert_eq!(story.due(0).0, [0]);
    }
}
