//! Who holds the programme and decides what is on the [`Screen`]: one task, so that nothing is locked.
//!
//! [`Presenter`] is the state machine, which is told the time; [`run`] is the loop around it. The bodies of the next
//! slot are made as soon as the slot is announced, LEAD before it begins, on a thread for blocking work, and swapped in
//! at its start.

mod announced;
mod fingerprint;
mod state;

use std::sync::Arc;
use std::time::Duration;

use listening_together_proto::{Slot, Timestamp};
use opentelemetry::trace::SpanContext;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::Instant;

pub use state::{Job, Presenter, Received, Rendered};

use announced::Announced;
use fingerprint::Fingerprint;

use crate::clock::Clock;
use crate::clock_check::ClockCheck;
use crate::feed::Feed;
use crate::health::Status;
use crate::snapshot::{Screen, Snapshot};
use crate::telemetry::Telemetry;

/// The longest sleep. Sleeping follows the monotonic clock and slots the wall clock, which may be set meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// What is found by looking back comes at once: after so long without more of it, that was all. What came beside it is
/// shown as late as that, so that no replica is ready which still has to catch up with the others.
const HISTORY_PAUSE: Duration = Duration::from_millis(500);

/// One message of the sessions topic.
#[derive(Clone, Debug)]
pub struct Update {
    /// The slots in it.
    pub slots: Vec<Slot>,
    /// When Pub/Sub took it in.
    pub published_at: Option<Timestamp>,
    /// It was published before this replica subscribed: that it comes late says nothing about the system.
    pub is_history: bool,
    /// The span that took it in, where it is traced.
    pub trace: Option<SpanContext>,
}

/// How far a replica has come that takes in what it finds by looking back. Its updates come one by one, the oldest first
/// as a rule: nothing is shown of slots that are long over, and no replica is ready, before all of them are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    /// No update has come.
    Awaited,
    /// Some have.
    Coming,
    /// All have, or there is none: the first update was published since, and is complete by itself.
    TakenIn,
}

impl History {
    fn received(self, is_history: bool) -> Self {
        match self {
            Self::Awaited if is_history => Self::Coming,
            Self::Awaited => Self::TakenIn,
            Self::Coming | Self::TakenIn => self,
        }
    }

    /// No history has come for [`HISTORY_PAUSE`].
    fn paused(self) -> Self {
        if self == Self::Awaited { self } else { Self::TakenIn }
    }
}

/// Presents what comes through `updates` until their sender is gone.
///
/// # Errors
/// When bodies could not be made, which is a fault of this program.
pub async fn run(
    mut updates: mpsc::Receiver<Update>,
    clock: Clock,
    screen: Screen,
    feed: Feed,
    status: watch::Sender<Status>,
    telemetry: Telemetry,
) -> Result<(), JoinError> {
    let mut presenter = Presenter::default();
    let mut rendering: Option<JoinHandle<Rendered>> = None;
    let mut clock_check = ClockCheck::default();
    let mut announced = Announced::default();
    let mut fingerprint = Fingerprint::default();
    let mut history = History::Awaited;
    // When history came last. Of what had begun by then, nobody knows when this replica would have shown it.
    let mut history_until = Timestamp::MIN;
    let mut pause_ends = Instant::now() + HISTORY_PAUSE;
    loop {
        let now = clock.now();
        if history == History::TakenIn
            && let Some(snapshot) = presenter.present(now)
        {
            let before = screen.shown().as_deref().map(|shown| shown.current().starts_at);
            let start = snapshot.current().starts_at;
            let _showing = announced.show(snapshot.current()).entered();
            screen.show(snapshot.clone());
            // What is shown first, or out of history, says when this replica started, not how long plays take.
            if start > history_until && before.is_some_and(|before| before != start) {
                telemetry.switched(snapshot.current(), clock.now());
            }
            if let Some(of_minute) = fingerprint.shown(&snapshot) {
                telemetry.minute_shown(of_minute);
            }
            tell(&snapshot, &status, &telemetry);
        }
        if history == History::TakenIn && rendering.is_none() {
            rendering = presenter.wanted(now).map(|job| render(job, telemetry.clone()));
        }
        let wait = match history {
            History::TakenIn => {
                presenter.next_change(now).map_or(MAX_SLEEP, |start| start.since(clock.now()))
            }
            History::Awaited => MAX_SLEEP,
            History::Coming => pause_ends.saturating_duration_since(Instant::now()),
        };
        tokio::select! {
            // A pause is none while updates wait to be taken in.
            biased;
            rendered = done(&mut rendering) => {
                rendering = None;
                presenter.keep(rendered?);
            }
            update = updates.recv() => {
                let Some(update) = update else { return Ok(()) };
                history = history.received(update.is_history);
                if update.is_history {
                    history_until = clock.now();
                    pause_ends = Instant::now() + HISTORY_PAUSE;
                }
                check_clock(&mut clock_check, &update, clock.now(), &status, &telemetry);
                let trace = update.trace.clone();
                let news = take_in(update, clock.now(), &mut presenter, &status, &telemetry);
                announced.remember(&news, trace.as_ref());
                feed.announce(&news);
            }
            () = tokio::time::sleep(wait.min(MAX_SLEEP)) => history = history.paused(),
        }
    }
}

/// Makes bodies on a thread for blocking work.
fn render(job: Job, telemetry: Telemetry) -> JoinHandle<Rendered> {
    spawn_blocking(move || {
        let began = Instant::now();
        let rendered = job.run();
        telemetry.bodies_built(began.elapsed());
        rendered
    })
}

