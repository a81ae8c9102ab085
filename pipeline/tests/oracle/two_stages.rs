//! Any number of processes that locate, and one that curates, with messages between them that come in any order and more
//! than once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use emulator_tests::oracle::Ties;
use listening_together_proto::{Timestamp, v1};
use pipeline::batch::{Batch, BatchRules};
use pipeline::engine::{Effect, Engine};
use pipeline::intake::Answer;
use pipeline::ledger::{DropReason, Ledger};
use pipeline::locate::KnownBy;
use pipeline::locator::Locator;
use pipeline::receive::{Acknowledge, Share};
use pipeline::user::{UserHash, UserHashKey};
use proptest::prelude::*;

use crate::one_process::sessions_in_one_process;
use crate::world::{AnyPlay, SPREAD_MS, START_MS, atlas, deliveries, differences, fillers, rules};

/// How the plays get to the second stage.
#[derive(Clone, Debug)]
struct Way {
    /// The process that each play goes to.
    process: Vec<prop::sample::Index>,
    processes: usize,
    most_plays: usize,
    /// Where in the order of delivery each message is put.
    place: Vec<prop::sample::Index>,
    /// The messages that are published once more: their process was killed before it could acknowledge their plays.
    again: Vec<prop::sample::Index>,
}

fn way() -> impl Strategy<Value = Way> {
    let index = any::<prop::sample::Index>;
    let process = prop::collection::vec(index(), 200);
    let place = prop::collection::vec(index(), 400);
    let again = prop::collection::vec(index(), 0..5);
    (process, 1usize..5, 1usize..20, place, again).prop_map(
        |(process, processes, most_plays, place, again)| Way { process, processes, most_plays, place, again },
    )
}

/// Counts what is acknowledged.
struct Ack(Arc<AtomicU64>);

