//! Who plays: told apart by a hash of the user id, so that the id itself is not kept.
//!
//! In one process the hash goes nowhere, and a fast one will do, with a seed that differs from process to process. Between
//! two stages it crosses a topic: there it is HMAC-SHA-256, cut to half, under a key that all processes of the first stage
//! share, so that the same user is the same in all of them and nobody without the key can tell who it is.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A user's id as a player reports it, in the message that it came in. It cannot be printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserId<'a>(&'a str);

impl<'a> UserId<'a> {
    /// Of any text: whoever makes it has checked its length.
    #[must_use]
    pub const fn new(id: &'a str) -> Self {
        Self(id)
    }
}

/// A user, told apart from others by a 128-bit hash of the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey([u64; 2]);

impl UserKey {
    /// How many bytes one has.
    pub const BYTES: usize = 16;

    /// From what [`UserKey::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self::from_u128(u128::from_be_bytes(bytes))
    }

    /// The hash: ordered as keys are.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let [high, low] = self.0.map(u128::from);
        (high << 64 | low).to_be_bytes()
    }

    /// Two words instead of a u128 keep a listener's record free of padding.
    const fn from_u128(hash: u128) -> Self {
        Self([(hash >> 64) as u64, hash as u64])
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserKey(..)")
    }
}

/// The key that users are told apart by where their hashes leave the process. It cannot be printed.
#[derive(Clone)]
pub struct UserHashKey([u8; Self::BYTES]);

/// A text is no [`UserHashKey`]. The error does not repeat it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected 64 hexadecimal digits, such as openssl rand -hex 32 prints")]
pub struct InvalidUserHashKey;

impl UserHashKey {
    const BYTES: usize = 32;

    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn parse(text: &str) -> Result<Self, InvalidUserHashKey> {
        let digits = text.as_bytes();
        if digits.len() != 2 * Self::BYTES {
            return Err(InvalidUserHashKey);
        }
        let mut key = [0; Self::BYTES];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(InvalidUserHashKey);
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for UserHashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserHashKey(..)")
    }
}

/// Makes [`UserKey`]s.
#[derive(Clone)]
pub struct UserHash(Method);

#[derive(Clone)]
enum Method {
    InProcess { seed: u64 },
    Keyed(Hmac<Sha256>),
}

impl UserHash {
    /// For hashes that do not leave the process. Hashes of another seed are others.
    #[must_use]
    pub const fn in_process(seed: u64) -> Self {
        Self(Method::InProcess { seed })
    }

    /// For hashes that leave the process.
    #[must_use]
    pub fn keyed(key: &UserHashKey) -> Self {
        Self(Method::Keyed(Hmac::new_from_slice(&key.0).expect("HMAC takes a key of any length")))
    }

    /// Tells `user` apart.
    #[must_use]
    pub fn of(&self, user: UserId<'_>) -> UserKey {
        match &self.0 {
            Method::InProcess { seed } => UserKey::from_u128(xxh3_128_with_seed(user.0.as_bytes(), *seed)),
            Method::Keyed(keyed) => {
                let mut keyed = keyed.clone();
                keyed.update(user.0.as_bytes());
                let hash: [u8; 32] = keyed.finalize().into_bytes().into();
                let mut half = [0; UserKey::BYTES];
                half.copy_from_slice(&hash[..UserKey::BYTES]);
                UserKey::from_bytes(half)
            }
        }
    }
}

impl fmt::Debug for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Method::InProcess { .. } => "UserHash(in process)",
            Method::Keyed(_) => "UserHash(keyed)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn keyed(key: &str) -> UserHash {
        UserHash::keyed(&UserHashKey::parse(key).unwrap())
    }

    #[test]
    fn the_keyed_hash_is_the_documented_one() {
        // Python: hmac.digest(bytes(range(32)), b"ana", "sha256")[:16].hex()
        let hash = keyed(KEY).of(UserId::new("ana")).to_bytes();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "cb1dae94518c21fce558d6c91c2db6f8");
    }

    #[test]
    fn users_are_told_apart_and_found_again() {
        let other_key = KEY.replace("1f", "20");
        let hashes = [UserHash::in_process(1), UserHash::in_process(2), keyed(KEY), keyed(&other_key)];
        let keys: Vec<_> = hashes.iter().map(|hash| hash.of(UserId::new("ana"))).collect();
        for (index, hash) in hashes.iter().enumerate() {
            assert!(hash.of(UserId::new("ana")) == keys[index], "the same again");
            assert!(hash.of(UserId::new("bo")) != keys[index], "somebody else");
            assert!(keys[..index].iter().all(|key| *key != keys[index]), "another key or seed");
            assert!(UserKey::from_bytes(keys[index].to_bytes()) == keys[index]);
        }
    }

    #[test]
    fn keys_are_64_hexadecimal_digits() {
        assert!(UserHashKey::parse(&KEY.to_uppercase()).is_ok());
        for (name, text) in [
            ("empty", String::new()),
            ("short", KEY[1..].to_owned()),
            ("long", format!("{KEY}0")),
            ("no digit", KEY.replace('f', "g")),
            ("a sign", KEY.replace("00", "+0")),
            ("two bytes a character", "é".repeat(32)),
        ] {
            assert_eq!(UserHashKey::parse(&text).err(), Some(InvalidUserHashKey), "{name}");
        }
    }

    #[test]
    fn nothing_of_it_can_be_printed() {
        let key = UserHashKey::parse(KEY).unwrap();
        let hash = UserHash::keyed(&key);
        let printed = format!("{key:?} {hash:?} {:?}", hash.of(UserId::new("ana")));
        assert_eq!(printed, "UserHashKey(..) UserHash(keyed) UserKey(..)");
    }
}
