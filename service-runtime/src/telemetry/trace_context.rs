//! A trace that goes on through a Pub/Sub message.
//!
//! Google's clients carry W3C trace context in the attribute `googclient_traceparent`; Pub/Sub refuses every other attribute
//! that begins with `goog`, so `tracestate` and baggage are left behind. The official Rust client carries nothing by itself.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The attribute of a message that says which span it comes from.
pub const TRACEPARENT: &str = "googclient_traceparent";

/// The attribute's value for a message that is published within `span`; `None` when the span is not sampled, so that
/// messages bear no attribute that nobody reads.
#[must_use]
pub fn traceparent_of(span: &Span) -> Option<String> {
    let context = span.context();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut carrier = Carrier(None);
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.0
}

/// The span that a message with these attributes was published within.
#[must_use]
pub fn publisher_of(attributes: &HashMap<String, String>) -> Option<SpanContext> {
    publisher(attributes.get(TRACEPARENT)?)
}

/// The span that a traceparent names; `None` when it names none.
#[must_use]
pub fn publisher(traceparent: &str) -> Option<SpanContext> {
    let carrier = Carrier(Some(traceparent.to_owned()));
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    let publisher = context.span().span_context().clone();
    publisher.is_valid().then_some(publisher)
}

/// Holds `traceparent`, and drops `tracestate`, which Rust's propagator writes even when it is empty.
struct Carrier(Option<String>);

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = Some(value);
        }
    }
}

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        if key == "traceparent" { self.0.as_deref() } else { None }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_publisher_is_read_from_the_attribute() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let cases = [
            ("sampled", Some(good), Some(true)),
            ("not sampled", Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), Some(false)),
            ("none", None, None),
            ("empty", Some(""), None),
            ("no id", Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"), None),
            ("nonsense", Some("203.0.113.7"), None),
            ("very long", Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-01-01-01"), None),
        ];
        for (name, value, expected) in cases {
            let attributes = value.map(|value| (TRACEPARENT.to_owned(), value.to_owned()));
            let found = publisher_of(&attributes.into_iter().collect());
            assert_eq!(found.map(|publisher| publisher.is_sampled()), expected, "{name}");
        }
    }
}
