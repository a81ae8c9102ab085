//! The verdict on a slot.

use super::conditions::{LEAD_MS, SLOT_MS};
use super::round::Round;
use super::schedule::is_middle;

/// The harness may be kept waiting for a processor for so long, in milliseconds, and still judge: replicas that share its
/// machine may have been kept waiting as long.
pub const PATIENCE_MS: i64 = 200;

/// The last answer has to be there so long after the middle, in milliseconds.
pub const ANSWERED_WITHIN_MS: i64 = 400;

/// A slot may be announced so much later than its lead wants, in milliseconds: what the pipeline needs to decide and
/// publish, with room for a busy machine.
pub const ANNOUNCED_WITHIN_MS: i64 = 300;

/// Why a slot is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unjudged {
    /// The harness was kept waiting.
    HarnessLate,
    /// The pipeline was: the slot, or the one after it, was announced late.
    AnnouncedLate,
    /// A replica that was ready did not answer.
    Unanswered,
}

impl Unjudged {
    /// As a report says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HarnessLate => "harness late",
            Self::AnnouncedLate => "announced late",
            Self::Unanswered => "unanswered",
        }
    }
}

/// What is known of when slots were announced: the lead of the slot that starts at a time, both in milliseconds.
pub trait Leads {
    /// `None` when no such slot was announced.
    fn lead_ms(&self, starts_ms: i64) -> Option<i64>;
}

/// The round that decides on a slot, if it was polled at all, and why it cannot, if that is so. Bodies play no part in
/// it.
///
/// `rounds` are those of the slot that starts at `slot_ms`, in order.
#[must_use]
pub fn deciding_round<'a>(
    slot_ms: i64,
    rounds: &'a [Round],
    leads: &impl Leads,
) -> (Option<&'a Round>, Option<Unjudged>) {
    let Some(index) = rounds.iter().position(|round| is_middle(round.due_ms)) else {
        return (None, Some(Unjudged::HarnessLate));
    };
    let middle = &rounds[index];
    let kept_waiting = rounds[..=index].iter().any(|round| round.late_ms() > PATIENCE_MS)
        || middle.done_ms > middle.due_ms + ANSWERED_WITHIN_MS;
    let announced_late = |starts_ms| {
        let lead = leads.lead_ms(starts_ms);
        lead.is_some_and(|lead| lead < LEAD_MS - ANNOUNCED_WITHIN_MS)
    };
    let why = if kept_waiting {
        Some(Unjudged::HarnessLate)
    } else if announced_late(slot_ms) || announced_late(slot_ms + SLOT_MS) {
        Some(Unjudged::AnnouncedLate)
    } else if middle.is_incomplete() {
        Some(Unjudged::Unanswered)
    } else {
        None
    };
    (Some(middle), why)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::round::tests::round;
    use super::*;

    impl Leads for BTreeMap<i64, i64> {
        fn lead_ms(&self, starts_ms: i64) -> Option<i64> {
            self.get(&starts_ms).copied()
        }
    }

    fn why(rounds: &[Round], leads: &[(i64, i64)]) -> Option<Unjudged> {
        deciding_round(7000, rounds, &leads.iter().copied().collect::<BTreeMap<_, _>>()).1
    }

    fn late(due_ms: i64, late_ms: i64) -> Round {
        let round = round(due_ms, &[1, 1], &[]);
        Round { sent_ms: due_ms + late_ms, done_ms: due_ms + late_ms, ..round }
    }

    #[test]
    fn a_slot_is_judged_by_its_middle_when_nobody_was_kept_waiting() {
        let rounds = [late(7475, 0), late(7500, PATIENCE_MS), late(7525, 999)];
        let (middle, why) = deciding_round(7000, &rounds, &BTreeMap::from([(7000, 1990), (8000, 1990)]));
        assert_eq!((middle.map(|round| round.due_ms), why), (Some(7500), None));
    }

    #[test]
    fn a_slot_is_not_judged_when_somebody_was_kept_waiting() {
        let harness = Some(Unjudged::HarnessLate);
        let late_answer = Round { done_ms: 7901, ..round(7500, &[1, 1], &[]) };
        let unanswered = round(7500, &[1, 0], &[]);
        let good = late(7500, 0);
        let cases: [(&str, &[Round], &[(i64, i64)], Option<Unjudged>); 9] = [
            ("good", std::slice::from_ref(&good), &[], None),
            ("no middle", &[late(7475, 0), late(7525, 0)], &[], harness),
            ("middle late", &[late(7500, PATIENCE_MS + 1)], &[], harness),
            ("late before", &[late(7025, PATIENCE_MS + 1), late(7500, 0)], &[], harness),
            ("answered late", &[late_answer], &[], harness),
            ("announced late", std::slice::from_ref(&good), &[(7000, 1699)], Some(Unjudged::AnnouncedLate)),
            (
                "next announced late",
                std::slice::from_ref(&good),
                &[(8000, -5)],
                Some(Unjudged::AnnouncedLate),
            ),
            ("one before announced late", std::slice::from_ref(&good), &[(6000, -5)], None),
            ("unanswered", &[unanswered], &[], Some(Unjudged::Unanswered)),
        ];
        for (name, rounds, leads, expected) in cases {
            assert_eq!(why(rounds, leads), expected, "{name}");
        }
    }
}
