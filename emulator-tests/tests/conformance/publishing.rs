//! Publish, and its limits.

use google_cloud_googleapis::pubsub::v1::{PublishRequest, PubsubMessage, Subscription};
use tonic::Code;

use crate::{
    broker::{TestBroker, message, numbered},
    client::{PullStream, acknowledge},
};

crate::conformance!(
    a_message_arrives_as_it_was_published,
    ids_are_decimal_and_grow,
    every_subscription_gets_every_message,
    nine_megabytes_arrive,
    limits_are_enforced,
    a_missing_topic_is_not_found,
);

async fn a_message_arrives_as_it_was_published(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let sent = PubsubMessage {
        attributes: [("a".to_owned(), "1".to_owned()), ("ä".to_owned(), "ö".to_owned())].into(),
        ordering_key: "key".to_owned(),
        data: vec![0, 1, 2, 255].into(),
        ..Default::default()
    };
    let ids = broker.publish(&topic, vec![sent.clone()]).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    let received = stream.receive(1).await?;
    assert_eq!(received[0].delivery_attempt, 0, "there is no dead-letter policy");
    assert!(!received[0].ack_id.is_empty());
    let arrived = received[0].message.clone().expect("a message");
    assert_eq!(vec![arrived.message_id.clone()], ids);
    assert!(arrived.publish_time.is_some_and(|at| at.seconds > 1_700_000_000), "{:?}", arrived.publish_time);
    assert_eq!(PubsubMessage { message_id: String::new(), publish_time: None, ..arrived }, sent);
    acknowledge(broker, &subscription, &received).await?;
    Ok(())
}

async fn ids_are_decimal_and_grow(broker: &TestBroker) -> anyhow::Result<()> {
    let topic = broker.create_topic("plays").await?;
    let mut ids = broker.publish(&topic, numbered(1, 3, "")).await?;
    ids.extend(broker.publish(&topic, numbered(4, 6, "")).await?);
    let numbers = ids.iter().map(|id| id.parse()).collect::<Result<Vec<u64>, _>>()?;
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    Ok(())
}

async fn every_subscription_gets_every_message(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, first) = broker.create_pair(Subscription::default()).await?;
    let second = broker.subscription("second");
    let wanted = Subscription { name: second.clone(), topic: topic.clone(), ..Default::default() };
    broker.subscriber().create_subscription(wanted).await?;
    broker.publish(&topic, numbered(1, 20, "")).await?;
    for subscription in [first, second] {
        let mut stream = PullStream::subscribe(broker, &subscription);
        let received = stream.receive(20).await?;
        let expected: Vec<String> = (1..=20).map(|number: u32| number.to_string()).collect();
        assert_eq!(crate::client::sorted(&received), expected);
    }
    Ok(())
}

async fn nine_megabytes_arrive(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    let large = PubsubMessage { data: vec![7; 9_000_000].into(), ..Default::default() };
    broker.publish(&topic, vec![large.clone()]).await?;
    let received = stream.receive(1).await?;
    let arrived = received[0].message.as_ref().map(|message| message.data.clone());
    assert_eq!(arrived, Some(large.data));
    acknowledge(broker, &subscription, &received).await?;
    Ok(())
}

async fn limits_are_enforced(broker: &TestBroker) -> anyhow::Result<()> {
    let topic = broker.create_topic("plays").await?;
    let attribute = |key: usize, value: usize| PubsubMessage {
        attributes: [("k".repeat(key), "v".repeat(value))].into(),
        ..message("x")
    };
    // The second says whether the emulator differs and takes it.
    let cases = [
        ("no message", false, vec![]),
        ("an empty message", false, vec![PubsubMessage::default()]),
        ("1001 messages", false, vec![message("x"); 1001]),
        ("an attribute key of 257 bytes", true, vec![attribute(257, 1)]),
        ("an attribute value of 1025 bytes", true, vec![attribute(1, 1025)]),
        ("an ordering key of 1025 bytes", true, numbered(1, 1, &"k".repeat(1025))),
    ];
    for (case, emulator_differs, messages) in cases {
        let answer = broker.publisher().publish(PublishRequest { topic: topic.clone(), messages }).await;
        if emulator_differs && broker.is_emulator() {
            assert!(answer.is_ok(), "{case}");
        } else {
            assert_eq!(answer.expect_err(case).code(), Code::InvalidArgument, "{case}");
        }
    }
    broker.publish(&topic, vec![message("x"); 1000]).await?;
    Ok(())
}

async fn a_missing_topic_is_not_found(broker: &TestBroker) -> anyhow::Result<()> {
    let request = PublishRequest { topic: broker.topic("missing"), messages: vec![message("x")] };
    let refused = broker.publisher().publish(request).await.expect_err("no such topic");
    assert_eq!(refused.code(), Code::NotFound);
    Ok(())
}
