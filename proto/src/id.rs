//! Ids: opaque strings of the players, and our own session ids.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest id of a user or a track, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 128;

/// A track, by the players' own id: opaque, 1 to [`MAX_ID_BYTES`] bytes of UTF-8. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(Arc<str>);

/// An id is empty or longer than [`MAX_ID_BYTES`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an id must have 1 to {MAX_ID_BYTES} bytes, not {0}")]
pub struct InvalidIdLength(usize);

impl TrackId {
    /// Checks the length.
    ///
    /// # Errors
    /// When it is empty or longer than [`MAX_ID_BYTES`].
    pub fn new(id: &str) -> Result<Self, InvalidIdLength> {
        check_id_length(id.as_bytes())?;
        Ok(Self(id.into()))
    }

    /// The id as the players write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `id` has a length that users' and tracks' ids may have.
///
/// # Errors
/// When it is empty or longer than [`MAX_ID_BYTES`].
pub fn check_id_length(id: &[u8]) -> Result<(), InvalidIdLength> {
    if (1..=MAX_ID_BYTES).contains(&id.len()) { Ok(()) } else { Err(InvalidIdLength(id.len())) }
}

/// A session: 128 bits of a hash of its track and window, written as 32 lower-case hexadecimal digits.
///
/// The order of ids is the order of their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 16]);

/// A text is not 32 lower-case hexadecimal digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a session id must be 32 lower-case hexadecimal digits")]
pub struct InvalidSessionId;

impl SessionId {
    /// From the first 16 bytes of the hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(InvalidSessionId);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (hex_digit(pair[0])? << 4) | hex_digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn hex_digit(digit: u8) -> Result<u8, InvalidSessionId> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidSessionId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn track_ids_have_1_to_128_bytes() {
        assert_eq!(TrackId::new(""), Err(InvalidIdLength(0)));
        assert!(TrackId::new("t").is_ok());
        assert!(TrackId::new(&"t".repeat(128)).is_ok());
        assert_eq!(TrackId::new(&"é".repeat(65)), Err(InvalidIdLength(130)));
    }

    #[test]
    fn a_session_id_is_the_text_it_was_parsed_from() {
        let text = "00ff17a0b1c2d3e4f5061728394a5b6c";
        assert_eq!(text.parse::<SessionId>().unwrap().to_string(), text);
    }

    #[test]
    fn other_texts_are_not_session_ids() {
        for text in ["", "00ff", &"g".repeat(32), &"A".repeat(32), &"é".repeat(16)] {
            assert_eq!(text.parse::<SessionId>(), Err(InvalidSessionId), "{text}");
        }
    }
}
