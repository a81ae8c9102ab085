//! The server as its embedders see it: shutdown, limits, slow readers, and what it answers to what it does
//! not know. What it has in common with Google's service is tested by the conformance suite.

mod support;

use anyhow::{Context as _, Result};
use google_cloud_googleapis::pubsub::v1::{
    AcknowledgeRequest, ListSchemasRequest, PullRequest, schema_service_client::SchemaServiceClient,
};
use local_pubsub::Limits;
use support::{Client, PATIENCE, SUBSCRIPTION, start};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tonic::{Code, transport::Channel};

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
