//! The connection to Pub/Sub.
//!
//! Google's client ignores `PUBSUB_EMULATOR_HOST`, so that it is honoured here: plaintext, and no credentials.

use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::{BasePublisher, Subscriber, SubscriptionAdmin, TopicAdmin};

use crate::settings::{CommonSettings, SettingError};

/// Where Pub/Sub is and which project's resources are meant. Makes the clients of Google's crate.
#[derive(Clone, Debug)]
pub struct PubSub {
    project: String,
    /// `http://host:port` of an emulator; `None` is Google Cloud.
    emulator: Option<String>,
}

/// A client cannot be made: no usable credentials, or an endpoint that is no URL.
pub type ClientError = google_cloud_gax::client_builder::Error;

/// Makes one of Google's clients for the emulator or for Google Cloud; their builders share no trait.
macro_rules! client {
    ($pubsub:expr, $client:ty) => {{
        let builder = <$client>::builder();
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
        let has_port =
            |host: &str| host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if host.is_some_and(|host| !has_port(host)) {
            let problem = "expected host:port, such as localhost:8085";
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
        client!(self, BasePublisher)
    }

    /// A client that opens message streams.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn subscriber(&self) -> Result<Subscriber, ClientError> {
        client!(self, Subscriber)
    }

    /// A client that creates, finds and deletes topics. It speaks REST, not gRPC.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn topic_admin(&self) -> Result<TopicAdmin, ClientError> {
        client!(self, TopicAdmin)
    }

    /// A client that creates, finds and deletes subscriptions. It speaks REST, not gRPC.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn subscription_admin(&self) -> Result<SubscriptionAdmin, ClientError> {
        client!(self, SubscriptionAdmin)
    }

    fn full_name(&self, collection: &str, name: &str) -> String {
        if name.starts_with("projects/") {
            name.to_owned()
        } else {
            format!("projects/{}/{collection}/{name}", self.project)
        }
    }
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
    fn an_emulator_is_spoken_to_in_plaintext() {
        assert_eq!(PubSub::new("demo", Some("localhost:8085")).endpoint(), "http://localhost:8085");
        assert_eq!(PubSub::new("demo", None).endpoint(), "pubsub.googleapis.com");
    }
}
