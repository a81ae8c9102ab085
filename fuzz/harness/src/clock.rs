//! The clock of a story.

use listening_together_proto::Timestamp;

/// Where it begins: slot 340,000,000 of five seconds starts then, in 2023.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The first and the last instant that messages can carry.
const EARLIEST: i64 = -62_135_596_800_000;
const LATEST: i64 = 253_402_300_799_999;

/// `now` moved on, or set back, by so many milliseconds.
pub(crate) fn moved(now: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(millis).clamp(EARLIEST, LATEST))
}
