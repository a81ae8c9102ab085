//! The MaxMind databases: opened, checked and read whole. What is needed of a file is kept in a form of our own, and the
//! file is let go.
//!
//! A file is read into memory for that, not mapped: a map would crash the process when it is overwritten in place.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use listening_together_proto::Timestamp;
use maxminddb::{MaxMindDbError, Reader};

use super::anonymous::AnonymousAddresses;
use super::cities::Cities;
use super::gazetteer::Record;
use super::names::PlaceNames;
use super::{Address, DropReason, Spot};

/// What a database tells of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// Where it is.
    City,
    /// Whether it hides where it is.
    AnonymousIp,
}

/// By what places are found in a city database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// By the addresses of listeners.
    Address,
    /// By what a record says, which another process has looked up.
    Record,
}

/// Which databases, and what counts in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// The file of cities.
    pub city: PathBuf,
    /// The file of anonymous addresses; without it, no address counts as hidden.
    pub anonymous_ip: Option<PathBuf>,
    /// A record less accurate than this locates nobody.
    pub max_accuracy_radius_km: u32,
    /// What the city database is asked for.
    pub known_by: KnownBy,
}

/// An edition of the databases.
pub struct Databases {
    cities: Cities,
    anonymous: Option<AnonymousAddresses>,
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
    fn open<T>(
        self,
        path: &Path,
        read: impl FnOnce(&Reader<Vec<u8>>) -> Result<T, MaxMindDbError>,
    ) -> Result<T, DatabaseError> {
        let unusable = |source| DatabaseError::Unusable { path: path.to_owned(), kind: self, source };
        let reader = Reader::open_readfile(path).map_err(unusable)?;
        let found = &reader.metadata().database_type;
        if !self.types().iter().any(|known| found.contains(known)) {
            let found = found.clone();
            return Err(DatabaseError::WrongType { path: path.to_owned(), kind: self, found });
        }
        reader.verify().and_then(|()| read(&reader)).map_err(unusable)
    }
}

impl DatabaseSettings {
    /// Opens and checks the databases and reads every record, which takes about two seconds for one of 66 MB.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn open(&self) -> Result<Databases, DatabaseError> {
        let (radius, known_by) = (self.max_accuracy_radius_km, self.known_by);
        let cities = DatabaseKind::City.open(&self.city, |reader| Cities::of(reader, radius, known_by))?;
        let anonymous = self.anonymous_ip.as_deref();
        let anonymous =
            anonymous.map(|path| DatabaseKind::AnonymousIp.open(path, AnonymousAddresses::of)).transpose()?;
        Ok(Databases { cities, anonymous })
    }
}

impl Databases {
    /// When the city database was built; unknown when its metadata does not say.
    #[must_use]
    pub const fn built_at(&self) -> Option<Timestamp> {
        self.cities.built_at()
    }

    /// Records that cannot be read. The addresses of a city record are not located, and those of a record in the database
    /// of anonymous addresses count as hidden.
    #[must_use]
    pub fn unreadable_records(&self) -> u64 {
        self.cities.unreadable_records()
            + self.anonymous.as_ref().map_or(0, AnonymousAddresses::unreadable_records)
    }

    /// Brings what [`Databases::locate`] will read for these addresses into the processor's cache.
    pub(super) fn warm_up(&self, addresses: impl Iterator<Item = Address>) {
        self.cities.warm_up(addresses.map(IpAddr::from));
    }

    /// Where `address` is: the number of a [`Spot`].
    pub(super) fn locate(&self, address: Address) -> Result<u32, DropReason> {
        let ip = IpAddr::from(address);
        if self.anonymous.as_ref().is_some_and(|anonymous| anonymous.hides(ip)) {
            return Err(DropReason::Anonymous);
        }
        self.cities.find(ip).ok_or(DropReason::Unlocated)
    }

    /// What a record stands for: the number of a [`Spot`]; none where places are known by addresses.
    pub(super) fn find_record(&mut self, record: &Record) -> Option<u32> {
        self.cities.find_record(record)
    }

    /// What [`Databases::locate`] found.
    pub(super) fn spot(&self, number: u32) -> &Spot {
        self.cities.spot(number)
    }

    /// How the city and country of a spot are called; empty where the database does not say.
    pub(super) fn names(&self, spot: &Spot) -> PlaceNames {
        self.cities.names(spot)
    }
}
