//! The engine as the second of two stages: messages of plays that were located before.

use std::sync::{Arc, Mutex};

use super::*;
use crate::batch::BatchRules;
use crate::located_plays;
use crate::locator::Locator;
use crate::receive::{Acknowledge, Share};
use crate::user::{UserHash, UserHashKey};

/// Acknowledges a message, by its number.
struct Ack(u32, Arc<Mutex<Vec<u32>>>);

impl Acknowledge for Ack {
    fn acknowledge(self) {
        self.1.lock().unwrap().push(self.0);
    }
}

/// A play: user, track, address, and when it was pressed.
type Play<'a> = (&'a str, &'a str, &'a str, i64);

/// A message of these plays, as a first stage publishes it that receives them at `now`.
fn located(plays: &[Play<'_>], now: i64) -> Bytes {
    let users = UserHash::keyed(&UserHashKey::parse(&"00".repeat(32)).unwrap());
    let batches = BatchRules { most_plays: 1000, wait: Duration::ZERO };
    let mut locator = Locator::new(rules().intake(), users, AtlasFixture::new().open_city_only(), batches);
    let plays = plays.iter().map(|(user, track, address, played_at)| {
        (Bytes::from(message(user, track, address, at(*played_at))), ())
    });
    locator.receive_all(plays, at(now), &mut vec![]);
    locator.take_any().expect("somebody is somewhere").data
}

/// A second stage, and what became of its messages.
struct Second {
    engine: Engine<Share<Ack>>,
    next_ack: u32,
    acked: Arc<Mutex<Vec<u32>>>,
    unconfirmed: Vec<Vec<Vec<Pending<Share<Ack>>>>>,
    rejected: Vec<Held<Share<Ack>>>,
    sessions: Vec<v1::Session>,
}

impl Second {
    fn new(rules: Rules) -> Self {
        let atlas = AtlasFixture::new().open_known_by_record();
        Self {
            engine: Engine::new(rules, atlas, Catalogue::default(), at(0)),
            next_ack: 0,
            acked: Arc::default(),
            unconfirmed: vec![],
            rejected: vec![],
            sessions: vec![],
        }
    }

    fn deliver(&mut self, message: Bytes, now: i64) -> &mut Self {
        let mut effects = vec![];
        self.next_ack += 1;
        let ack = Ack(self.next_ack, Arc::clone(&self.acked));
        self.engine.receive_located([(message, ack)], at(now), &mut effects);
        self.carry_out(effects)
    }

    fn time(&mut self, now: i64) -> &mut Self {
        let mut effects = vec![];
        self.engine.advance(at(now), &mut effects);
        self.carry_out(effects)
    }

    fn confirm_all(&mut self) -> &mut Self {
        let mut effects = vec![];
        for plays in std::mem::take(&mut self.unconfirmed) {
            self.engine.published(plays, &mut effects);
        }
        for play in std::mem::take(&mut self.rejected) {
            self.engine.rejected(play, DropReason::Malformed, &mut effects);
        }
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect<Share<Ack>>>) -> &mut Self {
        for effect in effects {
            match effect {
                Effect::Ack(done) => done.acknowledge(),
                Effect::Reject { play, .. } => self.rejected.push(play),
                Effect::Announce { update, plays, .. } => {
                    self.sessions.extend(update.slots.into_iter().next().unwrap().sessions);
                    self.unconfirmed.push(plays);
                }
            }
        }
        let ledger = self.engine.ledger();
        assert_eq!(ledger.received(), ledger.settled() + ledger.held() + ledger.dropped_in_all());
        self
    }

    fn acked(&self) -> Vec<u32> {
        self.acked.lock().unwrap().clone()
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.engine.ledger().dropped(reason)
    }
}

#[test]
fn plays_of_two_processes_meet_and_are_called_as_their_cities_are() {
    let mut second = Second::new(rules());
    second.deliver(located(&[("ana", "song", "198.18.2.1", 1200)], 1700), 1700);
    second.deliver(located(&[("bo", "song", LIMA, 1300)], 1800), 1800);
    second.time(3000);
    let places = &second.sessions[0].places;
    assert_eq!(places.iter().map(|place| place.geoname_id).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((&*places[0].city_names["ja"], &*places[0].time_zone), ("サンパウロ", "America/Sao_Paulo"));
    assert_eq!(second.acked(), [0; 0], "not confirmed yet");
    second.confirm_all();
    assert_eq!((second.acked(), second.engine.ledger().settled()), (vec![1, 2], 2));
}

#[test]
fn a_message_is_acknowledged_when_all_its_plays_are_settled_or_dropped() {
    let mut second = Second::new(rules());
    let plays = [("ana", "song", BERLIN, 1200), ("bo", "song", LIMA, 1300), ("cy", "alone", BERLIN, 1200)];
    second.deliver(located(&plays, 1700), 1700).time(2800);
    assert_eq!((second.dropped(DropReason::SingleListener), second.acked()), (1, vec![]));
    second.time(3000).confirm_all();
    assert_eq!((second.engine.ledger().settled(), second.acked()), (2, vec![1]));
}

#[test]
fn a_user_of_two_processes_is_one_listener() {
    let mut second = Second::new(rules());
    second.deliver(located(&[("ana", "song", BERLIN, 1200)], 1700), 1700);
    second.deliver(located(&[("ana", "song", LIMA, 1300)], 1700), 1700);
    second.time(2800);
    assert_eq!((second.dropped(DropReason::SingleListener), second.acked()), (2, vec![1, 2]));
}

#[test]
fn a_message_that_is_none_of_ours_is_one_play_malformed() {
    let mut second = Second::new(rules());
    second.deliver(Bytes::from_static(b"\xff\xff"), 0);
    let play = message("ana", "song", BERLIN, at(0));
    assert!(located_plays::decode(play.clone().into()).is_err(), "nor is a play");
    second.deliver(play.into(), 0);
    assert_eq!((second.engine.ledger().held(), second.acked()), (2, vec![]));
    second.confirm_all();
    assert_eq!((second.dropped(DropReason::Malformed), second.acked()), (2, vec![1, 2]));
}

#[test]
fn lateness_is_judged_here() {
    let mut second = Second::new(rules());
    second.deliver(located(&[("ana", "song", BERLIN, 60_000)], 60_500), 60_500);
    second.deliver(located(&[("bo", "song", LIMA, 100)], 500), 60_600);
    assert_eq!((second.dropped(DropReason::Late), second.acked()), (1, vec![2]));
}

#[test]
fn a_message_makes_none_of_its_own_plays_late() {
    let mut second = Second::new(rules());
    second.deliver(located(&[("ana", "song", BERLIN, 60_000), ("bo", "song", LIMA, 100)], 60_500), 60_500);
    assert_eq!(second.dropped(DropReason::Late), 0);
}

#[test]
fn event_time_is_that_of_the_first_stage() {
    let mut second = Second::new(rules());
    // Received at 1700 by a process that holds it up, and dated 4 s ahead of it.
    second.deliver(located(&[("ana", "song", BERLIN, 5700)], 1700), 2600);
    assert_eq!(second.engine.watermark(), at(1700 - 500 - 1), "not of the clock here");
}

#[test]
fn a_city_that_is_not_known_here_is_unlocated() {
    use prost::Message as _;
    let mut wire = v1::LocatedPlays::decode(located(&[("ana", "song", BERLIN, 0)], 0)).unwrap();
    wire.plays[0].geoname_id = 99;
    let mut second = Second::new(rules());
    second.deliver(wire.encode_to_vec().into(), 0);
    assert_eq!((second.dropped(DropReason::Unlocated), second.acked()), (1, vec![1]));
}

#[test]
fn of_two_plays_at_once_that_at_the_smaller_place_counts_in_whatever_order() {
    // Osaka is city 4, known to 20 km; Potsdam is city 8, known to 10 km.
    let [osaka, potsdam] = [OSAKA, "198.18.5.1"].map(|place| ("ana", "song", place, 1200));
    let lima = ("bo", "song", LIMA, 1300);
    for order in [[osaka, potsdam, lima], [potsdam, lima, osaka]] {
        let mut second = Second::new(rules());
        for play in order {
            second.deliver(located(&[play], 1700), 1700);
        }
        second.time(3000);
        let places = second.sessions[0].places.iter().map(|place| place.geoname_id).collect::<Vec<_>>();
        assert_eq!(places, [3, 4], "the smaller id, not the smaller radius");
    }
}

#[test]
fn what_waits_is_handed_back_whole() {
    let mut second = Second::new(rules());
    let plays = [("ana", "song", BERLIN, 1200), ("bo", "song", LIMA, 1300), ("cy", "alone", BERLIN, 100)];
    second.deliver(located(&plays, 1700), 1700).time(2700);
    assert_eq!(second.dropped(DropReason::SingleListener), 1);
    second.engine.drain();
    assert_eq!((second.engine.ledger().held(), second.acked()), (2, vec![]));
}
