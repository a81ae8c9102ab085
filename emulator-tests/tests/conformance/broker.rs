//! The broker of one case, and the project that is the case's alone.

use std::{fmt::Write as _, time::Duration};

use anyhow::Context as _;
use emulator_tests::brokers::{GoogleEmulator, LocalBroker};
use google_cloud_googleapis::pubsub::v1::{
    PublishRequest, PubsubMessage, Subscription, Topic, publisher_client::PublisherClient,
    subscriber_client::SubscriberClient,
};
use service_runtime::pubsub::PubSub;
use tokio::{sync::OnceCell, time::timeout};
use tonic::transport::Channel;

/// Google's emulator takes seconds to start: one serves all cases. It ends with this process.
static EMULATOR: OnceCell<GoogleEmulator> = OnceCell::const_new();

/// Clients refuse larger messages unless told; Pub/Sub's go up to 10 MB.
const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// Several times what a case that waits for ack deadlines takes on a busy machine.
const LONGEST_CASE: Duration = Duration::from_secs(120);

/// Which broker a case runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Emulator,
}

/// A broker, reached over a connection of its own.
pub(crate) struct TestBroker {
    pub(crate) kind: Kind,
    pub(crate) endpoint: String,
    pub(crate) project: String,
    channel: Channel,
    _local: Option<LocalBroker>,
}

/// Runs a case on a broker of a kind.
pub(crate) async fn run(
    kind: Kind,
    case: impl AsyncFnOnce(&TestBroker) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let broker = match kind {
        Kind::Local => TestBroker::local().await?,
        Kind::Emulator => TestBroker::emulator().await?,
    };
    let done = timeout(LONGEST_CASE, case(&broker)).await;
    let done = done.with_context(|| format!("not done within {LONGEST_CASE:?}")).flatten();
    match (done, EMULATOR.get().filter(|_| kind == Kind::Emulator)) {
        (Err(error), Some(emulator)) => match emulator.check().await {
            Ok(()) => Err(error),
            Err(dead) => Err(error.context(dead)),
        },
        (done, _) => done,
    }
}

impl TestBroker {
    pub(crate) async fn local() -> anyhow::Result<Self> {
        let broker = LocalBroker::start().await?;
        Self::connect(Kind::Local, broker.endpoint(), Some(broker)).await
    }

    pub(crate) async fn emulator() -> anyhow::Result<Self> {
        let emulator = EMULATOR.get_or_try_init(GoogleEmulator::start).await?;
        emulator.check().await?;
        Self::connect(Kind::Emulator, emulator.endpoint(), None).await
    }

    async fn connect(kind: Kind, endpoint: String, local: Option<LocalBroker>) -> anyhow::Result<Self> {
        let channel = Channel::from_shared(format!("http://{endpoint}"))?.connect().await?;
        let project = format!("conformance-{}", random_id());
        Ok(Self { kind, endpoint, project, channel, _local: local })
    }

    pub(crate) fn is_emulator(&self) -> bool {
        self.kind == Kind::Emulator
    }

    pub(crate) fn publisher(&self) -> PublisherClient<Channel> {
        PublisherClient::new(self.channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    pub(crate) fn subscriber(&self) -> SubscriberClient<Channel> {
        SubscriberClient::new(self.channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    /// Google's own clients.
    pub(crate) fn official(&self) -> PubSub {
        PubSub::new(&self.project, Some(&self.endpoint))
    }

    pub(crate) fn topic(&self, id: &str) -> String {
        format!("projects/{}/topics/{id}", self.project)
    }

    pub(crate) fn subscription(&self, id: &str) -> String {
        format!("projects/{}/subscriptions/{id}", self.project)
    }

    /// Creates a topic with defaults.
    pub(crate) async fn create_topic(&self, id: &str) -> anyhow::Result<String> {
        let name = self.topic(id);
        self.publisher().create_topic(Topic { name: name.clone(), ..Default::default() }).await?;
        Ok(name)
    }

    /// Creates the topic `plays` and a subscription of that name with the given settings, and returns both
    /// names.
    pub(crate) async fn create_pair(&self, settings: Subscription) -> anyhow::Result<(String, String)> {
        let topic = self.create_topic("plays").await?;
        let name = self.subscription("plays");
        let wanted = Subscription { name: name.clone(), topic: topic.clone(), ..settings };
        self.subscriber().create_subscription(wanted).await?;
        Ok((topic, name))
    }

    /// Publishes messages in one call and returns their ids.
    pub(crate) async fn publish(
        &self,
        topic: &str,
        messages: Vec<PubsubMessage>,
    ) -> anyhow::Result<Vec<String>> {
        let request = PublishRequest { topic: topic.to_owned(), messages };
        Ok(self.publisher().publish(request).await?.into_inner().message_ids)
    }
}

/// A message of a few bytes.
pub(crate) fn message(data: &str) -> PubsubMessage {
    PubsubMessage { data: data.to_owned().into(), ..Default::default() }
}

/// Messages `first..=last`, by number, with an ordering key if that is not empty.
pub(crate) fn numbered(first: u32, last: u32, key: &str) -> Vec<PubsubMessage> {
    let keyed = |number: u32| PubsubMessage { ordering_key: key.to_owned(), ..message(&number.to_string()) };
    (first..=last).map(keyed).collect()
}

fn random_id() -> String {
    rand::random::<[u8; 6]>().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}
