//! What replicas have to live under.

use std::time::Duration;

use local_pubsub::{Fault, FaultPlan, InvalidShare, Share};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::naive;

/// How many replicas there are; one fewer for the moment in which one is killed and another starts.
///
/// Half as many where they are not optimised: twelve would take more than two cores for their bodies, and a machine that keeps
/// everyone waiting judges nobody.
pub const REPLICAS: u32 = if cfg!(debug_assertions) { 6 } else { 12 };

/// The simulated regions, replicas in turn. To Pub/Sub a region is a part of a name.
pub const REGIONS: [&str; 3] = ["europe-west1", "us-central1", "asia-east1"];

/// The length of a slot, in milliseconds.
pub const SLOT_MS: i64 = 1000;

/// How long before its start a slot is announced, in milliseconds.
pub const LEAD_MS: i64 = 2000;

/// Half of all messages take longer to arrive.
pub const MEDIAN_DELAY: Duration = Duration::from_millis(120);

/// The standard deviation of the logarithm of the delay: one message in a hundred takes 0.4 s or longer.
pub const DELAY_SIGMA: f64 = 0.5;

/// So many messages take anything up to [`LONGEST_DELAY`] instead, evenly.
pub const LATE: f64 = 0.01;

/// The longest that a message takes.
pub const LONGEST_DELAY: Duration = Duration::from_secs(3);

/// So many messages never arrive; on Pub/Sub they would after the ack deadline of 10 s, long after their slots.
pub const LOST: f64 = 0.01;

/// Clocks are off by at most so much either way, in milliseconds: up to twice as much apart.
pub const CLOCK_OFFSET_MS: i64 = 10;

/// How often a replica is killed and another one added.
pub const CHURN_EVERY: Duration = Duration::from_secs(30);

/// When the first one is killed, from the beginning of the measurement.
pub const FIRST_CHURN: Duration = Duration::from_secs(15);

/// The subscriptions of replicas; see `session-api/src/subscription/name.rs`.
const REPLICA_SUBSCRIPTIONS: &str = "session-api-*";

/// How long is measured, and the seed of all that is left to chance.
///
/// Faults are drawn by the name of a subscription and the number of a message. The names have a random part, so that no
/// two runs are the same; the seed decides who is killed, and the clocks.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// How many slots are to be judged.
    pub slots: u32,
    /// The seed.
    pub seed: u64,
}

impl Conditions {
    /// What goes wrong between the sessions topic and those who subscribe to it. The plays are left alone.
    ///
    /// # Errors
    /// Never: the shares are constants.
    pub fn faults(&self) -> Result<FaultPlan, InvalidShare> {
        let delay = Fault::DelayMessages {
            median: MEDIAN_DELAY,
            sigma: DELAY_SIGMA,
            stalls: Share::new(LATE)?,
            at_most: LONGEST_DELAY,
        };
        let loss = Fault::LoseMessages { share: Share::new(LOST)? };
        let naive = format!("{}*", naive::SUBSCRIPTION);
        let plan = FaultPlan::seeded(self.seed);
        Ok([REPLICA_SUBSCRIPTIONS, &naive]
            .into_iter()
            .fold(plan, |plan, on| plan.with_on(on, delay).with_on(on, loss)))
    }

    /// The chance by which replicas are killed.
    #[must_use]
    pub fn chance(&self) -> StdRng {
        StdRng::seed_from_u64(self.seed)
    }
}

/// By how many milliseconds the clock of the `index`-th replica is ahead: the first ones are spread evenly over all that
/// is allowed, those that are added later are drawn.
pub fn clock_offset_ms(index: u32, chance: &mut StdRng) -> i64 {
    if index < REPLICAS {
        i64::from(index) * 2 * CLOCK_OFFSET_MS / i64::from(REPLICAS - 1) - CLOCK_OFFSET_MS
    } else {
        chance.random_range(-CLOCK_OFFSET_MS..=CLOCK_OFFSET_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_spread_over_all_that_is_allowed() {
        let mut chance = Conditions { slots: 1, seed: 1 }.chance();
        let offsets: Vec<_> = (0..1000).map(|index| clock_offset_ms(index, &mut chance)).collect();
        let first = &offsets[..REPLICAS as usize];
        assert_eq!((first[0], first[REPLICAS as usize - 1]), (-CLOCK_OFFSET_MS, CLOCK_OFFSET_MS));
        assert!(first.is_sorted());
        assert!(offsets.iter().all(|offset| offset.abs() <= CLOCK_OFFSET_MS));
    }

    #[test]
    fn faults_are_on_replicas_and_naive_servers_alike() {
        let plan = Conditions { slots: 1, seed: 7 }.faults().unwrap();
        let on = |name: &str| {
            let faults = plan.faults.iter().filter(|fault| fault.on.as_deref() == Some(name));
            faults.map(|planned| planned.fault).collect::<Vec<_>>()
        };
        assert_eq!(on("session-api-*"), on("naive-*"));
        assert_eq!((plan.seed, plan.faults.len()), (7, 4));
    }
}
