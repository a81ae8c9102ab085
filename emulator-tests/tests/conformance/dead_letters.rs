//! Messages that keep failing.

use google_cloud_googleapis::pubsub::v1::{DeadLetterPolicy, Subscription};

use crate::{
    broker::{TestBroker, message},
    client::{PullStream, data, nack, pull},
};

crate::conformance!(a_message_is_forwarded_after_its_last_attempt);

async fn a_message_is_forwarded_after_its_last_attempt(broker: &TestBroker) -> anyhow::Result<()> {
    let dead = broker.create_topic("dead").await?;
    let letters = broker.subscription("letters");
    let wanted = Subscription { name: letters.clone(), topic: dead.clone(), ..Default::default() };
    broker.subscriber().create_subscription(wanted).await?;
    let policy = DeadLetterPolicy { dead_letter_topic: dead, max_delivery_attempts: 5 };
    let settings = Subscription { dead_letter_policy: Some(policy), ..Default::default() };
    let (topic, subscription) = broker.create_pair(settings).await?;
    let mut stream = PullStream::subscribe(broker, &subscription);
    broker.publish(&topic, vec![message("bad")]).await?;
    for attempt in 1..=5 {
        let received = stream.receive(1).await?;
        assert_eq!(received[0].delivery_attempt, attempt);
        nack(broker, &subscription, &received).await?;
    }
    let letter = pull(broker, &letters, 1).await?;
    assert_eq!(data(&letter), ["bad"]);
    let attributes = &letter[0].message.as_ref().expect("a message").attributes;
    let attribute =
        |name: &str| attributes.get(&format!("CloudPubSubDeadLetterSource{name}")).map(String::as_str);
    assert_eq!(attribute("DeliveryCount"), Some("5"));
    assert_eq!(attribute("Subscription"), Some("plays"));
    assert_eq!(attribute("SubscriptionProject"), Some(broker.project.as_str()));
    assert!(attribute("TopicPublishTime").is_some(), "{attributes:?}");
    broker.publish(&topic, vec![message("good")]).await?;
    assert_eq!(data(&stream.receive(1).await?), ["good"], "the other one is settled");
    Ok(())
}
