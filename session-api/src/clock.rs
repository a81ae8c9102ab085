//! The clock, read in this one place: everything else is told the time.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use listening_together_proto::Timestamp;
use service_runtime::settings::duration;

/// What this replica takes for the time: this machine's clock, moved by an offset that only tests set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock(ClockOffset);

impl Clock {
    /// A clock that is ahead of this machine's by `offset`.
    #[must_use]
    pub const fn ahead_by(offset: ClockOffset) -> Self {
        Self(offset)
    }

    /// What it says now.
    #[must_use]
    pub fn now(self) -> Timestamp {
        let now = Timestamp::from(SystemTime::now());
        match self.0 {
            ClockOffset::Ahead(by) => now + by,
            ClockOffset::Behind(by) => now - by,
        }
    }
}

/// How far a clock is off: `20ms` is ahead of the machine's by so much, `-20ms` behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockOffset {
    /// It shows later times.
    Ahead(Duration),
    /// It shows earlier times.
    Behind(Duration),
}

impl Default for ClockOffset {
    fn default() -> Self {
        Self::Ahead(Duration::ZERO)
    }
}

impl FromStr for ClockOffset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('-') {
            Some(behind) => duration(behind).map(Self::Behind),
            None => duration(text).map(Self::Ahead),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_as_it_is_told() {
        let off = |text: &str| {
            let real = Timestamp::from(SystemTime::now());
            Clock::ahead_by(text.parse().unwrap()).now().as_millis() - real.as_millis()
        };
        assert!((0..60_000).contains(&off("0ms")));
        assert!((3_600_000..3_660_000).contains(&off("1h")));
        assert!((-3_600_000..-3_540_000).contains(&off("-1h")));
        for wrong in ["", "-", "20", "--1s", "1us", "+1s"] {
            assert!(wrong.parse::<ClockOffset>().is_err(), "{wrong}");
        }
    }
}
