//! A few thousand plays whose every byte is known: what most listeners send, and some of all that can be wrong.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use listening_together_proto::v1;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The plays were pressed within so many milliseconds before `now_ms`.
pub const SPREAD_MS: i64 = 2500;

/// `count` messages and some duplicates of them, of plays in the time before `now_ms`, in no order.
#[must_use]
pub fn known_plays(count: usize, now_ms: i64, seed: u64) -> Vec<Bytes> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut messages: Vec<Bytes> = Vec::with_capacity(count);
    for _ in 0..count {
        let message = match random.random_range(0..100) {
            0 => malformed(&mut random, now_ms),
            1 => future(&mut random, now_ms),
            2..=5 if !messages.is_empty() => messages[random.random_range(0..messages.len())].clone(),
            _ => play(&mut random, now_ms).encode_to_vec().into(),
        };
        messages.push(message);
    }
    messages
}

fn play(random: &mut StdRng, now_ms: i64) -> v1::Play {
    // Some tracks are everyone's, some nobody else's.
    let track = (1.0 / random.random_range(0.003..1.0f64)) as u32;
    v1::Play {
        user_id: format!("user-{}", random.random_range(0..400)),
        track_id: format!("track-{track}"),
        ip_address: address(random),
        played_at: Some(timestamp(now_ms - random.random_range(0..SPREAD_MS))),
    }
}

fn address(random: &mut StdRng) -> Bytes {
    let host = random.random_range(1..=254);
    let demo_city = [198, 18 + random.random_range(0..2), random.random_range(0..=255), host];
    match random.random_range(0..20) {
        // Without a record, or flagged as anonymous.
        0 => Bytes::copy_from_slice(&[8, 8, 8, host]),
        1 => Bytes::copy_from_slice(&[203, 0, 113, host]),
        // IPv4 mapped into IPv6.
        2 => Bytes::copy_from_slice(&Ipv4Addr::from(demo_city).to_ipv6_mapped().octets()),
        3..=5 => {
            // The first or the second record of a city.
            let network = [0, 0xe000][random.random_range(0..2)] + random.random_range(0..0x3c0);
            let address = Ipv6Addr::new(0x2001, 0xdb8, network, 0, 0, 0, 0, host.into());
            Bytes::copy_from_slice(&address.octets())
        }
        _ => Bytes::copy_from_slice(&demo_city),
    }
}

fn malformed(random: &mut StdRng, now_ms: i64) -> Bytes {
    let mut play = play(random, now_ms);
    match random.random_range(0..6) {
        0 => return Bytes::from_static(b"\xff\xff no protobuf"),
        1 => play.user_id.clear(),
        2 => play.track_id = "t".repeat(129),
        3 => play.ip_address = Bytes::from_static(&[1, 2, 3]),
        4 => play.played_at = None,
        _ => play.ip_address = Bytes::new(),
    }
    play.encode_to_vec().into()
}

fn future(random: &mut StdRng, now_ms: i64) -> Bytes {
    let mut play = play(random, now_ms);
    play.played_at = Some(timestamp(now_ms + 3_600_000));
    play.encode_to_vec().into()
}

fn timestamp(millis: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(millis.rem_euclid(1000) * 1_000_000).expect("a second has 10^9 nanoseconds");
    prost_types::Timestamp { seconds: millis.div_euclid(1000), nanos }
}
