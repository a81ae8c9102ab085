//! Ack ids: opaque to clients, unique to one delivery of one message.

use super::{error::BrokerError, leases::DeliveryId};

/// Names one delivery of one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckId {
    pub(crate) incarnation: u64,
    pub(crate) delivery: DeliveryId,
}

impl AckId {
    /// Reads an ack id that a client sends back.
    ///
    /// # Errors
    ///
    /// [`BrokerError::InvalidArgument`] when no broker of this kind has made it.
    pub fn parse(text: &str) -> Result<Self, BrokerError> {
        let parsed = text.split_once('.').and_then(|(incarnation, delivery)| {
            Some(Self { incarnation: unhex(incarnation)?, delivery: DeliveryId(unhex(delivery)?) })
        });
        parsed.ok_or_else(|| {
            BrokerError::InvalidArgument(format!(
                "You have passed an invalid ack ID to the service (ack_id={text})."
            ))
        })
    }
}

impl std::fmt::Display for AckId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}.{:x}", self.incarnation, self.delivery.0)
    }
}

/// Like `from_str_radix`, without its leading sign.
fn unhex(text: &str) -> Option<u64> {
    text.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u64::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_ack_id_reads_back(incarnation: u64, delivery: u64) {
            let id = AckId { incarnation, delivery: DeliveryId(delivery) };
            prop_assert_eq!(AckId::parse(&id.to_string()), Ok(id));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", ".", "1", "1.", ".1", "1.x", "+1.1", "1.1.1", "-1.1", "10000000000000000.1"] {
            assert!(AckId::parse(text).is_err(), "{text:?}");
        }
    }
}
