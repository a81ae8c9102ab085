//! What is planned to go wrong, where and when.

use std::time::Duration;

use serde::Deserialize;

/// Faults to come, repeatable by their seed.
///
/// As JSON: `{"seed": 7, "faults": [{"on": "plays-pipeline", "after_ms": 1000, "lasts_ms": 5000, "fault":
/// {"lose_acks": {"share": 0.2}}}]}`. Times are milliseconds there, shares numbers from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Decides everything that is left to chance.
    #[serde(default)]
    pub seed: u64,
    /// All that goes wrong; faults of one kind add up.
    #[serde(default)]
    pub faults: Vec<PlannedFault>,
}

/// One fault with its place and its time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// What goes wrong.
    pub fault: Fault,
    /// The topic (of [`Fault::RefusePublish`]), the topic or subscription (of [`Fault::DenyPermission`]) or the
    /// subscription (of the others) that it is on: the id or the full name, or the beginning of either with a `*`
    /// behind it, for names that are not known beforehand (no name holds a `*`). `None` is every one.
    #[serde(default)]
    pub on: Option<String>,
    /// When it begins, from the moment at which the plan is set.
    #[serde(default, rename = "after_ms", deserialize_with = "millis")]
    pub after: Duration,
    /// How long it lasts; `None` until another plan is set.
    #[serde(default, rename = "lasts_ms", deserialize_with = "some_millis")]
    pub lasts: Option<Duration>,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Published messages take a time to become deliverable: lognormal, and a stall for some. Messages with
    /// an ordering key of an ordered subscription are left alone.
    DelayMessages {
        /// Half of the messages take longer.
        #[serde(rename = "median_ms", deserialize_with = "millis")]
        median: Duration,
        /// The standard deviation of the logarithm of the delay; 0 delays all alike.
        sigma: f64,
        /// So many take anything up to `at_most` instead, evenly.
        stalls: Share,
        /// None takes longer.
        #[serde(rename = "at_most_ms", deserialize_with = "millis")]
        at_most: Duration,
    },
    /// A share of the published messages is held back for a moment, so that later ones overtake them.
    /// Messages with an ordering key of an ordered subscription are left alone.
    Reorder {
        /// How many.
        share: Share,
        /// How long at most.
        #[serde(rename = "within_ms", deserialize_with = "millis")]
        within: Duration,
    },
    /// A share of the published messages comes twice: two deliveries, each to be acknowledged.
    Duplicate {
        /// How many.
        share: Share,
    },
    /// A share of the published messages is never delivered. That is harsher than Pub/Sub, which delivers again,
    /// when the ack deadline has passed, what was lost on its way. A seek finds it, where the topic retains.
    LoseMessages {
        /// How many.
        share: Share,
    },
    /// A share of the acknowledged ids is passed over: those messages come back at their deadlines.
    LoseAcks {
        /// How many.
        share: Share,
    },
    /// A share of the Publish calls publishes nothing and answers UNAVAILABLE.
    RefusePublish {
        /// How many; [`Share::ALL`] for an outage.
        share: Share,
    },
    /// Every call about it answers PERMISSION_DENIED, as to those who were granted nothing there, and its streams
    /// end so. Subscribing to a topic is about both.
    DenyPermission,
    /// Every StreamingPull ends with UNAVAILABLE at a random moment of its life.
    ResetStreams {
        /// How long they live on average; exponentially distributed.
        #[serde(rename = "mean_life_ms", deserialize_with = "millis")]
        mean_life: Duration,
    },
    /// A share of the StreamingPulls stays open and delivers nothing; acknowledgements are heard.
    StallStreams {
        /// How many of the streams.
        share: Share,
    },
    /// The port is closed: connections break and new ones are refused. State is kept.
    RefuseConnections,
    /// At its beginning all leases end at once: everything that is unacknowledged comes again.
    RedeliverAll,
}

/// A share of all cases, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "f64")]
pub struct Share(f64);

/// A number that is no share.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is no share: expected a number from 0 to 1")]
pub struct InvalidShare(f64);

impl Share {
    /// Every case.
    pub const ALL: Self = Self(1.0);
    /// No case.
    pub const NONE: Self = Self(0.0);

    /// Checks that it is a number from 0 to 1.
    ///
    /// # Errors
    /// When it is not.
    pub fn new(share: f64) -> Result<Self, InvalidShare> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(InvalidShare(share)) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Share {
    type Error = InvalidShare;

    fn try_from(share: f64) -> Result<Self, InvalidShare> {
        Self::new(share)
    }
}

impl FaultPlan {
    /// A plan in which nothing goes wrong yet.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, faults: Vec::new() }
    }

    /// Adds a fault on everything, from the beginning on.
    #[must_use]
    pub fn with(self, fault: Fault) -> Self {
        self.with_planned(PlannedFault::new(fault))
    }

    /// Adds a fault on one topic or subscription (see [`PlannedFault::on`]), from the beginning on.
    #[must_use]
    pub fn with_on(self, resource: &str, fault: Fault) -> Self {
        self.with_planned(PlannedFault { on: Some(resource.to_owned()), ..PlannedFault::new(fault) })
    }

    /// Adds a fault with its place and its time.
    #[must_use]
    pub fn with_planned(mut self, fault: PlannedFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// When the set of active faults next changes after `elapsed` since the plan was set.
    pub(crate) fn next_change(&self, elapsed: Duration) -> Option<Duration> {
        let changes = self.faults.iter().flat_map(|planned| [Some(planned.after), planned.ends()]);
        changes.flatten().filter(|change| *change > elapsed).min()
    }
}

impl PlannedFault {
    /// A fault on everything, from the beginning on, without end.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, on: None, after: Duration::ZERO, lasts: None }
    }

    /// Whether it goes on at `elapsed` since the plan was set: from its beginning on, up to before its end.
    pub(crate) fn is_active(&self, elapsed: Duration) -> bool {
        self.after <= elapsed && self.ends().is_none_or(|end| elapsed < end)
    }

    /// Whether it is on the topic or subscription of this full name.
    pub(crate) fn is_on(&self, resource: &str) -> bool {
        let Some(on) = self.on.as_deref() else { return true };
        let id = resource.rsplit('/').next().unwrap_or(resource);
        match on.strip_suffix('*') {
            Some(beginning) => id.starts_with(beginning) || resource.starts_with(beginning),
            None => on == resource || on == id,
        }
    }

    fn ends(&self) -> Option<Duration> {
        self.lasts.map(|lasts| self.after.saturating_add(lasts))
    }
}

fn millis<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}

fn some_millis<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
}
