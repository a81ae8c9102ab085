//! Fixtures that the tests of this module share.

mod addresses;
mod catalogue;
mod plays;
mod publish;

use std::sync::Arc;

use maxminddb::Reader;

use super::*;
use crate::geo_fixtures::{CityFixture, CityRecord, demo_anonymous_ip, demo_city};

/// 2026-11-24.
const NOW_MS: u64 = 1_795_478_400_000;

/// The addresses of the demo databases.
fn demo_addresses() -> Arc<Addresses> {
    let hiding = HidingRecords::index(demo_anonymous_ip().unwrap().reader().unwrap()).unwrap();
    Arc::new(Addresses::index(&demo_city().unwrap().reader().unwrap(), 200, Some(hiding)).unwrap())
}

/// Twenty countries, of which one has half of all networks and nineteen twentieths of all addresses.
fn skewed() -> (Reader<Vec<u8>>, Arc<Addresses>) {
    let mut fixture = CityFixture::new();
    for network in 0..20_u8 {
        let record = CityRecord::city(u32::from(network), "AA", 1.0, 2.0);
        fixture = fixture.network(&format!("10.{network}.0.0/16"), &record).unwrap();
    }
    for country in 0..19_u8 {
        let code = format!("B{}", char::from(b'A' + country));
        let record = CityRecord::city(1000 + u32::from(country), &code, 1.0, 2.0);
        fixture = fixture.network(&format!("172.16.{}.0/21", 8 * country), &record).unwrap();
    }
    let city = fixture.reader().unwrap();
    let addresses = Addresses::index(&city, 200, None).unwrap();
    (city, Arc::new(addresses))
}

fn spec(shares: Shares) -> PlaySpec {
    PlaySpec { shares, ..PlaySpec::default() }
}

fn source(spec: PlaySpec, addresses: &Arc<Addresses>, seed: u64) -> PlaySource {
    PlaySource::new(spec, &Catalogue::invent(1000, 1), Arc::clone(addresses), seed).unwrap()
}

/// Plays reported a millisecond apart.
fn plays(source: &mut PlaySource, count: u64) -> Vec<GeneratedPlay> {
    (0..count).map(|at| source.next(NOW_MS + at)).collect()
}

/// Whether a share of `count` is what it should be, give or take five standard deviations.
fn assert_share(name: &str, found: usize, count: usize, share: f64) {
    let count = count as f64;
    let allowed = 5.0 * (count * share * (1.0 - share)).sqrt() + 1.0;
    let off = (found as f64 - count * share).abs();
    assert!(off <= allowed, "{name}: {found} of {count}, expected {share}");
}
