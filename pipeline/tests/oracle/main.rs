//! The engine against the brute-force computation of the same sessions, which shares no code with it: any plays, in any
//! order, delivered once or more; in one process and in two stages.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod one_process;
mod two_stages;
mod world;
