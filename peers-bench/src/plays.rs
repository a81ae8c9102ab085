//! The file of plays: `played_at,user,track,city`, milliseconds since the epoch and a geoname id.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use emulator_tests::geo_fixtures::write_demo_databases;
use emulator_tests::listeners::{Addresses, Catalogue, PlaySource, PlaySpec, Shares};
use listening_together_proto::Timestamp;
use maxminddb::Reader;
use pipeline::decode::{Address, decode};
use pipeline::locate::{Atlas, DatabaseSettings, KnownBy, SpotRef};
use tempfile::TempDir;

/// The instant at which the first play is reported, in milliseconds since the epoch.
const START_MS: u64 = 1_700_000_000_000;
/// Plays a second of the stream's own time.
pub const RATE: u64 = 30_000;
/// Zipf's law over so many tracks, with exponent 1.
const TRACKS: usize = 100_000;
/// So many people listen, each in one city.
const USERS: u32 = 1_000_000;
/// How old plays are when they are reported, at most.
pub const DISORDER: Duration = Duration::from_millis(500);

/// The demo's cities, and where each is found.
pub struct World {
    /// The database, opened.
    pub atlas: Atlas,
    addresses: Arc<Addresses>,
    directory: TempDir,
}

impl World {
    /// Writes the demo's databases and opens them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn open() -> anyhow::Result<Self> {
        let directory = TempDir::new()?;
        let city = write_demo_databases(directory.path())?.city;
        let addresses = Arc::new(Addresses::index(&Reader::open_readfile(&city)?, 200, None)?);
        let settings = DatabaseSettings {
            city,
            anonymous_ip: None,
            max_accuracy_radius_km: 200,
            known_by: KnownBy::Address,
        };
        Ok(Self { atlas: Atlas::new(settings.open()?), addresses, directory })
    }

    /// An address and the record of each city, by geoname id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cities(&self) -> anyhow::Result<BTreeMap<u32, (Address, SpotRef)>> {
        let reader = Reader::open_readfile(self.directory.path().join("demo-city.mmdb"))?;
        let mut cities = BTreeMap::new();
        for network in reader.networks(Default::default())? {
            let address = Address::from(network?.network()?.ip());
            if let Ok(spot) = self.atlas.locate(address) {
                cities.entry(self.atlas.spot(spot).geoname_id).or_insert((address, spot));
            }
        }
        Ok(cities)
    }
}

/// Writes `count` plays; the same every time.
///
/// # Errors
/// When the file cannot be written.
pub fn write(count: u64, file: &Path) -> anyhow::Result<()> {
    let world = World::open()?;
    let mut spec = PlaySpec { users: USERS, roaming_share: 0.0, shares: Shares::NONE, ..PlaySpec::default() };
    spec.timing.spread_ms = u64::try_from(DISORDER.as_millis())?;
    let mut source = PlaySource::new(spec, &Catalogue::invent(TRACKS, 1), Arc::clone(&world.addresses), 1)?;
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    writeln!(out, "played_at,user,track,city")?;
    for number in 0..count {
        let at = START_MS + number * 1000 / RATE;
        let data = source.next(at).bytes;
        let now = Timestamp::from_millis(i64::try_from(at)?);
        let play = decode(&data, now, Duration::ZERO).ok().context("a play is made that is none")?;
        let spot = world.atlas.locate(play.address).ok().context("a listener lives in no city")?;
        let (played_at, track) = (play.played_at.as_millis(), play.track);
        let user = user_of(&data)?;
        writeln!(out, "{played_at},{user},{track},{}", world.atlas.spot(spot).geoname_id)?;
    }
    Ok(out.flush()?)
}

/// The user of a play, which the pipeline's own type does not tell.
fn user_of(data: &[u8]) -> anyhow::Result<String> {
    use prost::Message as _;
    Ok(listening_together_proto::v1::Play::decode(data)?.user_id)
}
