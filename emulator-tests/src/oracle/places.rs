//! From an IP address to a place, and from place to place.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use anyhow::Context as _;
use listening_together_proto::v1;
use maxminddb::Reader;
use serde_json::Value;

/// The languages in which a session names its places.
const LANGUAGES: [&str; 8] = ["de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"];

const ANONYMOUS_FLAGS: [&str; 6] = [
    "is_anonymous",
    "is_anonymous_vpn",
    "is_hosting_provider",
    "is_public_proxy",
    "is_residential_proxy",
    "is_tor_exit_node",
];

/// A MaxMind database, read as plain JSON.
pub(super) struct Database(Reader<Vec<u8>>);

impl Database {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self(Reader::open_readfile(path).with_context(|| format!("open {}", path.display()))?))
    }

    /// A record that cannot be read is as good as none.
    fn record(&self, ip: IpAddr) -> Option<Value> {
        self.0.lookup(ip).ok()?.decode().ok()?
    }
}

/// Any of the six flags is true; most records of an Anonymous IP database are empty and hide nothing.
pub(super) fn is_anonymous(anonymous_ip: &Database, ip: IpAddr) -> bool {
    anonymous_ip.record(ip).is_some_and(|record| ANONYMOUS_FLAGS.iter().any(|&flag| record[flag] == true))
}

/// The place of the record for `ip`, with one listener, if it names a city, says where it is, and is accurate to
/// `max_accuracy_radius_km`.
pub(super) fn place(city: &Database, ip: IpAddr, max_accuracy_radius_km: u32) -> Option<v1::Place> {
    let record = city.record(ip)?;
    let place = v1::Place {
        geoname_id: record["city"]["geoname_id"].as_u64()?.try_into().ok()?,
        city_names: names(&record["city"]),
        country_code: text(&record["country"]["iso_code"]),
        country_names: names(&record["country"]),
        latitude: record["location"]["latitude"].as_f64()?,
        longitude: record["location"]["longitude"].as_f64()?,
        accuracy_radius_km: record["location"]["accuracy_radius"].as_u64().unwrap_or(0).try_into().ok()?,
        listener_count: 1,
        time_zone: text(&record["location"]["time_zone"]),
    };
    let is_on_earth = place.latitude.abs() <= 90.0 && place.longitude.abs() <= 180.0;
    (place.geoname_id != 0 && is_on_earth && place.accuracy_radius_km <= max_accuracy_radius_km)
        .then_some(place)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn names(named: &Value) -> BTreeMap<String, String> {
    let name = |language: &&str| Some((language.to_string(), named["names"][language].as_str()?.to_owned()));
    LANGUAGES.iter().filter_map(name).collect()
}

/// Great-circle distance on a sphere of the mean earth radius: the angle between the two vectors from the centre.
pub(super) fn distance_km(a: &v1::Place, b: &v1::Place) -> f64 {
    const MEAN_EARTH_RADIUS_KM: f64 = 6371.0088;
    let [ax, ay, az] = unit_vector(a);
    let [bx, by, bz] = unit_vector(b);
    let cross = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
    let sine = cross.iter().map(|c| c * c).sum::<f64>().sqrt();
    let cosine = ax * bx + ay * by + az * bz;
    MEAN_EARTH_RADIUS_KM * sine.atan2(cosine)
}

fn unit_vector(place: &v1::Place) -> [f64; 3] {
    let (latitude, longitude) = (place.latitude.to_radians(), place.longitude.to_radians());
    [latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_known_from_elsewhere() {
        let quarter = 10_007.557_221_017_962;
        for (name, from, to, km) in [
            ("nowhere to go", (52.5, 13.4), (52.5, 13.4), 0.0),
            ("a quarter of the equator", (0.0, 0.0), (0.0, 90.0), quarter),
            ("antipodes", (0.0, -90.0), (0.0, 90.0), 2.0 * quarter),
            ("pole to pole", (90.0, 13.0), (-90.0, 77.0), 2.0 * quarter),
            ("one pole, two longitudes", (90.0, 13.0), (90.0, 77.0), 0.0),
            ("Berlin to Tokyo", (52.5196, 13.4069), (35.6895, 139.6917), 8_916.065_895_721_5),
            ("Berlin to Paris", (52.5196, 13.4069), (48.8566, 2.3522), 877.565_091_591_1),
            ("across the antimeridian", (-16.9186, 179.0), (-13.8333, -171.7667), 1_047.499_625_461_4),
        ] {
            let at = |(latitude, longitude)| v1::Place { latitude, longitude, ..v1::Place::default() };
            let (there, back) = (distance_km(&at(from), &at(to)), distance_km(&at(to), &at(from)));
            assert!((there - km).abs() < 1e-6, "{name}: {there}");
            assert_eq!(there, back, "{name}");
        }
    }
}
