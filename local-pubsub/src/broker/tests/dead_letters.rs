//! Messages that keep failing.

use super::{
    super::*,
    world::{World, plain, seconds, topic_name},
};

fn policy() -> SubscriptionConfig {
    let policy = DeadLetterPolicy { topic: topic_name("dead"), max_delivery_attempts: 5 };
    SubscriptionConfig { dead_letter: Some(policy), ..plain() }
}

#[test]
fn a_message_is_dead_after_its_last_attempt() {
    for ordering in [false, true] {
        let mut world = World::new(SubscriptionConfig { ordering, ..policy() });
        let dead = world.subscribe_to("dead");
        let stream = world.stream();
        world.publish_keyed("k", &["bad", "good"]);
        for attempt in 1..=5 {
            let got = world.receive(&stream);
            let bad = got.iter().find(|got| got.data == "bad").expect("it comes back");
            assert_eq!(bad.attempt, attempt);
            if attempt % 2 == 0 {
                world.nack([bad]);
            } else {
                world.set_deadline(got.iter().filter(|got| got.data == "good"), seconds(600));
                world.pass(seconds(11));
            }
        }
        let letters = world.broker.next_batch(&dead, world.now).expect("the subscription").into_received();
        assert_eq!(letters.len(), 1, "ordering: {ordering}");
        let letter = letters[0].message.as_ref().expect("a message");
        assert_eq!(letter.data.as_ref(), b"bad");
        let attribute =
            |name: &str| letter.attributes.get(&format!("CloudPubSubDeadLetterSource{name}")).cloned();
        assert_eq!(attribute("DeliveryCount").as_deref(), Some("5"));
        assert_eq!(attribute("Subscription").as_deref(), Some("plays"));
        assert_eq!(attribute("SubscriptionProject").as_deref(), Some("tests"));
        assert_eq!(attribute("TopicPublishTime").as_deref(), Some("2023-11-14T22:13:20Z"));
        world.pass(seconds(700));
        assert!(world.receive_data(&stream).iter().all(|data| data == "good"), "ordering: {ordering}");
    }
}

#[test]
fn without_its_topic_a_dead_letter_is_delivered_on() {
    let mut world = World::new(policy());
    world.broker.delete_topic(&topic_name("dead")).expect("it exists");
    let stream = world.stream();
    world.publish(&["bad"]);
    for attempt in 1..=7 {
        let got = world.receive(&stream);
        assert_eq!(got[0].attempt, attempt);
        world.nack(&got);
    }
    world.broker.create_topic(&topic_name("dead"), TopicConfig::default()).expect("it was deleted");
    let dead = world.subscribe_to("dead");
    let got = world.receive(&stream);
    world.nack(&got);
    assert_eq!(world.receive_data(&dead), ["bad"]);
}
