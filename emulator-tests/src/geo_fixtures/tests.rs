use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use listening_together_proto::Language;
use maxminddb::{Reader, WithinOptions, geoip2, path};

use super::table::Atlas;
use super::*;

fn networks(reader: &Reader<Vec<u8>>) -> Vec<IpNet> {
    let whole = reader.networks(WithinOptions::default()).unwrap();
    whole.map(|found| found.unwrap().network().unwrap().to_string().parse().unwrap()).collect()
}

/// The networks of the database with a city id that lie in the ranges of cities.
fn networks_by_city(reader: &Reader<Vec<u8>>) -> BTreeMap<u32, Vec<IpNet>> {
    let elsewhere: Vec<IpNet> = ranges::KEPT
        .into_iter()
        .chain(ranges::ANONYMOUS.map(|(range, _)| range))
        .map(|range| range.parse().unwrap())
        .collect();
    let mut found = BTreeMap::<u32, Vec<IpNet>>::new();
    for network in networks(reader) {
        let record = reader.lookup(network.addr()).unwrap();
        let id = record.decode_path::<u32>(&path!["city", "geoname_id"]).unwrap();
        if let Some(id) = id.filter(|_| !elsewhere.iter().any(|range| range.contains(&network))) {
            found.entry(id).or_default().push(network);
        }
    }
    found
}

/// MaxMind's own structures keep names by language as fields.
fn names<'a>(names: &geoip2::Names<'a>) -> BTreeMap<&'static str, Option<&'a str>> {
    let by_tag = [
        ("de", names.german),
        ("en", names.english),
        ("es", names.spanish),
        ("fr", names.french),
        ("ja", names.japanese),
        ("pt-BR", names.brazilian_portuguese),
        ("ru", names.russian),
        ("zh-CN", names.simplified_chinese),
    ];
    BTreeMap::from(by_tag)
}

fn table_names(names: &table::Names) -> BTreeMap<&'static str, Option<&str>> {
    Language::ALL.map(|l| (l.tag(), names.get(l.tag()).map(String::as_str))).into()
}

#[test]
fn the_table_covers_the_world() {
    let atlas = Atlas::load().unwrap();
    assert!(atlas.cities.len() >= 500);
    assert_eq!(atlas.countries.len(), 249, "all codes of ISO 3166-1");
    assert_eq!(atlas.continents.len(), 7);

    let inhabited: BTreeSet<&str> = atlas.cities.iter().map(|city| city.country_code.as_str()).collect();
    let empty: Vec<&str> =
        atlas.countries.keys().map(String::as_str).filter(|code| !inhabited.contains(code)).collect();
    assert_eq!(empty, ["BV", "HM"], "the only countries without a populated place");

    let ranks: BTreeSet<u16> = atlas.cities.iter().filter_map(|city| city.world_rank).collect();
    assert!((1..=200).all(|rank| ranks.contains(&rank)), "the 200 largest cities of the world");

    let ids: BTreeSet<u32> = atlas.cities.iter().map(|city| city.geoname_id).collect();
    assert_eq!(ids.len(), atlas.cities.len(), "no city twice");
    let order: Vec<_> = atlas.cities.iter().map(|city| (&city.country_code, city.geoname_id)).collect();
    assert!(order.is_sorted(), "by country code and id");
}

#[test]
fn every_row_of_the_table_is_plausible() {
    let atlas = Atlas::load().unwrap();
    for city in &atlas.cities {
        let named = format!("{} in {}", city.names["en"], city.country_code);
        assert!((-90.0..=90.0).contains(&city.latitude), "{named}");
        assert!((-180.0..=180.0).contains(&city.longitude), "{named}");
        assert!(city.time_zone.contains('/'), "{named}: {}", city.time_zone);
        if city.world_rank.is_some_and(|rank| rank <= 100) {
            assert_eq!(city.names.len(), 8, "{named} is known in all languages");
        }
    }
    let named = atlas.countries.values().map(|c| &c.names).chain(atlas.continents.values().map(|c| &c.names));
    for names in named {
        assert_eq!(names.len(), 8, "{names:?}");
    }
    let complete = atlas.cities.iter().filter(|city| city.names.len() == 8).count();
    assert!(complete >= 600, "{complete} cities are known in all languages");
}

