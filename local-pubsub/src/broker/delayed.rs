//! Failed messages that wait for the end of their back-off.

use std::{collections::BTreeMap, sync::Arc};

use super::{message::Message, ordered::Key, time::Monotonic};

/// What becomes deliverable again.
#[derive(Debug)]
pub(crate) enum Delayed {
    /// A message without an order, and how often it has failed.
    Message(Arc<Message>, u32),
    /// Everything of an ordering key.
    Key(Key),
}

/// Back-offs in the order in which they end.
#[derive(Debug, Default)]
pub(crate) struct Backoffs {
    by_end: BTreeMap<(Monotonic, u64), Delayed>,
    added: u64,
}

impl Backoffs {
    pub(crate) fn add(&mut self, end: Monotonic, what: Delayed) {
        self.added += 1;
        self.by_end.insert((end, self.added), what);
    }

    /// Takes one whose end has come.
    pub(crate) fn pop_due(&mut self, now: Monotonic) -> Option<Delayed> {
        let first = self.by_end.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When to call [`pop_due`](Self::pop_due) next.
    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.by_end.first_key_value().map(|((end, _), _)| *end)
    }

    /// Ends all back-offs and hands over the messages among them.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Arc<Message>, u32)> + '_ {
        std::mem::take(&mut self.by_end).into_values().filter_map(|delayed| match delayed {
            Delayed::Message(message, failures) => Some((message, failures)),
            Delayed::Key(_) => None,
        })
    }
}
