//! Messages of the plays topic: see `fuzz_harness::plays`.

#![no_main]

use std::sync::LazyLock;

use fuzz_harness::plays::Plays;

static PLAYS: LazyLock<Plays> = LazyLock::new(|| Plays::new().expect("there is a temporary directory"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = PLAYS.run(data);
});
