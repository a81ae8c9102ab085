//! When all replicas are polled: in the middle of every slot, which counts, and every 50 ms between its ends, which shows
//! how long replicas differ.

use super::conditions::SLOT_MS;

/// Milliseconds between two polls.
pub const STEP_MS: i64 = 50;

/// The middle of a slot, in milliseconds from its start.
pub const MIDDLE_MS: i64 = SLOT_MS / 2;

/// The slot in which `at_ms` is: when it starts.
#[must_use]
pub const fn slot_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(SLOT_MS) * SLOT_MS
}

/// Whether `at_ms` is the middle of a slot.
#[must_use]
pub const fn is_middle(at_ms: i64) -> bool {
    at_ms.rem_euclid(SLOT_MS) == MIDDLE_MS
}

/// The first time to poll after `now_ms`. The steps stay clear of the slot's ends, where clocks that are apart differ.
#[must_use]
pub const fn next_after(now_ms: i64) -> i64 {
    let half = STEP_MS / 2;
    let step = (now_ms + half).div_euclid(STEP_MS) * STEP_MS + half;
    let middle = slot_of(now_ms) + MIDDLE_MS;
    if now_ms < middle && middle < step { middle } else { step }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_polled_every_50_ms_and_in_the_middle() {
        let mut at = 7_000_000;
        let times: Vec<_> = std::iter::from_fn(|| {
            at = next_after(at);
            (at < 7_001_000).then_some(at - 7_000_000)
        })
        .collect();
        let steps = (25..1000).step_by(50);
        let expected: Vec<_> =
            steps.clone().take_while(|at| *at < 500).chain([500]).chain(steps.skip(10)).collect();
        assert_eq!(times, expected);
        assert_eq!(times.iter().filter(|at| is_middle(**at)).count(), 1);
    }

    #[test]
    fn whoever_is_late_goes_on_with_what_is_next() {
        for (now, next) in
            [(0, 25), (24, 25), (25, 75), (474, 475), (475, 500), (499, 500), (500, 525), (980, 1025)]
        {
            assert_eq!(next_after(now), next, "{now}");
        }
        assert_eq!((slot_of(999), slot_of(1000)), (0, 1000));
    }
}
