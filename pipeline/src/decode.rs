//! decode: bytes of a message -> [`Play`], or a [`Rejection`] with its reason.

mod wire;

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use listening_together_proto::Timestamp;
use listening_together_proto::id::check_id_length;

use crate::user::UserId;
use wire::WirePlay;

/// One press of play, checked. Its texts are still in the message that it came in: nothing is copied or allocated for
/// a play.
///
/// It has no `Debug`: what it holds of a person must not be printable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Play<'a> {
    /// Who: only to tell listeners apart.
    pub user: UserId<'a>,
    /// What: a track id, 1 to 128 bytes.
    pub track: &'a str,
    /// Where from.
    pub address: Address,
    /// When, by the reporter's clock.
    pub played_at: Timestamp,
}

/// Why a message is no play. It goes to the dead-letter topic with this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It does not decode, lacks a field, or has an id, an address or a time of an impossible size.
    Malformed,
    /// It was played after now by more than is allowed.
    Future,
}

/// A canonical IP address: IPv4 also where it came mapped into IPv6. Ordered by its bytes, a shorter one before its
/// continuations. Its `Debug` does not tell it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    bytes: [u8; 16],
    length: u8,
}

impl Address {
    /// From 4 or 16 bytes in network order; `None` for any other length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let address = if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
            IpAddr::from(v4)
        } else {
            IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)
        };
        Some(Self::from(address))
    }

    /// The bytes in network order: 4 or 16.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        let mut bytes = [0; 16];
        let length = match address.to_canonical() {
            IpAddr::V4(v4) => {
                bytes[..4].copy_from_slice(&v4.octets());
                4
            }
            IpAddr::V6(v6) => {
                bytes = v6.octets();
                16
            }
        };
        Self { bytes, length }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        let [a, b, c, d, ..] = address.bytes;
        if address.length == 4 { Self::from([a, b, c, d]) } else { Self::from(address.bytes) }
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// Decodes the data of a message on the plays topic that is received `now`.
///
/// # Errors
/// With the reason for which it is rejected.
pub fn decode(data: &[u8], now: Timestamp, max_future_skew: Duration) -> Result<Play<'_>, Rejection> {
    let play = check(WirePlay::parse(data)).ok_or(Rejection::Malformed)?;
    if play.played_at > now + max_future_skew {
        return Err(Rejection::Future);
    }
    Ok(play)
}

fn check(wire: Option<WirePlay<'_>>) -> Option<Play<'_>> {
    let wire = wire?;
    check_id_length(wire.user_id.as_bytes()).ok()?;
    check_id_length(wire.track_id.as_bytes()).ok()?;
    Some(Play {
        user: UserId::new(wire.user_id),
        track: wire.track_id,
        address: Address::from_bytes(wire.ip_address)?,
        played_at: Timestamp::try_from(&wire.played_at?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use listening_together_proto::v1;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const SKEW: Duration = Duration::from_secs(5);

    fn wire() -> v1::Play {
        v1::Play {
            user_id: "user".into(),
            track_id: "track".into(),
            ip_address: Bytes::from_static(&[198, 18, 0, 1]),
            played_at: Some(NOW.into()),
        }
    }

    fn rejection(play: &v1::Play) -> Option<Rejection> {
        decode(&play.encode_to_vec(), NOW, SKEW).err()
    }

    #[test]
    fn a_play_is_what_was_sent() {
        let data = wire().encode_to_vec();
        let play = decode(&data, NOW, SKEW).ok().unwrap();
        assert_eq!(play.track, "track");
        assert_eq!(play.address.as_bytes(), [198, 18, 0, 1]);
        assert_eq!(play.played_at, NOW);
        assert!(play.user == UserId::new("user") && play.user != UserId::new("other"));
    }

    #[test]
    fn impossible_fields_are_malformed() {
        type Damage = fn(&mut v1::Play);
        let cases: [(&str, Damage); 9] = [
            ("no user", |play| play.user_id.clear()),
            ("long user", |play| play.user_id = "u".repeat(129)),
            ("no track", |play| play.track_id.clear()),
            ("long track", |play| play.track_id = "t".repeat(129)),
            ("no address", |play| play.ip_address.clear()),
            ("address of 5 bytes", |play| play.ip_address = vec![1; 5].into()),
            ("address of 17 bytes", |play| play.ip_address = vec![1; 17].into()),
            ("no time", |play| play.played_at = None),
            ("absurd time", |play| {
                play.played_at = Some(prost_types::Timestamp { seconds: 0, nanos: -1 });
            }),
        ];
        for (name, damage) in cases {
            let mut play = wire();
            damage(&mut play);
            assert_eq!(rejection(&play), Some(Rejection::Malformed), "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_play_are_malformed() {
        let mut not_utf8 = wire().encode_to_vec();
        not_utf8[2] = 0xff;
        for (name, data) in
            [("empty", vec![]), ("noise", vec![0xff; 40]), ("an id that is not UTF-8", not_utf8)]
        {
            assert_eq!(decode(&data, NOW, SKEW).err(), Some(Rejection::Malformed), "{name}");
        }
    }

    #[test]
    fn a_little_future_is_allowed() {
        for (ahead, rejected) in [(5000, false), (5001, true)] {
            let played_at = NOW + Duration::from_millis(ahead);
            let play = v1::Play { played_at: Some(played_at.into()), ..wire() };
            assert_eq!(rejection(&play) == Some(Rejection::Future), rejected, "{ahead} ms");
        }
    }

    #[test]
    fn a_mapped_address_is_ipv4() {
        let mapped: IpAddr = "::ffff:198.18.0.1".parse().unwrap();
        assert_eq!(Address::from(mapped).as_bytes(), [198, 18, 0, 1]);
        assert_eq!(IpAddr::from(Address::from(mapped)).to_string(), "198.18.0.1");
    }

    #[test]
    fn addresses_are_ordered_by_their_bytes() {
        let of = |text: &str| Address::from(text.parse::<IpAddr>().unwrap());
        assert!(of("32.1.13.184") < of("2001:db8::"), "a prefix comes first");
        assert!(of("32.1.13.185") > of("2001:db8::"));
        assert!(of("9.0.0.0") < of("10.0.0.0"), "not by text");
    }

    #[test]
    fn a_person_cannot_be_printed() {
        let data = wire().encode_to_vec();
        let play = decode(&data, NOW, SKEW).ok().unwrap();
        assert_eq!(format!("{:?}", play.address), "Address(..)");
        assert!(!format!("{:?}", wire()).contains("user\""));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_play_or_a_rejection(data in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&data, NOW, SKEW);
        }

        #[test]
        fn it_accepts_what_the_generated_type_and_the_rules_accept(
            mut data in Just(wire().encode_to_vec()),
            at in 0usize..40,
            byte in any::<u8>(),
        ) {
            let at = at % data.len();
            data[at] = byte;
            let accepted = v1::Play::decode(&data[..]).is_ok_and(|play| {
                (1..=128).contains(&play.user_id.len())
                    && (1..=128).contains(&play.track_id.len())
                    && [4, 16].contains(&play.ip_address.len())
                    && play.played_at.is_some_and(|time| Timestamp::try_from(&time).is_ok())
            });
            let ours = decode(&data, NOW, Duration::from_secs(1 << 40));
            prop_assert_eq!(ours.is_ok(), accepted);
        }
    }
}
