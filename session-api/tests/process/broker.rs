//! A broker with a sessions topic, and ways to publish to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use google_cloud_pubsub::client::{BasePublisher, Publisher};
use google_cloud_pubsub::model::Message;
use listening_together_proto::{Slot, Timestamp, v1};
use local_pubsub::{LocalPubSub, Running};
use prost::Message as _;
use service_runtime::pubsub::PubSub;
use session_api::clock::Clock;

use crate::fixtures::slot_from;

pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    _running: Running,
    sessions: Publisher,
    _client: BasePublisher,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        let running = LocalPubSub::new().bind("127.0.0.1:0").await.unwrap();
        let address = running.local_addr();
        let pubsub = PubSub::new("test", Some(&address.to_string()));
        let topic = pubsub.topic("sessions");
        let topics = pubsub.topic_admin().await.unwrap();
        topics.create_topic().set_name(&topic).send().await.unwrap();
        let client = pubsub.publisher().await.unwrap();
        let sessions = client.publisher(topic).build();
        Self { address, _running: running, sessions, _client: client }
    }

    /// Publishes these bytes.
    pub(crate) async fn publish(&self, data: Vec<u8>) {
        let published = self.sessions.publish(Message::new().set_data(data));
        self.sessions.flush().await;
        published.await.unwrap();
    }

    /// Announces these slots.
    pub(crate) async fn announce(&self, slots: &[Slot]) {
        let slots = slots.iter().map(v1::Slot::from).collect();
        self.publish(v1::SessionsUpdate { slots }.encode_to_vec()).await;
    }

    /// Announces a slot that starts now, and one that follows it.
    pub(crate) async fn announce_two(&self, number: u64) {
        let now = Clock::default().now();
        self.announce(&[slot_from(now + Duration::from_secs(5), number + 1), slot_from(now, number)]).await;
    }
}

/// A slot whose encoding is longer than `length`.
pub(crate) fn slot_at_length(starts_at: Timestamp, number: u64, length: usize) -> Slot {
    let mut slot = slot_from(starts_at, number);
    Arc::make_mut(&mut slot.sessions[0]).track.title = "x".repeat(length).into();
    slot
}