#[test]
fn well_known_cities_are_where_they_should_be() {
    let atlas = Atlas::load().unwrap();
    for (language, name, country, latitude, longitude, zone) in [
        ("de", "Wien", "AT", 48.2, 16.4, "Europe/Vienna"),
        ("en", "Lagos", "NG", 6.5, 3.4, "Africa/Lagos"),
        ("es", "Ciudad de México", "MX", 19.4, -99.1, "America/Mexico_City"),
        ("fr", "Londres", "GB", 51.5, -0.1, "Europe/London"),
        ("ja", "東京", "JP", 35.7, 139.7, "Asia/Tokyo"),
        ("pt-BR", "Nova York", "US", 40.7, -74.0, "America/New_York"),
        ("ru", "Санкт-Петербург", "RU", 59.9, 30.3, "Europe/Moscow"),
        ("zh-CN", "开罗", "EG", 30.1, 31.2, "Africa/Cairo"),
        ("en", "Auckland", "NZ", -36.8, 174.8, "Pacific/Auckland"),
    ] {
        let mut named = atlas.cities.iter().filter(|city| {
            city.names.get(language).is_some_and(|known| known == name) && city.country_code == country
        });
        let city = named.next().unwrap_or_else(|| panic!("{name} is missing"));
        assert!(named.next().is_none(), "{name} is there once");
        assert!((city.latitude - latitude).abs() < 0.2, "{name}: {}", city.latitude);
        assert!((city.longitude - longitude).abs() < 0.2, "{name}: {}", city.longitude);
        assert_eq!(city.time_zone, zone, "{name}");
    }
}

#[test]
fn every_city_is_found_with_all_its_fields() {
    let atlas = Atlas::load().unwrap();
    let reader = demo_city().unwrap().reader().unwrap();
    reader.verify().unwrap();
    let by_city = networks_by_city(&reader);
    assert_eq!(by_city.len(), atlas.cities.len());
    for city in &atlas.cities {
        let networks = &by_city[&city.geoname_id];
        assert!(networks.iter().any(|n| matches!(n, IpNet::V4(_))), "{} has IPv4", city.names["en"]);
        assert!(networks.iter().any(|n| matches!(n, IpNet::V6(_))), "{} has IPv6", city.names["en"]);
        let (country, continent) = atlas.country_of(city).unwrap();
        for address in networks.iter().flat_map(|n| [n.network(), n.broadcast()]) {
            let found: geoip2::City = reader.lookup(address).unwrap().decode().unwrap().unwrap();
            assert_eq!(names(&found.city.names), table_names(&city.names));
            assert_eq!(names(&found.country.names), table_names(&country.names));
            assert_eq!(names(&found.continent.names), table_names(&continent.names));
            assert_eq!(found.continent.code, Some(continent.continent_code.as_str()));
            assert_eq!(found.continent.geoname_id, Some(continent.geoname_id));
            assert_eq!(found.country.iso_code, Some(city.country_code.as_str()));
            assert_eq!(found.country.geoname_id, Some(country.geoname_id));
            assert_eq!(found.registered_country.iso_code, found.country.iso_code);
            assert_eq!(found.location.latitude, Some(city.latitude));
            assert_eq!(found.location.longitude, Some(city.longitude));
            assert_eq!(found.location.time_zone, Some(city.time_zone.as_str()));
            assert!(found.location.accuracy_radius.is_some_and(|radius| (1..=50).contains(&radius)));
        }
    }
}

#[test]
fn larger_cities_have_more_addresses() {
    let reader = demo_city().unwrap().reader().unwrap();
    let by_city = networks_by_city(&reader);
    let (tokyo, san_marino) = (&by_city[&1_850_147], &by_city[&3_168_070]);
    for v6 in [false, true] {
        let prefix = |networks: &[IpNet]| {
            networks.iter().find(|n| n.addr().is_ipv6() == v6).map(IpNet::prefix_len).unwrap()
        };
        assert!(prefix(tokyo) < prefix(san_marino));
    }
}

#[test]
fn metadata_is_what_readers_expect() {
    for (reader, database_type) in [
        (demo_city().unwrap().reader().unwrap(), "GeoLite2-City"),
        (demo_anonymous_ip().unwrap().reader().unwrap(), "GeoIP2-Anonymous-IP"),
    ] {
        reader.verify().unwrap();
        let metadata = reader.metadata();
        assert_eq!(metadata.database_type, database_type);
        assert_eq!(metadata.binary_format_major_version, 2);
        assert_eq!(metadata.ip_version, 6);
        assert_eq!(metadata.languages, Language::ALL.map(Language::tag));
        assert!(metadata.description["en"].contains("Listening Together"));
    }
}

#[test]
fn only_reserved_ranges_are_used() {
    let reserved = ranges::RESERVED.map(|range| range.parse::<IpNet>().unwrap());
    for reader in [demo_city().unwrap().reader().unwrap(), demo_anonymous_ip().unwrap().reader().unwrap()] {
        let networks = networks(&reader);
        assert!(!networks.is_empty());
        for network in networks {
            assert!(reserved.iter().any(|range| range.contains(&network)), "{network} is not reserved");
        }
    }
}

/// A few addresses of a range: its ends and its middle.
fn addresses(range: &str) -> [IpAddr; 3] {
    let range: IpNet = range.parse().unwrap();
    let halves: Vec<IpNet> = range.subnets(range.prefix_len() + 1).unwrap().collect();
    [range.network(), halves[1].network(), range.broadcast()]
}

