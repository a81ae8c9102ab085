//! session-api as a process of its own, beside a broker: what only a process shows (memory, files, signals), and what
//! other programs find out about it.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod connections;
#[cfg(test)]
#[expect(dead_code, reason = "the unit tests use the rest")]
#[path = "../../src/fixtures.rs"]
mod fixtures;
#[cfg(test)]
mod replica;
#[cfg(test)]
mod schemathesis;
#[cfg(test)]
mod streams;
