//! The topics and subscriptions of one installation, on any broker.

use std::time::Duration;

use google_cloud_gax::error::rpc::Code;
use service_runtime::pubsub::PubSub;

/// The topic that plays are published to.
pub const PLAYS: &str = "plays";
/// The pipeline's subscription to it.
pub const PLAYS_SUBSCRIPTION: &str = "plays-pipeline";
/// The topic that sessions are published to.
pub const SESSIONS: &str = "sessions";
/// The topic of plays that the first of two stages has located.
pub const LOCATED_PLAYS: &str = "located-plays";
/// The second stage's subscription to it.
pub const LOCATED_PLAYS_SUBSCRIPTION: &str = "located-plays-curate";
/// The topic of rejected messages.
pub const DEAD_LETTERS: &str = "plays-rejected";
/// A subscription that keeps rejected messages.
pub const DEAD_LETTERS_SUBSCRIPTION: &str = "plays-rejected-keep";

/// How long the sessions topic retains: the shortest that Pub/Sub allows.
const RETENTION: Duration = Duration::from_secs(600);

/// An installation's resources.
#[derive(Clone, Debug)]
pub struct Topology {
    /// The project that owns them.
    pub project: String,
    /// The connection to them.
    pub pubsub: PubSub,
    /// `host:port` of the broker.
    pub endpoint: String,
}

impl Topology {
    /// Creates everything in `project` on the broker at `endpoint` (`host:port`); what is there already is left.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn create(endpoint: &str, project: &str) -> anyhow::Result<Self> {
        let pubsub = PubSub::new(project, Some(endpoint));
        let topology = Self { project: project.to_owned(), pubsub, endpoint: endpoint.to_owned() };
        for topic in [PLAYS, LOCATED_PLAYS, SESSIONS, DEAD_LETTERS] {
            topology.create_topic(topic).await?;
        }
        topology.subscribe(PLAYS, PLAYS_SUBSCRIPTION).await?;
        topology.subscribe(LOCATED_PLAYS, LOCATED_PLAYS_SUBSCRIPTION).await?;
        topology.subscribe(DEAD_LETTERS, DEAD_LETTERS_SUBSCRIPTION).await?;
        Ok(topology)
    }

    /// Subscribes to a topic under a name.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn subscribe(&self, topic: &str, name: &str) -> anyhow::Result<()> {
        let admin = self.pubsub.subscription_admin().await?;
        let create = admin
            .create_subscription()
            .set_name(self.pubsub.subscription(name))
            .set_topic(self.pubsub.topic(topic))
            .set_ack_deadline_seconds(10);
        unless_there(create.send().await)
    }

    /// The short names of the subscriptions to the sessions topic.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn session_subscriptions(&self) -> anyhow::Result<Vec<String>> {
        let admin = self.pubsub.topic_admin().await?;
        let list = admin.list_topic_subscriptions().set_topic(self.pubsub.topic(SESSIONS));
        let names = list.send().await?.subscriptions;
        Ok(names.iter().map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect())
    }

    /// The environment variables that tell a service where all this is.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("GOOGLE_CLOUD_PROJECT", self.project.clone()), ("PUBSUB_EMULATOR_HOST", self.endpoint.clone())]
    }

    async fn create_topic(&self, topic: &str) -> anyhow::Result<()> {
        let admin = self.pubsub.topic_admin().await?;
        let mut create = admin.create_topic().set_name(self.pubsub.topic(topic));
        if topic == SESSIONS {
            let seconds = i64::try_from(RETENTION.as_secs())?;
            create = create.set_message_retention_duration(google_cloud_wkt::Duration::clamp(seconds, 0));
        }
        unless_there(create.send().await)
    }
}

fn unless_there<T>(created: google_cloud_pubsub::Result<T>) -> anyhow::Result<()> {
    match created {
        Err(error) if error.status().is_some_and(|status| status.code == Code::AlreadyExists) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}
