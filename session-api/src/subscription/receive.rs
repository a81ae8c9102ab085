//! From a message to an [`Update`].

use std::time::Duration;

use google_cloud_pubsub::model::Message;
use listening_together_proto::Timestamp;
use service_runtime::backoff::Seldom;
use service_runtime::telemetry::messaging::{self, Origin};
use service_runtime::telemetry::trace_context;

use super::admit::{Admitted, admit};
use crate::presenter::{Received, Update};
use crate::telemetry::Telemetry;

/// Decodes messages, counts them, and complains about bad ones once a minute without a word of what they hold.
#[derive(Debug)]
pub(super) struct Receiver {
    topic: String,
    telemetry: Telemetry,
    complaints: Seldom,
}

impl Receiver {
    /// Of the topic with this id or full name.
    pub(super) fn new(topic: &str, telemetry: Telemetry) -> Self {
        Self { topic: topic.to_owned(), telemetry, complaints: Seldom::new(Duration::from_secs(60)) }
    }

    /// The update in `message`, which is history when it was published before `since`; `None` when it holds none.
    pub(super) fn receive(&mut self, message: &Message, since: Timestamp) -> Option<Update> {
        let publisher = trace_context::publisher_of(&message.attributes);
        let span = messaging::process(
            Origin::Topic(&self.topic),
            &message.message_id,
            message.data.len(),
            publisher,
        );
        let _entered = span.enter();
        self.telemetry.update_received();
        match admit(&message.data) {
            Ok(Admitted { slots, refused }) => {
                self.telemetry.slots_received(Received { refused, ..Received::default() });
                let published_at = message.publish_time.map(instant);
                let is_history = published_at.is_some_and(|published_at| published_at < since);
                Some(Update { slots, published_at, is_history, trace: messaging::context_of(&span) })
            }
            Err(error) => {
                self.telemetry.update_rejected();
                if self.complaints.is_due() {
                    tracing::warn!(%error, "rejected a message of the sessions topic");
                }
                None
            }
        }
    }
}

fn instant(time: google_cloud_wkt::Timestamp) -> Timestamp {
    Timestamp::from_millis(time.seconds() * 1000 + i64::from(time.nanos()) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use service_runtime::telemetry::Metrics;

    use super::*;
    use crate::fixtures::update;

    #[test]
    fn updates_are_decoded_and_everything_else_is_counted() {
        let metrics = Metrics::new("session-api").unwrap();
        let mut receiver = Receiver::new("sessions", Telemetry::new(&metrics.meter()));
        let published = google_cloud_wkt::Timestamp::new(100, 5_999_999).unwrap();
        let good = Message::new().set_data(update([21, 20])).set_publish_time(published);
        let received = receiver.receive(&good, Timestamp::from_millis(100_005)).unwrap();
        assert_eq!(received.slots.iter().map(|slot| slot.number).collect::<Vec<_>>(), [21, 20]);
        assert_eq!(received.published_at, Some(Timestamp::from_millis(100_005)));
        assert!(!received.is_history);
        assert!(receiver.receive(&good, Timestamp::from_millis(100_006)).unwrap().is_history);
        for data in [&b"\xff\xff"[..], b"{}", &update([20])[..40]] {
            assert!(receiver.receive(&Message::new().set_data(data.to_vec()), Timestamp::MIN).is_none());
        }
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(text.contains("session_api_updates_received_total 5\n"), "{text}");
        assert!(text.contains("session_api_updates_rejected_total 3\n"), "{text}");
    }
}
