//! locate: an IP address -> a place, unless the address hides where it is.
//!
//! Thousands of addresses share one record of a city database. What matching needs of a record is decoded once and
//! kept beside the reader ([`Spot`]); the names in eight languages are decoded again only for the few places that are
//! published. Memory is bounded by the number of records in the database (some 60 bytes for each that was met).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use listening_together_proto::{Coordinates, Names, Place};
use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

use crate::decode::Address;
use crate::ledger::DropReason;

/// The databases, and what has been looked up in them.
pub struct Atlas {
    city: Reader<Vec<u8>>,
    anonymous_ip: Option<Reader<Vec<u8>>>,
    max_accuracy_radius_km: u32,
    /// What a city record holds, by its offset in the database; `None` is a record that locates nobody.
    spots_by_record: HashMap<usize, Option<SpotRef>>,
    spots: Vec<Spot>,
    /// Whether a record of the anonymous IP database hides an address, by its offset.
    hiding_by_record: HashMap<usize, bool>,
    failed_lookups: u64,
}

/// What matching needs to know of a city record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The city's id at geonames.org.
    pub geoname_id: u32,
    /// 0 when the record does not say.
    pub accuracy_radius_km: u32,
    /// The middle of the city, as this record has it.
    pub coordinates: Coordinates,
    /// The country that the city is in.
    pub country: CountryCode,
    /// An address of the record's network, to find the record again.
    network: Address,
}

/// A country by its ISO 3166-1 alpha-2 code; those without one are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// From two letters; anything else is no country.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self(code.as_bytes().try_into().unwrap_or_default())
    }
}

impl Spot {
    /// Whether this record stands for a city rather than `other`: the smaller radius, then latitude, then longitude.
    #[must_use]
    pub fn precedes(&self, other: &Self) -> bool {
        let key = |spot: &Self| (spot.accuracy_radius_km, spot.coordinates);
        key(self) < key(other)
    }
}

/// A [`Spot`] of an [`Atlas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpotRef(u32);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be read, or is damaged.
    #[error("cannot use {path} ({source}); expected a MaxMind DB file (.mmdb) of {expected}")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What kind of database is accepted.
        expected: &'static str,
        /// What is wrong with it.
        source: MaxMindDbError,
    },
    /// It is a database of something else.
    #[error("{path} is a database of type {found:?}; expected {expected}")]
    WrongType {
        /// Which file.
        path: PathBuf,
        /// What its metadata calls it.
        found: String,
        /// What kind of database is accepted.
        expected: &'static str,
    },
}

const CITIES: &str = "cities, such as GeoLite2-City or GeoIP2-City";
const ANONYMIZERS: &str = "anonymous addresses, such as GeoIP2-Anonymous-IP";

/// Opens a database and checks all of it: a damaged one is refused now, not at some lookup later.
///
/// The file is read into memory, not mapped: a map would crash the process when the file is overwritten in place.
fn open(path: &Path, types: &[&str], expected: &'static str) -> Result<Reader<Vec<u8>>, DatabaseError> {
    let unusable = |source| DatabaseError::Unusable { path: path.to_owned(), expected, source };
    let reader = Reader::open_readfile(path).map_err(unusable)?;
    let found = &reader.metadata().database_type;
    if !types.iter().any(|known| found.contains(known)) {
        return Err(DatabaseError::WrongType { path: path.to_owned(), found: found.clone(), expected });
    }
    reader.verify().map_err(unusable)?;
    Ok(reader)
}

impl Atlas {
    /// Opens the databases; without one of anonymous addresses, no address counts as hidden.
    ///
    /// # Errors
    /// When the city database cannot be used.
    pub fn open(city: &Path, max_accuracy_radius_km: u32) -> Result<Self, DatabaseError> {
        Ok(Self {
            city: open(city, &["City", "Enterprise"], CITIES)?,
            anonymous_ip: None,
            max_accuracy_radius_km,
            spots_by_record: HashMap::new(),
            spots: Vec::new(),
            hiding_by_record: HashMap::new(),
            failed_lookups: 0,
        })
    }

