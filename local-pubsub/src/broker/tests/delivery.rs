//! Publishing, leases, acknowledgement and redelivery.

use std::time::Duration;

use super::{
    super::*,
    world::{World, message, plain, seconds, subscription_name, topic_name},
};

#[test]
fn ids_are_decimal_numbers_that_grow() {
    let mut world = World::new(plain());
    let first = world.publish(&["a", "b"]);
    let second = world.publish(&["c"]);
    let numbers: Vec<u64> = first.iter().chain(&second).map(|id| id.parse().expect("decimal")).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[test]
fn a_message_carries_its_id_and_publish_time() {
    let mut world = World::new(plain());
    let ids = world.publish(&["a"]);
    let stream = world.stream();
    let batch = world.broker.next_batch(&stream, world.now).expect("the subscription").into_received();
    let message = batch[0].message.as_ref().expect("a message");
    assert_eq!(message.message_id, ids[0]);
    assert_eq!(message.publish_time.map(|at| at.seconds), Some(1_700_000_000));
    assert_eq!(batch[0].delivery_attempt, 0, "no dead-letter policy");
}

#[test]
fn an_acknowledged_message_never_comes_back() {
    let mut world = World::new(plain());
    world.publish(&["a", "b"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.ack(&got);
    world.pass(seconds(3600));
    assert!(world.receive(&stream).is_empty());
    assert_eq!(world.broker.retained_bytes(), 0);
}

#[test]
fn a_message_comes_back_when_its_deadline_passes() {
    let mut world = World::new(plain());
    world.publish(&["a"]);
    let stream = world.stream();
    let first = world.receive(&stream);
    world.pass(seconds(9));
    assert!(world.receive(&stream).is_empty(), "still leased");
    world.pass(seconds(2));
    let second = world.receive(&stream);
    assert_eq!(second[0].data, "a");
    assert_ne!(second[0].ack_id, first[0].ack_id, "every delivery has an ack id of its own");
    world.ack(&first);
    world.pass(seconds(11));
    assert_eq!(world.receive_data(&stream), ["a"], "the ack of an ended delivery settles nothing");
}

#[test]
fn an_extension_counts_from_when_it_was_asked_for() {
    let mut world = World::new(plain());
    world.publish(&["a"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    for _ in 0..5 {
        world.pass(seconds(8));
        world.set_deadline(&got, seconds(10));
    }
    assert!(world.receive(&stream).is_empty());
    world.set_deadline(&got, seconds(1));
    world.pass(seconds(2));
    assert_eq!(world.receive_data(&stream), ["a"], "a shorter deadline holds, too");
}

#[test]
fn a_nacked_message_comes_back_at_once() {
    let mut world = World::new(plain());
    world.publish(&["a", "b"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.nack(&got[..1]);
    assert_eq!(world.receive_data(&stream), ["a"]);
}

#[test]
fn a_closed_stream_gives_nothing_back_before_the_deadline() {
    let mut world = World::new(plain());
    world.publish(&["a", "b"]);
    let (first, second) = (world.stream(), world.stream());
    let got = world.receive(&first);
    world.broker.close_stream(&first, world.now);
    assert!(world.receive(&second).is_empty());
    world.ack(&got[..1]);
    world.pass(seconds(11));
    assert_eq!(world.receive_data(&second), ["b"], "what was acknowledged after the close is settled");
}

#[test]
fn a_streams_own_deadline_beats_the_subscriptions() {
    let mut world = World::new(plain());
    world.publish(&["a"]);
    let stream = world.open(StreamOptions { ack_deadline: Some(seconds(60)), ..StreamOptions::default() });
    world.receive(&stream);
    world.pass(seconds(59));
    assert!(world.receive(&stream).is_empty());
    world.pass(seconds(2));
    assert_eq!(world.receive(&stream).len(), 1);
    world.broker.set_stream_deadline(&stream, seconds(10), world.now);
    world.pass(seconds(61));
    assert_eq!(world.receive(&stream).len(), 1);
    world.pass(seconds(11));
    assert_eq!(world.receive(&stream).len(), 1, "a later request of the stream can change it");
}

#[test]
fn every_subscription_gets_every_message() {
    let mut world = World::new(plain());
    let name = subscription_name("second");
    world.broker.create_subscription(&name, &world.topic, plain(), world.now).expect("a new subscription");
    world.publish(&["a", "b"]);
    let first = world.stream();
    let second =
        world.broker.open_stream(&name, StreamOptions::default(), world.now).expect("the subscription");
    assert_eq!(world.receive_data(&first), ["a", "b"]);
    assert_eq!(world.receive_data(&second), ["a", "b"]);
}

#[test]
fn a_subscription_gets_what_is_published_after_it_exists() {
    let mut world = World::new(plain());
    world.broker.publish(&topic_name("dead"), vec![message("before", "")], world.now).expect("the topic");
    let stream = world.subscribe_to("dead");
    world.broker.publish(&topic_name("dead"), vec![message("after", "")], world.now).expect("the topic");
    assert_eq!(world.receive_data(&stream), ["after"]);
}

#[test]
fn a_retry_policy_backs_off() {
    let retry = Some(RetryPolicy { minimum: seconds(2), maximum: seconds(5) });
    let mut world = World::new(SubscriptionConfig { retry, ..plain() });
    world.publish(&["a"]);
    let stream = world.stream();
    for wait in [2, 4, 5, 5] {
        let got = world.receive(&stream);
        assert_eq!(got.len(), 1, "before a wait of {wait} s");
        world.nack(&got);
        world.pass(seconds(wait) - Duration::from_millis(1));
        assert!(world.receive(&stream).is_empty(), "a millisecond before {wait} s");
        world.pass(Duration::from_millis(1));
    }
}

#[test]
fn ack_ids_of_another_subscription_are_refused() {
    let mut world = World::new(plain());
    let name = subscription_name("second");
    world.broker.create_subscription(&name, &world.topic, plain(), world.now).expect("a new subscription");
    world.publish(&["a"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    let refused = world.broker.acknowledge(&name, &[got[0].ack_id], world.now);
    assert!(matches!(refused, Err(BrokerError::InvalidArgument(_))), "{refused:?}");
}

#[test]
fn ack_ids_of_a_deleted_subscription_of_the_same_name_are_passed_over() {
    let mut world = World::new(plain());
    world.publish(&["a"]);
    let stream = world.stream();
    let old = world.receive(&stream);
    let (name, topic) = (world.subscription.clone(), world.topic.clone());
    world.broker.delete_subscription(&name).expect("it exists");
    assert!(world.broker.next_batch(&stream, world.now).is_err(), "its streams end");
    world.broker.create_subscription(&name, &topic, plain(), world.now).expect("a new subscription");
    assert!(world.broker.next_batch(&stream, world.now).is_err(), "an old stream does not see the new one");
    world.publish(&["b"]);
    world.ack(&old);
    let stream = world.stream();
    assert_eq!(world.receive_data(&stream), ["b"]);
}
