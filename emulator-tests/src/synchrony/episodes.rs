//! How long differences last.

/// Follows rounds in order, and notes each time in which they differed.
#[derive(Clone, Debug, Default)]
pub struct Episodes {
    /// Since when they differ, if they do.
    since_ms: Option<i64>,
    lengths_ms: Vec<i64>,
}

impl Episodes {
    /// Takes in a round that was polled at `at_ms`.
    ///
    /// A difference lasts from the first round that shows it to the first that does not; it may have begun and ended a
    /// step earlier.
    pub fn note(&mut self, at_ms: i64, differing: bool) {
        match (self.since_ms, differing) {
            (None, true) => self.since_ms = Some(at_ms),
            (Some(since_ms), false) => {
                self.lengths_ms.push(at_ms - since_ms);
                self.since_ms = None;
            }
            _ => {}
        }
    }

    /// The lengths so far, in milliseconds, shortest first; one that goes on is left out.
    #[must_use]
    pub fn lengths_ms(&self) -> Vec<i64> {
        let mut lengths = self.lengths_ms.clone();
        lengths.sort_unstable();
        lengths
    }

    /// Whether they differ at present.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.since_ms.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_lasts_until_all_are_alike() {
        let mut episodes = Episodes::default();
        for (at_ms, differing) in [
            (0, false),
            (50, true),
            (100, true),
            (150, true),
            (200, false),
            (250, true),
            (300, false),
            (350, true),
        ] {
            episodes.note(at_ms, differing);
        }
        assert_eq!(episodes.lengths_ms(), [50, 150]);
        assert!(episodes.goes_on());
    }
}
