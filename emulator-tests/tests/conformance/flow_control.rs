//! What a stream may hold.

use std::time::Duration;

use google_cloud_googleapis::pubsub::v1::{PubsubMessage, StreamingPullRequest, Subscription};

use crate::{
    broker::{TestBroker, numbered},
    client::{PullStream, acknowledge, nack, open_request},
};

crate::conformance!(
    a_stream_holds_no_more_messages_than_it_asked_for,
    a_stream_holds_no_more_bytes_than_it_asked_for
);

/// The service stops a little after the limit at worst; local-pubsub stops at it.
async fn a_stream_holds_no_more_messages_than_it_asked_for(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    broker.publish(&topic, numbered(1, 50, "")).await?;
    let first = StreamingPullRequest { max_outstanding_messages: 5, ..open_request(&subscription) };
    let mut stream = PullStream::open(broker, first);
    if broker.is_emulator() {
        // The emulator differs: it ignores flow control.
        assert_eq!(stream.receive(50).await?.len(), 50);
        return Ok(());
    }
    let held = stream.receive_for(Duration::from_millis(500)).await?;
    assert_eq!(held.len(), 5);
    acknowledge(broker, &subscription, &held[..2]).await?;
    let more = stream.receive_for(Duration::from_millis(500)).await?;
    assert_eq!(more.len(), 2, "as many as were acknowledged");
    nack(broker, &subscription, &held[2..]).await?;
    assert_eq!(stream.receive(3).await?.len(), 3, "as many as were given back");
    Ok(())
}

async fn a_stream_holds_no_more_bytes_than_it_asked_for(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let large = PubsubMessage { data: vec![7; 1000].into(), ..Default::default() };
    broker.publish(&topic, vec![large; 20]).await?;
    let first = StreamingPullRequest { max_outstanding_bytes: 4500, ..open_request(&subscription) };
    let mut stream = PullStream::open(broker, first);
    if broker.is_emulator() {
        // The emulator differs: it ignores flow control.
        assert_eq!(stream.receive(20).await?.len(), 20);
        return Ok(());
    }
    let held = stream.receive_for(Duration::from_millis(500)).await?;
    assert_eq!(held.len(), 5, "the one that passes the limit is the last");
    acknowledge(broker, &subscription, &held).await?;
    assert_eq!(stream.receive(5).await?.len(), 5);
    Ok(())
}
