//! The whole core, told as stories: plays and the clock in, announcements, acks and rejections out.

mod editions;
mod late_plays;
mod located;
mod plays;
mod slots;

use std::net::IpAddr;

use listening_together_proto::Kilometres;
use prost::Message as _;

use super::*;
use crate::test_atlas::AtlasFixture;

pub(crate) const BERLIN: &str = "198.18.0.1";
const OSAKA: &str = "198.18.4.1";
pub(crate) const LIMA: &str = "198.18.3.1";
pub(crate) const TOR_EXIT: &str = "198.18.2.1";
pub(crate) const NO_CITY: &str = "198.18.10.1";

/// The instant at which the stories begin: the start of a slot.
const START: i64 = 1_700_000_000_000;

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The defaults of the design.
pub(crate) fn rules() -> Rules {
    Rules {
        max_future_skew: seconds(5),
        sampler: Sampler::new(1.0),
        window: WindowRules {
            length: seconds(1),
            max_disorder: Duration::from_millis(500),
            allowed_lateness: seconds(30),
            idle_timeout: seconds(1),
        },
        matching: MatchRules {
            min_listeners: 2,
            min_distance: Kilometres::new(100.0).unwrap(),
            max_places: 8,
        },
        curate: CurateRules {
            slot: seconds(5),
            lead: seconds(2),
            max_session_age: seconds(10),
            sessions_per_slot: Some(5),
        },
    }
}

/// An engine whose acks are numbers, with everything that it wanted done so far.
struct Story {
    engine: Engine<u32>,
    next_ack: u32,
    acked: Vec<u32>,
    rejected: Vec<DropReason>,
    /// Announcements that are not confirmed yet.
    unconfirmed: Vec<Vec<Vec<Pending<u32>>>>,
    /// `slot number: track #pane, ...`
    announced: Vec<String>,
    updates: Vec<v1::SessionsUpdate>,
}

impl Story {
    fn new(rules: Rules) -> Self {
        Self::after(rules, vec![], at(0))
    }

    fn after(rules: Rules, announced: Vec<Slot>, now: Timestamp) -> Self {
        let atlas = AtlasFixture::new().open();
        let mut engine = Engine::new(rules, atlas, Catalogue::default(), now);
        engine.go_on_after(announced, now);
        Self {
            engine,
            next_ack: 0,
            acked: vec![],
            rejected: vec![],
            unconfirmed: vec![],
            announced: vec![],
            updates: vec![],
        }
    }

    /// `user` plays `track` from `address` at `played_at`, received half a second later.
    fn play(&mut self, user: &str, track: &str, address: &str, played_at: i64) -> &mut Self {
        self.deliver(message(user, track, address, at(played_at)), played_at + 500)
    }

    fn deliver(&mut self, data: Vec<u8>, now: i64) -> &mut Self {
        let mut effects = vec![];
        self.next_ack += 1;
        self.engine.receive(data.into(), self.next_ack, at(now), &mut effects);
        self.carry_out(effects)
    }

    fn time(&mut self, now: i64) -> &mut Self {
        let mut effects = vec![];
        self.engine.advance(at(now), &mut effects);
        self.carry_out(effects)
    }

    fn confirm_all(&mut self) -> &mut Self {
        for plays in std::mem::take(&mut self.unconfirmed) {
            let mut effects = vec![];
            self.engine.published(plays, &mut effects);
            self.carry_out(effects);
        }
        self
    }

    fn carry_out(&mut self, effects: Vec<Effect<u32>>) -> &mut Self {
        for effect in effects {
            match effect {
                Effect::Ack(done) => self.acked.push(done.ack),
                Effect::Reject { reason, play, .. } => {
                    self.rejected.push(reason);
                    let mut acks = vec![];
                    self.engine.rejected(play, reason, &mut acks);
                    self.carry_out(acks);
                }
                Effect::Announce { slot, update, plays } => {
                    self.announced.push(text(&slot));
                    self.updates.push(update);
                    self.unconfirmed.push(plays);
                }
            }
        }
        let ledger = self.engine.ledger();
        let accounted = ledger.settled() + ledger.held() + ledger.dropped_in_all();
        assert_eq!(ledger.received(), accounted, "the account is kept at every step");
        assert_eq!(self.acked.len() as u64, ledger.settled() + ledger.dropped_in_all());
        self
    }

    fn dropped(&self) -> Vec<(&'static str, u64)> {
        let ledger = self.engine.ledger();
        let counts = DropReason::ALL.map(|reason| (reason.as_str(), ledger.dropped(reason)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// A play as it is published.
pub(crate) fn message(user: &str, track: &str, address: &str, played_at: Timestamp) -> Vec<u8> {
    let octets = match address.parse().unwrap() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    v1::Play {
        user_id: user.into(),
        track_id: track.into(),
        ip_address: octets.into(),
        played_at: Some(played_at.into()),
    }
    .encode_to_vec()
}

fn text(slot: &Slot) -> String {
    let session =
        |session: &Arc<listening_together_proto::Session>| format!("{} #{}", session.track.id, session.pane);
    let number = slot.number - START as u64 / 5000;
    format!("{number}: {}", slot.sessions.iter().map(session).collect::<Vec<_>>().join(", "))
}
