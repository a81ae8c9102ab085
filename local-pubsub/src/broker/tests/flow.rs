//! Flow control, batches, and who is woken.

use super::{
    super::*,
    world::{World, message, plain, seconds},
};

fn limited(messages: u64, bytes: u64) -> StreamOptions {
    StreamOptions {
        max_outstanding_messages: messages,
        max_outstanding_bytes: bytes,
        ..StreamOptions::default()
    }
}

#[test]
fn a_stream_holds_no_more_messages_than_it_asked_for() {
    let mut world = World::new(plain());
    world.publish(&["a", "b", "c", "d", "e"]);
    let stream = world.open(limited(2, u64::MAX));
    let got = world.receive(&stream);
    assert_eq!(got.len(), 2);
    world.ack(&got[..1]);
    assert_eq!(world.broker.take_woken(), [stream.id()], "room came back");
    assert_eq!(world.receive_data(&stream), ["c"]);
    world.nack(&got[1..]);
    assert_eq!(world.receive_data(&stream), ["d"], "a nack makes room, too");
    world.pass(seconds(11));
    assert_eq!(world.receive(&stream).len(), 2, "and so does a deadline that passes");
}

#[test]
fn a_stream_holds_one_message_beyond_its_bytes_at_most() {
    let mut world = World::new(plain());
    world.publish(&["1234567890", "1234567890", "1234567890"]);
    let stream = world.open(limited(100, 15));
    assert_eq!(world.receive(&stream).len(), 2);
}

#[test]
fn a_message_larger_than_the_limit_is_delivered_alone() {
    let mut world = World::new(plain());
    world.publish(&["1234567890", "1"]);
    let stream = world.open(limited(100, 5));
    assert_eq!(world.receive(&stream).len(), 1);
}

#[test]
fn a_batch_stays_below_a_thousand_messages_and_a_megabyte() {
    let mut world = World::new(plain());
    for _ in 0..3 {
        world.publish(&["a"; 1000]);
    }
    let stream = world.stream();
    let batch = world.broker.next_batch(&stream, world.now).expect("the subscription").into_received();
    assert_eq!(batch.len(), 1000);
    world.receive(&stream);
    let large = "x".repeat(400_000);
    world.publish(&[&large, &large, &large]);
    let batch = world.broker.next_batch(&stream, world.now).expect("the subscription").into_received();
    assert_eq!(batch.len(), 2);
}

#[test]
fn publishing_wakes_a_parked_stream() {
    let mut world = World::new(plain());
    let stream = world.stream();
    assert!(world.receive(&stream).is_empty());
    assert!(world.broker.take_woken().is_empty());
    world.publish(&["a"]);
    assert_eq!(world.broker.take_woken(), [stream.id()]);
    world.publish(&["b"]);
    assert!(world.broker.take_woken().is_empty(), "it is awake");
    assert_eq!(world.receive_data(&stream), ["a", "b"]);
}

#[test]
fn work_goes_round_the_streams() {
    let mut world = World::new(plain());
    let streams = [world.stream(), world.stream(), world.stream()];
    for stream in &streams {
        assert!(world.receive(stream).is_empty());
    }
    let mut woken = Vec::new();
    for _ in 0..6 {
        world.publish(&["a"]);
        let called = world.broker.take_woken();
        let stream = streams.iter().find(|stream| called == [stream.id()]).expect("one of them is woken");
        assert_eq!(world.receive(stream).len(), 1);
        woken.push(stream.id());
    }
    assert_eq!(woken[..3], woken[3..]);
    assert_ne!(woken[0], woken[1]);
}

#[test]
fn a_large_backlog_wakes_several_streams() {
    let mut world = World::new(plain());
    let streams = [world.stream(), world.stream()];
    for stream in &streams {
        world.receive(stream);
    }
    world.publish(&["a"; 1000]);
    assert_eq!(world.broker.take_woken().len(), 2);
    let batch = world.broker.next_batch(&streams[0], world.now).expect("the subscription").into_received();
    assert_eq!(batch.len(), 500, "one leaves the other its share");
}

#[test]
fn a_full_stream_is_not_woken_for_what_it_cannot_take() {
    let mut world = World::new(plain());
    let (full, open) = (world.open(limited(1, u64::MAX)), world.stream());
    world.publish(&["a"]);
    assert_eq!(world.receive(&full).len(), 1);
    world.receive(&open);
    world.publish(&["b"]);
    assert_eq!(world.broker.take_woken(), [open.id()]);
}

#[test]
fn a_paused_or_closed_stream_leaves_its_work_to_others() {
    type Leave = fn(&mut World, &StreamHandle);
    let cases: [(&str, Leave); 2] = [
        ("paused", |world, stream| world.broker.pause_stream(stream, world.now)),
        ("closed", |world, stream| world.broker.close_stream(stream, world.now)),
    ];
    for (case, leave) in cases {
        let mut world = World::new(plain());
        let (leaver, other) = (world.stream(), world.stream());
        world.receive(&leaver);
        world.receive(&other);
        world.publish(&["a"]);
        assert_eq!(world.broker.take_woken(), [leaver.id()], "{case}");
        leave(&mut world, &leaver);
        assert_eq!(world.broker.take_woken(), [other.id()], "{case}");
        assert_eq!(world.receive_data(&other), ["a"], "{case}");
    }
}

#[test]
fn deleting_a_subscription_wakes_its_streams() {
    let mut world = World::new(plain());
    let stream = world.stream();
    world.receive(&stream);
    world.broker.delete_subscription(&world.subscription).expect("it exists");
    assert_eq!(world.broker.take_woken(), [stream.id()]);
}

#[test]
fn a_payload_is_shared_not_copied() {
    let mut world = World::new(plain());
    let sent = message("the same bytes", "");
    let address = sent.data.as_ptr();
    world.broker.publish(&world.topic, vec![sent], world.now).expect("room");
    let stream = world.stream();
    let batch = world.broker.next_batch(&stream, world.now).expect("the subscription").into_received();
    assert_eq!(batch[0].message.as_ref().map(|message| message.data.as_ptr()), Some(address));
}
