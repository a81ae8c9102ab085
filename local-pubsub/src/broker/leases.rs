//! Messages that a subscriber holds: who has them, and until when.

use std::{sync::Arc, time::Duration};

use hashbrown::HashMap;

use super::{
    deadlines::{Deadlines, Tick},
    message::Message,
    streams::StreamId,
    time::Monotonic,
};

/// The number of one delivery of one message within its subscription; the heart of an ack id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub(crate) u64);

/// One delivery that is neither acknowledged nor given back.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) message: Arc<Message>,
    /// Earlier deliveries that were nacked or ran out.
    pub(crate) failures: u32,
    pub(crate) stream: StreamId,
    deadline: Monotonic,
    /// The earliest tick that will look at this lease. An extension moves `deadline` only; the tick finds
    /// that out.
    tick: Tick,
}

/// The leases of a subscription by delivery.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    by_delivery: HashMap<DeliveryId, Lease>,
    deadlines: Deadlines<DeliveryId>,
    deliveries: u64,
}

impl Leases {
    /// Leases a message to a stream until `deadline`, under a new delivery id.
    pub(crate) fn grant(
        &mut self,
        message: Arc<Message>,
        failures: u32,
        stream: StreamId,
        deadline: Monotonic,
    ) -> DeliveryId {
        self.deliveries += 1;
        let delivery = DeliveryId(self.deliveries);
        let tick = Tick::at(deadline);
        self.by_delivery.insert(delivery, Lease { message, failures, stream, deadline, tick });
        self.deadlines.schedule(tick, delivery);
        delivery
    }

    /// Ends a lease; `None` when it has ended already.
    pub(crate) fn end(&mut self, delivery: DeliveryId) -> Option<Lease> {
        let lease = self.by_delivery.remove(&delivery)?;
        if self.deadlines.is_mostly_stale(self.by_delivery.len()) {
            self.rebuild();
        }
        Some(lease)
    }

    /// Lets a lease run for `span` from `now` on, whether that is more or less than it had left.
    pub(crate) fn extend(&mut self, delivery: DeliveryId, now: Monotonic, span: Duration) {
        let Some(lease) = self.by_delivery.get_mut(&delivery) else { return };
        lease.deadline = now.after(span);
        let tick = Tick::at(lease.deadline);
        if tick < lease.tick {
            lease.tick = tick;
            self.deadlines.schedule(tick, delivery);
        }
    }

    /// Deliveries whose deadline has passed, oldest deadline first. They stay leased until ended.
    pub(crate) fn run_out(&mut self, now: Monotonic) -> Vec<DeliveryId> {
        let mut out = Vec::new();
        while let Some((tick, mut deliveries)) = self.deadlines.pop_due(now) {
            // A rebuild may have mixed them; redelivery keeps the order of delivery.
            deliveries.sort_unstable();
            for delivery in deliveries {
                let Some(lease) = self.by_delivery.get_mut(&delivery) else { continue };
                if lease.deadline <= now {
                    out.push(delivery);
                } else if lease.tick == tick {
                    lease.tick = Tick::at(lease.deadline);
                    self.deadlines.schedule(lease.tick, delivery);
                }
            }
        }
        out
    }

    /// All deliveries that are leased, oldest first.
    pub(crate) fn deliveries(&self) -> Vec<DeliveryId> {
        let mut all: Vec<_> = self.by_delivery.keys().copied().collect();
        all.sort_unstable();
        all
    }

    /// When [`run_out`](Self::run_out) may find something next.
    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.deadlines.next()
    }

    /// Ends every lease and hands them over.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Lease> + '_ {
        self.deadlines.clear();
        self.by_delivery.drain().map(|(_, lease)| lease)
    }

    fn rebuild(&mut self) {
        self.deadlines.clear();
        for (delivery, lease) in &mut self.by_delivery {
            lease.tick = Tick::at(lease.deadline);
            self.deadlines.schedule(lease.tick, *delivery);
        }
    }
}
