//! Installations that something is wrong with.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use bytes::Bytes;
use emulator_tests::installation::{Installation, LivePlays, PATIENCE, Replica};
use emulator_tests::listeners::{PlaySpec, Shares};
use emulator_tests::services::Service;
use emulator_tests::topology::SESSIONS;
use google_cloud_pubsub::model::Message;
use tokio::time::{Instant, sleep};

use super::prometheus::{Firing, Target};

/// All of them, at work.
#[derive(Debug)]
pub(crate) struct Scenes {
    pipelines: Vec<(&'static str, Service)>,
    replicas: Vec<(&'static str, Replica)>,
    /// The one that nothing is published to.
    idle: Installation,
    /// The one whose databases are spoiled.
    spoiled: Installation,
    _others: Vec<Installation>,
    _listeners: Vec<LivePlays>,
    _stream: reqwest::Response,
}

/// Two installations that are well, the second in two stages: nothing may fire there.
pub(crate) const WELL: &str = "well";
pub(crate) const STAGES: &str = "stages";

/// What has to fire, by installation.
const EXPECTED: [(&str, &[&str]); 4] = [
    ("malformed", &["NoSlotsAnnounced", "PlaysRejected"]),
    ("late", &["PlaysLate", "WatermarkBehind"]),
    ("spoiled", &["DatabaseOld", "DatabaseReloadFails"]),
    ("idle", &["ReplicaStale", "UpdatesRejected", "RequestsFail", "StreamsRefused"]),
];
/// Of a replica of the installation that is well, whose own clock is not.
const EXPECTED_OF_CLOCK: (&str, &[&str]) = ("clock", &["ClockWrong", "SlotsShownLate"]);

/// What has to fire.
pub(crate) fn expected() -> BTreeSet<Firing> {
    let all = EXPECTED.into_iter().chain([EXPECTED_OF_CLOCK]);
    all.flat_map(|(namespace, alerts)| alerts.iter().map(move |alert| (namespace, *alert)))
        .map(|(namespace, alert)| Firing { namespace: namespace.to_owned(), alert: alert.to_owned() })
        .collect()
}

impl Scenes {
    pub(crate) async fn set(endpoint: &str) -> anyhow::Result<Self> {
        let (mut pipelines, mut others, mut listeners) = (Vec::new(), Vec::new(), Vec::new());
        let all = |share: fn(&mut Shares)| {
            let mut shares = Shares::NONE;
            share(&mut shares);
            shares
        };
        // Event time follows plays that are late, at their distance: lateness has to be shorter than that differs.
        for (namespace, shares, lateness) in [
            (WELL, Shares::NONE, "30s"),
            ("malformed", all(|shares| shares.malformed = 1.0), "30s"),
            ("late", all(|shares| shares.late = 1.0), "1s"),
        ] {
            let installation = Installation::create(endpoint).await?;
            date_today(&installation.databases.city)?;
            let pipeline = installation.pipeline(&[("SLOT", "1s"), ("ALLOWED_LATENESS", lateness)])?;
            let spec = PlaySpec { shares, ..PlaySpec::default() };
            listeners.push(installation.listeners(spec, 300.0).await?);
            pipelines.push((namespace, pipeline));
            others.push(installation);
        }
        let stages = Installation::create(endpoint).await?;
        date_today(&stages.databases.city)?;
        pipelines.push((STAGES, stages.locate(&[])?));
        pipelines.push((STAGES, stages.curate(&[("SLOT", "1s"), ("MAX_DISORDER", "1s")])?));
        let spec = PlaySpec { shares: Shares::NONE, ..PlaySpec::default() };
        listeners.push(stages.listeners(spec, 300.0).await?);
        others.push(stages);
        let well = others.first().context("the first is well")?;
        let spoiled = Installation::create(endpoint).await?;
        pipelines.push(("spoiled", spoiled.pipeline(&[("GEOIP_RELOAD_INTERVAL", "1s")])?));
        let idle = Installation::create(endpoint).await?;
        // Ahead by more than LEAD: all slots seem to come after their start.
        let ahead = [("CLOCK_OFFSET", "3s".to_owned())];
        let hurried = [("STALE_AFTER", "1s".to_owned()), ("MAX_STREAMS", "1".to_owned())];
        let mut replicas = vec![
            (WELL, well.replica("europe-west1")?),
            ("clock", well.replica_with("europe-west1", &ahead)?),
            ("idle", idle.replica_with("europe-west1", &hurried)?),
        ];
        for (_, service) in &mut pipelines {
            service.until_ready(PATIENCE).await?;
        }
        for (_, replica) in &mut replicas {
            replica.service.until_ready(PATIENCE).await?;
        }
        let well = pipelines.iter().find(|(namespace, _)| *namespace == WELL);
        let curate = pipelines.iter().rfind(|(namespace, _)| *namespace == STAGES);
        for (_, pipeline) in well.into_iter().chain(curate) {
            until_announcing(pipeline).await?;
        }
        let url = &replicas.last().context("there are three")?.1.url;
        let stream = reqwest::get(format!("{url}/api/stream")).await?;
        anyhow::ensure!(stream.status().is_success(), "{stream:?}");
        Ok(Self {
            pipelines,
            replicas,
            idle,
            spoiled,
            _others: others,
            _listeners: listeners,
            _stream: stream,
        })
    }

    pub(crate) fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        let pipelines = self.pipelines.iter().map(|(namespace, service)| (*namespace, service));
        let replicas = self.replicas.iter().map(|(namespace, replica)| (*namespace, &replica.service));
        pipelines.chain(replicas).map(|(namespace, service)| Target { namespace, service })
    }

    /// Keeps the symptoms up that have to be made again and again.
    pub(crate) async fn go_on(&self) -> anyhow::Result<()> {
        let client = self.idle.topology.pubsub.publisher().await?;
        let publisher = client.publisher(self.idle.topology.pubsub.topic(SESSIONS)).build();
        let garbage = Message::new().set_data(Bytes::from_static(b"\xff\xff no update"));
        publisher.publish(garbage).await.context("a message was not published")?;
        let url = &self.replicas.last().context("there are three")?.1.url;
        for path in ["/api/latest", "/api/stream"] {
            let status = reqwest::get(format!("{url}{path}")).await?.status();
            anyhow::ensure!(status == 503, "{path}: {status}");
        }
        let new = self.spoiled.databases.city.with_extension("new");
        std::fs::write(&new, format!("no database, of {:?}", SystemTime::now()))?;
        Ok(std::fs::rename(&new, &self.spoiled.databases.city)?)
    }
}

/// A pipeline that has only just started announces nothing for some seconds, which is no symptom.
async fn until_announcing(pipeline: &Service) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while pipeline.metrics().await?.get("pipeline_slots_published_total") < 2.0 {
        anyhow::ensure!(Instant::now() < deadline, "nothing is announced: {}", pipeline.log());
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Says in the metadata of a database that it was built today; those of tests are all of one day.
fn date_today(path: &Path) -> anyhow::Result<()> {
    const KEY: &[u8] = b"build_epoch";
    let mut bytes = std::fs::read(path)?;
    let key = bytes.windows(KEY.len()).rposition(|window| window == KEY).context("there is metadata")?;
    // MaxMind's format: a control byte with the size, the extended type 2 (uint64), and the number.
    let value = key + KEY.len() + 2;
    anyhow::ensure!(
        bytes[value - 2..value] == [4, 2],
        "a number of four bytes: {:?}",
        &bytes[value - 2..value]
    );
    let now = u32::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    bytes[value..value + 4].copy_from_slice(&now.to_be_bytes());
    Ok(std::fs::write(path, bytes)?)
}
