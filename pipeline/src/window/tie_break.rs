//! Which of a user's plays of one millisecond counts.

use std::fmt;

use listening_together_proto::Coordinates;

use crate::decode::Address;

/// What tells plays of one user in one millisecond apart: the smaller counts.
///
/// Where addresses are known it is the address, by its bytes. Where they are not, because plays were located by another
/// process, it is the place: the smallest geoname id, then accuracy radius, latitude and longitude. Either is the same in
/// whatever order plays come; the two never meet in one process. It cannot be printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TieBreak {
    bytes: [u8; Self::BYTES],
    /// An address of IPv4 comes before one of IPv6 that goes on after the same bytes.
    last_bit: bool,
}

impl TieBreak {
    pub(super) const BYTES: usize = 16;

    /// By a place; its coordinates to a millionth of a degree, which is finer than databases give them.
    #[must_use]
    pub fn of_place(geoname_id: u32, accuracy_radius_km: u16, coordinates: Coordinates) -> Self {
        let millionths = |degrees: f64| (degrees * 1e6).round() as u32;
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&geoname_id.to_be_bytes());
        bytes[4..6].copy_from_slice(&accuracy_radius_km.to_be_bytes());
        bytes[6..10].copy_from_slice(&millionths(coordinates.latitude() + 90.0).to_be_bytes());
        bytes[10..14].copy_from_slice(&millionths(coordinates.longitude() + 180.0).to_be_bytes());
        Self { bytes, last_bit: false }
    }

    pub(super) const fn to_parts(self) -> ([u8; Self::BYTES], bool) {
        (self.bytes, self.last_bit)
    }
}

impl From<Address> for TieBreak {
    fn from(address: Address) -> Self {
        let address = address.as_bytes();
        let mut bytes = [0; Self::BYTES];
        bytes[..address.len()].copy_from_slice(address);
        Self { bytes, last_bit: address.len() == Self::BYTES }
    }
}

impl fmt::Debug for TieBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TieBreak(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    fn place(geoname_id: u32, radius: u16, latitude: f64, longitude: f64) -> TieBreak {
        TieBreak::of_place(geoname_id, radius, Coordinates::new(latitude, longitude).unwrap())
    }

    #[test]
    fn places_are_ordered_by_id_then_radius_then_coordinates() {
        let ascending = [
            place(1, 200, 90.0, 180.0),
            place(2, 1, 90.0, 180.0),
            place(2, 10, -90.0, 180.0),
            place(2, 10, -0.0001, 0.0),
            place(2, 10, 0.0, -180.0),
            place(2, 10, 0.0, 13.4),
            place(2, 10, 0.0, 13.4001),
            place(256, 0, 0.0, 0.0),
        ];
        assert!(ascending.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn it_cannot_be_printed() {
        let address: IpAddr = "198.18.0.1".parse().unwrap();
        assert_eq!(format!("{:?}", TieBreak::from(Address::from(address))), "TieBreak(..)");
    }

    proptest! {
        #[test]
        fn addresses_are_ordered_as_their_bytes_are(
            one in any::<u128>(), other in any::<u128>(), v4 in prop::array::uniform2(any::<bool>()), shift in 0u32..128,
        ) {
            // Near one another, or anywhere.
            let bytes = [one, one ^ (other >> shift)].map(u128::to_be_bytes);
            let address = |index: usize| if v4[index] { &bytes[index][..4] } else { &bytes[index][..] };
            let [one, other] = [0, 1].map(|index| Address::from_bytes(address(index)).unwrap());
            prop_assert_eq!(TieBreak::from(one).cmp(&TieBreak::from(other)), one.as_bytes().cmp(other.as_bytes()));
        }
    }
}
