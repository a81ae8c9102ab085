//! How long to wait before the next try.

use std::time::Duration;

/// Doubles from one try to the next up to a limit; starts over when something worked.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    limit: Duration,
    next: Duration,
}

impl Backoff {
    /// The first wait and the longest.
    #[must_use]
    pub const fn new(first: Duration, limit: Duration) -> Self {
        Self { first, limit, next: first }
    }

    /// How long to wait now.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(self.limit);
        delay
    }

    /// Something worked: the next wait is the first again.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Says something at most once in a while, so that a fault that lasts does not flood the log.
#[derive(Debug)]
pub struct Seldom {
    every: Duration,
    last: Option<std::time::Instant>,
}

impl Seldom {
    /// At most once in `every`.
    #[must_use]
    pub const fn new(every: Duration) -> Self {
        Self { every, last: None }
    }

    /// Whether it is time to say it; if so, the time starts anew.
    pub fn is_due(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= self.every);
        if due {
            self.last = Some(std::time::Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_to_the_limit_and_starts_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        let delays: Vec<_> = (0..4).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays, [100, 200, 350, 350]);
        backoff.reset();
        assert_eq!(backoff.next_delay().as_millis(), 100);
    }

    #[test]
    fn a_fault_is_told_once_in_a_while() {
        let mut seldom = Seldom::new(Duration::from_secs(3600));
        assert!(seldom.is_due());
        assert!(!seldom.is_due());
        assert!(Seldom::new(Duration::ZERO).is_due());
    }
}
