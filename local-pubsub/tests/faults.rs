//! Planned faults as clients meet them. Who is hit is tested beside the decisions.

mod support;

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use google_cloud_googleapis::pubsub::v1::{
    AcknowledgeRequest, GetTopicRequest, PullRequest, StreamingPullResponse, Subscription,
};
use local_pubsub::{Fault, FaultPlan, Limits, PlannedFault, Share};
use support::{Client, PATIENCE, SUBSCRIPTION, TOPIC, start};
use tokio::time::{Instant, timeout};
use tonic::{Code, Streaming};

fn plan(fault: Fault) -> FaultPlan {
    FaultPlan::seeded(1).with(fault)
}

impl Client {
    /// The ack ids of what can be had at once.
    async fn pull(&mut self) -> Result<Vec<String>> {
        #[expect(deprecated, reason = "the only way not to wait for a message")]
        let request = PullRequest {
            subscription: SUBSCRIPTION.to_owned(),
            max_messages: 100,
            return_immediately: true,
        };
        let received = self.subscriber.pull(request).await?.into_inner().received_messages;
        Ok(received.into_iter().map(|received| received.ack_id).collect())
    }

    async fn acknowledge(&mut self, ack_ids: Vec<String>) -> Result<()> {
        let request = AcknowledgeRequest { subscription: SUBSCRIPTION.to_owned(), ack_ids };
        self.subscriber.acknowledge(request).await?;
        Ok(())
    }
}

/// How many messages the next response has.
async fn next(responses: &mut Streaming<StreamingPullResponse>) -> Result<usize> {
    let response = timeout(PATIENCE, responses.message()).await.context("nothing came")??;
    Ok(response.context("the stream ended")?.received_messages.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_publishes_publish_nothing() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    let outage = Fault::RefusePublish { share: Share::ALL };
    broker.set_faults(FaultPlan::seeded(1).with_on(TOPIC, outage));
    let refused = client.publish(1, 1).await.expect_err("an outage");
    assert_eq!(refused.code(), Code::Unavailable);
    broker.set_faults(FaultPlan::seeded(1).with_on("another", outage));
    client.publish(1, 1).await?;
    assert_eq!(client.pull().await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_permission_nothing_can_be_done() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    client.publish(1, 1).await?;
    let (_requests, mut open) = client.stream().await?;
    assert_eq!(next(&mut open).await?, 1);
    broker.set_faults(plan(Fault::DenyPermission));
    let ended = timeout(PATIENCE, open.message()).await.context("the stream did not end")?;
    let wanted = Subscription { name: "projects/tests/subscriptions/new".to_owned(), ..of_topic() };
    let refused = [
        ("a stream", ended.map(drop)),
        ("publish", client.publish(1, 1).await),
        ("look a topic up", client.publisher.get_topic(topic_request()).await.map(drop)),
        ("subscribe", client.subscriber.create_subscription(wanted.clone()).await.map(drop)),
    ];
    for (name, outcome) in refused {
        let error = outcome.err().with_context(|| format!("{name}: allowed"))?;
        assert_eq!(error.code(), Code::PermissionDenied, "{name}: {error}");
    }
    client.pull().await.expect_err("pulling is denied");
    client.stream().await.expect_err("a new stream is denied");

    broker.set_faults(FaultPlan::seeded(1).with_on(SUBSCRIPTION, Fault::DenyPermission));
    client.pull().await.expect_err("pulling is still denied");
    client.publish(1, 1).await?;
    client.subscriber.create_subscription(wanted).await?;
    broker.set_faults(FaultPlan::default());
    assert_eq!(client.pull().await?.len(), 1);
    Ok(())
}

fn topic_request() -> GetTopicRequest {
    GetTopicRequest { topic: TOPIC.to_owned() }
}

fn of_topic() -> Subscription {
    Subscription { topic: TOPIC.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_refuses_the_same_calls() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    let mut histories = Vec::new();
    for seed in [7, 7, 8] {
        let share = Share::new(0.5)?;
        broker.set_faults(FaultPlan::seeded(seed).with(Fault::RefusePublish { share }));
        let mut history = Vec::new();
        for _ in 0..32 {
            history.push(client.publish(1, 1).await.is_ok());
        }
        histories.push(history);
    }
    assert_eq!(histories[0], histories[1]);
    assert_ne!(histories[0], histories[2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_with_lost_acks_come_again() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    client.publish(3, 1).await?;
    broker.set_faults(plan(Fault::LoseAcks { share: Share::ALL }));
    let received = client.pull().await?;
    client.acknowledge(received).await?;
    // Their deadlines are ten seconds away.
    broker.set_faults(plan(Fault::RedeliverAll));
    let again = client.pull().await?;
    assert_eq!(again.len(), 3);
    client.acknowledge(again).await?;
    broker.set_faults(plan(Fault::RedeliverAll));
    assert_eq!(client.pull().await?, [""; 0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_reset() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    let (_requests, mut waiting) = client.stream().await?;
    broker.set_faults(plan(Fault::ResetStreams { mean_life: Duration::from_millis(20) }));
    let (_more_requests, mut opened_later) = client.stream().await?;
    for responses in [&mut waiting, &mut opened_later] {
        let ended = timeout(PATIENCE, responses.message()).await.context("the stream did not end")?;
        assert_eq!(ended.expect_err("an end that clients retry").code(), Code::Unavailable);
    }
    broker.set_faults(FaultPlan::default());
    let (_requests, mut responses) = client.stream().await?;
    client.publish(1, 1).await?;
    assert_eq!(next(&mut responses).await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_stream_delivers_when_the_stall_is_over() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    let (_requests, mut responses) = client.stream().await?;
    let stall = Fault::StallStreams { share: Share::ALL };
    let lasts = Some(Duration::from_millis(300));
    let begun = Instant::now();
    broker.set_faults(FaultPlan::seeded(1).with_planned(PlannedFault { lasts, ..PlannedFault::new(stall) }));
    client.publish(2, 1).await?;
    assert_eq!(client.pull().await?.len(), 2, "others are given what it does not take");
    client.publish(1, 1).await?;
    assert_eq!(next(&mut responses).await?, 1);
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_breaks_connections_and_opens_again_with_all_state() -> Result<()> {
    let (broker, mut client) = start(Limits::default()).await?;
    client.publish(1, 1).await?;
    let (mut requests, mut responses) = client.stream().await?;
    assert_eq!(next(&mut responses).await?, 1);
    for _ in 0..3 {
        broker.set_faults(plan(Fault::RefuseConnections));
        let ended = timeout(PATIENCE, responses.message()).await.context("the connection did not break")?;
        ended.expect_err("a broken connection");
        until_refused(broker.local_addr()).await?;
        broker.set_faults(FaultPlan::default());
        client = until_connected(&broker).await?;
        client.publish(1, 1).await?;
        (requests, responses) = client.stream().await?;
        assert_eq!(next(&mut responses).await?, 1);
    }
    // The stream must not be the one that is given it all.
    broker.set_faults(plan(Fault::RedeliverAll).with(Fault::StallStreams { share: Share::ALL }));
    assert_eq!(client.pull().await?.len(), 4, "everything that was published is still there");
    drop(requests);
    Ok(())
}

async fn until_refused(address: std::net::SocketAddr) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        ensure!(Instant::now() < deadline, "connections are still accepted");
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn until_connected(broker: &local_pubsub::Running) -> Result<Client> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Client::connect(broker).await {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() > deadline => bail!(error),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}
