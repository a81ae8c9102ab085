//! The messages of Listening Together, and the validated types that they convert to.
//!
//! ```text
//! bytes on a topic  <- prost ->  v1::*  <- TryFrom / From ->  Session, Slot, Programme
//! ```
//!
//! [`v1`] is generated from `listening_together/v1/*.proto` and believes anything. The other modules are what the
//! services work with: ids and units that cannot be swapped ([`id`], [`time`], [`place`]), sessions and slots that
//! have been checked once, at the border ([`session`]), and the [`programme`], the rule by which every replica and
//! the pipeline itself agree on what is shown when. All of it is plain synchronous code without clock or I/O.

pub mod id;
pub mod language;
pub mod place;
pub mod programme;
pub mod session;
pub mod time;

pub use id::{SessionId, TrackId};
pub use language::{Language, Names};
pub use place::{Coordinates, Kilometres, Place};
pub use programme::{Programme, RECENT_SLOTS};
pub use session::{InvalidUpdate, Session, Slot, Track};
pub use time::{Timestamp, Window};

/// The generated types of the package `listening_together.v1`.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/listening_together.v1.rs"));

    impl std::fmt::Debug for Play {
        /// A play names a person, so that nothing but its track and time is ever printed.
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Play")
                .field("track_id", &self.track_id)
                .field("played_at", &self.played_at)
                .finish_non_exhaustive()
        }
    }

    impl std::fmt::Debug for LocatedPlay {
        /// Nothing but its track and time, as of a [`Play`].
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("LocatedPlay")
                .field("track_id", &self.track_id)
                .field("played_at", &self.played_at)
                .finish_non_exhaustive()
        }
    }
}
