//! The scene of every scenario, and what is said about its sessions.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use emulator_tests::collect::Collector;
use emulator_tests::installation::{Installation, PATIENCE, updates};
use emulator_tests::listeners::{PlaySpec, Shares, Timing};
use emulator_tests::oracle::{self, Rules};
use emulator_tests::services::Service;
use listening_together_proto::v1;
use local_pubsub::{LocalPubSub, Running};

/// The longest that a service may take to end.
pub(crate) const END: Duration = Duration::from_secs(10);

/// Settings with which every session finds room, also after an outage, and a busy machine makes no play late.
pub(crate) const ROOMY: [(&str, &str); 6] = [
    ("MAX_DISORDER", "4s"),
    ("ALLOWED_LATENESS", "120s"),
    ("SLOT", "1s"),
    ("LEAD", "500ms"),
    ("MAX_SESSION_AGE", "120s"),
    ("SESSIONS_PER_SLOT", "0"),
];

/// The oracle's side of [`ROOMY`].
pub(crate) fn roomy_rules() -> Rules {
    Rules {
        slot_ms: 1000,
        lead_ms: 500,
        max_session_age_ms: 120_000,
        sessions_per_slot: 0,
        ..Rules::default()
    }
}

/// Plays that are in time for [`ROOMY`], and some of no use.
pub(crate) fn ordinary_plays() -> PlaySpec {
    let timing = Timing { spread_ms: 500, ..Timing::default() };
    PlaySpec { timing, shares: Shares { late: 0.0, ..Shares::default() }, ..PlaySpec::default() }
}

/// A broker, its topics, and everything that is published to the sessions topic.
pub(crate) struct Scene {
    pub(crate) broker: Running,
    pub(crate) installation: Installation,
    pub(crate) sessions: Collector,
}

impl Scene {
    pub(crate) async fn set() -> Result<Self> {
        let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
        let installation = Installation::create(&broker.local_addr().to_string()).await?;
        let sessions = installation.watch_sessions().await?;
        Ok(Self { broker, installation, sessions })
    }

    /// Starts a pipeline and waits until it is ready.
    pub(crate) async fn pipeline(&self, settings: &[(&'static str, &str)]) -> Result<Service> {
        let mut pipeline = self.installation.pipeline(settings)?;
        pipeline.until_ready(PATIENCE).await?;
        Ok(pipeline)
    }

    /// All that was published so far.
    pub(crate) fn updates(&self) -> Vec<v1::SessionsUpdate> {
        updates(&self.sessions.messages())
    }

    /// Waits until every expected session has been published as it should be.
    pub(crate) async fn until_published(
        &self,
        expected: &BTreeMap<String, v1::Session>,
        patience: Duration,
    ) -> Result<()> {
        ensure!(expected.len() > 20, "the plays make {} sessions only", expected.len());
        let start = Instant::now();
        let mut missing = expected.clone();
        let mut known = 0;
        loop {
            let messages = self.sessions.messages();
            // What is once as it should be has been published so: only what is new is read.
            let versions = published(&updates(&messages[known..]));
            known = messages.len();
            missing.retain(|id, session| {
                let mut versions = versions.get(id).into_iter().flatten();
                !versions.any(|version| oracle::compare(session, &on_time(version)).is_empty())
            });
            if missing.is_empty() {
                return Ok(());
            }
            ensure!(
                start.elapsed() < patience,
                "{} of {} sessions, not within {patience:?} as they should be: {:#?}",
                missing.len(),
                expected.len(),
                unlike(&missing, &self.updates()).iter().take(8).collect::<Vec<_>>()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The expected sessions that have not been published as they should be, whatever the pane; and how they were instead.
pub(crate) fn unlike(
    expected: &BTreeMap<String, v1::Session>,
    updates: &[v1::SessionsUpdate],
) -> Vec<String> {
    let published = published(updates);
    let difference = |(id, expected): (&String, &v1::Session)| {
        let Some(versions) = published.get(id) else { return Some(format!("session {id}: missing")) };
        let differences: Vec<_> =
            versions.iter().map(|version| oracle::compare(expected, &on_time(version))).collect();
        if differences.iter().any(Vec::is_empty) { None } else { differences.concat().into_iter().next() }
    };
    expected.iter().filter_map(difference).collect()
}

/// What is wrong with any published session: each has to be as expected, whatever the pane.
pub(crate) fn wrong(expected: &BTreeMap<String, v1::Session>, updates: &[v1::SessionsUpdate]) -> Vec<String> {
    let versions = published(updates).into_values().flatten().map(|version| on_time(&version));
    let versions: Vec<_> = versions.collect();
    oracle::compare_all(expected, &versions)
}

/// Every version of every session, in the order of publishing.
fn published(updates: &[v1::SessionsUpdate]) -> BTreeMap<String, Vec<v1::Session>> {
    let mut published: BTreeMap<String, Vec<v1::Session>> = BTreeMap::new();
    for session in updates.iter().flat_map(|update| &update.slots).flat_map(|slot| &slot.sessions) {
        let versions = published.entry(session.session_id.clone()).or_default();
        if !versions.contains(session) {
            versions.push(session.clone());
        }
    }
    published
}

fn on_time(session: &v1::Session) -> v1::Session {
    v1::Session { pane: 0, ..session.clone() }
}
