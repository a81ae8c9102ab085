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

/// What a body is made of, beside its language: the slot that is current in it, by its start, and an edition of the
/// programme, each change of which makes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    start: Timestamp,
    edition: u64,
}

/// Bodies that are to be made, away from the requests and from the presenter.
#[derive(Clone, Debug)]
pub struct Job {
    moment: Moment,
    programme: Programme,
}

/// Bodies that have been made, for [`Presenter::keep`].
#[derive(Clone, Debug)]
pub struct Rendered {
    moment: Moment,
    snapshot: Arc<Snapshot>,
}

impl Job {
    /// Makes them: milliseconds of work.
    ///
    /// # Panics
    /// Never: a job is made for a slot that the programme has.
    #[must_use]
    pub fn run(self) -> Rendered {
        let snapshot = Snapshot::render(&self.programme, self.moment.start);
        let snapshot = snapshot.expect("the slot that starts there is current at that instant");
        Rendered { moment: self.moment, snapshot: Arc::new(snapshot) }
    }
}

/// The programme, what of it is shown, and what has been rendered ahead.
///
/// What is shown is a pure function of the programme and of the instant, as soon as every [`Presenter::wanted`] job has
/// been run. Until then the newest edition is shown that is there for the slot that is current, else what was shown
/// before: a slot is not held up by news that came just before its start.
#[derive(Debug, Default)]
pub struct Presenter {
    programme: Programme,
    edition: u64,
    shown: Option<Moment>,
    /// At most one for each start.
    rendered: Vec<Rendered>,
}

impl Presenter {
    /// Takes in the slots of an update; gives those that are news.
    pub fn receive(&mut self, slots: Vec<Slot>, now: Timestamp) -> (Received, Vec<Arc<Slot>>) {
        let (mut received, mut news) = (Received::default(), Vec::new());
        for slot in slots {
            let start = slot.starts_at;
            match self.programme.insert(slot, now) {
                Inserted::Changed => {
                    received.changed += 1;
                    news.push(start);
                }
                Inserted::Unchanged => received.unchanged += 1,
                Inserted::Refused => received.refused += 1,
            }
        }
        self.edition += u64::from(received.changed > 0);
        // One that was pushed out by another of the same update is no news any more.
        let known = |slot: &&Arc<Slot>| news.contains(&slot.starts_at);
        let news = self.programme.newest_first().filter(known).map(Arc::clone).collect();
        (received, news)
    }

    /// What is to be shown from `now` on, if it is not what is shown already.
    pub fn present(&mut self, now: Timestamp) -> Option<Arc<Snapshot>> {
        let start = self.programme.current_at(now)?.starts_at;
        let ready = self.rendered.iter().position(|rendered| rendered.moment.start == start)?;
        let Rendered { moment, snapshot } = self.rendered.swap_remove(ready);
        self.rendered.retain(|rendered| rendered.moment.start > start);
        if self.shown == Some(moment) {
            return None;
        }
        self.shown = Some(moment);
        Some(snapshot)
    }

    /// What has to be rendered next: what is current, then what follows. What is of no use any more is dropped.
    pub fn wanted(&mut self, now: Timestamp) -> Option<Job> {
        let slots = [self.programme.current_at(now), self.programme.next_at(now)];
        let starts = slots.map(|slot| slot.map(|slot| slot.starts_at));
        self.rendered.retain(|rendered| starts.contains(&Some(rendered.moment.start)));
        let moments = starts.into_iter().flatten().map(|start| Moment { start, edition: self.edition });
        let is_missing = |moment: &Moment| {
            self.shown != Some(*moment) && self.rendered.iter().all(|rendered| rendered.moment != *moment)
        };
        let moment = moments.into_iter().find(is_missing)?;
        Some(Job { moment, programme: self.programme.clone() })
    }

    /// Runs every job that is wanted, here and now: for whoever has no other thread to run them on.
    pub fn prepare(&mut self, now: Timestamp) {
        while let Some(job) = self.wanted(now) {
            self.keep(job.run());
        }
    }

    /// Takes in what a job has made.
    pub fn keep(&mut self, rendered: Rendered) {
        self.rendered.retain(|other| other.moment.start != rendered.moment.start);
        self.rendered.push(rendered);
    }

    /// When something else is to be shown than at `now`, if it is known by now.
    #[must_use]
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.programme.next_at(now).map(|slot| slot.starts_at)
    }
}

#[cfg(test)]
mod tests {
    use listening_together_proto::Language;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::coding::Coding;
    use crate::fixtures::{at, slot};
    use crate::render;

    fn presenter(numbers: impl IntoIterator<Item = u64>, now: Timestamp) -> Presenter {
        let mut presenter = Presenter::default();
        presenter.receive(numbers.into_iter().map(|number| slot(number, 7)).collect(), now);
        presenter
    }

    /// The number of the slot that is newly shown, when all work is done.
    fn presented(presenter: &mut Presenter, now: Timestamp) -> Option<u64> {
        presenter.prepare(now);
        presenter.present(now).map(|snapshot| snapshot.current().number)
    }

    fn body(snapshot: &Snapshot) -> Value {
        serde_json::from_slice(&snapshot.representation(Language::En, Coding::Identity).body).unwrap()
    }

