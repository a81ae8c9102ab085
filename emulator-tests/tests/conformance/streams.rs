//! How streams begin and end.

use std::time::Duration;

use anyhow::Context as _;
use google_cloud_googleapis::pubsub::v1::{DeleteSubscriptionRequest, StreamingPullRequest, Subscription};
use tokio::time::Instant;
use tonic::Code;

use crate::{
    broker::{TestBroker, message, numbered},
    client::{PullStream, acknowledge, data, open_request, sorted},
};

crate::conformance!(
    a_stream_ends_well_when_its_client_closes_its_half,
    an_ack_is_good_after_its_stream_has_ended,
    a_stream_ends_when_its_subscription_is_deleted,
    a_stream_tells_the_properties_of_its_subscription,
    a_wrong_request_ends_the_stream,
    two_streams_share_the_messages,
);

async fn a_stream_ends_well_when_its_client_closes_its_half(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut first = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("a")]).await?;
    let received = first.receive(1).await?;
    acknowledge(broker, &subscription, &received).await?;
    first.close().await??;
    let mut second = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, numbered(1, 10, "")).await?;
    assert_eq!(second.receive(10).await?.len(), 10, "nothing goes to the stream that has ended");
    Ok(())
}

/// Only here: the emulator keeps a cancelled stream as a ghost that is given messages, so that whether and
/// when this one comes to the second stream is chance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_stream_of_local_pubsub_gives_back_when_the_deadline_passes() -> anyhow::Result<()> {
    let broker = &TestBroker::local().await?;
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut first = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("a")]).await?;
    first.receive(1).await?;
    let start = Instant::now();
    drop(first);
    let mut second = PullStream::subscribe(broker, &subscription);
    assert_eq!(data(&second.receive(1).await?), ["a"]);
    assert!(start.elapsed() > Duration::from_secs(8), "not before its deadline: {:?}", start.elapsed());
    Ok(())
}

async fn an_ack_is_good_after_its_stream_has_ended(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut first = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, numbered(1, 2, "")).await?;
    let received = first.receive(2).await?;
    first.close().await??;
    acknowledge(broker, &subscription, &received[..1]).await?;
    let mut second = PullStream::subscribe(broker, &subscription);
    assert_eq!(data(&second.receive(1).await?), data(&received[1..]), "the other one was acknowledged");
    Ok(())
}

async fn a_stream_ends_when_its_subscription_is_deleted(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("a")]).await?;
    stream.receive(1).await?;
    broker.subscriber().delete_subscription(DeleteSubscriptionRequest { subscription }).await?;
    let status = stream.end().await?.expect_err("it is gone");
    assert_eq!(status.code(), Code::NotFound);
    Ok(())
}

async fn a_stream_tells_the_properties_of_its_subscription(broker: &TestBroker) -> anyhow::Result<()> {
    let settings = Subscription { enable_message_ordering: true, ..Default::default() };
    let (topic, subscription) = broker.create_pair(settings).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("a")]).await?;
    let response = stream.response().await?.expect("a response");
    let properties = response.subscription_properties.expect("every first response has them");
    assert!(properties.message_ordering_enabled && !properties.exactly_once_delivery_enabled);
    Ok(())
}

async fn a_wrong_request_ends_the_stream(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let too_short = StreamingPullRequest { stream_ack_deadline_seconds: 5, ..open_request(&subscription) };
    let no_deadline = StreamingPullRequest { stream_ack_deadline_seconds: 0, ..open_request(&subscription) };
    let uneven = StreamingPullRequest { modify_deadline_seconds: vec![10], ..Default::default() };
    let again = StreamingPullRequest { subscription: subscription.clone(), ..Default::default() };
    let limit = StreamingPullRequest { max_outstanding_messages: 7, ..Default::default() };
    // Each is the request after the first, or the first itself; the last says whether the emulator differs
    // and takes it.
    let cases = [
        ("a deadline below 10 s", Some(too_short), None, false),
        ("no deadline", Some(no_deadline), None, false),
        ("an extension without its id", None, Some(uneven), false),
        ("the subscription once more", None, Some(again), false),
        ("another limit", None, Some(limit), true),
    ];
    for (case, first, later, emulator_differs) in cases {
        let mut stream = PullStream::open(broker, first.unwrap_or_else(|| open_request(&subscription)));
        if let Some(later) = later {
            stream.send(later).await?;
        }
        if emulator_differs && broker.is_emulator() {
            broker.publish(&topic, vec![message(case)]).await?;
            let received = stream.receive(1).await.context(case)?;
            acknowledge(broker, &subscription, &received).await?;
            stream.close().await??;
            continue;
        }
        let status = stream.end().await?.expect_err(case);
        assert_eq!(status.code(), Code::InvalidArgument, "{case}: {status}");
    }
    Ok(())
}

async fn two_streams_share_the_messages(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut first = PullStream::subscribe(broker, &subscription);
    let mut second = PullStream::subscribe(broker, &subscription);
    let (mut counts, mut all) = ([0, 0], Vec::new());
    while counts.contains(&0) {
        let number = u32::try_from(all.len())? + 1;
        anyhow::ensure!(number < 1000, "only one of the streams was given messages: {counts:?}");
        broker.publish(&topic, numbered(number, number, "")).await?;
        let (received, which) = tokio::select! {
            received = first.receive(1) => (received?, 0),
            received = second.receive(1) => (received?, 1),
        };
        acknowledge(broker, &subscription, &received).await?;
        counts[which] += 1;
        all.extend(received);
    }
    let expected: Vec<String> = (1..=all.len()).map(|number| number.to_string()).collect();
    assert_eq!(sorted(&all), expected, "each message went to one of them");
    Ok(())
}
