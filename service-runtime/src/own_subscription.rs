//! A subscription of one's own: created, moved back in time, deleted again.
//!
//! A replica of the API has one for as long as it streams, a pipeline one for the seconds in which it reads the programme
//! back. Each call is tried once. Google's client would try again until its deadline and then tell of the deadline;
//! whoever calls tries everything again anyway, and can say what is really wrong.

use std::time::{Duration, SystemTime};

use google_cloud_gax::error::rpc::Code;
use google_cloud_gax::options::RequestOptionsBuilder as _;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_pubsub::client::SubscriptionAdmin;
use google_cloud_pubsub::model::ExpirationPolicy;
use tokio::time::timeout;

use crate::permission;
use crate::pubsub::{ClientError, PubSub};

/// The longest that one call may take; Google's client sets no limit of its own on connecting.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that deleting may take: it happens at shutdown, within the grace period of a pod.
const DELETE_TIMEOUT: Duration = Duration::from_secs(2);

/// Seconds that messages wait for their acknowledgement, which they get at once; the least that Pub/Sub allows.
const ACK_DEADLINE_S: i32 = 10;
/// Messages older than this are of no use; the least that Pub/Sub allows.
const RETENTION_S: i64 = 600;
/// Pub/Sub removes a subscription that a killed process left behind after this; the least that it allows.
const EXPIRATION_S: i64 = 86_400;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum OwnSubscriptionError {
    /// No usable credentials, or an impossible endpoint.
    #[error("cannot make a Pub/Sub client: {0}")]
    Client(#[from] ClientError),
    /// Pub/Sub refused it, or cannot be reached.
    #[error("{}", crate::service::with_sources(.0))]
    Call(#[from] google_cloud_pubsub::Error),
    /// It cannot be created until somebody does what is said.
    #[error("{0}")]
    Setup(String),
    /// Pub/Sub did not answer.
    #[error("no answer for {} s", .0.as_secs())]
    Timeout(Duration),
}

/// The right to a subscription's name, whether it exists yet or not.
#[derive(Clone, Debug)]
pub struct OwnSubscription {
    pubsub: PubSub,
    admin: SubscriptionAdmin,
    name: String,
}

impl OwnSubscription {
    /// The subscription called `id`, which nobody else uses. Nothing is created yet.
    ///
    /// # Errors
    /// When no client can be made.
    pub async fn new(pubsub: &PubSub, id: &str) -> Result<Self, OwnSubscriptionError> {
        let admin = pubsub.subscription_admin().await?;
        Ok(Self { pubsub: pubsub.clone(), admin, name: pubsub.subscription(id) })
    }

    /// Its full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates it on `topic` (a full name).
    ///
    /// # Errors
    /// When Pub/Sub refuses or does not answer; it may exist all the same, the answer having been lost.
    pub async fn create(&self, topic: &str) -> Result<(), OwnSubscriptionError> {
        let seconds = |seconds| google_cloud_wkt::Duration::clamp(seconds, 0);
        let call = self
            .admin
            .create_subscription()
            .set_name(&self.name)
            .set_topic(topic)
            .set_ack_deadline_seconds(ACK_DEADLINE_S)
            .set_message_retention_duration(seconds(RETENTION_S))
            .set_expiration_policy(ExpirationPolicy::new().set_ttl(seconds(EXPIRATION_S)))
            .with_retry_policy(NeverRetry)
            .send();
        within(CALL_TIMEOUT, call).await.map(drop).map_err(|error| self.setup_error(error, topic))
    }

    /// What has to be done before it can be created, where that is clear from the error.
    fn setup_error(&self, error: OwnSubscriptionError, topic: &str) -> OwnSubscriptionError {
        let code = match &error {
            OwnSubscriptionError::Call(error) => error.status().map(|status| status.code),
            _ => None,
        };
        match code {
            Some(Code::NotFound) => OwnSubscriptionError::Setup(permission::missing(topic)),
            Some(Code::PermissionDenied) => {
                OwnSubscriptionError::Setup(permission::may_not_subscribe(&self.name, topic))
            }
            _ => error,
        }
    }

    /// Moves it back in time, if `topic` (a full name) retains messages; returns whether it does.
    ///
    /// # Errors
    /// When Pub/Sub refuses or does not answer.
    pub async fn rewind(&self, topic: &str, by: Duration) -> Result<bool, OwnSubscriptionError> {
        let topics = self.pubsub.topic_admin().await?;
        let call = topics.get_topic().set_topic(topic).with_retry_policy(NeverRetry).send();
        let topic = within(CALL_TIMEOUT, call).await?;
        if topic.message_retention_duration.is_none() {
            return Ok(false);
        }
        let past = SystemTime::now() - by;
        let Ok(past) = google_cloud_wkt::Timestamp::try_from(past) else { return Ok(false) };
        let seek = self.admin.seek().set_subscription(&self.name).set_time(past);
        within(CALL_TIMEOUT, seek.with_retry_policy(NeverRetry).send()).await?;
        Ok(true)
    }

    /// Makes it and deletes it, for only so is it known that this is allowed. What went wrong with deleting, which is not what
    /// went wrong with making, is given apart.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn try_out(&self, topic: &str) -> Result<Option<OwnSubscriptionError>, OwnSubscriptionError> {
        let made = self.create(topic).await;
        // It may exist although the answer was an error.
        let deleted = self.delete().await;
        made.map(|()| deleted.err())
    }

    /// Deletes it; one that does not exist is as good as deleted.
    ///
    /// # Errors
    /// When Pub/Sub refuses or does not answer. It then expires a day later.
    pub async fn delete(&self) -> Result<(), OwnSubscriptionError> {
        let call = self.admin.delete_subscription().set_subscription(&self.name);
        match within(DELETE_TIMEOUT, call.with_retry_policy(NeverRetry).send()).await {
            Err(OwnSubscriptionError::Call(error)) if is_not_found(&error) => Ok(()),
            outcome => outcome,
        }
    }
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = google_cloud_pubsub::Result<T>>,
) -> Result<T, OwnSubscriptionError> {
    Ok(timeout(limit, call).await.map_err(|_| OwnSubscriptionError::Timeout(limit))??)
}

fn is_not_found(error: &google_cloud_pubsub::Error) -> bool {
    error.status().is_some_and(|status| status.code == Code::NotFound)
}
