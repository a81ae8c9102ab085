//! Everything that runs: broker, topics, databases, services, listeners.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use maxminddb::Reader;

use super::console::say;
use super::settings::{BrokerChoice, DemoSettings};
use crate::brokers::Broker;
use crate::geo_fixtures::{DemoDatabases, write_demo_databases};
use crate::listeners::{Addresses, Catalogue, Crowd, HidingRecords, PlaySource, PlaySpec, Shares, publisher};
use crate::services::{Service, binary};
use crate::topology::{PLAYS, Topology};

/// The regions of the three replicas.
const REGIONS: [&str; 3] = ["europe-west1", "us-central1", "asia-east1"];
/// How long a service may take to be ready.
const START: Duration = Duration::from_secs(60);
/// How long a service may take to end.
const END: Duration = Duration::from_secs(12);
/// The pipeline's default, by which the listeners know which cities count.
const MAX_ACCURACY_RADIUS_KM: u32 = 200;
/// What the emulator carries over one stream, with room to spare.
const EMULATOR_STREAM_RATE: f64 = 1200.0;

/// The system at work.
pub(super) struct Installation {
    pub(super) topology: Topology,
    pub(super) pipeline: Service,
    pub(super) replicas: Vec<Replica>,
    databases: DemoDatabases,
    with_anonymous: bool,
    catalogue: Catalogue,
    plays: google_cloud_pubsub::client::Publisher,
    broker: Broker,
}

/// One replica of the API.
pub(super) struct Replica {
    pub(super) region: &'static str,
    pub(super) url: String,
    pub(super) service: Service,
}

impl Installation {
    /// Starts all but the listeners, and waits until it is ready.
    pub(super) async fn start(settings: &DemoSettings) -> anyhow::Result<Self> {
        let directory = &settings.demo_dir;
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot write to {}", directory.display()))?;
        check_ports(settings.port)?;
        let databases = databases(settings)?;
        let catalogue = Catalogue::invent(settings.tracks as usize, 1);
        let tracks = directory.join("tracks.csv");
        catalogue.write_csv(&tracks)?;
        say(format_args!("starting {}", describe(settings.pubsub)));
        let broker = match settings.pubsub {
            BrokerChoice::Local => Broker::local().await?,
            BrokerChoice::Emulator => Broker::google().await?,
        };
        let topology = Topology::create(&broker.endpoint(), "demo").await?;
        say("starting the pipeline and three replicas of the API");
        let replicas = REGIONS.iter().zip(settings.port..=settings.port + 2);
        let mut replicas: Vec<_> = replicas
            .map(|(region, port)| Replica::start(region, port, &topology, settings))
            .collect::<anyhow::Result<_>>()?;
        let mut pipeline = start_pipeline(settings, &topology, &databases, &tracks)?;
        pipeline.until_ready(START).await?;
        // A replica is ready once it knows a slot: the listeners do not wait for what waits for them.
        for replica in &mut replicas {
            replica.service.until_live(START).await?;
        }
        let client = topology.pubsub.publisher().await?;
        let plays = publisher(&client, &topology.pubsub.topic(PLAYS));
        let with_anonymous = settings.geoip_anonymous_ip_db.is_some() || settings.geoip_city_db.is_none();
        Ok(Self { topology, pipeline, replicas, databases, with_anonymous, catalogue, plays, broker })
    }

    /// Starts the listeners.
    pub(super) fn start_listeners(&self, settings: &DemoSettings) -> anyhow::Result<Crowd> {
        let city = Reader::open_readfile(&self.databases.city)?;
        let hiding = if self.with_anonymous {
            Some(HidingRecords::index(Reader::open_readfile(&self.databases.anonymous_ip)?)?)
        } else {
            None
        };
        let addresses = Arc::new(Addresses::index(&city, MAX_ACCURACY_RADIUS_KM, hiding)?);
        let mut shares = Shares::default();
        if !addresses.has_unlocatable() {
            shares.unlocatable = 0.0;
        }
        let spec = PlaySpec { users: settings.users, shares, ..PlaySpec::default() };
        let source = PlaySource::new(spec, &self.catalogue, addresses, 1)?;
        Ok(Crowd::start(source, settings.rate, self.plays.clone()))
    }

