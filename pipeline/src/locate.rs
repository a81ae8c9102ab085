//! locate: an IP address -> a place, unless the address hides where it is.
//!
//! What is needed of a database is read once, when it is opened: the place of each record ([`Spot`]), the names that places
//! share, and a table that tells the spot of an address. The file itself is let go then.
//!
//! A new edition of the databases takes over at once for the plays that come. The edition before it is kept until nothing
//! refers to it any more: the spots of windows that are still open are its own.

mod anonymous;
mod cities;
mod databases;
mod gazetteer;
mod lookup_table;
mod names;

use listening_together_proto::{Coordinates, Place};

pub use databases::{DatabaseError, DatabaseKind, DatabaseSettings, Databases, KnownBy};
pub use gazetteer::Record;

use names::NamesRef;

use crate::decode::Address;
use crate::ledger::DropReason;

/// The databases in use, and those before them as long as something refers to them.
pub struct Atlas {
    current: Edition,
    previous: Option<Edition>,
}

/// An edition of the databases.
struct Edition {
    databases: Databases,
    /// Tells its references from those of the edition before and after it.
    odd: bool,
}

/// What matching needs to know of a city record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The city's id at geonames.org.
    pub geoname_id: u32,
    /// 0 when the record does not say.
    pub accuracy_radius_km: u16,
    /// The middle of the city, as this record has it.
    pub coordinates: Coordinates,
    /// The same as a direction from the middle of the Earth.
    pub direction: Direction,
    /// The country that the city is in.
    pub country: CountryCode,
    /// How it is called.
    names: NamesRef,
}

/// A direction from the middle of the Earth, of length 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction([f64; 3]);

impl Direction {
    /// Towards a point on its surface.
    #[must_use]
    pub fn of(point: Coordinates) -> Self {
        let (latitude, longitude) = (point.latitude().to_radians(), point.longitude().to_radians());
        let (up, out) = latitude.sin_cos();
        let (east, front) = longitude.sin_cos();
        Self([out * front, out * east, up])
    }

    /// The square of the straight distance between the two points, in radii of the Earth: 0 to 4.
    #[must_use]
    pub fn chord_squared(self, other: Self) -> f64 {
        self.0.iter().zip(other.0).map(|(one, other)| (one - other) * (one - other)).sum()
    }
}

/// A country by its ISO 3166-1 alpha-2 code; those without one are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// From two letters; anything else is no country.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self(code.as_bytes().try_into().unwrap_or_default())
    }
}

impl Spot {
    /// Whether this record stands for a city rather than `other`: the smaller radius, then latitude, then longitude.
    #[must_use]
    pub fn precedes(&self, other: &Self) -> bool {
        let key = |spot: &Self| (spot.accuracy_radius_km, spot.coordinates);
        key(self) < key(other)
    }
}

/// A [`Spot`] of one of an [`Atlas`]' two editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpotRef(u32);

impl SpotRef {
    /// The highest bit tells the edition, the others the spot in it.
    const ODD: u32 = 1 << 31;

    const fn is_odd(self) -> bool {
        self.0 & Self::ODD != 0
    }

    const fn number(self) -> u32 {
        self.0 & !Self::ODD
    }
}

impl Atlas {
    /// Looks up in `databases`.
    #[must_use]
    pub const fn new(databases: Databases) -> Self {
        Self { current: Edition { databases, odd: false }, previous: None }
    }

    /// From now on looks up in `databases`. What the edition before said stays known until
    /// [`Atlas::forget_previous`]; there must be no edition before that one any more.
    pub fn replace(&mut self, databases: Databases) {
        let next = Edition { databases, odd: !self.current.odd };
        self.previous = Some(std::mem::replace(&mut self.current, next));
    }

    /// Whether an edition from before is still kept.
    #[must_use]
    pub const fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// Nothing refers to the edition before any more.
    pub fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// The edition in use.
    #[must_use]
    pub const fn databases(&self) -> &Databases {
        &self.current.databases
    }

    /// Makes [`Atlas::locate`] fast for addresses that it is asked for soon: their look-ups wait for memory, here side by
    /// side and there one after another.
    pub fn warm_up(&self, addresses: impl Iterator<Item = Address>) {
        self.current.databases.warm_up(addresses);
    }

    /// Where `address` is.
    ///
    /// # Errors
    /// [`DropReason::Anonymous`] or [`DropReason::Unlocated`].
    pub fn locate(&self, address: Address) -> Result<SpotRef, DropReason> {
        Ok(self.current.refer_to(self.current.databases.locate(address)?))
    }

    /// The place of a record that another process has found at an address; none where the database knows nothing of the city,
    /// or is not [known by records](KnownBy::Record).
    pub fn find(&mut self, record: &Record) -> Option<SpotRef> {
        let number = self.current.databases.find_record(record)?;
        Some(self.current.refer_to(number))
    }

    /// What matching needs to know of a place that was found here.
    ///
    /// # Panics
    /// When `spot` is another atlas's, or of an edition that is forgotten.
    #[must_use]
    pub fn spot(&self, spot: SpotRef) -> &Spot {
        self.edition(spot).spot(spot.number())
    }

    /// All that the database knows of a place, with `listener_count` listeners.
    ///
    /// # Panics
    /// When `spot` is another atlas's, or of an edition that is forgotten.
    #[must_use]
    pub fn place(&self, spot: SpotRef, listener_count: u32) -> Place {
        let databases = self.edition(spot);
        let spot = databases.spot(spot.number());
        let names = databases.names(spot);
        Place {
            geoname_id: spot.geoname_id,
            city: names.city,
            country_code: names.country_code,
            country: names.country,
            coordinates: spot.coordinates,
            accuracy_radius_km: spot.accuracy_radius_km.into(),
            listener_count,
            time_zone: names.time_zone,
        }
    }

