//! The pipeline's own instruments, each defined once with its unit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use listening_together_proto::{Slot, Timestamp};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};
use service_runtime::telemetry::metrics::from_zero;

use crate::ledger::{DropReason, Ledger};

/// What the engine's books say at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Books {
    /// The account of all plays.
    pub ledger: Ledger,
    /// Deliveries whose acknowledgement was handed to the client.
    pub acked: u64,
    /// How far event time has come.
    pub watermark: Timestamp,
    /// Panes that were sessions, chosen or not.
    pub sessions_found: u64,
    /// Records of the databases in use that cannot be read.
    pub unreadable_records: u64,
    /// When the city database was built.
    pub databases_built_at: Option<Timestamp>,
}

/// The latest books, and those that the scrape under way reads.
#[derive(Debug)]
struct Shelf {
    latest: Books,
    scraped: Books,
}

/// Records what the pipeline does.
#[derive(Debug)]
pub struct Telemetry {
    shelf: Arc<Mutex<Shelf>>,
    slots_published: Counter<u64>,
    slots_skipped: Counter<u64>,
    /// The number of the latest slot that was announced; 0 before the first.
    latest_slot: AtomicU64,
    sessions_published: Counter<u64>,
    play_to_publish: Histogram<f64>,
}

/// Upper bounds in seconds of the time from play to publish.
const SECONDS: [f64; 12] = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 20.0, 60.0];

impl Telemetry {
    /// Makes the instruments.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let books = Books {
            ledger: Ledger::default(),
            acked: 0,
            watermark: Timestamp::MIN,
            sessions_found: 0,
            unreadable_records: 0,
            databases_built_at: None,
        };
        let shelf = Arc::new(Mutex::new(Shelf { latest: books, scraped: books }));
        observe_books(meter, &shelf);
        let counter = |name: &'static str, description: &'static str| {
            from_zero(meter.u64_counter(name).with_description(description).build())
        };
        Self {
            shelf,
            slots_published: counter("pipeline.slots.published", "Slots whose announcement is confirmed"),
            slots_skipped: counter(
                "pipeline.slots.skipped",
                "Slots between two that were announced, for which there was nothing to announce",
            ),
            latest_slot: AtomicU64::new(0),
            sessions_published: counter(
                "pipeline.sessions.published",
                "Sessions in slots whose announcement is confirmed",
            ),
            play_to_publish: meter
                .f64_histogram("pipeline.play_to_publish")
                .with_unit("s")
                .with_description("From played_at to the confirmed announcement of the play's session")
                .with_boundaries(SECONDS.to_vec())
                .build(),
        }
    }

    /// From now on metrics show these books.
    pub fn show(&self, books: Books) {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).latest = books;
    }

    /// An announcement is confirmed.
    pub fn published(&self, slot: &Slot) {
        self.slots_published.add(1, &[]);
        let before = self.latest_slot.fetch_max(slot.number, Ordering::Relaxed);
        let skipped = if before == 0 { 0 } else { slot.number.saturating_sub(before + 1) };
        self.slots_skipped.add(skipped, &[]);
        self.sessions_published.add(slot.sessions.len() as u64, &[]);
    }

    /// A play's session is published `now`.
    pub fn settled(&self, played_at: Timestamp, now: Timestamp) {
        self.play_to_publish.record(now.since(played_at).as_secs_f64(), &[]);
    }
}

/// Counts new editions of the databases.
#[derive(Clone, Debug)]
pub struct Reloads(Counter<u64>);

impl Reloads {
    /// Makes the instrument.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let counter = meter.u64_counter("pipeline.geoip.reloads");
        let reloads =
            counter.with_description("New editions of the databases, by whether they could be used").build();
        for outcome in ["succeeded", "failed"] {
            reloads.add(0, &[KeyValue::new("outcome", outcome)]);
        }
        Self(reloads)
    }

    /// A new edition is in use.
    pub fn succeeded(&self) {
        self.0.add(1, &[KeyValue::new("outcome", "succeeded")]);
    }

    /// A new edition cannot be used.
    pub fn failed(&self) {
        self.0.add(1, &[KeyValue::new("outcome", "failed")]);
    }
}

