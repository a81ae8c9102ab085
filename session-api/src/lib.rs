//! session-api: every replica holds the latest sessions in memory and answers a slot with the same bytes.

pub mod clock;
pub mod etag;
#[cfg(test)]
mod fixtures;
pub mod health;
pub mod negotiate;
pub mod presenter;
pub mod problem;
pub mod render;
pub mod routes;
pub mod server;
pub mod snapshot;
pub mod telemetry;
