//! What topics, subscriptions and the broker itself are set to.

use std::{collections::BTreeMap, time::Duration};

use super::name::TopicName;

/// How much a broker holds before it refuses to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all retained messages, each counted once with 256 bytes of overhead, however many
    /// subscriptions hold it.
    pub max_retained_bytes: u64,
}

impl Default for Limits {
    /// 1 GiB.
    fn default() -> Self {
        Self { max_retained_bytes: 1 << 30 }
    }
}

/// A topic's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicConfig {
    /// Free-form labels, stored and echoed.
    pub labels: BTreeMap<String, String>,
    /// How long the topic keeps its messages for seeks, acknowledged or not; `None` keeps none.
    pub retention: Option<Duration>,
}

/// A subscription's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionConfig {
    /// Free-form labels, stored and echoed.
    pub labels: BTreeMap<String, String>,
    /// How long a subscriber may hold a message, unless its stream says otherwise.
    pub ack_deadline: Duration,
    /// How long an unacknowledged message is kept.
    pub retention: Duration,
    /// Whether acknowledged messages are kept as long, for seeks.
    pub retain_acked: bool,
    /// Whether messages of one ordering key are delivered in the order of publishing.
    pub ordering: bool,
    /// How long the subscription lives without a subscriber; `None` for ever.
    pub expires_after: Option<Duration>,
    /// What happens to a message that keeps failing; `None` delivers it for ever.
    pub dead_letter: Option<DeadLetterPolicy>,
    /// How long a failed message waits; `None` delivers it again at once.
    pub retry: Option<RetryPolicy>,
}

/// Where messages go that keep failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterPolicy {
    /// The topic they are forwarded to. While it does not exist they are delivered on.
    pub topic: TopicName,
    /// Deliveries before that.
    pub max_delivery_attempts: u32,
}

/// Exponential back-off between the deliveries of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first failure.
    pub minimum: Duration,
    /// The longest wait.
    pub maximum: Duration,
}

impl RetryPolicy {
    /// The wait after a message's `failures`-th failure: the minimum, then twice as long each time.
    #[must_use]
    pub fn backoff(self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.minimum.saturating_mul(factor).min(self.maximum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_the_maximum() {
        let policy = RetryPolicy { minimum: Duration::from_secs(1), maximum: Duration::from_secs(10) };
        let waits: Vec<u64> = (1..=6).map(|failures| policy.backoff(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(policy.backoff(u32::MAX), policy.maximum);
    }
}
