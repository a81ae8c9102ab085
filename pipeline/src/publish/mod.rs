//! publish: what a stage makes to its topic (announcements to the sessions topic, or located plays for the second stage), and
//! messages that are no plays to the dead-letter topic.
//!
//! Both are tried until they are confirmed: only then are their plays acknowledged.

mod pubsub;
mod readback;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use service_runtime::backoff::{Backoff, Seldom};
use service_runtime::permission::PUBLISH;

use crate::ledger::DropReason;

pub use pubsub::PubSubOutbox;
pub use readback::{is_retained, read_slots};

/// The longest wait before a message is published again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// A message was not published. The text never holds what was in it.
#[derive(Debug, thiserror::Error)]
#[error("cannot publish to {topic}")]
pub struct PublishError {
    /// The full name of the topic.
    pub topic: String,
    /// What the client says.
    pub source: google_cloud_pubsub::error::PublishError,
}

/// Where a stage's messages go.
pub trait Outbox: Clone + Send + Sync + 'static {
    /// Publishes a message to the topic of what the stage makes; returns when it is confirmed.
    fn publish(&self, message: Bytes) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// Publishes a message as it came to the dead-letter topic, with its reason; returns when it is confirmed.
    fn reject(
        &self,
        data: Bytes,
        reason: DropReason,
    ) -> impl Future<Output = Result<(), PublishError>> + Send;
}

/// Tries until it works; `complaint` says how often a failure is told, of all messages of a kind together. Whoever gives
/// up drops the future.
pub async fn until_confirmed<F>(complaint: &Mutex<Seldom>, mut publish: impl FnMut() -> F)
where
    F: Future<Output = Result<(), PublishError>>,
{
    let mut backoff = Backoff::new(Duration::from_millis(100), LONGEST_BACKOFF);
    while let Err(error) = publish().await {
        if complaint.lock().unwrap_or_else(PoisonError::into_inner).is_due() {
            let reason = match &error.source {
                google_cloud_pubsub::error::PublishError::Rpc(refusal) => {
                    PUBLISH.explain(&error.topic, refusal)
                }
                other => other.to_string(),
            };
            tracing::warn!(topic = error.topic, reason, "cannot publish, trying again");
        }
        tokio::time::sleep(backoff.next_delay()).await;
    }
}
