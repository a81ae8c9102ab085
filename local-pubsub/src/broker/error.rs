//! What a broker refuses, by the answer that the caller gets.

/// A refused call. The texts reach clients; those of [`NotFound`](Self::NotFound) and
/// [`AlreadyExists`](Self::AlreadyExists) are Google's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// No such topic or subscription.
    #[error("Resource not found (resource={}).", last_part(.0))]
    NotFound(String),
    /// A topic or subscription of that name exists.
    #[error("Resource already exists in the project (resource={}).", last_part(.0))]
    AlreadyExists(String),
    /// The request is wrong whatever the state of the broker.
    #[error("{0}")]
    InvalidArgument(String),
    /// A feature of Google's that this broker does not have.
    #[error("local-pubsub does not support {0}; use Google's emulator or Google Cloud for it.")]
    Unsupported(&'static str),
    /// The broker retains as many bytes as it may.
    #[error(
        "local-pubsub is full: it retains {retained} of at most {limit} bytes. Acknowledge or seek past messages, delete \
         subscriptions, or raise --max-retained-mib."
    )]
    Full {
        /// Bytes retained now.
        retained: u64,
        /// Bytes that may be retained.
        limit: u64,
    },
}

/// Google names a missing resource by its id alone.
fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
