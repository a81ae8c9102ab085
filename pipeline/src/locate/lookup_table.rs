//! What a database says of each address, as one number that is found fast.
//!
//! A walk down MaxMind's search tree costs an address of IPv4 some seven cache misses, and the record that it leads to has
//! to be decoded. Here every record is made into a number once, and the tree is written out as the ranges of addresses
//! that have the same number: a look-up is a search among the ranges of the address's /16, one or two misses. Six bytes a
//! range: 15 MB for a GeoLite2 City of 66 MB.
//!
//! Addresses of IPv6 are rarer and take the walk.

use std::net::{IpAddr, Ipv4Addr};

use hashbrown::HashMap;
use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};

/// What each address of a database stands for.
pub(super) struct LookupTable {
    /// By where the record lies in the database, ascending; without the records that stand for nothing.
    by_offset: Vec<(u32, u32)>,
    v4: V4Ranges,
}

impl LookupTable {
    /// Of a database that has passed its check. `number` says what a record stands for, if for anything; it is asked once
    /// for each, and may answer anything but `u32::MAX`.
    pub(super) fn of<S: AsRef<[u8]>>(
        reader: &Reader<S>,
        mut number: impl FnMut(&LookupResult<'_, S>) -> Option<u32>,
    ) -> Result<Self, MaxMindDbError> {
        let mut numbers = HashMap::new();
        for network in reader.networks(WithinOptions::default())? {
            let network = network?;
            if let Some(offset) = network.offset() {
                let too_far = || MaxMindDbError::invalid_database("a record lies beyond 4 GiB");
                let offset = u32::try_from(offset).map_err(|_| too_far())?;
                numbers.entry(offset).or_insert_with(|| number(&network));
            }
        }
        let known = numbers.into_iter().filter_map(|(offset, number)| Some((offset, number?)));
        let mut by_offset: Vec<_> = known.collect();
        by_offset.sort_unstable();
        let v4 = V4Ranges::of(reader, &by_offset)?;
        Ok(Self { by_offset, v4 })
    }

    /// What an address stands for; nothing if it has no record, as has one of IPv6 in a database of IPv4.
    pub(super) fn find<S: AsRef<[u8]>>(
        &self,
        reader: &Reader<S>,
        ip: IpAddr,
    ) -> Result<Option<u32>, MaxMindDbError> {
        match ip {
            IpAddr::V4(ip) => Ok(self.v4.find(ip)),
            IpAddr::V6(_) if reader.metadata().ip_version == 4 => Ok(None),
            IpAddr::V6(_) => Ok(number_of(&reader.lookup(ip)?, &self.by_offset)),
        }
    }
}

fn number_of<S: AsRef<[u8]>>(found: &LookupResult<'_, S>, by_offset: &[(u32, u32)]) -> Option<u32> {
    let offset = u32::try_from(found.offset()?).ok()?;
    let index = by_offset.binary_search_by_key(&offset, |(offset, _)| *offset).ok()?;
    Some(by_offset[index].1)
}

/// The numbers of the addresses of IPv4, by ranges. Every block of 2^16 addresses begins a range, so that 16 bits tell
/// where in its block a range begins.
struct V4Ranges {
    /// Where the ranges of each block begin in the list below, and where the last block's end.
    blocks: Vec<u32>,
    ranges: Vec<Range>,
}

/// Six bytes side by side, so that the search ends in the cache line that holds the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Range {
    /// The lower half of the first address.
    start: u16,
    number: Number,
}

/// A number that may be none, in two halves: as one of 32 bits it would make a range 8 bytes long.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Number([u16; 2]);

impl Number {
    const NONE: Self = Self([u16::MAX; 2]);

    const fn new(number: Option<u32>) -> Self {
        match number {
            Some(number) => Self([(number >> 16) as u16, number as u16]),
            None => Self::NONE,
        }
    }

    fn get(self) -> Option<u32> {
        (self != Self::NONE).then_some((self.0[0] as u32) << 16 | self.0[1] as u32)
    }
}

const BLOCKS: usize = 1 << 16;

