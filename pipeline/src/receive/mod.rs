//! receive: messages from a subscription, each with the handle that acknowledges it kept beside it.
//!
//! A delivery that is dropped unacknowledged is handed back to Pub/Sub, which delivers it again.

mod pubsub;
mod share;
mod traced;

use bytes::Bytes;
use opentelemetry::trace::SpanContext;

use crate::ledger::{Done, Fate};

pub use pubsub::{ReceiveSettings, Source};
pub use share::Share;
pub use traced::Traced;

/// One delivery of a message.
pub struct Delivery<A> {
    /// The message's data.
    pub data: Bytes,
    /// What acknowledges it.
    pub ack: A,
}

/// A handle that acknowledges one delivery, and hands it back when it is dropped instead.
pub trait Acknowledge: Send + 'static {
    /// The message need not be delivered again.
    fn acknowledge(self);

    /// What became of its play, for whoever traces it: to be told before it is acknowledged.
    fn tell(&self, _fate: Fate) {}

    /// The span that lasts as long as the delivery is held; `None` where it is not traced.
    fn trace(&self) -> Option<SpanContext> {
        None
    }
}

impl<A: Acknowledge> Done<A> {
    /// Acknowledges the play's delivery.
    pub fn acknowledge(self) {
        self.ack.tell(self.fate);
        self.ack.acknowledge();
    }
}

impl Acknowledge for google_cloud_pubsub::subscriber::handler::Handler {
    fn acknowledge(self) {
        self.ack();
    }
}
