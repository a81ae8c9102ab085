//! Spans of messages, by OpenTelemetry's semantic conventions for messaging: here alone, for they are marked as in
//! development and change.
//!
//! A message's span is named after what is done and with which topic or subscription (`send sessions`), and the one that receives it is a
//! child of the one that sent it. What is in a message is no attribute.

use std::collections::HashSet;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// How many messages a span tells of that it comes from.
pub const MOST_LINKS: usize = 32;

/// The span of publishing a message of `bytes` to a topic, its id or full name.
#[must_use]
pub fn send(topic: &str, bytes: usize) -> Span {
    let topic = id_of(topic);
    tracing::info_span!(
        "send",
        otel.name = format!("send {topic}"),
        otel.kind = "producer",
        messaging.system = "gcp_pubsub",
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = topic,
        messaging.message.body.size = bytes,
    )
}

/// What a message was taken in from, by its id or full name: the one of the two that is shared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A topic, through a subscription of one's own.
    Topic(&'a str),
    /// A subscription.
    Subscription(&'a str),
}

/// The span of taking in a message that was sent within `publisher`.
#[must_use]
pub fn process(origin: Origin<'_>, message_id: &str, bytes: usize, publisher: Option<SpanContext>) -> Span {
    let (topic, subscription) = match origin {
        Origin::Topic(topic) => (Some(id_of(topic)), None),
        Origin::Subscription(subscription) => (None, Some(id_of(subscription))),
    };
    let span = tracing::info_span!(
        "process",
        otel.name = format!("process {}", topic.or(subscription).unwrap_or_default()),
        otel.kind = "consumer",
        messaging.system = "gcp_pubsub",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = topic,
        messaging.destination.subscription.name = subscription,
        messaging.message.id = message_id,
        messaging.message.body.size = bytes,
    );
    within(span, publisher)
}

/// The span as a child of another process's, or of an earlier one of this.
#[must_use]
pub fn within(span: Span, parent: Option<SpanContext>) -> Span {
    if let Some(parent) = parent {
        // Fails where nothing is traced.
        let _untraced = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    span
}

/// The span with links to those of the messages that it comes from, to each of them once and to [`MOST_LINKS`] at most.
#[must_use]
pub fn linked(span: Span, messages: impl IntoIterator<Item = SpanContext>) -> Span {
    let mut known = HashSet::new();
    let distinct = messages.into_iter().filter(|message| known.insert(message.span_id()));
    distinct.take(MOST_LINKS).for_each(|message| span.add_link(message));
    span
}

/// What a span's children in other tasks or processes are told of it; `None` where it is not traced.
#[must_use]
pub fn context_of(span: &Span) -> Option<SpanContext> {
    let context = span.context().span().span_context().clone();
    context.is_valid().then_some(context)
}

fn id_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
