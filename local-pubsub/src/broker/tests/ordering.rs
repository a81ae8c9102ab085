//! Ordering keys.

use super::{
    super::*,
    world::{Got, World, plain, seconds},
};

fn ordered() -> SubscriptionConfig {
    SubscriptionConfig { ordering: true, ..plain() }
}

fn data(got: &[Got]) -> Vec<&str> {
    got.iter().map(|got| got.data.as_str()).collect()
}

#[test]
fn a_key_is_delivered_in_the_order_of_publishing() {
    let mut world = World::new(ordered());
    world.publish_keyed("k", &["1", "2", "3"]);
    let stream = world.stream();
    assert_eq!(world.receive_data(&stream), ["1", "2", "3"]);
}

#[test]
fn a_nack_brings_back_the_message_and_all_later_ones_of_its_key() {
    let mut world = World::new(ordered());
    world.publish_keyed("k", &["1", "2", "3", "4", "5"]);
    world.publish_keyed("other", &["a"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.ack(&got[..1]);
    world.ack(&got[3..4]);
    world.nack(&got[2..3]);
    let again = world.receive(&stream);
    assert_eq!(data(&again), ["3", "4", "5"], "4 although it was acknowledged; the other key is left alone");
    world.ack(&got[4..5]);
    world.ack(&got[1..2]);
    world.ack(&again);
    world.ack(&got[5..]);
    world.pass(seconds(60));
    assert!(world.receive(&stream).is_empty());
    assert_eq!(world.broker.retained_bytes(), 0);
}

#[test]
fn a_deadline_that_passes_counts_as_a_nack() {
    let mut world = World::new(ordered());
    world.publish_keyed("k", &["1", "2", "3"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.set_deadline(got.iter().filter(|got| got.data != "2"), seconds(600));
    world.pass(seconds(11));
    assert_eq!(world.receive_data(&stream), ["2", "3"]);
}

#[test]
fn a_key_stays_with_the_stream_that_holds_it() {
    let mut world = World::new(ordered());
    let (first, second) = (world.stream(), world.stream());
    world.publish_keyed("k", &["1"]);
    let got = world.receive(&first);
    world.receive(&second);
    world.broker.take_woken();
    world.publish_keyed("k", &["2"]);
    assert_eq!(
        world.broker.take_woken(),
        [first.id()],
        "its owner is called, though the other is idle longer"
    );
    assert!(world.receive(&second).is_empty());
    let more = world.receive(&first);
    assert_eq!(data(&more), ["2"]);
    world.ack(&got);
    world.ack(&more);
    world.publish_keyed("k", &["3"]);
    assert_eq!(world.receive_data(&second), ["3"], "a settled key is anyone's");
}

#[test]
fn a_full_owner_is_woken_for_its_own_key_when_it_gets_room() {
    let mut world = World::new(ordered());
    let two = StreamOptions { max_outstanding_messages: 2, ..StreamOptions::default() };
    let owner = world.open(two);
    world.publish_keyed("k", &["1"]);
    world.receive(&owner);
    world.publish(&["without a key"]);
    let other = world.receive(&owner);
    world.broker.take_woken();
    world.publish_keyed("k", &["2"]);
    assert!(world.broker.take_woken().is_empty(), "it is full");
    world.ack(&other);
    assert_eq!(world.broker.take_woken(), [owner.id()]);
    assert_eq!(world.receive_data(&owner), ["2"]);
}

#[test]
fn a_key_of_a_closed_stream_moves_on_when_its_leases_end() {
    let mut world = World::new(ordered());
    let (first, second) = (world.stream(), world.stream());
    world.publish_keyed("k", &["1", "2"]);
    let got = world.receive(&first);
    world.publish_keyed("k", &["3"]);
    world.receive(&second);
    world.broker.close_stream(&first, world.now);
    assert!(world.receive(&second).is_empty(), "1 and 2 are still out");
    world.ack(&got[..1]);
    world.pass(seconds(11));
    assert_eq!(world.receive_data(&second), ["2", "3"]);
}

#[test]
fn a_pull_gets_no_more_of_a_key_while_messages_of_it_are_out() {
    let mut world = World::new(ordered());
    world.publish_keyed("k", &["1", "2", "3"]);
    let one = StreamOptions { max_outstanding_messages: 1, ..StreamOptions::default() };
    let first = world.open(one);
    let got = world.receive(&first);
    world.broker.close_stream(&first, world.now);
    let second = world.stream();
    assert!(world.receive(&second).is_empty());
    world.ack(&got);
    assert_eq!(world.receive_data(&second), ["2", "3"]);
}

#[test]
fn a_retry_policy_holds_back_the_whole_key() {
    let retry = Some(RetryPolicy { minimum: seconds(2), maximum: seconds(5) });
    let mut world = World::new(SubscriptionConfig { retry, ..ordered() });
    world.publish_keyed("k", &["1", "2"]);
    world.publish_keyed("other", &["a"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.nack(&got[..1]);
    world.publish_keyed("k", &["3"]);
    assert!(world.receive(&stream).is_empty());
    world.pass(seconds(2));
    assert_eq!(world.receive_data(&stream), ["1", "2", "3"]);
}

#[test]
fn without_ordering_a_key_means_nothing() {
    let mut world = World::new(plain());
    world.publish_keyed("k", &["1", "2"]);
    let (first, second) = (
        world.open(StreamOptions { max_outstanding_messages: 1, ..StreamOptions::default() }),
        world.stream(),
    );
    let got = world.receive(&first);
    assert_eq!((got[0].key.as_str(), data(&got)), ("k", vec!["1"]));
    assert_eq!(world.receive_data(&second), ["2"]);
}

#[test]
fn messages_without_a_key_have_no_order_to_keep() {
    let mut world = World::new(ordered());
    world.publish(&["1", "2", "3"]);
    let stream = world.stream();
    let got = world.receive(&stream);
    world.nack(&got[..1]);
    assert_eq!(world.receive_data(&stream), ["1"]);
}
