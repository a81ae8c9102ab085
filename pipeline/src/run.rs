//! The pipeline as a process: the engine, or the first of two stages, between Pub/Sub's subscription and topics.
//!
//! Start: databases and catalogue first, so that a wrong setting ends the process at once; then Pub/Sub, which is waited
//! for as long as it takes; then plays are taken in while the programme is read back, without which nothing is announced.
//! Shutdown, in the order of the flow: not ready any more; the source stops pulling; what is
//! being published is waited for and acknowledged; every other play is handed back; the streams end. Within ten seconds.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use listening_together_proto::Slot;
use service_runtime::admin::{self, Readiness};
use service_runtime::backoff::Seldom;
use service_runtime::pubsub::{PubSub, Reachable};
use service_runtime::service::{ServiceError, with_sources};
use service_runtime::settings::SettingError;
use service_runtime::telemetry::Metrics;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::batch::BatchRules;
use crate::catalogue::Catalogue;
use crate::config::{Config, Stage};
use crate::drive::locate::LocateDriver;
use crate::drive::{DriveError, Driver, now};
use crate::engine::{Engine, Rules};
use crate::locate::{Atlas, Databases};
use crate::locator::Locator;
use crate::publish::{PubSubOutbox, read_slots};
use crate::receive::{Acknowledge, ReceiveSettings, Source};
use crate::reload::{self, FilesSeen};
use crate::telemetry::{LocateTelemetry, Reloads, Telemetry, observe_stage};
use crate::user::UserHash;

/// How long the streams may take to send their last acknowledgements.
const LAST_ACKS: Duration = Duration::from_secs(4);
/// How often Pub/Sub is asked whether it is there: seldom once it is.
const CHECK_WHILE_MISSING: Duration = Duration::from_secs(1);
const CHECK_WHILE_PRESENT: Duration = Duration::from_secs(10);

/// The full names of what a stage needs on Pub/Sub.
#[derive(Clone)]
pub(crate) struct Resources {
    /// The subscription that it receives from.
    pub(crate) source: String,
    /// The topic of what it makes.
    pub(crate) output: String,
    /// The topic of what is no play.
    pub(crate) dead_letters: String,
}

/// What a stage works with beside Pub/Sub and the databases.
enum Work {
    /// The first stage's.
    Locate { users: UserHash, telemetry: LocateTelemetry },
    /// The second stage's, or everything's.
    Slots { catalogue: Catalogue, telemetry: Telemetry },
}

/// Runs until `stop`.
///
/// # Errors
/// When a setting is wrong, or a part ends by itself.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), ServiceError> {
    let rules = config.rules()?;
    let databases_seen = FilesSeen::now(&config.databases());
    let metrics = Metrics::new("pipeline")?;
    let meter = metrics.meter();
    observe_stage(&meter, config.stage);
    let work = match config.stage {
        Stage::Locate => Work::Locate { users: config.user_hash()?, telemetry: LocateTelemetry::new(&meter) },
        Stage::All | Stage::Curate => {
            Work::Slots { catalogue: read_catalogue(&config)?, telemetry: Telemetry::new(&meter) }
        }
    };
    let atlas = open_atlas(&config)?;
    let editions = watch_databases(&config, databases_seen, Reloads::new(&meter));
    let readiness = Readiness::default();
    let admin = admin::server(config.admin_addr, readiness.clone(), metrics)?;
    let admin_handle = admin.handle();
    let admin = tokio::spawn(admin);

    let pubsub = PubSub::from_settings(&config.common)?;
    let resources = Resources::of(&config, &pubsub);
    let (stage, endpoint, subscription) = (config.stage, pubsub.endpoint(), &resources.source);
    tracing::info!(?stage, endpoint, %subscription, "starting");
    let (outages_over, outages) = watch::channel(0);
    let checks =
        tokio::spawn(check(pubsub.clone(), resources.clone(), readiness.clone(), outages_over, stop.clone()));
    let outcome = if until_ready(&readiness, &stop).await {
        let place = Place { config: &config, pubsub: &pubsub, resources: &resources, outages };
        let outcome = place.work(work, rules, atlas, editions, &stop).await;
        stop.cancel();
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
    if config.geoip_anonymous_ip_db.is_none() && config.stage != Stage::Curate {
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

/// Where a stage works.
struct Place<'a> {
    config: &'a Config,
    pubsub: &'a PubSub,
    resources: &'a Resources,
    /// How many times Pub/Sub has come back.
    outages: watch::Receiver<u64>,
}

impl Place<'_> {
    /// From the first stream to the last acknowledgement.
    async fn work(
        &self,
        work: Work,
        rules: Rules,
        atlas: Atlas,
        editions: mpsc::Receiver<Databases>,
        stop: &CancellationToken,
    ) -> Result<(), ServiceError> {
        match work {
            Work::Locate { users, telemetry } => {
                let locator = Locator::new(rules.intake(), users, atlas, self.config.batches());
                let (outbox, mut source) = self.connect(stop).await?;
                let driver = LocateDriver::new(locator, outbox, telemetry, editions);
                let outcome = driver.run(source.deliveries(), stop).await;
                close(source, outcome).await
            }
            Work::Slots { catalogue, telemetry } => {
                let (found, announced) = oneshot::channel();
                let sessions = self.resources.output.clone();
                let reading = tokio::spawn(read_back(self.pubsub.clone(), sessions, found, stop.clone()));
                let slots = Slots { rules, atlas, catalogue, telemetry, editions, announced };
                let outcome = self.make(slots, stop).await;
                stop.cancel();
                let _ = reading.await;
                outcome
            }
        }
    }

    async fn make(&self, slots: Slots, stop: &CancellationToken) -> Result<(), ServiceError> {
        let (outbox, mut source) = self.connect(stop).await?;
        let outcome = match self.config.stage {
            Stage::Curate => {
                slots.driver(outbox).run(source.deliveries(), Engine::receive_located, stop).await
            }
            Stage::All | Stage::Locate => {
                slots.driver(outbox).run(source.deliveries(), Engine::receive_all, stop).await
            }
        };
        close(source, outcome).await
    }

    async fn connect(&self, stop: &CancellationToken) -> Result<(PubSubOutbox, Source), ServiceError> {
        let client = |error| ServiceError::part("the Pub/Sub client", error);
        let publisher = self.pubsub.publisher().await.map_err(client)?;
        let subscriber = self.pubsub.subscriber().await.map_err(client)?;
        let Resources { source, output, dead_letters } = self.resources;
        let outbox = PubSubOutbox::new(&publisher, output, dead_letters);
        let source = Source::open(&subscriber, source, self.config.receive(), &self.outages, stop);
        tracing::info!("receiving plays");
        Ok((outbox, source))
    }
}

