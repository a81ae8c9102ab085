//! Seeks, and what they bring back.

use google_cloud_googleapis::pubsub::v1::{
    PubsubMessage, SeekRequest, Subscription, Topic, seek_request::Target,
};
use prost_types::{Duration, Timestamp};
use tonic::{Code, Status};

use crate::{
    broker::{TestBroker, message, numbered},
    client::{PullStream, acknowledge, data, pull, sorted},
};

crate::conformance!(
    a_new_subscription_reaches_back_into_a_topic_that_retains,
    a_seek_goes_to_the_time_that_it_names,
    a_subscription_can_retain_what_it_acknowledged,
    a_seek_to_the_future_purges,
    a_seek_on_an_ordered_subscription_keeps_the_order,
);

const TEN_MINUTES: Option<Duration> = Some(Duration { seconds: 600, nanos: 0 });

async fn seek(broker: &TestBroker, subscription: &str, to: Timestamp) -> Result<(), Status> {
    let request = SeekRequest { subscription: subscription.to_owned(), target: Some(Target::Time(to)) };
    broker.subscriber().seek(request).await.map(drop)
}

fn long_ago() -> Timestamp {
    Timestamp { seconds: 1_600_000_000, nanos: 0 }
}

async fn create_retaining_topic(broker: &TestBroker) -> anyhow::Result<String> {
    let name = broker.topic("plays");
    let wanted = Topic { name: name.clone(), message_retention_duration: TEN_MINUTES, ..Default::default() };
    broker.publisher().create_topic(wanted).await?;
    Ok(name)
}

async fn subscribe(broker: &TestBroker, topic: &str, settings: Subscription) -> anyhow::Result<String> {
    let name = broker.subscription("plays");
    let wanted = Subscription { name: name.clone(), topic: topic.to_owned(), ..settings };
    broker.subscriber().create_subscription(wanted).await?;
    Ok(name)
}

async fn a_new_subscription_reaches_back_into_a_topic_that_retains(
    broker: &TestBroker,
) -> anyhow::Result<()> {
    let topic = create_retaining_topic(broker).await?;
    broker.publish(&topic, numbered(1, 3, "")).await?;
    let subscription = subscribe(broker, &topic, Subscription::default()).await?;
    seek(broker, &subscription, long_ago()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    assert_eq!(sorted(&stream.receive(3).await?), ["1", "2", "3"], "published before it existed");
    Ok(())
}

async fn a_seek_goes_to_the_time_that_it_names(broker: &TestBroker) -> anyhow::Result<()> {
    let topic = create_retaining_topic(broker).await?;
    let subscription = subscribe(broker, &topic, Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("before")]).await?;
    let before = stream.receive(1).await?;
    acknowledge(broker, &subscription, &before).await?;
    let published =
        |message: &Option<PubsubMessage>| message.as_ref().and_then(|message| message.publish_time);
    // Publish times have milliseconds: go on until the clock has.
    let after = loop {
        broker.publish(&topic, vec![message("after")]).await?;
        let after = stream.receive(1).await?;
        acknowledge(broker, &subscription, &after).await?;
        if published(&after[0].message) != published(&before[0].message) {
            break after;
        }
    };
    stream.close().await??;
    let at = published(&after[0].message).expect("it has a publish time");
    seek(broker, &subscription, at).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    let again = stream.receive(1).await?;
    assert_eq!(again[0].message, after[0].message, "published at that very time");
    acknowledge(broker, &subscription, &again).await?;
    broker.publish(&topic, vec![message("marker")]).await?;
    assert_eq!(data(&stream.receive(1).await?), ["marker"], "what was published before stays acknowledged");
    Ok(())
}

async fn a_subscription_can_retain_what_it_acknowledged(broker: &TestBroker) -> anyhow::Result<()> {
    let settings = Subscription {
        retain_acked_messages: true,
        message_retention_duration: TEN_MINUTES,
        ..Default::default()
    };
    let (topic, subscription) = broker.create_pair(settings).await?;
    broker.publish(&topic, numbered(1, 3, "")).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    let received = stream.receive(3).await?;
    acknowledge(broker, &subscription, &received).await?;
    stream.close().await??;
    seek(broker, &subscription, long_ago()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    assert_eq!(sorted(&stream.receive(3).await?), ["1", "2", "3"]);
    Ok(())
}

async fn a_seek_to_the_future_purges(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    broker.publish(&topic, numbered(1, 3, "")).await?;
    let future = Timestamp { seconds: 4_000_000_000, nanos: 0 };
    seek(broker, &subscription, future).await?;
    broker.publish(&topic, vec![message("marker")]).await?;
    assert_eq!(data(&pull(broker, &subscription, 10).await?), ["marker"]);
    Ok(())
}

async fn a_seek_on_an_ordered_subscription_keeps_the_order(broker: &TestBroker) -> anyhow::Result<()> {
    let topic = create_retaining_topic(broker).await?;
    broker.publish(&topic, numbered(1, 3, "key")).await?;
    let settings = Subscription { enable_message_ordering: true, ..Default::default() };
    let subscription = subscribe(broker, &topic, settings).await?;
    let sought = seek(broker, &subscription, long_ago()).await;
    if broker.is_emulator() {
        // The emulator differs: it does not have this.
        assert_eq!(sought.expect_err("not there").code(), Code::Unimplemented);
        return Ok(());
    }
    sought?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    assert_eq!(data(&stream.receive(3).await?), ["1", "2", "3"]);
    Ok(())
}
