//! A small world of reserved addresses, and plays from it.

use std::net::IpAddr;
use std::path::Path;

use listening_together_proto::v1;
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};

use crate::oracle::{Oracle, Outcome, Rules};

pub(super) const BERLIN: u32 = 2_950_159;
pub(super) const PARIS: u32 = 2_988_507;
pub(super) const POTSDAM: u32 = 2_852_458;
pub(super) const TOKYO: u32 = 1_850_144;

pub(super) fn city(
    geoname_id: u32,
    name: &str,
    latitude: f64,
    longitude: f64,
    accuracy_radius: u32,
) -> Value {
    json!({
        "city": { "geoname_id": geoname_id, "names": { "en": name } },
        "country": { "iso_code": "XX", "names": { "en": "Somewhere" } },
        "location": {
            "latitude": latitude, "longitude": longitude,
            "accuracy_radius": accuracy_radius, "time_zone": "Etc/UTC",
        },
    })
}

/// What is where: `198.18.N.0/24` unless said otherwise.
pub(super) fn atlas() -> Vec<(String, Value)> {
    let berlin = json!({
        "city": {
            "geoname_id": BERLIN,
            "names": { "en": "Berlin", "ja": "ベルリン", "pt-BR": "Berlim", "tlh": "berlIn" },
        },
        "continent": { "code": "EU" },
        "country": { "iso_code": "DE", "names": { "en": "Germany", "ru": "Германия" } },
        "registered_country": { "iso_code": "US" },
        "location": {
            "latitude": 52.5196, "longitude": 13.4069, "accuracy_radius": 20, "time_zone": "Europe/Berlin",
        },
    });
    let somewhere = json!({ "latitude": 51.0, "longitude": 9.0 });
    let nets = [
        ("198.18.1.0/24", berlin),
        ("198.18.2.0/24", city(TOKYO, "Tokyo", 35.6895, 139.6917, 10)),
        ("2001:db8:2::/48", city(TOKYO, "Tokyo", 35.6895, 139.6917, 10)),
        ("198.18.3.0/24", city(PARIS, "Paris", 48.8566, 2.3522, 10)),
        ("198.18.4.0/24", city(POTSDAM, "Potsdam", 52.3989, 13.0657, 5)),
        ("198.18.5.0/24", city(50, "Taveuni", -16.9186, 179.0, 50)),
        ("198.18.6.0/24", city(60, "Apia", -13.8333, -171.7667, 50)),
        ("198.18.7.0/24", city(70, "Suva", -18.1416, 178.4415, 50)),
        // One city by four records: which stands for it is decided by radius, then latitude, then longitude.
        ("198.18.8.0/26", city(80, "Spread", 10.0, 10.0, 30)),
        ("198.18.8.64/26", city(80, "Spread", 11.0, 9.0, 20)),
        ("198.18.8.128/26", city(80, "Spread", 10.5, 12.0, 20)),
        ("198.18.8.192/26", city(80, "Spread", 10.5, 11.0, 20)),
        // Four corners of the equator: two pairs of antipodes, equally far apart.
        ("198.18.10.0/24", city(101, "East", 0.0, 90.0, 1)),
        ("198.18.11.0/24", city(102, "Null", 0.0, 0.0, 1)),
        ("198.18.12.0/24", city(103, "West", 0.0, -90.0, 1)),
        ("198.18.13.0/24", city(104, "Date line", 0.0, 180.0, 1)),
        // Same spot as Null, other id.
        ("198.18.14.0/24", city(99, "Null Island", 0.0, 0.0, 1)),
        // No place: not a city, not a known city, nowhere, half somewhere, too vague.
        ("198.18.20.0/24", json!({ "country": { "iso_code": "DE" }, "location": somewhere })),
        ("198.18.21.0/24", json!({ "city": { "names": { "en": "No number" } }, "location": somewhere })),
        ("198.18.22.0/24", json!({ "city": { "geoname_id": 22 } })),
        ("198.18.23.0/24", json!({ "city": { "geoname_id": 23 }, "location": { "latitude": 51.0 } })),
        ("198.18.24.0/24", city(24, "Vague", 51.0, 9.0, 201)),
        // A place after all.
        ("198.18.25.0/24", city(25, "Just right", 51.0, 9.0, 200)),
        ("198.18.26.0/24", json!({ "city": { "geoname_id": 26 }, "location": somewhere })),
        // Behind these addresses are the flags of `hideouts`.
        ("198.18.40.0/21", city(40, "Hideout", 20.0, 20.0, 1)),
    ];
    let mut atlas: Vec<_> = nets.into_iter().map(|(net, record)| (net.to_owned(), record)).collect();
    // Seventy towns along the equator, a tenth of a degree apart, but the last half a world away.
    for town in 0..70 {
        let longitude = if town == 69 { 170.0 } else { f64::from(town) / 10.0 };
        atlas.push((format!("198.19.{town}.0/24"), city(1_000 + town, "Town", 0.0, longitude, 1)));
    }
    atlas
}

