//! A broker with one topic and one subscription, and a client of it.

use std::time::Duration;

use anyhow::Result;
use google_cloud_googleapis::pubsub::v1::{
    PublishRequest, PubsubMessage, StreamingPullRequest, StreamingPullResponse, Subscription, Topic,
    publisher_client::PublisherClient, subscriber_client::SubscriberClient,
};
use local_pubsub::{Limits, LocalPubSub, Running};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const TOPIC: &str = "projects/tests/topics/plays";
pub(crate) const SUBSCRIPTION: &str = "projects/tests/subscriptions/plays";

pub(crate) struct Client {
    pub(crate) publisher: PublisherClient<Channel>,
    pub(crate) subscriber: SubscriberClient<Channel>,
}

/// An open stream and the half by which its client speaks.
pub(crate) type OpenStream = (mpsc::Sender<StreamingPullRequest>, Streaming<StreamingPullResponse>);

pub(crate) async fn start(limits: Limits) -> Result<(Running, Client)> {
    let broker = LocalPubSub::new().with_limits(limits).bind("127.0.0.1:0").await?;
    let mut client = Client::connect(&broker).await?;
    client.publisher.create_topic(Topic { name: TOPIC.to_owned(), ..Default::default() }).await?;
    let wanted =
        Subscription { name: SUBSCRIPTION.to_owned(), topic: TOPIC.to_owned(), ..Default::default() };
    client.subscriber.create_subscription(wanted).await?;
    Ok((broker, client))
}

impl Client {
    pub(crate) async fn connect(broker: &Running) -> Result<Self> {
        let channel = Channel::from_shared(format!("http://{}", broker.local_addr()))?.connect().await?;
        let (publisher, subscriber) = (PublisherClient::new(channel.clone()), SubscriberClient::new(channel));
        Ok(Self { publisher, subscriber })
    }

    pub(crate) async fn publish(&mut self, count: usize, bytes: usize) -> Result<(), Status> {
        let message = PubsubMessage { data: vec![7; bytes].into(), ..Default::default() };
        let request = PublishRequest { topic: TOPIC.to_owned(), messages: vec![message; count] };
        self.publisher.publish(request).await.map(drop)
    }

    pub(crate) async fn stream(&mut self) -> Result<OpenStream> {
        let (requests, inbound) = mpsc::channel(4);
        let first = StreamingPullRequest {
            subscription: SUBSCRIPTION.to_owned(),
            stream_ack_deadline_seconds: 600,
            ..Default::default()
        };
        requests.send(first).await?;
        let responses = self.subscriber.streaming_pull(ReceiverStream::new(inbound)).await?.into_inner();
        Ok((requests, responses))
    }
}
