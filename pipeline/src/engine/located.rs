//! The engine as the second of two stages: messages of plays that the first has located.

use bytes::Bytes;
use listening_together_proto::Timestamp;

use super::{Effect, Engine, admit};
use crate::intake::Answer;
use crate::ledger::DropReason;
use crate::located_plays::{self, Located};
use crate::receive::{Acknowledge, Share};
use crate::window::{LocatedPlay, TieBreak};

impl<A: Acknowledge> Engine<Share<A>> {
    /// Takes deliveries of the located-plays topic in, in their order. Each of their plays is on the books; a delivery is
    /// acknowledged when all of them are settled or dropped. One that is none of ours is one play, malformed.
    ///
    /// A message is seen as a whole: its newest play makes none of it late. Event time follows what the first stage has
    /// seen, so that a play that was dropped there, or that a fast clock has dated ahead, moves it as far as it would in
    /// one process.
    pub fn receive_located(
        &mut self,
        deliveries: impl IntoIterator<Item = (Bytes, A)>,
        now: Timestamp,
        effects: &mut Vec<Effect<Share<A>>>,
    ) {
        self.curator.heed_clock(now);
        for (data, ack) in deliveries {
            match located_plays::decode(data.clone()) {
                Ok(message) => {
                    let shares = Share::of(ack, message.plays.len());
                    for (play, share) in message.plays.iter().zip(shares) {
                        self.take_in_located(play, share, effects);
                    }
                    self.windows.observe(message.seen_until, now);
                }
                Err(located_plays::Malformed) => {
                    for share in Share::of(ack, 1) {
                        let held = self.ledger.receive(share);
                        let answer = Answer::to(&data, held, DropReason::Malformed, &mut self.ledger);
                        effects.push(answer.into());
                    }
                }
            }
        }
    }

    fn take_in_located(&mut self, play: &Located, share: Share<A>, effects: &mut Vec<Effect<Share<A>>>) {
        let held = self.ledger.receive(share);
        self.last_played_at = Some(play.played_at);
        match self.examine_located(play) {
            Ok(located) => self.windows.insert(&play.track, &located, held),
            Err(reason) => effects.push(Effect::Ack(self.ledger.drop_play(held, reason))),
        }
    }

    /// Who listens where, or why the play is dropped.
    fn examine_located(&mut self, play: &Located) -> Result<LocatedPlay, DropReason> {
        admit(self.windows.window_of(play.played_at), &self.windows, &self.curator)?;
        let Located { user, played_at, record, .. } = *play;
        let spot = self.atlas.find(&record).ok_or(DropReason::Unlocated)?;
        let tie_break = TieBreak::of_place(record.geoname_id, record.accuracy_radius_km, record.coordinates);
        Ok(LocatedPlay { user, played_at, tie_break, spot })
    }
}
