//! Small databases for the tests of this crate, made afresh for each.

use std::path::PathBuf;

use ipnet::IpNet;
use mmdb_writer::{Value, Writer};
use tempfile::TempDir;

use crate::locate::{Atlas, DatabaseSettings, Databases, KnownBy};

/// A city database and an anonymous IP database in a temporary directory.
pub(crate) struct AtlasFixture {
    directory: TempDir,
}

impl AtlasFixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { directory: TempDir::new().unwrap() };
        fixture.write("city.mmdb", &cities());
        fixture.write("anonymous.mmdb", &anonymous_addresses());
        fixture
    }

    pub(crate) fn open(&self) -> Atlas {
        Atlas::new(self.databases())
    }

    pub(crate) fn open_known_by_record(&self) -> Atlas {
        let settings = DatabaseSettings { known_by: KnownBy::Record, ..self.settings() };
        Atlas::new(settings.open().unwrap())
    }

    pub(crate) fn open_city_only(&self) -> Atlas {
        let settings = DatabaseSettings { anonymous_ip: None, ..self.settings() };
        Atlas::new(settings.open().unwrap())
    }

    pub(crate) fn databases(&self) -> Databases {
        self.settings().open().unwrap()
    }

    pub(crate) fn settings(&self) -> DatabaseSettings {
        DatabaseSettings {
            city: self.city(),
            anonymous_ip: Some(self.anonymous_ip()),
            max_accuracy_radius_km: 200,
            known_by: KnownBy::Address,
        }
    }

    pub(crate) fn city(&self) -> PathBuf {
        self.path("city.mmdb")
    }

    pub(crate) fn anonymous_ip(&self) -> PathBuf {
        self.path("anonymous.mmdb")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Berlin is city 1, Sao Paulo 2, Lima 3, Osaka 4; the others are named by what is special about them.
fn cities() -> Vec<u8> {
    let mut writer = writer("GeoLite2-City");
    let berlin = || city(1, "Berlin", "DE", 52.5, 13.4, Some(10));
    insert(&mut writer, "198.18.0.0/24", berlin());
    insert(&mut writer, "198.18.1.0/24", berlin());
    insert(&mut writer, "198.18.2.0/24", city(2, "São Paulo", "BR", -23.5, -46.6, Some(20)));
    insert(&mut writer, "198.18.3.0/24", city(3, "Lima", "PE", -12.0, -77.0, Some(20)));
    insert(&mut writer, "198.18.4.0/24", city(4, "Osaka", "JP", 34.7, 135.5, Some(20)));
    insert(&mut writer, "198.18.5.0/24", city(8, "Potsdam", "DE", 52.4, 13.0, Some(10)));
    insert(&mut writer, "198.18.10.0/24", map([("country", country("DE"))]));
    insert(&mut writer, "198.18.11.0/24", map([("city", map([("geoname_id", 6u32.into())]))]));
    insert(&mut writer, "198.18.12.0/24", city(6, "Nowhere", "XX", 91.0, 0.0, Some(10)));
    insert(&mut writer, "198.18.13.0/24", city(5, "Blurred", "XX", 10.0, 10.0, Some(200)));
    insert(&mut writer, "198.18.14.0/24", city(6, "Too blurred", "XX", 10.0, 10.0, Some(201)));
    insert(&mut writer, "198.18.15.0/24", city(7, "No radius", "XX", 10.0, 10.0, None));
    insert(&mut writer, "2001:db8:1::/48", city(2, "São Paulo", "BR", -23.5, -46.6, Some(20)));
    writer.to_bytes().unwrap()
}

fn anonymous_addresses() -> Vec<u8> {
    let mut writer = writer("GeoIP2-Anonymous-IP");
    insert(&mut writer, "198.18.2.0/24", map([("is_tor_exit_node", Value::from(true))]));
    insert(&mut writer, "198.18.3.0/24", map([]));
    writer.to_bytes().unwrap()
}

fn writer(database_type: &str) -> Writer {
    Writer::builder(database_type).languages(["en"]).description(&[("en", "test")]).build()
}

fn insert(writer: &mut Writer, network: &str, record: Value) {
    writer.insert_value(network.parse::<IpNet>().unwrap(), record).unwrap();
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries)
}

fn city(
    geoname_id: u32,
    name: &str,
    iso_code: &str,
    latitude: f64,
    longitude: f64,
    radius: Option<u16>,
) -> Value {
    let mut location = vec![
        ("latitude", Value::from(latitude)),
        ("longitude", Value::from(longitude)),
        ("time_zone", Value::from(if iso_code == "BR" { "America/Sao_Paulo" } else { "Etc/UTC" })),
    ];
    location.extend(radius.map(|radius| ("accuracy_radius", Value::from(radius))));
    let japanese = if geoname_id == 2 { "サンパウロ" } else { name };
    map([
        (
            "city",
            map([("geoname_id", geoname_id.into()), ("names", names(&[("en", name), ("ja", japanese)]))]),
        ),
        ("country", country(iso_code)),
        ("location", Value::map(location)),
    ])
}

fn country(iso_code: &str) -> Value {
    let german = if iso_code == "BR" { "Brasilien" } else { iso_code };
    map([("iso_code", iso_code.into()), ("names", names(&[("en", iso_code), ("de", german)]))])
}

fn names(names: &[(&str, &str)]) -> Value {
    Value::map(names.iter().map(|(language, name)| (*language, Value::from(*name))))
}
