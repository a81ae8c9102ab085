//! The rules of the system once more, by brute force: what sessions a set of plays must make.
//!
//! The end-to-end tests publish known plays and compare what comes out with what is computed here. The worth of
//! that comparison is that the two were made apart: this module shares no rule with the services (of the workspace
//! it uses the generated messages only) and prefers the obvious way to the fast one. A difference therefore means
//! that one side misreads the rules, or that the rules can be read in two ways.
//!
//! ```text
//! bytes of every delivery ─ Oracle::sessions ─> Outcome { sessions, deliveries, counts }
//!                                                  │
//! sessions topic ──────── compare_all, compare ────┤
//! GET /api/latest ─────── check_json ──────────────┘
//! sessions topic ──────── check_updates, check_shown_once   (structure; needs no plays)
//! ```
//!
//! All of it is plain synchronous code without a clock. Times are milliseconds since the epoch, floored. A
//! difference is a line of text, made of sessions only, so that it never holds an IP address or a user id.

mod catalog;
mod compare;
mod json;
mod places;
mod recompute;
mod rules;
mod slots;
mod time;

#[cfg(test)]
mod tests;

pub use compare::{compare, compare_all};
pub use json::check_json;
pub use recompute::{Oracle, Outcome};
pub use rules::{Rules, Ties};
pub use slots::{check_shown_once, check_updates};
