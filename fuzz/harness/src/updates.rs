//! Messages of the sessions topic through all of a replica but its network: decode, programme, presenter, render.
//!
//! What must hold, whatever comes:
//! - nothing panics, at whatever instant;
//! - an update that is taken is the same after it was written and read again;
//! - no more slots are held than a programme may hold;
//! - a replica that got each update's slots backwards and twice holds the same, and one that has just started and got
//!   one update of the pipeline's kind shows the same;
//! - a body is JSON of the contract's shape;
//! - what is shown, when all that was wanted is rendered, is what the programme says at that instant.

mod body;
mod input;
mod replica;

use listening_together_proto::programme::{MAX_AHEAD, MAX_SLOTS};
use listening_together_proto::session::decode_update;
use listening_together_proto::{Language, Programme, Slot, Timestamp, v1};
use prost::Message as _;
use session_api::render::latest;

use crate::clock;
use input::Input;
use replica::Replica;

pub use input::{Announced, Step, write};

/// An update stays below this.
const MAX_UPDATE_BYTES: usize = 9_000_000;

/// What a story came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Messages that were updates.
    pub updates: usize,
    /// Messages that were none.
    pub rejected: usize,
    /// Slots that were taken in, were known, and were refused.
    pub slots: [u64; 3],
    /// How often one has looked.
    pub looks: usize,
    /// How often all that was wanted was shown.
    pub shown: usize,
}

/// Runs the story that `data` tells.
///
/// # Panics
/// When something does not hold that must.
#[must_use]
pub fn run(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let mut run = Run::new();
    while let Some(step) = input.step() {
        run.take(&step);
        run.look();
    }
    run.outcome
}

struct Run {
    now: Timestamp,
    replica: Replica,
    /// What the replica holds.
    programme: Programme,
    /// What a replica holds that gets the slots of each update backwards and twice.
    other: Programme,
    outcome: Outcome,
}

impl Run {
    fn new() -> Self {
        Self {
            now: clock::START,
            replica: Replica::default(),
            programme: Programme::default(),
            other: Programme::default(),
            outcome: Outcome::default(),
        }
    }

    fn take(&mut self, step: &Step<'_>) {
        match step {
            Step::Message(data) => self.receive(data),
            Step::Announced(announced) => self.receive(&announced.message(self.now)),
            Step::Clock(millis) => self.now = clock::moved(self.now, (*millis).into()),
            Step::Begin => self.replica.begin(self.now),
            Step::Finish => self.replica.finish(),
        }
    }

    fn receive(&mut self, data: &[u8]) {
        let Ok(slots) = decode_update(data) else {
            self.outcome.rejected += 1;
            return;
        };
        self.outcome.updates += 1;
        assert_eq!(decode_update(&encode(&slots)).as_ref(), Ok(&slots), "written and read again");
        let backwards = slots.iter().rev();
        insert(&mut self.programme, slots.iter(), self.now);
        insert(&mut self.other, backwards.clone().chain(backwards), self.now);
        assert!(self.programme.newest_first().eq(self.other.newest_first()), "backwards and twice");
        let received = self.replica.receive(slots, self.now);
        let received = [received.changed, received.unchanged, received.refused];
        self.outcome.slots.iter_mut().zip(received).for_each(|(sum, count)| *sum += count);
        self.check_newcomer();
    }

    /// A replica that gets its first update now shows the same.
    fn check_newcomer(&self) {
        let Some(newest) = self.programme.newest_first().next() else { return };
        if newest.starts_at > self.now + MAX_AHEAD {
            // The clock was set back so far that it refuses slots which were taken in before.
            return;
        }
        let update = self.programme.update_at(self.now, MAX_UPDATE_BYTES).encode_to_vec();
        let slots = decode_update(&update).expect("a programme's update can be read");
        let mut newcomer = Programme::default();
        insert(&mut newcomer, slots.iter(), self.now);
        let [known, new] = [&self.programme, &newcomer].map(|one| latest(one, self.now, Language::ALL[0]));
        assert!(known == new, "a replica that has just started shows something else");
    }

    /// Looks at what there is to be shown, in the next language each time, and at what the replica shows.
    fn look(&mut self) {
        let language = Language::ALL[self.outcome.looks % Language::ALL.len()];
        self.outcome.looks += 1;
        self.replica.present(self.now);
        // After the clock was set back, what was shown before stays: hence only where the programme shows something.
        let Some(expected) = latest(&self.programme, self.now, language) else { return };
        body::check(&expected);
        if self.replica.is_up_to_date(self.now) {
            self.outcome.shown += 1;
            let shown = self.replica.body(language);
            assert!(shown == Some(&expected), "what is shown is not what the programme says at this instant");
        }
    }
}

fn insert<'a>(programme: &mut Programme, slots: impl Iterator<Item = &'a Slot>, now: Timestamp) {
    for slot in slots {
        programme.insert(slot.clone(), now);
        assert!(programme.newest_first().count() <= MAX_SLOTS, "too many slots are held");
    }
}

fn encode(slots: &[Slot]) -> Vec<u8> {
    v1::SessionsUpdate { slots: slots.iter().map(Into::into).collect() }.encode_to_vec()
}
