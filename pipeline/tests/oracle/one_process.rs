//! Everything in one process.

use std::collections::BTreeMap;
use std::time::Duration;

use emulator_tests::oracle::Ties;
use listening_together_proto::{Timestamp, v1};
use pipeline::engine::{Effect, Engine};
use pipeline::ledger::DropReason;
use pipeline::locate::KnownBy;
use proptest::prelude::*;

use crate::world::{
    AnyPlay, LATENESS_MS, SPREAD_MS, START_MS, WINDOW_MS, atlas, deliveries, differences, fillers, rules,
};

/// The engine, told of deliveries at a clock that stands still, and what it published.
struct Run {
    engine: Engine<()>,
    acks: u64,
    /// Each session's newest pane.
    sessions: BTreeMap<String, v1::Session>,
}

impl Run {
    /// At the clock of the end of all plays.
    fn new(max_disorder_ms: i64, clock: Timestamp) -> Self {
        let atlas = atlas(KnownBy::Address);
        let engine = Engine::new(rules(max_disorder_ms), atlas, Default::default(), clock);
        Self { engine, acks: 0, sessions: BTreeMap::new() }
    }

    fn deliver(&mut self, play: &AnyPlay, clock: Timestamp) {
        let mut effects = Vec::new();
        self.engine.receive(play.bytes().into(), (), clock, &mut effects);
        self.carry_out(effects);
    }

    fn advance(&mut self, clock: Timestamp) {
        let mut effects = Vec::new();
        self.engine.advance(clock, &mut effects);
        self.carry_out(effects);
    }

    /// Lets as much time pass as makes every pane and slot. Two go on listening meanwhile, from before the next slot is
    /// decided: late panes are only shown beside one that is on time.
    fn finish(&mut self, clock: Timestamp) {
        for filler in fillers(clock - Duration::from_millis(1)) {
            self.deliver(&filler, clock);
        }
        for tenths in 0..150 {
            let now = clock + Duration::from_millis(100 * tenths);
            for filler in fillers(now).iter().filter(|_| tenths < 100) {
                self.deliver(filler, now);
            }
            self.advance(now);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect<()>>) {
        for effect in effects {
            match effect {
                Effect::Ack(_) => self.acks += 1,
                Effect::Reject { .. } => panic!("every message is a play"),
                Effect::Announce { update, plays, .. } => {
                    // Newest first: the first time that a session is met is its newest pane.
                    let sessions = update.slots.into_iter().next().into_iter().flat_map(|slot| slot.sessions);
                    self.sessions.extend(sessions.map(|session| (session.session_id.clone(), session)));
                    let mut acks = Vec::new();
                    self.engine.published(plays, &mut acks);
                    self.carry_out(acks);
                }
            }
        }
        let ledger = self.engine.ledger();
        let done = ledger.settled() + ledger.dropped_in_all();
        assert_eq!(
            (ledger.received(), self.acks),
            (done + ledger.held(), done),
            "the books add up at every step"
        );
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.engine.ledger().dropped(reason)
    }
}

/// What one process makes of plays that are in time.
pub(crate) fn sessions_in_one_process(plays: &[AnyPlay], clock: Timestamp) -> BTreeMap<String, v1::Session> {
    let mut run = Run::new(SPREAD_MS, clock);
    plays.iter().for_each(|play| run.deliver(play, clock));
    run.finish(clock);
    run.sessions
}

/// The deliveries that are in time by rule 4, told by a watermark of this test's own.
fn in_time<'a>(deliveries: &'a [AnyPlay], max_disorder_ms: i64, clock_ms: i64) -> Vec<&'a AnyPlay> {
    let mut watermark = i64::MIN;
    let is_in_time = |play: &&'a AnyPlay| {
        watermark = watermark.max(play.played_at_ms().min(clock_ms) - max_disorder_ms - 1);
        let window_end = (play.played_at_ms().div_euclid(WINDOW_MS) + 1) * WINDOW_MS;
        window_end - 1 + LATENESS_MS > watermark
    };
    deliveries.iter().filter(is_in_time).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn within_the_disorder_allowed_for_sessions_are_those_of_brute_force(plays in deliveries(SPREAD_MS)) {
        let clock = Timestamp::from_millis(START_MS + SPREAD_MS);
        let mut run = Run::new(SPREAD_MS, clock);
        plays.iter().for_each(|play| run.deliver(play, clock));
        run.finish(clock);
        prop_assert_eq!(differences(&run.sessions, &plays.iter().collect::<Vec<_>>(), clock, Ties::ByAddress), Vec::<String>::new());
        prop_assert_eq!((run.dropped(DropReason::Late), run.engine.ledger().held()), (0, 0));
    }

    /// A minute's plays in any order, half a second of disorder allowed for: what is not late is in the newest pane of its
    /// session, although most of it came after its window had fired.
    #[test]
    fn beyond_the_disorder_allowed_for_a_play_is_in_a_pane_or_late(plays in deliveries(60_000)) {
        let clock = Timestamp::from_millis(START_MS + 60_000);
        let mut run = Run::new(500, clock);
        for play in &plays {
            run.deliver(play, clock);
            run.advance(clock);
        }
        run.finish(clock);
        let in_time = in_time(&plays, 500, clock.as_millis());
        prop_assert_eq!(run.dropped(DropReason::Late), (plays.len() - in_time.len()) as u64);
        prop_assert_eq!(differences(&run.sessions, &in_time, clock, Ties::ByAddress), Vec::<String>::new());
        prop_assert_eq!(run.engine.ledger().held(), 0);
    }
}
