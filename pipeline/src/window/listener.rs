//! Who listened to a track in a window, in as few bytes as it takes: these records are most of a pipeline's memory.

use std::time::Duration;

use listening_together_proto::{Timestamp, Window};

use super::LocatedPlay;
use crate::decode::{Address, UserKey};
use crate::locate::SpotRef;

/// Someone who listened to a track in a window. A user with several plays counts once, at the place of the earliest,
/// then of the smallest address.
#[derive(Clone, Copy, Debug)]
pub struct Listener {
    /// Who.
    pub user: UserKey,
    /// Where from, in the first 4 or in all 16 bytes; it tells plays of one millisecond apart.
    address: [u8; 16],
    /// Milliseconds since the window's start, which a day at most holds, and in the highest bit the address's family.
    since_start: u32,
    /// Where.
    pub spot: SpotRef,
}

/// Set where the address is of IPv4.
const V4: u32 = 1 << 31;

impl Listener {
    pub(crate) fn of(play: &LocatedPlay, window: Window) -> Self {
        let mut address = [0; 16];
        let bytes = play.address.as_bytes();
        address[..bytes.len()].copy_from_slice(bytes);
        let since_start = play.played_at.since(window.start).as_millis();
        let since_start = u32::try_from(since_start).unwrap_or(u32::MAX).min(V4 - 1);
        let family = if bytes.len() == 4 { V4 } else { 0 };
        Self { user: play.user, address, since_start: since_start | family, spot: play.spot }
    }

    /// When, given the start of the window.
    #[must_use]
    pub fn played_at(&self, window_start: Timestamp) -> Timestamp {
        window_start + Duration::from_millis((self.since_start & !V4).into())
    }

    /// The order of a window's records.
    pub(super) fn key(&self) -> (UserKey, u32, Address) {
        let length = if self.since_start & V4 == 0 { 16 } else { 4 };
        (self.user, self.since_start & !V4, Address::from_parts(self.address, length))
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
