//! The server as its embedders see it: shutdown, limits, slow readers, and what it answers to what it does
//! not know. What it has in common with Google's service is tested by the conformance suite.

use std::time::Duration;

use anyhow::{Context as _, Result};
use google_cloud_googleapis::pubsub::v1::{
    AcknowledgeRequest, ListSchemasRequest, PublishRequest, PubsubMessage, PullRequest, StreamingPullRequest,
    StreamingPullResponse, Subscription, Topic, publisher_client::PublisherClient,
    schema_service_client::SchemaServiceClient, subscriber_client::SubscriberClient,
};
use local_pubsub::{Limits, LocalPubSub, Running};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

const PATIENCE: Duration = Duration::from_secs(30);
const TOPIC: &str = "projects/tests/topics/plays";
const SUBSCRIPTION: &str = "projects/tests/subscriptions/plays";

struct Client {
    publisher: PublisherClient<Channel>,
    subscriber: SubscriberClient<Channel>,
}

/// An open stream and the half by which its client speaks.
type OpenStream = (mpsc::Sender<StreamingPullRequest>, Streaming<StreamingPullResponse>);

async fn start(limits: Limits) -> Result<(Running, Client)> {
    let broker = LocalPubSub::new().with_limits(limits).bind("127.0.0.1:0").await?;
    let mut client = Client::connect(&broker).await?;
    client.publisher.create_topic(Topic { name: TOPIC.to_owned(), ..Default::default() }).await?;
    let wanted =
        Subscription { name: SUBSCRIPTION.to_owned(), topic: TOPIC.to_owned(), ..Default::default() };
    client.subscriber.create_subscription(wanted).await?;
    Ok((broker, client))
}

impl Client {
    async fn connect(broker: &Running) -> Result<Self> {
        let channel = Channel::from_shared(format!("http://{}", broker.local_addr()))?.connect().await?;
        let (publisher, subscriber) = (PublisherClient::new(channel.clone()), SubscriberClient::new(channel));
        Ok(Self { publisher, subscriber })
    }

    async fn publish(&mut self, count: usize, bytes: usize) -> Result<(), Status> {
        let message = PubsubMessage { data: vec![7; bytes].into(), ..Default::default() };
        let request = PublishRequest { topic: TOPIC.to_owned(), messages: vec![message; count] };
        self.publisher.publish(request).await.map(drop)
    }

    async fn stream(&mut self) -> Result<OpenStream> {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_streams() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    let (_requests, mut responses) = client.stream().await?;
    timeout(PATIENCE, broker.shutdown()).await.context("the shutdown did not end")?;
    let ended = timeout(PATIENCE, responses.message()).await.context("the stream did not end")?;
    assert_eq!(ended.expect_err("an end that clients retry").code(), Code::Unavailable);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_broker_answers_resource_exhausted() -> Result<()> {
    let (_broker, mut client) = start(Limits { max_retained_bytes: 1 << 20 }).await?;
    client.publish(1, 1_000_000).await?;
    let refused = client.publish(1, 100_000).await.expect_err("there is no room");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("--max-retained-mib"), "{refused}");
    let request =
        PullRequest { subscription: SUBSCRIPTION.to_owned(), max_messages: 1, ..Default::default() };
    let received = client.subscriber.pull(request).await?.into_inner().received_messages;
    let ack_ids = received.into_iter().map(|received| received.ack_id).collect();
    let request = AcknowledgeRequest { subscription: SUBSCRIPTION.to_owned(), ack_ids };
    client.subscriber.acknowledge(request).await?;
    client.publish(1, 100_000).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_leaves_messages_to_others() -> Result<()> {
    const LARGE: usize = 40;
    let (broker, mut publisher) = start(Limits::default()).await?;
    let mut idler = Client::connect(&broker).await?;
    let _unread = idler.stream().await?;
    // Each is a batch of its own. The idle client's connection takes a few; they are its own for ten minutes.
    for _ in 0..LARGE {
        publisher.publish(1, 1_000_000).await?;
    }
    let mut reader = Client::connect(&broker).await?;
    let (_requests, mut responses) = reader.stream().await?;
    let (mut large, mut small) = (0, 0);
    // By the last of these the reader has long been waiting, and is the only one to be woken.
    for number in 1..=20 {
        publisher.publish(1, 1).await?;
        while small < number {
            let response = timeout(PATIENCE, responses.message()).await;
            let response =
                response.with_context(|| format!("{large} large and {small} small messages came"))??;
            for received in response.context("the stream ended")?.received_messages {
                match received.message.context("a delivery has a message")?.data.len() {
                    1 => small += 1,
                    _ => large += 1,
                }
            }
        }
    }
    assert!((LARGE / 2..LARGE).contains(&large), "{large}: the idle client has some of them, and not most");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_methods_are_named() -> Result<()> {
    let (broker, _) = start(Limits::default()).await?;
    let channel = Channel::from_shared(format!("http://{}", broker.local_addr()))?.connect().await?;
    let request = ListSchemasRequest { parent: "projects/tests".to_owned(), ..Default::default() };
    let refused = SchemaServiceClient::new(channel).list_schemas(request).await.expect_err("no schemas");
    assert_eq!(refused.code(), Code::Unimplemented);
    assert_eq!(
        refused.message(),
        "local-pubsub does not support google.pubsub.v1.SchemaService/ListSchemas."
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_is_answered() -> Result<()> {
    let (broker, _) = start(Limits::default()).await?;
    let cases = [
        ("GET / HTTP/1.1", "", "HTTP/1.1 200 OK", "Ok"),
        ("GET /nothing HTTP/1.1", "", "HTTP/1.1 404 Not Found", "local-pubsub has nothing at /nothing"),
        (
            "POST /v1/projects/p/topics/plays:publish HTTP/1.1",
            "{}",
            "HTTP/1.1 501 Not Implemented",
            r#""status":"UNIMPLEMENTED""#,
        ),
    ];
    for (request, body, status, expected) in cases {
        let mut connection = TcpStream::connect(broker.local_addr()).await?;
        let head =
            format!("{request}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        connection.write_all(head.as_bytes()).await?;
        connection.write_all(body.as_bytes()).await?;
        let mut answer = String::new();
        timeout(PATIENCE, connection.read_to_string(&mut answer)).await.context("no answer")??;
        assert!(answer.starts_with(status) && answer.contains(expected), "{request}: {answer}");
    }
    Ok(())
}
