//! The table of cities, countries and continents (`data/*.csv`), built into the program.

use std::collections::BTreeMap;

use listening_together_proto::Language;
use serde::Deserialize;

use super::GeoFixtureError;

/// A name by language tag, as far as known.
pub type Names = BTreeMap<String, String>;

/// A populated place.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct City {
    /// GeoNames' id; from 900,000,000 up it is this project's own.
    pub geoname_id: u32,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// IANA time zone.
    pub time_zone: String,
    /// People, within the city's own limits; 0 when not known.
    pub population: u64,
    /// 1 is the largest city of the world; only the largest have a rank.
    pub world_rank: Option<u16>,
    /// At least the English name.
    #[serde(flatten, deserialize_with = "names")]
    pub names: Names,
}

/// A country or territory of ISO 3166-1.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
    /// GeoNames' id.
    pub geoname_id: u32,
    /// Two letters.
    pub continent_code: String,
    /// In all languages.
    #[serde(flatten, deserialize_with = "names")]
    pub names: Names,
}

/// A continent.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Continent {
    /// Two letters.
    pub continent_code: String,
    /// GeoNames' id.
    pub geoname_id: u32,
    /// In all languages.
    #[serde(flatten, deserialize_with = "names")]
    pub names: Names,
}

/// The whole table.
#[derive(Clone, Debug)]
pub struct Atlas {
    /// By country code, then id.
    pub cities: Vec<City>,
    /// By code.
    pub countries: BTreeMap<String, Country>,
    /// By code.
    pub continents: BTreeMap<String, Continent>,
}

impl Atlas {
    /// Reads the table.
    ///
    /// # Errors
    /// When a row is damaged, or names a country or continent that is not there.
    pub fn load() -> Result<Self, GeoFixtureError> {
        let countries: Vec<Country> = rows("countries.csv", include_str!("../../data/countries.csv"))?;
        let continents: Vec<Continent> = rows("continents.csv", include_str!("../../data/continents.csv"))?;
        let atlas = Self {
            cities: rows("cities.csv", include_str!("../../data/cities.csv"))?,
            countries: countries.into_iter().map(|c| (c.country_code.clone(), c)).collect(),
            continents: continents.into_iter().map(|c| (c.continent_code.clone(), c)).collect(),
        };
        for city in &atlas.cities {
            atlas.country_of(city)?;
        }
        Ok(atlas)
    }

    /// The country of a city, and its continent.
    ///
    /// # Errors
    /// When one of them is not in the table.
    pub fn country_of(&self, city: &City) -> Result<(&Country, &Continent), GeoFixtureError> {
        let dangling = |code: &str, table| GeoFixtureError::Dangling { code: code.to_owned(), table };
        let code = &city.country_code;
        let country = self.countries.get(code).ok_or_else(|| dangling(code, "countries.csv"))?;
        let code = &country.continent_code;
        let continent = self.continents.get(code).ok_or_else(|| dangling(code, "continents.csv"))?;
        Ok((country, continent))
    }
}

fn rows<T: serde::de::DeserializeOwned>(
    table: &'static str,
    text: &'static str,
) -> Result<Vec<T>, GeoFixtureError> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|source| GeoFixtureError::Table { table, source })
}

/// The columns that are languages and not empty; others are some other field's.
fn names<'de, D: serde::Deserializer<'de>>(columns: D) -> Result<Names, D::Error> {
    let mut names = BTreeMap::<String, String>::deserialize(columns)?;
    names.retain(|tag, name| Language::from_tag(tag).is_some() && !name.is_empty());
    Ok(names)
}
