//! Log lines about what may happen without end, now and then.

use std::time::{Duration, Instant};

/// Lets one line through in each stretch of time and counts the others.
#[derive(Debug)]
pub(crate) struct LogLimit {
    every: Duration,
    last: Option<Instant>,
    withheld: u64,
}

impl LogLimit {
    /// One line in `every`.
    #[must_use]
    pub(crate) const fn new(every: Duration) -> Self {
        Self { every, last: None, withheld: 0 }
    }

    /// How many lines have been withheld since the last one, if a line may be written `now`.
    pub(crate) fn due(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < self.every) {
            self.withheld += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_and_then_one_a_minute() {
        let start = Instant::now();
        let mut limit = LogLimit::new(Duration::from_secs(60));
        let due: Vec<_> =
            [0, 1, 59, 60, 61, 200].map(|second| limit.due(start + Duration::from_secs(second))).into();
        assert_eq!(due, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
