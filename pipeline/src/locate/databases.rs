//! The MaxMind databases: opened and checked whole, then read only.
//!
//! A file is read into memory, not mapped: a map would crash the process when the file is overwritten in place.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use listening_together_proto::{Coordinates, Names, Timestamp};
use maxminddb::{LookupResult, MaxMindDbError, Reader};
use serde::Deserialize;

/// What a database tells of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// Where it is.
    City,
    /// Whether it hides where it is.
    AnonymousIp,
}

/// Where the databases are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabasePaths {
    /// One of cities.
    pub city: PathBuf,
    /// One of anonymous addresses; without it, no address counts as hidden.
    pub anonymous_ip: Option<PathBuf>,
}

/// An edition of the databases.
pub struct Databases {
    city: Reader<Vec<u8>>,
    anonymous_ip: Option<Reader<Vec<u8>>>,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It cannot be read, or is damaged.
    #[error("cannot use {path} ({source}); expected a MaxMind DB file (.mmdb) of {}", kind.description())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        kind: DatabaseKind,
        /// What is wrong with it.
        source: MaxMindDbError,
    },
    /// It is a database of something else.
    #[error("{path} is a database of type {found:?}; expected {}", kind.description())]
    WrongType {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        kind: DatabaseKind,
        /// What its metadata calls it.
        found: String,
    },
}

impl DatabaseError {
    /// What the database should be.
    #[must_use]
    pub const fn kind(&self) -> DatabaseKind {
        match self {
            Self::Unusable { kind, .. } | Self::WrongType { kind, .. } => *kind,
        }
    }
}

impl DatabaseKind {
    /// The setting that names its file.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::City => "GEOIP_CITY_DB",
            Self::AnonymousIp => "GEOIP_ANONYMOUS_IP_DB",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::City => "cities, such as GeoLite2-City or GeoIP2-City",
            Self::AnonymousIp => "anonymous addresses, such as GeoIP2-Anonymous-IP",
        }
    }

    /// What the type of such a database contains.
    const fn types(self) -> &'static [&'static str] {
        match self {
            Self::City => &["City", "Enterprise"],
            Self::AnonymousIp => &["Anonymous"],
        }
    }

    /// Opens a database and checks all of it: a damaged one is refused now, not at some lookup later.
    fn open(self, path: &Path) -> Result<Reader<Vec<u8>>, DatabaseError> {
        let unusable = |source| DatabaseError::Unusable { path: path.to_owned(), kind: self, source };
        let reader = Reader::open_readfile(path).map_err(unusable)?;
        let found = &reader.metadata().database_type;
        if !self.types().iter().any(|known| found.contains(known)) {
            let found = found.clone();
            return Err(DatabaseError::WrongType { path: path.to_owned(), kind: self, found });
        }
        reader.verify().map_err(unusable)?;
        Ok(reader)
    }
}

impl DatabasePaths {
    /// Opens and checks the databases, which takes about a second for one of 66 MB.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn open(&self) -> Result<Databases, DatabaseError> {
        let anonymous_ip = self.anonymous_ip.as_deref().map(|path| DatabaseKind::AnonymousIp.open(path));
        Ok(Databases { city: DatabaseKind::City.open(&self.city)?, anonymous_ip: anonymous_ip.transpose()? })
    }
}

impl Databases {
    /// When the city database was built; unknown when its metadata does not say.
    #[must_use]
    pub fn built_at(&self) -> Option<Timestamp> {
        self.city.metadata().build_time().ok().map(Timestamp::from)
    }

    /// The record of an address in the city database.
    pub(super) fn city(&self, ip: IpAddr) -> Result<LookupResult<'_, Vec<u8>>, MaxMindDbError> {
        self.city.lookup(ip)
    }

    /// The record of an address in the anonymous IP database; `None` without one.
    pub(super) fn anonymous_ip(
        &self,
        ip: IpAddr,
    ) -> Option<Result<LookupResult<'_, Vec<u8>>, MaxMindDbError>> {
        Some(self.anonymous_ip.as_ref()?.lookup(ip))
    }

    /// How the city and country of an address are called; empty where the database does not say.
    pub(super) fn names(&self, ip: IpAddr) -> PlaceNames {
        let record = self.city(ip).and_then(|found| found.decode::<NamesRecord>());
        let record = record.ok().flatten().unwrap_or_default();
        PlaceNames {
            city: Names::from(&record.city.names),
            country: Names::from(&record.country.names),
            country_code: record.country.iso_code.into(),
            time_zone: record.location.time_zone.into(),
        }
    }
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
pub(super) struct CityRecord<'a> {
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
    /// `None` without one.
    pub(super) fn geoname_id(&self) -> Option<u32> {
        self.city.geoname_id.filter(|id| *id != 0)
    }

    /// `None` when they are missing or impossible.
    pub(super) fn coordinates(&self) -> Option<Coordinates> {
        Coordinates::new(self.location.latitude?, self.location.longitude?)
    }

    /// 0 when the record does not say.
    pub(super) fn accuracy_radius_km(&self) -> u32 {
        self.location.accuracy_radius.unwrap_or(0).into()
    }

    /// Empty when the record does not say.
    pub(super) fn country_code(&self) -> &str {
        self.country.iso_code.unwrap_or_default()
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

/// A record of an anonymous IP database. Flags are present only where true: most records are empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AnonymousIpRecord {
    is_anonymous: bool,
    is_anonymous_vpn: bool,
    is_hosting_provider: bool,
    is_public_proxy: bool,
    is_residential_proxy: bool,
    is_tor_exit_node: bool,
}

impl AnonymousIpRecord {
    pub(super) const fn hides(&self) -> bool {
        self.is_anonymous
            || self.is_anonymous_vpn
            || self.is_hosting_provider
            || self.is_public_proxy
            || self.is_residential_proxy
            || self.is_tor_exit_node
    }
}
