//! locate: an IP address -> a place, unless the address hides where it is.
//!
//! Thousands of addresses share one record of a city database. What matching needs of a record is decoded once and
//! kept beside the reader ([`Spot`]); the names in eight languages are decoded again only for the few places that are
//! published. Memory is bounded by the number of records in the database (some 90 bytes for each that was met).
//!
//! A new edition of the databases takes over at once for the plays that come. The edition before it is kept until nothing
//! refers to it any more: the spots of windows that are still open are its own.

mod databases;

use std::net::IpAddr;

use hashbrown::HashMap;
use listening_together_proto::{Coordinates, Place};
use maxminddb::MaxMindDbError;

use databases::{AnonymousIpRecord, CityRecord};
pub use databases::{DatabaseError, DatabaseKind, DatabasePaths, Databases};

use crate::decode::Address;
use crate::ledger::DropReason;

/// The databases, and what has been looked up in them.
pub struct Atlas {
    max_accuracy_radius_km: u32,
    current: Edition,
    previous: Option<Edition>,
    failed_lookups: u64,
}

/// An edition of the databases, with what has been looked up in it.
struct Edition {
    databases: Databases,
    /// Tells its references from those of the edition before and after it.
    odd: bool,
    /// What a city record holds, by its offset in the database; `None` is a record that locates nobody.
    spots_by_record: HashMap<usize, Option<SpotRef>>,
    spots: Vec<Spot>,
    /// Whether a record of the anonymous IP database hides an address, by its offset.
    hiding_by_record: HashMap<usize, bool>,
}

/// What matching needs to know of a city record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The city's id at geonames.org.
    pub geoname_id: u32,
    /// 0 when the record does not say.
    pub accuracy_radius_km: u32,
    /// The middle of the city, as this record has it.
    pub coordinates: Coordinates,
    /// The same as a direction from the middle of the Earth.
    pub direction: Direction,
    /// The country that the city is in.
    pub country: CountryCode,
    /// An address of the record's network, to find the record again.
    network: Address,
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

    const fn index(self) -> usize {
        (self.0 & !Self::ODD) as usize
    }
}

impl Atlas {
    /// Looks up in `databases`; a record less accurate than `max_accuracy_radius_km` locates nobody.
    #[must_use]
    pub fn new(databases: Databases, max_accuracy_radius_km: u32) -> Self {
        let current = Edition::new(databases, false);
        Self { max_accuracy_radius_km, current, previous: None, failed_lookups: 0 }
    }

