//! The connection to Pub/Sub.
//!
//! Google's client ignores `PUBSUB_EMULATOR_HOST`, so that it is honoured here: plaintext, and no credentials.

use std::time::Duration;

use google_cloud_auth::credentials::anonymous;
use google_cloud_gax::error::rpc::Code;
use google_cloud_gax::exponential_backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use google_cloud_gax::options::RequestOptionsBuilder as _;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_pubsub::client::{BasePublisher, SchemaService, Subscriber, SubscriptionAdmin, TopicAdmin};

use crate::permission::{self, PUBLISH, Permission, RECEIVE, SEE_SUBSCRIPTION, SEE_TOPIC};
use crate::service::with_sources;
use crate::settings::{CommonSettings, SettingError};

/// Where Pub/Sub is and which project's resources are meant. Makes the clients of Google's crate.
#[derive(Clone, Debug)]
pub struct PubSub {
    project: String,
    /// `http://host:port` of an emulator; `None` is Google Cloud.
    emulator: Option<String>,
}

/// Whether something is there on Pub/Sub, and may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reachable {
    /// It is there, and as far as Pub/Sub tells it may be used.
    Yes,
    /// Pub/Sub answers that it does not exist.
    Missing,
    /// A right is lacking.
    Denied(Permission),
    /// It is a subscription whose topic was deleted: nothing will ever come through it, also when a topic of the same
    /// name is made again.
    Detached,
    /// Pub/Sub does not answer as it should.
    No(String),
}

impl Reachable {
    /// What is wrong with `name` (a full name) and what to do about it, if anything.
    #[must_use]
    pub fn problem(&self, name: &str) -> Option<String> {
        match self {
            Self::Yes => None,
            Self::Missing => Some(permission::missing(name)),
            Self::Denied(lacking) => Some(lacking.denied(name)),
            Self::Detached => {
                Some(format!("the topic of {name} was deleted; delete the subscription and make it anew"))
            }
            Self::No(reason) => Some(format!("cannot look {name} up: {reason}")),
        }
    }
}

/// What Pub/Sub calls the topic of a subscription whose topic was deleted.
const DELETED_TOPIC: &str = "_deleted-topic_";

/// How long Pub/Sub may take to answer whether something is there.
const LOOK_UP: Duration = Duration::from_secs(5);

/// A client cannot be made: no usable credentials, or an endpoint that is no URL.
pub type ClientError = google_cloud_gax::client_builder::Error;

/// Makes one of Google's clients for the emulator or for Google Cloud; their builders share no trait.
macro_rules! client {
    ($pubsub:expr, $builder:expr) => {{
        let builder = $builder;
        match &$pubsub.emulator {
            Some(endpoint) => {
                let credentials = anonymous::Builder::new().build();
                builder.with_endpoint(endpoint).with_credentials(credentials).build().await
            }
            None => builder.build().await,
        }
    }};
}

impl PubSub {
    /// `project` owns the resources; `emulator_host` is `host:port`.
    #[must_use]
    pub fn new(project: &str, emulator_host: Option<&str>) -> Self {
        let emulator = emulator_host
            .map(|host| if host.contains("://") { host.to_owned() } else { format!("http://{host}") });
        Self { project: project.to_owned(), emulator }
    }

    /// From a service's settings.
    ///
    /// # Errors
    /// When the emulator's address is not `host:port`.
    pub fn from_settings(settings: &CommonSettings) -> Result<Self, SettingError> {
        let host = settings.pubsub_emulator_host.as_deref();
        if host.is_some_and(|host| !is_host_and_port(host.strip_prefix("http://").unwrap_or(host))) {
            let problem = "expected host:port, such as localhost:8085 or [::1]:8085";
            return Err(SettingError::new("PUBSUB_EMULATOR_HOST", problem));
        }
        Ok(Self::new(&settings.google_cloud_project, host))
    }

    /// `projects/PROJECT/topics/TOPIC`; a full name is left as it is.
    #[must_use]
    pub fn topic(&self, topic: &str) -> String {
        self.full_name("topics", topic)
    }

    /// `projects/PROJECT/subscriptions/SUBSCRIPTION`; a full name is left as it is.
    #[must_use]
    pub fn subscription(&self, subscription: &str) -> String {
        self.full_name("subscriptions", subscription)
    }

