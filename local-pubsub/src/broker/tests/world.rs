//! A broker with one topic and one subscription, and a clock that the story moves.

use std::time::Duration;

use super::super::*;
use crate::pb::PubsubMessage;

/// The moment at which every story begins.
const START: i64 = 1_700_000_000_000;

pub(super) struct World {
    pub(super) broker: Broker,
    pub(super) now: Now,
    pub(super) topic: TopicName,
    pub(super) subscription: SubscriptionName,
}

/// A delivery, as a subscriber sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) ack_id: AckId,
    pub(super) data: String,
    pub(super) key: String,
    pub(super) attempt: i32,
}

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Defaults as the API gives them, for a subscription that never expires.
pub(super) fn plain() -> SubscriptionConfig {
    SubscriptionConfig {
        labels: BTreeMap::new(),
        ack_deadline: seconds(10),
        retention: seconds(7 * 86_400),
        retain_acked: false,
        ordering: false,
        expires_after: None,
        dead_letter: None,
        retry: None,
    }
}

pub(super) fn topic_name(id: &str) -> TopicName {
    TopicName::parse(&format!("projects/tests/topics/{id}")).expect("a valid id")
}

pub(super) fn subscription_name(id: &str) -> SubscriptionName {
    SubscriptionName::parse(&format!("projects/tests/subscriptions/{id}")).expect("a valid id")
}

pub(super) fn message(data: &str, key: &str) -> PubsubMessage {
    PubsubMessage { data: data.to_owned().into(), ordering_key: key.into(), ..Default::default() }
}

impl World {
    pub(super) fn new(config: SubscriptionConfig) -> Self {
        Self::with_topic(TopicConfig::default(), config, Limits::default())
    }

    pub(super) fn with_topic(topic_config: TopicConfig, config: SubscriptionConfig, limits: Limits) -> Self {
        let now = Now { monotonic: Monotonic::default(), wall: UnixMillis::from_millis(START) };
        let (topic, subscription) = (topic_name("plays"), subscription_name("plays"));
        let mut broker = Broker::new(limits);
        for id in ["plays", "dead"] {
            let config = if id == "plays" { topic_config.clone() } else { TopicConfig::default() };
            broker.create_topic(&topic_name(id), config).expect("a new topic");
        }
        broker.create_subscription(&subscription, &topic, config, now).expect("a new subscription");
        Self { broker, now, topic, subscription }
    }

    pub(super) fn publish(&mut self, data: &[&str]) -> Vec<String> {
        let messages = data.iter().map(|data| message(data, "")).collect();
        self.broker.publish(&self.topic, messages, self.now).expect("room")
    }

    pub(super) fn publish_keyed(&mut self, key: &str, data: &[&str]) {
        let messages = data.iter().map(|data| message(data, key)).collect();
        self.broker.publish(&self.topic, messages, self.now).expect("room");
    }

    pub(super) fn open(&mut self, options: StreamOptions) -> StreamHandle {
        self.broker.open_stream(&self.subscription, options, self.now).expect("the subscription")
    }

    pub(super) fn stream(&mut self) -> StreamHandle {
        self.open(StreamOptions::default())
    }

    /// Everything that a stream is given until it is told that there is no more.
    pub(super) fn receive(&mut self, stream: &StreamHandle) -> Vec<Got> {
        let mut all = Vec::new();
        loop {
            let batch = self.broker.next_batch(stream, self.now).expect("the subscription");
            if batch.is_empty() {
                return all;
            }
            all.extend(batch.into_received().into_iter().map(got));
        }
    }

    pub(super) fn receive_data(&mut self, stream: &StreamHandle) -> Vec<String> {
        self.receive(stream).into_iter().map(|got| got.data).collect()
    }

    pub(super) fn ack<'a>(&mut self, deliveries: impl IntoIterator<Item = &'a Got>) {
        let ids: Vec<AckId> = deliveries.into_iter().map(|got| got.ack_id).collect();
        self.broker.acknowledge(&self.subscription, &ids, self.now).expect("own ids");
    }

    pub(super) fn nack<'a>(&mut self, deliveries: impl IntoIterator<Item = &'a Got>) {
        self.set_deadline(deliveries, Duration::ZERO);
    }

    pub(super) fn set_deadline<'a>(&mut self, deliveries: impl IntoIterator<Item = &'a Got>, span: Duration) {
        let changes: Vec<_> = deliveries.into_iter().map(|got| (got.ack_id, span)).collect();
        self.broker.modify_deadlines(&self.subscription, &changes, self.now).expect("own ids");
    }

    /// Lets time pass, and the broker act whenever it is due.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now.monotonic.after(span);
        while let Some(due) = self.broker.next_due().filter(|due| *due <= end) {
            self.move_to(due.max(self.now.monotonic));
            self.broker.advance(self.now);
        }
        self.move_to(end);
    }

    fn move_to(&mut self, at: Monotonic) {
        let passed = at.as_millis() - self.now.monotonic.as_millis();
        let wall = self.now.wall.as_millis() + i64::try_from(passed).expect("a short story");
        self.now = Now { monotonic: at, wall: UnixMillis::from_millis(wall) };
    }

    pub(super) fn seek(&mut self, from: UnixMillis) {
        self.broker.seek(&self.subscription.clone(), from, self.now).expect("the subscription");
    }

    /// The messages of another topic's fresh subscription, which it creates.
    pub(super) fn subscribe_to(&mut self, id: &str) -> StreamHandle {
        let name = subscription_name(id);
        self.broker
            .create_subscription(&name, &topic_name(id), plain(), self.now)
            .expect("a new subscription");
        self.broker.open_stream(&name, StreamOptions::default(), self.now).expect("the subscription")
    }
}

pub(super) fn got(received: ReceivedMessage) -> Got {
    let message = received.message.expect("every delivery has a message");
    Got {
        ack_id: AckId::parse(&received.ack_id).expect("an ack id of the broker"),
        data: String::from_utf8(message.data.to_vec()).expect("text"),
        key: message.ordering_key,
        attempt: received.delivery_attempt,
    }
}
