//! Cities by what a record says of them, for plays that another process has located.
//!
//! The other process may use another edition of the database. What it says of a place counts, also where the edition here
//! has no such record; how the city is called is told by this one, from a record of the same city.

use hashbrown::{HashMap, HashTable};
use listening_together_proto::Coordinates;
use xxhash_rust::xxh3::xxh3_64;

use super::{Direction, Spot};

/// The most records of other editions that are kept: more than a database has of its own.
const MOST_OTHERS: usize = 1 << 20;

/// What a record of a city database says of where a listener is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// The city's id at geonames.org.
    pub geoname_id: u32,
    /// 0 when the record does not say.
    pub accuracy_radius_km: u16,
    /// The middle of the city, as the record has it.
    pub coordinates: Coordinates,
}

/// Finds spots among those of an edition.
pub(super) struct Gazetteer {
    /// The number of the spot of each record.
    by_record: HashTable<u32>,
    /// The number of the spot that stands for each city.
    by_city: HashMap<u32, u32>,
    others: usize,
}

impl Gazetteer {
    /// Of an edition's own `spots`.
    pub(super) fn of(spots: &[Spot]) -> Self {
        let mut gazetteer =
            Self { by_record: HashTable::with_capacity(spots.len()), by_city: HashMap::new(), others: 0 };
        for (number, spot) in (0..).zip(spots) {
            let standing = gazetteer.by_city.entry(spot.geoname_id).or_insert(number);
            if spot.precedes(&spots[*standing as usize]) {
                *standing = number;
            }
            gazetteer.insert(number, spots);
        }
        gazetteer
    }

    /// The number of the spot that a record stands for; one that is new here is added to `spots`. `None` where the edition
    /// knows nothing of the city, or there are too many such records.
    pub(super) fn find(&mut self, record: &Record, spots: &mut Vec<Spot>) -> Option<u32> {
        let is_it = |number: &u32| is_of(&spots[*number as usize], record);
        if let Some(number) = self.by_record.find(hash(record), is_it) {
            return Some(*number);
        }
        let city = *self.by_city.get(&record.geoname_id)?;
        let number = u32::try_from(spots.len()).ok()?;
        if self.others >= MOST_OTHERS {
            return None;
        }
        self.others += 1;
        spots.push(Spot {
            accuracy_radius_km: record.accuracy_radius_km,
            coordinates: record.coordinates,
            direction: Direction::of(record.coordinates),
            ..spots[city as usize]
        });
        self.insert(number, spots);
        Some(number)
    }

    /// Of records that say the same the first is kept.
    fn insert(&mut self, number: u32, spots: &[Spot]) {
        let record = Record::of(&spots[number as usize]);
        let is_it = |number: &u32| is_of(&spots[*number as usize], &record);
        self.by_record
            .entry(hash(&record), is_it, |number| hash(&Record::of(&spots[*number as usize])))
            .or_insert(number);
    }
}

impl Record {
    const fn of(spot: &Spot) -> Self {
        Self {
            geoname_id: spot.geoname_id,
            accuracy_radius_km: spot.accuracy_radius_km,
            coordinates: spot.coordinates,
        }
    }
}

fn is_of(spot: &Spot, record: &Record) -> bool {
    Record::of(spot) == *record
}

fn hash(record: &Record) -> u64 {
    // Adding 0 makes one zero of two.
    let bits = |degrees: f64| (degrees + 0.0).to_bits().to_le_bytes();
    let mut bytes = [0; 22];
    bytes[..4].copy_from_slice(&record.geoname_id.to_le_bytes());
    bytes[4..6].copy_from_slice(&record.accuracy_radius_km.to_le_bytes());
    bytes[6..14].copy_from_slice(&bits(record.coordinates.latitude()));
    bytes[14..].copy_from_slice(&bits(record.coordinates.longitude()));
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::Atlas;
    use crate::test_atlas::AtlasFixture;

    fn atlas() -> Atlas {
        AtlasFixture::new().open_known_by_record()
    }

    fn record(geoname_id: u32, accuracy_radius_km: u16, latitude: f64, longitude: f64) -> Record {
        let coordinates = Coordinates::new(latitude, longitude).unwrap();
        Record { geoname_id, accuracy_radius_km, coordinates }
    }

    #[test]
    fn a_record_of_the_edition_is_found_with_its_names() {
        let mut atlas = atlas();
        let sao_paulo = record(2, 20, -23.5, -46.6);
        let found = atlas.find(&sao_paulo).unwrap();
        assert_eq!(Record::of(atlas.spot(found)), sao_paulo);
        assert_eq!(atlas.find(&sao_paulo), Some(found));
        let place = atlas.place(found, 1);
        assert_eq!(place.city.get(listening_together_proto::Language::Ja), Some("サンパウロ"));
        assert_eq!(&*place.time_zone, "America/Sao_Paulo");
    }

    #[test]
    fn a_record_of_another_edition_is_where_that_says_and_called_as_this_one_says() {
        let mut atlas = atlas();
        let moved = record(2, 5, -23.6, -46.7);
        let found = atlas.find(&moved).unwrap();
        assert_eq!(Record::of(atlas.spot(found)), moved);
        assert_eq!(atlas.spot(found).direction, Direction::of(moved.coordinates));
        assert_eq!(atlas.find(&moved), Some(found), "kept once");
        assert_ne!(atlas.find(&record(2, 20, -23.5, -46.6)), Some(found));
        let place = atlas.place(found, 1);
        assert_eq!((place.geoname_id, &*place.country_code), (2, "BR"));
        assert_eq!(place.coordinates, moved.coordinates);
    }

    #[test]
    fn a_city_that_the_edition_does_not_know_is_not_found() {
        assert_eq!(atlas().find(&record(99, 20, 1.0, 1.0)), None);
    }

    #[test]
    fn the_zeros_are_one() {
        let mut atlas = atlas();
        let found = atlas.find(&record(1, 10, 0.0, -0.0)).unwrap();
        assert_eq!(atlas.find(&record(1, 10, -0.0, 0.0)), Some(found));
    }

    #[test]
    fn addresses_are_not_looked_up_where_records_are() {
        let address = std::net::IpAddr::from([198, 18, 0, 1]).into();
        assert!(atlas().locate(address).is_err());
    }
}