    /// Drops addresses that the database at `path` says hide where they are.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn with_anonymous_ip(mut self, path: &Path) -> Result<Self, DatabaseError> {
        self.anonymous_ip = Some(open(path, &["Anonymous"], ANONYMIZERS)?);
        Ok(self)
    }

    /// Where `address` is.
    ///
    /// # Errors
    /// [`DropReason::Anonymous`] or [`DropReason::Unlocated`].
    pub fn locate(&mut self, address: Address) -> Result<SpotRef, DropReason> {
        let ip = IpAddr::from(address);
        if self.hides(ip) {
            return Err(DropReason::Anonymous);
        }
        self.spot_at(ip).ok_or(DropReason::Unlocated)
    }

    /// What matching needs to know of a place that [`Atlas::locate`] found.
    ///
    /// # Panics
    /// When `spot` is another atlas's.
    #[must_use]
    pub fn spot(&self, spot: SpotRef) -> &Spot {
        &self.spots[spot.0 as usize]
    }

    /// All that the database knows of a place, with `listener_count` listeners.
    ///
    /// # Panics
    /// When `spot` is another atlas's.
    #[must_use]
    pub fn place(&self, spot: SpotRef, listener_count: u32) -> Place {
        let spot = self.spot(spot);
        let record = self.city.lookup(spot.network.into()).and_then(|found| found.decode::<CityNames>());
        let record = record.ok().flatten().unwrap_or_default();
        let names = |names: BTreeMap<String, String>| Names::from(&names);
        Place {
            geoname_id: spot.geoname_id,
            city: names(record.city.names),
            country_code: record.country.iso_code.into(),
            country: names(record.country.names),
            coordinates: spot.coordinates,
            accuracy_radius_km: spot.accuracy_radius_km,
            listener_count,
            time_zone: record.location.time_zone.into(),
        }
    }

    /// Lookups that a damaged record made fail.
    #[must_use]
    pub const fn failed_lookups(&self) -> u64 {
        self.failed_lookups
    }

    fn hides(&mut self, ip: IpAddr) -> bool {
        let Some(database) = &self.anonymous_ip else { return false };
        let found = match database.lookup(ip) {
            Ok(found) => found,
            // An IPv6 address in a database of IPv4 addresses is not in it.
            Err(MaxMindDbError::InvalidInput { .. }) => return false,
            Err(_) => {
                self.failed_lookups += 1;
                return true;
            }
        };
        let Some(record) = found.offset() else { return false };
        *self.hiding_by_record.entry(record).or_insert_with(|| match found.decode::<AnonymousIp>() {
            Ok(flags) => flags.is_some_and(|flags| flags.any()),
            // Who cannot be shown not to hide is treated as hiding.
            Err(_) => true,
        })
    }

    fn spot_at(&mut self, ip: IpAddr) -> Option<SpotRef> {
        let found = match self.city.lookup(ip) {
            Ok(found) => found,
            Err(error) => {
                self.failed_lookups += u64::from(!matches!(error, MaxMindDbError::InvalidInput { .. }));
                return None;
            }
        };
        let record = found.offset()?;
        if let Some(known) = self.spots_by_record.get(&record) {
            return *known;
        }
        let decoded = found.decode::<CityRecord<'_>>();
        self.failed_lookups += u64::from(decoded.is_err());
        let network = found.network().map(|network| Address::from(network.ip()));
        let spot = match (decoded, network) {
            (Ok(Some(city)), Ok(network)) => city.spot(network, self.max_accuracy_radius_km),
            _ => None,
        };
        let spot = spot.map(|spot| {
            self.spots.push(spot);
            SpotRef(u32::try_from(self.spots.len() - 1).expect("a database has fewer than 2^32 records"))
        });
        self.spots_by_record.insert(record, spot);
        spot
    }
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
struct Country<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct CityId {
    geoname_id: Option<u32>,
}

#[derive(Default, Deserialize)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// The reader takes a number only at the width that the schema gives it: 16 bits.
    accuracy_radius: Option<u16>,
}

