//! Reads the programme back from the sessions topic, so that a pipeline that starts goes on where the one before it
//! ended: repeats, diversity and slot numbers.
//!
//! It needs a topic with retention: a short-lived subscription seeks back a minute, and one update in that minute tells
//! all. Without retention, or without the right to subscribe, the programme starts empty.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use listening_together_proto::{Slot, session};
use service_runtime::own_subscription::{OwnSubscription, OwnSubscriptionError};
use service_runtime::pubsub::PubSub;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// How far the subscription seeks back.
const SEEK_BACK: Duration = Duration::from_secs(60);
/// How long the first update is waited for.
const FIRST_UPDATE: Duration = Duration::from_secs(2);
/// The updates of a minute come at once; after so long without one they have all come.
const QUIET: Duration = Duration::from_millis(500);
/// The longest that all of it takes: slots have to be announced again.
const LONGEST: Duration = Duration::from_secs(6);
/// How long the stream may take to end.
const CLOSE: Duration = Duration::from_secs(1);
/// The shortest lease that Pub/Sub allows; the messages are acknowledged at once.
const LEASE: Duration = Duration::from_secs(10);

/// Why the programme was not read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadBackError {
    /// The topic cannot be subscribed to.
    #[error("the sessions topic cannot be subscribed to")]
    Subscription(#[from] OwnSubscriptionError),
    /// Pub/Sub did not answer in time.
    #[error("Pub/Sub took more than {} s to subscribe to the sessions topic", LONGEST.as_secs())]
    TooLong,
}

/// Sends to `found` the slots that were announced on `topic` (its full name) lately, those of the last minute's updates, in
/// no order and with repeats: none when the topic retains nothing. Nothing is sent when told to stop. Then takes away what
/// was made for it.
///
/// # Errors
/// When the topic cannot be subscribed to, or that takes too long.
pub async fn read_slots(
    pubsub: &PubSub,
    topic: &str,
    found: oneshot::Sender<Vec<Slot>>,
    stop: &CancellationToken,
) -> Result<(), ReadBackError> {
    let own = own_subscription(pubsub).await?;
    let deadline = Instant::now() + LONGEST;
    let read = async {
        own.create(topic).await?;
        if own.rewind(topic, SEEK_BACK).await? {
            read_subscription(pubsub, own.name(), deadline).await
        } else {
            tracing::info!(topic, "the sessions topic retains nothing, the programme starts empty");
            Ok(Vec::new())
        }
    };
    let read = stop.run_until_cancelled(timeout_at(deadline + CLOSE, read)).await;
    let read = match read {
        Some(Ok(read)) => read.map(Some).map_err(ReadBackError::from),
        Some(Err(_)) => Err(ReadBackError::TooLong),
        None => Ok(None),
    };
    // Whoever waits is told before cleaning up; of nothing found, by dropping `found`.
    let outcome = read.map(|slots| {
        if let Some(slots) = slots {
            tracing::info!(slots = slots.len(), "read the programme back from the sessions topic");
            let _ = found.send(slots);
        }
    });
    // It may exist even where creating it failed: the answer may have been lost.
    if let Err(error) = own.delete().await {
        tracing::warn!(subscription = own.name(), %error, "cannot delete a subscription, which expires in a day");
    }
    outcome
}

/// Whether [`read_slots`] could find what was announced on `topic` (its full name): whether that retains messages.
///
/// # Errors
/// When it cannot be subscribed to.
pub async fn is_retained(pubsub: &PubSub, topic: &str) -> Result<bool, OwnSubscriptionError> {
    let own = own_subscription(pubsub).await?;
    let made = own.create(topic).await;
    let retained = match made {
        Ok(()) => own.rewind(topic, SEEK_BACK).await,
        Err(error) => Err(error),
    };
    // It may exist although the answer was an error; what cannot be deleted expires in a day.
    let _left_behind = own.delete().await;
    retained
}

async fn own_subscription(pubsub: &PubSub) -> Result<OwnSubscription, OwnSubscriptionError> {
    let unique = RandomState::new().hash_one(std::process::id());
    OwnSubscription::new(pubsub, &format!("pipeline-readback-{unique:016x}")).await
}

async fn read_subscription(
    pubsub: &PubSub,
    name: &str,
    deadline: Instant,
) -> Result<Vec<Slot>, OwnSubscriptionError> {
    let subscriber = pubsub.subscriber().await?;
    let mut stream = subscriber.subscribe(name).set_max_lease_extension(LEASE).build();
    let token = stream.shutdown_token();
    let mut slots = Vec::new();
    let reading = async {
        let mut patience = FIRST_UPDATE;
        while let Ok(Some(next)) = timeout(patience, stream.next()).await {
            let (message, ack) = next?;
            ack.ack();
            patience = QUIET;
            match session::decode_update(&message.data) {
                Ok(announced) => slots.extend(announced),
                Err(error) => tracing::warn!(%error, "passing over a message that is no update"),
            }
        }
        Ok(())
    };
    let outcome = timeout_at(deadline, reading).await.unwrap_or(Ok(()));
    drop(stream);
    // Google's emulator goes on feeding a stream that was dropped without being closed.
    let _ = timeout(CLOSE, token.shutdown()).await;
    outcome.map(|()| slots)
}
