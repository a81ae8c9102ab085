//! Seeks, and what they can bring back.

use super::{
    super::*,
    world::{World, plain, seconds, subscription_name},
};

fn retaining() -> World {
    let topic = TopicConfig { retention: Some(seconds(600)), ..TopicConfig::default() };
    World::with_topic(topic, plain(), Limits::default())
}

/// Publishes `a`, `b` and `c` a minute apart, and returns when `b` was published.
fn publish_three(world: &mut World) -> UnixMillis {
    world.publish(&["a"]);
    world.pass(seconds(60));
    let middle = world.now.wall;
    world.publish(&["b"]);
    world.pass(seconds(60));
    world.publish(&["c"]);
    middle
}

#[test]
fn a_topic_that_retains_gives_acknowledged_messages_again() {
    let mut world = retaining();
    let middle = publish_three(&mut world);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.ack(&got);
    world.seek(middle);
    assert_eq!(world.receive_data(&stream), ["b", "c"]);
}

#[test]
fn a_new_subscription_can_reach_back_before_it_existed() {
    let mut world = retaining();
    let middle = publish_three(&mut world);
    let name = subscription_name("late");
    world.broker.create_subscription(&name, &world.topic, plain(), world.now).expect("a new subscription");
    let stream =
        world.broker.open_stream(&name, StreamOptions::default(), world.now).expect("the subscription");
    assert!(world.receive(&stream).is_empty());
    world.broker.seek(&name, middle, world.now).expect("the subscription");
    assert_eq!(world.broker.take_woken(), [stream.id()]);
    assert_eq!(world.receive_data(&stream), ["b", "c"]);
}

#[test]
fn a_topic_forgets_what_has_outlived_its_retention() {
    let mut world = retaining();
    world.publish(&["a"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.ack(&got);
    world.pass(seconds(601));
    world.seek(UnixMillis::default());
    assert!(world.receive(&stream).is_empty());
    assert_eq!(world.broker.retained_bytes(), 0);
}

#[test]
fn a_subscription_can_retain_what_it_acknowledged() {
    let mut world = World::new(SubscriptionConfig { retain_acked: true, retention: seconds(600), ..plain() });
    let middle = publish_three(&mut world);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.ack(&got);
    world.seek(middle);
    assert_eq!(world.receive_data(&stream), ["b", "c"]);
    world.seek(UnixMillis::default());
    assert_eq!(world.receive_data(&stream), ["a", "b", "c"], "and seek again, with b and c leased");
    world.pass(seconds(601));
    world.seek(UnixMillis::default());
    assert!(world.receive(&stream).is_empty());
}

#[test]
fn without_retention_a_seek_reaches_unacknowledged_messages_only() {
    for ordering in [false, true] {
        let mut world = World::new(SubscriptionConfig { ordering, ..plain() });
        let stream = world.stream();
        world.publish_keyed("k", &["a"]);
        let got = world.receive(&stream);
        world.ack(&got);
        world.publish_keyed("k", &["b"]);
        world.receive(&stream);
        world.publish_keyed("k", &["c"]);
        world.seek(UnixMillis::default());
        assert_eq!(world.receive_data(&stream), ["b", "c"], "ordering: {ordering}");
    }
}

#[test]
fn a_seek_to_the_future_purges() {
    let mut world = World::new(plain());
    world.publish(&["a", "b"]);
    let stream = world.stream();
    world.seek(UnixMillis::from_millis(world.now.wall.as_millis() + 1));
    assert!(world.receive(&stream).is_empty());
    assert_eq!(world.broker.retained_bytes(), 0);
    world.publish(&["c"]);
    assert_eq!(world.receive_data(&stream), ["c"]);
}

#[test]
fn acks_of_deliveries_before_a_seek_come_to_nothing() {
    let mut world = World::new(plain());
    world.publish(&["a"]);
    let stream = world.stream();
    let before = world.receive(&stream);
    world.seek(UnixMillis::default());
    world.ack(&before);
    assert_eq!(world.receive_data(&stream), ["a"]);
}

#[test]
fn an_unacknowledged_message_is_dropped_after_the_retention() {
    for ordering in [false, true] {
        let mut world = World::new(SubscriptionConfig { ordering, retention: seconds(600), ..plain() });
        world.publish_keyed("k", &["a"]);
        world.pass(seconds(300));
        world.publish_keyed("k", &["b"]);
        world.pass(seconds(301));
        let stream = world.stream();
        assert_eq!(world.receive_data(&stream), ["b"], "ordering: {ordering}");
    }
}
