//! The windowing work of the pipeline beside others who could do it: Flink, Pathway, Beam, DuckDB, Polars.
//!
//! ```text
//! a file of plays -> who started which track in which second -> a line for each track that two cities shared
//! ```
//!
//! - [`plays`] makes the file, the same for all
//! - [`core`] is our answer, by the pipeline's own stages window and match
//! - `peers/` has everyone else's; `compare.py` installs them, runs all in turn, compares their answers and prints the table
//!
//! **The work.** Of the plays of each track in each second of event time, as CSV in the order of their arrival, up to half a
//! second out of order: how many different people, in how many different cities. An answer is a line
//! `window,track,listeners,cities` for each window and track with two or more of both, in any order. A stream processor
//! emits it when event time has passed the window's end by half a second; a database when it has read everything.
//!
//! Reading CSV is part of everyone's figures. Ours includes the distance between the two cities farthest apart as well,
//! which matching looks for and no other computes.

pub mod core;
pub mod plays;
