//! The pipeline's own instruments, each defined once with its unit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use listening_together_proto::{Slot, Timestamp};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};
use service_runtime::telemetry::metrics::from_zero;

use crate::config::Stage;
use crate::ledger::{DropReason, Ledger};

/// What the books say at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Books {
    /// The account of all plays.
    pub ledger: Ledger,
    /// Plays whose acknowledgement was handed to the client.
    pub acked: u64,
    /// Records of the databases in use that cannot be read.
    pub unreadable_records: u64,
    /// When the city database was built.
    pub databases_built_at: Option<Timestamp>,
}

impl Books {
    /// Deliveries that are neither held nor acknowledged: 0, whatever happens. The ledger adds up by itself; this holds it
    /// against what was acknowledged, which is counted apart.
    fn unaccounted(&self) -> i64 {
        let known = self.ledger.held() + self.acked;
        self.ledger.received().wrapping_sub(known).cast_signed()
    }
}

/// How far the engine has come at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// How far event time has come.
    pub watermark: Timestamp,
    /// Panes that were sessions, chosen or not.
    pub sessions_found: u64,
}

/// The latest books, and those that the scrape under way reads.
#[derive(Debug, Default)]
struct Shelf {
    latest: Books,
    scraped: Books,
}

/// Records what the pipeline does, or the second of its stages.
#[derive(Debug)]
pub struct Telemetry {
    shelf: Arc<Mutex<Shelf>>,
    progress: Arc<Mutex<Progress>>,
    slots_published: Counter<u64>,
    slots_skipped: Counter<u64>,
    /// The number of the latest slot that was announced; 0 before the first.
    latest_slot: AtomicU64,
    sessions_published: Counter<u64>,
    play_to_receive: Histogram<f64>,
    play_to_publish: Histogram<f64>,
}

/// Upper bounds in seconds of the time since a play.
const SECONDS: [f64; 14] = [0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 20.0, 60.0];

impl Telemetry {
    /// Makes the instruments.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let shelf = observe_books(meter);
        let progress = Arc::new(Mutex::new(Progress { watermark: Timestamp::MIN, sessions_found: 0 }));
        observe_progress(meter, &progress);
        let counter = |name: &'static str, description: &'static str| {
            from_zero(meter.u64_counter(name).with_description(description).build())
        };
        Self {
            shelf,
            progress,
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
            play_to_receive: play_to_receive(meter),
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

    /// From now on metrics show this progress.
    pub fn show_progress(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Plays were taken in `now`, the last of them played at `played_at`.
    pub fn received(&self, played_at: Timestamp, now: Timestamp) {
        self.play_to_receive.record(now.since(played_at).as_secs_f64(), &[]);
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

/// Records what the first of two stages does.
#[derive(Clone, Debug)]
pub struct LocateTelemetry {
    shelf: Arc<Mutex<Shelf>>,
    play_to_receive: Histogram<f64>,
    batch_plays: Histogram<f64>,
    duration: Histogram<f64>,
}

/// Upper bounds of the plays of a message.
const PLAYS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0, 10_000.0];

/// Upper bounds in seconds of the time that plays take through the first stage.
const STAGE_SECONDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0];

impl LocateTelemetry {
    /// Makes the instruments.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let histogram = |name: &'static str, unit: &'static str, description: &'static str| {
            meter.f64_histogram(name).with_unit(unit).with_description(description)
        };
        let plays = "Located plays of a message that is confirmed as published";
        let seconds = "From the receipt of a message's first play to the message's confirmation: a part of what MAX_DISORDER has to cover";
        Self {
            shelf: observe_books(meter),
            play_to_receive: play_to_receive(meter),
            batch_plays: histogram("pipeline.locate.batch.plays", "{play}", plays)
                .with_boundaries(PLAYS.to_vec())
                .build(),
            duration: histogram("pipeline.locate.duration", "s", seconds)
                .with_boundaries(STAGE_SECONDS.to_vec())
                .build(),
        }
    }