/// The instruments that read the books. A scrape asks them in the order in which they were made: the first takes the
/// latest books out for all of them, so that what one scrape shows adds up.
fn observe_books(meter: &Meter, shelf: &Arc<Mutex<Shelf>>) {
    let latest = books(shelf, |shelf| {
        shelf.scraped = shelf.latest;
        shelf.scraped
    });
    let scraped = || books(shelf, |shelf| shelf.scraped);
    meter
        .u64_observable_counter("pipeline.plays.received")
        .with_description("Deliveries of plays; the four kinds of pipeline_plays add up: received = settled + held + dropped")
        .with_callback(move |gauge| gauge.observe(latest().ledger.received(), &[]))
        .build();
    let ledger = scraped();
    meter
        .u64_observable_counter("pipeline.plays.settled")
        .with_description("Deliveries acknowledged because their session is published")
        .with_callback(move |gauge| gauge.observe(ledger().ledger.settled(), &[]))
        .build();
    let ledger = scraped();
    meter
        .u64_observable_counter("pipeline.plays.dropped")
        .with_description("Deliveries acknowledged because they are of no use, by reason")
        .with_callback(move |gauge| observe_dropped(&ledger().ledger, gauge))
        .build();
    let ledger = scraped();
    meter
        .u64_observable_gauge("pipeline.plays.held")
        .with_description("Deliveries that wait unacknowledged for their window and slot")
        .with_callback(move |gauge| gauge.observe(ledger().ledger.held(), &[]))
        .build();
    let acked = scraped();
    meter
        .u64_observable_counter("pipeline.plays.acked")
        .with_description("Acknowledgements handed to the Pub/Sub client, counted apart: settled + dropped")
        .with_callback(move |gauge| gauge.observe(acked().acked, &[]))
        .build();
    let found = scraped();
    meter
        .u64_observable_counter("pipeline.sessions.found")
        .with_description("Panes that were sessions, chosen or not")
        .with_callback(move |gauge| gauge.observe(found().sessions_found, &[]))
        .build();
    let unreadable = scraped();
    meter
        .u64_observable_gauge("pipeline.geoip.unreadable_records")
        .with_description("Records of the databases in use that cannot be read")
        .with_callback(move |gauge| gauge.observe(unreadable().unreadable_records, &[]))
        .build();
    let built = scraped();
    meter
        .f64_observable_gauge("pipeline.geoip.built")
        .with_unit("s")
        .with_description(
            "When the city database in use was built, in seconds since the epoch: time() - this is its age",
        )
        .with_callback(move |gauge| {
            if let Some(built_at) = built().databases_built_at {
                gauge.observe(built_at.as_millis() as f64 / 1000.0, &[]);
            }
        })
        .build();
    let time = scraped();
    meter
        .f64_observable_gauge("pipeline.watermark")
        .with_unit("s")
        .with_description("How far event time has come, in seconds since the epoch")
        .with_callback(move |gauge| {
            let watermark = time().watermark;
            if watermark > Timestamp::MIN {
                gauge.observe(watermark.as_millis() as f64 / 1000.0, &[]);
            }
        })
        .build();
}

fn books(
    shelf: &Arc<Mutex<Shelf>>,
    take: impl Fn(&mut Shelf) -> Books + Send + Sync + 'static,
) -> impl Fn() -> Books + Send + Sync + 'static {
    let shelf = shelf.clone();
    move || take(&mut shelf.lock().unwrap_or_else(PoisonError::into_inner))
}

fn observe_dropped(ledger: &Ledger, counter: &dyn AsyncInstrument<u64>) {
    for reason in DropReason::ALL {
        counter.observe(ledger.dropped(reason), &[KeyValue::new("reason", reason.as_str())]);
    }
}

#[cfg(test)]
mod tests {
    use service_runtime::telemetry::Metrics;

    use super::*;

    /// The values of the series of `text` whose name starts with `name`.
    fn series(text: &str, name: &str) -> Vec<u64> {
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn every_scrape_adds_up_while_the_books_change() {
        let metrics = Metrics::new("test").unwrap();
        let telemetry = Arc::new(Telemetry::new(&metrics.meter()));
        let writer = telemetry.clone();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = stop.clone();
        let writing = std::thread::spawn(move || {
            let mut ledger = Ledger::default();
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                let plays = [(); 3].map(|()| ledger.receive(()));
                let [settled, dropped, held] = plays;
                ledger.settle(settled);
                ledger.drop_play(dropped, DropReason::Late);
                drop(held);
                let watermark = Timestamp::from_millis(0);
                writer.show(Books {
                    ledger,
                    acked: 0,
                    watermark,
                    sessions_found: 0,
                    unreadable_records: 0,
                    databases_built_at: None,
                });
            }
        });
        for _ in 0..200 {
            let text = String::from_utf8(metrics.render().unwrap()).unwrap();
            let sum = |name: &str| series(&text, name).iter().sum::<u64>();
            let accounted = sum("pipeline_plays_settled_total")
                + sum("pipeline_plays_held")
                + sum("pipeline_plays_dropped_total");
            assert_eq!(sum("pipeline_plays_received_total"), accounted);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        writing.join().unwrap();
    }
}
