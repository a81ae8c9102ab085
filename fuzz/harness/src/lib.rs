//! What the fuzz targets check, as plain functions: bytes in, a panic when something is wrong.
//!
//! A fuzz target is a line that calls one of them, and the tests run them over the committed corpus with an ordinary
//! compiler, so that the targets cannot rot. An input is a story: messages in any order and shape, and what the clock
//! does meanwhile. It is read from bytes by fixed rules ([`plays::Step`], [`updates::Step`]), so that the corpus can be
//! written by a program, and any other bytes are a story too.
//!
//! - [`plays`]: messages of the plays topic through the whole core of the pipeline
//! - [`updates`]: messages of the sessions topic through all of a replica but its network

mod clock;
pub mod plays;
pub mod seeds;
pub mod updates;
