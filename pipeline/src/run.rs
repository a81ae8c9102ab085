//! The pipeline as a process: the engine between Pub/Sub's subscription and topics.
//!
//! Start: databases and catalogue first, so that a wrong setting ends the process at once; then Pub/Sub, which is waited
//! for as long as it takes; then plays are taken in while the programme is read back, without which nothing is announced.
//! Shutdown, in the order of the flow: not ready any more; the source stops pulling; what is
//! being published is waited for and acknowledged; every other play is handed back; the streams end. Within ten seconds.

use std::time::Duration;

use google_cloud_pubsub::subscriber::handler::Handler;
use listening_together_proto::Slot;
use service_runtime::admin::{self, Readiness};
use service_runtime::backoff::Seldom;
use service_runtime::pubsub::{PubSub, Reachable};
use service_runtime::service::{ServiceError, with_sources};
use service_runtime::settings::SettingError;
use service_runtime::telemetry::Metrics;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::drive::{Driver, now};
use crate::engine::Engine;
use crate::locate::{Atlas, Databases};
use crate::publish::{PubSubOutbox, read_slots};
use crate::receive::{PlaysSource, ReceiveSettings};
use crate::reload::{self, FilesSeen};
use crate::telemetry::{Reloads, Telemetry};

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
    let databases_seen = FilesSeen::now(&config.databases());
    let atlas = open_atlas(&config)?;
    let catalogue = read_catalogue(&config)?;
    let metrics = Metrics::new("pipeline")?;
    let telemetry = Telemetry::new(&metrics.meter());
    let editions = watch_databases(&config, databases_seen, Reloads::new(&metrics.meter()));
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
    let (endpoint, subscription, tracks) = (pubsub.endpoint(), &resources.plays, catalogue.len());
    tracing::info!(endpoint, %subscription, tracks, "starting");
    let (outages_over, outages) = watch::channel(0);
    let checks =
        tokio::spawn(check(pubsub.clone(), resources.names(), readiness.clone(), outages_over, stop.clone()));
    let outcome = if until_ready(&readiness, &stop).await {
        let (found, announced) = oneshot::channel();
        let reading =
            tokio::spawn(read_back(pubsub.clone(), resources.sessions.clone(), found, stop.clone()));
        let engine = Engine::new(rules, atlas, catalogue, now());
        let works = Works { engine, announced, editions, telemetry, outages };
        let outcome = work(&config, &pubsub, &resources, works, &stop).await;
        stop.cancel();
        let _ = reading.await;
        outcome
    } else {
        Ok(())
    };
    stop.cancel();
    let _ = checks.await;
    admin_handle.stop(false).await;
    let _ = admin.await;
    outcome
}

/// Opens the databases; without one of anonymous addresses, with a warning.
fn open_atlas(config: &Config) -> Result<Atlas, SettingError> {
    let databases = config.databases().open();
    let databases = databases.map_err(|error| SettingError::new(error.kind().setting(), error))?;
    if config.geoip_anonymous_ip_db.is_none() {
        tracing::warn!("GEOIP_ANONYMOUS_IP_DB is not set, plays from anonymised addresses are kept");
    }
    Ok(Atlas::new(databases))
}

fn read_catalogue(config: &Config) -> Result<Catalogue, SettingError> {
    let Some(path) = &config.track_catalog else { return Ok(Catalogue::default()) };
    let catalogue = Catalogue::read(path).map_err(|error| SettingError::new("TRACK_CATALOG", error))?;
    if catalogue.altered() > 0 {
        tracing::warn!(
            tracks = catalogue.altered(),
            "the catalogue has texts that are cut or cleaned to be shown"
        );
    }
    Ok(catalogue)
}

/// Opens new editions of the databases in the background, for as long as somebody takes them.
fn watch_databases(config: &Config, seen: FilesSeen, reloads: Reloads) -> mpsc::Receiver<Databases> {
    let (sender, editions) = mpsc::channel(1);
    tokio::spawn(reload::watch(config.databases(), seen, config.geoip_reload_interval, sender, reloads));
    editions
}

