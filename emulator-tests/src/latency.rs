//! How long plays take from being pressed to being current on a replica.
//!
//! A session tells of its window, not of when each of its plays was pressed: its first one can have been at the window's
//! start, and all of them are taken to be spread evenly over it.

use std::ops::Range;
use std::time::UNIX_EPOCH;

/// Into so many parts a window is divided.
const PARTS: i64 = 100;

/// The sessions that were shown. Times are milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Shown>);

#[derive(Clone, Debug)]
struct Shown {
    /// From the start of the window, and from its end, to the sight of the session.
    since: Range<i64>,
    listeners: u64,
}

impl Latencies {
    /// A session of this window, in milliseconds since the epoch, was seen to be current.
    pub fn shown(&mut self, window: &Range<i64>, listeners: u64, seen_at: i64) {
        self.0.push(Shown { since: seen_at - window.end..seen_at - window.start, listeners });
    }

    /// How many sessions there were.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.0.len()
    }

    /// This share of the listeners waited at most so long, if all of them pressed play as their window began.
    #[must_use]
    pub fn at_most(&self, share: f64) -> i64 {
        quantile(self.0.iter().map(|shown| (shown.since.end, shown.listeners)).collect(), share)
    }

    /// This share of the listeners waited at most so long, if they pressed play evenly over their windows.
    #[must_use]
    pub fn quantile(&self, share: f64) -> i64 {
        let part = |shown: &Shown, part: i64| {
            let length = shown.since.end - shown.since.start;
            (shown.since.start + length * (2 * part + 1) / (2 * PARTS), shown.listeners)
        };
        quantile(self.0.iter().flat_map(|shown| (0..PARTS).map(|index| part(shown, index))).collect(), share)
    }
}

/// The smallest value that `share` of the weight does not exceed; pairs are (value, weight).
fn quantile(mut values: Vec<(i64, u64)>, share: f64) -> i64 {
    values.sort_unstable();
    let all: u64 = values.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0;
    for (value, weight) in values {
        passed += weight;
        if passed as f64 >= share * all as f64 {
            return value;
        }
    }
    0
}

/// A time of RFC 3339 in milliseconds since the epoch.
#[must_use]
pub fn parse_ms(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_weighted_by_listeners() {
        let mut latencies = Latencies::default();
        for (start, listeners) in [(9000, 98), (8000, 1), (5000, 1)] {
            latencies.shown(&(start..start + 1000), listeners, 12_000);
        }
        assert_eq!([0.5, 0.98, 0.99, 1.0].map(|share| latencies.at_most(share)), [3000, 3000, 4000, 7000]);
        assert_eq!([0.49, 0.98, 1.0].map(|share| latencies.quantile(share)), [2495, 2995, 6995]);
        assert_eq!((Latencies::default().at_most(0.5), Latencies::default().quantile(0.5)), (0, 0));
    }

    #[test]
    fn times_are_read() {
        assert_eq!(parse_ms("1970-01-01T00:00:01.250Z"), Some(1250));
        assert_eq!(parse_ms("yesterday"), None);
    }
}
