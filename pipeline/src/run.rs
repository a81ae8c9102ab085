//! The pipeline as a process: the engine between Pub/Sub's subscription and topics.
//!
//! Start: databases and catalogue first, so that a wrong setting ends the process at once; then Pub/Sub, which is waited
//! for as long as it takes. Shutdown, in the order of the flow: not ready any more; the source stops pulling; what is
//! being published is waited for and acknowledged; every other play is handed back; the streams end. Within ten seconds.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use listening_together_proto::Programme;
use service_runtime::admin::{self, Readiness};
use service_runtime::backoff::Seldom;
use service_runtime::pubsub::{PubSub, Reachable};
use service_runtime::service::ServiceError;
use service_runtime::settings::SettingError;
use service_runtime::telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::drive::{Driver, now};
use crate::engine::Engine;
use crate::locate::Atlas;
use crate::publish::{PubSubOutbox, read_programme};
use crate::receive::{PlaysSource, ReceiveSettings};
use crate::telemetry::Telemetry;

/// How long the streams may take to send their last acknowledgements.
const LAST_ACKS: Duration = Duration::from_secs(4);
/// How often Pub/Sub is asked whether it is there: seldom once it is.
const CHECK_WHILE_MISSING: Duration = Duration::from_secs(1);
const CHECK_WHILE_PRESENT: Duration = Duration::from_secs(10);

/// The full names of what the pipeline needs on Pub/Sub.
struct Resources {
    plays: String,
    sessions: String,
    dead_letters: String,
}

/// Runs until `stop`.
///
/// # Errors
/// When a setting is wrong, or a part ends by itself.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), ServiceError> {
    let rules = config.rules()?;
    let atlas = open_atlas(&config)?;
    let catalogue = read_catalogue(&config)?;
    let metrics = Metrics::new("pipeline").map_err(|error| ServiceError::part("metrics", error))?;
    let telemetry = Telemetry::new(&metrics.meter());
    let readiness = Readiness::default();
    let admin = admin::server(config.admin_addr, readiness.clone(), metrics)?;
    let admin_handle = admin.handle();
    let admin = tokio::spawn(admin);

    let pubsub = PubSub::from_settings(&config.common)?;
    let resources = Resources {
        plays: pubsub.subscription(&config.plays_subscription),
        sessions: pubsub.topic(&config.sessions_topic),
        dead_letters: pubsub.topic(&config.dead_letter_topic),
    };
    tracing::info!(endpoint = pubsub.endpoint(), subscription = resources.plays, "starting");
    let checks = tokio::spawn(check(pubsub.clone(), resources.names(), readiness.clone(), stop.clone()));
    let outcome = if until_ready(&readiness, &stop).await {
        let programme = read_back(&pubsub, &resources.sessions).await;
        let engine = Engine::new(rules, atlas, catalogue, programme, now());
        work(&config, &pubsub, &resources, engine, telemetry, &stop).await
    } else {
        Ok(())
    };
    stop.cancel();
    readiness.not_ready("stopping");
    let _ = checks.await;
    admin_handle.stop(false).await;
    let _ = admin.await;
    outcome
}

/// Opens the databases; without one of anonymous addresses, with a warning.
fn open_atlas(config: &Config) -> Result<Atlas, SettingError> {
    let city = Atlas::open(&config.geoip_city_db, config.max_accuracy_radius_km);
    let city = city.map_err(|error| SettingError::new("GEOIP_CITY_DB", error))?;
    match &config.geoip_anonymous_ip_db {
        Some(path) => {
            city.with_anonymous_ip(path).map_err(|error| SettingError::new("GEOIP_ANONYMOUS_IP_DB", error))
        }
        None => {
            tracing::warn!("GEOIP_ANONYMOUS_IP_DB is not set, plays from anonymised addresses are kept");
            Ok(city)
        }
    }
}

fn read_catalogue(config: &Config) -> Result<Catalogue, SettingError> {
    let Some(path) = &config.track_catalog else { return Ok(Catalogue::default()) };
    Catalogue::read(path).map_err(|error| SettingError::new("TRACK_CATALOG", error))
}

/// From the first stream to the last acknowledgement.
async fn work(
    config: &Config,
    pubsub: &PubSub,
    resources: &Resources,
    engine: Engine<google_cloud_pubsub::subscriber::handler::Handler>,
    telemetry: Telemetry,
    stop: &CancellationToken,
) -> Result<(), ServiceError> {
    let client = |error| ServiceError::part("the Pub/Sub client", error);
    let publisher = pubsub.publisher().await.map_err(client)?;
    let subscriber = pubsub.subscriber().await.map_err(client)?;
    let outbox = PubSubOutbox::new(&publisher, &resources.sessions, &resources.dead_letters);
    let mut source = PlaysSource::open(&subscriber, &resources.plays, config.receive());
    let driver = Driver::new(engine, outbox, telemetry);
    tracing::info!("receiving plays");
    let outcome = driver.run(source.deliveries(), stop).await;
    if tokio::time::timeout(LAST_ACKS, source.close()).await.is_err() {
        tracing::warn!("the streams did not end in time, unacknowledged plays come back later");
    }
    outcome.map_err(|error| ServiceError::part("the engine", error))
}

/// The programme so far; empty when it cannot be had.
async fn read_back(pubsub: &PubSub, sessions: &str) -> Programme {
    let unique = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
    match read_programme(pubsub, sessions, &unique, now()).await {
        Ok(programme) => {
            let slots = programme.newest_first().count();
            tracing::info!(slots, "read the programme back from the sessions topic");
            programme
        }
        Err(error) => {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, reason, "cannot read the programme back, it starts empty");
            Programme::default()
        }
    }
}

/// Waits for Pub/Sub; `false` when told to stop before.
async fn until_ready(readiness: &Readiness, stop: &CancellationToken) -> bool {
    let ready = async {
        while !readiness.get().0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => false,
        () = ready => true,
    }
}

impl Resources {
    fn names(&self) -> [String; 3] {
        [self.plays.clone(), self.sessions.clone(), self.dead_letters.clone()]
    }
}

/// Asks Pub/Sub now and then whether all that we need is there, and says so in the readiness.
async fn check(
    pubsub: PubSub,
    [plays, sessions, dead_letters]: [String; 3],
    readiness: Readiness,
    stop: CancellationToken,
) {
    let mut complaint = Seldom::new(Duration::from_secs(30));
    let mut dead_letter_complaint = Seldom::new(Duration::from_secs(600));
    loop {
        let missing = match pubsub.find_subscription(&plays).await {
            Reachable::Yes => pubsub.find_topic(&sessions).await.problem(&sessions),
            other => other.problem(&plays),
        };
        let pause = match missing {
            None => {
                readiness.ready("receiving plays");
                if let Reachable::Missing = pubsub.find_topic(&dead_letters).await
                    && dead_letter_complaint.is_due()
                {
                    let topic = &dead_letters;
                    tracing::warn!(%topic, "the dead-letter topic does not exist, rejected messages wait for it");
                }
                CHECK_WHILE_PRESENT
            }
            Some(problem) => {
                readiness.not_ready(&problem);
                if complaint.is_due() {
                    tracing::warn!(endpoint = pubsub.endpoint(), "waiting for Pub/Sub: {problem}");
                }
                CHECK_WHILE_MISSING
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Config {
    const fn receive(&self) -> ReceiveSettings {
        ReceiveSettings {
            streams: self.streams,
            max_outstanding_messages: self.max_outstanding_messages,
            max_outstanding_bytes: self.max_outstanding_bytes,
        }
    }
}
