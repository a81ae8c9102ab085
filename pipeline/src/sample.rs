//! sample: keep a track for a window, or not.
//!
//! A pure function of track and window: a kept track keeps all its plays, so that groups stay whole; every window draws
//! anew, so that each track gets its turn; and pods agree without talking.

use listening_together_proto::Timestamp;
use listening_together_proto::id::MAX_ID_BYTES;
use xxhash_rust::xxh3::xxh3_64;

/// Which share of the (track, window) pairs is kept.
#[derive(Clone, Copy, Debug)]
pub struct Sampler {
    /// A pair is kept when its 64-bit hash is below this.
    threshold: u128,
}

impl Sampler {
    /// `rate` is the share that is kept, from 0 to 1.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        // Rounded up: a whole number is below the product exactly when it is below its ceiling.
        let threshold = (rate * 2f64.powi(64)).ceil();
        Self { threshold: threshold as u128 }
    }

    /// Whether the plays of `track` are kept in the window that starts at `window_start`.
    #[must_use]
    pub fn keeps(&self, track: &str, window_start: Timestamp) -> bool {
        if self.threshold > u128::from(u64::MAX) {
            return true;
        }
        u128::from(hash(track, window_start)) < self.threshold
    }
}

/// XXH3-64, seed 0, of `track || 0x00 || window_start as 8 bytes little-endian`.
fn hash(track: &str, window_start: Timestamp) -> u64 {
    let mut bytes = [0; MAX_ID_BYTES + 1 + 8];
    let track = track.as_bytes();
    let length = track.len();
    bytes[..length].copy_from_slice(track);
    bytes[length + 1..length + 9].copy_from_slice(&window_start.as_millis().to_le_bytes());
    xxh3_64(&bytes[..length + 9])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(rate: f64) -> usize {
        let sampler = Sampler::new(rate);
        let start = Timestamp::from_millis(1_700_000_000_000);
        (0..10_000).filter(|i| sampler.keeps(&format!("track-{i}"), start)).count()
    }

    #[test]
    fn the_rate_is_the_share_that_is_kept() {
        assert_eq!(kept(0.0), 0);
        assert_eq!(kept(1.0), 10_000);
        assert!((400..=600).contains(&kept(0.05)), "{}", kept(0.05));
    }

    #[test]
    fn the_hash_is_the_documented_one() {
        // Python: xxhash.xxh3_64_intdigest(b"track\0" + (1000).to_bytes(8, "little"))
        assert_eq!(hash("track", Timestamp::from_millis(1_000)), 338590786184200561);
    }

    proptest! {
        #[test]
        fn a_higher_rate_keeps_all_that_a_lower_one_keeps(
            track in ".{1,32}", start in any::<i64>(), low in 0.0..1.0f64, high in 0.0..1.0f64,
        ) {
            let start = Timestamp::from_millis(start);
            if low <= high && Sampler::new(low).keeps(&track, start) {
                prop_assert!(Sampler::new(high).keeps(&track, start));
            }
        }
    }
}
