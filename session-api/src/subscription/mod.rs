//! A subscription of this replica's own, so that every replica gets every update.
//!
//! ```text
//! create -> look back 60 s if the topic keeps messages -> stream until it ends -> delete -> wait -> create ...
//! ```
//!
//! A subscription lives exactly as long as its stream: whatever ends the stream (also that somebody deleted the
//! subscription) leads to a new one under a new name. Messages that arrive in between are found by looking back, and
//! repeated by the next update.
//!
//! Google's client reopens a stream by itself after passing failures, silently, and waits up to a minute between two
//! attempts; what it gives back is permanent, or the clean end of a stream. News here are seconds old. While no messages
//! come, the subscription is therefore looked up now and then, and given up when it cannot be.
//!
//! Why never the same subscription again: Google's emulator goes on feeding streams that were not half-closed, which is
//! how the client ends them, so that a second stream of the same subscription would get a part of the messages only.
//!
//! A message is acknowledged at once. Nothing is lost by that: the programme is memory, and a replica that dies begins
//! anew.

mod admit;
mod name;
mod receive;

use std::time::{Duration, Instant};

use google_cloud_pubsub::subscriber::MessageStream;
use listening_together_proto::Timestamp;
use service_runtime::backoff::{Backoff, Seldom};
use service_runtime::own_subscription::{OwnSubscription, OwnSubscriptionError};
use service_runtime::pubsub::{ClientError, PubSub, Reachable};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::health::Status;
use crate::presenter::Update;
use crate::telemetry::Telemetry;
pub(crate) use name::subscription_id;
use receive::Receiver;

/// How often a replica that cannot subscribe says so.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

/// Waits between two attempts to subscribe.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// After so long without an update, and then as often, the subscription is looked up.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// A stream that lasted for so long was a good one.
const GOOD_STREAM: Duration = Duration::from_secs(10);

/// The longest that a stream may take to send its last acknowledgements at shutdown.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How far back a new subscription begins: longer than the recent slots at the usual length need, and an update repeats
/// those anyway.
const REWIND: Duration = Duration::from_secs(60);

/// What a topic has kept comes within so long. What seems to be from before the subscription later on is not: this
/// machine's clock is ahead, which the presenter must be able to see.
const HISTORY: Duration = Duration::from_secs(10);

/// Messages and bytes that Pub/Sub may have under way to one replica: two of the largest messages, or all that is found
/// by looking back, which would otherwise hold up what is published meanwhile.
const MAX_OUTSTANDING_MESSAGES: i64 = 1000;
const MAX_OUTSTANDING_BYTES: i64 = 20 * 1024 * 1024;

/// How long a message stays with a replica that does not answer. The client would set 60 s, whatever the subscription
/// says.
const LEASE: Duration = Duration::from_secs(10);

