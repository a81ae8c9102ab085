//! The rim: plays onto a topic, at a rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use google_cloud_pubsub::client::{BasePublisher, Publisher};
use google_cloud_pubsub::model::Message;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{GeneratedPlay, Pace, PlayKind, PlaySource};

/// How often plays are sent. Shorter than the publisher's own delay, so that it makes no difference.
const TICK: Duration = Duration::from_millis(5);
/// How long the last plays may take to be confirmed after the end.
const DRAIN: Duration = Duration::from_secs(10);
/// How often a rate that cannot be kept, or a failure to publish, is reported.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// Plays on their way to Pub/Sub at once: this many seconds' worth, and at least [`MIN_IN_FLIGHT`].
const IN_FLIGHT_SECONDS: f64 = 2.0;
const MIN_IN_FLIGHT: u64 = 1000;

/// What has been sent so far. Shared with whoever watches; counts only ever grow.
#[derive(Debug, Default)]
pub struct PlaysOut {
    by_kind: [AtomicU64; PlayKind::ALL.len()],
    duplicates: AtomicU64,
    confirmed: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
}

/// [`PlaysOut`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By [`PlayKind`], in the order of [`PlayKind::ALL`], duplicates included.
    pub by_kind: [u64; PlayKind::ALL.len()],
    /// How many of them had been sent before.
    pub duplicates: u64,
    /// How many Pub/Sub has confirmed.
    pub confirmed: u64,
    /// How many Pub/Sub has refused, or not taken in time.
    pub failed: u64,
    /// How many were never made, because the rate could not be kept.
    pub skipped: u64,
}

impl Totals {
    /// How many messages were given to the publisher.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// How many of a kind were given to the publisher.
    #[must_use]
    pub fn of(&self, kind: PlayKind) -> u64 {
        self.by_kind[kind as usize]
    }
}

impl PlaysOut {
    /// The counts now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Totals {
            by_kind: self.by_kind.each_ref().map(load),
            duplicates: load(&self.duplicates),
            confirmed: load(&self.confirmed),
            failed: load(&self.failed),
            skipped: load(&self.skipped),
        }
    }

    fn count(&self, play: &GeneratedPlay) {
        self.by_kind[play.kind as usize].fetch_add(1, Ordering::Relaxed);
        self.duplicates.fetch_add(u64::from(play.duplicate), Ordering::Relaxed);
    }
}

/// A publisher whose batches suit thousands of small messages a second: up to 1,000 messages, or what 10 ms bring.
#[must_use]
pub fn publisher(client: &BasePublisher, topic: &str) -> Publisher {
    client
        .publisher(topic)
        .set_message_count_threshold(1000)
        .set_delay_threshold(Duration::from_millis(10))
        .build()
}

/// Publishes plays at `per_second` until `stop` is cancelled, then waits for the last to be confirmed.
///
/// The counts are in `out` all the while, and are returned at the end. Pub/Sub's client queues without a bound, so
/// that the number of plays on their way is bounded here: when Pub/Sub is too slow, plays are left out, counted as
/// `skipped` and reported, rather than sent later and later.
pub async fn publish(
    source: PlaySource,
    per_second: f64,
    publisher: &Publisher,
    out: Arc<PlaysOut>,
    stop: CancellationToken,
) -> Totals {
    let send = |bytes: Bytes| publisher.publish(Message::new().set_data(bytes));
    publish_with(source, per_second, send, out, stop).await
}

/// [`publish`] by any function that sends a message and tells whether it arrived.
pub async fn publish_with<F, E>(
    mut source: PlaySource,
    per_second: f64,
    mut send: impl FnMut(Bytes) -> F,
    out: Arc<PlaysOut>,
    stop: CancellationToken,
) -> Totals
where
    F: Future<Output = Result<String, E>> + Send + 'static,
    E: std::error::Error + Send + 'static,
{
    let mut pace = Pace::per_second(per_second);
    let in_flight = ((per_second * IN_FLIGHT_SECONDS) as u64).max(MIN_IN_FLIGHT).max(pace.burst());
    let in_flight = Arc::new(Semaphore::new(usize::try_from(in_flight).unwrap_or(Semaphore::MAX_PERMITS)));
    let reports = Arc::new(Reports::default());
    let mut batches = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let started = tokio::time::Instant::now();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        while batches.try_join_next().is_some() {}
        let due = u32::try_from(pace.due(started.elapsed())).unwrap_or(u32::MAX);
        let newly_skipped = pace.skipped() - out.skipped.swap(pace.skipped(), Ordering::Relaxed);
        reports.cannot_keep_rate(newly_skipped, per_second);
        if due == 0 {
            continue;
        }
        let permits = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            permits = Arc::clone(&in_flight).acquire_many_owned(due) => permits,
        };
        let Ok(permits) = permits else { break };
        let now_ms = now_ms();
        let sent: Vec<F> = (0..due)
            .map(|_| {
                let play = source.next(now_ms);
                out.count(&play);
                send(play.bytes)
            })
            .collect();
        let (out, reports) = (Arc::clone(&out), Arc::clone(&reports));
        batches.spawn(async move {
            for confirmation in sent {
                match confirmation.await {
                    Ok(_) => out.confirmed.fetch_add(1, Ordering::Relaxed),
                    Err(error) => {
                        reports.failed(&error);
                        out.failed.fetch_add(1, Ordering::Relaxed)
                    }
                };
            }
            drop(permits);
        });
    }
    let drained = tokio::time::timeout(DRAIN, async { while batches.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(timeout_ms = DRAIN.as_millis(), "the last simulated plays were not confirmed in time");
    }
    out.totals()
}

/// Log lines that come now and then, not thousands a second.
#[derive(Default)]
struct Reports(Mutex<Reported>);

#[derive(Default)]
struct Reported {
    skipped: u64,
    rate_last: Option<Instant>,
    failed: u64,
    failure_last: Option<Instant>,
}

impl Reports {
    fn cannot_keep_rate(&self, newly_skipped: u64, per_second: f64) {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reported.skipped += newly_skipped;
        if reported.skipped > 0 && is_due(&mut reported.rate_last) {
            let skipped = std::mem::take(&mut reported.skipped);
            tracing::warn!(skipped, rate = per_second, "cannot send simulated plays at the set rate");
        }
    }

    fn failed(&self, error: &impl std::error::Error) {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reported.failed += 1;
        if is_due(&mut reported.failure_last) {
            let failed = std::mem::take(&mut reported.failed);
            tracing::warn!(failed, %error, "cannot publish simulated plays");
        }
    }
}

fn is_due(last: &mut Option<Instant>) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= REPORT_EVERY);
    if due {
        *last = Some(Instant::now());
    }
    due
}

fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
