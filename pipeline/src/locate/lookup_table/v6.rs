//! The numbers of the addresses of IPv6, by their upper halves: a site is given no less than that.
//!
//! What few networks are smaller, and the networks that repeat the tree of IPv4 (such as 6to4's), are left to the tree.

use std::net::{IpAddr, Ipv6Addr};

use maxminddb::{MaxMindDbError, Reader, WithinOptions};

use super::ranges::{Number, Range, range_of};
use super::{ByOffset, number_of};

/// Ranges of upper halves. Blocks of 2^32 of them are what a provider is given; one that has more than one number begins a
/// range.
pub(super) struct V6Ranges {
    /// The first 32 bits of the addresses of each block, and where its ranges begin in the list below.
    blocks: Vec<(u32, u32)>,
    ranges: Vec<Range<u32>>,
}

/// What is known of an address.
pub(super) enum Found {
    Number(Option<u32>),
    InTheTree,
}

impl From<Number> for Found {
    fn from(number: Number) -> Self {
        if number == Number::IN_THE_TREE { Self::InTheTree } else { Self::Number(number.get()) }
    }
}

impl V6Ranges {
    pub(super) fn of<S: AsRef<[u8]>>(
        reader: &Reader<S>,
        by_offset: &ByOffset,
    ) -> Result<Self, MaxMindDbError> {
        let mut ranges = Self { blocks: Vec::new(), ranges: Vec::new() };
        let mut after_last = Some(0);
        for network in reader.networks(WithinOptions::default().include_networks_without_data())? {
            let network = network?;
            let range = network.network()?;
            let (IpAddr::V6(first), prefix) = (range.ip(), range.prefix()) else { continue };
            let first = u128::from(first);
            // The repeated trees are left out.
            if let Some(gap) = after_last.filter(|after_last| *after_last < first) {
                ranges.push(gap, Number::IN_THE_TREE);
            }
            let larger_than_a_site = prefix <= 64;
            let number = Number::new(number_of(&network, by_offset));
            ranges.push(first, if larger_than_a_site { number } else { Number::IN_THE_TREE });
            after_last =
                1u128.checked_shl(u128::BITS - u32::from(prefix)).and_then(|size| first.checked_add(size));
        }
        if let Some(gap) = after_last {
            ranges.push(gap, Number::IN_THE_TREE);
        }
        ranges.blocks.shrink_to_fit();
        ranges.ranges.shrink_to_fit();
        Ok(ranges)
    }

    pub(super) fn find(&self, ip: Ipv6Addr) -> Found {
        let (block, start) = split(ip.into());
        let after = self.blocks.partition_point(|(first, _)| *first <= block);
        let Some(before) = after.checked_sub(1) else { return Found::InTheTree };
        let (found, from) = self.blocks[before];
        let to = self.blocks.get(after).map_or(self.ranges.len(), |(_, from)| *from as usize);
        let ranges = &self.ranges[from as usize..to];
        // A block without ranges of its own lies in the last range of the block before it.
        let start = if found == block { start } else { u32::MAX };
        range_of(ranges, start).number.into()
    }

    /// Goes on with another number from the upper half of `first` on; networks come in the order of their addresses.
    fn push(&mut self, first: u128, number: Number) {
        let (block, start) = split(first);
        let last = self.ranges.last().copied();
        if last.is_some_and(|last| last.number == number) {
            return;
        }
        if self.blocks.last().is_none_or(|(last, _)| *last != block) {
            self.blocks
                .push((block, u32::try_from(self.ranges.len()).expect("a database has fewer networks")));
            if start != 0 {
                let number = last.map_or(Number::IN_THE_TREE, |last| last.number);
                self.ranges.push(Range { start: 0, number });
            }
        }
        self.ranges.push(Range { start, number });
    }
}

/// The first and the second 32 bits of an address.
const fn split(ip: u128) -> (u32, u32) {
    ((ip >> 96) as u32, (ip >> 64) as u32)
}