impl CityRecord<'_> {
    fn spot(&self, network: Address, max_accuracy_radius_km: u32) -> Option<Spot> {
        let coordinates = Coordinates::new(self.location.latitude?, self.location.longitude?)?;
        let accuracy_radius_km = u32::from(self.location.accuracy_radius.unwrap_or(0));
        let geoname_id = self.city.geoname_id.filter(|id| *id != 0)?;
        let country = CountryCode::new(self.country.iso_code.unwrap_or_default());
        let spot = Spot { geoname_id, accuracy_radius_km, coordinates, country, network };
        (accuracy_radius_km <= max_accuracy_radius_km).then_some(spot)
    }
}

/// The part of a city record that says how it is called.
#[derive(Default, Deserialize)]
struct CityNames {
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

/// A record of an anonymous IP database. Flags are present only where true: most records are empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AnonymousIp {
    is_anonymous: bool,
    is_anonymous_vpn: bool,
    is_hosting_provider: bool,
    is_public_proxy: bool,
    is_residential_proxy: bool,
    is_tor_exit_node: bool,
}

impl AnonymousIp {
    const fn any(&self) -> bool {
        self.is_anonymous
            || self.is_anonymous_vpn
            || self.is_hosting_provider
            || self.is_public_proxy
            || self.is_residential_proxy
            || self.is_tor_exit_node
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_atlas::AtlasFixture;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_address_is_located_or_dropped_with_its_reason() {
        let mut atlas = AtlasFixture::new().open();
        let cases = [
            ("a city", "198.18.0.7", Ok(1)),
            ("another network of it", "198.18.1.7", Ok(1)),
            ("IPv4 in IPv6", "::ffff:198.18.0.7", Ok(1)),
            ("IPv6", "2001:db8:1::9", Ok(2)),
            ("no record", "8.8.8.8", Err(DropReason::Unlocated)),
            ("a country without a city", "198.18.10.1", Err(DropReason::Unlocated)),
            ("no coordinates", "198.18.11.1", Err(DropReason::Unlocated)),
            ("impossible coordinates", "198.18.12.1", Err(DropReason::Unlocated)),
            ("a radius at the limit", "198.18.13.1", Ok(5)),
            ("a radius above it", "198.18.14.1", Err(DropReason::Unlocated)),
            ("no radius", "198.18.15.1", Ok(7)),
            ("a tor exit", "198.18.2.1", Err(DropReason::Anonymous)),
            ("an empty record beside it", "198.18.3.1", Ok(3)),
        ];
        for (name, text, expected) in cases {
            for pass in ["first", "again"] {
                let found = atlas.locate(address(text));
                let found = found.map(|spot| atlas.spot(spot).geoname_id);
                assert_eq!(found, expected, "{name}, {pass}");
            }
        }
    }

    #[test]
    fn without_an_anonymous_database_nobody_hides() {
        let mut atlas = AtlasFixture::new().open_city_only();
        assert!(atlas.locate(address("198.18.2.1")).is_ok());
    }

    #[test]
    fn a_place_has_its_names_and_time_zone() {
        let mut atlas = AtlasFixture::new().open();
        let spot = atlas.locate(address("2001:db8:1::9")).unwrap();
        let place = atlas.place(spot, 3);
        assert_eq!(place.city.get(listening_together_proto::Language::Ja), Some("サンパウロ"));
        assert_eq!(place.country.get(listening_together_proto::Language::De), Some("Brasilien"));
        assert_eq!((&*place.country_code, &*place.time_zone), ("BR", "America/Sao_Paulo"));
        assert_eq!(place.listener_count, 3);
    }

    #[test]
    fn unusable_databases_are_refused() {
        let fixture = AtlasFixture::new();
        let mut truncated = std::fs::read(fixture.city()).unwrap();
        truncated.truncate(truncated.len() / 2);
        let broken = fixture.write("broken.mmdb", &truncated);
        let cases = [
            ("missing", fixture.path("none.mmdb"), "expected a MaxMind DB file"),
            ("truncated", broken, "expected a MaxMind DB file"),
            ("of another type", fixture.anonymous_ip(), "expected cities, such as GeoLite2-City"),
        ];
        for (name, path, expected) in cases {
            let error = Atlas::open(&path, 200).err().unwrap().to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}
