//! The networks of the demo: who lives where in the reserved ranges.
//!
//! Larger cities have larger networks, so that a simulation that draws addresses draws them more often.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::ranges::{
    ANONYMOUS, CITIES_V4, CITIES_V6, KEPT, LISTED_WITHOUT_FLAG, ROUGHLY_KNOWN, WITHOUT_CITY,
    WITHOUT_COORDINATES,
};
use super::table::{Atlas, City};
use super::{AnonymousIpFixture, AnonymousIpRecord, CityFixture, CityRecord, GeoFixtureError};

/// The network of a small town: 16 addresses.
const SMALLEST_V4: u8 = 28;
/// The network of a small town: what one site is usually given.
const SMALLEST_V6: u8 = 48;
/// How wide the radius of a [`ROUGHLY_KNOWN`] city is.
const ROUGH_RADIUS_KM: u16 = 400;

/// Every city of the table, and the records that a play cannot be located by.
pub(super) fn city(atlas: &Atlas) -> Result<CityFixture, GeoFixtureError> {
    let mut fixture = CityFixture::new();
    let mut by_size: Vec<&City> = atlas.cities.iter().collect();
    // The largest networks first keeps each aligned; a stable sort keeps the order of the table otherwise.
    by_size.sort_by_key(|city| std::cmp::Reverse(doublings(city)));
    for (range, smallest, kept) in [(CITIES_V4, SMALLEST_V4, KEPT[0]), (CITIES_V6, SMALLEST_V6, KEPT[1])] {
        let (range, kept) = (constant(range)?, constant(kept)?);
        let mut next = range.network();
        for city in &by_size {
            let network = IpNet::new_assert(next, smallest - doublings(city));
            if kept.contains(&network) || !range.contains(&network) {
                return Err(GeoFixtureError::RangesExhausted);
            }
            fixture = fixture.network_of(network, &CityRecord::of(atlas, city)?)?;
            next = successor(network.broadcast()).ok_or(GeoFixtureError::RangesExhausted)?;
        }
    }
    let largest = &by_size[..by_size.len().min(16)];
    for range in WITHOUT_CITY {
        fixture = share_out(fixture, range, largest, |city| CityRecord::country_of(atlas, city))?;
    }
    for range in ROUGHLY_KNOWN {
        let rough = |city: &City| Ok(CityRecord::of(atlas, city)?.accuracy_radius_km(ROUGH_RADIUS_KM));
        fixture = share_out(fixture, range, largest, rough)?;
    }
    for range in WITHOUT_COORDINATES {
        let nowhere = |city: &City| Ok(CityRecord::of(atlas, city)?.without_coordinates());
        fixture = share_out(fixture, range, &largest[..4], nowhere)?;
    }
    for (range, _) in ANONYMOUS {
        fixture = share_out(fixture, range, &largest[..4], |city| CityRecord::of(atlas, city))?;
    }
    Ok(fixture)
}

/// Every network that hides its users, and some that do not.
pub(super) fn anonymous_ip() -> Result<AnonymousIpFixture, GeoFixtureError> {
    let mut fixture = AnonymousIpFixture::new();
    for range in LISTED_WITHOUT_FLAG {
        fixture = fixture.network(range, &AnonymousIpRecord::unflagged())?;
    }
    for (range, flag) in ANONYMOUS {
        fixture = fixture.network(range, &AnonymousIpRecord::anonymous().flag(flag))?;
    }
    Ok(fixture)
}

/// How often a city's network is twice the smallest one.
fn doublings(city: &City) -> u8 {
    match city.population {
        0..100_000 => 0,
        100_000..1_000_000 => 2,
        1_000_000..4_000_000 => 3,
        4_000_000..10_000_000 => 4,
        _ => 6,
    }
}

/// Cuts `range` into equal networks, one for each of `cities` (a power of two of them).
fn share_out(
    mut fixture: CityFixture,
    range: &str,
    cities: &[&City],
    record: impl Fn(&City) -> Result<CityRecord, GeoFixtureError>,
) -> Result<CityFixture, GeoFixtureError> {
    let range = constant(range)?;
    let bits = u8::try_from(cities.len().ilog2()).map_err(|_| GeoFixtureError::RangesExhausted)?;
    let networks = range.subnets(range.prefix_len() + bits).map_err(|_| GeoFixtureError::RangesExhausted)?;
    for (network, city) in networks.zip(cities) {
        fixture = fixture.network_of(network, &record(city)?)?;
    }
    Ok(fixture)
}

fn constant(network: &str) -> Result<IpNet, GeoFixtureError> {
    network.parse().map_err(|source| GeoFixtureError::Network { network: network.to_owned(), source })
}

fn successor(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => Some(Ipv4Addr::from_bits(v4.to_bits().checked_add(1)?).into()),
        IpAddr::V6(v6) => Some(Ipv6Addr::from_bits(v6.to_bits().checked_add(1)?).into()),
    }
}
