//! An installation of its own for each test: topics in a project of their own on a broker, databases, and services.
//!
//! The end-to-end tests and the tests of faults start what they are about with it, and read what came out.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::collect::Collector;
use crate::geo_fixtures::table::Atlas;
use crate::geo_fixtures::{CityFixture, CityRecord, DemoDatabases, demo_city, write_demo_databases};
use crate::listeners::{
    Addresses, Catalogue, HidingRecords, PlaySource, PlaySpec, PlaysOut, Totals, publish_with, publisher,
};
use crate::oracle::{Oracle, Rules};
use crate::services::{Books, Service, binary, free_address};
use crate::topology::{PLAYS, SESSIONS, Topology};
use anyhow::Context as _;
use bytes::Bytes;
use google_cloud_pubsub::model::Message;
use listening_together_proto::v1;
use maxminddb::Reader;
use prost::Message as _;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take that should take a second or two; the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What all processes of a first stage tell users apart by.
const USER_HASH_KEY: &str = "8f1ce2b1a9d04c7e5b6a3f2d1c0e9b8a7f6e5d4c3b2a19080716253443526170";

/// Topics, databases and a catalogue; what runs is started from it.
#[derive(Debug)]
pub struct Installation {
    /// The topics and subscriptions.
    pub topology: Topology,
    /// The demo's databases, with a second record of every city.
    pub databases: DemoDatabases,
    /// A catalogue that has every other track of the [known plays](crate::known_plays).
    pub catalogue: PathBuf,
    directory: TempDir,
}

/// A running replica of the API.
#[derive(Debug)]
pub struct Replica {
    /// The process.
    pub service: Service,
    /// Where it answers, without a slash at the end.
    pub url: String,
}

impl Installation {
    /// On the broker at `endpoint` (`host:port`), in a project of its own.
    ///
    /// # Errors
    /// When the broker refuses, or a file cannot be written.
    pub async fn create(endpoint: &str) -> anyhow::Result<Self> {
        let project = format!("test-{:08x}", rand::random::<u32>());
        let topology = Topology::create(endpoint, &project).await?;
        let directory = TempDir::new()?;
        let databases = write_demo_databases(directory.path())?;
        with_second_records(demo_city()?)?.write(&databases.city)?;
        let catalogue = directory.path().join("tracks.csv");
        std::fs::write(&catalogue, catalogue_text())?;
        Ok(Self { topology, databases, catalogue, directory })
    }

    /// Starts a pipeline with these settings beside those that say where everything is.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn pipeline(&self, settings: &[(&'static str, &str)]) -> anyhow::Result<Service> {
        self.stage("all", settings)
    }

    /// Starts a process of the first of two stages, as [`Installation::pipeline`] does everything in one.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn locate(&self, settings: &[(&'static str, &str)]) -> anyhow::Result<Service> {
        self.stage("locate", &[&[("USER_HASH_KEY", USER_HASH_KEY)], settings].concat())
    }

    /// Starts the second of two stages.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn curate(&self, settings: &[(&'static str, &str)]) -> anyhow::Result<Service> {
        self.stage("curate", settings)
    }

    fn stage(&self, stage: &str, settings: &[(&'static str, &str)]) -> anyhow::Result<Service> {
        let text = |path: &Path| path.display().to_string();
        let mut all = self.topology.settings();
        all.extend([
            ("GEOIP_CITY_DB", text(&self.databases.city)),
            ("GEOIP_ANONYMOUS_IP_DB", text(&self.databases.anonymous_ip)),
            ("TRACK_CATALOG", text(&self.catalogue)),
            // The emulator gives one stream at most 2,000 messages a second.
            ("STREAMS", "4".to_owned()),
        ]);
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let log = self.log(&format!("pipeline-{stage}"));
        Ok(Service::start_as(&binary("pipeline")?, &[stage], &all, &log)?)
    }

    /// Starts a replica of the API.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn replica(&self, region: &str) -> anyhow::Result<Replica> {
        self.replica_with(region, &[])
    }

    /// Starts a replica of the API with these settings beside those that say where everything is.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn replica_with(
        &self,
        region: &str,
        more_settings: &[(&'static str, String)],
    ) -> anyhow::Result<Replica> {
        let address = free_address()?;
        let mut settings = self.topology.settings();
        settings.extend([("BIND_ADDR", address.to_string()), ("REGION", region.to_owned())]);
        settings.extend_from_slice(more_settings);
        let service = Service::start(&binary("session-api")?, &settings, &self.log("session-api"))?;
        Ok(Replica { service, url: format!("http://{address}") })
    }

    /// Publishes messages to the plays topic; returns when all are confirmed.
    ///
    /// # Errors
    /// When one is not.
    pub async fn publish(&self, messages: &[Bytes]) -> anyhow::Result<()> {
        let client = self.topology.pubsub.publisher().await?;
        let publisher = client.publisher(self.topology.pubsub.topic(PLAYS)).build();
        let sent: Vec<_> =
            messages.iter().map(|data| publisher.publish(Message::new().set_data(data.clone()))).collect();
        publisher.flush().await;
        for confirmation in sent {
            confirmation.await.context("a play was not published")?;
        }
        Ok(())
    }

    /// Collects what is published to the sessions topic.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn watch_sessions(&self) -> anyhow::Result<Collector> {
        Collector::start(&self.topology, SESSIONS, "watch-sessions").await
    }

    /// Starts simulated listeners who publish `per_second` plays until they are told to stop.
    ///
    /// # Errors
    /// When the spec is out of range, or the broker cannot be spoken to.
    pub async fn listeners(&self, spec: PlaySpec, per_second: f64) -> anyhow::Result<LivePlays> {
        let source = self.play_source(spec)?;
        let client = self.topology.pubsub.publisher().await?;
        let plays = publisher(&client, &self.topology.pubsub.topic(PLAYS));
        let (stop, sent) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
        let (stopped, kept) = (stop.clone(), sent.clone());
        let send = move |bytes: Bytes| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.clone());
            plays.publish(Message::new().set_data(bytes))
        };
        let publishing = tokio::spawn(async move {
            publish_with(source, per_second, send, Arc::new(PlaysOut::default()), stopped).await
        });
        Ok(LivePlays { stop, publishing, sent })
    }

    /// Plays from the demo's addresses, of a catalogue of 2,000 tracks; the same every time.
    ///
    /// # Errors
    /// When the spec is out of range.
    pub fn play_source(&self, spec: PlaySpec) -> anyhow::Result<PlaySource> {
        let hiding = HidingRecords::index(Reader::open_readfile(&self.databases.anonymous_ip)?)?;
        let city = Reader::open_readfile(&self.databases.city)?;
        let addresses = Arc::new(Addresses::index(&city, 200, Some(hiding))?);
        Ok(PlaySource::new(spec, &Catalogue::invent(2000, 1), addresses, 1)?)
    }

    /// What plays must become by these rules.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn oracle(&self, rules: Rules) -> anyhow::Result<Oracle> {
        let anonymous_ip = Some(self.databases.anonymous_ip.as_path());
        Oracle::new(&self.databases.city, anonymous_ip, Some(&self.catalogue), rules)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}-{:08x}.log", rand::random::<u32>()))
    }
}

