//! The first of two stages put together: deliveries and the time go in, answers and messages for the second stage come out.
//!
//! ```text
//! receive -> decode -> sample -> locate -> batch -> publish
//! ```
//!
//! It keeps nothing of a play that is published, so that any number of them can work side by side, and another goes on
//! where one ends. As the [engine](crate::engine), it has neither clock nor client.

use bytes::Bytes;
use listening_together_proto::Timestamp;

use crate::batch::{Batch, BatchRules, Batches};
use crate::decode::Play;
use crate::intake::{Answer, Decoded, Intake};
use crate::ledger::{Done, DropReason, Held, Ledger};
use crate::locate::{Atlas, Databases, SpotRef};
use crate::located_plays;
use crate::user::UserHash;

/// The pure core of the first stage.
pub struct Locator<A> {
    intake: Intake,
    users: UserHash,
    atlas: Atlas,
    batches: Batches<A>,
    ledger: Ledger,
    /// The newest play seen, but no later than the clock was then.
    seen_until: Timestamp,
    /// When the play that came last was played, until it is asked for.
    last_played_at: Option<Timestamp>,
}

impl<A> Locator<A> {
    /// Has seen nothing. `users` makes hashes that leave the process.
    #[must_use]
    pub fn new(intake: Intake, users: UserHash, atlas: Atlas, batches: BatchRules) -> Self {
        Self {
            intake,
            users,
            atlas,
            batches: Batches::new(batches),
            ledger: Ledger::default(),
            seen_until: Timestamp::MIN,
            last_played_at: None,
        }
    }

    /// Takes deliveries in, in their order.
    pub fn receive_all(
        &mut self,
        deliveries: impl IntoIterator<Item = (Bytes, A)>,
        now: Timestamp,
        answers: &mut Vec<Answer<A>>,
    ) {
        let Self { intake, users, atlas, batches, ledger, seen_until, last_played_at } = self;
        intake.receive_all(deliveries, now, atlas, |data, ack, decoded| {
            let held = ledger.receive(ack);
            let located = decoded.and_then(|decoded| {
                *seen_until = decoded.play.played_at.min(now).max(*seen_until);
                *last_played_at = Some(decoded.play.played_at);
                Ok((decoded.play, locate(&decoded, atlas)?))
            });
            match located {
                Ok((Play { user, track, played_at, .. }, spot)) => {
                    batches.push(held, *seen_until, now, |message| {
                        let spot = atlas.spot(spot);
                        located_plays::write_play(message, users.of(user), track, played_at, spot);
                    });
                }
                Err(reason) => answers.push(Answer::to(data, held, reason, ledger)),
            }
        });
    }

    /// When the play that came last was played; none where none came since this was asked.
    pub const fn take_last_played_at(&mut self) -> Option<Timestamp> {
        self.last_played_at.take()
    }

    /// The next message that is due `now`; when it is confirmed as published, [`Locator::published`].
    pub fn take_due(&mut self, now: Timestamp) -> Option<Batch<A>> {
        self.batches.take_due(now)
    }

    /// The next message, due or not: for the end.
    pub fn take_any(&mut self) -> Option<Batch<A>> {
        self.batches.take_any()
    }

    /// When there is something to take, given that nothing is received before.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.batches.next_due()
    }

    /// A message is confirmed as published: its plays are settled.
    pub fn published(&mut self, plays: Vec<Held<A>>) -> impl Iterator<Item = Done<A>> {
        plays.into_iter().map(|play| self.ledger.settle(play))
    }

    /// A rejected message is confirmed as published to the dead-letter topic.
    pub fn rejected(&mut self, play: Held<A>, reason: DropReason) -> Done<A> {
        self.ledger.drop_play(play, reason)
    }

    /// Locates the plays that come in `databases`.
    pub fn replace_databases(&mut self, databases: Databases) {
        self.atlas.replace(databases);
        // Messages hold what was found, and refer to nothing.
        self.atlas.forget_previous();
    }

    /// The account of all plays; those whose message is published are settled.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The databases in use.
    #[must_use]
    pub const fn databases(&self) -> &Databases {
        self.atlas.databases()
    }
}

