//! A stream that goes on, with the default slots: several replicas, one programme.

use std::time::Duration;

use emulator_tests::installation::{Installation, PATIENCE, now_ms, settled_books, slots, updates};
use emulator_tests::listeners::{PlaySpec, Timing};
use emulator_tests::oracle::{self, Rules};
use emulator_tests::replicas::watch_slots;

/// No play comes too late, on a busy machine either.
const MAX_DISORDER: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn replicas_show_one_programme_and_every_play_is_accounted_for() -> anyhow::Result<()> {
    let emulator = crate::emulator().await;
    let installation = Installation::create(&emulator).await?;
    let sessions = installation.watch_sessions().await?;
    let mut replicas = Vec::new();
    for region in ["europe", "america", "asia"] {
        replicas.push(installation.replica(region)?);
    }
    let mut pipeline = installation.pipeline(&[("MAX_DISORDER", "3s")])?;
    pipeline.until_ready(PATIENCE).await?;
    for replica in &mut replicas {
        replica.service.until_ready(PATIENCE).await?;
    }

    let second = Duration::from_secs(1);
    // Plays are spread over the default disorder, and late ones are late by the pipeline's.
    let mut timing = Timing::for_pipeline(MAX_DISORDER, second, 30 * second, 5 * second);
    timing.spread_ms = 500;
    // So late that they fall into no window that the test is about, which the recomputation would give them.
    timing.late_by_ms = 600_000;
    let listeners = installation.listeners(PlaySpec { timing, ..PlaySpec::default() }, 1000.0).await?;
    let shown = watch_slots(&replicas, 3).await?;
    let sent = listeners.stop().await?;

    let books = settled_books(&pipeline, sent.len() as u64).await?;
    assert_eq!(books.received, sent.len() as u64);
    let rules = Rules { ..Rules::default() };
    let updates = updates(&sessions.messages());
    assert_eq!(oracle::check_updates(&updates, &rules), [""; 0]);
    let oracle = installation.oracle(rules)?;
    let expected = oracle.sessions(&sent, now_ms());
    let slots = slots(&updates);
    for session in slots.values().flat_map(|slot| &slot.sessions).filter(|session| session.pane == 0) {
        let recomputed = &expected.sessions[&session.session_id];
        assert_eq!(oracle::compare(recomputed, session), [""; 0]);
    }
    for body in &shown {
        let number = body["current"]["slot"].as_u64().unwrap();
        let featured = &body["current"]["sessions"][0];
        assert_eq!(oracle::check_json(&slots[&number].sessions[0], featured, "en"), [""; 0]);
    }
    pipeline.terminate(Duration::from_secs(10)).await?;
    Ok(())
}
