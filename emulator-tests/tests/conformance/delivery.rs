//! Acknowledgement, redelivery, and unary Pull.

use std::time::Duration;

use google_cloud_googleapis::pubsub::v1::{
    AcknowledgeRequest, PullRequest, RetryPolicy, StreamingPullRequest, Subscription,
};
use tokio::time::Instant;
use tonic::Code;

use crate::{
    broker::{TestBroker, message, numbered},
    client::{PullStream, ack_ids, acknowledge, data, nack, open_request, pull, set_deadline},
};

crate::conformance!(
    an_unacknowledged_message_comes_back_and_an_acknowledged_one_does_not,
    a_nacked_message_comes_back_at_once,
    an_extension_keeps_a_message_away,
    acks_and_nacks_travel_on_the_stream,
    a_streams_deadline_beats_the_subscriptions,
    a_retry_policy_backs_off,
    pull_waits_for_a_message,
    pull_can_return_at_once,
    malformed_ack_ids_are_refused,
    a_missing_subscription_is_not_found,
);

async fn an_unacknowledged_message_comes_back_and_an_acknowledged_one_does_not(
    broker: &TestBroker,
) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, numbered(1, 2, "")).await?;
    let first = stream.receive(2).await?;
    let (kept, settled): (Vec<_>, Vec<_>) =
        first.into_iter().partition(|received| data(std::slice::from_ref(received)) == ["1"]);
    acknowledge(broker, &subscription, &settled).await?;
    let leased = Instant::now();
    let again = stream.receive(1).await?;
    assert_eq!(data(&again), ["1"], "the other was acknowledged");
    assert!(leased.elapsed() > Duration::from_secs(8), "after {:?} of a deadline of 10 s", leased.elapsed());
    assert_ne!(ack_ids(&again), ack_ids(&kept), "every delivery has an ack id of its own");
    assert_eq!(again[0].message, kept[0].message);
    Ok(())
}

async fn a_nacked_message_comes_back_at_once(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("a")]).await?;
    let first = stream.receive(1).await?;
    let start = Instant::now();
    nack(broker, &subscription, &first).await?;
    assert_eq!(data(&stream.receive(1).await?), ["a"]);
    assert!(start.elapsed() < Duration::from_secs(8), "long before its deadline: {:?}", start.elapsed());
    Ok(())
}

async fn an_extension_keeps_a_message_away(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("extended")]).await?;
    let extended = stream.receive(1).await?;
    set_deadline(broker, &subscription, &extended, 60).await?;
    broker.publish(&topic, vec![message("left")]).await?;
    stream.receive(1).await?;
    assert_eq!(data(&stream.receive(1).await?), ["left"], "the later one's deadline passes first");
    set_deadline(broker, &subscription, &extended, 1).await?;
    assert_eq!(data(&stream.receive(1).await?), ["extended"], "a deadline can also be brought forward");
    Ok(())
}

async fn acks_and_nacks_travel_on_the_stream(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, numbered(1, 3, "")).await?;
    let received = stream.receive(3).await?;
    let id_of = |text: &str| {
        let at = data(&received).iter().position(|data| data == text).expect("it came");
        received[at].ack_id.clone()
    };
    let request = StreamingPullRequest {
        ack_ids: vec![id_of("1")],
        modify_deadline_ack_ids: vec![id_of("2"), id_of("3")],
        modify_deadline_seconds: vec![0, 60],
        ..Default::default()
    };
    stream.send(request).await?;
    let again = stream.receive(1).await?;
    assert_eq!(data(&again), ["2"]);
    assert_eq!(data(&stream.receive(1).await?), ["2"], "after its deadline, before those of the others");
    Ok(())
}