impl V4Ranges {
    fn of<S: AsRef<[u8]>>(reader: &Reader<S>, by_offset: &[(u32, u32)]) -> Result<Self, MaxMindDbError> {
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

    fn find(&self, ip: Ipv4Addr) -> Option<u32> {
        let ip = u32::from(ip);
        let block = (ip >> 16) as usize;
        let ranges = &self.ranges[self.blocks[block] as usize..self.blocks[block + 1] as usize];
        ranges[last_not_above(ranges, ip as u16)].number.get()
    }
}

/// The index of the last of `ranges` that does not start above `low`, given that they ascend and the first starts at 0. A
/// block may have tens of thousands of ranges, of much the same size then: the search widens from where evenly spread
/// ones would have it, which touches a cache line or two where halving would touch ten.
fn last_not_above(ranges: &[Range], low: u16) -> usize {
    let guess = (usize::from(low) * ranges.len()) >> 16;
    let mut step = 8;
    let (from, to) = if ranges[guess].start <= low {
        let mut from = guess;
        while ranges.get(from + step).is_some_and(|range| range.start <= low) {
            from += step;
            step *= 2;
        }
        (from, ranges.len().min(from + step))
    } else {
        let mut to = guess;
        while to > step && ranges[to - step].start > low {
            to -= step;
            step *= 2;
        }
        (to.saturating_sub(step), to)
    };
    from + ranges[from..to].partition_point(|range| range.start <= low) - 1
}

/// The first address of a network of IPv4. A database of IPv6 without any IPv4 gives the one network that all of IPv4 lies
/// in.
fn first_address<S: AsRef<[u8]>>(network: &LookupResult<'_, S>) -> Result<u32, MaxMindDbError> {
    match network.network()?.ip() {
        IpAddr::V4(ip) => Ok(ip.into()),
        IpAddr::V6(_) => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;
    use mmdb_writer::{Value, Writer};

    use super::*;

    fn database(networks: &[&str]) -> Reader<Vec<u8>> {
        let mut writer = Writer::builder("Test").build();
        for (number, network) in networks.iter().enumerate() {
            let network: IpNet = network.parse().unwrap();
            writer.insert_value(network, Value::map([("number", Value::from(number as u32))])).unwrap();
        }
        Reader::from_source(writer.to_bytes().unwrap()).unwrap()
    }

    /// Records that are odd stand for nothing.
    fn table(reader: &Reader<Vec<u8>>) -> LookupTable {
        LookupTable::of(reader, number).unwrap()
    }

    fn number(found: &LookupResult<'_, Vec<u8>>) -> Option<u32> {
        let record = found.decode::<std::collections::BTreeMap<String, u32>>().unwrap()?;
        Some(record["number"]).filter(|number| number % 2 == 0)
    }

    /// The tree's own answer.
    fn walked(reader: &Reader<Vec<u8>>, ip: IpAddr) -> Option<u32> {
        number(&reader.lookup(ip).unwrap())
    }

    #[test]
    fn a_range_takes_6_bytes() {
        assert_eq!(size_of::<Range>(), 6);
    }

    #[test]
    fn every_edge_of_every_network_is_found_as_the_tree_finds_it() {
        let cases: [(&str, &[&str]); 7] = [
            ("no network", &[]),
            ("all addresses", &["0.0.0.0/0"]),
            ("larger than a block", &["10.0.0.0/8", "12.0.0.0/14"]),
            ("blocks", &["10.0.0.0/16", "10.1.0.0/16", "10.3.0.0/16"]),
            ("within a block", &["10.0.0.0/24", "10.0.1.0/32", "10.0.255.255/32", "10.1.0.0/31"]),
            ("the first and the last address", &["0.0.0.0/32", "255.255.255.255/32"]),
            ("IPv6 beside IPv4", &["2001:db8::/32", "198.18.0.0/15"]),
        ];
        for (name, networks) in cases {
            let reader = database(networks);
            let table = table(&reader);
            let edges = networks.iter().flat_map(|network| {
                let network: IpNet = network.parse().unwrap();
                [network.network(), network.broadcast()]
            });
            let fixed = ["0.0.0.0", "255.255.255.255", "127.0.0.1", "2001:db8::1", "::"];
            for edge in edges.chain(fixed.map(|ip| ip.parse().unwrap())) {
                for ip in [before(edge), edge, after(edge)] {
                    assert_eq!(table.find(&reader, ip).unwrap(), walked(&reader, ip), "{name}: {ip}");
                }
            }
        }
    }

    fn before(ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).saturating_sub(1)).into(),
            IpAddr::V6(_) => ip,
        }
    }

    fn after(ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).saturating_add(1)).into(),
            IpAddr::V6(_) => ip,
        }
    }

    proptest::proptest! {
        #[test]
        fn the_last_start_not_above_is_found_however_they_are_spread(
            starts in proptest::collection::btree_set(0..=u16::MAX, 0..2000),
            dense in 0..=u16::MAX - 600,
            low in proptest::num::u16::ANY,
        ) {
            let starts = starts.into_iter().chain(dense..dense + 600).chain([0]);
            let starts: Vec<_> = starts.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            let ranges: Vec<_> = starts.iter().map(|start| Range { start: *start, number: Number::NONE }).collect();
            for low in [low, dense, dense + 300, 0, u16::MAX] {
                let expected = starts.partition_point(|start| *start <= low) - 1;
                proptest::prop_assert_eq!(last_not_above(&ranges, low), expected);
            }
        }

        #[test]
        fn any_address_is_found_as_the_tree_finds_it(
            networks in proptest::collection::btree_map(proptest::num::u32::ANY, 1u8..=32, 0..40),
            addresses in proptest::collection::vec(proptest::num::u32::ANY, 100),
        ) {
            let networks: Vec<_> = networks
                .into_iter()
                .map(|(ip, prefix)| format!("{}/{prefix}", Ipv4Addr::from(ip)))
                .collect();
            let reader = database(&networks.iter().map(String::as_str).collect::<Vec<_>>());
            let table = table(&reader);
            let networks = networks.iter().map(|network| network.parse::<IpNet>().unwrap());
            let edges = networks.flat_map(|network| [network.network(), network.broadcast()]);
            let edges = edges.flat_map(|edge| [before(edge), edge, after(edge)]);
            let anywhere = addresses.into_iter().map(|ip| IpAddr::from(Ipv4Addr::from(ip)));
            for ip in anywhere.chain(edges) {
                proptest::prop_assert_eq!(table.find(&reader, ip).unwrap(), walked(&reader, ip));
            }
        }
    }
}
