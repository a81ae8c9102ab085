//! What `compare.py` runs of ours: `peers plays COUNT FILE` and `peers core FILE ANSWERS`.

#![expect(
    clippy::print_stdout,
    reason = "it tells the program that measures it when the first answer is there"
)]

use std::path::PathBuf;

use clap::Parser;
use peers_bench::{core, plays};

#[derive(Parser)]
enum Command {
    /// Writes so many plays to a file.
    Plays { count: u64, file: PathBuf },
    /// Answers from a file of plays to a file.
    Core { plays: PathBuf, answers: PathBuf },
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Plays { count, file } => plays::write(count, &file),
        Command::Core { plays, answers } => core::run(&plays, &answers, || println!("first")).map(drop),
    }
}
