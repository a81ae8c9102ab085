//! The messages between the two stages: the plays of one message of the located-plays topic.
//!
//! A play goes into a message as bytes, so that those that wait for others cost no more than they take there. Neither a
//! user id nor an address is in one: [`write_play`] is not given them.

use bytes::Bytes;
use listening_together_proto::id::check_id_length;
use listening_together_proto::{Coordinates, Timestamp, v1};
use prost::Message as _;
use prost::encoding::message;

use crate::locate::{Record, Spot};
use crate::user::UserKey;

/// A play whose place is known.
pub struct Located {
    /// Who.
    pub user: UserKey,
    /// What: a track id, 1 to 128 bytes.
    pub track: String,
    /// When.
    pub played_at: Timestamp,
    /// Where: what the database of the first stage says of the listener's network.
    pub record: Record,
}

/// What came in one message.
pub struct LocatedPlays {
    /// At least one.
    pub plays: Vec<Located>,
    /// How far event time had come for their process when it received the last of them.
    pub seen_until: Timestamp,
}

/// A message is none that a first stage publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The fields of [`v1::LocatedPlays`].
const PLAYS: u32 = 1;
const SEEN_UNTIL: u32 = 2;

/// Writes one more play into a message.
pub fn write_play(message: &mut Vec<u8>, user: UserKey, track: &str, played_at: Timestamp, spot: &Spot) {
    let play = v1::LocatedPlay {
        user_hash: Bytes::copy_from_slice(&user.to_bytes()),
        track_id: track.to_owned(),
        played_at: Some(played_at.into()),
        geoname_id: spot.geoname_id,
        accuracy_radius_km: spot.accuracy_radius_km.into(),
        latitude: spot.coordinates.latitude(),
        longitude: spot.coordinates.longitude(),
    };
    message::encode(PLAYS, &play, message);
}

/// Writes how far event time had come into a message of plays: the last of it.
pub fn write_end(message: &mut Vec<u8>, seen_until: Timestamp) {
    message::encode(SEEN_UNTIL, &prost_types::Timestamp::from(seen_until), message);
}

/// Reads a message. It is taken whole or not at all: it comes from a process of ours, and what is wrong with one of its
/// plays is wrong with the process.
///
/// # Errors
/// When it does not decode, has no play, or lacks something or has it in an impossible size.
pub fn decode(data: Bytes) -> Result<LocatedPlays, Malformed> {
    let wire = v1::LocatedPlays::decode(data).map_err(|_| Malformed)?;
    if wire.plays.is_empty() {
        return Err(Malformed);
    }
    let plays = wire.plays.into_iter().map(Located::try_from).collect::<Result<_, _>>()?;
    Ok(LocatedPlays { plays, seen_until: time(wire.seen_until)? })
}

impl TryFrom<v1::LocatedPlay> for Located {
    type Error = Malformed;

    fn try_from(wire: v1::LocatedPlay) -> Result<Self, Malformed> {
        check_id_length(wire.track_id.as_bytes()).map_err(|_| Malformed)?;
        let user = <[u8; UserKey::BYTES]>::try_from(&wire.user_hash[..]).map_err(|_| Malformed)?;
        if wire.geoname_id == 0 {
            return Err(Malformed);
        }
        Ok(Self {
            user: UserKey::from_bytes(user),
            track: wire.track_id,
            played_at: time(wire.played_at)?,
            record: Record {
                geoname_id: wire.geoname_id,
                accuracy_radius_km: u16::try_from(wire.accuracy_radius_km).map_err(|_| Malformed)?,
                coordinates: Coordinates::new(wire.latitude, wire.longitude).ok_or(Malformed)?,
            },
        })
    }
}

fn time(wire: Option<prost_types::Timestamp>) -> Result<Timestamp, Malformed> {
    Timestamp::try_from(&wire.ok_or(Malformed)?).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::decode::Address;
    use crate::test_atlas::AtlasFixture;
    use crate::user::{UserHash, UserHashKey, UserId};

    const SEEN: Timestamp = Timestamp::from_millis(1_700_000_000_999);
    const USER: &str = "a user id that must not be seen";
    const LIMA: [u8; 4] = [198, 18, 3, 77];

    /// Two plays of one user, a millisecond apart, written as a first stage does.
    fn written() -> Vec<u8> {
        let key = UserHashKey::parse(&"0f".repeat(32)).unwrap();
        let user = UserHash::keyed(&key).of(UserId::new(USER));
        let atlas = AtlasFixture::new().open();
        let spot = *atlas.spot(atlas.locate(Address::from(IpAddr::from(LIMA))).unwrap());
        let mut message = Vec::new();
        for millis in [500, 501] {
            write_play(&mut message, user, "song", Timestamp::from_millis(1_700_000_000_000 + millis), &spot);
        }
        write_end(&mut message, SEEN);
        message
    }

    fn wire() -> v1::LocatedPlays {
        v1::LocatedPlays::decode(&written()[..]).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let read = decode(written().into()).ok().unwrap();
        assert_eq!((read.plays.len(), read.seen_until), (2, SEEN));
        assert!(read.plays[0].user == read.plays[1].user);
        let [first, second] = [0, 1].map(|index| read.plays[index].played_at);
        assert_eq!((first.as_millis(), second.as_millis()), (1_700_000_000_500, 1_700_000_000_501));
        let record = read.plays[0].record;
        assert_eq!((record.geoname_id, record.accuracy_radius_km), (3, 20));
        assert_eq!(record.coordinates, Coordinates::new(-12.0, -77.0).unwrap());
        assert_eq!(read.plays[0].track, "song");
    }

    #[test]
    fn neither_address_nor_user_is_in_a_message() {
        let message = written();
        let contains = |bytes: &[u8]| message.windows(bytes.len()).any(|window| window == bytes);
        assert!(contains(b"song"));
        assert!(!contains(USER.as_bytes()) && !contains(&LIMA) && !contains(b"198.18.3.77"));
        assert!(!format!("{:?}", wire()).contains("user_hash"));
    }

    #[test]
    fn a_message_is_taken_whole_or_not_at_all() {
        type Damage = fn(&mut v1::LocatedPlays);
        let cases: [(&str, Damage); 10] = [
            ("no play", |message| message.plays.clear()),
            ("no event time", |message| message.seen_until = None),
            ("no user", |message| message.plays[1].user_hash.clear()),
            ("a long user", |message| message.plays[1].user_hash = vec![1; 17].into()),
            ("no track", |message| message.plays[1].track_id.clear()),
            ("a long track", |message| message.plays[1].track_id = "t".repeat(129)),
            ("no time", |message| message.plays[1].played_at = None),
            ("no city", |message| message.plays[1].geoname_id = 0),
            ("an impossible radius", |message| message.plays[1].accuracy_radius_km = 65_536),
            ("an impossible place", |message| message.plays[1].latitude = 90.1),
        ];
        assert!(decode(wire().encode_to_vec().into()).is_ok());
        for (name, damage) in cases {
            let mut message = wire();
            damage(&mut message);
            assert_eq!(decode(message.encode_to_vec().into()).err(), Some(Malformed), "{name}");
        }
        assert_eq!(decode(Bytes::from_static(b"\xff\xff")).err(), Some(Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_malformed(
            data in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| {
                    let mut message = written();
                    let at = at.index(message.len());
                    message[at] = byte;
                    message
                }),
            ],
        ) {
            if let Ok(message) = decode(data.into()) {
                prop_assert!(!message.plays.is_empty());
            }
        }
    }
}
