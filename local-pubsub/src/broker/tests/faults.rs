//! What planned faults do to messages and leases.

use super::{super::*, world::*};
use crate::faults::{Fault, FaultPlan, Share};

impl World {
    fn suffer(&mut self, fault: Option<Fault>) {
        let faults = fault.map(|fault| FaultPlan::seeded(1).with(fault)).unwrap_or_default();
        self.broker.set_faults(Decisions::at(&faults, Duration::ZERO).map(Arc::new), self.now);
    }
}

#[test]
fn a_lost_message_never_comes() {
    let mut world = World::new(plain());
    let stream = world.stream();
    world.suffer(Some(Fault::LoseMessages { share: Share::ALL }));
    world.publish(&["lost"]);
    world.suffer(None);
    world.publish(&["found"]);
    assert_eq!(world.receive_data(&stream), ["found"]);
    world.pass(seconds(3600));
    assert_eq!(world.receive_data(&stream), ["found"], "only the other one comes back");
}

#[test]
fn a_doubled_message_has_to_be_acknowledged_twice() {
    let mut world = World::new(plain());
    let stream = world.stream();
    world.suffer(Some(Fault::Duplicate { share: Share::ALL }));
    world.publish(&["twin"]);
    let twins = world.receive(&stream);
    assert_eq!(twins.iter().map(|got| got.data.as_str()).collect::<Vec<_>>(), ["twin", "twin"]);
    assert_ne!(twins[0].ack_id, twins[1].ack_id);
    world.ack(&twins[..1]);
    world.pass(seconds(11));
    let again = world.receive(&stream);
    assert_eq!(again.len(), 1);
    world.ack(&again);
    world.pass(seconds(11));
    assert_eq!(world.receive(&stream), []);
}

#[test]
fn a_delayed_message_comes_at_its_time() {
    let mut world = World::new(plain());
    let stream = world.stream();
    let fault =
        Fault::DelayMessages { median: seconds(3), sigma: 0.0, stalls: Share::NONE, at_most: seconds(9) };
    world.suffer(Some(fault));
    world.publish(&["slow"]);
    world.suffer(None);
    world.publish(&["quick"]);
    world.pass(Duration::from_millis(2999));
    let quick = world.receive(&stream);
    assert_eq!(quick.len(), 1);
    assert_eq!(quick[0].data, "quick");
    world.pass(Duration::from_millis(1));
    assert_eq!(world.receive_data(&stream), ["slow"]);
}

#[test]
fn the_order_of_a_key_is_kept() {
    let mut world = World::new(SubscriptionConfig { ordering: true, ..plain() });
    let stream = world.stream();
    world.suffer(Some(Fault::Reorder { share: Share::ALL, within: seconds(1) }));
    world.publish_keyed("key", &["1", "2", "3"]);
    assert_eq!(world.receive_data(&stream), ["1", "2", "3"]);
}

#[test]
fn later_messages_overtake_those_that_are_held_back() {
    let mut world = World::new(plain());
    let stream = world.stream();
    world.suffer(Some(Fault::Reorder { share: Share::ALL, within: seconds(1) }));
    let sent: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    world.publish(&sent.iter().map(String::as_str).collect::<Vec<_>>());
    world.pass(seconds(1));
    let mut came = world.receive_data(&stream);
    assert_ne!(came, sent);
    came.sort_by_key(|data| data.parse::<u32>().ok());
    assert_eq!(came, sent);
}

#[test]
fn a_storm_brings_back_what_is_leased() {
    let mut world = World::new(plain());
    let stream = world.stream();
    world.publish(&["one", "two"]);
    let first = world.receive(&stream);
    world.ack(&first[..1]);
    world.suffer(Some(Fault::RedeliverAll));
    assert_eq!(world.receive_data(&stream), ["two"]);
    world.ack(&first[1..]);
    world.pass(seconds(11));
    assert_eq!(world.receive_data(&stream), ["two"], "the lease of the first delivery has ended");
}