#[test]
fn every_reason_not_to_locate_a_play_occurs() {
    let reader = demo_city().unwrap().reader().unwrap();
    let decode = |ip| reader.lookup(ip).unwrap().decode::<geoip2::City>().unwrap();
    for ip in ranges::WITHOUT_CITY.into_iter().flat_map(addresses) {
        let record = decode(ip).unwrap();
        assert!(record.country.iso_code.is_some() && record.city.geoname_id.is_none());
    }
    for ip in ranges::ROUGHLY_KNOWN.into_iter().flat_map(addresses) {
        let record = decode(ip).unwrap();
        assert!(record.city.geoname_id.is_some());
        assert!(record.location.accuracy_radius.unwrap() > 200);
    }
    for ip in ranges::WITHOUT_COORDINATES.into_iter().flat_map(addresses) {
        let record = decode(ip).unwrap();
        assert!(record.city.geoname_id.is_some() && record.location.latitude.is_none());
    }
    for ip in ranges::WITHOUT_RECORD.into_iter().flat_map(addresses) {
        assert!(decode(ip).is_none());
    }
}

#[test]
fn anonymous_networks_have_their_flag_and_a_city() {
    let (city, anonymous) =
        (demo_city().unwrap().reader().unwrap(), demo_anonymous_ip().unwrap().reader().unwrap());
    let flags = |ip| {
        let record = anonymous.lookup(ip).unwrap().decode::<BTreeMap<String, bool>>().unwrap();
        record
            .map(|flags| flags.into_iter().filter_map(|(flag, set)| set.then_some(flag)).collect::<Vec<_>>())
    };
    for (range, flag) in ranges::ANONYMOUS {
        for ip in addresses(range) {
            let expected: BTreeSet<&str> = ["is_anonymous", flag].into();
            assert_eq!(flags(ip).unwrap(), expected.into_iter().collect::<Vec<_>>());
            assert!(
                city.lookup(ip).unwrap().decode_path::<u32>(&path!["city", "geoname_id"]).unwrap().is_some()
            );
        }
    }
    for ip in ranges::LISTED_WITHOUT_FLAG.into_iter().flat_map(addresses) {
        assert_eq!(flags(ip).unwrap(), [""; 0], "listed, and nothing hides it");
    }
}

#[test]
fn two_runs_write_the_same_bytes() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [first, second] = directories.each_ref().map(|directory| {
        let databases = write_demo_databases(&directory.path().join("made")).unwrap();
        [databases.city, databases.anonymous_ip].map(|path| std::fs::read(path).unwrap())
    });
    assert!(first == second);
    assert!(first[0].len() < 1_000_000, "{} bytes", first[0].len());
}

#[test]
fn fixtures_hold_incomplete_records() {
    let paris = CityRecord::city(2_988_507, "FR", 48.85, 2.35);
    let reader = CityFixture::new()
        .network("203.0.113.0/24", &paris.clone().city_name("en", "Paris").country_name("en", "France"))
        .and_then(|f| f.network("203.0.113.128/26", &paris.clone().at(48.9, 2.4).accuracy_radius_km(900)))
        .and_then(|f| f.network("2001:db8::/48", &CityRecord::country("FR")))
        .and_then(|f| f.network("192.0.2.0/24", &paris.clone().without_city_id()))
        .and_then(|f| f.network("192.0.2.1/32", &paris.without_coordinates().time_zone("Europe/Paris")))
        .and_then(|f| f.network("198.51.100.0/24", &CityRecord::empty()))
        .unwrap()
        .reader()
        .unwrap();
    let decode =
        |ip: &str| reader.lookup(ip.parse().unwrap()).unwrap().decode::<geoip2::City>().unwrap().unwrap();
    let named = decode("203.0.113.1");
    assert_eq!((named.city.names.english, named.country.names.english), (Some("Paris"), Some("France")));
    assert_eq!((named.city.names.german, named.location.accuracy_radius), (None, None));
    let rough = decode("203.0.113.190");
    assert_eq!((rough.city.geoname_id, rough.location.latitude), (Some(2_988_507), Some(48.9)));
    assert_eq!(rough.location.accuracy_radius, Some(900));
    assert_eq!(decode("2001:db8::1").city.geoname_id, None);
    assert_eq!(decode("2001:db8::1").country.iso_code, Some("FR"));
    assert_eq!(decode("192.0.2.7").city.geoname_id, None);
    assert_eq!(decode("192.0.2.1").location.longitude, None);
    assert_eq!(decode("198.51.100.1").country.iso_code, None);
    reader.verify().unwrap();
}

#[test]
fn a_wrong_network_is_named() {
    let error = CityFixture::new().network("198.18.0.0/40", &CityRecord::empty()).unwrap_err();
    assert_eq!(error.to_string(), "not a network: 198.18.0.0/40");
}
