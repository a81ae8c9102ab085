//! A refusal as a gRPC status; the REST layer makes its error body of the same.

use tonic::{Code, Status};

use crate::broker::BrokerError;

impl From<BrokerError> for Status {
    fn from(error: BrokerError) -> Self {
        Status::new(code(&error), error.to_string())
    }
}

fn code(error: &BrokerError) -> Code {
    match error {
        BrokerError::NotFound(_) => Code::NotFound,
        BrokerError::AlreadyExists(_) => Code::AlreadyExists,
        BrokerError::InvalidArgument(_) => Code::InvalidArgument,
        BrokerError::Unsupported(_) => Code::Unimplemented,
        BrokerError::Full { .. } => Code::ResourceExhausted,
    }
}

/// What calls and streams get that a shutdown ends: clients retry it.
pub(crate) fn stopping() -> Status {
    Status::unavailable("local-pubsub is shutting down")
}

/// What those get whose rights a planned fault has taken away: Pub/Sub's own text, which names no right.
pub(crate) fn permission_denied() -> Status {
    Status::permission_denied("User not authorized to perform this action.")
}

/// What calls and streams get that a planned fault hits.
pub(crate) fn planned_fault() -> Status {
    Status::unavailable("local-pubsub was told to fail here")
}
