//! What is counted and measured. No label and no value carries what a message holds, or who asks.

mod responses;

use std::sync::Arc;
use std::time::Duration;

use listening_together_proto::{Slot, Timestamp};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter};

use crate::presenter::Received;
use responses::AllResponses;
use service_runtime::telemetry::metrics::from_zero;

pub use responses::Responses;

/// Bounds for delays of the network and of the clock, in seconds.
const DELAY_BOUNDS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Bounds for the way from a play to the screen, in seconds: fine where a promise is made (5 s).
const AGE_BOUNDS: [f64; 18] =
    [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.25, 4.5, 4.75, 5.0, 5.5, 6.0, 8.0, 10.0, 20.0, 60.0];

/// The instruments of this service. Clones count into the same.
#[derive(Clone, Debug)]
pub struct Telemetry {
    updates_received: Counter<u64>,
    updates_rejected: Counter<u64>,
    update_delay: Histogram<f64>,
    slots_received: Counter<u64>,
    subscriptions_created: Counter<u64>,
    current_slot: Gauge<u64>,
    shown_fingerprint: Gauge<u64>,
    bodies_build_time: Histogram<f64>,
    stale: Gauge<u64>,
    clock_ahead: Gauge<f64>,
    switch_delay: Histogram<f64>,
    window_start_to_current: Histogram<f64>,
    window_end_to_current: Histogram<f64>,
    streams_open: UpDownCounter<i64>,
    streams_refused: Counter<u64>,
    streams_lagged: Counter<u64>,
    responses: AllResponses,
}

impl Telemetry {
    /// Makes the instruments.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let counter = |name: &'static str, description: &'static str| {
            from_zero(meter.u64_counter(name).with_description(description).build())
        };
        let gauge = |name: &'static str, description: &'static str| {
            meter.u64_gauge(name).with_description(description).build()
        };
        let seconds = |name: &'static str, description: &'static str, bounds: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(bounds.to_vec()).build()
        };
        Self {
            updates_received: counter("session_api.updates.received", "Messages of the sessions topic"),
            updates_rejected: counter(
                "session_api.updates.rejected",
                "Messages of the sessions topic that are not a valid update",
            ),
            update_delay: seconds(
                "session_api.update.delay",
                "From the publish time of an update to its being in memory",
                &DELAY_BOUNDS,
            ),
            slots_received: counter(
                "session_api.slots.received",
                "Slots in valid updates, by what became of them",
            ),
            subscriptions_created: counter(
                "session_api.subscriptions.created",
                "Subscriptions of its own that this replica has created",
            ),
            current_slot: gauge("session_api.current_slot", "Number of the slot that is shown"),
            shown_fingerprint: gauge(
                "session_api.shown.fingerprint",
                "A hash of the bodies that were shown in the last whole minute: the same on every replica",
            ),
            bodies_build_time: seconds(
                "session_api.bodies.build_time",
                "The making of a slot's bodies, in all languages and codings",
                &DELAY_BOUNDS,
            ),
            stale: gauge("session_api.stale", "1 when no update has come for STALE_AFTER"),
            clock_ahead: meter
                .f64_gauge("session_api.clock.ahead")
                .with_unit("s")
                .with_description(
                    "How far this clock is ahead of Pub/Sub's, by its latest publish times; negative when behind",
                )
                .build(),
            switch_delay: seconds(
                "session_api.switch.delay",
                "From the start of a slot to its being shown",
                &DELAY_BOUNDS,
            ),
            window_start_to_current: seconds(
                "session_api.window_start_to_current",
                "From the start of a featured session's window, before which none of its plays was, to its being shown",
                &AGE_BOUNDS,
            ),
            window_end_to_current: seconds(
                "session_api.window_end_to_current",
                "From the end of a featured session's window to its being shown",
                &AGE_BOUNDS,
            ),
            streams_open: meter
                .i64_up_down_counter("session_api.streams.open")
                .with_description("Streams of events that are open")
                .build(),
            streams_refused: counter(
                "session_api.streams.refused",
                "Streams that MAX_STREAMS left no room for",
            ),
            streams_lagged: counter(
                "session_api.streams.lagged",
                "Streams that were ended because their clients could not keep up",
            ),
            responses: AllResponses::observed_by(meter),
        }
    }

    /// A message has come.
    pub fn update_received(&self) {
        self.updates_received.add(1, &[]);
    }

    /// A message is not a valid update.
    pub fn update_rejected(&self) {
        self.updates_rejected.add(1, &[]);
    }

    /// An update with such slots is in memory.
    pub fn slots_received(&self, slots: Received) {
        let outcomes =
            [("changed", slots.changed), ("unchanged", slots.unchanged), ("refused", slots.refused)];
        for (outcome, count) in outcomes {
            self.slots_received.add(count, &[KeyValue::new("outcome", outcome)]);
        }
    }

    /// An update came so long after it was published.
    pub fn update_delayed(&self, delay: Duration) {
        self.update_delay.record(delay.as_secs_f64(), &[]);
    }

    /// A subscription has been created.
    pub fn subscription_created(&self) {
        self.subscriptions_created.add(1, &[]);
    }

    /// A slot is shown.
    pub fn showing(&self, slot: u64) {
        self.current_slot.record(slot, &[]);
    }

    /// What was shown in the last whole minute has this hash.
    pub fn minute_shown(&self, fingerprint: u32) {
        self.shown_fingerprint.record(fingerprint.into(), &[]);
    }

    /// The bodies of a slot have been made in this time.
    pub fn bodies_built(&self, time: Duration) {
        self.bodies_build_time.record(time.as_secs_f64(), &[]);
    }

    /// `slot` is shown from `now` on, after another.
    pub fn switched(&self, slot: &Slot, now: Timestamp) {
        let window = slot.featured().window;
        let record = |histogram: &Histogram<f64>, from| histogram.record(now.since(from).as_secs_f64(), &[]);
        record(&self.switch_delay, slot.starts_at);
        record(&self.window_start_to_current, window.start);
        record(&self.window_end_to_current, window.end);
    }

    /// Whether updates have stayed away for too long.
    pub fn stale(&self, stale: bool) {
        self.stale.record(stale.into(), &[]);
    }

    /// A stream has been opened; it counts until what is returned is dropped.
    #[must_use]
    pub fn stream_opened(&self) -> OpenStream {
        self.streams_open.add(1, &[]);
        OpenStream { open: self.streams_open.clone(), lagged: self.streams_lagged.clone() }
    }

    /// There was no room for a stream.
    pub fn stream_refused(&self) {
        self.streams_refused.add(1, &[]);
    }

    /// This clock is ahead of Pub/Sub's by so many milliseconds.
    pub fn clock_is_ahead(&self, millis: i64) {
        self.clock_ahead.record(millis as f64 / 1000.0, &[]);
    }

    /// What one worker counts its responses in.
    #[must_use]
    pub fn responses(&self) -> Arc<Responses> {
        self.responses.add()
    }
}