fn locate(decoded: &Decoded<'_>, atlas: &Atlas) -> Result<SpotRef, DropReason> {
    if decoded.sampled { atlas.locate(decoded.play.address) } else { Err(DropReason::Unsampled) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::tests::{BERLIN, LIMA, NO_CITY, TOR_EXIT, at, message, rules};
    use crate::sample::Sampler;
    use crate::test_atlas::AtlasFixture;
    use crate::user::UserHashKey;

    fn locator(intake: Intake) -> Locator<u32> {
        let key = UserHashKey::parse(&"00".repeat(32)).unwrap();
        let batches = BatchRules { most_plays: 100, wait: Duration::from_millis(20) };
        Locator::new(intake, UserHash::keyed(&key), AtlasFixture::new().open(), batches)
    }

    fn dropped(ledger: &Ledger) -> Vec<(DropReason, u64)> {
        let counts = DropReason::ALL.map(|reason| (reason, ledger.dropped(reason)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn plays_are_settled_when_their_message_is_published() {
        let mut locator = locator(rules().intake());
        let mut answers = vec![];
        let plays = [(BERLIN, 1), (LIMA, 2)]
            .map(|(address, ack)| (message("ana", "song", address, at(100)).into(), ack));
        locator.receive_all(plays, at(500), &mut answers);
        assert!(answers.is_empty() && locator.take_due(at(519)).is_none());
        assert_eq!(locator.next_due(), Some(at(520)));
        let batch = locator.take_due(at(520)).unwrap();
        assert_eq!((locator.ledger().held(), locator.ledger().settled()), (2, 0));
        let read = located_plays::decode(batch.data).ok().unwrap();
        assert_eq!(read.plays.iter().map(|play| play.record.geoname_id).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(locator.published(batch.plays).map(|done| done.ack).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((locator.ledger().held(), locator.ledger().settled()), (0, 2));
    }

    #[test]
    fn plays_of_no_use_are_dropped_with_their_reason() {
        let mut locator = locator(rules().intake());
        let messages = [
            vec![0xff],
            message("ana", "song", BERLIN, at(5501)),
            message("ana", "song", TOR_EXIT, at(100)),
            message("ana", "song", NO_CITY, at(100)),
        ];
        let mut answers = vec![];
        locator.receive_all(messages.map(Bytes::from).into_iter().zip(0..), at(500), &mut answers);
        let mut acked = vec![];
        for answer in answers {
            match answer {
                Answer::Ack(done) => acked.push(done.ack),
                Answer::Reject { reason, play, .. } => acked.push(locator.rejected(play, reason).ack),
            }
        }
        acked.sort_unstable();
        assert_eq!(acked, [0, 1, 2, 3]);
        let expected =
            [DropReason::Malformed, DropReason::Future, DropReason::Anonymous, DropReason::Unlocated];
        assert_eq!(dropped(locator.ledger()), expected.map(|reason| (reason, 1)));
        assert!(locator.next_due().is_none());
    }

    #[test]
    fn the_sample_is_drawn_here() {
        let mut locator = locator(Intake { sampler: Sampler::new(0.0), ..rules().intake() });
        let mut answers = vec![];
        locator.receive_all([(message("ana", "song", BERLIN, at(0)).into(), 1)], at(0), &mut answers);
        assert_eq!(dropped(locator.ledger()), [(DropReason::Unsampled, 1)]);
    }

    #[test]
    fn event_time_is_told_of_all_plays_and_no_later_than_the_clock() {
        let mut locator = locator(rules().intake());
        let mut seen_until = |plays: &[(&str, i64)], now: i64| {
            let plays = plays.iter().map(|(address, played_at)| {
                (Bytes::from(message("ana", "song", address, at(*played_at))), 0)
            });
            locator.receive_all(plays, at(now), &mut vec![]);
            let batch = locator.take_any().unwrap();
            located_plays::decode(batch.data).ok().unwrap().seen_until
        };
        assert_eq!(seen_until(&[(BERLIN, 100)], 500), at(100));
        assert_eq!(seen_until(&[(NO_CITY, 300), (BERLIN, 200)], 500), at(300), "of one that is dropped, too");
        assert_eq!(seen_until(&[(BERLIN, 250)], 500), at(300), "never backwards");
        assert_eq!(seen_until(&[(BERLIN, 5000)], 600), at(600), "of a fast clock");
    }

    #[test]
    fn a_new_edition_takes_over_at_once() {
        let fixture = AtlasFixture::new();
        let mut locator = locator(rules().intake());
        for _ in 0..3 {
            locator.replace_databases(fixture.databases());
            let play = (message("ana", "song", BERLIN, at(0)).into(), 1);
            locator.receive_all([play], at(0), &mut vec![]);
            assert!(locator.take_any().is_some());
        }
    }
}
