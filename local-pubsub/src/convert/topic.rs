//! Topics.

use super::{
    mask,
    time::{render_span, span},
};
use crate::{
    broker::{BrokerError, TopicConfig, TopicName, TopicView},
    pb,
};

/// Ten minutes to 31 days.
const RETENTION_SECONDS: std::ops::RangeInclusive<u64> = 600..=2_678_400;

const MUTABLE: &[&str] = &[
    "labels",
    "message_retention_duration",
    "message_storage_policy",
    "kms_key_name",
    "schema_settings",
    "ingestion_data_source_settings",
    "message_transforms",
];
const IMMUTABLE: &[&str] = &["name", "satisfies_pzs", "state"];

/// Reads a topic that a client wants.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] for a wrong name or value, [`BrokerError::Unsupported`] for a feature
/// that this broker lacks.
pub(crate) fn parse_topic(topic: pb::Topic) -> Result<(TopicName, TopicConfig), BrokerError> {
    refuse_unsupported(&topic)?;
    let name = TopicName::parse(&topic.name)?;
    let retention = topic.message_retention_duration.as_ref();
    let retention =
        retention.map(|value| span("message_retention_duration", value, &RETENTION_SECONDS)).transpose()?;
    Ok((name, TopicConfig { labels: topic.labels.into_iter().collect(), retention }))
}

/// The topic as a client sees it.
pub(crate) fn render_topic(view: TopicView) -> pb::Topic {
    pb::Topic {
        name: view.name.to_string(),
        labels: view.config.labels.into_iter().collect(),
        message_retention_duration: view.config.retention.map(render_span),
        state: pb::topic::State::Active.into(),
        ..Default::default()
    }
}

/// The topic that `current` becomes when the masked fields of `wanted` replace its own.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] for a mask that names no field, or one that cannot change.
pub(crate) fn update_topic(
    mut current: pb::Topic,
    wanted: pb::Topic,
    mask: Option<&prost_types::FieldMask>,
) -> Result<pb::Topic, BrokerError> {
    for path in mask::paths(mask, MUTABLE, IMMUTABLE)? {
        match path.as_str() {
            "labels" => current.labels.clone_from(&wanted.labels),
            "message_retention_duration" => {
                current.message_retention_duration = wanted.message_retention_duration
            }
            "message_storage_policy" => {
                current.message_storage_policy.clone_from(&wanted.message_storage_policy)
            }
            "kms_key_name" => current.kms_key_name.clone_from(&wanted.kms_key_name),
            "schema_settings" => current.schema_settings.clone_from(&wanted.schema_settings),
            "message_transforms" => current.message_transforms.clone_from(&wanted.message_transforms),
            _ => current.ingestion_data_source_settings.clone_from(&wanted.ingestion_data_source_settings),
        }
    }
    Ok(current)
}

fn refuse_unsupported(topic: &pb::Topic) -> Result<(), BrokerError> {
    let unsupported = [
        (topic.message_storage_policy.is_some(), "message storage policies"),
        (!topic.kms_key_name.is_empty(), "customer-managed encryption keys"),
        (topic.schema_settings.is_some(), "schemas"),
        (topic.ingestion_data_source_settings.is_some(), "ingestion from other sources"),
        (!topic.message_transforms.is_empty(), "message transforms"),
    ];
    match unsupported.iter().find(|(asked, _)| *asked) {
        Some((_, feature)) => Err(BrokerError::Unsupported(feature)),
        None => Ok(()),
    }
}
