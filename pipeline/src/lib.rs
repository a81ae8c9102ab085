//! The pipeline: a stream of plays goes in, sessions come out.
//!
//! ```text
//! receive -> decode -> sample -> locate -> window -> match -> curate -> publish
//! ```
//!
//! Everything from decode to curate is ordinary synchronous code without clock, client or environment, put together in
//! [`engine`]; only [`receive`], [`publish`], [`drive`],
//! [`reload`] and [`run`] touch the world.

pub mod receive;

pub mod decode;
pub mod sample;
pub mod locate;
pub mod window;
pub mod matching;
pub mod curate;
pub mod score;

pub mod publish;

pub mod engine;
pub mod ledger;
pub mod catalogue;

pub mod config;
pub mod drive;
pub mod reload;
pub mod run;
pub mod telemetry;

#[cfg(test)]
mod test_atlas;
