//! The city database: where each address is, and how the city is called in eight languages.
//!
//! What matching needs of a record is read once, when the database is opened; names only for the few places that are
//! published.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use listening_together_proto::{Coordinates, Names, Timestamp};
use maxminddb::{LookupResult, MaxMindDbError, Reader};
use serde::Deserialize;

use super::lookup_table::LookupTable;
use super::{CountryCode, Direction, Spot};

/// A city database, with all of its records that locate somebody.
pub(super) struct Cities {
    reader: Reader<Vec<u8>>,
    /// Addresses to places in `spots`.
    table: LookupTable,
    spots: Vec<Spot>,
    unreadable_records: u64,
}

impl Cities {
    /// Reads every record of a database that has passed its check; one less accurate than `max_accuracy_radius_km` locates
    /// nobody.
    pub(super) fn of(reader: Reader<Vec<u8>>, max_accuracy_radius_km: u32) -> Result<Self, MaxMindDbError> {
        let (mut spots, mut unreadable_records) = (Vec::new(), 0);
        let table = LookupTable::of(&reader, |found| {
            let spot = read_spot(found).unwrap_or_else(|_| {
                unreadable_records += 1;
                None
            })?;
            let number = u32::try_from(spots.len()).ok()?;
            (u32::from(spot.accuracy_radius_km) <= max_accuracy_radius_km).then(|| spots.push(spot))?;
            Some(number)
        })?;
        spots.shrink_to_fit();
        Ok(Self { reader, table, spots, unreadable_records })
    }

    pub(super) fn built_at(&self) -> Option<Timestamp> {
        self.reader.metadata().build_time().ok().map(Timestamp::from)
    }

    pub(super) const fn unreadable_records(&self) -> u64 {
        self.unreadable_records
    }

    /// Brings what [`Cities::find`] will read for these addresses into the processor's cache.
    pub(super) fn warm_up(&self, addresses: impl Iterator<Item = IpAddr>) {
        self.table.warm_up(addresses);
    }

    /// The number of the spot at an address.
    pub(super) fn find(&self, ip: IpAddr) -> Option<u32> {
        self.table.find(&self.reader, ip).ok().flatten()
    }

    pub(super) fn spot(&self, number: u32) -> &Spot {
        &self.spots[number as usize]
    }

    pub(super) fn names(&self, spot: &Spot) -> PlaceNames {
        let found = self.reader.lookup(spot.network.to_canonical());
        let record = found.and_then(|found| found.decode::<NamesRecord>());
        let record = record.ok().flatten().unwrap_or_default();
        PlaceNames {
            city: Names::from(&record.city.names),
            country: Names::from(&record.country.names),
            country_code: record.country.iso_code.into(),
            time_zone: record.location.time_zone.into(),
        }
    }
}

/// Where a record is, if it says so.
fn read_spot(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<Spot>, MaxMindDbError> {
    let Some(city) = found.decode::<CityRecord<'_>>()? else { return Ok(None) };
    let network = match found.network()?.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    Ok(city.spot(network))
}

/// How a place is called.
pub(super) struct PlaceNames {
    pub(super) city: Names,
    pub(super) country: Names,
    pub(super) country_code: Box<str>,
    pub(super) time_zone: Box<str>,
}

/// The part of a city record that says where it is.
#[derive(Deserialize)]
struct CityRecord<'a> {
    #[serde(default)]
    city: CityId,
    #[serde(borrow, default)]
    country: Country<'a>,
    #[serde(default)]
    location: Location,
}

#[derive(Default, Deserialize)]
struct CityId {
    geoname_id: Option<u32>,
}

#[derive(Default, Deserialize)]
struct Country<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// The reader takes a number only at the width that the schema gives it: 16 bits.
    accuracy_radius: Option<u16>,
}

impl CityRecord<'_> {
    /// `None` without a city's id or possible coordinates.
    fn spot(&self, network: Ipv6Addr) -> Option<Spot> {
        let coordinates = self.coordinates()?;
        Some(Spot {
            geoname_id: self.geoname_id()?,
            accuracy_radius_km: self.location.accuracy_radius.unwrap_or(0),
            coordinates,
            direction: Direction::of(coordinates),
            country: CountryCode::new(self.country.iso_code.unwrap_or_default()),
            network,
        })
    }

    /// `None` without one.
    fn geoname_id(&self) -> Option<u32> {
        self.city.geoname_id.filter(|id| *id != 0)
    }

    /// `None` when they are missing or impossible.
    fn coordinates(&self) -> Option<Coordinates> {
        Coordinates::new(self.location.latitude?, self.location.longitude?)
    }
}

/// The part of a city record that says how it is called.
#[derive(Default, Deserialize)]
struct NamesRecord {
    #[serde(default)]
    city: Named,
    #[serde(default)]
    country: Named,
    #[serde(default)]
    location: Clock,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    iso_code: String,
    #[serde(default)]
    names: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Clock {
    #[serde(default)]
    time_zone: String,
}
