//! How many plays are due: a rate kept against the clock, not by a wait between messages.

use std::time::Duration;

/// A clock of tokens. It catches up after a short stall, and lets go of what it missed in a long one.
#[derive(Clone, Debug)]
pub struct Pace {
    per_second: f64,
    /// Tokens given out or let go so far.
    settled: u64,
    skipped: u64,
    /// The most that are due at once.
    burst: u64,
}

impl Pace {
    /// How much of the past is caught up on.
    pub const CATCH_UP: Duration = Duration::from_millis(250);

    /// `per_second` plays a second; not a number and below 0 mean none.
    #[must_use]
    pub fn per_second(per_second: f64) -> Self {
        let per_second = if per_second.is_finite() { per_second.max(0.0) } else { 0.0 };
        let burst = (per_second * Self::CATCH_UP.as_secs_f64()).ceil() as u64;
        Self { per_second, settled: 0, skipped: 0, burst: burst.max(1) }
    }

    /// How many are due now that `elapsed` has passed since the start. They count as given out.
    pub fn due(&mut self, elapsed: Duration) -> u64 {
        let by_now = (self.per_second * elapsed.as_secs_f64()) as u64;
        let due = by_now.saturating_sub(self.settled);
        self.settled += due;
        let missed = due.saturating_sub(self.burst);
        self.skipped += missed;
        due - missed
    }

    /// How many were let go because they could not be given out in time.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The most that [`Pace::due`] ever answers.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_at(pace: &mut Pace, millis: &[u64]) -> Vec<u64> {
        millis.iter().map(|at| pace.due(Duration::from_millis(*at))).collect()
    }

    #[test]
    fn the_rate_is_kept_whenever_it_is_asked() {
        let mut pace = Pace::per_second(1000.0);
        assert_eq!(due_at(&mut pace, &[0, 5, 5, 6, 20, 100, 1]), [0, 5, 0, 1, 14, 80, 0]);
        assert_eq!(pace.skipped(), 0);
    }

    #[test]
    fn a_low_rate_gives_one_now_and_then() {
        let mut pace = Pace::per_second(2.0);
        assert_eq!(due_at(&mut pace, &[100, 499, 500, 900, 1000]), [0, 0, 1, 0, 1]);
    }

    #[test]
    fn a_long_stall_is_let_go() {
        let mut pace = Pace::per_second(1000.0);
        assert_eq!(due_at(&mut pace, &[1000, 1250]), [250, 250]);
        assert_eq!(pace.skipped(), 750);
    }

    #[test]
    fn no_rate_gives_nothing() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Pace::per_second(rate).due(Duration::from_secs(60)), 0, "{rate}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_token_is_given_out_or_let_go(rate in 0.0..100_000.0, waits in proptest::collection::vec(0_u64..2000, 0..50)) {
            let mut pace = Pace::per_second(rate);
            let (mut elapsed, mut given) = (Duration::ZERO, 0);
            for wait in waits {
                elapsed += Duration::from_millis(wait);
                let due = pace.due(elapsed);
                assert!(due <= pace.burst());
                given += due;
            }
            assert_eq!(given + pace.skipped(), (rate * elapsed.as_secs_f64()) as u64);
        }
    }
}
