//! The city database: where each address is, and how the city is called in eight languages.

use std::net::IpAddr;

use listening_together_proto::{Coordinates, Timestamp};
use maxminddb::{LookupResult, MaxMindDbError, Reader};
use serde::Deserialize;

use super::databases::KnownBy;
use super::gazetteer::{Gazetteer, Record};
use super::lookup_table::{LookupTable, number_records};
use super::names::{NameStore, NameStoreBuilder, PlaceNames, RecordNames};
use super::{CountryCode, Direction, Spot};

/// All records of a city database that locate somebody.
pub(super) struct Cities {
    built_at: Option<Timestamp>,
    index: Index,
    spots: Vec<Spot>,
    names: NameStore,
    unreadable_records: u64,
}

/// How places in `spots` are found.
enum Index {
    ByAddress(LookupTable),
    ByRecord(Gazetteer),
}

impl Cities {
    /// Reads every record of a database that has passed its check; one less accurate than `max_accuracy_radius_km` locates
    /// nobody.
    pub(super) fn of(
        reader: &Reader<Vec<u8>>,
        max_accuracy_radius_km: u32,
        known_by: KnownBy,
    ) -> Result<Self, MaxMindDbError> {
        let (mut spots, mut names, mut unreadable_records) = (Vec::new(), NameStoreBuilder::default(), 0);
        let numbers = number_records(reader, |found: &LookupResult<'_, Vec<u8>>| {
            let record = found.decode::<CityRecord<'_>>().unwrap_or_else(|_| {
                unreadable_records += 1;
                None
            })?;
            let spot = record.spot(max_accuracy_radius_km, &mut names)?;
            let number = u32::try_from(spots.len()).ok()?;
            spots.push(spot);
            Some(number)
        })?;
        spots.shrink_to_fit();
        let index = match known_by {
            KnownBy::Address => Index::ByAddress(LookupTable::of(reader, &numbers)?),
            KnownBy::Record => Index::ByRecord(Gazetteer::of(&spots)),
        };
        let built_at = reader.metadata().build_time().ok().map(Timestamp::from);
        Ok(Self { built_at, index, spots, names: names.finish(), unreadable_records })
    }

    pub(super) const fn built_at(&self) -> Option<Timestamp> {
        self.built_at
    }

    pub(super) const fn unreadable_records(&self) -> u64 {
        self.unreadable_records
    }

    /// Brings what [`Cities::find`] will read for these addresses into the processor's cache.
    pub(super) fn warm_up(&self, addresses: impl Iterator<Item = IpAddr>) {
        if let Index::ByAddress(table) = &self.index {
            table.warm_up(addresses);
        }
    }

    /// The number of the spot at an address; none where places are known by their records.
    pub(super) fn find(&self, ip: IpAddr) -> Option<u32> {
        match &self.index {
            Index::ByAddress(table) => table.find(ip),
            Index::ByRecord(_) => None,
        }
    }

    /// The number of the spot of a record; none where places are known by addresses.
    pub(super) fn find_record(&mut self, record: &Record) -> Option<u32> {
        match &mut self.index {
            Index::ByAddress(_) => None,
            Index::ByRecord(gazetteer) => gazetteer.find(record, &mut self.spots),
        }
    }

    pub(super) fn spot(&self, number: u32) -> &Spot {
        &self.spots[number as usize]
    }

    pub(super) fn names(&self, spot: &Spot) -> PlaceNames {
        self.names.get(spot.names)
    }
}

/// What is read of a city record.
#[derive(Deserialize)]
struct CityRecord<'a> {
    #[serde(borrow, default)]
    city: City<'a>,
    #[serde(borrow, default)]
    country: Country<'a>,
    #[serde(borrow, default)]
    location: Location<'a>,
}

#[derive(Default, Deserialize)]
struct City<'a> {
    geoname_id: Option<u32>,
    #[serde(borrow, default)]
    names: RecordNames<'a>,
}

#[derive(Default, Deserialize)]
struct Country<'a> {
    iso_code: Option<&'a str>,
    #[serde(borrow, default)]
    names: RecordNames<'a>,
}

#[derive(Default, Deserialize)]
struct Location<'a> {
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// The reader takes a number only at the width that the schema gives it: 16 bits.
    accuracy_radius: Option<u16>,
    time_zone: Option<&'a str>,
}

impl CityRecord<'_> {
    /// `None` without a city's id or possible coordinates, and where it is less accurate than asked for.
    fn spot(&self, max_accuracy_radius_km: u32, names: &mut NameStoreBuilder) -> Option<Spot> {
        let accuracy_radius_km = self.location.accuracy_radius.unwrap_or(0);
        if u32::from(accuracy_radius_km) > max_accuracy_radius_km {
            return None;
        }
        let coordinates = self.coordinates()?;
        let geoname_id = self.geoname_id()?;
        let country_code = self.country.iso_code.unwrap_or_default();
        let time_zone = self.location.time_zone.unwrap_or_default();
        Some(Spot {
            geoname_id,
            accuracy_radius_km,
            coordinates,
            direction: Direction::of(coordinates),
            country: CountryCode::new(country_code),
            names: names.insert(&self.city.names, country_code, &self.country.names, time_zone)?,
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
