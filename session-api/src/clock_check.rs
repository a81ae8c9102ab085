//! Whether this machine's clock can be trusted: it decides which slot is current.
//!
//! Pub/Sub says when it took a message in, and a message cannot come before that. What lies between that instant and its
//! coming, by this clock, is the way that it took and what the clock is off. The way is never negative, and is short for
//! one of a few messages: the least of the latest ones tells how far the clock is ahead, and any that is negative, how
//! far it is behind.

use std::collections::VecDeque;
use std::time::Duration;

use listening_together_proto::Timestamp;
use service_runtime::backoff::Seldom;

/// A clock that is off by more shows slots noticeably earlier or later than the others.
const TOLERATED_MS: i64 = 250;

/// One in so many messages comes quickly, whatever the network does to the others.
const MESSAGES: usize = 10;

/// How often a wrong clock is told of.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// What is known of the clock.
#[derive(Debug)]
pub struct ClockCheck {
    /// From publish times to arrivals, in milliseconds, oldest first.
    delays: VecDeque<i64>,
    complaints: Seldom,
}

impl Default for ClockCheck {
    fn default() -> Self {
        Self { delays: VecDeque::with_capacity(MESSAGES), complaints: Seldom::new(COMPLAIN_EVERY) }
    }
}

impl ClockCheck {
    /// A message that was published at one instant came at another by this clock. Gives by how many milliseconds the
    /// clock is ahead, negative when it is behind, as far as that can be known, and complains when that is too much.
    pub fn observe(&mut self, published_at: Timestamp, now: Timestamp) -> i64 {
        let ahead_ms = self.ahead_ms(published_at, now);
        if self.is_to_be_told(ahead_ms) {
            tracing::error!(
                ahead_ms,
                "the clock of this machine is off by more than {TOLERATED_MS} ms, or messages take that long: \
                 this replica shows slots earlier or later than others"
            );
        }
        ahead_ms
    }

    /// Whether it is to be told that the clock is ahead by so much: when that is too much, and was not told lately.
    fn is_to_be_told(&mut self, ahead_ms: i64) -> bool {
        ahead_ms.saturating_abs() > TOLERATED_MS && self.complaints.is_due()
    }

    fn ahead_ms(&mut self, published_at: Timestamp, now: Timestamp) -> i64 {
        if self.delays.len() == MESSAGES {
            self.delays.pop_front();
        }
        self.delays.push_back(now.as_millis().saturating_sub(published_at.as_millis()));
        self.delays.iter().copied().min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of messages that took so long by a clock that is ahead by so much.
    fn found(ahead_ms: i64, delays: &[i64]) -> i64 {
        let mut check = ClockCheck::default();
        let now = Timestamp::from_millis(1_000_000);
        let found = delays
            .iter()
            .map(|delay| check.ahead_ms(Timestamp::from_millis(now.as_millis() - ahead_ms - delay), now));
        found.last().unwrap()
    }

    #[test]
    fn one_quick_message_among_ten_is_enough() {
        let cases: [(&str, i64, &[i64], bool); 8] = [
            ("a good clock", 0, &[120, 80, 3000], true),
            ("late messages and a quick one", 0, &[3000, 3000, 30, 3000], true),
            ("ahead", 400, &[120, 80, 3000], false),
            ("ahead, the first message", 400, &[20], false),
            ("behind, and quick", -400, &[120], false),
            ("behind, and one of them quick", -400, &[3000, 3000, 20, 3000], false),
            ("a little ahead", 20, &[120, 80], true),
            ("a little behind", -20, &[10, 80], true),
        ];
        for (name, ahead, delays, is_good) in cases {
            let found = found(ahead, delays);
            assert_eq!(found.abs() <= TOLERATED_MS, is_good, "{name}: {found}");
        }
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut delays = vec![-600];
        delays.extend([100; MESSAGES - 1]);
        assert_eq!(found(0, &delays), -600);
        delays.push(100);
        assert_eq!(found(0, &delays), 100, "somebody has set the clock right");
    }

    #[test]
    fn absurd_times_are_survived() {
        let mut check = ClockCheck::default();
        assert_eq!(check.observe(Timestamp::MIN, Timestamp::from_millis(i64::MAX)), i64::MAX);
        assert_eq!(check.observe(Timestamp::from_millis(i64::MAX), Timestamp::MIN), i64::MIN);
    }

    #[test]
    fn it_is_told_once_a_minute() {
        for wrong in [TOLERATED_MS + 1, -TOLERATED_MS - 1, i64::MAX, i64::MIN] {
            let mut check = ClockCheck::default();
            for tolerated in [0, 20, TOLERATED_MS, -TOLERATED_MS] {
                assert!(!check.is_to_be_told(tolerated), "{tolerated}");
            }
            assert!(check.is_to_be_told(wrong), "{wrong}");
            assert!(!check.is_to_be_told(wrong), "{wrong} again");
        }
    }
}
