//! Two editions of small databases, with the records that real ones have and a play can stumble over.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use emulator_tests::geo_fixtures::{
    AnonymousIpFixture, AnonymousIpRecord, CityFixture, CityRecord, GeoFixtureError,
};
use pipeline::locate::{DatabaseError, DatabaseSettings, Databases, KnownBy};
use tempfile::TempDir;

/// Addresses of every kind that the databases know, and some that they do not.
pub const ADDRESSES: [IpAddr; 16] = [
    v4(0, 1),
    v4(1, 1),
    v4(1, 2),
    v4(2, 1),
    v4(3, 1),
    v4(4, 1),
    v4(5, 1),
    v4(6, 1),
    v4(7, 1),
    v4(8, 1),
    v4(9, 1),
    v6(1),
    v6(2),
    v6(99),
    IpAddr::V6(Ipv4Addr::new(198, 18, 0, 9).to_ipv6_mapped()),
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
];

const fn v4(network: u8, host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(198, 18, network, host))
}

const fn v6(network: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, network, 0, 0, 0, 0, 1))
}

/// Why they cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DatabasesError {
    /// There is no temporary directory.
    #[error(transparent)]
    Directory(#[from] std::io::Error),
    /// A database cannot be written.
    #[error(transparent)]
    Fixture(#[from] GeoFixtureError),
    /// A database was written that cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Which of the two editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    First,
    Second,
}

impl Edition {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// The files of both.
#[derive(Debug)]
pub(super) struct TestDatabases {
    first: DatabaseSettings,
    second: DatabaseSettings,
    _directory: TempDir,
}

impl TestDatabases {
    pub(super) fn write() -> Result<Self, DatabasesError> {
        let directory = TempDir::new()?;
        let path = |name: &str| directory.path().join(name);
        let anonymous_ip = path("anonymous-ip.mmdb");
        anonymous_addresses()?.write(&anonymous_ip)?;
        let edition = |name: &str, cities: &CityFixture| {
            let settings = DatabaseSettings {
                city: path(name),
                anonymous_ip: Some(anonymous_ip.clone()),
                max_accuracy_radius_km: 200,
                known_by: KnownBy::Address,
            };
            cities.write(&settings.city)?;
            settings.open()?;
            Ok::<_, DatabasesError>(settings)
        };
        let first = edition("first.mmdb", &cities(0.0)?)?;
        let second = edition("second.mmdb", &cities(1.5)?)?;
        Ok(Self { first, second, _directory: directory })
    }

    /// An edition, opened.
    pub(super) fn open(&self, edition: Edition) -> Databases {
        let settings = match edition {
            Edition::First => &self.first,
            Edition::Second => &self.second,
        };
        settings.open().expect("the files were opened when they were written, and nobody else knows them")
    }
}

/// The cities, each `moved` so many degrees to the east of where they are.
fn cities(moved: f64) -> Result<CityFixture, GeoFixtureError> {
    let berlin = CityRecord::city(1, "DE", 52.5, 13.4 + moved).city_name("en", "Berlin");
    let sao_paulo = CityRecord::city(2, "BR", -23.5, -46.6 + moved).city_name("ja", "サンパウロ");
    let auckland = CityRecord::city(3, "NZ", -36.8, 174.7 + moved).time_zone("Pacific/Auckland");
    // An hour by train from Berlin: too near.
    let potsdam = CityRecord::city(4, "DE", 52.4, 13.1 + moved);
    let pole = CityRecord::city(5, "", 90.0, 0.0 + moved);
    CityFixture::new()
        .network("198.18.0.0/24", &berlin.clone().accuracy_radius_km(20))?
        // Another record of one city, elsewhere in it.
        .network("198.18.1.0/24", &berlin.clone().at(52.6, 13.3 + moved).accuracy_radius_km(5))?
        .network("198.18.2.0/24", &sao_paulo.clone().accuracy_radius_km(200))?
        .network("198.18.3.0/24", &auckland)?
        .network("198.18.4.0/24", &potsdam)?
        .network("198.18.5.0/24", &pole)?
        .network("198.18.6.0/24", &berlin.clone().accuracy_radius_km(201))?
        .network("198.18.7.0/24", &CityRecord::country("DE"))?
        .network("198.18.8.0/24", &sao_paulo.clone().without_coordinates())?
        .network("198.18.9.0/24", &auckland)?
        .network("2001:db8:1::/48", &sao_paulo)?
        .network("2001:db8:2::/48", &berlin.at(91.0, 13.4))
}

/// The last network of cities hides its users; the first is listed and does not.
fn anonymous_addresses() -> Result<AnonymousIpFixture, GeoFixtureError> {
    AnonymousIpFixture::new()
        .network("198.18.0.0/24", &AnonymousIpRecord::unflagged())?
        .network("198.18.9.0/24", &AnonymousIpRecord::anonymous().flag("is_tor_exit_node"))
}
