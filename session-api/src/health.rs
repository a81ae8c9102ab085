//! Whether this replica should be sent requests.
//!
//! Ready: it has a subscription from which it streams, and it knows a slot or has waited 10 s for one, since a quiet
//! system must still be installable. Staleness, no update for STALE_AFTER, is told (`/readyz?verbose`, a metric, a log
//! line) but is no reason to leave the load balancer: a replica that shows the last session is better than none, and
//! when nobody publishes all replicas are stale alike. So is how far the clock seems to be off.

use std::time::Duration;

use service_runtime::admin::Readiness;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::telemetry::Telemetry;

/// How long a replica waits for a first slot before it is ready without one.
const FIRST_SLOT_WAIT: Duration = Duration::from_secs(10);

/// How often what depends on time alone is looked at.
const TICK: Duration = Duration::from_millis(500);

/// What the tasks know of themselves.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Since when messages are streamed from a subscription; `None` while they are not.
    pub streaming_since: Option<Instant>,
    /// Why they are not, and what to do about it.
    pub problem: Option<String>,
    /// The slot that is shown.
    pub current_slot: Option<u64>,
    /// When the last valid update came.
    pub last_update: Option<Instant>,
    /// How far the clock is ahead of Pub/Sub's.
    pub clock_ahead_ms: Option<i64>,
}

/// Keeps `readiness` up to date until told to stop, and leaves it red.
pub async fn watch(
    mut status: watch::Receiver<Status>,
    readiness: Readiness,
    telemetry: Telemetry,
    stale_after: Duration,
    stop: CancellationToken,
) {
    let started = Instant::now();
    let mut was_stale = false;
    let mut ticks = tokio::time::interval(TICK);
    while !stop.is_cancelled() {
        let now = Instant::now();
        let seen = status.borrow_and_update().clone();
        let silent_for = now - seen.last_update.unwrap_or(started);
        let stale = silent_for >= stale_after;
        tell(&readiness, readiness_of(&seen, now), silent_for, stale, seen.clock_ahead_ms);
        telemetry.stale(stale);
        if stale && !was_stale {
            tracing::warn!(silent_for_s = silent_for.as_secs(), "no update of the sessions has come");
        }
        was_stale = stale;
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = status.changed() => {}
            () = stop.cancelled() => {}
        }
    }
    readiness.not_ready("stopping");
}

fn tell(
    readiness: &Readiness,
    verdict: Result<String, String>,
    silent_for: Duration,
    stale: bool,
    clock_ahead_ms: Option<i64>,
) {
    let freshness = if stale { "stale" } else { "fresh" };
    let seconds = silent_for.as_secs();
    let clock = clock_ahead_ms.map_or_else(String::new, |ms| format!("; clock ahead by {ms} ms at most"));
    match verdict {
        Ok(why) => readiness.ready(&format!("{why}; {freshness}: last update {seconds} s ago{clock}")),
        Err(why) => readiness.not_ready(&why),
    }
}

/// Ready, or not, and why.
fn readiness_of(status: &Status, now: Instant) -> Result<String, String> {
    let not_subscribed = || {
        let problem = status.problem.as_deref().map_or_else(String::new, |problem| format!(": {problem}"));
        format!("not subscribed to the sessions topic{problem}")
    };
    match (status.current_slot, status.streaming_since) {
        (Some(slot), Some(_)) => Ok(format!("slot {slot} is shown")),
        // It goes on showing what it knows while Pub/Sub is away: no replica could do better.
        (Some(slot), None) => Ok(format!("slot {slot} is shown, {}", not_subscribed())),
        (None, None) => Err(not_subscribed()),
        (None, Some(since)) if now - since >= FIRST_SLOT_WAIT => {
            Ok("no session has been announced yet".to_owned())
        }
        (None, Some(_)) => Err("waiting for the first session".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_it_streams_and_a_slot_is_known_or_waited_for() {
        let start = Instant::now();
        let cases = [
            ("starting", None, None, 0, false),
            ("a slot, and the subscription lost", None, Some(20), 60, true),
            ("no slot yet", Some(start), None, 9, false),
            ("a slot", Some(start), Some(20), 0, true),
            ("a quiet system", Some(start), None, 10, true),
        ];
        for (name, streaming_since, current_slot, seconds, expected) in cases {
            let status = Status { streaming_since, current_slot, ..Status::default() };
            let verdict = readiness_of(&status, start + Duration::from_secs(seconds));
            assert_eq!(verdict.is_ok(), expected, "{name}: {verdict:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn readiness_follows_the_status_and_ends_red() {
        let (sender, receiver) = watch::channel(Status::default());
        let (readiness, stop) = (Readiness::default(), CancellationToken::new());
        let metrics = service_runtime::telemetry::Metrics::new("session-api").unwrap();
        let telemetry = Telemetry::new(&metrics.meter());
        let stale_after = Duration::from_secs(30);
        let watching = tokio::spawn(watch(receiver, readiness.clone(), telemetry, stale_after, stop.clone()));
        let until = async |expected: (bool, &str)| {
            let deadline = Instant::now() + Duration::from_secs(60);
            while readiness.get() != (expected.0, expected.1.to_owned()) {
                assert!(Instant::now() < deadline, "{expected:?} instead of {:?}", readiness.get());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        until((false, "not subscribed to the sessions topic")).await;
        sender.send_modify(|status| status.problem = Some("it does not exist".to_owned()));
        until((false, "not subscribed to the sessions topic: it does not exist")).await;
        sender.send_modify(|status| status.streaming_since = Some(Instant::now()));
        until((false, "waiting for the first session")).await;
        until((true, "no session has been announced yet; fresh: last update 12 s ago")).await;
        sender.send_modify(|status| status.last_update = Some(Instant::now()));
        sender.send_modify(|status| status.current_slot = Some(20));
        until((true, "slot 20 is shown; fresh: last update 0 s ago")).await;
        sender.send_modify(|status| status.clock_ahead_ms = Some(-300));
        until((true, "slot 20 is shown; stale: last update 31 s ago; clock ahead by -300 ms at most")).await;
        stop.cancel();
        watching.await.unwrap();
        assert_eq!(readiness.get(), (false, "stopping".to_owned()));
    }
}
