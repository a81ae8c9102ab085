//! The numbers of all addresses of IPv4.

use std::net::{IpAddr, Ipv4Addr};

use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};

use super::ranges::{Number, Range, Start as _, range_of};
use super::{ByOffset, number_of};

/// Ranges of addresses. Every block of 2^16 addresses begins one, so that 16 bits tell where in its block a range begins.
pub(super) struct V4Ranges {
    /// Where the ranges of each block begin in the list below, and where the last block's end.
    blocks: Vec<u32>,
    ranges: Vec<Range<u16>>,
}

const BLOCKS: usize = 1 << 16;

impl V4Ranges {
    pub(super) fn of<S: AsRef<[u8]>>(
        reader: &Reader<S>,
        by_offset: &ByOffset,
    ) -> Result<Self, MaxMindDbError> {
        let mut ranges = Self { blocks: Vec::with_capacity(BLOCKS + 1), ranges: Vec::new() };
        let everything = "0.0.0.0/0".parse().expect("this is a network");
        let options = WithinOptions::default().include_networks_without_data();
        for network in reader.within(everything, options)? {
            let network = network?;
            ranges.push(first_address(&network)?, Number::new(number_of(&network, by_offset)));
        }
        ranges.close_blocks_before(BLOCKS);
        ranges.blocks.push(ranges.next());
        ranges.ranges.shrink_to_fit();
        Ok(ranges)
    }

    pub(super) fn find(&self, ip: Ipv4Addr) -> Option<u32> {
        let (ranges, start) = self.block_of(ip);
        range_of(ranges, start).number.get()
    }

    /// Where the range begins that a search looks at first.
    pub(super) fn first_guess(&self, ip: Ipv4Addr) -> u16 {
        let (ranges, start) = self.block_of(ip);
        ranges[start.share_of(ranges.len())].start
    }

    /// The ranges of an address's block, and where in it the address is.
    fn block_of(&self, ip: Ipv4Addr) -> (&[Range<u16>], u16) {
        let ip = u32::from(ip);
        let block = (ip >> 16) as usize;
        (&self.ranges[self.blocks[block] as usize..self.blocks[block + 1] as usize], ip as u16)
    }

    /// Goes on with another number from `first` on; networks come in the order of their addresses.
    fn push(&mut self, first: u32, number: Number) {
        let (block, start) = (first >> 16, first as u16);
        self.close_blocks_before(block as usize);
        if start == 0 {
            self.blocks.push(self.next());
        } else if self.last() == number {
            return;
        }
        self.ranges.push(Range { start, number });
    }

    /// A network may be larger than a block: the blocks before `block` go on with the last number.
    fn close_blocks_before(&mut self, block: usize) {
        while self.blocks.len() < block {
            let number = self.last();
            self.blocks.push(self.next());
            self.ranges.push(Range { start: 0, number });
        }
    }

    fn last(&self) -> Number {
        self.ranges.last().map_or(Number::NONE, |range| range.number)
    }

    fn next(&self) -> u32 {
        u32::try_from(self.ranges.len()).expect("there are no more ranges than addresses")
    }
}

/// The first address of a network of IPv4. A database of IPv6 without any IPv4 gives the one network that all of IPv4 lies
/// in.
fn first_address<S: AsRef<[u8]>>(network: &LookupResult<'_, S>) -> Result<u32, MaxMindDbError> {
    match network.network()?.ip() {
        IpAddr::V4(ip) => Ok(ip.into()),
        IpAddr::V6(_) => Ok(0),
    }
}