    #[test]
    fn a_slot_is_shown_at_its_start_and_once() {
        let mut presenter = presenter([20, 21], at(20, 100));
        assert_eq!(presented(&mut presenter, at(20, 100)), Some(20));
        assert_eq!(presenter.next_change(at(20, 100)), Some(at(21, 0)));
        presenter.prepare(at(20, 200));
        assert!(presenter.present(at(21, -1)).is_none());
        assert_eq!(presenter.present(at(21, 0)).unwrap().current().number, 21, "it was made ahead");
        assert_eq!(presented(&mut presenter, at(21, 1)), None);
        assert_eq!(presenter.next_change(at(21, 1)), None);
    }

    #[test]
    fn nothing_is_shown_before_the_first_start() {
        let mut presenter = presenter([20], at(19, 0));
        assert_eq!(presented(&mut presenter, at(19, 0)), None);
        assert_eq!(presenter.next_change(at(19, 0)), Some(at(20, 0)));
        assert_eq!(presenter.present(at(20, 0)).unwrap().current().number, 20, "it was made ahead");
    }

    #[test]
    fn slots_that_were_slept_through_are_skipped() {
        let mut presenter = presenter([20, 21, 22], at(20, 0));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
        assert_eq!(presented(&mut presenter, at(22, 3)), Some(22));
    }

    #[test]
    fn an_announcement_changes_what_is_shown_as_next() {
        let mut presenter = presenter([20], at(20, 0));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
        presenter.receive(vec![slot(21, 7)], at(20, 3000));
        presenter.prepare(at(20, 3000));
        let body = body(&presenter.present(at(20, 3000)).unwrap());
        assert_eq!((&body["current"]["slot"], &body["next"]["slot"]), (&20.into(), &21.into()));
    }

    #[test]
    fn news_just_before_a_start_do_not_hold_it_up() {
        let mut presenter = presenter([20, 21], at(20, 0));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
        presenter.prepare(at(20, 0));
        presenter.receive(vec![slot(22, 7)], at(21, -1));
        let shown = presenter.present(at(21, 0)).unwrap();
        assert_eq!((shown.current().number, body(&shown).get("next")), (21, None), "the edition before");
        presenter.prepare(at(21, 1));
        assert_eq!(body(&presenter.present(at(21, 1)).unwrap())["next"]["slot"], 22);
    }

    #[test]
    fn what_was_made_of_an_older_edition_is_made_again() {
        let mut presenter = presenter([20], at(20, 0));
        let old = presenter.wanted(at(20, 0)).unwrap();
        presenter.receive(vec![slot(21, 7)], at(20, 0));
        presenter.keep(old.run());
        assert_eq!(body(&presenter.present(at(20, 0)).unwrap()).get("next"), None);
        presenter.prepare(at(20, 0));
        assert_eq!(body(&presenter.present(at(20, 0)).unwrap())["next"]["slot"], 21);
    }

    #[test]
    fn repeats_show_nothing_new_and_are_no_news() {
        let mut presenter = presenter([20], at(20, 0));
        assert_eq!(presented(&mut presenter, at(20, 0)), Some(20));
        let (received, news) = presenter.receive(vec![slot(20, 7), slot(900, 7)], at(20, 0));
        assert_eq!(received, Received { changed: 0, unchanged: 1, refused: 1 });
        assert_eq!(news, []);
        assert_eq!(presented(&mut presenter, at(20, 0)), None);
        let (received, news) = presenter.receive(vec![slot(21, 7), slot(22, 7), slot(20, 3)], at(20, 0));
        assert_eq!(received, Received { changed: 3, unchanged: 0, refused: 0 });
        assert_eq!(news.iter().map(|slot| slot.number).collect::<Vec<_>>(), [22, 21, 20]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever is received when, and however late it is rendered: what is shown once the work is done is what the
        /// programme says at that instant, and nothing of another slot is shown before.
        #[test]
        fn what_is_shown_is_a_function_of_programme_and_instant(
            steps in prop::collection::vec((0i64..4000, prop::option::of((0u64..3, 0u128..3)), any::<bool>()), 1..12),
        ) {
            let (mut presenter, mut programme, mut now) = (Presenter::default(), Programme::default(), at(20, 0));
            let (mut shown, mut late): (Option<Arc<Snapshot>>, Vec<Job>) = (None, Vec::new());
            for (millis, announced, is_done) in steps {
                now = Timestamp::from_millis(now.as_millis() + millis);
                if let Some((ahead, id)) = announced {
                    let number = u64::try_from(now.as_millis() / 5000).unwrap() + ahead;
                    presenter.receive(vec![slot(number, id)], now);
                    programme.insert(slot(number, id), now);
                }
                late.drain(..).for_each(|job| presenter.keep(job.run()));
                if !is_done {
                    late.extend(presenter.wanted(now));
                    if let Some(snapshot) = presenter.present(now) {
                        prop_assert_eq!(snapshot.current().number, programme.current_at(now).unwrap().number);
                        shown = Some(snapshot);
                    }
                    continue;
                }
                presenter.prepare(now);
                prop_assert!(presenter.rendered.len() <= 2, "no more is held than what is current and what follows");
                shown = presenter.present(now).or(shown);
                let body = shown.as_ref().map(|shown| shown.representation(Language::Ja, Coding::Identity).body.to_vec());
                prop_assert_eq!(body, render::latest(&programme, now, Language::Ja));
            }
        }
    }
}
