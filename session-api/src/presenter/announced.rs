//! Which span a slot came in, so that its trace ends where it is shown.

use std::collections::VecDeque;
use std::sync::Arc;

use listening_together_proto::{Slot, Timestamp};
use opentelemetry::trace::SpanContext;
use service_runtime::telemetry::messaging;
use tracing::Span;

/// Slots that are remembered until they are shown; there is rarely more than one.
const MOST: usize = 16;

/// The spans that the latest slots came in.
#[derive(Debug, Default)]
pub(super) struct Announced(VecDeque<(Timestamp, SpanContext)>);

impl Announced {
    /// These slots came in the span of `trace`.
    pub(super) fn remember(&mut self, news: &[Arc<Slot>], trace: Option<&SpanContext>) {
        let Some(trace) = trace else { return };
        for slot in news {
            self.0.truncate(MOST - 1);
            self.0.push_front((slot.starts_at, trace.clone()));
        }
    }

    /// The span of showing a slot, a child of the one that it came in.
    pub(super) fn show(&mut self, slot: &Slot) -> Span {
        let came_in = self.0.iter().find(|(starts_at, _)| *starts_at == slot.starts_at);
        let parent = came_in.map(|(_, trace)| trace.clone());
        // What came before it will not be shown any more.
        self.0.retain(|(starts_at, _)| *starts_at > slot.starts_at);
        let span = tracing::info_span!("show slot", slot = slot.number, sessions = slot.sessions.len());
        messaging::within(span, parent)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    use super::*;
    use crate::fixtures::slot;

    fn trace(id: u64) -> SpanContext {
        let ids = (TraceId::from(u128::from(id)), SpanId::from(id));
        SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED, true, TraceState::default())
    }

    #[test]
    fn only_the_latest_slots_are_remembered_and_only_until_they_are_shown() {
        let mut announced = Announced::default();
        let slots: Vec<_> = (0..40).map(|number| Arc::new(slot(number, 7))).collect();
        for slot in &slots {
            announced.remember(std::slice::from_ref(slot), Some(&trace(slot.number + 1)));
        }
        announced.remember(&slots, None);
        assert_eq!(announced.0.len(), MOST);
        announced.show(&slots[37]);
        let left: Vec<_> = announced.0.iter().map(|(_, trace)| trace.span_id()).collect();
        assert_eq!(left, [SpanId::from(40), SpanId::from(39)]);
    }
}
