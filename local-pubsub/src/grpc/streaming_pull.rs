//! StreamingPull: one task a stream, which both delivers and listens.
//!
//! The way out is a short channel: a batch is leased only when the channel has room, so a client that does
//! not read holds a few batches at most. A stream ends with OK when the client closes its half, with
//! NOT_FOUND when the subscription is deleted, with PERMISSION_DENIED when a planned fault takes the rights to
//! it away, and with UNAVAILABLE, which clients retry, when the server stops or a planned fault resets it.
//! Faults are looked at whenever the stream is woken, as it is when they change; a stream that a fault stalls
//! sleeps until then.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::subscriber::{acknowledge, modify_deadlines};
use crate::{
    broker::{Batch, StreamOptions, SubscriptionName},
    convert::stream_deadline,
    hub::{Hub, OpenStream},
    pb::{StreamingPullRequest, StreamingPullResponse, streaming_pull_response::SubscriptionProperties},
    status::{planned_fault, stopping},
};

/// Batches that wait for the connection: one being sent, one ready.
const BATCHES_IN_FLIGHT: usize = 2;

type Responses = mpsc::Sender<Result<StreamingPullResponse, Status>>;

/// Opens a stream with its first request and starts its task.
pub(super) async fn streaming_pull(
    hub: &Arc<Hub>,
    mut requests: Streaming<StreamingPullRequest>,
) -> Result<ReceiverStream<Result<StreamingPullResponse, Status>>, Status> {
    let Some(first) = requests.message().await? else {
        return Err(Status::invalid_argument("The stream was closed before its initial request."));
    };
    let session = Session::open(hub, &first)?;
    let (responses, receiver) = mpsc::channel(BATCHES_IN_FLIGHT);
    tokio::spawn(async move {
        if let Err(status) = session.run(requests, &responses).await {
            // No room means that the client does not read: it will see the stream end, if anything.
            drop(responses.try_send(Err(status)));
        }
    });
    Ok(ReceiverStream::new(receiver))
}

struct Session {
    subscription: SubscriptionName,
    properties: SubscriptionProperties,
    stream: OpenStream,
}

impl Session {
    fn open(hub: &Arc<Hub>, first: &StreamingPullRequest) -> Result<Self, Status> {
        let subscription = SubscriptionName::parse(&first.subscription)?;
        hub.permit(subscription.as_str())?;
        let options = StreamOptions {
            ack_deadline: Some(stream_deadline(first.stream_ack_deadline_seconds)?),
            max_outstanding_messages: limit(first.max_outstanding_messages),
            max_outstanding_bytes: limit(first.max_outstanding_bytes),
        };
        let ordering = hub.with(|broker, _| broker.subscription(&subscription))?.config.ordering;
        let properties = SubscriptionProperties {
            exactly_once_delivery_enabled: false,
            message_ordering_enabled: ordering,
        };
        let session = Self { stream: hub.open_stream(&subscription, options)?, subscription, properties };
        session.listen(first)?;
        Ok(session)
    }

    async fn run(
        self,
        mut requests: Streaming<StreamingPullRequest>,
        responses: &Responses,
    ) -> Result<(), Status> {
        let mut runnable = true;
        let mut paused = false;
        let mut fate = Fate::default();
        loop {
            if runnable {
                fate.look_up(&self);
                self.stream.hub().permit(self.subscription.as_str())?;
                if fate.stalled {
                    self.stream.pause();
                    runnable = false;
                }
            }
            if runnable && !paused && responses.capacity() == 0 {
                self.stream.pause();
                paused = true;
            }
            tokio::select! {
                biased;
                () = self.stream.hub().stopping() => return Err(stopping()),
                () = responses.closed() => return Ok(()),
                () = fate.reset() => return Err(planned_fault()),
                request = requests.message() => match request {
                    Ok(Some(request)) => self.listen_on(&request)?,
                    // The client has closed its half, or is gone.
                    Ok(None) | Err(_) => return Ok(()),
                },
                Ok(permit) = responses.reserve(), if runnable => {
                    let batch = self.stream.next_batch()?;
                    paused = false;
                    runnable = !batch.is_empty();
                    if runnable {
                        permit.send(Ok(self.response(batch)));
                    }
                }
                () = self.stream.woken(), if !runnable => runnable = true,
            }
        }
    }

    /// Handles a request after the first.
    fn listen_on(&self, request: &StreamingPullRequest) -> Result<(), Status> {
        let initial_only = [
            (!request.subscription.is_empty(), "subscription"),
            (request.max_outstanding_messages != 0, "max_outstanding_messages"),
            (request.max_outstanding_bytes != 0, "max_outstanding_bytes"),
        ];
        if let Some((_, field)) = initial_only.iter().find(|(given, _)| *given) {
            return Err(Status::invalid_argument(format!(
                "{field} must be set in the initial request of the stream only."
            )));
        }
        // Later requests may leave it as it is.
        if request.stream_ack_deadline_seconds != 0 {
            self.stream.set_ack_deadline(stream_deadline(request.stream_ack_deadline_seconds)?);
        }
        self.listen(request)
    }

    /// Acknowledges and modifies what any request may carry.
    fn listen(&self, request: &StreamingPullRequest) -> Result<(), Status> {
        let hub = self.stream.hub();
        if request.modify_deadline_ack_ids.len() != request.modify_deadline_seconds.len() {
            return Err(Status::invalid_argument(
                "modify_deadline_ack_ids and modify_deadline_seconds must have the same length.",
            ));
        }
        if !request.ack_ids.is_empty() {
            acknowledge(hub, &self.subscription, &request.ack_ids)?;
        }
        if !request.modify_deadline_ack_ids.is_empty() {
            let seconds = request.modify_deadline_seconds.iter().copied();
            modify_deadlines(hub, &self.subscription, request.modify_deadline_ack_ids.iter().zip(seconds))?;
        }
        Ok(())
    }

    fn response(&self, batch: Batch) -> StreamingPullResponse {
        StreamingPullResponse {
            received_messages: batch.into_received(),
            subscription_properties: Some(self.properties),
            ..Default::default()
        }
    }
}

/// What planned faults do to a stream.
#[derive(Debug, Default)]
struct Fate {
    stalled: bool,
    life: Option<Duration>,
    reset_at: Option<Instant>,
}

impl Fate {
    /// Asks what goes wrong at present. A life that has not been heard of before begins now.
    fn look_up(&mut self, session: &Session) {
        let faults = session.stream.hub().faults();
        let (subscription, number) = (session.subscription.as_str(), session.stream.number());
        self.stalled = faults.as_ref().is_some_and(|faults| faults.stalls(subscription, number));
        let life = faults.and_then(|faults| faults.stream_life(subscription, number));
        if life != self.life {
            self.life = life;
            self.reset_at = life.map(|life| Instant::now() + life);
        }
    }

    /// Resolves when the stream is to end.
    async fn reset(&self) {
        match self.reset_at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// Zero and less mean no limit.
fn limit(given: i64) -> u64 {
    u64::try_from(given).ok().filter(|limit| *limit > 0).unwrap_or(u64::MAX)
}
