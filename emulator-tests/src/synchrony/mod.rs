//! The proof that replicas are synchronous: many of them, as processes, on a Pub/Sub that is late, loses messages and
//! serves clocks that disagree, while replicas are killed and added. Do all of them answer a slot with the same bytes?
//!
//! ```text
//! listeners -> pipeline -> sessions topic -> a faulty subscription each -> replicas      -> polled all at once ┐
//!                                         -> a faulty subscription each -> naive servers -> read at that time  ┴> tally
//! ```
//!
//! - [`conditions`]: what they live under
//! - [`fleet`]: the replicas, who comes and who goes, and polling them all at once
//! - [`naive`]: servers that show the newest slot they have received, for comparison
//! - [`schedule`]: when all are polled; [`round`]: what came of one poll of all
//! - [`verdict`], [`episodes`], [`tally`]: what that says; plain code without clock or I/O
//! - [`report`]: it all as a table
//!
//! **What counts.** All replicas are polled at the middle of every slot. A slot is *alike* when all bodies are the same,
//! *differing* otherwise. A replica takes part from the moment at which it says that it is ready, as a load balancer
//! would have it, until it is killed.
//!
//! **What does not count, and is reported.** A slot whose middle was not polled in time, because the harness itself was
//! kept waiting for a processor; a slot that was announced with much less lead than was set, because the pipeline was; a
//! slot in which a replica did not answer. Whether it is one of these is decided without a look at the bodies, and how
//! many of them differed is reported with them. A replica that shows the wrong slot because it alone was kept waiting
//! counts as differing: a listener sees no difference.

pub mod conditions;
pub mod episodes;
pub mod fleet;
pub mod measure;
pub mod naive;
pub mod report;
pub mod round;
pub mod schedule;
pub mod tally;
pub mod verdict;

pub use conditions::Conditions;
pub use measure::measure;
pub use report::Report;
