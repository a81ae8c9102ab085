//! Content codings: the forms in which a body is sent (RFC 9110, section 8.4.1).
//!
//! The same bytes give the same coded bytes on every replica: no coding holds a time or a file name, and the levels
//! are constants. They are chosen by `benches/bodies.rs` so that the bodies of a slot take a fraction of the time that
//! they are made ahead.

use std::io::Write as _;

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// A form in which bodies are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
    /// `gzip` (RFC 1952).
    Gzip,
    /// As it is.
    Identity,
}

/// How hard each coding tries; of its own scale.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    /// 0 to 11.
    pub brotli: i32,
    /// 1 to 22.
    pub zstd: i32,
    /// 0 to 9.
    pub gzip: u32,
}

impl Levels {
    /// For bodies that are made anew for every slot: a quarter of their size, and a millisecond for all three.
    pub const QUICK: Self = Self { brotli: 5, zstd: 6, gzip: 6 };
}

impl Coding {
    /// All of them. Of those that a client likes equally it gets the first: the usual order of their sizes.
    pub const ALL: [Self; 4] = [Self::Brotli, Self::Zstd, Self::Gzip, Self::Identity];

    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The coding that a client names, if it is one of ours.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        let token = if token.eq_ignore_ascii_case("x-gzip") { "gzip" } else { token };
        Self::ALL.into_iter().find(|coding| coding.token().eq_ignore_ascii_case(token))
    }

    /// `body` in this coding.
    #[must_use]
    pub fn encode(self, body: &[u8], levels: Levels) -> Vec<u8> {
        match self {
            Self::Brotli => brotli(body, levels.brotli),
            Self::Zstd => zstd::bulk::compress(body, levels.zstd).expect("the output has room for any input"),
            Self::Gzip => gzip(body, levels.gzip),
            Self::Identity => body.to_vec(),
        }
    }
}

fn brotli(body: &[u8], quality: i32) -> Vec<u8> {
    // With a window below 2^17 bytes this encoder takes 30 times as long from quality 5 on.
    let parameters = BrotliEncoderParams { quality, lgwin: 18, size_hint: body.len(), ..Default::default() };
    let mut encoded = Vec::with_capacity(body.len() / 4);
    ::brotli::BrotliCompress(&mut &*body, &mut encoded, &parameters).expect("memory is read and written");
    encoded
}

fn gzip(body: &[u8], level: u32) -> Vec<u8> {
    let room = Vec::with_capacity(body.len() / 4);
    // Its header says neither a name nor a time, and 255, unknown, for the system.
    let mut encoder = GzEncoder::new(room, Compression::new(level));
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory is written")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn decode(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        match coding {
            Coding::Brotli => ::brotli::BrotliDecompress(&mut &*bytes, &mut decoded).map(drop),
            Coding::Zstd => zstd::stream::copy_decode(bytes, &mut decoded),
            Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_end(&mut decoded).map(drop),
            Coding::Identity => return bytes.to_vec(),
        }
        .unwrap();
        decoded
    }

    #[test]
    fn tokens_are_compared_without_case() {
        for coding in Coding::ALL {
            assert_eq!(Coding::from_token(&coding.token().to_ascii_uppercase()), Some(coding));
        }
        assert_eq!(Coding::from_token("x-gzip"), Some(Coding::Gzip));
        for token in ["deflate", "compress", "", "*", "brx"] {
            assert_eq!(Coding::from_token(token), None, "{token}");
        }
    }

    #[test]
    fn gzip_says_neither_when_nor_where_it_was_made() {
        let encoded = Coding::Gzip.encode(b"body", Levels::QUICK);
        assert_eq!(encoded[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }

    proptest! {
        #[test]
        fn what_was_coded_comes_back(body in prop::collection::vec(any::<u8>(), 0..4000), repeats in 1usize..40) {
            let body = body.repeat(repeats);
            for coding in Coding::ALL {
                let encoded = coding.encode(&body, Levels::QUICK);
                prop_assert_eq!(decode(coding, &encoded), &body[..], "{:?}", coding);
                prop_assert_eq!(coding.encode(&body, Levels::QUICK), encoded, "the same bytes every time");
            }
        }
    }
}
