//! The bound on memory.

use super::{
    super::*,
    world::{World, message, plain, seconds},
};

/// Room for two messages of one byte with a key of one byte.
const TWO: Limits = Limits { max_retained_bytes: 2 * 258 };

#[test]
fn a_full_broker_refuses_to_publish_until_there_is_room() {
    let mut world = World::with_topic(TopicConfig::default(), plain(), TWO);
    world.publish(&["a", "b"]);
    let refused = world.broker.publish(&world.topic, vec![message("c", "")], world.now);
    assert_eq!(refused, Err(BrokerError::Full { retained: 514, limit: 516 }));
    let stream = world.stream();
    let got = world.receive(&stream);
    world.ack(&got[..1]);
    world.publish(&["c"]);
    assert_eq!(world.receive_data(&stream), ["c"]);
}

#[test]
fn a_refused_call_publishes_nothing() {
    let mut world = World::with_topic(TopicConfig::default(), plain(), TWO);
    let three = ["a", "b", "c"].map(|data| message(data, "")).to_vec();
    assert!(world.broker.publish(&world.topic, three, world.now).is_err());
    let stream = world.stream();
    assert!(world.receive(&stream).is_empty());
}

#[test]
fn a_message_counts_once_however_many_subscriptions_hold_it() {
    let mut world = World::with_topic(TopicConfig::default(), plain(), TWO);
    for id in ["second", "third"] {
        let name = super::world::subscription_name(id);
        world
            .broker
            .create_subscription(&name, &world.topic, plain(), world.now)
            .expect("a new subscription");
    }
    world.publish(&["a", "b"]);
    assert_eq!(world.broker.retained_bytes(), 514);
}

#[test]
fn nothing_is_retained_that_nobody_hears() {
    let mut world = World::new(plain());
    world.broker.delete_subscription(&world.subscription).expect("it exists");
    world.publish(&["a"]);
    assert_eq!(world.broker.retained_bytes(), 0);
}

#[test]
fn outlived_messages_make_room() {
    for ordering in [false, true] {
        let config = SubscriptionConfig { retention: seconds(600), ordering, ..plain() };
        let mut world = World::with_topic(TopicConfig::default(), config, TWO);
        world.publish_keyed("k", &["a", "b"]);
        world.pass(seconds(601));
        world.publish(&["c", "d"]);
        let stream = world.stream();
        assert_eq!(world.receive_data(&stream), ["c", "d"], "ordering: {ordering}");
    }
}
