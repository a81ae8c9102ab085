//! The topics on Pub/Sub.

use bytes::Bytes;
use google_cloud_pubsub::client::{BasePublisher, Publisher};
use google_cloud_pubsub::model::Message;
use service_runtime::telemetry::{messaging, trace_context};
use tracing::Instrument as _;

use super::{Outbox, PublishError};
use crate::ledger::DropReason;

/// Publishes with Google's client. Clones share its connections.
#[derive(Clone, Debug)]
pub struct PubSubOutbox {
    sessions: Topic,
    dead_letters: Topic,
}

#[derive(Clone, Debug)]
struct Topic {
    name: String,
    publisher: Publisher,
}

impl PubSubOutbox {
    /// `sessions` and `dead_letters` are the full names of the topics.
    #[must_use]
    pub fn new(client: &BasePublisher, sessions: &str, dead_letters: &str) -> Self {
        // An update is news: it does not wait for a batch to fill.
        let at_once = client.publisher(sessions).set_message_count_threshold(1).build();
        let batched = client.publisher(dead_letters).build();
        Self {
            sessions: Topic { name: sessions.to_owned(), publisher: at_once },
            dead_letters: Topic { name: dead_letters.to_owned(), publisher: batched },
        }
    }
}

impl Topic {
    async fn publish(&self, message: Message) -> Result<(), PublishError> {
        let sent = self.publisher.publish(message).await;
        sent.map(drop).map_err(|source| PublishError { topic: self.name.clone(), source })
    }
}

impl Outbox for PubSubOutbox {
    async fn announce(&self, update: Bytes) -> Result<(), PublishError> {
        let span = messaging::send(&self.sessions.name, update.len());
        let traceparent = trace_context::traceparent_of(&span);
        let attributes = traceparent.map(|value| (trace_context::TRACEPARENT, value));
        let message = Message::new().set_data(update).set_attributes(attributes);
        self.sessions.publish(message).instrument(span).await
    }

    async fn reject(&self, data: Bytes, reason: DropReason) -> Result<(), PublishError> {
        let message = Message::new().set_data(data).set_attributes([("reason", reason.as_str())]);
        self.dead_letters.publish(message).await
    }
}