    /// `host:port` or URL that is spoken to, for log lines.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.emulator.as_deref().unwrap_or("pubsub.googleapis.com")
    }

    /// A client that publishes; it makes one publisher a topic.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn publisher(&self) -> Result<BasePublisher, ClientError> {
        client!(self, BasePublisher::builder().with_backoff_policy(publish_backoff()))
    }

    /// A client that opens message streams.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn subscriber(&self) -> Result<Subscriber, ClientError> {
        client!(self, Subscriber::builder())
    }

    /// A client that creates, finds and deletes topics. It speaks REST, not gRPC.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn topic_admin(&self) -> Result<TopicAdmin, ClientError> {
        client!(self, TopicAdmin::builder())
    }

    /// A client that creates, finds and deletes subscriptions. It speaks REST, not gRPC.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn subscription_admin(&self) -> Result<SubscriptionAdmin, ClientError> {
        client!(self, SubscriptionAdmin::builder())
    }

    /// Whether a subscription (its full name) is there, and may be received from.
    pub async fn find_subscription(&self, name: &str) -> Reachable {
        let found = look_up(async {
            let admin = self.subscription_admin().await.map_err(|error| error.to_string())?;
            let call = admin.get_subscription().set_subscription(name).with_retry_policy(NeverRetry);
            Ok(call.send().await.map(|found| found.topic != DELETED_TOPIC))
        });
        self.unless_useless(found.await.unwrap_or(Reachable::Denied(SEE_SUBSCRIPTION)), name, RECEIVE).await
    }

    /// Whether a topic (its full name) is there, and may be published to.
    pub async fn find_topic(&self, name: &str) -> Reachable {
        let found = look_up(async {
            let admin = self.topic_admin().await.map_err(|error| error.to_string())?;
            let call = admin.get_topic().set_topic(name).with_retry_policy(NeverRetry);
            Ok(call.send().await.map(|_| true))
        });
        self.unless_useless(found.await.unwrap_or(Reachable::Denied(SEE_TOPIC)), name, PUBLISH).await
    }

    /// What was found, unless the right to use it is lacking, or is all that was not lacking: the right to use something
    /// does not include the right to look it up.
    async fn unless_useless(&self, found: Reachable, name: &str, needed: Permission) -> Reachable {
        if !matches!(found, Reachable::Yes | Reachable::Denied(_)) {
            return found;
        }
        match tokio::time::timeout(LOOK_UP, self.holds(name, needed)).await {
            Ok(Ok(true)) => Reachable::Yes,
            Ok(Ok(false)) => Reachable::Denied(needed),
            // Emulators know no permissions.
            Ok(Err(_)) | Err(_) => found,
        }
    }

    /// Whether Pub/Sub says that we have a right to `name`; anybody may ask for their own.
    async fn holds(
        &self,
        name: &str,
        needed: Permission,
    ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        // The only client that has the call, which is the same for resources of all kinds.
        let client = client!(self, SchemaService::builder())?;
        let call = client.test_iam_permissions().set_resource(name).set_permissions([needed.name]);
        let held = call.with_retry_policy(NeverRetry).send().await?;
        Ok(held.permissions.iter().any(|held| held == needed.name))
    }

    fn full_name(&self, collection: &str, name: &str) -> String {
        full_name(&self.project, collection, name)
    }
}

/// `projects/PROJECT/COLLECTION/NAME`, where the collection is `topics` or `subscriptions`; a full name is left as it is.
#[must_use]
pub fn full_name(project: &str, collection: &str, name: &str) -> String {
    if name.starts_with("projects/") {
        name.to_owned()
    } else {
        format!("projects/{project}/{collection}/{name}")
    }
}

/// A name or an address (an IPv6 one in brackets), a colon and a port.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Tells of what was `asked` for (`false` is a subscription without a topic); `None` when we may not ask.
async fn look_up(
    asked: impl Future<Output = Result<google_cloud_pubsub::Result<bool>, String>>,
) -> Option<Reachable> {
    let error = match tokio::time::timeout(LOOK_UP, asked).await {
        Ok(Ok(Ok(true))) => return Some(Reachable::Yes),
        Ok(Ok(Ok(false))) => return Some(Reachable::Detached),
        Ok(Ok(Err(error))) => error,
        Ok(Err(reason)) => return Some(Reachable::No(reason)),
        Err(_) => return Some(Reachable::No(format!("no answer within {LOOK_UP:?}"))),
    };
    match error.status().map(|status| status.code) {
        Some(Code::NotFound) => Some(Reachable::Missing),
        Some(Code::PermissionDenied) => None,
        _ => Some(Reachable::No(with_sources(&error))),
    }
}

/// The client's own default waits up to a minute between tries: too long for news that is seconds old.
fn publish_backoff() -> ExponentialBackoff {
    ExponentialBackoffBuilder::new()
        .with_initial_delay(Duration::from_millis(100))
        .with_maximum_delay(Duration::from_secs(1))
        .clamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_completed_and_full_names_kept() {
        let pubsub = PubSub::new("demo", None);
        assert_eq!(pubsub.topic("plays"), "projects/demo/topics/plays");
        assert_eq!(pubsub.topic("projects/other/topics/plays"), "projects/other/topics/plays");
        assert_eq!(pubsub.subscription("plays-pipeline"), "projects/demo/subscriptions/plays-pipeline");
    }

    #[test]
    fn emulators_are_a_host_and_a_port() {
        for text in ["localhost:8085", "127.0.0.1:1", "[::1]:8085", "pubsub.local_net-1:80"] {
            assert!(is_host_and_port(text), "{text}");
        }
        for text in
            ["localhost", ":8085", "a b:1", "::1:8085", "[::x]:1", "host:0", "host:65536", "https://x:1", ""]
        {
            assert!(!is_host_and_port(text), "{text}");
        }
    }

    #[test]
    fn an_emulator_is_spoken_to_in_plaintext() {
        assert_eq!(PubSub::new("demo", Some("localhost:8085")).endpoint(), "http://localhost:8085");
        assert_eq!(PubSub::new("demo", None).endpoint(), "pubsub.googleapis.com");
    }
}
