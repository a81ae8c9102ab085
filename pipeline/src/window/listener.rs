//! Who listened to a track in a window, in as few bytes as it takes: these records are most of a pipeline's memory.

use std::time::Duration;

use listening_together_proto::{Timestamp, Window};

use super::LocatedPlay;
use super::tie_break::TieBreak;
use crate::locate::SpotRef;
use crate::user::UserKey;

/// Someone who listened to a track in a window. A user with several plays counts once, at the place of the earliest,
/// then of the smallest [`TieBreak`].
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// Who.
    pub user: UserKey,
    /// What tells plays of one millisecond apart, without its last bit.
    tie_break: [u8; TieBreak::BYTES],
    /// Milliseconds since the window's start, which a day at most holds, and in the highest bit the last of the tie break.
    since_start: u32,
    /// Where.
    pub spot: SpotRef,
}

/// Where the last bit of the tie break is kept.
const LAST_BIT: u32 = 1 << 31;

impl Listener {
    pub(crate) fn of(play: &LocatedPlay, window: Window) -> Self {
        let since_start = play.played_at.since(window.start).as_millis();
        let since_start = u32::try_from(since_start).unwrap_or(u32::MAX).min(LAST_BIT - 1);
        let (tie_break, last_bit) = play.tie_break.to_parts();
        let last_bit = if last_bit { LAST_BIT } else { 0 };
        Self { user: play.user, tie_break, since_start: since_start | last_bit, spot: play.spot }
    }

    /// When, given the start of the window.
    #[must_use]
    pub fn played_at(&self, window_start: Timestamp) -> Timestamp {
        window_start + Duration::from_millis((self.since_start & !LAST_BIT).into())
    }

    /// The order of a window's records.
    pub(super) const fn key(&self) -> (UserKey, u32, [u8; TieBreak::BYTES], bool) {
        (self.user, self.since_start & !LAST_BIT, self.tie_break, self.since_start & LAST_BIT != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_takes_40_bytes() {
        assert_eq!(size_of::<Listener>(), 40);
    }
}
