//! Messages with an ordering key, in a subscription that has message ordering.
//!
//! A key is a queue in the order of publishing: first what has been delivered (leased, or acknowledged behind
//! something that is not), then what waits. While any message of a key is leased, the key belongs to the
//! stream that holds it, and only that stream is given more of it. When a delivery fails, that message *and
//! every later one of its key* is delivered again, those that were acknowledged meanwhile included: Google's
//! documented rule, and the only one under which a subscriber that nacks still sees the key in order.

use std::{collections::VecDeque, sync::Arc};

use hashbrown::HashMap;

use super::{
    leases::DeliveryId,
    message::{Message, MessageId},
    streams::StreamId,
};

/// An ordering key.
pub(crate) type Key = Arc<str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Leased(DeliveryId),
    Acked,
}

#[derive(Debug)]
struct Entry {
    message: Arc<Message>,
    failures: u32,
    state: State,
}

/// Where a key is listed as having something to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    Nowhere,
    Shared,
    With(StreamId),
}

#[derive(Debug)]
struct KeyQueue {
    entries: VecDeque<Entry>,
    /// Entries before this one have been delivered, from it on they wait.
    next: usize,
    leased: usize,
    owner: Option<StreamId>,
    listed: Listed,
    /// Backing off after a failed delivery: not to be delivered until released.
    held: bool,
}

impl KeyQueue {
    fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            next: 0,
            leased: 0,
            owner: None,
            listed: Listed::Nowhere,
            held: false,
        }
    }

    fn has_work(&self) -> bool {
        !self.held && self.next < self.entries.len()
    }

    fn position(&self, id: MessageId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.message.id()).ok()
    }

    fn drop_settled_front(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.state == State::Acked) {
            self.entries.pop_front();
            self.next -= 1;
        }
    }
}

/// A message taken from a key, for which a lease must be noted by [`OrderedKeys::note_lease`].
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) message: Arc<Message>,
    pub(crate) failures: u32,
}

/// The keys of a subscription that have unsettled messages.
#[derive(Debug, Default)]
pub(crate) struct OrderedKeys {
    keys: HashMap<Key, KeyQueue>,
    /// Keys with work that no stream owns.
    shared: VecDeque<Key>,
    /// Keys with work, by the open stream that owns them.
    owned: HashMap<StreamId, VecDeque<Key>>,
    /// Streams whose keys got work since the last [`take_called`](Self::take_called).
    called: Vec<StreamId>,
}

impl OrderedKeys {
    pub(crate) fn enqueue(&mut self, message: Arc<Message>, failures: u32) {
        let key = match self.keys.get_key_value(message.ordering_key()) {
            Some((key, _)) => Arc::clone(key),
            None => Key::from(message.ordering_key()),
        };
        let queue = self.keys.entry(Arc::clone(&key)).or_insert_with(KeyQueue::new);
        queue.entries.push_back(Entry { message, failures, state: State::Waiting });
        self.list(&key);
    }

    /// Keys with work that any stream may take.
    pub(crate) fn shared_keys(&self) -> usize {
        self.shared.len()
    }

    /// Whether keys that `stream` owns may have work.
    pub(crate) fn has_own_work(&self, stream: StreamId) -> bool {
        self.owned.get(&stream).is_some_and(|keys| !keys.is_empty())
    }

    /// The next key that `stream` may take from, its own first. The caller takes messages until
    /// [`take`](Self::take) has none or it wants no more, then calls [`put_back`](Self::put_back).
    pub(crate) fn next_key(&mut self, stream: StreamId) -> Option<Key> {
        loop {
            let own = self.owned.get_mut(&stream).and_then(VecDeque::pop_front);
            let (key, listed) = match own {
                Some(key) => (key, Listed::With(stream)),
                None => (self.shared.pop_front()?, Listed::Shared),
            };
            // An entry is stale when its key has been listed elsewhere, or settled, since.
            if let Some(queue) = self.keys.get_mut(&key)
                && queue.listed == listed
            {
                queue.listed = Listed::Nowhere;
                if queue.has_work() {
                    return Some(key);
                }
            }
        }
    }

    /// Takes the next waiting message of `key` if `wanted` accepts it.
    pub(crate) fn take(&mut self, key: &Key, wanted: impl FnOnce(&Message) -> bool) -> Option<Taken> {
        let queue = self.keys.get(key).filter(|queue| queue.has_work())?;
        let entry = &queue.entries[queue.next];
        wanted(&entry.message)
            .then(|| Taken { message: Arc::clone(&entry.message), failures: entry.failures })
    }

