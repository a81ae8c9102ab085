//! Ranges of addresses, each with a number, and the search among them.

/// Some addresses that lie together in a block of addresses. What is searched for and what is found lie side by side, so
/// that a search ends in the cache line that holds the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<S> {
    /// The first of them, counted from the start of the block.
    pub(super) start: S,
    pub(super) number: Number,
}

/// A number that may be none, in two halves: as one of 32 bits it would make a range of IPv4 8 bytes long, not 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number([u16; 2]);

impl Number {
    pub(super) const NONE: Self = Self([u16::MAX; 2]);
    /// Neither a number nor none: more than the start of the address has to be looked at.
    pub(super) const NOT_ONE: Self = Self([u16::MAX, u16::MAX - 1]);

    pub(super) const fn new(number: Option<u32>) -> Self {
        match number {
            Some(number) => Self([(number >> 16) as u16, number as u16]),
            None => Self::NONE,
        }
    }

    pub(super) fn get(self) -> Option<u32> {
        let [high, low] = self.0.map(u32::from);
        (self != Self::NONE).then_some(high << 16 | low)
    }
}

/// Where in its block a range starts.
pub(super) trait Start: Copy + Ord {
    /// Where among `count` a range that starts here would be, if all were of one size.
    fn share_of(self, count: usize) -> usize;
}

impl Start for u16 {
    fn share_of(self, count: usize) -> usize {
        (usize::from(self) * count) >> 16
    }
}

impl Start for u32 {
    fn share_of(self, count: usize) -> usize {
        ((u64::from(self) * count as u64) >> 32) as usize
    }
}

/// The range that `start` lies in, given that they ascend and the first starts at 0. A block may have tens of thousands of
/// ranges, of much the same size then: the search widens from where evenly spread ones would have it, which touches a
/// cache line or two where halving would touch ten.
pub(super) fn range_of<S: Start>(ranges: &[Range<S>], start: S) -> Range<S> {
    let guess = start.share_of(ranges.len());
    let mut step = 8;
    let (from, to) = if ranges[guess].start <= start {
        let mut from = guess;
        while ranges.get(from + step).is_some_and(|range| range.start <= start) {
            from += step;
            step *= 2;
        }
        (from, ranges.len().min(from + step))
    } else {
        let mut to = guess;
        while to > step && ranges[to - step].start > start {
            to -= step;
            step *= 2;
        }
        (to.saturating_sub(step), to)
    };
    ranges[from + ranges[from..to].partition_point(|range| range.start <= start) - 1]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_as_small_as_they_can_be() {
        assert_eq!((size_of::<Range<u16>>(), size_of::<Range<u32>>()), (6, 8));
    }

    proptest! {
        #[test]
        fn a_range_is_found_however_they_are_spread(
            starts in proptest::collection::btree_set(0..=u16::MAX, 0..2000),
            dense in 0..=u16::MAX - 600,
            wanted in any::<u16>(),
        ) {
            let starts: BTreeSet<_> = starts.into_iter().chain(dense..dense + 600).chain([0]).collect();
            let ranges: Vec<_> = starts.iter().map(|start| Range { start: *start, number: Number::NONE }).collect();
            for wanted in [wanted, dense, dense + 300, 0, u16::MAX] {
                let expected = starts.range(..=wanted).next_back();
                prop_assert_eq!(Some(&range_of(&ranges, wanted).start), expected);
            }
        }
    }
}