/// Simulated listeners at work.
#[derive(Debug)]
pub struct LivePlays {
    stop: CancellationToken,
    publishing: JoinHandle<Totals>,
    sent: Arc<Mutex<Vec<Bytes>>>,
}

impl LivePlays {
    /// How many plays have been sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Stops them and waits until every play is confirmed; returns the data of all messages.
    ///
    /// # Errors
    /// When a play could not be published.
    pub async fn stop(self) -> anyhow::Result<Vec<Bytes>> {
        self.stop.cancel();
        let totals = self.publishing.await?;
        anyhow::ensure!(totals.failed == 0 && totals.confirmed == totals.sent(), "{totals:?}");
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *sent))
    }
}

/// Gives every city a second record, a little elsewhere, on the networks from 2001:db8:e000::/48 on: of a city's records
/// that differ, one has to stand for it.
fn with_second_records(mut cities: CityFixture) -> anyhow::Result<CityFixture> {
    let atlas = Atlas::load()?;
    for (index, city) in atlas.cities.iter().enumerate() {
        let record = CityRecord::of(&atlas, city)?;
        let record = record.at((city.latitude + 0.3).min(90.0), (city.longitude - 0.2).max(-180.0));
        // Two in three are more or less accurate than the first; of the others the latitude decides.
        let record = match index % 3 {
            0 => record.accuracy_radius_km(1),
            1 => record.accuracy_radius_km(199),
            _ => record,
        };
        cities = cities.network(&format!("2001:db8:{:x}::/48", 0xe000 + index), &record)?;
    }
    Ok(cities)
}

/// Every other track of the known plays is in the catalogue, and one in ten of them under a title that is not shown as it
/// is.
fn catalogue_text() -> String {
    let mut text = "track_id,title,artists,artwork_url\n".to_owned();
    for track in (1..400).step_by(2) {
        let odd =
            if track % 10 == 1 { format!("\u{202e}\t{}", "so long ".repeat(30)) } else { String::new() };
        text.push_str(&format!("track-{track},\"Song, no. {track}{odd}\",The Tides;Ana Über,\n"));
    }
    text
}

/// The clock in milliseconds since the epoch.
///
/// # Panics
/// When it is not after the epoch.
#[must_use]
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970");
    i64::try_from(since_epoch.as_millis()).expect("the clock is before the year 292,000,000")
}

/// The updates in messages of the sessions topic, each once: one is published several times.
///
/// # Panics
/// When a message is none.
#[must_use]
pub fn updates(messages: &[Message]) -> Vec<v1::SessionsUpdate> {
    let update = |message: &Message| v1::SessionsUpdate::decode(&message.data[..]);
    let mut known = HashSet::new();
    let distinct = messages.iter().filter(|message| known.insert(&message.data));
    distinct.map(|message| update(message).expect("only updates are published")).collect()
}

/// The slots of updates, by number; each is the same in every update that repeats it, or the test fails elsewhere.
#[must_use]
pub fn slots(updates: &[v1::SessionsUpdate]) -> BTreeMap<u64, v1::Slot> {
    let all = updates.iter().flat_map(|update| &update.slots);
    all.map(|slot| (slot.number, slot.clone())).collect()
}

/// Waits until the pipeline holds nothing and has received `deliveries`, and returns its books.
///
/// # Errors
/// When it does not come to that, or the books do not add up.
pub async fn settled_books(pipeline: &Service, deliveries: u64) -> anyhow::Result<Books> {
    let mut books = pipeline.metrics().await?.books();
    let waiting = crate::collect::until("every play accounted for", PATIENCE, async || {
        if let Ok(metrics) = pipeline.metrics().await {
            books = metrics.books();
        }
        books.held == 0 && books.received >= deliveries
    });
    let outcome = waiting.await;
    anyhow::ensure!(books.add_up(), "the books do not add up: {books:?}");
    outcome.with_context(|| format!("{books:?}, {deliveries} were published"))?;
    Ok(books)
}
