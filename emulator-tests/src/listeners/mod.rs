//! Simulated listeners: plays at a set rate, as the players of a music service would publish them.
//!
//! ```text
//! Catalogue (invented tracks) ─┐
//! Addresses (a City database) ─┼─ PlaySource::next(now) -> GeneratedPlay ── publish() ── plays topic
//! PlaySpec (shares, timing)   ─┘        pure, seeded                         the rim
//! ```
//!
//! Everything but [`publish()`] is synchronous and a pure function of the seed and of the times that it is given, so
//! that a run can be repeated and its sessions recomputed. Addresses and user ids are made up, drawn from the
//! networks of whatever City database is in use; all the same they are treated as real ones are, and never printed.

mod addresses;
mod catalogue;
mod crowd;
mod networks;
mod pace;
mod play;
mod play_source;
mod publish;
mod spec;
mod words;

pub use addresses::{Addresses, AddressesError, HidingRecords};
pub use catalogue::{Catalogue, CatalogueTrack};
pub use crowd::Crowd;
pub use pace::Pace;
pub use play::{GeneratedPlay, PlayKind};
pub use play_source::PlaySource;
pub use publish::{PlaysOut, Totals, publish, publish_with, publisher};
pub use spec::{PlaySpec, Shares, SpecError, Timing};

#[cfg(test)]
mod tests;
