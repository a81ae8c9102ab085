//! The two clocks of the broker, as plain numbers that the caller passes in.
//!
//! Deadlines run on a clock that never steps; publish times, retention and seeks are about the time of the
//! day. Both have milliseconds, the resolution of Google's publish times.

use std::time::Duration;

/// Milliseconds since the broker began, on a clock that never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(u64);

impl Monotonic {
    /// The instant `millis` after the broker began.
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the broker began.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// The instant `span` later, at the end of time at the latest.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(span)))
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z; negative before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// The instant `millis` after the epoch.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whether a message published at `self` has outlived `retention` by `now`.
    #[must_use]
    pub fn outlived(self, retention: Duration, now: UnixMillis) -> bool {
        let span = i64::try_from(whole_millis(retention)).unwrap_or(i64::MAX);
        self.0.saturating_add(span) < now.0
    }
}

/// One instant, read on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For ack deadlines, back-off and expiry.
    pub monotonic: Monotonic,
    /// For publish times, retention and seeks.
    pub wall: UnixMillis,
}

fn whole_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
