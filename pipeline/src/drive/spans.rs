//! What is traced of the way from plays to slots, for plays whose publishers trace them.
//!
//! ```text
//! (publisher) > process PLAYS_SUBSCRIPTION > announce slot > send sessions > (replicas)
//!                                                  > share session: linked to 32 of the session's plays at most
//! ```
//!
//! A slot is part of the trace of a play of its featured session, so that one trace shows a play from its receipt to the
//! replicas that serve it. With two stages, `publish located plays` stands between.

use listening_together_proto::Slot;
use opentelemetry::trace::SpanContext;
use service_runtime::telemetry::messaging::{linked, within};
use tracing::Span;

use crate::ledger::Held;
use crate::receive::Acknowledge;
use crate::window::Pending;

/// The span of announcing a slot with these plays of each session, and short ones within it, one for each session that has
/// traced plays.
pub(super) fn announcement<A: Acknowledge>(slot: &Slot, plays: &[Vec<Pending<A>>]) -> Span {
    let span = tracing::info_span!("announce slot", slot = slot.number, sessions = slot.sessions.len());
    if span.is_disabled() {
        return span;
    }
    let span = within(span, plays.first().and_then(|featured| traces(featured).next()));
    for (session, plays) in slot.sessions.iter().zip(plays) {
        let mut traced = traces(plays).peekable();
        if traced.peek().is_some() {
            let (id, listeners) = (session.id.to_string(), session.listener_count);
            let shared = tracing::info_span!(parent: &span, "share session", session = id, listeners);
            drop(linked(shared, traced));
        }
    }
    span
}

/// The span of publishing located plays in a message, a child of the first traced play's; none when none is traced.
pub(super) fn batch<A: Acknowledge>(plays: &[Held<A>]) -> Span {
    let mut traced = plays.iter().filter_map(|play| play.handle().trace());
    let Some(first) = traced.next() else { return Span::none() };
    let span = tracing::info_span!("publish located plays", plays = plays.len());
    linked(within(span, Some(first)), traced)
}

fn traces<A: Acknowledge>(plays: &[Pending<A>]) -> impl Iterator<Item = SpanContext> {
    plays.iter().filter_map(|play| play.held.handle().trace())
}
