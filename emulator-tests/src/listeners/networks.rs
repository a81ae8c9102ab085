//! Millions of networks, compactly, to draw addresses from.
//!
//! A real City database has three million IPv4 networks with a city, in which nearly half of all addresses are in one
//! country. Drawing a country first, with a weight that grows more slowly than its number of addresses, keeps one
//! country from drowning the rest. A network costs 9 bytes (IPv4) or 13 (IPv6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hashbrown::HashMap;
use rand::{Rng, RngExt as _};
use rand_distr::Distribution as _;
use rand_distr::weighted::WeightedAliasIndex;

/// A country's weight is the sum of the weights of its networks to this power.
const COUNTRY_EXPONENT: f64 = 0.6;

/// The largest weight of a network is two to this power: a provider may have put millions of customers on one record.
const MAX_WEIGHT_BITS: u8 = 12;

/// The part of an address that tells networks apart: all of an IPv4 address, the upper half of an IPv6 address.
///
/// Nobody is given less than half of an IPv6 address, so that smaller networks need not be kept apart.
pub(super) trait Block: Copy {
    /// Bits that tell customers apart: the weight of a network is how many it has room for.
    const CUSTOMER_BITS: u8;
    /// An address of the network of `prefix` bits that starts here, any with the same probability.
    fn address<R: Rng>(self, prefix: u8, rng: &mut R) -> IpAddr;
}

impl Block for u32 {
    const CUSTOMER_BITS: u8 = 32;

    fn address<R: Rng>(self, prefix: u8, rng: &mut R) -> IpAddr {
        let host = rng.random::<u32>().checked_shr(prefix.into()).unwrap_or_default();
        Ipv4Addr::from_bits(self | host).into()
    }
}

impl Block for u64 {
    const CUSTOMER_BITS: u8 = 56;

    fn address<R: Rng>(self, prefix: u8, rng: &mut R) -> IpAddr {
        let subnet = rng.random::<u64>().checked_shr(prefix.into()).unwrap_or_default();
        let upper = u128::from(self | subnet) << 64;
        Ipv6Addr::from_bits(upper | u128::from(rng.random::<u64>())).into()
    }
}

/// Networks of one country.
#[derive(Debug, Default)]
struct Country<B> {
    starts: Vec<B>,
    prefixes: Vec<u8>,
    /// The weights of this network and all before it.
    cumulative: Vec<u32>,
}

/// Networks of one IP version, by country.
#[derive(Debug)]
pub(super) struct Networks<B> {
    countries: Vec<Country<B>>,
    choice: WeightedAliasIndex<f64>,
}

/// [`Networks`] under construction.
#[derive(Debug)]
pub(super) struct NetworksBuilder<B> {
    countries: Vec<Country<B>>,
    numbers: HashMap<[u8; 2], usize>,
}

impl<B: Block> NetworksBuilder<B> {
    pub(super) fn new() -> Self {
        Self { countries: Vec::new(), numbers: HashMap::new() }
    }

    pub(super) fn push(&mut self, country: [u8; 2], start: B, prefix: u8) {
        let number = *self.numbers.entry(country).or_insert_with(|| {
            self.countries.push(Country { starts: Vec::new(), prefixes: Vec::new(), cumulative: Vec::new() });
            self.countries.len() - 1
        });
        let networks = &mut self.countries[number];
        let weight = 1 << B::CUSTOMER_BITS.saturating_sub(prefix).min(MAX_WEIGHT_BITS);
        let before = networks.cumulative.last().copied().unwrap_or_default();
        networks.starts.push(start);
        networks.prefixes.push(prefix);
        networks.cumulative.push(before.saturating_add(weight));
    }

    /// `None` when there is no network.
    pub(super) fn build(mut self) -> Option<Networks<B>> {
        for country in &mut self.countries {
            country.starts.shrink_to_fit();
            country.prefixes.shrink_to_fit();
            country.cumulative.shrink_to_fit();
        }
        let weights = self.countries.iter().map(|c| f64::from(c.total()).powf(COUNTRY_EXPONENT)).collect();
        let choice = WeightedAliasIndex::new(weights).ok()?;
        Some(Networks { countries: self.countries, choice })
    }
}

impl<B> Country<B> {
    fn total(&self) -> u32 {
        self.cumulative.last().copied().unwrap_or_default()
    }
}

impl<B: Block> Networks<B> {
    /// An address: a country, a network of it, an address of that.
    pub(super) fn draw<R: Rng>(&self, rng: &mut R) -> IpAddr {
        let country = &self.countries[self.choice.sample(rng)];
        let at = rng.random_range(0..country.total());
        let network = country.cumulative.partition_point(|cumulative| *cumulative <= at);
        country.starts[network].address(country.prefixes[network], rng)
    }

    pub(super) fn len(&self) -> usize {
        self.countries.iter().map(|country| country.starts.len()).sum()
    }
}