/// A stream that counts as open while this lives.
#[derive(Debug)]
pub struct OpenStream {
    open: UpDownCounter<i64>,
    lagged: Counter<u64>,
}

impl OpenStream {
    /// It is ended because its client cannot keep up.
    pub fn lagged(&self) {
        self.lagged.add(1, &[]);
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.open.add(-1, &[]);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use service_runtime::telemetry::Metrics;

    use super::*;
    use crate::fixtures::{at, slot};

    #[test]
    fn everything_is_scraped_under_its_name() {
        let metrics = Metrics::new("session-api").unwrap();
        let telemetry = Telemetry::new(&metrics.meter());
        telemetry.update_received();
        telemetry.update_rejected();
        let slots = Received { changed: 2, unchanged: 9, refused: 0 };
        telemetry.slots_received(slots);
        telemetry.update_delayed(Duration::from_millis(30));
        telemetry.subscription_created();
        telemetry.showing(20);
        telemetry.minute_shown(u32::MAX);
        telemetry.bodies_built(Duration::from_millis(7));
        telemetry.switched(&slot(20, 7), at(20, 3));
        telemetry.stale(false);
        telemetry.clock_is_ahead(-250);
        let (_open, closed) = (telemetry.stream_opened(), telemetry.stream_opened());
        closed.lagged();
        drop(closed);
        telemetry.stream_refused();
        let (one, other) = (telemetry.responses(), telemetry.responses());
        for (worker, status) in
            [(&one, StatusCode::OK), (&other, StatusCode::OK), (&one, StatusCode::NOT_MODIFIED)]
        {
            worker.count(status);
        }
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        for line in [
            "session_api_updates_received_total 1",
            "session_api_updates_rejected_total 1",
            "session_api_slots_received_total{outcome=\"unchanged\"} 9",
            "session_api_update_delay_seconds_bucket{le=\"0.05\"} 1",
            "session_api_subscriptions_created_total 1",
            "session_api_current_slot 20",
            "session_api_shown_fingerprint 4294967295",
            "session_api_bodies_build_time_seconds_sum 0.007",
            "session_api_stale 0",
            "session_api_clock_ahead_seconds -0.25",
            "session_api_switch_delay_seconds_sum 0.003",
            "session_api_window_start_to_current_seconds_sum 4.003",
            "session_api_window_end_to_current_seconds_sum 3.003",
            "session_api_streams_open 1",
            "session_api_streams_lagged_total 1",
            "session_api_streams_refused_total 1",
            "session_api_responses_total{status=\"2xx\"} 2",
            "session_api_responses_total{status=\"3xx\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
