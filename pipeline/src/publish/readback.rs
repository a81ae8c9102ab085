//! Reads the programme back from the sessions topic, so that a pipeline that starts goes on where the one before it
//! ended: repeats, diversity and slot numbers.
//!
//! It needs a topic with retention: a short-lived subscription seeks back a minute, and one update in that minute tells
//! all. Without retention, or without the right to subscribe, the programme starts empty.

use std::time::{Duration, SystemTime};

use google_cloud_pubsub::client::SubscriptionAdmin;
use google_cloud_pubsub::model::ExpirationPolicy;
use listening_together_proto::{Programme, Timestamp, session};
use service_runtime::pubsub::PubSub;

/// How far the subscription seeks back.
const SEEK_BACK: Duration = Duration::from_secs(60);
/// How long the first update is waited for.
const FIRST_UPDATE: Duration = Duration::from_secs(2);
/// The updates of a minute come at once; after so long without one they have all come.
const QUIET: Duration = Duration::from_millis(500);
/// The longest that reading takes: slots have to be announced again.
const LONGEST: Duration = Duration::from_secs(6);
/// How long one administrative call may take.
const CALL: Duration = Duration::from_secs(5);
/// Pub/Sub removes what a crash left behind after a day, the shortest time that it allows.
const EXPIRATION: Duration = Duration::from_secs(86_400);

/// Why the programme could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadbackError {
    /// A client could not be made.
    #[error("cannot make a client")]
    Client(#[from] service_runtime::pubsub::ClientError),
    /// A call failed.
    #[error("cannot {action}")]
    Call {
        /// What was tried.
        action: &'static str,
        /// What the client says.
        source: google_cloud_pubsub::Error,
    },
    /// A call did not return in time.
    #[error("cannot {0} within {CALL:?}")]
    Timeout(&'static str),
}

/// The programme of the last minute of `topic` (its full name), as of `now`; `unique` names the subscription.
///
/// # Errors
/// When the topic cannot be asked or subscribed to.
pub async fn read_programme(
    pubsub: &PubSub,
    topic: &str,
    unique: &str,
    now: Timestamp,
) -> Result<Programme, ReadbackError> {
    let topics = pubsub.topic_admin().await?;
    let found = call("look the topic up", topics.get_topic().set_topic(topic).send()).await?;
    if found.message_retention_duration.is_none() {
        tracing::info!(topic, "the sessions topic retains nothing, the programme starts empty");
        return Ok(Programme::default());
    }
    let admin = pubsub.subscription_admin().await?;
    let name = pubsub.subscription(&format!("pipeline-readback-{unique}"));
    let lifetime = ExpirationPolicy::new().set_ttl(wkt_duration(EXPIRATION));
    let create = admin.create_subscription().set_name(&name).set_topic(topic).set_expiration_policy(lifetime);
    call("subscribe", create.send()).await?;
    let read = read_subscription(pubsub, &admin, &name, now).await;
    if let Err(error) = call("delete the subscription", delete(&admin, &name)).await {
        tracing::warn!(%error, "left a subscription behind, it expires by itself");
    }
    read
}

async fn read_subscription(
    pubsub: &PubSub,
    admin: &SubscriptionAdmin,
    name: &str,
    now: Timestamp,
) -> Result<Programme, ReadbackError> {
    let from = google_cloud_wkt::Timestamp::try_from(SystemTime::now() - SEEK_BACK).unwrap_or_default();
    call("seek", admin.seek().set_subscription(name).set_time(from).send()).await?;
    let subscriber = pubsub.subscriber().await?;
    let mut stream = subscriber.subscribe(name).set_max_lease_extension(Duration::from_secs(10)).build();
    let token = stream.shutdown_token();
    let mut programme = Programme::default();
    let reading = async {
        let mut patience = FIRST_UPDATE;
        while let Ok(Some(next)) = tokio::time::timeout(patience, stream.next()).await {
            let (message, ack) = next.map_err(|source| ReadbackError::Call { action: "read", source })?;
            ack.ack();
            patience = QUIET;
            match session::decode_update(&message.data) {
                Ok(slots) => {
                    for slot in slots {
                        programme.insert(slot, now);
                    }
                }
                Err(error) => tracing::warn!(%error, "passing over a message that is no update"),
            }
        }
        Ok(())
    };
    let outcome = tokio::time::timeout(LONGEST, reading).await.unwrap_or(Ok(()));
    drop(stream);
    // Google's emulator goes on feeding a stream that was dropped without being closed.
    let _ = tokio::time::timeout(CALL, token.shutdown()).await;
    outcome.map(|()| programme)
}

async fn delete(admin: &SubscriptionAdmin, name: &str) -> google_cloud_pubsub::Result<()> {
    admin.delete_subscription().set_subscription(name).send().await
}

async fn call<T>(
    action: &'static str,
    sent: impl Future<Output = google_cloud_pubsub::Result<T>>,
) -> Result<T, ReadbackError> {
    match tokio::time::timeout(CALL, sent).await {
        Ok(outcome) => outcome.map_err(|source| ReadbackError::Call { action, source }),
        Err(_) => Err(ReadbackError::Timeout(action)),
    }
}

fn wkt_duration(duration: Duration) -> google_cloud_wkt::Duration {
    google_cloud_wkt::Duration::clamp(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), 0)
}
