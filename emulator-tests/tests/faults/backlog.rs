//! More plays than there is a pipeline for: after an outage, and in a flood.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use emulator_tests::collect::until;
use emulator_tests::installation::{PATIENCE, now_ms, settled_books, updates};
use emulator_tests::listeners::{PlaySpec, Shares, Timing};
use emulator_tests::oracle::check_updates;
use emulator_tests::services::Usage;
use google_cloud_pubsub::model::Message;
use listening_together_proto::v1;

use crate::scene::{END, Scene};

/// Everyone reports at once, and nothing is of no use.
fn plain_plays() -> PlaySpec {
    let timing = Timing { spread_ms: 200, ..Timing::default() };
    PlaySpec { timing, shares: Shares::NONE, ..PlaySpec::default() }
}

/// Whether the newest slot has a session of plays since `since_ms`.
fn is_fresh(since_ms: i64) -> impl Fn(&[Message]) -> bool {
    let is_since = move |session: &v1::Session| {
        session.window_start.is_some_and(|start| start.seconds * 1000 >= since_ms)
    };
    move |messages| {
        let newest = updates(&messages[messages.len().saturating_sub(1)..]);
        newest.iter().flat_map(|update| &update.slots).take(1).flat_map(|slot| &slot.sessions).any(is_since)
    }
}

/// With the default settings: sessions are too old for a slot after 10 s, plays late after 30 s.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_was_there_for_two_minutes() -> Result<()> {
    let scene = Scene::set().await?;
    let mut source = scene.installation.play_source(plain_plays())?;
    let now = u64::try_from(now_ms())?;
    let backlog: Vec<_> =
        (0..60_000u64).map(|number| source.next(now - 120_000 + 2 * number).bytes).collect();
    scene.installation.publish(&backlog).await?;
    let listeners = scene.installation.listeners(plain_plays(), 300.0).await?;

    let (started, started_ms) = (Instant::now(), now_ms());
    let pipeline = scene.installation.pipeline(&[])?;
    scene.sessions.until("a fresh slot", Duration::from_secs(10), is_fresh(started_ms)).await?;
    let fresh_after = started.elapsed();

    let sent = listeners.stop().await?;
    let books = settled_books(&pipeline, (backlog.len() + sent.len()) as u64).await?;
    let late = books.dropped.get("late").copied().unwrap_or(0);
    // 500 a second: those of 120 to 45 s ago, and not many of those whose sessions could still be shown.
    ensure!((75 * 500..=112 * 500).contains(&late), "{late} late, fresh after {fresh_after:?}: {books:?}");
    ensure!(books.received == (backlog.len() + sent.len()) as u64, "nothing came twice: {books:?}");
    pipeline.terminate(END).await?;
    Ok(())
}

/// What is held for a slot counts as outstanding until the slot is published, some five seconds: 2,000 outstanding
/// messages are 400 plays a second.
const OUTSTANDING: u64 = 2000;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_ten_times_what_it_can_take() -> Result<()> {
    let scene = Scene::set().await?;
    let settings = [("MAX_OUTSTANDING_MESSAGES", "2000"), ("ALLOWED_LATENESS", "5s")];
    let pipeline = scene.pipeline(&settings).await?;
    let listeners = scene.installation.listeners(plain_plays(), 200.0).await?;
    scene.sessions.until("a slot", PATIENCE, |messages| !messages.is_empty()).await?;
    let before = Usage::of(pipeline.pid()).megabytes();

    let flood = scene.installation.listeners(plain_plays(), 4000.0).await?;
    let (mut most_held, mut most_waiting, mut most_megabytes) = (0, 0, before);
    let (start, lasts) = (Instant::now(), Duration::from_secs(15));
    until("the flood is over", 2 * lasts, async || {
        let sent = flood.sent() as u64;
        if let Ok(books) = pipeline.metrics().await.map(|metrics| metrics.books()) {
            most_held = most_held.max(books.held);
            most_waiting = most_waiting.max(sent.saturating_sub(books.received));
        }
        most_megabytes = Usage::of(pipeline.pid()).megabytes().max(most_megabytes);
        start.elapsed() >= lasts
    })
    .await?;
    let of_the_flood = flood.stop().await?.len() as u64;
    ensure!(of_the_flood > 10 * 200 * lasts.as_secs(), "{of_the_flood} plays are no flood");
    // The client asks for so many a stream, and a response may bring it a few more than that.
    ensure!((OUTSTANDING / 2..=2 * OUTSTANDING).contains(&most_held), "{most_held} held at most");
    // Before the first of them are late, which are dropped as fast as they come.
    ensure!(most_waiting > 4 * OUTSTANDING, "the backlog waits in Pub/Sub: {most_waiting} at most");
    ensure!(most_megabytes < before + 30.0, "from {before} to {most_megabytes} MB");

    let over_ms = now_ms();
    scene.sessions.until("a fresh slot after the flood", 2 * PATIENCE, is_fresh(over_ms)).await?;
    let sent = listeners.stop().await?.len() as u64 + of_the_flood;
    let books = settled_books(&pipeline, sent).await?;
    ensure!(books.dropped.get("late").context("plays are late")? > &0, "{books:?}");
    assert_eq!(check_updates(&scene.updates(), &Default::default()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}
