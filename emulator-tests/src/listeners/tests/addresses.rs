use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use maxminddb::{Reader, path};
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;

use super::*;

fn countries(addresses: &Addresses, city: &Reader<Vec<u8>>, draws: usize) -> BTreeMap<String, usize> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut counts = BTreeMap::new();
    for _ in 0..draws {
        let found = city.lookup(addresses.located(0.3, &mut rng)).unwrap();
        let code = found.decode_path::<String>(&path!["country", "iso_code"]).unwrap().unwrap();
        *counts.entry(code).or_default() += 1;
    }
    counts
}

#[test]
fn no_country_drowns_the_rest() {
    let demo = demo_city().unwrap().reader().unwrap();
    let counts = countries(&demo_addresses(), &demo, 100_000);
    assert_eq!(counts.len(), 247, "every inhabited country is drawn");
    for (country, count) in counts {
        assert!(count < 15_000, "{country}: {count} of 100000");
    }
}

#[test]
fn the_weight_of_a_country_is_a_power_of_its_addresses() {
    let (city, addresses) = skewed();
    assert_eq!(addresses.located_networks(), 20 + 19);
    let counts = countries(&addresses, &city, 100_000);
    // The size of a network counts up to 4,096 addresses.
    let (large, small) = ((20.0 * 4096.0_f64).powf(0.6), 2048.0_f64.powf(0.6));
    let total = large + 19.0 * small;
    assert_share("the large country", counts["AA"], 100_000, large / total);
    assert_share("a small country", counts["BC"], 100_000, small / total);
}

#[test]
fn drawn_addresses_fill_their_network() {
    let fixture = CityFixture::new()
        .network("198.51.100.64/30", &CityRecord::city(1, "AA", 0.0, 0.0))
        .and_then(|f| f.network("2001:db8:0:4::/62", &CityRecord::city(2, "AA", 0.0, 0.0)))
        .unwrap();
    let addresses = Addresses::index(&fixture.reader().unwrap(), 200, None).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    for (ipv6_share, network) in [(0.0, "198.51.100.64/30"), (1.0, "2001:db8:0:4::/62")] {
        let network: IpNet = network.parse().unwrap();
        let mut subnets = BTreeMap::<u128, usize>::new();
        for _ in 0..1000 {
            let address = addresses.located(ipv6_share, &mut rng);
            assert!(network.contains(&address));
            let subnet = match address {
                IpAddr::V4(v4) => u128::from(v4.to_bits()),
                IpAddr::V6(v6) => v6.to_bits() >> 64,
            };
            *subnets.entry(subnet).or_default() += 1;
        }
        assert_eq!(subnets.len(), 4);
        assert!(subnets.values().all(|count| *count > 150), "{subnets:?}");
    }
}

#[test]
fn records_that_locate_nobody_are_unlocatable() {
    let city = CityRecord::city(1, "AA", 0.0, 0.0);
    for (name, record) in [
        ("no city", CityRecord::country("AA")),
        ("no id", city.clone().without_city_id()),
        ("no coordinates", city.clone().without_coordinates()),
        ("known only roughly", city.clone().accuracy_radius_km(201)),
        ("empty", CityRecord::empty()),
    ] {
        let fixture = CityFixture::new()
            .network("198.51.100.0/24", &city.clone().accuracy_radius_km(200))
            .and_then(|f| f.network("203.0.113.0/24", &record))
            .unwrap();
        let addresses = Addresses::index(&fixture.reader().unwrap(), 200, None).unwrap();
        assert_eq!(addresses.located_networks(), 1, "{name}");
        assert!(addresses.has_unlocatable(), "{name}");
        let network: IpNet = "203.0.113.0/24".parse().unwrap();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        assert!(network.contains(&addresses.unlocatable(&mut rng).unwrap()), "{name}");
    }
}

#[test]
fn a_database_without_cities_is_refused() {
    let fixture = CityFixture::new().network("198.51.100.0/24", &CityRecord::country("AA")).unwrap();
    let refused = Addresses::index(&fixture.reader().unwrap(), 200, None);
    assert!(matches!(refused, Err(AddressesError::NoCities)));
}

#[test]
fn flagged_networks_hide_and_others_do_not() {
    let addresses = demo_addresses();
    assert!(addresses.has_hiding());
    for (address, hides) in [
        ("198.51.100.7", true),
        ("203.0.113.255", true),
        ("198.19.252.1", true),
        ("2001:db8:ff00::1", true),
        ("198.18.0.1", false),
        ("2001:db8::1", false),
        ("192.0.2.1", false),
    ] {
        assert_eq!(addresses.hides(address.parse().unwrap()), hides, "{address}");
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    assert!((0..1000).all(|_| addresses.hides(addresses.hiding(&mut rng).unwrap())));
}
