//! Small databases for tests, and the frame of the demo's: networks and their records.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use ipnet::IpNet;
use listening_together_proto::Language;
use maxminddb::Reader;
use mmdb_writer::Writer;

use super::{AnonymousIpRecord, CityRecord, GeoFixtureError};

/// 2026-09-21. A fixed day makes the same bytes every time.
const BUILD_EPOCH: Duration = Duration::from_secs(1_790_000_000);

/// A City database under construction: networks and their records, the later of two that overlap winning.
///
/// ```
/// # use emulator_tests::geo_fixtures::{CityFixture, CityRecord};
/// let berlin = CityRecord::city(2_950_159, "DE", 52.52, 13.41).city_name("en", "Berlin");
/// let reader = CityFixture::new()
///     .network("198.18.0.0/24", &berlin)?
///     .network("198.18.1.0/24", &berlin.clone().accuracy_radius_km(900))?
///     .network("198.18.2.0/24", &CityRecord::country("DE"))?
///     .reader()?;
/// # Ok::<(), emulator_tests::geo_fixtures::GeoFixtureError>(())
/// ```
#[derive(Debug)]
pub struct CityFixture(Database);

/// An Anonymous IP database under construction.
#[derive(Debug)]
pub struct AnonymousIpFixture(Database);

#[derive(Debug)]
struct Database {
    writer: Writer,
}

impl Default for CityFixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for AnonymousIpFixture {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! fixture {
    ($fixture:ident, $record:ty, $database_type:literal) => {
        impl $fixture {
            /// An empty database.
            #[must_use]
            pub fn new() -> Self {
                Self(Database::new($database_type))
            }

            /// Gives a network its record. A network inside another must come after it.
            ///
            /// # Errors
            /// When `network` is not one, or is of a range that databases alias (such as 2002::/16).
            pub fn network(self, network: &str, record: &$record) -> Result<Self, GeoFixtureError> {
                let parsed = network
                    .parse()
                    .map_err(|source| GeoFixtureError::Network { network: network.to_owned(), source })?;
                self.network_of(parsed, record)
            }

            /// As [`Self::network`], of a network that has been parsed.
            ///
            /// # Errors
            /// When the network is of a range that databases alias.
            pub fn network_of(mut self, network: IpNet, record: &$record) -> Result<Self, GeoFixtureError> {
                self.0.writer.insert(network, record)?;
                Ok(self)
            }

            /// The database.
            ///
            /// # Errors
            /// When it is too large for the format.
            pub fn to_bytes(&self) -> Result<Vec<u8>, GeoFixtureError> {
                Ok(self.0.writer.to_bytes()?)
            }

            /// The database, opened.
            ///
            /// # Errors
            /// When it is too large for the format.
            pub fn reader(&self) -> Result<Reader<Vec<u8>>, GeoFixtureError> {
                Ok(Reader::from_source(self.to_bytes()?)?)
            }

            /// Writes the database to a file, replacing what was there in one step: a program that has the old
            /// file open keeps reading the old one.
            ///
            /// # Errors
            /// When the file cannot be written.
            pub fn write(&self, path: &Path) -> Result<(), GeoFixtureError> {
                write_whole(path, &self.to_bytes()?)
                    .map_err(|source| GeoFixtureError::Io { path: path.to_owned(), source })
            }
        }
    };
}
fixture!(CityFixture, CityRecord, "GeoLite2-City");
fixture!(AnonymousIpFixture, AnonymousIpRecord, "GeoIP2-Anonymous-IP");

impl Database {
    /// Programs that read such databases tell their schema by the exact type, so that it must be MaxMind's.
    fn new(database_type: &'static str) -> Self {
        let description =
            "Listening Together: invented networks, for tests and demonstrations; no data of MaxMind's";
        let writer = Writer::builder(database_type)
            .languages(Language::ALL.map(Language::tag))
            // An empty description would fail maxminddb's verify().
            .description(&[("en", description)])
            .build_epoch(UNIX_EPOCH + BUILD_EPOCH)
            .build();
        Self { writer }
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("mmdb.tmp");
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(temporary, path)
}
