//! How fast simulated plays are made: `measure-listeners CITY_DB [ANONYMOUS_IP_DB]`.
//!
//! Prints how long the City database takes to index, how much memory the index needs, how many plays a second one core
//! makes, and how plays are spread over countries. Run it with `--release`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser;
use emulator_tests::listeners::{Addresses, Catalogue, HidingRecords, PlayKind, PlaySource, PlaySpec};
use emulator_tests::services::Usage;
use maxminddb::{Reader, path};

#[derive(Parser)]
struct Arguments {
    /// A MaxMind City database.
    city: PathBuf,
    /// A MaxMind Anonymous IP database.
    anonymous_ip: Option<PathBuf>,
    /// How many plays to make.
    #[arg(long, default_value_t = 2_000_000)]
    plays: u64,
}

#[expect(clippy::print_stdout, reason = "a measurement is its output")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let city = Reader::open_readfile(&arguments.city).context("cannot open the City database")?;
    let hiding = arguments
        .anonymous_ip
        .map(|path| HidingRecords::index(Reader::open_readfile(path)?))
        .transpose()
        .context("cannot index the Anonymous IP database")?;
    let resident = || Usage::of(Some(std::process::id())).megabytes();
    let before = resident();
    let started = Instant::now();
    let addresses = Arc::new(Addresses::index(&city, 200, hiding)?);
    println!(
        "indexed {} networks in {:.2} s, {:.0} MB",
        addresses.located_networks(),
        started.elapsed().as_secs_f64(),
        resident() - before,
    );

    let mut source = PlaySource::new(PlaySpec::default(), &Catalogue::invent(10_000, 1), addresses, 1)?;
    let started = Instant::now();
    let made: Vec<_> = (0..arguments.plays).map(|at| source.next(1_795_478_400_000 + at / 30)).collect();
    let took = started.elapsed();
    println!(
        "made {} plays in {:.2} s, {:.0} a second",
        made.len(),
        took.as_secs_f64(),
        made.len() as f64 / took.as_secs_f64()
    );

    let located: Vec<_> = made.iter().filter(|play| play.kind == PlayKind::Located).collect();
    let mut countries = BTreeMap::<String, usize>::new();
    let mut unknown = 0;
    for play in located.iter().filter_map(|play| play.decode()) {
        let address = <[u8; 4]>::try_from(&play.ip_address[..])
            .map(Into::into)
            .or_else(|_| <[u8; 16]>::try_from(&play.ip_address[..]).map(Into::into))?;
        let found = city.lookup(address)?;
        if found.decode_path::<u32>(&path!["city", "geoname_id"])?.is_none() {
            unknown += 1;
        }
        *countries
            .entry(found.decode_path(&path!["country", "iso_code"])?.unwrap_or_default())
            .or_default() += 1;
    }
    println!("{unknown} of {} located plays are in no city", located.len());
    let mut largest: Vec<_> = countries.into_iter().map(|(country, count)| (count, country)).collect();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    for (count, country) in largest.iter().take(8) {
        println!("{country} {:.1} %", 100.0 * *count as f64 / located.len() as f64);
    }
    println!("{} countries", largest.len());
    Ok(())
}
