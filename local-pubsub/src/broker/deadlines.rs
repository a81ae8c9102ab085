//! When leases run out: an ordered map of ticks instead of a timer a message.
//!
//! Acknowledging or extending a lease leaves its entry here; the entry is judged when its tick comes. That
//! makes the common case (lease, then ack) one push into a vector. Stale entries are bounded: when they
//! outnumber the live leases the owner rebuilds the map from those.

use std::collections::BTreeMap;

use super::time::Monotonic;

/// Deadlines are kept to this many milliseconds, rounded up: far finer than the seconds that clients can ask
/// for.
const TICK_MILLIS: u64 = 50;

/// Below this many entries a rebuild is not worth it.
const REBUILD_FLOOR: usize = 4096;

/// A place on the wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Tick {
    /// The first tick at which `deadline` has passed.
    pub(crate) fn at(deadline: Monotonic) -> Self {
        Self(deadline.as_millis().div_ceil(TICK_MILLIS))
    }

    fn instant(self) -> Monotonic {
        Monotonic::from_millis(self.0.saturating_mul(TICK_MILLIS))
    }
}

/// A multimap from ticks to the ids that have to be looked at then.
#[derive(Debug)]
pub(crate) struct Deadlines<Id> {
    ticks: BTreeMap<Tick, Vec<Id>>,
    entries: usize,
}

impl<Id> Default for Deadlines<Id> {
    fn default() -> Self {
        Self { ticks: BTreeMap::new(), entries: 0 }
    }
}

impl<Id> Deadlines<Id> {
    pub(crate) fn schedule(&mut self, tick: Tick, id: Id) {
        self.ticks.entry(tick).or_default().push(id);
        self.entries += 1;
    }

    /// Takes the ids of one tick that has come, oldest tick first.
    pub(crate) fn pop_due(&mut self, now: Monotonic) -> Option<(Tick, Vec<Id>)> {
        let first = self.ticks.first_entry()?;
        if first.key().instant() > now {
            return None;
        }
        let (tick, ids) = first.remove_entry();
        self.entries -= ids.len();
        Some((tick, ids))
    }

    /// When to call [`pop_due`](Self::pop_due) next.
    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.ticks.first_key_value().map(|(tick, _)| tick.instant())
    }

    /// Whether more than half of the entries are stale, given the number of live leases.
    pub(crate) fn is_mostly_stale(&self, live: usize) -> bool {
        self.entries > REBUILD_FLOOR && self.entries / 2 > live
    }

    pub(crate) fn clear(&mut self) {
        self.ticks.clear();
        self.entries = 0;
    }
}
