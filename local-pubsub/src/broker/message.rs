//! A published message, shared by every subscription that still needs it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::time::UnixMillis;
use crate::pb::PubsubMessage;

/// What one message costs beyond its content: its own fields, its place in a queue, its lease.
const OVERHEAD_BYTES: u64 = 256;

/// The number of a message: the order of publishing, over all topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MessageId(pub(crate) u64);

/// A message with its id and publish time. Its payload is the slice of the request that brought it, never a
/// copy; one unacknowledged message therefore keeps the whole request that it came with.
#[derive(Debug)]
pub(crate) struct Message {
    id: MessageId,
    published: UnixMillis,
    content: PubsubMessage,
    retained: Arc<Gauge>,
}

impl Message {
    /// Stores what a client published: `content` without id and publish time, which are set here.
    pub(crate) fn store(
        mut content: PubsubMessage,
        id: MessageId,
        published: UnixMillis,
        retained: &Arc<Gauge>,
    ) -> Arc<Self> {
        content.message_id = id.0.to_string();
        content.publish_time = Some(timestamp(published));
        retained.add(cost(&content));
        Arc::new(Self { id, published, content, retained: Arc::clone(retained) })
    }

    pub(crate) fn id(&self) -> MessageId {
        self.id
    }

    pub(crate) fn published(&self) -> UnixMillis {
        self.published
    }

    pub(crate) fn ordering_key(&self) -> &str {
        &self.content.ordering_key
    }

    /// The message as the wire has it.
    pub(crate) fn content(&self) -> &PubsubMessage {
        &self.content
    }

    /// Bytes of content, which flow control counts.
    pub(crate) fn content_bytes(&self) -> u64 {
        content_bytes(&self.content)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.retained.subtract(cost(&self.content));
    }
}

/// Bytes of a message's data, attributes and ordering key.
pub(crate) fn content_bytes(content: &PubsubMessage) -> u64 {
    let attributes: usize = content.attributes.iter().map(|(key, value)| key.len() + value.len()).sum();
    (content.data.len() + attributes + content.ordering_key.len()) as u64
}

/// What a message counts towards the broker's limit.
pub(crate) fn cost(content: &PubsubMessage) -> u64 {
    content_bytes(content) + OVERHEAD_BYTES
}

fn timestamp(at: UnixMillis) -> prost_types::Timestamp {
    let millis = at.as_millis();
    prost_types::Timestamp {
        seconds: millis.div_euclid(1000),
        nanos: i32::try_from(millis.rem_euclid(1000) * 1_000_000).expect("a second has 10^9 nanoseconds"),
    }
}

/// Bytes of all messages that are alive, wherever they are held. Messages leave the broker's lock with a
/// batch that is being encoded, so the count is atomic.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn subtract(&self, bytes: u64) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}