async fn a_streams_deadline_beats_the_subscriptions(broker: &TestBroker) -> anyhow::Result<()> {
    let settings = Subscription { ack_deadline_seconds: 600, ..Default::default() };
    let (topic, subscription) = broker.create_pair(settings).await?;
    broker.publish(&topic, vec![message("a")]).await?;
    let first = StreamingPullRequest { stream_ack_deadline_seconds: 10, ..open_request(&subscription) };
    let mut stream = PullStream::open(broker, first);
    stream.receive(1).await?;
    assert_eq!(data(&stream.receive(1).await?), ["a"], "long before 600 s");
    Ok(())
}

async fn a_retry_policy_backs_off(broker: &TestBroker) -> anyhow::Result<()> {
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let policy = RetryPolicy { minimum_backoff: seconds(2), maximum_backoff: seconds(8) };
    let settings = Subscription { retry_policy: Some(policy), ..Default::default() };
    let (topic, subscription) = broker.create_pair(settings).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("a")]).await?;
    let mut received = stream.receive(1).await?;
    for (number, least) in [2.0, 4.0].into_iter().enumerate() {
        let start = Instant::now();
        nack(broker, &subscription, &received).await?;
        received = stream.receive(1).await?;
        let waited = start.elapsed().as_secs_f64();
        // The emulator differs: the first redelivery is immediate, and later ones come some seconds early.
        let least = match (broker.is_emulator(), number) {
            (true, 0) => 0.0,
            (true, _) => 1.5,
            (false, _) => least,
        };
        assert!(waited > least * 0.95, "waited {waited} s instead of {least} s");
    }
    Ok(())
}

async fn pull_waits_for_a_message(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let waiting = pull(broker, &subscription, 10);
    let publishing = async {
        // Most likely the pull is waiting by now; either order must do.
        tokio::task::yield_now().await;
        broker.publish(&topic, vec![message("a")]).await
    };
    let (received, published) = tokio::join!(waiting, publishing);
    published?;
    let received = received?;
    assert_eq!(data(&received), ["a"]);
    acknowledge(broker, &subscription, &received).await?;
    broker.publish(&topic, numbered(1, 5, "")).await?;
    let two = pull(broker, &subscription, 2).await?;
    assert!((1..=2).contains(&two.len()), "{} of at most 2", two.len());
    Ok(())
}

async fn pull_can_return_at_once(broker: &TestBroker) -> anyhow::Result<()> {
    let (_, subscription) = broker.create_pair(Subscription::default()).await?;
    #[expect(deprecated, reason = "older clients set it")]
    let request = PullRequest { subscription, return_immediately: true, max_messages: 1 };
    let start = Instant::now();
    let response = broker.subscriber().pull(request).await?.into_inner();
    assert!(response.received_messages.is_empty());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    Ok(())
}

async fn malformed_ack_ids_are_refused(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    broker.publish(&topic, vec![message("a")]).await?;
    let received = pull(broker, &subscription, 1).await?;
    acknowledge(broker, &subscription, &received).await?;
    acknowledge(broker, &subscription, &received).await?;
    let ack_ids = vec!["never made by anyone".to_owned()];
    let request = AcknowledgeRequest { subscription: subscription.clone(), ack_ids };
    let refused = broker.subscriber().acknowledge(request).await.expect_err("no such id");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let too_long = set_deadline(broker, &subscription, &received, 601).await;
    // The emulator differs: it takes any deadline.
    let expected = if broker.is_emulator() { Code::Ok } else { Code::InvalidArgument };
    assert_eq!(too_long.err().map_or(Code::Ok, |status| status.code()), expected);
    Ok(())
}

async fn a_missing_subscription_is_not_found(broker: &TestBroker) -> anyhow::Result<()> {
    let missing = broker.subscription("missing");
    assert_eq!(pull(broker, &missing, 1).await.expect_err("missing").code(), Code::NotFound);
    assert_eq!(acknowledge(broker, &missing, &[]).await.expect_err("missing").code(), Code::NotFound);
    let mut stream = PullStream::subscribe(broker, &missing);
    assert_eq!(stream.end().await?.expect_err("missing").code(), Code::NotFound);
    Ok(())
}
