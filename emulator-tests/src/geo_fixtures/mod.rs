//! City and Anonymous IP databases in MaxMind's schema, made from this project's own table of cities.
//!
//! * [`write_demo_databases`] makes the two databases of the demo: every city of the [`table`] on networks of
//!   [`ranges`], which are reserved for benchmarks and documentation. No real listener has such an address, so that
//!   nothing invented here can be taken for a fact about a real network.
//! * [`CityFixture`] and [`AnonymousIpFixture`] make small databases for tests: any network, any record, also the
//!   incomplete ones that real databases are full of.
//!
//! The output is a pure function of the table: two runs write the same bytes.

mod demo;
mod fixture;
pub mod ranges;
mod record;
pub mod table;

use std::path::{Path, PathBuf};

pub use fixture::{AnonymousIpFixture, CityFixture};
pub use record::{AnonymousIpRecord, CityRecord};

/// Where [`write_demo_databases`] put its databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoDatabases {
    /// In the schema of GeoIP2 City.
    pub city: PathBuf,
    /// In the schema of GeoIP2 Anonymous IP.
    pub anonymous_ip: PathBuf,
}

/// Why a database cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GeoFixtureError {
    /// A row of a table is not what its columns promise.
    #[error("cannot read {table}")]
    Table {
        /// Which table.
        table: &'static str,
        /// What is wrong with it.
        source: csv::Error,
    },
    /// A city names a country, or a country a continent, that has no row.
    #[error("{code} is used and has no row in {table}")]
    Dangling {
        /// The code.
        code: String,
        /// The table that lacks it.
        table: &'static str,
    },
    /// The table has grown beyond the reserved ranges.
    #[error("the reserved ranges are too small for the table of cities")]
    RangesExhausted,
    /// A network is not one.
    #[error("not a network: {network}")]
    Network {
        /// What was given.
        network: String,
        /// Why not.
        source: ipnet::AddrParseError,
    },
    /// The writer refuses a record.
    #[error("cannot make the database")]
    Writer(#[from] mmdb_writer::Error),
    /// The database that was made cannot be read.
    #[error("cannot read the database that was made")]
    Reader(#[from] maxminddb::MaxMindDbError),
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The City database of the demo, as [`write_demo_databases`] writes it.
///
/// # Errors
/// When the table of cities is damaged or does not fit the reserved ranges.
pub fn demo_city() -> Result<CityFixture, GeoFixtureError> {
    demo::city(&table::Atlas::load()?)
}

/// The Anonymous IP database of the demo, as [`write_demo_databases`] writes it.
///
/// # Errors
/// Never in practice: its networks are constants.
pub fn demo_anonymous_ip() -> Result<AnonymousIpFixture, GeoFixtureError> {
    demo::anonymous_ip()
}

/// Writes `demo-city.mmdb` and `demo-anonymous-ip.mmdb` into `directory`, which is made when it is missing.
///
/// # Errors
/// When the table of cities is damaged or the directory cannot be written.
pub fn write_demo_databases(directory: &Path) -> Result<DemoDatabases, GeoFixtureError> {
    std::fs::create_dir_all(directory)
        .map_err(|source| GeoFixtureError::Io { path: directory.to_owned(), source })?;
    let databases = DemoDatabases {
        city: directory.join("demo-city.mmdb"),
        anonymous_ip: directory.join("demo-anonymous-ip.mmdb"),
    };
    demo_city()?.write(&databases.city)?;
    demo_anonymous_ip()?.write(&databases.anonymous_ip)?;
    Ok(databases)
}

#[cfg(test)]
mod tests;
