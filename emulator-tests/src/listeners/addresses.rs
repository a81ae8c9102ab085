//! Addresses to draw listeners' from: those of a City database, and those that an Anonymous IP database flags.

use std::net::IpAddr;

use hashbrown::{HashMap, HashSet};
use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt as _, SeedableRng as _};
use serde::Deserialize;

use super::networks::{Block as _, Networks, NetworksBuilder};

/// Networks that are not for ordinary plays are so many that a sample of them will do.
const SAMPLE: usize = 65_536;

/// What addresses can be drawn, in a form that makes drawing fast.
#[derive(Debug)]
pub struct Addresses {
    v4: Option<Networks<u32>>,
    v6: Option<Networks<u64>>,
    unlocatable: Vec<Network>,
    hiding: Option<HidingRecords>,
}

/// The networks of an Anonymous IP database that hide their users.
#[derive(Debug)]
pub struct HidingRecords {
    reader: Reader<Vec<u8>>,
    offsets: HashSet<usize>,
    networks: Vec<Network>,
}

/// A network, either version.
#[derive(Clone, Copy)]
struct Network {
    start: IpAddr,
    prefix: u8,
}

/// Why a database gives no addresses.
#[derive(Debug, thiserror::Error)]
pub enum AddressesError {
    /// The database is damaged.
    #[error("cannot walk the database")]
    Damaged(#[from] MaxMindDbError),
    /// It has no network that could be anyone's.
    #[error("the City database places no network in a city; is it a City database?")]
    NoCities,
}

/// The part of a city record that says whether, and in which country, it locates anyone.
#[derive(Deserialize)]
struct SlimRecord<'a> {
    city: Option<SlimCity>,
    #[serde(borrow)]
    country: Option<SlimCountry<'a>>,
    location: Option<SlimLocation>,
}

#[derive(Deserialize)]
struct SlimCity {
    geoname_id: Option<u32>,
}

#[derive(Deserialize)]
struct SlimCountry<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct SlimLocation {
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// The reader takes no other width than the one that the database has.
    accuracy_radius: Option<u16>,
}

/// Where networks go whose record names no country.
const NO_COUNTRY: [u8; 2] = [0, 0];

impl Addresses {
    /// Walks a City database, about a second for one of the size of GeoLite2 City. Records with an accuracy radius
    /// above `max_accuracy_radius_km` count as unlocatable, as they do in a pipeline with that setting.
    ///
    /// # Errors
    /// When the database is damaged or has no cities.
    pub fn index(
        city: &Reader<impl AsRef<[u8]>>,
        max_accuracy_radius_km: u32,
        hiding: Option<HidingRecords>,
    ) -> Result<Self, AddressesError> {
        let (mut v4, mut v6) = (NetworksBuilder::<u32>::new(), NetworksBuilder::<u64>::new());
        let mut unlocatable = Reservoir::new();
        // Many networks share a record, so that each is decoded once.
        let mut country_by_record = HashMap::<usize, Option<[u8; 2]>>::new();
        for found in city.networks(WithinOptions::default())? {
            let found = found?;
            let Some(offset) = found.offset() else { continue };
            let country = *country_by_record
                .entry(offset)
                .or_insert_with(|| country_of(&found, max_accuracy_radius_km));
            let network = Network::of(&found)?;
            match (country, network.start) {
                (None, _) => unlocatable.offer(network),
                (Some(country), IpAddr::V4(start)) => v4.push(country, start.to_bits(), network.prefix),
                // Networks within the lower half: see `Block`.
                (Some(_), IpAddr::V6(_)) if network.prefix > u64::BITS as u8 => {}
                (Some(country), IpAddr::V6(start)) => {
                    v6.push(country, (start.to_bits() >> 64) as u64, network.prefix);
                }
            }
        }
        let addresses = Self { v4: v4.build(), v6: v6.build(), unlocatable: unlocatable.kept, hiding };
        if addresses.v4.is_none() && addresses.v6.is_none() {
            return Err(AddressesError::NoCities);
        }
        Ok(addresses)
    }

    /// How many networks ordinary plays can come from.
    #[must_use]
    pub fn located_networks(&self) -> usize {
        self.v4.as_ref().map_or(0, Networks::len) + self.v6.as_ref().map_or(0, Networks::len)
    }

    /// Whether there are addresses that no city is known of.
    #[must_use]
    pub fn has_unlocatable(&self) -> bool {
        !self.unlocatable.is_empty()
    }

    /// Whether there are addresses that hide where they are.
    #[must_use]
    pub fn has_hiding(&self) -> bool {
        self.hiding.as_ref().is_some_and(|hiding| !hiding.networks.is_empty())
    }

