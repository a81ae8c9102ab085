//! What kind of plays are wanted.

use std::time::Duration;

/// Settings of a [`super::PlaySource`].
#[derive(Clone, Debug, PartialEq)]
pub struct PlaySpec {
    /// How many different listeners there are.
    pub users: u32,
    /// The exponent of Zipf's law for the popularity of tracks: the k-th track is played `1 / k^exponent` as often
    /// as the first. 0 plays all alike.
    pub zipf_exponent: f64,
    /// The share of listeners with an IPv6 address, where the database has any.
    pub ipv6_share: f64,
    /// The share of plays by a listener who is not at home: somewhere else every time.
    pub roaming_share: f64,
    /// How far in the past plays are reported.
    pub timing: Timing,
    /// The shares of plays that something is wrong with.
    pub shares: Shares,
}

impl Default for PlaySpec {
    fn default() -> Self {
        Self {
            users: 1_000_000,
            zipf_exponent: 1.0,
            ipv6_share: 0.2,
            roaming_share: 0.02,
            timing: Timing::default(),
            shares: Shares::default(),
        }
    }
}

impl PlaySpec {
    /// Checks every number.
    ///
    /// # Errors
    /// Names the first setting that is out of its range.
    pub fn validate(&self) -> Result<(), SpecError> {
        if self.users == 0 {
            return Err(SpecError::OutOfRange { setting: "users", accepted: "at least 1" });
        }
        if !(0.0..=10.0).contains(&self.zipf_exponent) {
            return Err(SpecError::OutOfRange { setting: "zipf_exponent", accepted: "0 to 10" });
        }
        let Shares { duplicate, anonymous, unlocatable, late, future, malformed } = self.shares;
        for (setting, share) in [
            ("ipv6_share", self.ipv6_share),
            ("roaming_share", self.roaming_share),
            ("duplicate", duplicate),
            ("anonymous", anonymous),
            ("unlocatable", unlocatable),
            ("late", late),
            ("future", future),
            ("malformed", malformed),
            ("the sum of the shares", self.shares.sum()),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(SpecError::OutOfRange { setting, accepted: "0 to 1" });
            }
        }
        Ok(())
    }
}

/// When plays happen, relative to the moment at which they are reported. Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// An ordinary play is reported 0 to this long after it happened.
    pub spread_ms: u64,
    /// A late play is reported this long to twice this long after it happened.
    pub late_by_ms: u64,
    /// A play of the future happens this long to twice this long after it was reported.
    pub future_by_ms: u64,
}

impl Timing {
    /// Plays that suit a pipeline with these settings: ordinary ones are in time, late and future ones surely not,
    /// with a second of allowance for the way to the pipeline.
    #[must_use]
    pub fn for_pipeline(
        max_disorder: Duration,
        window: Duration,
        allowed_lateness: Duration,
        max_future_skew: Duration,
    ) -> Self {
        let allowance = Duration::from_secs(1);
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4);
        Self {
            spread_ms: millis(max_disorder),
            // The watermark trails the newest play by max_disorder, and that play may be max_disorder old itself.
            late_by_ms: millis(allowed_lateness + window + 2 * max_disorder + allowance),
            future_by_ms: millis(max_future_skew + 60 * allowance),
        }
    }
}

impl Default for Timing {
    /// For a pipeline with its default settings.
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self::for_pipeline(second / 2, second, 30 * second, 5 * second)
    }
}

/// Shares of all plays, each 0 to 1; what remains is ordinary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// The bytes of a recent play once more.
    pub duplicate: f64,
    /// From an address that an Anonymous IP database flags; without such a database these are ordinary plays.
    pub anonymous: f64,
    /// From an address that the City database does not place in a city.
    pub unlocatable: f64,
    /// Reported when its window is long closed.
    pub late: f64,
    /// Reported before it happens.
    pub future: f64,
    /// Not a play at all, or one that lacks something.
    pub malformed: f64,
}

impl Shares {
    /// Ordinary plays only.
    pub const NONE: Self =
        Self { duplicate: 0.0, anonymous: 0.0, unlocatable: 0.0, late: 0.0, future: 0.0, malformed: 0.0 };

    pub(super) fn sum(&self) -> f64 {
        self.duplicate + self.anonymous + self.unlocatable + self.late + self.future + self.malformed
    }
}

impl Default for Shares {
    /// A stream as it may be on an ordinary day.
    fn default() -> Self {
        Self {
            duplicate: 0.01,
            anonymous: 0.03,
            unlocatable: 0.05,
            late: 0.002,
            future: 0.0005,
            malformed: 0.0005,
        }
    }
}

/// Why plays of some kind cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A number makes no sense.
    #[error("{setting} is out of range; accepted: {accepted}")]
    OutOfRange {
        /// Which one.
        setting: &'static str,
        /// What would do.
        accepted: &'static str,
    },
    /// There is no track to play.
    #[error("the catalogue is empty")]
    NoTracks,
    /// The City database places every address in a city.
    #[error("the City database has no network without a city, from which unlocatable plays could come")]
    NothingUnlocatable,
}
