//! How places are called: what the records of a database say, kept once where many say the same.

mod rows;

use std::fmt;

use listening_together_proto::{Language, Names};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use rows::{Rows, RowsBuilder};

const LANGUAGES: usize = Language::ALL.len();

/// A name in each language, as a record has it; empty where it has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecordNames<'a>([&'a str; LANGUAGES]);

impl<'de: 'a, 'a> Deserialize<'de> for RecordNames<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByTag;

        impl<'de> Visitor<'de> for ByTag {
            type Value = RecordNames<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names by language")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut names = RecordNames::default();
                while let Some((tag, name)) = map.next_entry::<&str, &str>()? {
                    if let Some(language) = Language::from_tag(tag) {
                        names.0[language as usize] = name;
                    }
                }
                Ok(names)
            }
        }

        deserializer.deserialize_map(ByTag)
    }
}

/// How a place is called.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlaceNames {
    pub(super) city: Names,
    pub(super) country: Names,
    pub(super) country_code: Box<str>,
    pub(super) time_zone: Box<str>,
}

/// What a [`NameStore`] has for a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NamesRef {
    city: u32,
    country: u32,
    country_code: u32,
    time_zone: u32,
}

/// The names of places.
pub(super) struct NameStore {
    /// Of cities and of countries.
    names: Rows<LANGUAGES>,
    /// Codes of countries, and time zones.
    words: Rows<1>,
}

/// A [`NameStore`] that grows.
#[derive(Default)]
pub(super) struct NameStoreBuilder {
    names: RowsBuilder<LANGUAGES>,
    words: RowsBuilder<1>,
}

impl NameStoreBuilder {
    /// Keeps what a place is called, if there is room for it.
    pub(super) fn insert(
        &mut self,
        city: &RecordNames<'_>,
        country_code: &str,
        country: &RecordNames<'_>,
        time_zone: &str,
    ) -> Option<NamesRef> {
        Some(NamesRef {
            city: self.names.insert(city.0)?,
            country: self.names.insert(country.0)?,
            country_code: self.words.insert([country_code])?,
            time_zone: self.words.insert([time_zone])?,
        })
    }

    /// What was kept, without what keeping more would take.
    pub(super) fn finish(self) -> NameStore {
        NameStore { names: self.names.finish(), words: self.words.finish() }
    }
}

impl NameStore {
    /// What was kept.
    pub(super) fn get(&self, place: NamesRef) -> PlaceNames {
        let [country_code] = self.words.get(place.country_code);
        let [time_zone] = self.words.get(place.time_zone);
        PlaceNames {
            city: names(self.names.get(place.city)),
            country: names(self.names.get(place.country)),
            country_code: country_code.into(),
            time_zone: time_zone.into(),
        }
    }
}

fn names(row: [&str; LANGUAGES]) -> Names {
    let mut names = Names::default();
    for (language, name) in Language::ALL.into_iter().zip(row).filter(|(_, name)| !name.is_empty()) {
        names.insert(language, name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<const N: usize>(names: [(Language, &'static str); N]) -> RecordNames<'static> {
        let mut record = RecordNames::default();
        for (language, name) in names {
            record.0[language as usize] = name;
        }
        record
    }

    #[test]
    fn a_place_is_called_as_its_record_says() {
        let (sao_paulo, brazil) = (
            record([(Language::PtBr, "São Paulo"), (Language::Ja, "サンパウロ")]),
            record([(Language::De, "Brasilien")]),
        );
        let mut store = NameStoreBuilder::default();
        let nameless = store.insert(&RecordNames::default(), "", &RecordNames::default(), "").unwrap();
        let first = store.insert(&sao_paulo, "BR", &brazil, "America/Sao_Paulo").unwrap();
        let again = store.insert(&sao_paulo, "BR", &brazil, "America/Sao_Paulo").unwrap();
        let store = store.finish();
        assert_eq!(first, again);
        let place = store.get(first);
        assert_eq!(place.city.get(Language::Ja), Some("サンパウロ"));
        assert_eq!(place.city.get(Language::PtBr), Some("São Paulo"));
        assert_eq!(place.country.get(Language::De), Some("Brasilien"));
        assert_eq!((&*place.country_code, &*place.time_zone), ("BR", "America/Sao_Paulo"));
        let place = store.get(nameless);
        assert_eq!((place.city.get(Language::En), &*place.time_zone), (None, ""));
    }
}
