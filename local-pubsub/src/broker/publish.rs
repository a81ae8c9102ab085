//! What may be published: Google's limits.

use super::{error::BrokerError, message::content_bytes};
use crate::pb::PubsubMessage;

const MAX_MESSAGES: usize = 1000;
const MAX_REQUEST_BYTES: u64 = 10_000_000;
const MAX_ATTRIBUTES: usize = 100;
const MAX_ATTRIBUTE_KEY_BYTES: usize = 256;
const MAX_ATTRIBUTE_VALUE_BYTES: usize = 1024;
const MAX_ORDERING_KEY_BYTES: usize = 1024;

/// Checks one Publish call.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`], naming the limit.
pub(crate) fn check(messages: &[PubsubMessage]) -> Result<(), BrokerError> {
    if messages.is_empty() {
        return refuse("The request has no messages.".into());
    }
    if messages.len() > MAX_MESSAGES {
        return refuse(format!(
            "The value for message_count is too large: {} of at most {MAX_MESSAGES}.",
            messages.len()
        ));
    }
    let bytes: u64 = messages.iter().map(content_bytes).sum();
    if bytes > MAX_REQUEST_BYTES {
        return refuse(format!(
            "The value for request_size is too large: {bytes} of at most {MAX_REQUEST_BYTES} bytes."
        ));
    }
    messages.iter().try_for_each(check_one)
}

fn check_one(message: &PubsubMessage) -> Result<(), BrokerError> {
    if message.data.is_empty() && message.attributes.is_empty() {
        return refuse(
            "Some messages in the publish request are empty: a message needs data or attributes.".into(),
        );
    }
    if message.ordering_key.len() > MAX_ORDERING_KEY_BYTES {
        return refuse(format!("An ordering key is longer than {MAX_ORDERING_KEY_BYTES} bytes."));
    }
    if message.attributes.len() > MAX_ATTRIBUTES {
        return refuse(format!("A message has more than {MAX_ATTRIBUTES} attributes."));
    }
    for (key, value) in &message.attributes {
        if key.is_empty() || key.len() > MAX_ATTRIBUTE_KEY_BYTES {
            return refuse(format!(
                "An attribute key is empty or longer than {MAX_ATTRIBUTE_KEY_BYTES} bytes."
            ));
        }
        if value.len() > MAX_ATTRIBUTE_VALUE_BYTES {
            return refuse(format!("An attribute value is longer than {MAX_ATTRIBUTE_VALUE_BYTES} bytes."));
        }
    }
    Ok(())
}

fn refuse(text: String) -> Result<(), BrokerError> {
    Err(BrokerError::InvalidArgument(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(bytes: usize) -> PubsubMessage {
        PubsubMessage { data: vec![7; bytes].into(), ..Default::default() }
    }

    fn attribute(key: usize, value: usize) -> PubsubMessage {
        let attributes = [("k".repeat(key), "v".repeat(value))].into();
        PubsubMessage { attributes, ..Default::default() }
    }

    #[test]
    fn limits_are_googles() {
        let many_attributes = |count: usize| PubsubMessage {
            attributes: (0..count).map(|number| (number.to_string(), String::new())).collect(),
            ..Default::default()
        };
        let keyed = |bytes: usize| PubsubMessage { ordering_key: "k".repeat(bytes), ..data(1) };
        let cases = [
            ("one byte", vec![data(1)], true),
            ("attributes only", vec![attribute(1, 0)], true),
            ("nothing at all", vec![], false),
            ("an empty message", vec![data(1), data(0)], false),
            ("1000 messages", vec![data(1); 1000], true),
            ("1001 messages", vec![data(1); 1001], false),
            ("10 MB", vec![data(10_000_000)], true),
            ("more than 10 MB", vec![data(10_000_001)], false),
            ("100 attributes", vec![many_attributes(100)], true),
            ("101 attributes", vec![many_attributes(101)], false),
            ("the longest attribute", vec![attribute(256, 1024)], true),
            ("a key too long", vec![attribute(257, 1)], false),
            ("an empty key", vec![attribute(0, 1)], false),
            ("a value too long", vec![attribute(1, 1025)], false),
            ("the longest ordering key", vec![keyed(1024)], true),
            ("an ordering key too long", vec![keyed(1025)], false),
        ];
        for (case, messages, valid) in cases {
            assert_eq!(check(&messages).is_ok(), valid, "{case}");
        }
    }
}
