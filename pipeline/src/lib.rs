//! The pipeline: a stream of plays goes in, sessions come out.
//!
//! ```text
//! receive -> decode -> sample -> locate -> window -> match -> curate -> publish
//! ```
//!
//! One process does all of it, or any number of processes does what goes up to locate, and one what comes after. Between
//! them the located-plays topic has plays in [batches](batch):
//!
//! ```text
//! receive -> decode -> sample -> locate -> batch -> publish
//!                                                      receive -> window -> match -> curate -> publish
//! ```
//!
//! Everything from decode to curate is ordinary synchronous code without clock, client or environment, put together in
//! [`engine`], and for the first of two stages in [`locator`]; only [`receive`], [`publish`], [`drive`],
//! [`reload`], [`run`] and [`explain`] touch the world.

pub mod receive;

pub mod decode;
pub mod user;
pub mod sample;
pub mod locate;
pub mod located_plays;
pub mod batch;
pub mod window;
pub mod matching;
pub mod curate;
pub mod score;

pub mod publish;

pub mod intake;
pub mod engine;
pub mod locator;
pub mod ledger;
pub mod catalogue;

pub mod config;
pub mod drive;
pub mod explain;
pub mod reload;
pub mod run;
pub mod telemetry;

#[cfg(test)]
mod test_atlas;
