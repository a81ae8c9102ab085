//! A replica without a network and without threads: its presenter, what is being rendered for it, and its screen.

use std::sync::Arc;

use listening_together_proto::{Language, Slot, Timestamp};
use session_api::coding::Coding;
use session_api::presenter::{Job, Presenter, Received};
use session_api::snapshot::Snapshot;

#[derive(Debug, Default)]
pub(super) struct Replica {
    presenter: Presenter,
    rendering: Option<Job>,
    screen: Option<Arc<Snapshot>>,
}

impl Replica {
    /// Takes in the slots of an update.
    pub(super) fn receive(&mut self, slots: Vec<Slot>, now: Timestamp) -> Received {
        let count = slots.len() as u64;
        let (received, news) = self.presenter.receive(slots, now);
        assert_eq!(received.changed + received.unchanged + received.refused, count, "what became of each");
        assert!(news.len() as u64 <= received.changed, "more news than changes");
        received
    }

    /// Begins to render what is wanted, unless something is being rendered.
    pub(super) fn begin(&mut self, now: Timestamp) {
        if self.rendering.is_none() {
            self.rendering = self.presenter.wanted(now);
        }
    }

    /// What is being rendered is done.
    pub(super) fn finish(&mut self) {
        if let Some(job) = self.rendering.take() {
            self.presenter.keep(job.run());
        }
    }

    /// Shows what is to be shown from `now` on.
    pub(super) fn present(&mut self, now: Timestamp) {
        if let Some(snapshot) = self.presenter.present(now) {
            self.screen = Some(snapshot);
        }
        let next = self.presenter.next_change(now);
        assert!(next.is_none_or(|next| next > now), "what is due is not shown");
    }

    /// Whether everything that is wanted has been rendered.
    pub(super) fn is_up_to_date(&mut self, now: Timestamp) -> bool {
        self.rendering.is_none() && self.presenter.wanted(now).is_none()
    }

    /// What is on the screen, as it is sent to those who take no coding.
    pub(super) fn body(&self, language: Language) -> Option<&[u8]> {
        Some(&self.screen.as_ref()?.representation(language, Coding::Identity).body)
    }
}
