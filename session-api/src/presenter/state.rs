//! The state machine: slots and instants in, snapshots out.

use std::sync::Arc;

use listening_together_proto::programme::Inserted;
use listening_together_proto::{Programme, Slot, Timestamp};

use crate::snapshot::Snapshot;

/// What became of the slots of an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Were not known, or stand instead of others.
    pub changed: u64,
    /// Were known or are too old.
    pub unchanged: u64,
    /// Have absurd times, or are too many.
    pub refused: u64,
}

/// The programme, what of it is shown, and what has been rendered ahead.
///
/// What is shown is a pure function of the programme and of the instant. Rendering ahead only decides when the work is
/// done: whatever changes the programme discards it.
#[derive(Debug, Default)]
pub struct Presenter {
    programme: Programme,
    /// The programme has changed since something was last presented.
    changed: bool,
    /// Where the slot starts that is shown.
    shown: Option<Timestamp>,
    /// Where the slot starts that has been rendered ahead, and the snapshot.
    prepared: Option<(Timestamp, Arc<Snapshot>)>,
}

impl Presenter {
    /// Takes in the slots of an update.
    pub fn receive(&mut self, slots: Vec<Slot>, now: Timestamp) -> Received {
        let mut received = Received::default();
        for slot in slots {
            match self.programme.insert(slot, now) {
                Inserted::Changed => received.changed += 1,
                Inserted::Unchanged => received.unchanged += 1,
                Inserted::Refused => received.refused += 1,
            }
        }
        if received.changed > 0 {
            self.changed = true;
            self.prepared = None;
        }
        received
    }

    /// What is to be shown from `now` on, if it is not what is shown already.
    pub fn present(&mut self, now: Timestamp) -> Option<Arc<Snapshot>> {
        let start = self.programme.current_at(now)?.starts_at;
        if !self.changed && self.shown == Some(start) {
            return None;
        }
        (self.changed, self.shown) = (false, Some(start));
        match self.prepared.take() {
            Some((prepared, snapshot)) if prepared == start => Some(snapshot),
            _ => Snapshot::render(&self.programme, now).map(Arc::new),
        }
    }

    /// Renders the slot that follows the one that is shown, unless that is done.
    pub fn prepare(&mut self) {
        if self.prepared.is_none()
            && let Some(start) = self.next_change()
        {
            let snapshot = Snapshot::render(&self.programme, start);
            self.prepared = snapshot.map(|snapshot| (start, Arc::new(snapshot)));
        }
    }

    /// When something else is to be shown, if it is known by now.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.programme.next_at(self.shown.unwrap_or(Timestamp::MIN)).map(|slot| slot.starts_at)
    }
}

#[cfg(test)]
mod tests {
    use listening_together_proto::Language;
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{at, slot};
    use crate::render;

    fn presenter(numbers: impl IntoIterator<Item = u64>, now: Timestamp) -> Presenter {
        let mut presenter = Presenter::default();
        presenter.receive(numbers.into_iter().map(|number| slot(number, 7)).collect(), now);
        presenter
    }

    /// The number of the slot that is newly shown.
    fn presented(presenter: &mut Presenter, now: Timestamp) -> Option<u64> {
        presenter.present(now).map(|snapshot| snapshot.current().number)
    }

    #[test]
    fn a_slot_is_shown_at_its_start_and_once() {
        let mut presenter = presenter([20, 21], at(20, 100));
        assert_eq!(presented(&mut presenter, at(20, 100)), Some(20));
        assert_eq!(presenter.next_change(), Some(at(21, 0)));
        presenter.prepare();
        assert_eq!(presented(&mut presenter, at(21, -1)), None);
        assert_eq!(presented(&mut presenter, at(21, 0)), Some(21));
        assert_eq!(presented(&mut presenter, at(21, 1)), None);
        assert_eq!(presenter.next_change(), None);
    }

    #[test]
    fn nothing_is_shown_before_the_first_start() {
        let mut presenter = presenter([20], at(19, 0));
        assert_eq!(presented(&mut presenter, at(19, 0)), None);
        assert_eq!(presenter.next_change(), Some(at(20, 0)));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
    }

    #[test]
    fn slots_that_were_slept_through_are_skipped() {
        let mut presenter = presenter([20, 21, 22], at(20, 0));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
        presenter.prepare();
        assert_eq!(presented(&mut presenter, at(22, 3)), Some(22));
    }

    #[test]
    fn an_announcement_changes_what_is_shown_as_next() {
        let mut presenter = presenter([20], at(20, 0));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
        presenter.receive(vec![slot(21, 7)], at(20, 3000));
        let snapshot = presenter.present(at(20, 3000)).unwrap();
        let body: serde_json::Value =
            serde_json::from_slice(&snapshot.representation(Language::En).body).unwrap();
        assert_eq!((&body["current"]["slot"], &body["next"]["slot"]), (&20.into(), &21.into()));
    }

    #[test]
    fn repeats_show_nothing_new() {
        let mut presenter = presenter([20], at(20, 0));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
        let received = presenter.receive(vec![slot(20, 7), slot(900, 7)], at(20, 0));
        assert_eq!(received, Received { changed: 0, unchanged: 1, refused: 1 });
        assert_eq!(presented(&mut presenter, at(20, 0)), None);
    }

    proptest! {
        /// Whatever is received and rendered ahead when: what is shown is what the programme says at that instant.
        #[test]
        fn what_is_shown_is_a_function_of_programme_and_instant(
            steps in prop::collection::vec((0i64..4000, prop::option::of((0u64..3, 0u128..3)), any::<bool>()), 1..30),
        ) {
            let (mut presenter, mut programme, mut now) = (Presenter::default(), Programme::default(), at(20, 0));
            let mut shown = None;
            for (millis, announced, prepare) in steps {
                now = Timestamp::from_millis(now.as_millis() + millis);
                if let Some((ahead, id)) = announced {
                    let number = u64::try_from(now.as_millis() / 5000).unwrap() + ahead;
                    presenter.receive(vec![slot(number, id)], now);
                    programme.insert(slot(number, id), now);
                }
                shown = presenter.present(now).or(shown);
                if prepare {
                    presenter.prepare();
                }
                let body = shown.as_ref().map(|shown| shown.representation(Language::Ja).body.to_vec());
                prop_assert_eq!(body, render::latest(&programme, now, Language::Ja));
            }
        }
    }
}