/// Why a subscription could not be made, or has ended.
#[derive(Debug, thiserror::Error)]
enum SubscribeError {
    /// No usable credentials, or an impossible endpoint.
    #[error("cannot make a Pub/Sub client: {0}")]
    Client(#[from] ClientError),
    /// Pub/Sub refused the stream, or cannot be reached.
    #[error("{0}")]
    Stream(#[from] google_cloud_pubsub::Error),
    /// The subscription could not be made.
    #[error("{0}")]
    Subscription(#[from] OwnSubscriptionError),
    /// The server ended the stream.
    #[error("the stream has ended")]
    Ended,
    /// No messages come, and the subscription cannot be found.
    #[error("{0}")]
    Lost(String),
}

/// What it takes to be subscribed.
#[derive(Debug)]
pub struct Subscriber {
    /// Where Pub/Sub is.
    pub pubsub: PubSub,
    /// The sessions topic, its id or full name.
    pub topic: String,
    /// See [`crate::config::Config::region`].
    pub region: String,
    /// See [`crate::config::Config::replica_id`].
    pub replica: String,
    /// What messages from before the subscription are told by.
    pub clock: Clock,
    /// Where updates go. A full channel makes the stream wait, and Pub/Sub with it.
    pub updates: mpsc::Sender<Update>,
    /// Is told whether messages are streamed.
    pub status: watch::Sender<Status>,
    /// What is counted.
    pub telemetry: Telemetry,
}

impl Subscriber {
    /// Stays subscribed until told to stop, whatever happens; then deletes its subscription and returns.
    pub async fn run(self, stop: CancellationToken) {
        let mut receiver = Receiver::new(&self.topic, self.telemetry.clone());
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut complaints = Seldom::new(COMPLAIN_EVERY);
        while !stop.is_cancelled() {
            let began = Instant::now();
            let outcome = self.live(&mut receiver, &stop).await;
            if began.elapsed() >= GOOD_STREAM {
                backoff.reset();
            }
            if let Err(error) = outcome {
                self.status.send_modify(|status| status.problem = Some(error.to_string()));
                if complaints.is_due() {
                    let (topic, endpoint) = (&self.topic, self.pubsub.endpoint());
                    tracing::warn!(topic, endpoint, %error, "not subscribed, trying again");
                }
            }
            // Replicas that failed together shall not come back together.
            let wait = backoff.next_delay().mul_f64(rand::random_range(0.5..=1.0));
            let _stopped_early = timeout(wait, stop.cancelled()).await;
        }
    }

    /// The life of one subscription, from its creation to its deletion.
    async fn live(&self, receiver: &mut Receiver, stop: &CancellationToken) -> Result<(), SubscribeError> {
        let id = subscription_id(&self.region, &self.replica, rand::random());
        let own = OwnSubscription::new(&self.pubsub, &id).await?;
        let since = self.clock.now();
        let created = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(false),
            created = self.create(&own) => created.map(|()| true),
        };
        if !matches!(created, Ok(true)) {
            // It may exist all the same: the answer was lost, or not waited for.
            let _gone_or_out_of_reach = own.delete().await;
            return Ok(created.map(drop)?);
        }
        let subscription = own.name();
        let ended = self.stream(subscription, since, receiver, stop).await;
        self.status.send_modify(|status| status.streaming_since = None);
        match own.delete().await {
            Ok(()) => tracing::info!(subscription, "deleted the subscription"),
            Err(error) => {
                tracing::warn!(subscription, %error, "cannot delete the subscription, which expires in a day");
            }
        }
        ended
    }

    async fn create(&self, own: &OwnSubscription) -> Result<(), OwnSubscriptionError> {
        let topic = self.pubsub.topic(&self.topic);
        own.create(&topic).await?;
        self.telemetry.subscription_created();
        tracing::info!(subscription = own.name(), topic, "created a subscription");
        // Best effort: a replica that cannot do this is complete after the next update.
        if let Err(error) = own.rewind(&topic, REWIND).await {
            tracing::info!(%error, "cannot look back in the sessions topic, waiting for the next update");
        }
        Ok(())
    }

    /// Streams until the stream ends or `stop` is cancelled. Messages published before `since` are history.
    async fn stream(
        &self,
        subscription: &str,
        since: Timestamp,
        receiver: &mut Receiver,
        stop: &CancellationToken,
    ) -> Result<(), SubscribeError> {
        let client = self.pubsub.subscriber().await?;
        let stream = client
            .subscribe(subscription)
            .set_max_lease_extension(LEASE)
            .set_max_outstanding_messages(MAX_OUTSTANDING_MESSAGES)
            .set_max_outstanding_bytes(MAX_OUTSTANDING_BYTES)
            .build();
        // The client tells nothing of a stream before its first message, which may be long in coming: a subscription
        // that has just been created and is being asked for messages counts as streaming.
        let now = tokio::time::Instant::now();
        self.status.send_modify(|status| {
            status.streaming_since = Some(now);
            status.problem = None;
        });
        let token = stream.shutdown_token();
        // The stream is polled by one future from beginning to end: to drop a pending `next` is to drop the stream.
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                let _sent_or_late = timeout(CLOSE_TIMEOUT, token.shutdown()).await;
                Ok(())
            }
            ended = self.pass_on(stream, since, receiver) => ended,
            problem = self.lost(subscription) => Err(SubscribeError::Lost(problem)),
        }
    }

    /// Acknowledges messages and passes their updates on until the stream ends.
    async fn pass_on(
        &self,
        mut stream: MessageStream,
        since: Timestamp,
        receiver: &mut Receiver,
    ) -> Result<(), SubscribeError> {
        let began = Instant::now();
        while let Some(message) = stream.next().await {
            let (message, handler) = message?;
            handler.ack();
            let since = if began.elapsed() < HISTORY { since } else { Timestamp::MIN };
            if let Some(update) = receiver.receive(&message, since)
                && self.updates.send(update).await.is_err()
            {
                // The presenter is gone: the service is ending.
                return Ok(());
            }
        }
        Err(SubscribeError::Ended)
    }

    /// Returns when no updates come and the subscription is gone, or Pub/Sub was away and is back: what is wrong with the
    /// stream. A look-up that fails says little of a stream that may only be quiet, until one succeeds again.
    async fn lost(&self, subscription: &str) -> String {
        let mut was_away = false;
        loop {
            tokio::time::sleep(CHECK_EVERY).await;
            let heard = self.status.borrow().last_update.is_some_and(|last| last.elapsed() < CHECK_EVERY);
            if heard {
                was_away = false;
                continue;
            }
            match self.pubsub.find_subscription(subscription).await {
                Reachable::Yes if was_away => {
                    return "Pub/Sub was away, and the stream has not come back".to_owned();
                }
                // The stream itself says whether it may go on.
                Reachable::Yes | Reachable::Denied(_) => {}
                Reachable::No(_) => was_away = true,
                gone => return gone.problem(subscription).unwrap_or_default(),
            }
        }
    }
}
