//! One message for the plays topic, and what is known about it.

use std::net::IpAddr;

use bytes::Bytes;
use listening_together_proto::v1::Play;
use prost::Message as _;

/// What a pipeline should make of a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlayKind {
    /// In time, from a city.
    Located,
    /// From an address that hides where it is.
    Anonymous,
    /// From an address in no city, or in one that is known only roughly.
    Unlocatable,
    /// Its window is long closed.
    Late,
    /// It has not happened yet.
    Future,
    /// Not a play, or one that lacks something.
    Malformed,
}

impl PlayKind {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 6] =
        [Self::Located, Self::Anonymous, Self::Unlocatable, Self::Late, Self::Future, Self::Malformed];

    /// A word for tables and log lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Located => "located",
            Self::Anonymous => "anonymous",
            Self::Unlocatable => "unlocatable",
            Self::Late => "late",
            Self::Future => "future",
            Self::Malformed => "malformed",
        }
    }
}

/// One message for the plays topic.
///
/// Its `Debug` shows no bytes: they hold an address and a user id.
#[derive(Clone)]
pub struct GeneratedPlay {
    /// The data of the message.
    pub bytes: Bytes,
    /// What it holds.
    pub kind: PlayKind,
    /// Whether the same bytes were made before.
    pub duplicate: bool,
}

impl GeneratedPlay {
    /// The play that the bytes hold; `None` for most of the malformed ones.
    #[must_use]
    pub fn decode(&self) -> Option<Play> {
        Play::decode(self.bytes.clone()).ok()
    }
}

impl std::fmt::Debug for GeneratedPlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GeneratedPlay")
            .field("kind", &self.kind)
            .field("duplicate", &self.duplicate)
            .finish_non_exhaustive()
    }
}

/// The fields of a play, before it is encoded.
pub(super) struct Draft<'a> {
    pub(super) user_id: &'a str,
    pub(super) track_id: &'a str,
    pub(super) address: IpAddr,
    pub(super) played_at_ms: u64,
}

impl Draft<'_> {
    fn play(&self) -> Play {
        let ip_address = match self.address {
            IpAddr::V4(v4) => Bytes::copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => Bytes::copy_from_slice(&v6.octets()),
        };
        Play {
            user_id: self.user_id.to_owned(),
            track_id: self.track_id.to_owned(),
            ip_address,
            played_at: Some(timestamp(self.played_at_ms)),
        }
    }

    pub(super) fn encode(&self) -> Bytes {
        self.play().encode_to_vec().into()
    }

    /// One of the ways in which a message can be malformed, chosen by `way`.
    pub(super) fn encode_malformed(&self, way: usize) -> Bytes {
        let mut play = self.play();
        match way % MALFORMATIONS {
            0 => play.user_id.clear(),
            1 => play.track_id.clear(),
            2 => play.ip_address.clear(),
            3 => play.played_at = None,
            4 => play.user_id = "u".repeat(129),
            5 => play.track_id = "t".repeat(129),
            6 => play.ip_address = Bytes::from_static(&[198, 18, 0, 1, 0]),
            7 => {
                let whole = self.encode();
                return whole.slice(..whole.len() - 1);
            }
            _ => return Bytes::from_static(b"not a play"),
        }
        play.encode_to_vec().into()
    }
}

/// How many ways [`Draft::encode_malformed`] knows.
pub(super) const MALFORMATIONS: usize = 9;

fn timestamp(epoch_ms: u64) -> prost_types::Timestamp {
    let nanos = i32::try_from(epoch_ms % 1000).unwrap_or_default() * 1_000_000;
    prost_types::Timestamp { seconds: i64::try_from(epoch_ms / 1000).unwrap_or(i64::MAX), nanos }
}
