//! The API as clients see it: the application that `main` serves, fed with a programme.
//!
//! Most tests call it without a socket; what only a connection shows (HEAD, streams, keep-alive, draining) goes through
//! a port that the system chose.

#[cfg(test)]
mod connections;
#[cfg(test)]
mod errors;
#[cfg(test)]
#[expect(dead_code, reason = "the unit tests use the rest")]
#[path = "../../src/fixtures.rs"]
mod fixtures;
#[cfg(test)]
mod latest;
#[cfg(test)]
mod site;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod support;
#[cfg(test)]
mod time;
