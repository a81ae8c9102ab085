//! Topics and subscriptions in proto3's JSON, read into and written from the messages of `google.pubsub.v1`.
//!
//! Reading takes camelCase and the proto's own names, as proto3 does, and refuses fields that do not exist.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tonic::Status;

use crate::{admin::unsupported, pb};

/// A topic in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Topic {
    name: String,
    labels: HashMap<String, String>,
    #[serde(alias = "message_retention_duration")]
    message_retention_duration: Option<String>,
    #[serde(alias = "message_storage_policy")]
    message_storage_policy: Option<Value>,
    #[serde(alias = "kms_key_name")]
    kms_key_name: String,
    #[serde(alias = "schema_settings")]
    schema_settings: Option<Value>,
    #[serde(alias = "ingestion_data_source_settings")]
    ingestion_data_source_settings: Option<Value>,
    #[serde(alias = "message_transforms")]
    message_transforms: Vec<Value>,
    tags: HashMap<String, String>,
    /// Set by the server; ignored in requests, as proto3 says of output-only fields.
    #[serde(alias = "satisfies_pzs")]
    satisfies_pzs: Option<bool>,
    state: Option<Value>,
}

/// A subscription in a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Subscription {
    name: String,
    topic: String,
    #[serde(alias = "push_config")]
    push_config: Option<Value>,
    #[serde(alias = "bigquery_config")]
    bigquery_config: Option<Value>,
    #[serde(alias = "cloud_storage_config")]
    cloud_storage_config: Option<Value>,
    #[serde(alias = "ack_deadline_seconds")]
    ack_deadline_seconds: i32,
    #[serde(alias = "retain_acked_messages")]
    retain_acked_messages: bool,
    #[serde(alias = "message_retention_duration")]
    message_retention_duration: Option<String>,
    labels: HashMap<String, String>,
    #[serde(alias = "enable_message_ordering")]
    enable_message_ordering: bool,
    #[serde(alias = "expiration_policy")]
    expiration_policy: Option<ExpirationPolicy>,
    filter: String,
    #[serde(alias = "dead_letter_policy")]
    dead_letter_policy: Option<DeadLetterPolicy>,
    #[serde(alias = "retry_policy")]
    retry_policy: Option<RetryPolicy>,
    detached: bool,
    #[serde(alias = "enable_exactly_once_delivery")]
    enable_exactly_once_delivery: bool,
    #[serde(alias = "message_transforms")]
    message_transforms: Vec<Value>,
    tags: HashMap<String, String>,
    /// Set by the server; ignored in requests, as proto3 says of output-only fields.
    #[serde(alias = "topic_message_retention_duration")]
    topic_message_retention_duration: Option<String>,
    state: Option<Value>,
    #[serde(alias = "analytics_hub_subscription_info")]
    analytics_hub_subscription_info: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ExpirationPolicy {
    ttl: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct DeadLetterPolicy {
    #[serde(alias = "dead_letter_topic")]
    dead_letter_topic: String,
    #[serde(alias = "max_delivery_attempts")]
    max_delivery_attempts: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RetryPolicy {
    #[serde(alias = "minimum_backoff")]
    minimum_backoff: Option<String>,
    #[serde(alias = "maximum_backoff")]
    maximum_backoff: Option<String>,
}

/// The body of an update of a topic.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct UpdateTopic {
    pub(super) topic: Topic,
    #[serde(alias = "update_mask")]
    pub(super) update_mask: Option<String>,
}

/// The body of an update of a subscription.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct UpdateSubscription {
    pub(super) subscription: Subscription,
    #[serde(alias = "update_mask")]
    pub(super) update_mask: Option<String>,
}

/// The body of a seek.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Seek {
    time: Option<String>,
    snapshot: Option<String>,
}

impl Topic {
    /// The message, under the name of the URL, which wins over one in the body.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT for a duration that is none; UNIMPLEMENTED for what the broker lacks.
    pub(super) fn into_pb(self, name: String) -> Result<pb::Topic, Status> {
        refuse_if(self.message_storage_policy.is_some(), "message storage policies")?;
        refuse_if(self.schema_settings.is_some(), "schemas")?;
        refuse_if(self.ingestion_data_source_settings.is_some(), "ingestion from other sources")?;
        refuse_if(!self.message_transforms.is_empty(), "message transforms")?;
        refuse_if(!self.tags.is_empty(), "resource tags")?;
        Ok(pb::Topic {
            name,
            labels: self.labels,
            message_retention_duration: duration(self.message_retention_duration.as_deref())?,
            kms_key_name: self.kms_key_name,
            ..Default::default()
        })
    }
}

