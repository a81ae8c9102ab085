//! The account of every play: received = settled + held + dropped (by reason), at every moment.
//!
//! A delivery enters as a [`Held`] that only the ledger can make, and leaves as a [`Done`] by [`Ledger::settle`] or
//! [`Ledger::drop_play`], which alone give its ack handle back. A stage therefore cannot ack what was not counted, nor
//! count what it does not hold; what it forgets shows as held for ever.

/// Why a play was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Not a play; it went to the dead-letter topic.
    Malformed,
    /// Played too far in the future; it went to the dead-letter topic.
    Future,
    /// Its track is not in the sample of its window.
    Unsampled,
    /// Its window was complete for longer than lateness is allowed.
    Late,
    /// Its address hides where it is.
    Anonymous,
    /// Its address has no city that is known well enough.
    Unlocated,
    /// Too few people listened to its track in its window.
    SingleListener,
    /// Those who listened to its track in its window were not far enough apart.
    SinglePlace,
    /// Its session found no room in a slot, or it came so late that no slot shows its window any more.
    NotChosen,
}

impl DropReason {
    /// All of them, in the order in which a play meets them; [`DropReason::NotChosen`] comes after [`DropReason::Late`] for
    /// one that comes too late to be shown.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Future,
        Self::Unsampled,
        Self::Late,
        Self::Anonymous,
        Self::Unlocated,
        Self::SingleListener,
        Self::SinglePlace,
        Self::NotChosen,
    ];

    /// Whether the message goes to the dead-letter topic: it is none of ours.
    #[must_use]
    pub const fn is_rejection(self) -> bool {
        matches!(self, Self::Malformed | Self::Future)
    }

    /// As metrics and the dead-letter attribute `reason` write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Future => "future",
            Self::Unsampled => "unsampled",
            Self::Late => "late",
            Self::Anonymous => "anonymous",
            Self::Unlocated => "unlocated",
            Self::SingleListener => "single_listener",
            Self::SinglePlace => "single_place",
            Self::NotChosen => "not_chosen",
        }
    }
}

/// What became of a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// What it is part of is published.
    Settled,
    /// It was of no use.
    Dropped(DropReason),
}

impl Fate {
    /// As spans write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Dropped(reason) => reason.as_str(),
        }
    }
}

/// A play that is off the books: what acknowledges its delivery, and why that may be done.
#[must_use = "a play that is done has to be acknowledged"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done<A> {
    /// What acknowledges it.
    pub ack: A,
    /// What became of it.
    pub fate: Fate,
}

/// The right to ack one delivery, which is on the books as held.
#[must_use = "a held play has to be settled or dropped through the ledger"]
#[derive(Debug)]
pub struct Held<A>(A);

impl<A> Held<A> {
    /// What acknowledges the delivery, to look at.
    pub const fn handle(&self) -> &A {
        &self.0
    }
}

/// How many deliveries there were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    received: u64,
    settled: u64,
    held: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Ledger {
    /// A delivery came in; `ack` is what acknowledges it.
    pub fn receive<A>(&mut self, ack: A) -> Held<A> {
        self.received += 1;
        self.held += 1;
        Held(ack)
    }

    /// The update that a play is part of is confirmed as published: the play may be acked.
    pub fn settle<A>(&mut self, play: Held<A>) -> Done<A> {
        self.held -= 1;
        self.settled += 1;
        Done { ack: play.0, fate: Fate::Settled }
    }

    /// A play is of no use, for `reason`: it may be acked.
    pub fn drop_play<A>(&mut self, play: Held<A>, reason: DropReason) -> Done<A> {
        self.held -= 1;
        self.dropped[reason as usize] += 1;
        Done { ack: play.0, fate: Fate::Dropped(reason) }
    }

    /// Deliveries so far.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Deliveries whose session is published.
    #[must_use]
    pub const fn settled(&self) -> u64 {
        self.settled
    }

    /// Deliveries that are neither settled nor dropped yet.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// Deliveries that were dropped for `reason`.
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Deliveries that were dropped.
    #[must_use]
    pub fn dropped_in_all(&self) -> u64 {
        self.dropped.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delivery_is_on_one_side_of_the_account() {
        let mut ledger = Ledger::default();
        let [first, second, third] = [1, 2, 3].map(|ack| ledger.receive(ack));
        assert_eq!(ledger.settle(second), Done { ack: 2, fate: Fate::Settled });
        let late = Fate::Dropped(DropReason::Late);
        assert_eq!(ledger.drop_play(first, DropReason::Late), Done { ack: 1, fate: late });
        assert_eq!((ledger.received(), ledger.settled(), ledger.held()), (3, 1, 1));
        assert_eq!((ledger.dropped(DropReason::Late), ledger.dropped_in_all()), (1, 1));
        assert_eq!(ledger.drop_play(third, DropReason::NotChosen).ack, 3);
        assert_eq!(ledger.received(), ledger.settled() + ledger.held() + ledger.dropped_in_all());
    }

    #[test]
    fn reasons_and_indexes_agree() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
