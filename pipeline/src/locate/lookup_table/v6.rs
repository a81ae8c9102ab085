//! The numbers of the addresses of IPv6, by their upper halves: a site is given no less than that.
//!
//! The few upper halves that have more than one number are written out in a list of their own. Where the tree of IPv4 is
//! repeated (as 6to4's addresses do), an address is found by the one of IPv4 in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::{MaxMindDbError, Reader, WithinOptions};

use super::ranges::{Number, Range, range_of};
use super::{ByOffset, number_of};

const UPPER_HALF: u128 = !0 << 64;

/// Ranges of upper halves. Blocks of 2^32 of them are what a provider is given; one that has more than one number begins a
/// range.
pub(super) struct V6Ranges {
    /// The first 32 bits of the addresses of each block, and where its ranges begin in the list below.
    blocks: Vec<(u32, u32)>,
    /// [`Number::NOT_ONE`] where one of the next two lists has to be asked.
    ranges: Vec<Range<u32>>,
    /// The ranges of the upper halves that have more than one, by their first addresses.
    within_halves: Vec<(u128, Number)>,
    repeated: Vec<RepeatedV4>,
}

/// A network in which all of IPv4 is repeated.
struct RepeatedV4 {
    first: u128,
    /// How many bits stand before the address of IPv4.
    prefix: u8,
}

/// What is known of an address.
pub(super) enum Found {
    Number(Option<u32>),
    /// The same as of this one.
    AsV4(Ipv4Addr),
}

impl V6Ranges {
    pub(super) fn of<S: AsRef<[u8]>>(
        reader: &Reader<S>,
        by_offset: &ByOffset,
    ) -> Result<Self, MaxMindDbError> {
        let mut ranges =
            Self { blocks: Vec::new(), ranges: Vec::new(), within_halves: Vec::new(), repeated: Vec::new() };
        ranges.blocks.push((0, 0));
        ranges.ranges.push(Range { start: 0, number: Number::NONE });
        if reader.metadata().ip_version == 4 {
            return Ok(ranges);
        }
        let mut next = Some(0);
        for network in reader.networks(WithinOptions::default().include_networks_without_data())? {
            let network = network?;
            let range = network.network()?;
            // IPv4 itself is read as the first of its repetitions.
            let IpAddr::V6(first) = range.ip() else { continue };
            let first = u128::from(first);
            ranges.push_left_out(reader, by_offset, next, Some(first))?;
            ranges.push(first, Number::new(number_of(&network, by_offset)));
            next = after(first, range.prefix());
        }
        ranges.push_left_out(reader, by_offset, next, None)?;
        ranges.blocks.shrink_to_fit();
        ranges.ranges.shrink_to_fit();
        ranges.within_halves.shrink_to_fit();
        Ok(ranges)
    }

    pub(super) fn find(&self, ip: Ipv6Addr) -> Found {
        let ip = u128::from(ip);
        let number = self.number_of_half(ip);
        if number != Number::NOT_ONE {
            return Found::Number(number.get());
        }
        if let Some(ip) = self.repeated.iter().find_map(|repeated| repeated.v4_in(ip)) {
            return Found::AsV4(ip);
        }
        let after = self.within_halves.partition_point(|(first, _)| *first <= ip);
        Found::Number(after.checked_sub(1).and_then(|before| self.within_halves[before].1.get()))
    }

    fn number_of_half(&self, ip: u128) -> Number {
        let (block, start) = split(ip);
        // The first block begins at 0.
        let after = self.blocks.partition_point(|(first, _)| *first <= block);
        let (found, from) = self.blocks[after - 1];
        let to = self.blocks.get(after).map_or(self.ranges.len(), |(_, from)| *from as usize);
        // A block without ranges of its own lies in the last range of the block before it.
        let start = if found == block { start } else { u32::MAX };
        range_of(&self.ranges[from as usize..to], start).number
    }

    /// The reader leaves networks out that lead to where IPv4 begins in the tree; `next` to `end` is what it passed over.
    fn push_left_out<S: AsRef<[u8]>>(
        &mut self,
        reader: &Reader<S>,
        by_offset: &ByOffset,
        mut next: Option<u128>,
        end: Option<u128>,
    ) -> Result<(), MaxMindDbError> {
        while let Some(first) = next.filter(|next| end.is_none_or(|end| *next < end)) {
            let found = reader.lookup(Ipv6Addr::from(first).into())?;
            let depth = found.network()?.prefix();
            let prefix = depth.saturating_sub(depth_of_v4(reader)?);
            if prefix == depth {
                // IPv4 is no tree but one record, or none; the same is found here.
                self.push(first, Number::new(number_of(&found, by_offset)));
            } else if prefix <= RepeatedV4::LONGEST_PREFIX {
                self.push(first, Number::NOT_ONE);
                self.repeated.push(RepeatedV4 { first, prefix });
            } else {
                return Err(MaxMindDbError::invalid_database("IPv4 is repeated where it has no room"));
            }
            next = after(first, prefix);
        }
        Ok(())
    }

    /// Goes on with another number from `first` on; networks come in the order of their addresses.
    fn push(&mut self, first: u128, number: Number) {
        let half = first & UPPER_HALF;
        if first == half {
            return self.push_half(half, number);
        }
        if self.within_halves.last().is_none_or(|(last, _)| last & UPPER_HALF != half) {
            self.within_halves.push((half, self.last()));
            self.push_half(half, Number::NOT_ONE);
        }
        self.within_halves.push((first, number));
    }

    fn push_half(&mut self, half: u128, number: Number) {
        let (block, start) = split(half);
        let last = self.last();
        if last == number {
            return;
        }
        if self.blocks.last().is_none_or(|(last, _)| *last != block) {
            let from = u32::try_from(self.ranges.len()).expect("a database has fewer networks");
            self.blocks.push((block, from));
            if start != 0 {
                self.ranges.push(Range { start: 0, number: last });
            }
        } else if let Some(range) = self.ranges.last_mut().filter(|range| range.start == start) {
            range.number = number;
            return;
        }
        self.ranges.push(Range { start, number });
    }

    fn last(&self) -> Number {
        self.ranges.last().map_or(Number::NONE, |range| range.number)
    }
}

impl RepeatedV4 {
    /// One with room for 32 bits after it.
    const LONGEST_PREFIX: u8 = 96;

    /// The address of IPv4 in an address of this network.
    fn v4_in(&self, ip: u128) -> Option<Ipv4Addr> {
        let v4 = |ip: u128| (ip >> (Self::LONGEST_PREFIX - self.prefix)) as u32;
        let here = after(self.first, self.prefix).is_none_or(|after| ip < after) && ip >= self.first;
        here.then(|| Ipv4Addr::from(v4(ip)))
    }
}

/// How many bits of 0.0.0.0 are looked at until its record is found, or none.
fn depth_of_v4<S: AsRef<[u8]>>(reader: &Reader<S>) -> Result<u8, MaxMindDbError> {
    let network = reader.lookup(Ipv4Addr::UNSPECIFIED.into())?.network()?;
    Ok(if network.is_ipv4() { network.prefix() } else { 0 })
}

/// The first address after a network, unless that has the last of all.
fn after(first: u128, prefix: u8) -> Option<u128> {
    1u128.checked_shl(u128::BITS - u32::from(prefix)).and_then(|size| first.checked_add(size))
}

/// The first and the second 32 bits of an address.
const fn split(ip: u128) -> (u32, u32) {
    ((ip >> 96) as u32, (ip >> 64) as u32)
}
