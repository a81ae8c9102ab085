//! How fast the endpoint is: `/api/latest` beside nginx, axum and a bare hyper server, and what else is promised of it.
//!
//! ```text
//! core 1: wrk, the clients of streams, local-pubsub, this program
//! core 0: session-api | nginx | hyper | axum, all of them up, one of them asked at a time
//! ```
//!
//! - [`throughput`]: rounds of slices of a second, one for each [`contestant`] in an order that chance decides; requests
//!   per CPU-second of the server, and the ratio to the others' of the same round
//! - [`streams`]: thousands of idle streams of events; their memory, and when the last of them has a slot
//! - [`bodies`]: the processor time that the bodies of a slot take
//! - [`boundary`]: when the first answer comes that carries a slot as current
//! - [`report`]: all of it as tables; [`measure`] is the order of things
//!
//! **Why CPU-seconds.** Requests a second depend on who else uses the machine, and on the load generator: the fastest
//! servers keep wrk's core busier than their own. The kernel's account of the server's threads has neither.
//!
//! **Alike.** Everyone answers with session-api's head and body; but nginx's `return`, whose configuration takes no such text,
//! with other bytes, as many. Every server is asked with the same request, and its answer is compared before it takes part.

pub mod affinity;
pub mod answer;
pub mod bodies;
pub mod boundary;
pub mod constant_server;
pub mod contestant;
pub mod machine;
pub mod measure;
pub mod nginx;
pub mod process;
pub mod replica;
pub mod report;
pub mod statistics;
pub mod streams;
pub mod throughput;
pub mod update;
pub mod wrk;