/// What is being rendered, when it is done; never, if nothing is.
async fn done(rendering: &mut Option<JoinHandle<Rendered>>) -> Result<Rendered, JoinError> {
    match rendering {
        Some(rendering) => rendering.await,
        None => std::future::pending().await,
    }
}

/// Of history, it is not known when it came.
fn check_clock(
    check: &mut ClockCheck,
    update: &Update,
    now: Timestamp,
    status: &watch::Sender<Status>,
    telemetry: &Telemetry,
) {
    if let Some(published_at) = update.published_at.filter(|_| !update.is_history) {
        let ahead_ms = check.observe(published_at, now);
        telemetry.clock_is_ahead(ahead_ms);
        status.send_modify(|status| status.clock_ahead_ms = Some(ahead_ms));
    }
}

/// Gives the slots that are news.
fn take_in(
    update: Update,
    now: Timestamp,
    presenter: &mut Presenter,
    status: &watch::Sender<Status>,
    telemetry: &Telemetry,
) -> Vec<Arc<Slot>> {
    let (received, news) = presenter.receive(update.slots, now);
    telemetry.slots_received(received);
    if let Some(published_at) = update.published_at.filter(|_| !update.is_history) {
        telemetry.update_delayed(now.since(published_at));
    }
    status.send_modify(|status| status.last_update = Some(Instant::now()));
    news
}

fn tell(snapshot: &Snapshot, status: &watch::Sender<Status>, telemetry: &Telemetry) {
    let slot = snapshot.current().number;
    tracing::debug!(slot, "showing a slot");
    telemetry.showing(slot);
    status.send_modify(|status| status.current_slot = Some(slot));
}

#[cfg(test)]
mod tests {
    use service_runtime::telemetry::Metrics;

    use super::*;
    use crate::fixtures::slot_from;

    /// Until the screen shows the slot `number`.
    async fn shown(screen: &Screen, number: u64) -> Timestamp {
        let deadline = Instant::now() + Duration::from_secs(10);
        while screen.shown().as_ref().is_none_or(|shown| shown.current().number != number) {
            assert!(Instant::now() < deadline, "slot {number} is not shown");
            tokio::task::yield_now().await;
        }
        Clock::default().now()
    }

    #[tokio::test]
    async fn slots_are_shown_from_their_start_on() {
        let metrics = Metrics::new("session-api").unwrap();
        let telemetry = Telemetry::new(&metrics.meter());
        let (screen, (status, seen)) = (Screen::default(), watch::channel(Status::default()));
        let (updates, received) = mpsc::channel(1);
        let presenting =
            tokio::spawn(run(received, Clock::default(), screen.clone(), Feed::new(1), status, telemetry));
        for (number, ahead) in [(1, Duration::ZERO), (2, Duration::from_millis(200))] {
            let now = Clock::default().now();
            let slots = vec![slot_from(now + ahead, number)];
            updates
                .send(Update { slots, published_at: Some(now), is_history: false, trace: None })
                .await
                .unwrap();
            assert!(shown(&screen, number).await >= now + ahead, "slot {number} is shown too early");
            assert_eq!(seen.borrow().current_slot, Some(number));
        }
        drop(updates);
        presenting.await.unwrap().unwrap();
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        for line in [
            "session_api_current_slot 2",
            "session_api_slots_received_total{outcome=\"changed\"} 2",
            "session_api_update_delay_seconds_count 2",
            "session_api_switch_delay_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn history_is_taken_in_by_a_pause_unless_there_is_none() {
        let (awaited, coming) = (History::Awaited, History::Awaited.received(true));
        assert_eq!((awaited.paused(), coming), (awaited, History::Coming));
        for update_of_history in [true, false] {
            assert_eq!(coming.received(update_of_history), coming);
        }
        for taken_in in [awaited.received(false), coming.paused()] {
            assert_eq!(taken_in, History::TakenIn);
            assert_eq!((taken_in.received(true), taken_in.paused()), (taken_in, taken_in));
        }
    }

    #[tokio::test]
    async fn what_comes_out_of_history_is_not_measured() {
        let metrics = Metrics::new("session-api").unwrap();
        let telemetry = Telemetry::new(&metrics.meter());
        let (screen, (status, _)) = (Screen::default(), watch::channel(Status::default()));
        let (updates, received) = mpsc::channel(1);
        let presenting =
            tokio::spawn(run(received, Clock::default(), screen.clone(), Feed::new(1), status, telemetry));
        let now = Clock::default().now();
        // However long each takes to be shown: the last one starts after all of history was taken in.
        for (number, ago) in [(1, 15), (2, 10), (3, 5)] {
            let published_at = now - Duration::from_secs(ago);
            let slots = vec![slot_from(published_at, number)];
            updates
                .send(Update { slots, published_at: Some(published_at), is_history: true, trace: None })
                .await
                .unwrap();
            shown(&screen, number).await;
            let text = String::from_utf8(metrics.render().unwrap()).unwrap();
            assert!(!text.contains("session_api_switch_delay_seconds"), "slot {number}: {text}");
        }
        let slots = vec![slot_from(Clock::default().now() + Duration::from_millis(200), 4)];
        updates.send(Update { slots, published_at: None, is_history: false, trace: None }).await.unwrap();
        shown(&screen, 4).await;
        drop(updates);
        presenting.await.unwrap().unwrap();
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(!text.contains("session_api_update_delay_seconds"), "{text}");
        assert!(text.contains("session_api_switch_delay_seconds_count 1\n"), "{text}");
    }
}