    /// From now on metrics show these books.
    pub fn show(&self, books: Books) {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).latest = books;
    }

    /// Plays were taken in `now`, the last of them played at `played_at`.
    pub fn received(&self, played_at: Timestamp, now: Timestamp) {
        self.play_to_receive.record(now.since(played_at).as_secs_f64(), &[]);
    }

    /// A message of so many plays is confirmed, so long after the first of them came in.
    pub fn published(&self, plays: usize, took: Duration) {
        self.batch_plays.record(plays as f64, &[]);
        self.duration.record(took.as_secs_f64(), &[]);
    }
}

/// How old plays are when they come; what takes plays in makes it.
fn play_to_receive(meter: &Meter) -> Histogram<f64> {
    meter
        .f64_histogram("pipeline.play_to_receive")
        .with_unit("s")
        .with_description(
            "From played_at to the play's receipt, of one play of those that are taken in together",
        )
        .with_boundaries(SECONDS.to_vec())
        .build()
}

/// Shows which stage a process is: the stages have series in common, which add up within one of them.
pub fn observe_stage(meter: &Meter, stage: Stage) {
    let stage = match stage {
        Stage::All => "all",
        Stage::Locate => "locate",
        Stage::Curate => "curate",
    };
    meter
        .u64_observable_gauge("pipeline.stage")
        .with_description("1, with the stage that this process is: all, locate or curate")
        .with_callback(move |gauge| gauge.observe(1, &[KeyValue::new("stage", stage)]))
        .build();
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
fn observe_books(meter: &Meter) -> Arc<Mutex<Shelf>> {
    let shelf = Arc::new(Mutex::new(Shelf::default()));
    let latest = books(&shelf, |shelf| {
        shelf.scraped = shelf.latest;
        shelf.scraped
    });
    let scraped = || books(&shelf, |shelf| shelf.scraped);
    meter
        .u64_observable_counter("pipeline.plays.received")
        .with_description("Deliveries of plays; the four kinds of pipeline_plays add up: received = settled + held + dropped")
        .with_callback(move |gauge| gauge.observe(latest().ledger.received(), &[]))
        .build();
    let ledger = scraped();
    meter
        .u64_observable_counter("pipeline.plays.settled")
        .with_description(
            "Deliveries acknowledged because what they became is published: a session, or a located play",
        )
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
        .with_description(
            "Deliveries that wait unacknowledged for their window and slot, or for their message",
        )
        .with_callback(move |gauge| gauge.observe(ledger().ledger.held(), &[]))
        .build();
    let ledger = scraped();
    meter
        .i64_observable_gauge("pipeline.plays.unaccounted")
        .with_description(
            "received - held - acked, taken at one moment: 0, or what was acknowledged is not what was settled or dropped",
        )
        .with_callback(move |gauge| gauge.observe(ledger().unaccounted(), &[]))
        .build();
    let acked = scraped();
    meter
        .u64_observable_counter("pipeline.plays.acked")
        .with_description("Acknowledgements handed to the Pub/Sub client, counted apart: settled + dropped")
        .with_callback(move |gauge| gauge.observe(acked().acked, &[]))
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
    shelf
}

/// The instruments that read how far the engine has come.
fn observe_progress(meter: &Meter, progress: &Arc<Mutex<Progress>>) {
    let reading = || {
        let progress = progress.clone();
        move || *progress.lock().unwrap_or_else(PoisonError::into_inner)
    };
    let found = reading();
    meter
        .u64_observable_counter("pipeline.sessions.found")
        .with_description("Panes that were sessions, chosen or not")
        .with_callback(move |gauge| gauge.observe(found().sessions_found, &[]))
        .build();
    let time = reading();
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
    fn what_was_acknowledged_is_held_against_the_ledger() {
        let mut ledger = Ledger::default();
        let [settled, dropped, held] = [(); 3].map(|()| ledger.receive(()));
        let _done = [ledger.settle(settled), ledger.drop_play(dropped, DropReason::Late)];
        for (name, acked, expected) in [("all", 2, 0), ("one not", 1, 1), ("a play that is held", 3, -1)] {
            assert_eq!(Books { ledger, acked, ..Books::default() }.unaccounted(), expected, "{name}");
        }
        drop(held);
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
                let _done = [ledger.settle(settled), ledger.drop_play(dropped, DropReason::Late)];
                drop(held);
                writer.show(Books { ledger, ..Books::default() });
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