    /// Fails once a service has ended by itself.
    pub(super) fn check_running(&mut self) -> anyhow::Result<()> {
        self.pipeline.check_running()?;
        for replica in &mut self.replicas {
            replica.service.check_running()?;
        }
        Ok(())
    }

    /// Ends the services in the order of the flow, then the broker.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let mut ended = vec![("pipeline", self.pipeline.terminate(END).await?)];
        for replica in self.replicas {
            ended.push((replica.region, replica.service.terminate(END).await?));
        }
        self.broker.stop().await;
        for (name, ended) in ended {
            anyhow::ensure!(ended.status.success(), "{name} ended with {}", ended.status);
        }
        Ok(())
    }
}

impl Replica {
    fn start(
        region: &'static str,
        port: u16,
        topology: &Topology,
        settings: &DemoSettings,
    ) -> anyhow::Result<Self> {
        let mut environment = topology.settings();
        environment.extend([
            ("BIND_ADDR", format!("127.0.0.1:{port}")),
            ("REGION", region.to_owned()),
            ("REPLICA_ID", format!("demo-{port}")),
        ]);
        environment.extend(settings.site_dir.iter().map(|site| ("SITE_DIR", site.display().to_string())));
        let log = settings.demo_dir.join(format!("session-api-{region}.log"));
        let service = Service::start(&binary("session-api")?, &environment, &log)?;
        Ok(Self { region, url: format!("http://localhost:{port}"), service })
    }
}

fn start_pipeline(
    settings: &DemoSettings,
    topology: &Topology,
    databases: &DemoDatabases,
    tracks: &Path,
) -> anyhow::Result<Service> {
    let text = |path: &Path| path.display().to_string();
    let mut environment = topology.settings();
    environment.extend([
        ("GEOIP_CITY_DB", text(&databases.city)),
        ("TRACK_CATALOG", text(tracks)),
        ("STREAMS", streams(settings).to_string()),
        ("SAMPLE_RATE", settings.sample_rate.to_string()),
    ]);
    if settings.geoip_anonymous_ip_db.is_some() || settings.geoip_city_db.is_none() {
        environment.push(("GEOIP_ANONYMOUS_IP_DB", text(&databases.anonymous_ip)));
    }
    Ok(Service::start(&binary("pipeline")?, &environment, &settings.demo_dir.join("pipeline.log"))?)
}

/// Google's emulator gives each stream about 2,000 messages a second; nobody else does.
fn streams(settings: &DemoSettings) -> u32 {
    match settings.pubsub {
        BrokerChoice::Local => 2,
        BrokerChoice::Emulator => (settings.rate / EMULATOR_STREAM_RATE).ceil().clamp(4.0, 64.0) as u32,
    }
}

/// The user's databases, or made-up ones.
fn databases(settings: &DemoSettings) -> anyhow::Result<DemoDatabases> {
    let none = PathBuf::new;
    match (&settings.geoip_city_db, &settings.geoip_anonymous_ip_db) {
        (None, None) => Ok(write_demo_databases(&settings.demo_dir)?),
        (Some(city), anonymous) => {
            anyhow::ensure!(city.is_file(), "GEOIP_CITY_DB: {} is not a file", city.display());
            Ok(DemoDatabases { city: city.clone(), anonymous_ip: anonymous.clone().unwrap_or_else(none) })
        }
        (None, Some(_)) => anyhow::bail!("GEOIP_ANONYMOUS_IP_DB needs a GEOIP_CITY_DB beside it"),
    }
}

fn check_ports(first: u16) -> anyhow::Result<()> {
    for port in first..=first + 2 {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
            format!("port {port} is taken; choose another with PORT, such as: make demo PORT=18080")
        })?;
    }
    Ok(())
}

const fn describe(broker: BrokerChoice) -> &'static str {
    match broker {
        BrokerChoice::Local => "local-pubsub",
        BrokerChoice::Emulator => "Google's Pub/Sub emulator",
    }
}
