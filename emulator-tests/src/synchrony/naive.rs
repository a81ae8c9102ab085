//! Servers that show the newest slot that they have received, as soon as they have: what one gets without slots that are
//! announced before they begin.
//!
//! They receive the very messages that replicas do, each over a subscription of its own with the same faults. They are
//! not as naive as they could be: a message that comes late does not bring an older slot back. They live in this process
//! and are never killed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::subscriber::MessageStream;
use listening_together_proto::{Timestamp, v1};
use prost::Message as _;
use tokio::task::JoinHandle;

use super::verdict::Leads;
use crate::topology::{SESSIONS, Topology};

/// What the names of their subscriptions begin with.
pub const SUBSCRIPTION: &str = "naive-";

/// How long a message stays with a server that does not acknowledge it; each does at once.
const LEASE: Duration = Duration::from_secs(10);

/// Naive servers at work; they end when this is dropped.
#[derive(Debug)]
pub struct NaiveServers {
    /// The number of the newest slot that each has received; 0 before the first.
    newest: Vec<Arc<AtomicU64>>,
    announced: Arc<Mutex<Announced>>,
    receiving: Vec<JoinHandle<()>>,
}

/// When slots were announced: by the start of the slot, when the first message was published that holds it. Milliseconds
/// since the epoch.
#[derive(Clone, Debug, Default)]
pub struct Announced(BTreeMap<i64, i64>);

impl NaiveServers {
    /// Subscribes `count` servers.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn start(topology: &Topology, count: u32) -> anyhow::Result<Self> {
        let mut servers = Self { newest: Vec::new(), announced: Arc::default(), receiving: Vec::new() };
        for index in 0..count {
            let name = format!("{SUBSCRIPTION}{index}");
            topology.subscribe(SESSIONS, &name).await?;
            let subscriber = topology.pubsub.subscriber().await?;
            let subscription = topology.pubsub.subscription(&name);
            let stream = subscriber.subscribe(subscription).set_max_lease_extension(LEASE).build();
            let newest = Arc::new(AtomicU64::default());
            servers.newest.push(newest.clone());
            servers.receiving.push(tokio::spawn(receive(stream, newest, servers.announced.clone())));
        }
        Ok(servers)
    }

    /// The slot that each shows now; `None` before the first.
    #[must_use]
    pub fn shown(&self) -> Vec<Option<u64>> {
        let shown = self.newest.iter().map(|newest| newest.load(Ordering::Relaxed));
        shown.map(|number| (number > 0).then_some(number)).collect()
    }

    /// When slots were announced, as far as any of them knows.
    #[must_use]
    pub fn announced(&self) -> Announced {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for NaiveServers {
    fn drop(&mut self) {
        self.receiving.iter().for_each(JoinHandle::abort);
    }
}

async fn receive(mut stream: MessageStream, newest: Arc<AtomicU64>, announced: Arc<Mutex<Announced>>) {
    while let Some(Ok((message, ack))) = stream.next().await {
        ack.ack();
        let Ok(update) = v1::SessionsUpdate::decode(&message.data[..]) else { continue };
        if let Some(slot) = update.slots.first() {
            newest.fetch_max(slot.number, Ordering::Relaxed);
        }
        announced.lock().unwrap_or_else(PoisonError::into_inner).note(&message, &update);
    }
}

impl Announced {
    fn note(&mut self, message: &Message, update: &v1::SessionsUpdate) {
        let Some(published) = message.publish_time else { return };
        let published_ms = published.seconds() * 1000 + i64::from(published.nanos()) / 1_000_000;
        let starts = update.slots.iter().filter_map(|slot| slot.starts_at);
        for start in starts.filter_map(|start| Timestamp::try_from(&start).ok()) {
            let starts_ms = start.as_millis();
            let first = self.0.entry(starts_ms).or_insert(published_ms);
            *first = published_ms.min(*first);
        }
    }

    /// How long before its start each slot of a time was announced, in milliseconds, shortest first.
    #[must_use]
    pub fn leads_ms(&self, starts_ms: std::ops::Range<i64>) -> Vec<i64> {
        let mut leads: Vec<_> =
            self.0.range(starts_ms).map(|(starts_ms, published_ms)| starts_ms - published_ms).collect();
        leads.sort_unstable();
        leads
    }
}

impl Leads for Announced {
    fn lead_ms(&self, starts_ms: i64) -> Option<i64> {
        self.0.get(&starts_ms).map(|published_ms| starts_ms - published_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(published_ms: i64) -> Message {
        let nanos = i32::try_from(published_ms % 1000 * 1_000_000).unwrap();
        let time = google_cloud_wkt::Timestamp::new(published_ms / 1000, nanos).unwrap();
        Message::new().set_publish_time(time)
    }

    fn update(starts_s: &[i64]) -> v1::SessionsUpdate {
        let slot = |seconds: &i64| v1::Slot {
            starts_at: Some(prost_types::Timestamp { seconds: *seconds, nanos: 0 }),
            ..v1::Slot::default()
        };
        v1::SessionsUpdate { slots: starts_s.iter().map(slot).collect() }
    }

    #[test]
    fn a_slot_is_announced_by_the_first_message_that_holds_it() {
        let mut announced = Announced::default();
        announced.note(&message(7_010), &update(&[9, 8]));
        announced.note(&message(6_005), &update(&[8]));
        announced.note(&message(8_700), &update(&[10, 9, 8]));
        assert_eq!(
            [8, 9, 10, 11].map(|second| announced.lead_ms(second * 1000)),
            [Some(1995), Some(1990), Some(1300), None]
        );
        assert_eq!(announced.leads_ms(0..10_000), [1990, 1995]);
    }
}
