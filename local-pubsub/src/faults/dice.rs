//! Chance as a pure function: a hash of all that a decision is about.

use std::time::Duration;

use rand::{SeedableRng as _, rngs::StdRng};
use rand_distr::{Distribution as _, StandardNormal};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::plan::Share;

/// A throw that is the same whenever it is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Of one fault (by its place in the plan) on one topic or subscription.
    pub(super) fn new(seed: u64, fault: usize, resource: &str) -> Self {
        Self(xxh3_64_with_seed(resource.as_bytes(), seed)).of(fault as u64)
    }

    /// The throw for the `number`-th of its cases; independent of those for the others.
    pub(super) fn of(self, number: u64) -> Self {
        Self(xxh3_64_with_seed(&number.to_le_bytes(), self.0))
    }

    /// Whether this case is among the share.
    pub(super) fn hits(self, share: Share) -> bool {
        self.uniform() < share.get()
    }

    /// Anything from zero up to `most`.
    pub(super) fn evenly(self, most: Duration) -> Duration {
        most.mul_f64(self.uniform())
    }

    /// A life of an exponential distribution.
    pub(super) fn exponential(self, mean: Duration) -> Duration {
        // At most 37 times the mean: a uniform number is below 1 by 2^-53 at least.
        mean.mul_f64(-(1.0 - self.uniform()).ln())
    }

    /// A time of a lognormal distribution.
    pub(super) fn lognormal(self, median: Duration, sigma: f64, at_most: Duration) -> Duration {
        let normal: f64 = StandardNormal.sample(&mut StdRng::seed_from_u64(self.0));
        let seconds = median.as_secs_f64() * (sigma * normal).exp();
        Duration::try_from_secs_f64(seconds).map_or(at_most, |delay| delay.min(at_most))
    }

    /// From 0 inclusive to 1 exclusive, in steps of 2^-53: the precision of a double.
    fn uniform(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
