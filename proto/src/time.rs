//! Time: instants in whole milliseconds, and event-time windows.

use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, floored. Event time and clock time alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A `google.protobuf.Timestamp` outside 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a timestamp must be within the years 1 to 9999, with 0 to 999,999,999 nanoseconds")]
pub struct InvalidTimestamp;

/// The seconds that `google.protobuf.Timestamp` allows: the years 1 to 9999.
const VALID_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Timestamp {
    /// Before every instant that a message can carry.
    pub const MIN: Self = Self(i64::MIN);

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The largest multiple of `step` since the epoch that is not after this instant. A `step` below 1 ms counts as 1 ms.
    #[must_use]
    pub fn floor_to(self, step: Duration) -> Self {
        Self(self.0.div_euclid(whole_millis(step)).saturating_mul(whole_millis(step)))
    }

    /// How often `step` fits into the time since the epoch, floored. A `step` below 1 ms counts as 1 ms.
    #[must_use]
    pub fn div_floor(self, step: Duration) -> i64 {
        self.0.div_euclid(whole_millis(step))
    }

    /// The time since `earlier`, zero when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A duration in milliseconds, at least 1 and at most `i64::MAX`.
fn whole_millis(step: Duration) -> i64 {
    millis(step).max(1)
}

/// A duration in milliseconds, floored, at most `i64::MAX`.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Saturates: a window at the end of time does not wrap round to its beginning.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// Saturates.
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(millis(after)),
            // Rounded away from zero, since instants are floored.
            Err(before) => {
                let before = before.duration().as_nanos().div_ceil(1_000_000);
                Self(i64::try_from(before).map_or(i64::MIN, |ms| -ms))
            }
        }
    }
}

impl TryFrom<&prost_types::Timestamp> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(wire: &prost_types::Timestamp) -> Result<Self, Self::Error> {
        if VALID_SECONDS.contains(&wire.seconds) && (0..1_000_000_000).contains(&wire.nanos) {
            Ok(Self(wire.seconds * 1000 + i64::from(wire.nanos) / 1_000_000))
        } else {
            Err(InvalidTimestamp)
        }
    }
}

impl From<Timestamp> for prost_types::Timestamp {
    fn from(time: Timestamp) -> Self {
        let millis = i32::try_from(time.0.rem_euclid(1000)).expect("a remainder by 1000 fits");
        Self { seconds: time.0.div_euclid(1000), nanos: millis * 1_000_000 }
    }
}

/// A stretch of event time, half-open: a play at `start` is inside, one at `end` is in the next window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first millisecond inside.
    pub start: Timestamp,
    /// The first millisecond after.
    pub end: Timestamp,
}

impl Window {
    /// The window of length `length` that holds `time`; windows are aligned to the epoch.
    #[must_use]
    pub fn holding(time: Timestamp, length: Duration) -> Self {
        let start = time.floor_to(length);
        Self { start, end: start + length }
    }

    /// The last millisecond inside: a window is complete once the watermark has reached it.
    #[must_use]
    pub fn last_instant(self) -> Timestamp {
        self.end - Duration::from_millis(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(time: i64, length: u64) -> (i64, i64) {
        let window = Window::holding(Timestamp::from_millis(time), Duration::from_millis(length));
        (window.start.as_millis(), window.end.as_millis())
    }

    #[test]
    fn windows_are_half_open_and_floored_before_the_epoch_too() {
        let cases = [
            (0, (0, 5000)),
            (4999, (0, 5000)),
            (5000, (5000, 10000)),
            (-1, (-5000, 0)),
            (-5000, (-5000, 0)),
            (-5001, (-10000, -5000)),
        ];
        for (time, expected) in cases {
            assert_eq!(holding(time, 5000), expected, "{time}");
        }
    }

    #[test]
    fn wire_timestamps_are_floored_to_milliseconds() {
        let cases =
            [(0, 0, 0), (1, 999_999, 1000), (1, 1_000_000, 1001), (-1, 999_999_999, -1), (-1, 1, -1000)];
        for (seconds, nanos, expected) in cases {
            let wire = prost_types::Timestamp { seconds, nanos };
            assert_eq!(Timestamp::try_from(&wire), Ok(Timestamp(expected)), "{seconds} {nanos}");
        }
    }

    #[test]
    fn absurd_wire_timestamps_are_refused() {
        for (seconds, nanos) in
            [(i64::MAX, 0), (i64::MIN, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)]
        {
            let wire = prost_types::Timestamp { seconds, nanos };
            assert_eq!(Timestamp::try_from(&wire), Err(InvalidTimestamp), "{seconds} {nanos}");
        }
    }

    #[test]
    fn the_clock_is_floored_before_the_epoch_too() {
        let half = Duration::from_micros(500);
        assert_eq!(Timestamp::from(UNIX_EPOCH + half), Timestamp(0));
        assert_eq!(Timestamp::from(UNIX_EPOCH - half), Timestamp(-1));
    }

    #[test]
    fn sums_saturate() {
        let end = Timestamp(i64::MAX - 5);
        assert_eq!(end + Duration::from_secs(1), Timestamp(i64::MAX));
        assert_eq!(Timestamp::MIN - Duration::from_secs(1), Timestamp::MIN);
    }

    proptest::proptest! {
        #[test]
        fn wire_round_trip(millis in -62_135_596_800_000i64..253_402_300_799_999) {
            let time = Timestamp(millis);
            proptest::prop_assert_eq!(Timestamp::try_from(&prost_types::Timestamp::from(time)), Ok(time));
        }
    }
}
