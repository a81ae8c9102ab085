//! Subscriptions.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    mask,
    time::{ack_deadline, render_span, span},
};
use crate::{
    broker::{
        BrokerError, DeadLetterPolicy, RetryPolicy, SubscriptionConfig, SubscriptionName, SubscriptionView,
        TopicName,
    },
    pb,
};

const DAY: Duration = Duration::from_secs(86_400);

/// Ten minutes to 31 days.
const RETENTION_SECONDS: RangeInclusive<u64> = 600..=2_678_400;
/// A day at least.
const EXPIRATION_SECONDS: RangeInclusive<u64> = 86_400..=315_576_000_000;
const BACKOFF_SECONDS: RangeInclusive<u64> = 0..=600;
const DELIVERY_ATTEMPTS: RangeInclusive<u32> = 5..=100;

/// What Google shows as the topic of a subscription whose topic is gone.
const DELETED_TOPIC: &str = "_deleted-topic_";

const MUTABLE: &[&str] = &[
    "ack_deadline_seconds",
    "retain_acked_messages",
    "message_retention_duration",
    "labels",
    "expiration_policy",
    "dead_letter_policy",
    "retry_policy",
    "push_config",
    "bigquery_config",
    "cloud_storage_config",
    "enable_exactly_once_delivery",
    "message_transforms",
];
const IMMUTABLE: &[&str] = &["name", "topic", "enable_message_ordering", "filter", "detached", "state"];

/// Reads a subscription that a client wants.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] for a wrong name or value, [`BrokerError::Unsupported`] for a feature
/// that this broker lacks.
pub(crate) fn parse_subscription(
    wanted: pb::Subscription,
) -> Result<(SubscriptionName, TopicName, SubscriptionConfig), BrokerError> {
    let name = SubscriptionName::parse(&wanted.name)?;
    let topic = TopicName::parse(&wanted.topic)?;
    Ok((name, topic, parse_config(wanted)?))
}

/// The subscription as a client sees it.
pub(crate) fn render_subscription(view: SubscriptionView) -> pb::Subscription {
    let config = view.config;
    pb::Subscription {
        name: view.name.to_string(),
        topic: view.topic.map_or_else(|| DELETED_TOPIC.to_owned(), |topic| topic.to_string()),
        push_config: Some(pb::PushConfig::default()),
        ack_deadline_seconds: i32::try_from(config.ack_deadline.as_secs()).unwrap_or(i32::MAX),
        retain_acked_messages: config.retain_acked,
        message_retention_duration: Some(render_span(config.retention)),
        labels: config.labels.into_iter().collect(),
        enable_message_ordering: config.ordering,
        expiration_policy: Some(pb::ExpirationPolicy { ttl: config.expires_after.map(render_span) }),
        dead_letter_policy: config.dead_letter.map(|policy| pb::DeadLetterPolicy {
            dead_letter_topic: policy.topic.to_string(),
            max_delivery_attempts: i32::try_from(policy.max_delivery_attempts).unwrap_or(i32::MAX),
        }),
        retry_policy: config.retry.map(|policy| pb::RetryPolicy {
            minimum_backoff: Some(render_span(policy.minimum)),
            maximum_backoff: Some(render_span(policy.maximum)),
        }),
        topic_message_retention_duration: view.topic_retention.map(render_span),
        state: pb::subscription::State::Active.into(),
        ..Default::default()
    }
}

/// The settings that `current` becomes when the masked fields of `wanted` replace its own.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] for a mask that names no field, or one that cannot change, and as
/// [`parse_subscription`].
pub(crate) fn update_subscription(
    mut current: pb::Subscription,
    wanted: pb::Subscription,
    mask: Option<&prost_types::FieldMask>,
) -> Result<SubscriptionConfig, BrokerError> {
    for path in mask::paths(mask, MUTABLE, IMMUTABLE)? {
        match path.as_str() {
            "ack_deadline_seconds" => current.ack_deadline_seconds = wanted.ack_deadline_seconds,
            "retain_acked_messages" => current.retain_acked_messages = wanted.retain_acked_messages,
            "message_retention_duration" => {
                current.message_retention_duration = wanted.message_retention_duration
            }
            "labels" => current.labels.clone_from(&wanted.labels),
            "expiration_policy" => current.expiration_policy = wanted.expiration_policy,
            "dead_letter_policy" => current.dead_letter_policy.clone_from(&wanted.dead_letter_policy),
            "retry_policy" => current.retry_policy = wanted.retry_policy,
            "push_config" => current.push_config.clone_from(&wanted.push_config),
            "bigquery_config" => current.bigquery_config.clone_from(&wanted.bigquery_config),
            "cloud_storage_config" => current.cloud_storage_config.clone_from(&wanted.cloud_storage_config),
            "message_transforms" => current.message_transforms.clone_from(&wanted.message_transforms),
            _ => current.enable_exactly_once_delivery = wanted.enable_exactly_once_delivery,
        }
    }
    parse_config(current)
}