    /// An address in a city. It may hide where it is: see [`Addresses::hides`].
    pub(super) fn located<R: Rng>(&self, ipv6_share: f64, rng: &mut R) -> IpAddr {
        match (&self.v4, &self.v6) {
            (Some(v4), Some(v6)) => {
                if rng.random_bool(ipv6_share) {
                    v6.draw(rng)
                } else {
                    v4.draw(rng)
                }
            }
            (Some(v4), None) => v4.draw(rng),
            (None, Some(v6)) => v6.draw(rng),
            (None, None) => unreachable!("index refuses a database without cities"),
        }
    }

    /// An address that no city is known of.
    pub(super) fn unlocatable<R: Rng>(&self, rng: &mut R) -> Option<IpAddr> {
        Network::draw(&self.unlocatable, rng)
    }

    /// An address that hides where it is.
    pub(super) fn hiding<R: Rng>(&self, rng: &mut R) -> Option<IpAddr> {
        Network::draw(&self.hiding.as_ref()?.networks, rng)
    }

    /// Whether the Anonymous IP database flags an address.
    #[must_use]
    pub fn hides(&self, address: IpAddr) -> bool {
        self.hiding.as_ref().is_some_and(|hiding| {
            let offset = hiding.reader.lookup(address).ok().and_then(|found| found.offset());
            offset.is_some_and(|offset| hiding.offsets.contains(&offset))
        })
    }
}

impl HidingRecords {
    /// Walks an Anonymous IP database.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn index(reader: Reader<Vec<u8>>) -> Result<Self, AddressesError> {
        let mut networks = Reservoir::new();
        let mut hides_by_record = HashMap::<usize, bool>::new();
        for found in reader.networks(WithinOptions::default())? {
            let found = found?;
            let Some(offset) = found.offset() else { continue };
            if *hides_by_record.entry(offset).or_insert_with(|| hides(&found)) {
                networks.offer(Network::of(&found)?);
            }
        }
        let offsets =
            hides_by_record.into_iter().filter_map(|(offset, hides)| hides.then_some(offset)).collect();
        Ok(Self { reader, offsets, networks: networks.kept })
    }
}

/// The country of a record that locates its addresses; `None` for one that does not, also when it is damaged.
fn country_of<S: AsRef<[u8]>>(found: &LookupResult<'_, S>, max_accuracy_radius_km: u32) -> Option<[u8; 2]> {
    let record: SlimRecord<'_> = found.decode().ok().flatten()?;
    record.city?.geoname_id?;
    let location = record.location?;
    location.latitude.and(location.longitude)?;
    if location.accuracy_radius.is_some_and(|radius| u32::from(radius) > max_accuracy_radius_km) {
        return None;
    }
    let code = record.country.and_then(|country| country.iso_code);
    Some(code.and_then(|code| code.as_bytes().try_into().ok()).unwrap_or(NO_COUNTRY))
}

/// Whether any flag is true: most records of a real database have none, and hide nothing.
fn hides<S: AsRef<[u8]>>(found: &LookupResult<'_, S>) -> bool {
    let record = found.decode::<maxminddb::geoip2::AnonymousIp>().ok().flatten();
    record.is_some_and(|record| {
        [
            record.is_anonymous,
            record.is_anonymous_vpn,
            record.is_hosting_provider,
            record.is_public_proxy,
            record.is_residential_proxy,
            record.is_tor_exit_node,
        ]
        .contains(&Some(true))
    })
}

impl Network {
    fn of<S: AsRef<[u8]>>(found: &LookupResult<'_, S>) -> Result<Self, MaxMindDbError> {
        let network = found.network()?;
        Ok(Self { start: network.ip(), prefix: network.prefix() })
    }

    fn draw<R: Rng>(networks: &[Self], rng: &mut R) -> Option<IpAddr> {
        if networks.is_empty() {
            return None;
        }
        let network = networks[rng.random_range(0..networks.len())];
        Some(match network.start {
            IpAddr::V4(start) => start.to_bits().address(network.prefix, rng),
            IpAddr::V6(start) => {
                let host = rng.random::<u128>().checked_shr(network.prefix.into()).unwrap_or_default();
                std::net::Ipv6Addr::from_bits(start.to_bits() | host).into()
            }
        })
    }
}

/// Shows no address.
impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}", self.prefix)
    }
}

/// At most [`SAMPLE`] networks, any with the same probability (Vitter's algorithm R). Always the same ones of the
/// same database.
struct Reservoir {
    kept: Vec<Network>,
    offered: usize,
    rng: Xoshiro256PlusPlus,
}

impl Reservoir {
    fn new() -> Self {
        Self { kept: Vec::new(), offered: 0, rng: Xoshiro256PlusPlus::seed_from_u64(0) }
    }

    fn offer(&mut self, network: Network) {
        self.offered += 1;
        if self.kept.len() < SAMPLE {
            self.kept.push(network);
        } else {
            let place = self.rng.random_range(0..self.offered);
            if let Some(kept) = self.kept.get_mut(place) {
                *kept = network;
            }
        }
    }
}
