//! An endless stream of plays: a pure function of the spec, the seed and the times that it is asked at.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::Distribution as _;
use rand_distr::weighted::WeightedAliasIndex;

use super::play::{Draft, GeneratedPlay, MALFORMATIONS, PlayKind};
use super::spec::{PlaySpec, SpecError};
use super::{Addresses, Catalogue};

/// How many plays back a duplicate reaches.
const RECENT: usize = 64;
/// How often a listener may be moved who would otherwise live at an address that hides.
const MOVES: usize = 16;
/// What a user id is made of: 64 letters, six bits each.
const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
/// Length of a user id: 128 bits.
const USER_ID_LENGTH: usize = 22;

/// Makes plays.
///
/// Each listener has a home, the same as long as the seed and the database are, and is in most cases there.
#[derive(Debug)]
pub struct PlaySource {
    spec: PlaySpec,
    seed: u64,
    addresses: Arc<Addresses>,
    /// By popularity.
    track_ids: Vec<String>,
    track: WeightedAliasIndex<f64>,
    rng: Xoshiro256PlusPlus,
    recent: VecDeque<GeneratedPlay>,
    malformed: usize,
}

impl PlaySource {
    /// Plays of the tracks of `catalogue`, the first being the most popular, from `addresses`.
    ///
    /// # Errors
    /// When the spec is out of range, or asks for what the catalogue or the database does not have.
    pub fn new(
        spec: PlaySpec,
        catalogue: &Catalogue,
        addresses: Arc<Addresses>,
        seed: u64,
    ) -> Result<Self, SpecError> {
        spec.validate()?;
        if spec.shares.unlocatable > 0.0 && !addresses.has_unlocatable() {
            return Err(SpecError::NothingUnlocatable);
        }
        let track_ids: Vec<String> = catalogue.tracks().iter().map(|track| track.track_id.clone()).collect();
        let popularity = (1..=track_ids.len()).map(|rank| (rank as f64).powf(-spec.zipf_exponent)).collect();
        let track = WeightedAliasIndex::new(popularity).map_err(|_| SpecError::NoTracks)?;
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let recent = VecDeque::with_capacity(RECENT);
        Ok(Self { spec, seed, addresses, track_ids, track, rng, recent, malformed: 0 })
    }

    /// The next play, reported at `now_ms` (milliseconds since the epoch).
    pub fn next(&mut self, now_ms: u64) -> GeneratedPlay {
        let drawn = self.rng.random::<f64>();
        let shares = self.spec.shares;
        let mut bound = 0.0;
        let mut below = |share| {
            bound += share;
            drawn < bound
        };
        let kind = if below(shares.duplicate) {
            if let Some(play) = self.repeat() {
                return play;
            }
            PlayKind::Located
        } else if below(shares.anonymous) {
            if self.addresses.has_hiding() { PlayKind::Anonymous } else { PlayKind::Located }
        } else if below(shares.unlocatable) {
            PlayKind::Unlocatable
        } else if below(shares.late) {
            PlayKind::Late
        } else if below(shares.future) {
            PlayKind::Future
        } else if below(shares.malformed) {
            PlayKind::Malformed
        } else {
            PlayKind::Located
        };
        let play = self.make(kind, now_ms);
        if shares.duplicate > 0.0 {
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(play.clone());
        }
        play
    }

    fn repeat(&mut self) -> Option<GeneratedPlay> {
        if self.recent.is_empty() {
            return None;
        }
        let back = self.rng.random_range(0..self.recent.len());
        Some(GeneratedPlay { duplicate: true, ..self.recent[back].clone() })
    }

    fn make(&mut self, kind: PlayKind, now_ms: u64) -> GeneratedPlay {
        let user = self.rng.random_range(0..self.spec.users);
        let address = self.address(kind, user);
        let user_id = user_id(self.seed, user);
        let track = self.track.sample(&mut self.rng);
        let draft = Draft {
            user_id: std::str::from_utf8(&user_id).unwrap_or_default(),
            track_id: &self.track_ids[track],
            address,
            played_at_ms: played_at_ms(&mut self.rng, &self.spec, kind, now_ms),
        };
        let bytes = if kind == PlayKind::Malformed {
            self.malformed = (self.malformed + 1) % MALFORMATIONS;
            draft.encode_malformed(self.malformed)
        } else {
            draft.encode()
        };
        // A home may hide after all, when nearly everything does.
        let kind = match kind {
            PlayKind::Located | PlayKind::Late if self.addresses.hides(address) => PlayKind::Anonymous,
            kind => kind,
        };
        GeneratedPlay { bytes, kind, duplicate: false }
    }

    fn address(&mut self, kind: PlayKind, user: u32) -> IpAddr {
        let special = match kind {
            PlayKind::Anonymous => self.addresses.hiding(&mut self.rng),
            PlayKind::Unlocatable => self.unlocatable(),
            PlayKind::Located | PlayKind::Late | PlayKind::Future | PlayKind::Malformed => None,
        };
        special.unwrap_or_else(|| self.home(user))
    }

    /// Where a listener lives, or is while away.
    fn home(&mut self, user: u32) -> IpAddr {
        let from = if self.rng.random_bool(self.spec.roaming_share) {
            self.rng.random()
        } else {
            mix(self.seed ^ u64::from(user).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(from);
        let mut address = self.addresses.located(self.spec.ipv6_share, &mut rng);
        for _ in 0..MOVES {
            if !self.addresses.hides(address) {
                break;
            }
            address = self.addresses.located(self.spec.ipv6_share, &mut rng);
        }
        address
    }

    /// An unlocatable address that does not hide, since hiding is what a pipeline looks for first.
    fn unlocatable(&mut self) -> Option<IpAddr> {
        let mut address = self.addresses.unlocatable(&mut self.rng);
        for _ in 0..MOVES {
            if !address.is_some_and(|address| self.addresses.hides(address)) {
                break;
            }
            address = self.addresses.unlocatable(&mut self.rng);
        }
        address
    }
}

fn played_at_ms(rng: &mut Xoshiro256PlusPlus, spec: &PlaySpec, kind: PlayKind, now_ms: u64) -> u64 {
    let timing = spec.timing;
    match kind {
        PlayKind::Late => now_ms.saturating_sub(timing.late_by_ms + rng.random_range(0..=timing.late_by_ms)),
        PlayKind::Future => now_ms + timing.future_by_ms + rng.random_range(0..=timing.future_by_ms),
        _ => now_ms.saturating_sub(rng.random_range(0..=timing.spread_ms)),
    }
}

/// The id of a listener: 128 bits that tell nothing, six to a letter.
fn user_id(seed: u64, user: u32) -> [u8; USER_ID_LENGTH] {
    let lower = mix(seed.wrapping_add(u64::from(user) << 1 | 1));
    let mut bits = u128::from(mix(lower ^ u64::from(user))) << 64 | u128::from(lower);
    std::array::from_fn(|_| {
        let letter = LETTERS[(bits & 63) as usize];
        bits >>= 6;
        letter
    })
}

/// The finaliser of `SplitMix64`: a bijection that scatters neighbouring numbers.
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
