//! Collects the messages of a subscription while a test goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::subscriber::ShutdownToken;
use tokio::task::JoinHandle;

use crate::topology::Topology;

/// The messages that a subscription has delivered so far, in order of arrival; each is acknowledged.
#[derive(Debug)]
pub struct Collector {
    messages: Arc<Mutex<Vec<Message>>>,
    token: ShutdownToken,
    pulling: JoinHandle<()>,
}

impl Collector {
    /// Subscribes to `topic` under the name `subscription` and begins to collect.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn start(topology: &Topology, topic: &str, subscription: &str) -> anyhow::Result<Self> {
        topology.subscribe(topic, subscription).await?;
        Self::of(topology, subscription).await
    }

    /// Begins to collect what comes of a subscription that there is.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn of(topology: &Topology, subscription: &str) -> anyhow::Result<Self> {
        let subscriber = topology.pubsub.subscriber().await?;
        let mut stream = subscriber
            .subscribe(topology.pubsub.subscription(subscription))
            .set_max_lease_extension(Duration::from_secs(10))
            .build();
        let token = stream.shutdown_token();
        let messages = Arc::new(Mutex::new(Vec::new()));
        let collected = messages.clone();
        let pulling = tokio::spawn(async move {
            while let Some(Ok((message, ack))) = stream.next().await {
                ack.ack();
                collected.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            }
        });
        Ok(Self { messages, token, pulling })
    }

    /// What has come so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the messages are as `enough` wants them, and returns them.
    ///
    /// # Errors
    /// When that takes longer than `deadline`; the text says what was waited for.
    pub async fn until(
        &self,
        what: &str,
        deadline: Duration,
        enough: impl Fn(&[Message]) -> bool,
    ) -> anyhow::Result<Vec<Message>> {
        let start = Instant::now();
        loop {
            let messages = self.messages();
            if enough(&messages) {
                return Ok(messages);
            }
            let waited = start.elapsed() > deadline;
            anyhow::ensure!(!waited, "{what}: not within {deadline:?}, after {} messages", messages.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the stream in order.
    pub async fn stop(self) {
        self.token.shutdown().await;
        let _ = self.pulling.await;
    }
}

/// Waits until `condition` holds.
///
/// # Errors
/// When that takes longer than `deadline`; the text says what was waited for.
pub async fn until(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !condition().await {
        anyhow::ensure!(start.elapsed() <= deadline, "{what}: not within {deadline:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
