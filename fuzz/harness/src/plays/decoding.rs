//! Whether `decode`, which reads a play in place, takes what the generated type and the rules of a play take.
//!
//! It has no licence to differ: every message is accepted by both, with the same fields, or rejected by both for the same
//! reason.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use listening_together_proto::{Timestamp, v1};
use pipeline::decode::{Play, Rejection, decode};
use prost::Message as _;

/// The play in `data` if it is one, read by the generated type.
pub(super) fn check(data: &[u8], now: Timestamp, max_future_skew: Duration) -> Option<v1::Play> {
    let expected = expected(data, now, max_future_skew);
    match (decode(data, now, max_future_skew), &expected) {
        (Ok(found), Ok(expected)) => check_fields(&found, expected, now, max_future_skew),
        (Err(found), Err(expected)) => assert_eq!(found, *expected, "the reason of a rejection"),
        (Ok(_), Err(expected)) => panic!("a play is accepted that is {expected:?}"),
        (Err(found), Ok(_)) => panic!("a play is rejected as {found:?}"),
    }
    expected.ok()
}

fn check_fields(found: &Play<'_>, expected: &v1::Play, now: Timestamp, max_future_skew: Duration) {
    assert_eq!(found.track, expected.track_id, "track");
    assert_eq!(Some(found.address.as_bytes().to_vec()), canonical(&expected.ip_address), "address");
    assert_eq!(Some(found.played_at.as_millis()), expected.played_at.as_ref().and_then(millis), "time");
    // The user is kept as a hash: the same as of the same play in the usual encoding, another than someone else's.
    let usual = expected.encode_to_vec();
    assert!(decode(&usual, now, max_future_skew) == Ok(*found), "the same play in the usual encoding");
    let user_id = expected.user_id.chars().rev().chain(['x']).collect::<String>();
    if user_id.len() <= 128 {
        let other = v1::Play { user_id, ..expected.clone() }.encode_to_vec();
        let other = decode(&other, now, max_future_skew);
        assert!(other.is_ok_and(|other| other.user != found.user), "two users are one");
    }
}

fn expected(data: &[u8], now: Timestamp, max_future_skew: Duration) -> Result<v1::Play, Rejection> {
    // An owned buffer: the generated type then keeps slices of it, as it does of a received message.
    let play = v1::Play::decode(Bytes::copy_from_slice(data)).map_err(|_| Rejection::Malformed)?;
    let is_id = |id: &str| (1..=128).contains(&id.len());
    let played_at = play.played_at.as_ref().and_then(millis).ok_or(Rejection::Malformed)?;
    if !is_id(&play.user_id) || !is_id(&play.track_id) || canonical(&play.ip_address).is_none() {
        return Err(Rejection::Malformed);
    }
    let skew = i64::try_from(max_future_skew.as_millis()).unwrap_or(i64::MAX);
    if played_at > now.as_millis().saturating_add(skew) { Err(Rejection::Future) } else { Ok(play) }
}

/// 4 or 16 bytes, 4 where an IPv4 address is mapped into IPv6.
fn canonical(address: &[u8]) -> Option<Vec<u8>> {
    let address = match address.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
        _ => return None,
    };
    Some(match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    })
}

/// Milliseconds since the epoch, floored, of an instant in the years 1 to 9999.
pub(super) fn millis(time: &prost_types::Timestamp) -> Option<i64> {
    let valid = (-62_135_596_800..=253_402_300_799).contains(&time.seconds)
        && (0..=999_999_999).contains(&time.nanos);
    valid.then(|| time.seconds * 1000 + i64::from(time.nanos / 1_000_000))
}
