//! Places on Earth, and how far apart they are.

use crate::language::Names;

/// The mean radius of the Earth (IUGG), in kilometres.
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// A length in kilometres: finite, not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Kilometres(f64);

impl Kilometres {
    /// `None` for what is negative, infinite or not a number.
    #[must_use]
    pub const fn new(km: f64) -> Option<Self> {
        if km.is_finite() && km >= 0.0 { Some(Self(km)) } else { None }
    }

    /// The number of kilometres.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0
    }
}

/// A point on Earth in degrees, WGS 84: latitude -90 to 90, longitude -180 to 180.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Coordinates {
    latitude: f64,
    longitude: f64,
}

impl Coordinates {
    /// `None` outside the ranges, or for what is not a number.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let valid = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        valid.then_some(Self { latitude, longitude })
    }

    /// Degrees north.
    #[must_use]
    pub const fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    #[must_use]
    pub const fn longitude(self) -> f64 {
        self.longitude
    }

    /// The great-circle distance (haversine: well conditioned for near points, good to metres for antipodes).
    #[must_use]
    pub fn distance_to(self, other: Self) -> Kilometres {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_chord = |angle: f64| (angle / 2.0).sin().powi(2);
        let a = half_chord(to - from)
            + from.cos() * to.cos() * half_chord((other.longitude - self.longitude).to_radians());
        Kilometres(2.0 * EARTH_RADIUS_KM * a.clamp(0.0, 1.0).sqrt().asin())
    }
}

/// A city, with the number of a session's listeners who are there.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The city's id at geonames.org.
    pub geoname_id: u32,
    /// Its name.
    pub city: Names,
    /// ISO 3166-1 alpha-2, empty when unknown.
    pub country_code: Box<str>,
    /// Its country's name.
    pub country: Names,
    /// The middle of the city.
    pub coordinates: Coordinates,
    /// Around the coordinates, in kilometres: where the database thinks that its addresses are.
    pub accuracy_radius_km: u32,
    /// How many of the session's listeners are here.
    pub listener_count: u32,
    /// IANA time zone, empty when unknown.
    pub time_zone: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn km(from: (f64, f64), to: (f64, f64)) -> f64 {
        let [from, to] = [from, to].map(|(lat, lon)| Coordinates::new(lat, lon).unwrap());
        assert_eq!(from.distance_to(to), to.distance_to(from), "the same both ways");
        from.distance_to(to).as_f64()
    }

    #[test]
    fn distances() {
        let half_way_round = std::f64::consts::PI * EARTH_RADIUS_KM;
        let cases = [
            ("nowhere", (52.5, 13.4), (52.5, 13.4), 0.0),
            ("pole to pole", (90.0, 0.0), (-90.0, 77.0), half_way_round),
            ("antipodes", (12.0, 20.0), (-12.0, -160.0), half_way_round),
            ("across the antimeridian", (0.0, 179.5), (0.0, -179.5), half_way_round / 180.0),
            ("one pole, two longitudes", (90.0, 10.0), (90.0, -120.0), 0.0),
            ("Berlin - Sao Paulo", (52.5, 13.3667), (-23.5333, -46.6167), 10_246.95),
        ];
        for (name, from, to, expected) in cases {
            let found = km(from, to);
            assert!((found - expected).abs() < 0.1, "{name}: {found} instead of {expected}");
        }
    }

    #[test]
    fn impossible_coordinates_are_refused() {
        for (latitude, longitude) in
            [(90.1, 0.0), (-90.1, 0.0), (0.0, 180.1), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::NAN)]
        {
            assert_eq!(Coordinates::new(latitude, longitude), None, "{latitude} {longitude}");
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for km in [-0.1, f64::INFINITY, f64::NAN] {
            assert_eq!(Kilometres::new(km), None, "{km}");
        }
    }
}
