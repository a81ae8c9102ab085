//! Writes the demo's databases: `make-demo-databases --out DIRECTORY`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use emulator_tests::geo_fixtures::write_demo_databases;

/// Writes demo-city.mmdb and demo-anonymous-ip.mmdb: MaxMind's schema, invented networks on reserved ranges.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The directory to write them to; it is made when it is missing.
    #[arg(long)]
    out: PathBuf,
}

#[expect(clippy::print_stdout, reason = "its user, often a script, wants to know where the files are")]
fn main() -> anyhow::Result<()> {
    let Arguments { out } = Arguments::parse();
    let databases = write_demo_databases(&out)
        .with_context(|| format!("cannot make the demo databases in {}", out.display()))?;
    println!("{}", databases.city.display());
    println!("{}", databases.anonymous_ip.display());
    Ok(())
}
