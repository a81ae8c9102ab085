//! Rows of texts, each row kept once, end to end in one string.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Rows of `N` texts.
pub(super) struct Rows<const N: usize> {
    texts: String,
    /// Where in `texts` each text of a row ends; the next begins there.
    ends: Vec<[u32; N]>,
}

impl<const N: usize> Rows<N> {
    /// The row with this number.
    ///
    /// # Panics
    /// When there is none.
    pub(super) fn get(&self, number: u32) -> [&str; N] {
        let number = number as usize;
        let mut start = number.checked_sub(1).map_or(0, |before| self.end(before));
        self.ends[number].map(|end| {
            let end = end as usize;
            let text = &self.texts[start..end];
            start = end;
            text
        })
    }

    fn end(&self, number: usize) -> usize {
        self.ends[number].last().map_or(0, |end| *end as usize)
    }
}

/// [`Rows`] that grow.
pub(super) struct RowsBuilder<const N: usize> {
    rows: Rows<N>,
    /// The numbers of the rows, by what they say.
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<const N: usize> Default for RowsBuilder<N> {
    fn default() -> Self {
        let rows = Rows { texts: String::new(), ends: Vec::new() };
        Self { rows, numbers: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<const N: usize> RowsBuilder<N> {
    /// The number of a row that says this; `None` where all rows would have more than 4 GiB.
    pub(super) fn insert(&mut self, row: [&str; N]) -> Option<u32> {
        let Self { rows, numbers, hasher } = self;
        let hash = hasher.hash_one(row);
        if let Some(number) = numbers.find(hash, |number| rows.get(*number) == row) {
            return Some(*number);
        }
        let length: usize = row.iter().map(|text| text.len()).sum();
        u32::try_from(rows.texts.len() + length).ok()?;
        let number = u32::try_from(rows.ends.len()).ok()?;
        rows.ends.push(row.map(|text| {
            rows.texts.push_str(text);
            rows.texts.len() as u32
        }));
        numbers.insert_unique(hash, number, |number| hasher.hash_one(rows.get(*number)));
        Some(number)
    }

    /// All that were inserted.
    pub(super) fn finish(mut self) -> Rows<N> {
        self.rows.texts.shrink_to_fit();
        self.rows.ends.shrink_to_fit();
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_found_again_and_kept_once(
            rows in proptest::collection::vec(proptest::array::uniform3("[aé]{0,2}"), 0..80),
        ) {
            let mut builder = RowsBuilder::default();
            let numbers: Vec<_> =
                rows.iter().map(|row| builder.insert(row.each_ref().map(String::as_str)).unwrap()).collect();
            let kept = builder.finish();
            for (row, number) in rows.iter().zip(numbers) {
                prop_assert_eq!(kept.get(number), row.each_ref().map(String::as_str));
            }
            let different = rows.iter().collect::<std::collections::BTreeSet<_>>().len();
            prop_assert_eq!(kept.ends.len(), different);
        }
    }
}
