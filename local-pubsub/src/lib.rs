//! A small Pub/Sub broker in memory that speaks `google.pubsub.v1`, for development and tests.
//!
//! It exists so that the demo and the tests need neither Java nor gcloud, and so that they can carry more
//! than Google's emulator, which gives a stream 2,000 messages a second at most. Production is Google Cloud
//! Pub/Sub, whose behaviour is what this broker follows where the emulator differs; a conformance suite runs
//! the same cases against both.
//!
//! **Nothing is persistent**: topics, subscriptions and messages are gone when the process ends. **Memory is
//! bounded**: beyond [`Limits::max_retained_bytes`] Publish answers RESOURCE_EXHAUSTED.
//!
//! What it has: topics and subscriptions (create, get, list, update, delete, over gRPC and over the REST
//! calls that Google's Rust client makes), Publish, StreamingPull with flow control, Pull, Acknowledge,
//! ModifyAckDeadline, ack deadlines with redelivery, ordering keys, retry and dead-letter policies, topic
//! retention, retained acknowledged messages, Seek to a time, expiry of unused subscriptions. What it has
//! not, it refuses with UNIMPLEMENTED and a text that says so: exactly-once delivery, filters, push, BigQuery
//! and Cloud Storage subscriptions, snapshots, schemas, transforms, detaching, IAM, and publishing or pulling
//! over REST.
//!
//! It can also be told to fail, by a [`FaultPlan`]: messages that are delayed, reordered, doubled or lost,
//! acknowledgements that are lost, publishes that are refused, streams that end or stall, a port that closes.
//!
//! The parts: [`broker`] is the whole behaviour as a synchronous data structure; `hub` puts it behind a lock,
//! with a clock and one timer; `faults` decides what goes wrong; `grpc` and `rest` translate; `gate` owns the
//! port, `server` starts everything.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let broker = local_pubsub::LocalPubSub::new().bind("127.0.0.1:0").await?;
//! println!("PUBSUB_EMULATOR_HOST={}", broker.local_addr());
//! broker.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod admin;
pub mod broker;
mod convert;
mod fallback;
mod faults;
mod gate;
mod grpc;
mod hub;
mod pb;
mod rest;
mod server;
mod status;

pub use broker::Limits;
pub use faults::{Fault, FaultPlan, InvalidShare, PlannedFault, Share};
pub use server::{LocalPubSub, Running};
