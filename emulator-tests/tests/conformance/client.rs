//! A subscriber that speaks StreamingPull by hand.

use std::time::Duration;

use anyhow::{Context as _, bail};
use google_cloud_googleapis::pubsub::v1::{
    AcknowledgeRequest, ModifyAckDeadlineRequest, PullRequest, ReceivedMessage, StreamingPullRequest,
    StreamingPullResponse,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::broker::TestBroker;

/// How long a case waits for what must come: several times the longest ack deadline, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// An open stream. Dropping it cancels the call.
///
/// Opening it does not wait for the broker: the emulator sends not even headers before it has something to
/// deliver, so a refusal is the stream's end.
pub(crate) struct PullStream {
    requests: Option<mpsc::Sender<StreamingPullRequest>>,
    call: JoinSet<Result<Streaming<StreamingPullResponse>, Status>>,
    responses: Option<Streaming<StreamingPullResponse>>,
    waiting: Vec<ReceivedMessage>,
}

/// The first request of a stream with an ack deadline of 10 s and no limits.
pub(crate) fn open_request(subscription: &str) -> StreamingPullRequest {
    StreamingPullRequest {
        subscription: subscription.to_owned(),
        stream_ack_deadline_seconds: 10,
        ..Default::default()
    }
}

impl PullStream {
    pub(crate) fn open(broker: &TestBroker, first: StreamingPullRequest) -> Self {
        let (requests, inbound) = mpsc::channel(16);
        requests.try_send(first).expect("a new channel has room");
        let mut client = broker.subscriber();
        let mut call = JoinSet::new();
        call.spawn(
            async move { Ok(client.streaming_pull(ReceiverStream::new(inbound)).await?.into_inner()) },
        );
        Self { requests: Some(requests), call, responses: None, waiting: Vec::new() }
    }

    pub(crate) fn subscribe(broker: &TestBroker, subscription: &str) -> Self {
        Self::open(broker, open_request(subscription))
    }

    pub(crate) async fn send(&self, request: StreamingPullRequest) -> anyhow::Result<()> {
        let requests = self.requests.as_ref().context("this half of the stream is closed")?;
        requests.send(request).await.context("the stream has ended")
    }

    /// The next response, or the end. Can be cancelled at no loss.
    async fn message(&mut self) -> Result<Option<StreamingPullResponse>, Status> {
        if let Some(opened) = self.call.join_next().await {
            self.responses = Some(opened.map_err(|error| Status::internal(error.to_string()))??);
        }
        match &mut self.responses {
            Some(responses) => responses.message().await,
            None => Ok(None),
        }
    }

    /// The next response.
    pub(crate) async fn response(&mut self) -> Result<Option<StreamingPullResponse>, Status> {
        match timeout(PATIENCE, self.message()).await {
            Ok(response) => response,
            Err(_) => Err(Status::deadline_exceeded(format!("no response within {PATIENCE:?}"))),
        }
    }

    /// The next `count` messages, however they are divided into responses.
    pub(crate) async fn receive(&mut self, count: usize) -> anyhow::Result<Vec<ReceivedMessage>> {
        let deadline = Instant::now() + PATIENCE;
        while self.waiting.len() < count {
            let Ok(response) = timeout_at(deadline, self.message()).await else {
                bail!(
                    "{} of {count} messages came within {PATIENCE:?}: {:?}",
                    self.waiting.len(),
                    data(&self.waiting)
                );
            };
            let response = response?.context("the stream ended before all messages came")?;
            self.waiting.extend(response.received_messages);
        }
        Ok(self.waiting.drain(..count).collect())
    }

    /// What comes until `span` has passed: for what a broker must not send there is no other end to wait for.
    pub(crate) async fn receive_for(&mut self, span: Duration) -> anyhow::Result<Vec<ReceivedMessage>> {
        let deadline = Instant::now() + span;
        while let Ok(response) = timeout_at(deadline, self.message()).await {
            let response = response?.context("the stream ended")?;
            self.waiting.extend(response.received_messages);
        }
        Ok(std::mem::take(&mut self.waiting))
    }

    /// Closes this half, and returns how the broker ends its own.
    pub(crate) async fn close(mut self) -> anyhow::Result<Result<(), Status>> {
        self.requests = None;
        self.end().await
    }

    /// Waits for the end of the stream, and returns it.
    pub(crate) async fn end(&mut self) -> anyhow::Result<Result<(), Status>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout_at(deadline, self.message()).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return Ok(Ok(())),
                Ok(Err(status)) => return Ok(Err(status)),
                Err(_) => bail!("the stream did not end within {PATIENCE:?}"),
            }
        }
    }
}

pub(crate) async fn acknowledge(
    broker: &TestBroker,
    subscription: &str,
    received: &[ReceivedMessage],
) -> Result<(), Status> {
    let request = AcknowledgeRequest { subscription: subscription.to_owned(), ack_ids: ack_ids(received) };
    broker.subscriber().acknowledge(request).await.map(drop)
}

pub(crate) async fn set_deadline(
    broker: &TestBroker,
    subscription: &str,
    received: &[ReceivedMessage],
    seconds: i32,
) -> Result<(), Status> {
    let request = ModifyAckDeadlineRequest {
        subscription: subscription.to_owned(),
        ack_ids: ack_ids(received),
        ack_deadline_seconds: seconds,
    };
    broker.subscriber().modify_ack_deadline(request).await.map(drop)
}

pub(crate) async fn nack(
    broker: &TestBroker,
    subscription: &str,
    received: &[ReceivedMessage],
) -> Result<(), Status> {
    set_deadline(broker, subscription, received, 0).await
}

pub(crate) async fn pull(
    broker: &TestBroker,
    subscription: &str,
    max: i32,
) -> Result<Vec<ReceivedMessage>, Status> {
    let request =
        PullRequest { subscription: subscription.to_owned(), max_messages: max, ..Default::default() };
    Ok(broker.subscriber().pull(request).await?.into_inner().received_messages)
}

pub(crate) fn ack_ids(received: &[ReceivedMessage]) -> Vec<String> {
    received.iter().map(|received| received.ack_id.clone()).collect()
}

/// The payloads, as text.
pub(crate) fn data(received: &[ReceivedMessage]) -> Vec<String> {
    let text = |received: &ReceivedMessage| {
        let message = received.message.as_ref().expect("every delivery has a message");
        String::from_utf8_lossy(&message.data).into_owned()
    };
    received.iter().map(text).collect()
}

/// The payloads in the order of their numbers, for messages that have no order.
pub(crate) fn sorted(received: &[ReceivedMessage]) -> Vec<String> {
    let mut data = data(received);
    data.sort_by_key(|text| (text.len(), text.clone()));
    data
}