/// What works between the streams and the topics.
struct Works {
    engine: Engine<Handler>,
    /// The slots that were announced before.
    announced: oneshot::Receiver<Vec<Slot>>,
    editions: mpsc::Receiver<Databases>,
    telemetry: Telemetry,
    /// How many times Pub/Sub has come back.
    outages: watch::Receiver<u64>,
}

/// From the first stream to the last acknowledgement.
async fn work(
    config: &Config,
    pubsub: &PubSub,
    resources: &Resources,
    works: Works,
    stop: &CancellationToken,
) -> Result<(), ServiceError> {
    let client = |error| ServiceError::part("the Pub/Sub client", error);
    let publisher = pubsub.publisher().await.map_err(client)?;
    let subscriber = pubsub.subscriber().await.map_err(client)?;
    let outbox = PubSubOutbox::new(&publisher, &resources.sessions, &resources.dead_letters);
    let mut source = PlaysSource::open(&subscriber, &resources.plays, config.receive(), &works.outages, stop);
    let driver = Driver::new(works.engine, outbox, works.telemetry)
        .going_on_after(works.announced)
        .with_databases(works.editions);
    tracing::info!("receiving plays");
    let outcome = driver.run(source.deliveries(), stop).await;
    if tokio::time::timeout(LAST_ACKS, source.close()).await.is_err() {
        tracing::warn!("the streams did not end in time, unacknowledged plays come back later");
    }
    outcome.map_err(|error| ServiceError::part("the engine", error))
}

/// Finds the slots announced lately; drops `found` when they cannot be had.
async fn read_back(
    pubsub: PubSub,
    sessions: String,
    found: oneshot::Sender<Vec<Slot>>,
    stop: CancellationToken,
) {
    if let Err(error) = read_slots(&pubsub, &sessions, found, &stop).await {
        let reason = with_sources(&error);
        tracing::warn!(reason, "cannot read the programme back, it starts empty");
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

/// Says in the readiness whether all that we need is there, until `stop`; then not ready, and never ready again.
async fn check(
    pubsub: PubSub,
    names: [String; 3],
    readiness: Readiness,
    outages_over: watch::Sender<u64>,
    stop: CancellationToken,
) {
    stop.run_until_cancelled(keep_checking(&pubsub, &names, &readiness, &outages_over)).await;
    readiness.not_ready("stopping");
}

/// Asks Pub/Sub now and then; counts the outages that are over.
async fn keep_checking(
    pubsub: &PubSub,
    [plays, sessions, dead_letters]: &[String; 3],
    readiness: &Readiness,
    outages_over: &watch::Sender<u64>,
) {
    let mut was_away = false;
    let mut complaint = Seldom::new(Duration::from_secs(30));
    let mut dead_letter_complaint = Seldom::new(Duration::from_secs(600));
    loop {
        let missing = match pubsub.find_subscription(plays).await {
            Reachable::Yes => pubsub.find_topic(sessions).await.problem(sessions),
            other => other.problem(plays),
        };
        if let Some(problem) = missing {
            was_away = true;
            readiness.not_ready(&problem);
            if complaint.is_due() {
                tracing::warn!(endpoint = pubsub.endpoint(), "waiting for Pub/Sub: {problem}");
            }
            tokio::time::sleep(CHECK_WHILE_MISSING).await;
            continue;
        }
        if std::mem::take(&mut was_away) {
            outages_over.send_modify(|outages| *outages += 1);
        }
        if let Some(problem) = pubsub.find_topic(dead_letters).await.problem(dead_letters) {
            readiness.ready(&format!("receiving plays; rejected messages wait: {problem}"));
            if dead_letter_complaint.is_due() {
                tracing::warn!("rejected messages wait: {problem}");
            }
        } else {
            readiness.ready("receiving plays");
        }
        tokio::time::sleep(CHECK_WHILE_PRESENT).await;
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
