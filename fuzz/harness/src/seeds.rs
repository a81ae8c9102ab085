//! The stories that a fuzzer starts from: what usually happens, and some of all that can go wrong.
//!
//! `cargo run -p fuzz-harness --example write-seeds` writes them to `fuzz/corpus`, where what a fuzzer has found may
//! stand beside them.

mod plays;
mod updates;

use std::path::PathBuf;

pub use plays::plays;
pub use updates::updates;

/// The name of a story, and its bytes.
pub type Seed = (&'static str, Vec<u8>);

/// The corpus of a fuzz target.
#[must_use]
pub fn corpus(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "corpus", target].iter().collect()
}