impl Acknowledge for Ack {
    fn acknowledge(self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn adds_up(ledger: &Ledger, acks: u64) -> bool {
    let done = ledger.settled() + ledger.dropped_in_all();
    ledger.received() == done + ledger.held() && acks == done
}

/// The first stage: the messages that it publishes, and how many plays it dropped for which reason.
struct First {
    processes: Vec<Locator<()>>,
    acks: Vec<u64>,
    most_plays: usize,
}

impl First {
    fn new(processes: usize, most_plays: usize) -> Self {
        let locator = || {
            let users = UserHash::keyed(&UserHashKey::parse(&"5a".repeat(32)).unwrap());
            let batches = BatchRules { most_plays, wait: Duration::from_millis(20) };
            Locator::new(rules(SPREAD_MS).intake(), users, atlas(KnownBy::Address), batches)
        };
        let locators = std::iter::repeat_with(locator).take(processes);
        Self { processes: locators.collect(), acks: vec![0; processes], most_plays }
    }

    /// Gives a play to a process; returns the messages that are full.
    fn deliver(&mut self, process: usize, play: &AnyPlay, clock: Timestamp) -> Vec<Bytes> {
        let mut answers = Vec::new();
        self.processes[process].receive_all([(play.bytes().into(), ())], clock, &mut answers);
        for answer in answers {
            match answer {
                Answer::Ack(_) => self.acks[process] += 1,
                Answer::Reject { .. } => panic!("every message is a play"),
            }
        }
        let due = std::iter::from_fn(|| self.processes[process].take_due(clock)).collect::<Vec<_>>();
        self.publish(process, due)
    }

    fn flush(&mut self) -> Vec<Bytes> {
        let mut messages = Vec::new();
        for process in 0..self.processes.len() {
            let rest = std::iter::from_fn(|| self.processes[process].take_any()).collect::<Vec<_>>();
            messages.extend(self.publish(process, rest));
        }
        messages
    }

    fn publish(&mut self, process: usize, batches: Vec<Batch<()>>) -> Vec<Bytes> {
        let mut messages = Vec::new();
        for Batch { data, plays, .. } in batches {
            assert!((1..=self.most_plays).contains(&plays.len()));
            messages.push(data);
            self.acks[process] += self.processes[process].published(plays).count() as u64;
        }
        assert!(adds_up(self.processes[process].ledger(), self.acks[process]), "its books add up");
        messages
    }

    fn settled(&self) -> u64 {
        self.processes.iter().map(|locator| locator.ledger().settled()).sum()
    }
}

/// The second stage, and what it published.
struct Second {
    engine: Engine<Share<Ack>>,
    acks: u64,
    acked_messages: Arc<AtomicU64>,
    messages: u64,
    sessions: BTreeMap<String, v1::Session>,
}

impl Second {
    fn new(clock: Timestamp) -> Self {
        let engine = Engine::new(rules(SPREAD_MS), atlas(KnownBy::Record), Default::default(), clock);
        Self { engine, acks: 0, acked_messages: Arc::default(), messages: 0, sessions: BTreeMap::new() }
    }

    fn deliver(&mut self, message: Bytes, clock: Timestamp) {
        let mut effects = Vec::new();
        self.messages += 1;
        let ack = Ack(Arc::clone(&self.acked_messages));
        self.engine.receive_located([(message, ack)], clock, &mut effects);
        self.carry_out(effects);
    }

    fn advance(&mut self, clock: Timestamp) {
        let mut effects = Vec::new();
        self.engine.advance(clock, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect<Share<Ack>>>) {
        for effect in effects {
            match effect {
                Effect::Ack(done) => {
                    self.acks += 1;
                    done.acknowledge();
                }
                Effect::Reject { .. } => panic!("every message is one of located plays"),
                Effect::Announce { update, plays, .. } => {
                    let sessions = update.slots.into_iter().next().into_iter().flat_map(|slot| slot.sessions);
                    self.sessions.extend(sessions.map(|session| (session.session_id.clone(), session)));
                    let mut acks = Vec::new();
                    self.engine.published(plays, &mut acks);
                    self.carry_out(acks);
                }
            }
        }
        assert!(adds_up(self.engine.ledger(), self.acks), "its books add up");
    }
}

/// What two stages make of `plays`; their books add up on the way, and in the end nothing is held.
fn sessions_in_two_stages(plays: &[AnyPlay], way: &Way, clock: Timestamp) -> BTreeMap<String, v1::Session> {
    let mut first = First::new(way.processes, way.most_plays);
    let mut messages = Vec::new();
    for (play, process) in plays.iter().zip(&way.process) {
        messages.extend(first.deliver(process.index(way.processes), play, clock));
    }
    messages.extend(first.flush());
    let published: u64 = first.settled();
    if !messages.is_empty() {
        let again: Vec<_> = way.again.iter().map(|again| again.get(&messages).clone()).collect();
        messages.extend(again);
    }
    let mut delivered: Vec<Bytes> = Vec::new();
    for (message, place) in messages.into_iter().zip(&way.place) {
        delivered.insert(place.index(delivered.len() + 1), message);
    }

    let mut second = Second::new(clock);
    delivered.into_iter().for_each(|message| second.deliver(message, clock));
    assert!(second.engine.ledger().received() >= published, "all that one stage settled, the other received");
    let dropped_before: u64 =
        DropReason::ALL.map(|reason| second.engine.ledger().dropped(reason)).iter().sum();
    assert_eq!(dropped_before, 0, "nothing is late");
    finish(&mut first, &mut second, clock);
    assert_eq!(second.engine.ledger().held(), 0);
    assert_eq!(
        second.acked_messages.load(Ordering::Relaxed),
        second.messages,
        "every message is acknowledged"
    );
    second.sessions
}

/// Lets as much time pass as makes every pane and slot, while two go on listening.
fn finish(first: &mut First, second: &mut Second, clock: Timestamp) {
    let mut play = |second: &mut Second, played_at: Timestamp, now: Timestamp| {
        for filler in fillers(played_at) {
            first.deliver(0, &filler, now);
        }
        first.flush().into_iter().for_each(|message| second.deliver(message, now));
    };
    play(second, clock - Duration::from_millis(1), clock);
    for tenths in 0..150 {
        let now = clock + Duration::from_millis(100 * tenths);
        if tenths < 100 {
            play(second, now, now);
        }
        second.advance(now);
    }
}

proptest! {
    // Each case opens the databases of all its processes.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn sessions_are_those_of_brute_force(
        // Within a few milliseconds, too, many of a user's plays are of the same one.
        plays in prop_oneof![deliveries(SPREAD_MS), deliveries(20)],
        way in way(),
    ) {
        let clock = Timestamp::from_millis(START_MS + SPREAD_MS);
        let sessions = sessions_in_two_stages(&plays, &way, clock);
        let plays: Vec<_> = plays.iter().collect();
        prop_assert_eq!(differences(&sessions, &plays, clock, Ties::ByPlace), Vec::<String>::new());
    }

    /// But for plays of one user, track and millisecond in several places, the same sessions as in one process.
    #[test]
    fn sessions_are_those_of_one_process(plays in deliveries(SPREAD_MS), way in way()) {
        let clock = Timestamp::from_millis(START_MS + SPREAD_MS);
        let mut places = BTreeMap::new();
        let plays: Vec<_> = plays
            .into_iter()
            .filter(|play| {
                *places.entry((play.user, play.track, play.after_ms)).or_insert(play.address) == play.address
            })
            .collect();
        let two_stages = sessions_in_two_stages(&plays, &way, clock);
        let one_process = sessions_in_one_process(&plays, clock);
        let whatever_pane = |sessions: BTreeMap<String, v1::Session>| {
            let sessions = sessions.into_values().filter(|session| {
                session.track.as_ref().is_some_and(|track| track.track_id != "track 255")
            });
            sessions.map(|session| v1::Session { pane: 0, ..session }).collect::<Vec<_>>()
        };
        prop_assert_eq!(whatever_pane(two_stages), whatever_pane(one_process));
    }
}
