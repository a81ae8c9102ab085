//! Records of the two databases, field for field as MaxMind documents them.

use serde::Serialize;

use super::GeoFixtureError;
use super::table::{Atlas, City, Names};

/// A record of a City database. Everything but the fields that a builder method set is absent, as it often is in
/// real databases.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CityRecord {
    #[serde(skip_serializing_if = "NamedPlace::is_empty")]
    city: NamedPlace,
    #[serde(skip_serializing_if = "NamedContinent::is_empty")]
    continent: NamedContinent,
    #[serde(skip_serializing_if = "NamedCountry::is_empty")]
    country: NamedCountry,
    #[serde(skip_serializing_if = "Location::is_empty")]
    location: Location,
    #[serde(skip_serializing_if = "NamedCountry::is_empty")]
    registered_country: NamedCountry,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct NamedPlace {
    geoname_id: Option<u32>,
    #[serde(skip_serializing_if = "Names::is_empty")]
    names: Names,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct NamedContinent {
    code: Option<String>,
    geoname_id: Option<u32>,
    #[serde(skip_serializing_if = "Names::is_empty")]
    names: Names,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct NamedCountry {
    geoname_id: Option<u32>,
    iso_code: Option<String>,
    #[serde(skip_serializing_if = "Names::is_empty")]
    names: Names,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Location {
    accuracy_radius: Option<u16>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    time_zone: Option<String>,
}

macro_rules! is_empty {
    ($($part:ty),*) => {$(
        impl $part {
            fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    )*};
}
is_empty!(NamedPlace, NamedContinent, NamedCountry, Location);

impl CityRecord {
    /// A record that knows nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A city of a country, at a place: what a play needs to be located.
    #[must_use]
    pub fn city(geoname_id: u32, country_code: &str, latitude: f64, longitude: f64) -> Self {
        let mut record = Self::country(country_code).at(latitude, longitude);
        record.city.geoname_id = Some(geoname_id);
        record
    }

    /// A country and no city.
    #[must_use]
    pub fn country(country_code: &str) -> Self {
        let country = NamedCountry { iso_code: Some(country_code.to_owned()), ..NamedCountry::default() };
        Self { registered_country: country.clone(), country, ..Self::default() }
    }

    /// All that the table knows of a city.
    ///
    /// # Errors
    /// When its country or continent is not in the table.
    pub fn of(atlas: &Atlas, city: &City) -> Result<Self, GeoFixtureError> {
        let record = Self::country_of(atlas, city)?
            .at(city.latitude, city.longitude)
            .time_zone(&city.time_zone)
            .accuracy_radius_km(accuracy_radius_km(city));
        let place = NamedPlace { geoname_id: Some(city.geoname_id), names: city.names.clone() };
        Ok(Self { city: place, ..record })
    }

    /// What the table knows of a city's country, and nothing of the city.
    ///
    /// # Errors
    /// When its country or continent is not in the table.
    pub fn country_of(atlas: &Atlas, city: &City) -> Result<Self, GeoFixtureError> {
        let (country, continent) = atlas.country_of(city)?;
        let country = NamedCountry {
            geoname_id: Some(country.geoname_id),
            iso_code: Some(country.country_code.clone()),
            names: country.names.clone(),
        };
        let continent = NamedContinent {
            code: Some(continent.continent_code.clone()),
            geoname_id: Some(continent.geoname_id),
            names: continent.names.clone(),
        };
        Ok(Self { continent, registered_country: country.clone(), country, ..Self::default() })
    }

    /// The city's name in one language.
    #[must_use]
    pub fn city_name(mut self, language: &str, name: &str) -> Self {
        self.city.names.insert(language.to_owned(), name.to_owned());
        self
    }

    /// The country's name in one language.
    #[must_use]
    pub fn country_name(mut self, language: &str, name: &str) -> Self {
        self.country.names.insert(language.to_owned(), name.to_owned());
        self.registered_country.names.insert(language.to_owned(), name.to_owned());
        self
    }

    /// The coordinates, in degrees.
    #[must_use]
    pub fn at(mut self, latitude: f64, longitude: f64) -> Self {
        (self.location.latitude, self.location.longitude) = (Some(latitude), Some(longitude));
        self
    }

    /// No coordinates.
    #[must_use]
    pub fn without_coordinates(mut self) -> Self {
        (self.location.latitude, self.location.longitude) = (None, None);
        self
    }

    /// No id of a city, though all else that is known of it stays.
    #[must_use]
    pub fn without_city_id(mut self) -> Self {
        self.city.geoname_id = None;
        self
    }

    /// How far off the coordinates may be.
    #[must_use]
    pub fn accuracy_radius_km(mut self, radius: u16) -> Self {
        self.location.accuracy_radius = Some(radius);
        self
    }

    /// The IANA time zone.
    #[must_use]
    pub fn time_zone(mut self, zone: &str) -> Self {
        self.location.time_zone = Some(zone.to_owned());
        self
    }
}

/// Larger cities spread further; a place of unknown size may be an island or a region.
fn accuracy_radius_km(city: &City) -> u16 {
    match city.population {
        0 => 50,
        1..100_000 => 5,
        100_000..1_000_000 => 10,
        _ => 20,
    }
}

/// A record of an Anonymous IP database: each flag is present only when it is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnonymousIpRecord {
    flags: [Option<&'static str>; Self::FLAGS.len()],
}

impl AnonymousIpRecord {
    /// All flags of the schema.
    pub const FLAGS: [&'static str; 6] = [
        "is_anonymous",
        "is_anonymous_vpn",
        "is_hosting_provider",
        "is_public_proxy",
        "is_residential_proxy",
        "is_tor_exit_node",
    ];

    /// A record without a flag, as most of a real database are.
    #[must_use]
    pub fn unflagged() -> Self {
        Self::default()
    }

    /// Only `is_anonymous`.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default().flag("is_anonymous")
    }

    /// One more flag; a word that is none of [`AnonymousIpRecord::FLAGS`] changes nothing.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        if let Some(index) = Self::FLAGS.iter().position(|known| *known == flag) {
            self.flags[index] = Some(Self::FLAGS[index]);
        }
        self
    }
}

impl Serialize for AnonymousIpRecord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.flags.iter().flatten().map(|flag| (flag, true)))
    }
}