impl Subscription {
    /// The message, under the name of the URL, which wins over one in the body.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT for a duration that is none; UNIMPLEMENTED for what the broker lacks.
    pub(super) fn into_pb(self, name: String) -> Result<pb::Subscription, Status> {
        let is_push =
            |config: &Value| config.as_object().is_none_or(|fields| fields.values().any(|value| value != ""));
        refuse_if(self.push_config.as_ref().is_some_and(is_push), "push subscriptions")?;
        refuse_if(self.bigquery_config.is_some(), "BigQuery subscriptions")?;
        refuse_if(self.cloud_storage_config.is_some(), "Cloud Storage subscriptions")?;
        refuse_if(!self.message_transforms.is_empty(), "message transforms")?;
        refuse_if(!self.tags.is_empty(), "resource tags")?;
        Ok(pb::Subscription {
            name,
            topic: self.topic,
            ack_deadline_seconds: self.ack_deadline_seconds,
            retain_acked_messages: self.retain_acked_messages,
            message_retention_duration: duration(self.message_retention_duration.as_deref())?,
            labels: self.labels,
            enable_message_ordering: self.enable_message_ordering,
            expiration_policy: self.expiration_policy.map(ExpirationPolicy::into_pb).transpose()?,
            filter: self.filter,
            dead_letter_policy: self.dead_letter_policy.map(DeadLetterPolicy::into_pb),
            retry_policy: self.retry_policy.map(RetryPolicy::into_pb).transpose()?,
            detached: self.detached,
            enable_exactly_once_delivery: self.enable_exactly_once_delivery,
            ..Default::default()
        })
    }
}

impl ExpirationPolicy {
    fn into_pb(self) -> Result<pb::ExpirationPolicy, Status> {
        Ok(pb::ExpirationPolicy { ttl: duration(self.ttl.as_deref())? })
    }
}

impl DeadLetterPolicy {
    fn into_pb(self) -> pb::DeadLetterPolicy {
        let Self { dead_letter_topic, max_delivery_attempts } = self;
        pb::DeadLetterPolicy { dead_letter_topic, max_delivery_attempts }
    }
}

impl RetryPolicy {
    fn into_pb(self) -> Result<pb::RetryPolicy, Status> {
        Ok(pb::RetryPolicy {
            minimum_backoff: duration(self.minimum_backoff.as_deref())?,
            maximum_backoff: duration(self.maximum_backoff.as_deref())?,
        })
    }
}

impl Seek {
    /// Where to seek to.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT without a valid time; UNIMPLEMENTED for a snapshot.
    pub(super) fn into_target(self) -> Result<pb::seek_request::Target, Status> {
        refuse_if(self.snapshot.is_some(), "snapshots")?;
        let time = self
            .time
            .ok_or_else(|| Status::invalid_argument("The request does not have a time to seek to."))?;
        let parsed = time
            .parse()
            .map_err(|_| Status::invalid_argument(format!("Invalid time given (time={time}).")))?;
        Ok(pb::seek_request::Target::Time(parsed))
    }
}

/// A topic in an answer.
pub(super) fn topic(topic: &pb::Topic) -> Value {
    let mut fields = Map::new();
    fields.insert("name".into(), json!(topic.name));
    insert_labels(&mut fields, &topic.labels);
    insert_duration(&mut fields, "messageRetentionDuration", topic.message_retention_duration.as_ref());
    fields.insert("state".into(), json!("ACTIVE"));
    Value::Object(fields)
}