    /// From now on looks up in `databases`. What the edition before said stays known until
    /// [`Atlas::forget_previous`]; there must be no edition before that one any more.
    pub fn replace(&mut self, databases: Databases) {
        let next = Edition::new(databases, !self.current.odd);
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

    /// Where `address` is.
    ///
    /// # Errors
    /// [`DropReason::Anonymous`] or [`DropReason::Unlocated`].
    pub fn locate(&mut self, address: Address) -> Result<SpotRef, DropReason> {
        let ip = IpAddr::from(address);
        if self.hides(ip) {
            return Err(DropReason::Anonymous);
        }
        self.spot_at(ip).ok_or(DropReason::Unlocated)
    }

    /// What matching needs to know of a place that [`Atlas::locate`] found.
    ///
    /// # Panics
    /// When `spot` is another atlas's, or of an edition that is forgotten.
    #[must_use]
    pub fn spot(&self, spot: SpotRef) -> &Spot {
        &self.edition(spot).spots[spot.index()]
    }

    /// All that the database knows of a place, with `listener_count` listeners.
    ///
    /// # Panics
    /// When `spot` is another atlas's, or of an edition that is forgotten.
    #[must_use]
    pub fn place(&self, spot: SpotRef, listener_count: u32) -> Place {
        let edition = self.edition(spot);
        let spot = &edition.spots[spot.index()];
        let names = edition.databases.names(spot.network.into());
        Place {
            geoname_id: spot.geoname_id,
            city: names.city,
            country_code: names.country_code,
            country: names.country,
            coordinates: spot.coordinates,
            accuracy_radius_km: spot.accuracy_radius_km,
            listener_count,
            time_zone: names.time_zone,
        }
    }

    /// Lookups that a damaged record made fail.
    #[must_use]
    pub const fn failed_lookups(&self) -> u64 {
        self.failed_lookups
    }

    fn edition(&self, spot: SpotRef) -> &Edition {
        if spot.is_odd() == self.current.odd {
            return &self.current;
        }
        self.previous.as_ref().expect("an edition is kept as long as something refers to it")
    }

    fn hides(&mut self, ip: IpAddr) -> bool {
        let edition = &mut self.current;
        let found = match edition.databases.anonymous_ip(ip) {
            None => return false,
            Some(Ok(found)) => found,
            // An IPv6 address in a database of IPv4 addresses is not in it.
            Some(Err(MaxMindDbError::InvalidInput { .. })) => return false,
            Some(Err(_)) => {
                self.failed_lookups += 1;
                return true;
            }
        };
        let Some(record) = found.offset() else { return false };
        *edition.hiding_by_record.entry(record).or_insert_with(|| match found.decode::<AnonymousIpRecord>() {
            Ok(flags) => flags.is_some_and(|flags| flags.hides()),
            // Who cannot be shown not to hide is treated as hiding.
            Err(_) => true,
        })
    }

    fn spot_at(&mut self, ip: IpAddr) -> Option<SpotRef> {
        let edition = &mut self.current;
        let found = match edition.databases.city(ip) {
            Ok(found) => found,
            Err(error) => {
                self.failed_lookups += u64::from(!matches!(error, MaxMindDbError::InvalidInput { .. }));
                return None;
            }
        };
        let record = found.offset()?;
        if let Some(known) = edition.spots_by_record.get(&record) {
            return *known;
        }
        let decoded = found.decode::<CityRecord<'_>>();
        self.failed_lookups += u64::from(decoded.is_err());
        let network = found.network().map(|network| Address::from(network.ip()));
        let spot = match (decoded, network) {
            (Ok(Some(city)), Ok(network)) => spot_of(&city, network, self.max_accuracy_radius_km),
            _ => None,
        };
        let spot = spot.map(|spot| Edition::add(&mut edition.spots, edition.odd, spot));
        edition.spots_by_record.insert(record, spot);
        spot
    }
}

impl Edition {
    fn new(databases: Databases, odd: bool) -> Self {
        Self {
            databases,
            odd,
            spots_by_record: HashMap::new(),
            spots: Vec::new(),
            hiding_by_record: HashMap::new(),
        }
    }

    fn add(spots: &mut Vec<Spot>, odd: bool, spot: Spot) -> SpotRef {
        spots.push(spot);
        let index = u32::try_from(spots.len() - 1).expect("a database has fewer than 2^31 records");
        SpotRef(index | if odd { SpotRef::ODD } else { 0 })
    }
}

/// Where a record is, if it is known well enough.
fn spot_of(city: &CityRecord<'_>, network: Address, max_accuracy_radius_km: u32) -> Option<Spot> {
    let coordinates = city.coordinates()?;
    let spot = Spot {
        geoname_id: city.geoname_id()?,
        accuracy_radius_km: city.accuracy_radius_km(),
        coordinates,
        direction: Direction::of(coordinates),
        country: CountryCode::new(city.country_code()),
        network,
    };
    (spot.accuracy_radius_km <= max_accuracy_radius_km).then_some(spot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_atlas::AtlasFixture;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_address_is_located_or_dropped_with_its_reason() {
        let mut atlas = AtlasFixture::new().open();
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
        let mut atlas = AtlasFixture::new().open_city_only();
        assert!(atlas.locate(address("198.18.2.1")).is_ok());
    }

    #[test]
    fn a_place_has_its_names_and_time_zone() {
        let mut atlas = AtlasFixture::new().open();
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
            let error = DatabasePaths { city, anonymous_ip: None }.open().err().unwrap();
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
            if let Ok(databases) = (DatabasePaths { city, anonymous_ip: None }).open() {
                let mut atlas = Atlas::new(databases, 200);
                for network in 0..16 {
                    if let Ok(spot) = atlas.locate(Address::from(IpAddr::from([198, 18, network, 1]))) {
                        let _ = atlas.place(spot, 1);
                    }
                }
            }
        }
    }
}