    /// Notes that the message last taken from `key` is leased to `stream` as `delivery`.
    pub(crate) fn note_lease(&mut self, key: &Key, stream: StreamId, delivery: DeliveryId) {
        let Some(queue) = self.keys.get_mut(key) else { return };
        queue.entries[queue.next].state = State::Leased(delivery);
        queue.next += 1;
        queue.leased += 1;
        queue.owner = Some(stream);
        if queue.listed == Listed::Shared {
            queue.listed = Listed::Nowhere;
        }
    }

    /// Settles the waiting message at the head of `key` without delivering it.
    pub(crate) fn discard_next(&mut self, key: &Key) {
        let Some(queue) = self.keys.get_mut(key) else { return };
        queue.entries[queue.next].state = State::Acked;
        queue.next += 1;
        queue.drop_settled_front();
        self.settle(key);
    }

    /// Lists a key again if it still has work.
    pub(crate) fn put_back(&mut self, key: &Key) {
        self.list(key);
    }

    /// Settles a leased message for good.
    pub(crate) fn acknowledge(&mut self, message: &Message) {
        let Some((key, at)) = self.find(message) else { return };
        let Some(queue) = self.keys.get_mut(&key) else { return };
        queue.entries[at].state = State::Acked;
        queue.leased -= 1;
        queue.drop_settled_front();
        self.settle(&key);
    }

    /// Makes a leased message and all later ones of its key wait again. Returns the key and the other
    /// deliveries that this ends. With `hold`, nothing of the key is delivered until
    /// [`release`](Self::release).
    pub(crate) fn fail(&mut self, message: &Message, hold: bool) -> Option<(Key, Vec<DeliveryId>)> {
        let (key, at) = self.find(message)?;
        let queue = self.keys.get_mut(&key)?;
        let mut ended = Vec::new();
        queue.entries[at].failures += 1;
        for (offset, entry) in queue.entries.range_mut(at..queue.next).enumerate() {
            if let State::Leased(delivery) = entry.state {
                queue.leased -= 1;
                if offset > 0 {
                    ended.push(delivery);
                }
            }
            entry.state = State::Waiting;
        }
        queue.next = at;
        queue.held |= hold;
        self.settle(&key);
        Some((key, ended))
    }

    /// Ends the back-off of a key.
    pub(crate) fn release(&mut self, key: &Key) {
        if let Some(queue) = self.keys.get_mut(key) {
            queue.held = false;
            self.list(key);
        }
    }

    /// Gets ready for the keys of a stream.
    pub(crate) fn open_stream(&mut self, stream: StreamId) {
        self.owned.insert(stream, VecDeque::new());
    }

    /// Forgets a stream that has closed. Its keys stay its own until their leases end.
    pub(crate) fn close_stream(&mut self, stream: StreamId) {
        self.owned.remove(&stream);
    }

    /// Takes the streams whose own keys got work.
    pub(crate) fn take_called(&mut self) -> Vec<StreamId> {
        std::mem::take(&mut self.called)
    }

    /// Empties every key and hands over the messages that are not acknowledged.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Taken> + '_ {
        self.shared.clear();
        self.owned.values_mut().for_each(VecDeque::clear);
        self.keys
            .drain()
            .flat_map(|(_, queue)| queue.entries)
            .filter(|entry| entry.state != State::Acked)
            .map(|entry| Taken { message: entry.message, failures: entry.failures })
    }

    /// Drops waiting messages at the heads of keys for as long as `outlived` says so.
    pub(crate) fn discard_outlived(&mut self, outlived: impl Fn(&Message) -> bool) {
        let keys: Vec<Key> = self.keys.keys().cloned().collect();
        for key in keys {
            while self.take(&key, &outlived).is_some() {
                self.discard_next(&key);
            }
        }
    }

    fn find(&self, message: &Message) -> Option<(Key, usize)> {
        let (key, queue) = self.keys.get_key_value(message.ordering_key())?;
        Some((Arc::clone(key), queue.position(message.id())?))
    }

    /// After leases have ended: gives up ownership when none is left, and the key itself when nothing is.
    fn settle(&mut self, key: &Key) {
        let Some(queue) = self.keys.get_mut(key) else { return };
        if queue.entries.is_empty() {
            self.keys.remove(key);
            return;
        }
        if queue.leased == 0 && queue.owner.take().is_some() {
            queue.listed = Listed::Nowhere;
        }
        self.list(key);
    }

    fn list(&mut self, key: &Key) {
        let Some(queue) = self.keys.get_mut(key) else { return };
        if queue.listed != Listed::Nowhere || !queue.has_work() {
            return;
        }
        match queue.owner {
            None => {
                queue.listed = Listed::Shared;
                self.shared.push_back(Arc::clone(key));
            }
            // Not listed when its owner has closed: the end of its last lease lists it for all.
            Some(stream) => {
                let Some(keys) = self.owned.get_mut(&stream) else { return };
                queue.listed = Listed::With(stream);
                keys.push_back(Arc::clone(key));
                self.called.push(stream);
            }
        }
    }
}