    fn edition(&self, spot: SpotRef) -> &Databases {
        if spot.is_odd() == self.current.odd {
            return &self.current.databases;
        }
        let previous = self.previous.as_ref().expect("an edition is kept as long as something refers to it");
        &previous.databases
    }
}

impl Edition {
    const fn refer_to(&self, number: u32) -> SpotRef {
        SpotRef(number | if self.odd { SpotRef::ODD } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::test_atlas::AtlasFixture;

    #[test]
    fn a_spot_takes_64_bytes() {
        assert_eq!(size_of::<Spot>(), 64);
    }

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_address_is_located_or_dropped_with_its_reason() {
        let atlas = AtlasFixture::new().open();
        let cases = [
            ("a city", "198.18.0.7", Ok(1)),
            ("another network of it", "198.18.1.7", Ok(1)),
            ("IPv4 in IPv6", "::ffff:198.18.0.7", Ok(1)),
            ("IPv6", "2001:db8:1::9", Ok(2)),
            ("no record", "8.8.8.8", Err(DropReason::Unlocated)),
            ("a country without a city", "198.18.10.1", Err(DropReason::Unlocated)),
            ("no coordinates", "198.18.11.1", Err(DropReason::Unlocated)),
            ("impossible coordinates", "198.18.12.1", Err(DropReason::Unlocated)),
            ("a radius at the limit", "198.18.13.1", Ok(5)),
            ("a radius above it", "198.18.14.1", Err(DropReason::Unlocated)),
            ("no radius", "198.18.15.1", Ok(7)),
            ("a tor exit", "198.18.2.1", Err(DropReason::Anonymous)),
            ("an empty record beside it", "198.18.3.1", Ok(3)),
        ];
        for (name, text, expected) in cases {
            for pass in ["first", "again"] {
                let found = atlas.locate(address(text));
                let found = found.map(|spot| atlas.spot(spot).geoname_id);
                assert_eq!(found, expected, "{name}, {pass}");
            }
        }
    }

    #[test]
    fn without_an_anonymous_database_nobody_hides() {
        let atlas = AtlasFixture::new().open_city_only();
        assert!(atlas.locate(address("198.18.2.1")).is_ok());
    }

    #[test]
    fn a_place_has_its_names_and_time_zone() {
        let atlas = AtlasFixture::new().open();
        let spot = atlas.locate(address("2001:db8:1::9")).unwrap();
        let place = atlas.place(spot, 3);
        assert_eq!(place.city.get(listening_together_proto::Language::Ja), Some("サンパウロ"));
        assert_eq!(place.country.get(listening_together_proto::Language::De), Some("Brasilien"));
        assert_eq!((&*place.country_code, &*place.time_zone), ("BR", "America/Sao_Paulo"));
        assert_eq!(place.listener_count, 3);
    }

    #[test]
    fn unusable_databases_are_refused() {
        let fixture = AtlasFixture::new();
        let mut truncated = std::fs::read(fixture.city()).unwrap();
        truncated.truncate(truncated.len() / 2);
        let broken = fixture.write("broken.mmdb", &truncated);
        let cases = [
            ("missing", fixture.path("none.mmdb"), "expected a MaxMind DB file"),
            ("truncated", broken, "expected a MaxMind DB file"),
            ("of another type", fixture.anonymous_ip(), "expected cities, such as GeoLite2-City"),
        ];
        for (name, city, expected) in cases {
            let settings = DatabaseSettings { city, anonymous_ip: None, ..fixture.settings() };
            let error = settings.open().err().unwrap();
            assert_eq!(error.kind().setting(), "GEOIP_CITY_DB");
            assert!(error.to_string().contains(expected), "{name}: {error}");
        }
    }

    #[test]
    fn what_an_edition_said_is_known_until_it_is_forgotten() {
        let fixture = AtlasFixture::new();
        let mut atlas = fixture.open();
        let before = atlas.locate(address("198.18.0.7")).unwrap();
        atlas.replace(fixture.databases());
        let after = atlas.locate(address("198.18.3.7")).unwrap();
        assert_eq!((atlas.spot(before).geoname_id, atlas.spot(after).geoname_id), (1, 3));
        assert_eq!(atlas.place(before, 1).geoname_id, 1);
        atlas.forget_previous();
        atlas.replace(fixture.databases());
        let again = atlas.locate(address("198.18.0.7")).unwrap();
        assert_eq!((atlas.spot(again).geoname_id, atlas.spot(after).geoname_id), (1, 3));
    }

    proptest::proptest! {
        /// A damaged database is refused, or gives some answer: never a panic, never for ever.
        #[test]
        fn damage_is_refused_or_survived(
            damage in proptest::collection::vec((proptest::num::usize::ANY, proptest::num::u8::ANY), 1..16),
            length in proptest::option::weighted(0.2, 0usize..4000),
        ) {
            let fixture = AtlasFixture::new();
            let mut bytes = std::fs::read(fixture.city()).unwrap();
            for (at, byte) in damage {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            bytes.truncate(length.unwrap_or(usize::MAX));
            let city = fixture.write("damaged.mmdb", &bytes);
            let settings = DatabaseSettings { city, anonymous_ip: None, ..fixture.settings() };
            if let Ok(databases) = settings.open() {
                let atlas = Atlas::new(databases);
                for network in 0..16 {
                    if let Ok(spot) = atlas.locate(Address::from(IpAddr::from([198, 18, network, 1]))) {
                        let _ = atlas.place(spot, 1);
                    }
                }
            }
        }
    }
}