/// A subscription in an answer.
pub(super) fn subscription(subscription: &pb::Subscription) -> Value {
    let mut fields = Map::new();
    fields.insert("name".into(), json!(subscription.name));
    fields.insert("topic".into(), json!(subscription.topic));
    fields.insert("pushConfig".into(), json!({}));
    fields.insert("ackDeadlineSeconds".into(), json!(subscription.ack_deadline_seconds));
    insert_flag(&mut fields, "retainAckedMessages", subscription.retain_acked_messages);
    insert_duration(
        &mut fields,
        "messageRetentionDuration",
        subscription.message_retention_duration.as_ref(),
    );
    insert_labels(&mut fields, &subscription.labels);
    insert_flag(&mut fields, "enableMessageOrdering", subscription.enable_message_ordering);
    if let Some(policy) = &subscription.expiration_policy {
        let mut inner = Map::new();
        insert_duration(&mut inner, "ttl", policy.ttl.as_ref());
        fields.insert("expirationPolicy".into(), Value::Object(inner));
    }
    if let Some(policy) = &subscription.dead_letter_policy {
        let (topic, attempts) = (&policy.dead_letter_topic, policy.max_delivery_attempts);
        fields.insert(
            "deadLetterPolicy".into(),
            json!({ "deadLetterTopic": topic, "maxDeliveryAttempts": attempts }),
        );
    }
    if let Some(policy) = &subscription.retry_policy {
        let mut inner = Map::new();
        insert_duration(&mut inner, "minimumBackoff", policy.minimum_backoff.as_ref());
        insert_duration(&mut inner, "maximumBackoff", policy.maximum_backoff.as_ref());
        fields.insert("retryPolicy".into(), Value::Object(inner));
    }
    let topic_retention = subscription.topic_message_retention_duration.as_ref();
    insert_duration(&mut fields, "topicMessageRetentionDuration", topic_retention);
    fields.insert("state".into(), json!("ACTIVE"));
    Value::Object(fields)
}

/// An update mask: paths joined by commas, in camelCase or as the proto has them.
pub(super) fn mask(text: Option<&str>) -> Option<prost_types::FieldMask> {
    let paths = text?.split(',').filter(|path| !path.is_empty()).map(snake_case).collect();
    Some(prost_types::FieldMask { paths })
}

fn snake_case(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn duration(text: Option<&str>) -> Result<Option<prost_types::Duration>, Status> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| Status::invalid_argument(format!("Invalid duration given (duration={text}).")))
    };
    text.map(parse).transpose()
}

fn refuse_if(asked: bool, feature: &'static str) -> Result<(), Status> {
    if asked { Err(unsupported(feature)) } else { Ok(()) }
}

/// Proto3's JSON leaves out what has its default value.
fn insert_flag(fields: &mut Map<String, Value>, name: &str, value: bool) {
    if value {
        fields.insert(name.into(), json!(true));
    }
}

fn insert_labels(fields: &mut Map<String, Value>, labels: &HashMap<String, String>) {
    if !labels.is_empty() {
        fields.insert("labels".into(), json!(labels));
    }
}

fn insert_duration(fields: &mut Map<String, Value>, name: &str, value: Option<&prost_types::Duration>) {
    if let Some(value) = value {
        fields.insert(name.into(), json!(value.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_read_both_spellings() {
        let paths = |text| mask(Some(text)).map(|mask| mask.paths).unwrap_or_default();
        assert_eq!(paths("ackDeadlineSeconds,labels"), ["ack_deadline_seconds", "labels"]);
        assert_eq!(paths("ack_deadline_seconds"), ["ack_deadline_seconds"]);
        assert!(paths("").is_empty());
    }

    #[test]
    fn a_subscription_survives_the_round_trip() {
        let text = json!({
            "topic": "projects/p/topics/abc", "ackDeadlineSeconds": 20, "retainAckedMessages": true,
            "messageRetentionDuration": "600s", "labels": { "a": "b" }, "enableMessageOrdering": true,
            "expirationPolicy": { "ttl": "86400s" }, "pushConfig": {},
            "deadLetterPolicy": { "deadLetterTopic": "projects/p/topics/dead", "maxDeliveryAttempts": 7 },
            "retryPolicy": { "minimumBackoff": "1.500s", "maximumBackoff": "10s" }
        });
        let read: Subscription = serde_json::from_value(text.clone()).expect("valid");
        let written = subscription(&read.into_pb("projects/p/subscriptions/abc".into()).expect("supported"));
        for (field, value) in text.as_object().expect("an object") {
            assert_eq!(&written[field], value, "{field}");
        }
    }

    #[test]
    fn what_the_broker_lacks_is_refused() {
        let cases = [
            json!({ "pushConfig": { "pushEndpoint": "https://example.com" } }),
            json!({ "bigqueryConfig": { "table": "p.d.t" } }),
            json!({ "cloudStorageConfig": {} }),
            json!({ "messageTransforms": [{}] }),
        ];
        for case in cases {
            let read: Subscription = serde_json::from_value(case.clone()).expect("known fields");
            let refused = read.into_pb("projects/p/subscriptions/abc".into()).map_err(|status| status.code());
            assert_eq!(refused.err(), Some(tonic::Code::Unimplemented), "{case}");
        }
        assert!(
            serde_json::from_value::<Subscription>(json!({ "ackDeadline": 20 })).is_err(),
            "an unknown field"
        );
    }
}