/// Which addresses hide, by each flag in turn, by none, and by flags that are false or unknown.
pub(super) fn hideouts() -> Vec<(String, Value)> {
    let flags = [
        json!({ "is_anonymous": true }),
        json!({ "is_anonymous_vpn": true }),
        json!({ "is_hosting_provider": true }),
        json!({ "is_public_proxy": true }),
        json!({ "is_residential_proxy": true }),
        json!({ "is_tor_exit_node": true }),
        json!({}),
        json!({ "is_anonymous": false, "is_tor_exit_node": false, "is_satellite_provider": true }),
    ];
    let mut hideouts: Vec<_> =
        (40..).zip(flags).map(|(net, record)| (format!("198.18.{net}.0/24"), record)).collect();
    // Hides, and has no place either.
    hideouts.push(("198.18.20.128/25".to_owned(), json!({ "is_anonymous": true })));
    hideouts
}

pub(super) fn write_database(path: &Path, records: &[(String, Value)]) {
    let mut writer = mmdb_writer::Writer::new("Test");
    for (net, record) in records {
        writer.insert(net.parse::<ipnet::IpNet>().unwrap(), record).unwrap();
    }
    std::fs::write(path, writer.to_bytes().unwrap()).unwrap();
}

/// Knows this world, and a track `song`.
pub(super) fn oracle(rules: Rules) -> Oracle {
    let dir = tempfile::tempdir().unwrap();
    let (city_db, anonymous_ip_db, catalog) =
        (dir.path().join("city.mmdb"), dir.path().join("anonymous-ip.mmdb"), dir.path().join("tracks.csv"));
    write_database(&city_db, &atlas());
    write_database(&anonymous_ip_db, &hideouts());
    std::fs::write(
        &catalog,
        "track_id,title,artists,artwork_url\nsong,A Song,Ann;Bob,https://art.example/1\n",
    )
    .unwrap();
    Oracle::new(&city_db, Some(&anonymous_ip_db), Some(&catalog), rules).unwrap()
}

pub(super) fn message(user_id: &str, track_id: &str, ip_address: &[u8], played_at: Timestamp) -> Vec<u8> {
    v1::Play {
        user_id: user_id.to_owned(),
        track_id: track_id.to_owned(),
        ip_address: ip_address.to_vec().into(),
        played_at: Some(played_at),
    }
    .encode_to_vec()
}

pub(super) fn play(user_id: &str, track_id: &str, ip: &str, ms: i64) -> Vec<u8> {
    let played_at =
        Timestamp { seconds: ms.div_euclid(1_000), nanos: ms.rem_euclid(1_000) as i32 * 1_000_000 };
    match ip.parse().unwrap() {
        IpAddr::V4(ip) => message(user_id, track_id, &ip.octets(), played_at),
        IpAddr::V6(ip) => message(user_id, track_id, &ip.octets(), played_at),
    }
}

/// Listeners `(user, ip, ms)` of one song.
pub(super) fn plays(listeners: &[(&str, &str, i64)]) -> Vec<Vec<u8>> {
    listeners.iter().map(|(user, ip, ms)| play(user, "song", ip, *ms)).collect()
}

/// Of the only session: listeners, places with listeners in order, whole kilometres. Without a session: how many
/// plays were dropped, by reason.
pub(super) type Verdict = Result<(u32, Vec<(u32, u32)>, i64), Vec<(&'static str, u64)>>;

pub(super) fn verdict(outcome: &Outcome) -> Verdict {
    assert!(outcome.sessions.len() <= 1, "{:?}", outcome.sessions.keys());
    match outcome.sessions.values().next() {
        Some(session) => Ok((
            session.listener_count,
            session.places.iter().map(|place| (place.geoname_id, place.listener_count)).collect(),
            session.distance_km.round() as i64,
        )),
        None => Err(outcome.counts.iter().map(|(&reason, &count)| (reason, count)).collect()),
    }
}
