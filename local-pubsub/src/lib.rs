//! A small Pub/Sub broker in memory, for development and tests.

pub mod broker;
mod pb;

pub use broker::Limits;
