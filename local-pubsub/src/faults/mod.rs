//! Faults on purpose: what may go wrong with Pub/Sub, planned, seeded and repeatable.
//!
//! A [`FaultPlan`] is plain data: a seed, and faults, each with the topic or subscription that it is on and
//! the time in which it lasts. [`Decisions`] are the faults of one moment. They decide by hashing the seed
//! with the name and the number of what is decided about (a message, a delivery, a call, a stream), not by
//! drawing from a sequence: a decision does not depend on which others were asked for before, so that the
//! same seed and the same calls meet the same faults, however their tasks are interleaved. What remains of
//! chance is who gets which number: messages and calls are numbered in the order in which they arrive.
//!
//! This module is pure. The broker asks how the copies of a message travel; the hub keeps the time of the
//! plan and carries out what happens at its moments; the gRPC services ask about calls, acknowledgements and
//! streams; the gate closes the port.

mod decide;
mod dice;
mod plan;
#[cfg(test)]
mod tests;

pub(crate) use decide::Decisions;
pub use plan::{Fault, FaultPlan, InvalidShare, PlannedFault, Share};
