//! Who is hit.

use std::time::Duration;

use super::dice::Dice;
use super::plan::{Fault, FaultPlan, PlannedFault};

/// The faults of one moment of a plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decisions {
    seed: u64,
    /// Each with its place in the plan, so that two faults of one kind hit independently.
    active: Vec<(usize, PlannedFault)>,
}

impl Decisions {
    /// The faults that go on at `elapsed` since the plan was set; `None` when there are none.
    pub(crate) fn at(plan: &FaultPlan, elapsed: Duration) -> Option<Self> {
        let faults = plan.faults.iter().cloned().enumerate();
        let active: Vec<_> = faults.filter(|(_, planned)| planned.is_active(elapsed)).collect();
        (!active.is_empty()).then_some(Self { seed: plan.seed, active })
    }

    /// After which delays the copies of a message become deliverable to a subscription: usually one copy, at
    /// once; none when it is lost.
    pub(crate) fn copies(&self, subscription: &str, message: u64) -> Vec<Duration> {
        let lost = |dice: Dice, fault| matches!(fault, Fault::LoseMessages { share } if dice.of(message).hits(share));
        let twice =
            |dice: Dice, fault| matches!(fault, Fault::Duplicate { share } if dice.of(message).hits(share));
        if self.on(subscription).any(|(dice, fault)| lost(dice, fault)) {
            return Vec::new();
        }
        let duplicates = self.on(subscription).filter(|(dice, fault)| twice(*dice, *fault)).count();
        (0..=duplicates as u64).map(|copy| self.delay(subscription, message, copy)).collect()
    }

    /// Whether the acknowledgement of a delivery is passed over.
    pub(crate) fn loses_ack(&self, subscription: &str, delivery: u64) -> bool {
        self.on(subscription)
            .any(|(dice, fault)| matches!(fault, Fault::LoseAcks { share } if dice.of(delivery).hits(share)))
    }

    /// Whether the `call`-th Publish fails.
    pub(crate) fn refuses_publish(&self, topic: &str, call: u64) -> bool {
        self.on(topic)
            .any(|(dice, fault)| matches!(fault, Fault::RefusePublish { share } if dice.of(call).hits(share)))
    }

    /// Whether callers have no right to a topic or subscription.
    pub(crate) fn denies_permission(&self, resource: &str) -> bool {
        self.on(resource).any(|(_, fault)| fault == Fault::DenyPermission)
    }

    /// Whether a stream delivers nothing.
    pub(crate) fn stalls(&self, subscription: &str, stream: u64) -> bool {
        self.on(subscription).any(
            |(dice, fault)| matches!(fault, Fault::StallStreams { share } if dice.of(stream).hits(share)),
        )
    }

    /// How long a stream lives; `None` when it is not reset.
    pub(crate) fn stream_life(&self, subscription: &str, stream: u64) -> Option<Duration> {
        let lives = self.on(subscription).filter_map(|(dice, fault)| match fault {
            Fault::ResetStreams { mean_life } => Some(dice.of(stream).exponential(mean_life)),
            _ => None,
        });
        lives.min()
    }

    /// Whether the port is closed.
    pub(crate) fn refuses_connections(&self) -> bool {
        self.active.iter().any(|(_, planned)| planned.fault == Fault::RefuseConnections)
    }

    /// Whether a redelivery storm breaks out on a subscription that had not `before`.
    pub(crate) fn begins_storm(&self, before: Option<&Self>, subscription: &str) -> bool {
        let raged =
            |index| before.is_some_and(|before| before.active.iter().any(|(known, _)| *known == index));
        self.active.iter().any(|(index, planned)| {
            planned.fault == Fault::RedeliverAll && planned.is_on(subscription) && !raged(*index)
        })
    }

    fn delay(&self, subscription: &str, message: u64, copy: u64) -> Duration {
        let delays = self.on(subscription).map(|(dice, fault)| {
            let dice = dice.of(message).of(copy);
            match fault {
                Fault::DelayMessages { stalls, at_most, .. } if dice.hits(stalls) => {
                    dice.of(0).evenly(at_most)
                }
                Fault::DelayMessages { median, sigma, at_most, .. } => dice.lognormal(median, sigma, at_most),
                Fault::Reorder { share, within } if dice.hits(share) => dice.of(0).evenly(within),
                _ => Duration::ZERO,
            }
        });
        delays.fold(Duration::ZERO, Duration::saturating_add)
    }

    fn on(&self, resource: &str) -> impl Iterator<Item = (Dice, Fault)> {
        let here = self.active.iter().filter(move |(_, planned)| planned.is_on(resource));
        here.map(move |(index, planned)| (Dice::new(self.seed, *index, resource), planned.fault))
    }
}
