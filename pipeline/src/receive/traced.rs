//! A delivery whose publisher traces it.

use std::sync::Arc;

use opentelemetry::trace::SpanContext;
use service_runtime::telemetry::messaging::{self, Origin};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::Acknowledge;
use crate::ledger::Fate;

/// The attribute that tells what became of a play: `settled`, or why it was dropped. There is none where it was handed back.
const FATE: &str = "play.fate";

/// How many messages are traced at a time, of which each takes about a kilobyte; of others nothing is sent.
const MOST_TRACED: usize = 10_000;

/// A handle that acknowledges a delivery, with the span that lasts until the delivery is acknowledged or handed back.
#[derive(Debug)]
pub struct Traced<A> {
    ack: A,
    /// Few deliveries have one: the others pay a pointer.
    span: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    span: Span,
    _permit: OwnedSemaphorePermit,
}

/// Opens spans for the messages of a subscription.
#[derive(Clone, Debug)]
pub(super) struct Tracer {
    subscription: String,
    permits: Arc<Semaphore>,
}

impl Tracer {
    pub(super) fn new(subscription: &str) -> Self {
        Self { subscription: subscription.to_owned(), permits: Arc::new(Semaphore::new(MOST_TRACED)) }
    }

    /// The handle of a message of `bytes` that was sent within `publisher`; traced if that is sampled and traces are sent.
    pub(super) fn trace<A>(
        &self,
        ack: A,
        message_id: &str,
        bytes: usize,
        publisher: Option<SpanContext>,
    ) -> Traced<A> {
        let span = publisher.filter(SpanContext::is_sampled).and_then(|publisher| {
            let permit = self.permits.clone().try_acquire_owned().ok()?;
            let origin = Origin::Subscription(&self.subscription);
            let span = messaging::process(origin, message_id, bytes, Some(publisher));
            // A sampler of ours may refuse what the publisher's has chosen.
            let is_sampled = messaging::context_of(&span).is_some_and(|context| context.is_sampled());
            is_sampled.then(|| Box::new(Open { span, _permit: permit }))
        });
        Traced { ack, span }
    }
}

impl<A: Acknowledge> Acknowledge for Traced<A> {
    fn acknowledge(self) {
        self.ack.acknowledge();
    }

    fn tell(&self, fate: Fate) {
        if let Some(open) = &self.span {
            open.span.set_attribute(FATE, fate.as_str());
        }
    }

    fn trace(&self) -> Option<SpanContext> {
        messaging::context_of(&self.span.as_ref()?.span)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    use service_runtime::telemetry::trace_context::publisher;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    struct Ack;

    impl Acknowledge for Ack {
        fn acknowledge(self) {}
    }

    fn with_traces<T>(test: impl FnOnce() -> T) -> T {
        sampled_by(Sampler::AlwaysOn, test)
    }

    fn sampled_by<T>(sampler: Sampler, test: impl FnOnce() -> T) -> T {
        let tracer = SdkTracerProvider::builder().with_sampler(sampler).build().tracer("test");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), test)
    }

    #[test]
    fn what_its_publisher_samples_is_traced_in_the_same_trace() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let sent = |flags: &str| publisher(&format!("00-{trace}-b7ad6b7169203331-{flags}"));
        let cases =
            [("sampled", sent("01"), true), ("not sampled", sent("00"), false), ("untold", None, false)];
        for (name, publisher, expected) in cases {
            let found = with_traces(|| Tracer::new("plays").trace(Ack, "1", 10, publisher).trace());
            assert_eq!(
                found.map(|it| it.trace_id().to_string()),
                expected.then(|| trace.to_owned()),
                "{name}"
            );
        }
        let untraced = Tracer::new("plays").trace(Ack, "1", 10, sent("01")).trace();
        assert_eq!(untraced, None, "nothing is sent");
        let refused =
            sampled_by(Sampler::AlwaysOff, || Tracer::new("plays").trace(Ack, "1", 10, sent("01")).trace());
        assert_eq!(refused, None, "a sampler of ours refuses it");
    }

    #[test]
    fn only_so_many_are_traced_at_a_time() {
        with_traces(|| {
            let tracer = Tracer::new("plays");
            let sent = publisher("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            let one = || tracer.trace(Ack, "1", 10, sent.clone());
            let all: Vec<_> = (0..=MOST_TRACED).map(|_| one()).collect();
            assert_eq!(all.iter().filter(|traced| traced.trace().is_some()).count(), MOST_TRACED);
            drop(all);
            assert!(one().trace().is_some(), "those that are gone make room");
        });
    }
}
