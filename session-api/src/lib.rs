//! session-api: every replica holds the latest sessions in memory and answers a slot with the same bytes.

pub mod clock;
pub mod etag;
#[cfg(test)]
mod fixtures;
pub mod health;
pub mod negotiate;
pub mod presenter;
pub mod render;
pub mod snapshot;
pub mod telemetry;
