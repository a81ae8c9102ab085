//! The topics on Pub/Sub.

use bytes::Bytes;
use google_cloud_pubsub::client::{BasePublisher, Publisher};
use google_cloud_pubsub::model::Message;
use service_runtime::telemetry::{messaging, trace_context};
use tracing::{Instrument as _, Span};

use super::{Outbox, PublishError};
use crate::ledger::DropReason;

/// Publishes with Google's client. Clones share its connections.
#[derive(Clone, Debug)]
pub struct PubSubOutbox {
    topic: Topic,
    dead_letters: Topic,
}

#[derive(Clone, Debug)]
struct Topic {
    name: String,
    publisher: Publisher,
}

impl PubSubOutbox {
    /// The full names of the topic of what the stage makes, and of the one of messages that are no plays.
    #[must_use]
    pub fn new(client: &BasePublisher, topic: &str, dead_letters: &str) -> Self {
        // An update is news, and located plays have waited for others already: neither waits for a batch to fill.
        let at_once = client.publisher(topic).set_message_count_threshold(1).build();
        let batched = client.publisher(dead_letters).build();
        Self {
            topic: Topic { name: topic.to_owned(), publisher: at_once },
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
    /// Traced as a part of the span that it is called in; not at all outside of one, or every message of located plays would
    /// begin a trace.
    async fn publish(&self, message: Bytes) -> Result<(), PublishError> {
        let is_traced = !Span::current().is_none();
        let span = if is_traced { messaging::send(&self.topic.name, message.len()) } else { Span::none() };
        let traceparent = trace_context::traceparent_of(&span);
        let attributes = traceparent.map(|value| (trace_context::TRACEPARENT, value));
        let message = Message::new().set_data(message).set_attributes(attributes);
        self.topic.publish(message).instrument(span).await
    }

    async fn reject(&self, data: Bytes, reason: DropReason) -> Result<(), PublishError> {
        let message = Message::new().set_data(data).set_attributes([("reason", reason.as_str())]);
        self.dead_letters.publish(message).await
    }
}
