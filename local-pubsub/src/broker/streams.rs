//! The subscribers of one subscription: their flow control, and who is to be woken when there is something to
//! deliver.
//!
//! A stream is *running* from the moment it is woken until it asks for messages and gets none; then it is
//! *idle* when it could take more, or *full* when its flow control forbids. It is *paused* while its client
//! does not read: running streams are counted on to take what waits, so one that cannot must not be among
//! them. Only idle streams are woken, longest idle first, so that work goes round. What keeps a wake-up from
//! getting lost: whenever messages arrive, capacity comes back, or a stream parks or closes, the subscription
//! wakes as many idle streams as the work is worth.

use std::{collections::BTreeMap, time::Duration};

use hashbrown::HashMap;

/// The number of one StreamingPull call, or of one waiting Pull, over all subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u64);

/// What a subscriber asked for when it opened its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// How long it may hold a message without word; `None` takes the subscription's own ack deadline.
    pub ack_deadline: Option<Duration>,
    /// Messages it may hold at once.
    pub max_outstanding_messages: u64,
    /// Bytes it may hold at once; the message that passes the limit is still delivered.
    pub max_outstanding_bytes: u64,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { ack_deadline: None, max_outstanding_messages: u64::MAX, max_outstanding_bytes: u64::MAX }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    Running,
    Idle { since: u64 },
    Full,
    Paused,
}

#[derive(Debug)]
struct Stream {
    options: StreamOptions,
    outstanding_messages: u64,
    outstanding_bytes: u64,
    activity: Activity,
}

impl Stream {
    fn room(&self) -> Room {
        if self.outstanding_bytes >= self.options.max_outstanding_bytes {
            return Room::default();
        }
        Room {
            messages: self.options.max_outstanding_messages.saturating_sub(self.outstanding_messages),
            bytes: self.options.max_outstanding_bytes.saturating_sub(self.outstanding_bytes),
        }
    }
}

/// What flow control lets a stream still take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Room {
    pub(crate) fn is_empty(self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

/// The open streams of a subscription.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: HashMap<StreamId, Stream>,
    idle: BTreeMap<u64, StreamId>,
    running: usize,
    parkings: u64,
    woken: Vec<StreamId>,
    roomier: Vec<StreamId>,
}

impl Streams {
    /// Opens a stream; it counts as running, since its owner asks for messages at once.
    pub(crate) fn open(&mut self, id: StreamId, options: StreamOptions) {
        let stream =
            Stream { options, outstanding_messages: 0, outstanding_bytes: 0, activity: Activity::Running };
        self.open.insert(id, stream);
        self.running += 1;
    }

    pub(crate) fn close(&mut self, id: StreamId) {
        match self.open.remove(&id).map(|stream| stream.activity) {
            Some(Activity::Running) => self.running -= 1,
            Some(Activity::Idle { since }) => drop(self.idle.remove(&since)),
            Some(Activity::Full | Activity::Paused) | None => {}
        }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.open.keys().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Streams that were woken and have not parked since.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    pub(crate) fn options(&self, id: StreamId) -> Option<StreamOptions> {
        self.open.get(&id).map(|stream| stream.options)
    }

    pub(crate) fn set_ack_deadline(&mut self, id: StreamId, deadline: Duration) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.options.ack_deadline = Some(deadline);
        }
    }

    pub(crate) fn room(&self, id: StreamId) -> Room {
        self.open.get(&id).map(Stream::room).unwrap_or_default()
    }

    /// Counts a message that the stream has been given.
    pub(crate) fn charge(&mut self, id: StreamId, bytes: u64) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.outstanding_messages += 1;
            stream.outstanding_bytes += bytes;
        }
    }

    /// Counts a message that the stream holds no longer. Nothing for a stream that has closed.
    pub(crate) fn release(&mut self, id: StreamId, bytes: u64) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        stream.outstanding_messages -= 1;
        stream.outstanding_bytes -= bytes;
        if stream.activity == Activity::Full && !stream.room().is_empty() {
            self.idle(id);
            self.roomier.push(id);
        }
    }

    /// Notes that a stream asked for messages and got none.
    pub(crate) fn park(&mut self, id: StreamId) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        if stream.activity != Activity::Running {
            return;
        }
        self.running -= 1;
        if stream.room().is_empty() {
            stream.activity = Activity::Full;
        } else {
            self.idle(id);
        }
    }

    /// Notes that a stream cannot take messages until it asks for them again.
    pub(crate) fn pause(&mut self, id: StreamId) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        match std::mem::replace(&mut stream.activity, Activity::Paused) {
            Activity::Running => self.running -= 1,
            Activity::Idle { since } => drop(self.idle.remove(&since)),
            Activity::Full | Activity::Paused => {}
        }
    }

    /// Notes that a stream asked for messages, woken or not.
    pub(crate) fn run(&mut self, id: StreamId) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        match stream.activity {
            Activity::Running => return,
            Activity::Idle { since } => drop(self.idle.remove(&since)),
            Activity::Full | Activity::Paused => {}
        }
        stream.activity = Activity::Running;
        self.running += 1;
    }

    /// Wakes one stream if it is idle.
    pub(crate) fn wake(&mut self, id: StreamId) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        if let Activity::Idle { since } = stream.activity {
            self.idle.remove(&since);
            stream.activity = Activity::Running;
            self.running += 1;
            self.woken.push(id);
        }
    }

    /// Wakes up to `count` idle streams, those that have been idle longest first.
    pub(crate) fn wake_idle(&mut self, count: usize) {
        for _ in 0..count {
            let Some((_, id)) = self.idle.first_key_value() else { return };
            self.wake(*id);
        }
    }

    /// Takes the streams that were full and are not since the last call.
    pub(crate) fn take_roomier(&mut self) -> Vec<StreamId> {
        std::mem::take(&mut self.roomier)
    }

    /// Takes the streams that were woken since the last call.
    pub(crate) fn take_woken(&mut self, into: &mut Vec<StreamId>) {
        into.append(&mut self.woken);
    }

    fn idle(&mut self, id: StreamId) {
        self.parkings += 1;
        if let Some(stream) = self.open.get_mut(&id) {
            stream.activity = Activity::Idle { since: self.parkings };
            self.idle.insert(self.parkings, id);
        }
    }
}
