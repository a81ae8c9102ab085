//! Messages from Pub/Sub: some streams, each reopened whenever it ends.

use std::time::Duration;

use google_cloud_pubsub::client::Subscriber;
use google_cloud_pubsub::subscriber::ShutdownToken;
use google_cloud_pubsub::subscriber::handler::Handler;
use service_runtime::backoff::{Backoff, Seldom};
use service_runtime::permission::RECEIVE;
use service_runtime::telemetry::trace_context;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::traced::Tracer;
use super::{Delivery, Traced};

/// Deliveries that wait between the streams and the engine; then the streams wait.
const CHANNEL_CAPACITY: usize = 10_000;

/// For how long the messages of a process that vanished stay out of sight. It is also the lease that the client keeps
/// extending while a play is held. The client's default is a minute.
const LEASE_EXTENSION: Duration = Duration::from_secs(10);

/// For how long a lease may be extended again and again. The client's default of an hour would have Pub/Sub deliver
/// plays again that are held because a topic is missing.
const LONGEST_LEASE: Duration = Duration::from_secs(86_400);

/// The longest wait before a stream is opened again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// How much is received at a time.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveSettings {
    /// Parallel streams, at least 1.
    pub streams: u16,
    /// Unacknowledged messages of all streams together.
    pub max_outstanding_messages: u32,
    /// Bytes of unacknowledged messages of all streams together.
    pub max_outstanding_bytes: u64,
}

/// The messages of a subscription.
#[derive(Debug)]
pub struct Source {
    deliveries: mpsc::Receiver<Delivery<Traced<Handler>>>,
    streams: JoinSet<Option<ShutdownToken>>,
    stop: CancellationToken,
}

impl Source {
    /// Opens the streams of `subscription` (its full name), and again whenever the number of `outages` that are over has
    /// changed: the client may wait up to a minute before it connects by itself. When `stop` is cancelled they pull no more; what was pulled
    /// can still be acknowledged.
    #[must_use]
    pub fn open(
        subscriber: &Subscriber,
        subscription: &str,
        settings: ReceiveSettings,
        outages: &watch::Receiver<u64>,
        stop: &CancellationToken,
    ) -> Self {
        let (sender, deliveries) = mpsc::channel(CHANNEL_CAPACITY);
        let stop = stop.child_token();
        let mut outages = outages.clone();
        outages.mark_unchanged();
        let mut streams = JoinSet::new();
        let tracer = Tracer::new(subscription);
        for number in 0..settings.streams {
            streams.spawn(keep_pulling(Pull {
                number,
                subscriber: subscriber.clone(),
                subscription: subscription.to_owned(),
                settings,
                deliveries: sender.clone(),
                tracer: tracer.clone(),
                outages: outages.clone(),
                stop: stop.clone(),
            }));
        }
        Self { deliveries, streams, stop }
    }

    /// The deliveries of all streams.
    pub const fn deliveries(&mut self) -> &mut mpsc::Receiver<Delivery<Traced<Handler>>> {
        &mut self.deliveries
    }

    /// Ends the streams: waits until the acknowledgements of what was pulled are on their way and the rest is handed
    /// back. Every delivery has to be acknowledged or dropped before, or this never ends.
    pub async fn close(mut self) {
        self.stop.cancel();
        self.deliveries.close();
        while self.deliveries.recv().await.is_some() {}
        let tokens = self.streams.join_all().await;
        for token in tokens.into_iter().flatten() {
            token.shutdown().await;
        }
    }
}

struct Pull {
    number: u16,
    subscriber: Subscriber,
    subscription: String,
    settings: ReceiveSettings,
    deliveries: mpsc::Sender<Delivery<Traced<Handler>>>,
    tracer: Tracer,
    outages: watch::Receiver<u64>,
    stop: CancellationToken,
}

/// How a stream came to its end.
enum End {
    /// It was told to stop.
    Stopped,
    /// It failed, or Pub/Sub closed it.
    Lost(String),
}

/// Pulls until told to stop. The client reconnects by itself after faults that pass; it gives a stream up where it
/// ends cleanly or by an error that it holds for permanent (a subscription that does not exist may be created yet).
async fn keep_pulling(mut pull: Pull) -> Option<ShutdownToken> {
    let mut backoff = Backoff::new(Duration::from_millis(100), LONGEST_BACKOFF);
    let mut complaint = Seldom::new(Duration::from_secs(30));
    loop {
        let (end, token) = pull_once(&mut pull, &mut backoff).await;
        match end {
            End::Stopped => return Some(token),
            End::Lost(reason) => {
                if complaint.is_due() {
                    let (stream, subscription) = (pull.number, &pull.subscription);
                    tracing::warn!(stream, %subscription, reason, "a stream of messages ended, opening it again");
                }
                // Its plays can still be acknowledged through it, as long as they are held.
                tokio::spawn(async move { token.shutdown().await });
            }
        }
        tokio::select! {
            () = pull.stop.cancelled() => return None,
            () = tokio::time::sleep(backoff.next_delay()) => {}
        }
    }
}

async fn pull_once(pull: &mut Pull, backoff: &mut Backoff) -> (End, ShutdownToken) {
    let streams = pull.settings.streams.max(1);
    let messages = (pull.settings.max_outstanding_messages / u32::from(streams)).max(1);
    let bytes = (pull.settings.max_outstanding_bytes / u64::from(streams)).max(1);
    let mut stream = pull
        .subscriber
        .subscribe(&pull.subscription)
        .set_max_lease(LONGEST_LEASE)
        .set_max_lease_extension(LEASE_EXTENSION)
        .set_max_outstanding_messages(messages)
        .set_max_outstanding_bytes(i64::try_from(bytes).unwrap_or(i64::MAX))
        .build();
    let token = stream.shutdown_token();
    let end = loop {
        let next = tokio::select! {
            () = pull.stop.cancelled() => break End::Stopped,
            Ok(()) = pull.outages.changed() => break End::Lost("Pub/Sub was away".to_owned()),
            next = stream.next() => next,
        };
        match next {
            Some(Ok((message, ack))) => {
                backoff.reset();
                let publisher = trace_context::publisher_of(&message.attributes);
                let ack = pull.tracer.trace(ack, &message.message_id, message.data.len(), publisher);
                let delivery = Delivery { data: message.data, ack };
                tokio::select! {
                    () = pull.stop.cancelled() => break End::Stopped,
                    sent = pull.deliveries.send(delivery) => {
                        if sent.is_err() {
                            break End::Stopped;
                        }
                    }
                }
            }
            Some(Err(error)) => break End::Lost(RECEIVE.explain(&pull.subscription, &error)),
            None => break End::Lost("closed by the server".to_owned()),
        }
    };
    (end, token)
}
