//! A hash that replicas can be compared by, wherever and whenever they are scraped.
//!
//! What a replica shows changes every few seconds, and no two are scraped at the same instant. What each of them has shown
//! in the last whole minute stays the same for a minute, and is the same on all of them as long as every slot has one body.

use listening_together_proto::{Language, Timestamp};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::coding::Coding;
use crate::snapshot::Snapshot;

const MINUTE_MS: i64 = 60_000;

/// What has been shown in the minute under way.
#[derive(Debug, Default)]
pub(super) struct Fingerprint {
    /// The start of the latest slot.
    latest: Option<Timestamp>,
    hash: u64,
    /// The minute was seen from its beginning: the one in which a replica starts is not.
    is_whole: bool,
}

impl Fingerprint {
    /// A body is shown. Gives the hash of the minute that is over with it. Of a slot's bodies only the first counts: a
    /// later one tells what is to come, which replicas learn at different instants.
    ///
    /// 32 bits, which numbers in metrics hold exactly.
    pub(super) fn shown(&mut self, snapshot: &Snapshot) -> Option<u32> {
        let body = snapshot.representation(Language::En, Coding::Identity);
        self.add(snapshot.current().starts_at, body.etag.as_bytes())
    }

    fn add(&mut self, start: Timestamp, body: &[u8]) -> Option<u32> {
        let minute = |start: Timestamp| start.as_millis().div_euclid(MINUTE_MS);
        let mut of_minute = None;
        match self.latest {
            Some(latest) if latest >= start => return None,
            Some(latest) if minute(latest) == minute(start) => {}
            latest => {
                of_minute = self.is_whole.then_some(self.hash as u32);
                // The first slot of all may be one from the middle of its minute.
                (self.hash, self.is_whole) = (0, latest.is_some());
            }
        }
        self.latest = Some(start);
        self.hash = xxh3_64_with_seed(body, self.hash);
        of_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a replica reports that shows a body every five seconds, `(second, body)`.
    fn reported(shown: impl IntoIterator<Item = (i64, &'static str)>) -> Vec<u32> {
        let mut fingerprint = Fingerprint::default();
        let add = |(second, body): (i64, &str)| {
            fingerprint.add(Timestamp::from_millis(second * 1000), body.as_bytes())
        };
        shown.into_iter().filter_map(add).collect()
    }

    fn from(start: i64) -> Vec<(i64, &'static str)> {
        (start..200).step_by(5).map(|second| (second, if second % 2 == 0 { "even" } else { "odd" })).collect()
    }

    #[test]
    fn whole_minutes_are_reported_and_alike_whenever_a_replica_started() {
        let early = reported(from(0));
        assert_eq!(early.len(), 2, "the minute of the start is left out, and the one under way");
        assert_eq!(reported(from(35)), early);
        assert_eq!(reported(from(60)), early[1..], "the start may have been seen from its middle");
    }

    #[test]
    fn a_minute_is_told_from_one_with_another_body_order_or_gap() {
        let right = reported(from(0));
        let change = |change: fn(&mut Vec<(i64, &'static str)>)| {
            let mut shown = from(0);
            change(&mut shown);
            reported(shown)
        };
        let another = change(|shown| shown[14].1 = "another");
        let missing = change(|shown| {
            shown.remove(14);
        });
        let swapped = change(|shown| {
            shown[14].1 = "odd";
            shown[15].1 = "even";
        });
        for (name, wrong) in [("another body", another), ("missing", missing), ("swapped", swapped)] {
            assert_ne!(wrong[0], right[0], "{name}");
            assert_eq!(wrong[1], right[1], "{name}: the next minute is its own");
        }
        let again = change(|shown| shown.insert(15, (70, "the same slot with what is to come")));
        assert_eq!(again, right, "only the first body of a slot counts");
    }
}
