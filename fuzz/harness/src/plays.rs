//! Messages of the plays topic through decode, sample, locate, window, match, curate and the ledger.
//!
//! What must hold, whatever comes:
//! - nothing panics, also at the borders of time and when the clock is set back;
//! - `decode` takes exactly what prost and the rules of a play take, with the same fields;
//! - the books add up after every step, each delivery is acked once at most, and as many handles exist as are held;
//! - event time never goes back, and there is never something to do that was not done;
//! - an update can be read by a replica and holds its news, whose sessions follow the rules and name no more listeners
//!   than have played the track in the window;
//! - in the end, when all is confirmed and time has passed, nothing is held.

mod books;
mod databases;
mod decoding;
mod input;
mod settings;
mod update;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use listening_together_proto::session::decode_update;
use listening_together_proto::{Slot, Timestamp};
use pipeline::engine::{Effect, Engine, Rules};
use pipeline::ledger::{DropReason, Held, Ledger};
use pipeline::locate::Atlas;
use pipeline::window::Pending;

use crate::clock;
use books::{Ack, Books};
use databases::{Edition, TestDatabases};
use input::Input;
use update::Played;

pub use databases::ADDRESSES;
pub use input::{PlayFields, Step, write};

/// Within so long after the last play, all of them are settled or dropped: longer than a programme can be full of slots
/// that others have announced.
const REST: Duration = Duration::from_secs(1200);

/// Runs stories; holds what they have in common.
#[derive(Debug)]
pub struct Plays {
    databases: TestDatabases,
}

/// What a story came to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The account of its plays.
    pub ledger: Ledger,
    /// How many slots were announced.
    pub announced: usize,
    /// How many of their sessions were of a late pane.
    pub late_panes: usize,
}

/// Databases for the stories cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make databases to locate plays in: {0}")]
pub struct NoDatabases(#[from] databases::DatabasesError);

impl Plays {
    /// Writes small databases to a temporary directory.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn new() -> Result<Self, NoDatabases> {
        Ok(Self { databases: TestDatabases::write()? })
    }

    /// Runs the story that `data` tells.
    ///
    /// # Panics
    /// When something does not hold that must.
    #[must_use]
    pub fn run(&self, data: &[u8]) -> Outcome {
        let mut input = Input::new(data);
        let rules = settings::rules(input.settings());
        let announced = decode_update(input.message()).unwrap_or_default();
        let mut run = Run::new(&self.databases, rules, announced);
        while let Some(step) = input.step() {
            run.take(&step);
            run.books.check(run.engine.ledger());
        }
        run.come_to_rest();
        run.outcome()
    }
}

/// What waits to be confirmed as published.
enum Unconfirmed {
    Announcement(Vec<Vec<Pending<Ack>>>),
    Rejection(Held<Ack>, DropReason),
}

struct Run<'a> {
    databases: &'a TestDatabases,
    edition: Edition,
    rules: Rules,
    engine: Engine<Ack>,
    effects: Vec<Effect<Ack>>,
    books: Books,
    played: Played,
    messages: Vec<Bytes>,
    unconfirmed: VecDeque<Unconfirmed>,
    now: Timestamp,
    latest: Timestamp,
    announced: usize,
    late_panes: usize,
}

impl<'a> Run<'a> {
    fn new(databases: &'a TestDatabases, rules: Rules, announced: Vec<Slot>) -> Self {
        let edition = Edition::First;
        let atlas = Atlas::new(databases.open(edition));
        let now = clock::START;
        let mut engine = Engine::new(rules, atlas, Default::default(), now);
        engine.go_on_after(announced, now);
        Self {
            databases,
            edition,
            rules,
            engine,
            effects: Vec::new(),
            books: Books::default(),
            played: Played::new(rules.window.length),
            messages: Vec::new(),
            unconfirmed: VecDeque::new(),
            now,
            latest: now,
            announced: 0,
            late_panes: 0,
        }
    }

    fn take(&mut self, step: &Step<'_>) {
        match step {
            Step::Message(data) => self.receive(Bytes::copy_from_slice(data)),
            Step::Play(fields) => self.receive(fields.message(self.now)),
            Step::Again(which) => {
                let count = self.messages.len();
                if let Some(index) = usize::from(*which).checked_rem(count) {
                    self.receive(self.messages[count - 1 - index].clone());
                }
            }
            Step::Tick(tens_of_ms) => self.advance(clock::moved(self.now, i64::from(*tens_of_ms) * 10)),
            Step::Clock(millis) => self.advance(clock::moved(self.now, (*millis).into())),
            Step::Confirm(which) => {
                if let Some(index) = usize::from(*which).checked_rem(self.unconfirmed.len()) {
                    self.confirm(index);
                }
            }
            Step::NewDatabases => {
                if self.engine.can_replace_databases() {
                    self.edition = self.edition.other();
                    self.engine.replace_databases(self.databases.open(self.edition));
                }
            }
        }
    }

    fn receive(&mut self, data: Bytes) {
        let play = decoding::check(&data, self.now, self.rules.max_future_skew);
        if let Some(play) = play {
            self.played.add(play);
        }
        self.messages.push(data.clone());
        self.engine.receive(data, self.books.deliver(), self.now, &mut self.effects);
        self.carry_out();
    }

    fn advance(&mut self, now: Timestamp) {
        let watermark = self.engine.watermark();
        self.now = now;
        self.latest = self.latest.max(now);
        self.engine.advance(now, &mut self.effects);
        // A clock that was too fast at the start for what it shows now: what it held for old may be new.
        let is_set_right = now < clock::START - self.rules.curate.max_session_age;
        assert!(self.engine.watermark() >= watermark || is_set_right, "event time went back");
        assert!(self.engine.watermark() < self.latest, "event time is ahead of the clock");
        assert!(self.engine.next_deadline(now) > now, "something is still to be done");
        self.carry_out();
    }

    fn confirm(&mut self, index: usize) {
        match self.unconfirmed.remove(index) {
            Some(Unconfirmed::Announcement(plays)) => self.engine.published(plays, &mut self.effects),
            Some(Unconfirmed::Rejection(play, reason)) => {
                self.engine.rejected(play, reason, &mut self.effects);
            }
            None => {}
        }
        self.carry_out();
    }

    fn carry_out(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Ack(done) => self.books.acked(done.ack),
                Effect::Reject { data, reason, play } => {
                    assert_eq!(Some(&data), self.messages.last(), "another message is rejected");
                    self.unconfirmed.push_back(Unconfirmed::Rejection(play, reason));
                }
                Effect::Announce { slot, update, plays } => {
                    update::check(&slot, &update, &self.rules, &self.played);
                    assert!(!plays.is_empty(), "a slot without a play");
                    self.announced += 1;
                    self.late_panes += slot.sessions.iter().filter(|session| session.pane > 0).count();
                    self.unconfirmed.push_back(Unconfirmed::Announcement(plays));
                }
            }
        }
    }

    /// Confirms everything, and lets time pass until nothing is held.
    fn come_to_rest(&mut self) {
        self.advance(self.latest);
        let end = self.latest + REST;
        loop {
            while !self.unconfirmed.is_empty() {
                self.confirm(0);
            }
            self.books.check(self.engine.ledger());
            if self.engine.ledger().held() == 0 {
                return;
            }
            let next = self.engine.next_deadline(self.now);
            assert!(next <= end, "{} plays are held for ever", self.engine.ledger().held());
            self.advance(next);
        }
    }

    fn outcome(&self) -> Outcome {
        Outcome { ledger: *self.engine.ledger(), announced: self.announced, late_panes: self.late_panes }
    }
}