/// Ends the streams, however the work ended.
async fn close(source: Source, outcome: Result<(), DriveError>) -> Result<(), ServiceError> {
    if tokio::time::timeout(LAST_ACKS, source.close()).await.is_err() {
        tracing::warn!("the streams did not end in time, unacknowledged plays come back later");
    }
    outcome.map_err(|error| ServiceError::part("the engine", error))
}

/// What makes slots.
struct Slots {
    rules: Rules,
    atlas: Atlas,
    catalogue: Catalogue,
    telemetry: Telemetry,
    editions: mpsc::Receiver<Databases>,
    /// The slots that were announced before.
    announced: oneshot::Receiver<Vec<Slot>>,
}

impl Slots {
    fn driver<A: Acknowledge>(self, outbox: PubSubOutbox) -> Driver<A, PubSubOutbox> {
        let seed = RandomState::new().hash_one(std::process::id());
        let engine = Engine::new(self.rules, self.atlas, self.catalogue, now())
            .telling_users_apart_by(UserHash::in_process(seed));
        Driver::new(engine, outbox, self.telemetry)
            .going_on_after(self.announced)
            .with_databases(self.editions)
    }
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
    pub(crate) fn of(config: &Config, pubsub: &PubSub) -> Self {
        let (source, output) = match config.stage {
            Stage::All => (&config.plays_subscription, &config.sessions_topic),
            Stage::Locate => (&config.plays_subscription, &config.located_plays_topic),
            Stage::Curate => (&config.located_plays_subscription, &config.sessions_topic),
        };
        Self {
            source: pubsub.subscription(source),
            output: pubsub.topic(output),
            dead_letters: pubsub.topic(&config.dead_letter_topic),
        }
    }
}

/// Says in the readiness whether all that we need is there, until `stop`; then not ready, and never ready again.
async fn check(
    pubsub: PubSub,
    resources: Resources,
    readiness: Readiness,
    outages_over: watch::Sender<u64>,
    stop: CancellationToken,
) {
    stop.run_until_cancelled(keep_checking(&pubsub, &resources, &readiness, &outages_over)).await;
    readiness.not_ready("stopping");
}

/// Asks Pub/Sub now and then; counts the outages that are over.
async fn keep_checking(
    pubsub: &PubSub,
    Resources { source, output, dead_letters }: &Resources,
    readiness: &Readiness,
    outages_over: &watch::Sender<u64>,
) {
    let mut was_away = false;
    let mut complaint = Seldom::new(Duration::from_secs(30));
    let mut dead_letter_complaint = Seldom::new(Duration::from_secs(600));
    loop {
        let missing = match pubsub.find_subscription(source).await {
            Reachable::Yes => pubsub.find_topic(output).await.problem(output),
            other => other.problem(source),
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
    const fn batches(&self) -> BatchRules {
        BatchRules { most_plays: self.located_batch_plays as usize, wait: self.located_batch_wait }
    }

    const fn receive(&self) -> ReceiveSettings {
        ReceiveSettings {
            streams: self.streams,
            max_outstanding_messages: self.max_outstanding_messages,
            max_outstanding_bytes: self.max_outstanding_bytes,
        }
    }
}
