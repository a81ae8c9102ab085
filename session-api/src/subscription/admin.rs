//! Creating, rewinding and deleting a subscription.
//!
//! Each call is tried once. Google's client would try again until its deadline and then tell of the deadline; the
//! supervisor tries everything again anyway, and can say what is really wrong.

use std::time::{Duration, SystemTime};

use google_cloud_gax::error::rpc::Code;
use google_cloud_gax::options::RequestOptionsBuilder as _;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_pubsub::client::SubscriptionAdmin;
use google_cloud_pubsub::model::ExpirationPolicy;
use service_runtime::pubsub::PubSub;
use tokio::time::timeout;

use super::SubscribeError;

/// The longest that one call may take; Google's client sets no limit of its own on connecting.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that deleting may take: it happens at shutdown, within the grace period of a pod.
const DELETE_TIMEOUT: Duration = Duration::from_secs(2);

/// How far back a new subscription begins: longer than the recent slots at the usual length need, and an update repeats
/// those anyway.
const REWIND: Duration = Duration::from_secs(60);

/// Seconds that messages wait for their acknowledgement. They get it at once; the least that Pub/Sub allows.
const ACK_DEADLINE_S: i32 = 10;
/// Messages older than this are of no use to a replica; the least that Pub/Sub allows.
const RETENTION_S: i64 = 600;
/// Pub/Sub removes a subscription that a killed replica left behind after this; the least that it allows.
const EXPIRATION_S: i64 = 86_400;

/// Creates `subscription` on `topic`, both full names.
pub(super) async fn create(
    admin: &SubscriptionAdmin,
    subscription: &str,
    topic: &str,
) -> Result<(), SubscribeError> {
    let seconds = |seconds| google_cloud_wkt::Duration::clamp(seconds, 0);
    let call = admin
        .create_subscription()
        .set_name(subscription)
        .set_topic(topic)
        .set_ack_deadline_seconds(ACK_DEADLINE_S)
        .set_message_retention_duration(seconds(RETENTION_S))
        .set_expiration_policy(ExpirationPolicy::new().set_ttl(seconds(EXPIRATION_S)))
        .with_retry_policy(NeverRetry)
        .send();
    within(CALL_TIMEOUT, call).await.map(drop)
}

/// Moves a new subscription back in time when its topic keeps messages, so that the first update is there at once.
///
/// Best effort: a replica that cannot do this is complete after the next update.
pub(super) async fn rewind(pubsub: &PubSub, admin: &SubscriptionAdmin, subscription: &str, topic: &str) {
    if let Err(error) = try_rewind(pubsub, admin, subscription, topic).await {
        tracing::info!(%error, "cannot look back in the sessions topic, waiting for the next update");
    }
}

async fn try_rewind(
    pubsub: &PubSub,
    admin: &SubscriptionAdmin,
    subscription: &str,
    topic: &str,
) -> Result<(), SubscribeError> {
    let topics = pubsub.topic_admin().await?;
    let call = topics.get_topic().set_topic(topic).with_retry_policy(NeverRetry).send();
    let topic = within(CALL_TIMEOUT, call).await?;
    if topic.message_retention_duration.is_none() {
        return Ok(());
    }
    let Ok(past) = google_cloud_wkt::Timestamp::try_from(SystemTime::now() - REWIND) else { return Ok(()) };
    let call =
        admin.seek().set_subscription(subscription).set_time(past).with_retry_policy(NeverRetry).send();
    within(CALL_TIMEOUT, call).await.map(drop)
}

/// Deletes `subscription`; one that does not exist is as good as deleted.
pub(super) async fn delete(admin: &SubscriptionAdmin, subscription: &str) -> Result<(), SubscribeError> {
    let call =
        admin.delete_subscription().set_subscription(subscription).with_retry_policy(NeverRetry).send();
    match within(DELETE_TIMEOUT, call).await {
        Err(SubscribeError::Call(error)) if code(&error) == Some(Code::NotFound) => Ok(()),
        outcome => outcome,
    }
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = google_cloud_pubsub::Result<T>>,
) -> Result<T, SubscribeError> {
    Ok(timeout(limit, call).await.map_err(|_| SubscribeError::Timeout(limit))??)
}

fn code(error: &google_cloud_pubsub::Error) -> Option<Code> {
    error.status().map(|status| status.code)
}
