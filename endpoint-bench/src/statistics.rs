//! Medians and what surrounds them.

use std::fmt;

/// The quartiles and the ends of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The smallest.
    pub least: f64,
    /// A quarter is not above it.
    pub first_quartile: f64,
    /// Half is not above it.
    pub median: f64,
    /// Three quarters are not above it.
    pub third_quartile: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of these values; `None` when there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<_> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            least: *sorted.first()?,
            first_quartile: quantile(&sorted, 0.25)?,
            median: quantile(&sorted, 0.5)?,
            third_quartile: quantile(&sorted, 0.75)?,
            most: *sorted.last()?,
        })
    }
}

impl fmt::Display for Spread {
    /// `median (first quartile – third quartile)`, with two decimals unless told otherwise.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2);
        let Self { first_quartile, median, third_quartile, .. } = self;
        write!(f, "{median:.decimals$} ({first_quartile:.decimals$}–{third_quartile:.decimals$})")
    }
}

/// The value below which the share `of` of the sorted values is, between its two neighbours.
#[must_use]
pub fn quantile(sorted: &[f64], of: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = of * last as f64;
    let below = position.floor() as usize;
    let (lower, upper) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(lower + (upper - lower) * (position - position.floor()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quartiles() {
        assert_eq!(Spread::of([]), None);
        let spread = Spread::of([5.0, 1.0, 2.0, 4.0, 3.0]).unwrap();
        assert_eq!((spread.least, spread.first_quartile, spread.median), (1.0, 2.0, 3.0));
        assert_eq!((spread.third_quartile, spread.most), (4.0, 5.0));
        assert_eq!(spread.to_string(), "3.00 (2.00–4.00)");
        assert_eq!(format!("{spread:.0}"), "3 (2–4)");
        assert_eq!(quantile(&[1.0, 2.0], 0.5), Some(1.5));
    }

    proptest! {
        #[test]
        fn in_order(values in prop::collection::vec(-1e6..1e6f64, 1..50)) {
            let spread = Spread::of(values).unwrap();
            let all =
                [spread.least, spread.first_quartile, spread.median, spread.third_quartile, spread.most];
            prop_assert!(all.is_sorted(), "{spread:?}");
        }
    }
}
