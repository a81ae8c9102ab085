//! The test harness of Listening Together, with the end-to-end tests and the demo that are made of it.

pub mod brokers;
pub mod geo_fixtures;
pub mod listeners;
pub mod oracle;
pub mod collect;
pub mod services;
pub mod topology;
pub mod installation;
pub mod known_plays;
pub mod latency;
pub mod replicas;
pub mod rollout;
pub mod demo;
pub mod synchrony;
