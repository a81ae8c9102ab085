//! Writes the seeds to `fuzz/corpus`, beside what a fuzzer has found.

use std::fs;

use fuzz_harness::seeds;

fn main() -> std::io::Result<()> {
    for (target, seeds) in [("plays", seeds::plays()), ("sessions_updates", seeds::updates())] {
        let corpus = seeds::corpus(target);
        fs::create_dir_all(&corpus)?;
        for (name, bytes) in seeds {
            fs::write(corpus.join(name), bytes)?;
        }
    }
    Ok(())
}
