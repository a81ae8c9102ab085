//! Messages of the sessions topic: see `fuzz_harness::updates`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = fuzz_harness::updates::run(data);
});
