//! What is no update, or an absurd one, on the sessions topic.

use std::sync::Arc;
use std::time::Duration;

use listening_together_proto::programme::MAX_SLOTS;
use listening_together_proto::{Slot, Timestamp, v1};
use prost::Message as _;
use session_api::clock::Clock;

use crate::broker::{Broker, slot_at_length};
use crate::fixtures::slot_from;
use crate::replica::{Replica, alone};

/// Stands in what is published and nowhere else.
const SECRET: &str = "never-to-be-logged";

/// What a slot takes that has more sessions than are of use, in bytes.
const FULL: usize = 600_000;

/// What a replica may take with whatever it was sent, in KiB.
const MEMORY: u64 = 400 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arbitrary_bytes_are_counted_and_harm_nothing() {
    let broker = Broker::start().await;
    let mut replica = Replica::start(broker.address, &[]).await;
    let good =
        v1::SessionsUpdate { slots: vec![(&slot_from(Clock::default().now(), 7)).into()] }.encode_to_vec();
    for index in 0_u8..100 {
        let mut data = SECRET.as_bytes().to_vec();
        data.extend(good.iter().map(|byte| byte.wrapping_mul(index).wrapping_add(index)));
        broker.publish(data).await;
        broker.publish(good[..good.len() - 1 - usize::from(index)].to_vec()).await;
    }
    replica.until_metric("session_api_updates_rejected_total 200").await;
    broker.announce_two(20).await;
    replica.until_latest_has("\"slot\":20").await;
    replica.until_metric("session_api_updates_received_total 201").await;
    let complaints = replica.log().matches("rejected a message").count();
    assert_eq!(complaints, 1, "once a minute:\n{}", replica.log());
    replica.assert_well(SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_times_are_refused_or_shown_as_they_are() {
    let broker = Broker::start().await;
    let mut replica = Replica::start(broker.address, &[]).await;
    let (now, end_of_time) = (Clock::default().now(), Timestamp::from_millis(253_402_300_799_999));
    let beginning = Timestamp::from_millis(-62_135_596_800_000);
    let mut long = slot_from(now, 20);
    (long.ends_at, long.number) = (end_of_time, u64::MAX);
    let window = &mut std::sync::Arc::make_mut(&mut long.sessions[0]).window;
    (window.start, window.end) = (beginning, end_of_time);
    broker
        .announce(&[
            slot_from(now + Duration::from_secs(660), 30),
            slot_from(end_of_time - Duration::from_secs(5), 31),
        ])
        .await;
    replica.until_metric("session_api_slots_received_total{outcome=\"refused\"} 2").await;
    broker.announce(&[slot_from(beginning + Duration::from_secs(4), 1)]).await;
    replica.until_latest_has("\"starts_at\":\"0001-01-01T00:00:04.000Z\"").await;
    broker.announce(&[long]).await;
    replica.until_latest_has("\"ends_at\":\"9999-12-31T23:59:59.999Z\"").await;
    broker.announce_two(21).await;
    replica.until_latest_has("\"current\":{\"slot\":21,").await;
    replica.assert_well(SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_of_10_mb_are_bounded() {
    const LARGE: usize = 9_900_000;
    let _alone = alone().await;
    let broker = Broker::start().await;
    let mut replica = Replica::start(broker.address, &[]).await;
    broker.announce(&[slot_from(Clock::default().now(), 20)]).await;
    replica.until_latest_has("\"slot\":20").await;
    let later = Clock::default().now() + Duration::from_secs(300);
    for round in 1..=4_u64 {
        let (now, number) = (Clock::default().now(), 100 * round);
        // A whole programme of slots ahead, each larger than is kept.
        let ahead = (0..MAX_SLOTS).map(|index| full_slot(later, index, round.try_into().unwrap()));
        for update in ahead.collect::<Vec<_>>().chunks(LARGE / FULL) {
            broker.announce(update).await;
        }
        // One session that is too large, many that are too many, and some that would burst.
        broker.announce(&[slot_at_length(now, number, LARGE)]).await;
        let mut many = slot_from(now + Duration::from_millis(1), number + 1);
        many.sessions = vec![many.sessions[0].clone(); LARGE / 700];
        broker.announce(&[many]).await;
        broker.publish([0x0a, 0].repeat(LARGE / 2)).await;
        replica.until_metric(&format!("session_api_updates_rejected_total {round}")).await;
        replica.until_latest_has(&format!("\"current\":{{\"slot\":{},", number + 1)).await;
        assert!(replica.memory() < MEMORY, "{} KiB after round {round}", replica.memory());
    }
    // The large ones, and those ahead for which there was no room.
    replica
        .until("refusals", async |replica| {
            replica.value("session_api_slots_received_total{outcome=\"refused\"}").await > 4.0
        })
        .await;
    replica.assert_well("xxxxxxxx");
}

/// One of the slots that start one after another from an instant on, of more sessions than are kept. It is
/// another one in each round.
fn full_slot(from: Timestamp, index: usize, round: u32) -> Slot {
    let number = 10_000 + u64::try_from(index).unwrap();
    let mut slot = slot_from(from + Duration::from_millis(number), number);
    Arc::make_mut(&mut slot.sessions[0]).listener_count = round;
    slot.sessions = vec![slot.sessions[0].clone(); FULL / 700];
    slot
}