fn parse_config(wanted: pb::Subscription) -> Result<SubscriptionConfig, BrokerError> {
    refuse_unsupported(&wanted)?;
    let retention = wanted.message_retention_duration.as_ref();
    let retention = retention.map(|value| span("message_retention_duration", value, &RETENTION_SECONDS));
    Ok(SubscriptionConfig {
        labels: wanted.labels.into_iter().collect(),
        ack_deadline: ack_deadline(wanted.ack_deadline_seconds)?,
        retention: retention.transpose()?.unwrap_or(7 * DAY),
        retain_acked: wanted.retain_acked_messages,
        ordering: wanted.enable_message_ordering,
        expires_after: parse_expiration(wanted.expiration_policy.as_ref())?,
        dead_letter: wanted.dead_letter_policy.map(|policy| parse_dead_letter(&policy)).transpose()?,
        retry: wanted.retry_policy.map(|policy| parse_retry(&policy)).transpose()?,
    })
}

/// Without a policy a subscription expires after 31 days without use; with an empty one, never.
fn parse_expiration(policy: Option<&pb::ExpirationPolicy>) -> Result<Option<Duration>, BrokerError> {
    match policy {
        None => Ok(Some(31 * DAY)),
        Some(policy) => {
            policy.ttl.as_ref().map(|ttl| span("expiration_policy.ttl", ttl, &EXPIRATION_SECONDS)).transpose()
        }
    }
}

fn parse_dead_letter(policy: &pb::DeadLetterPolicy) -> Result<DeadLetterPolicy, BrokerError> {
    let attempts = match policy.max_delivery_attempts {
        0 => Some(5),
        given => u32::try_from(given).ok().filter(|attempts| DELIVERY_ATTEMPTS.contains(attempts)),
    };
    let Some(max_delivery_attempts) = attempts else {
        return Err(BrokerError::InvalidArgument(format!(
            "Invalid max_delivery_attempts given (max_delivery_attempts={}): it must be between {} and {}.",
            policy.max_delivery_attempts,
            DELIVERY_ATTEMPTS.start(),
            DELIVERY_ATTEMPTS.end()
        )));
    };
    Ok(DeadLetterPolicy { topic: TopicName::parse(&policy.dead_letter_topic)?, max_delivery_attempts })
}

fn parse_retry(policy: &pb::RetryPolicy) -> Result<RetryPolicy, BrokerError> {
    let read = |field, value: &Option<_>, default| match value {
        Some(value) => span(field, value, &BACKOFF_SECONDS),
        None => Ok(default),
    };
    let minimum = read("retry_policy.minimum_backoff", &policy.minimum_backoff, Duration::from_secs(10))?;
    let maximum = read("retry_policy.maximum_backoff", &policy.maximum_backoff, Duration::from_secs(600))?;
    if minimum > maximum {
        return Err(BrokerError::InvalidArgument(
            "Invalid retry_policy given: minimum_backoff is longer than maximum_backoff.".into(),
        ));
    }
    Ok(RetryPolicy { minimum, maximum })
}

fn refuse_unsupported(wanted: &pb::Subscription) -> Result<(), BrokerError> {
    // A push configuration without content is how clients spell a pull subscription.
    let push = wanted.push_config.as_ref().is_some_and(|config| *config != pb::PushConfig::default());
    let unsupported = [
        (push, "push subscriptions"),
        (wanted.bigquery_config.is_some(), "BigQuery subscriptions"),
        (wanted.cloud_storage_config.is_some(), "Cloud Storage subscriptions"),
        (!wanted.filter.is_empty(), "filters"),
        (wanted.enable_exactly_once_delivery, "exactly-once delivery"),
        (!wanted.message_transforms.is_empty(), "message transforms"),
        (wanted.detached, "detached subscriptions"),
    ];
    match unsupported.iter().find(|(asked, _)| *asked) {
        Some((_, feature)) => Err(BrokerError::Unsupported(feature)),
        None => Ok(()),
    }
}
