//! Clocks that are wrong, streams that dry up, and a track that everyone plays.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use emulator_tests::collect::until;
use emulator_tests::installation::{PATIENCE, now_ms, settled_books};
use emulator_tests::listeners::{PlaySpec, Shares, Timing};
use listening_together_proto::v1;
use prost::Message as _;

use crate::scene::{END, ROOMY, Scene, roomy_rules, wrong};

const HOUR_MS: u64 = 3_600_000;

/// Plays of the last half second, now.
fn made_now(scene: &Scene, spec: PlaySpec, count: usize) -> Result<Vec<Bytes>> {
    let mut source = scene.installation.play_source(spec)?;
    let now = u64::try_from(now_ms())?;
    Ok((0..count).map(|_| source.next(now).bytes).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn some_clocks_are_an_hour_ahead() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let spec = PlaySpec {
        timing: Timing { spread_ms: 500, future_by_ms: HOUR_MS, ..Timing::default() },
        shares: Shares { future: 0.01, ..Shares::NONE },
        ..PlaySpec::default()
    };
    let plays = made_now(&scene, spec, 5000)?;
    let expected = scene.installation.oracle(roomy_rules())?.sessions(&plays, now_ms());
    ensure!((20..100).contains(&expected.count("future")), "{:?}", expected.counts);
    scene.installation.publish(&plays).await?;
    scene.until_published(&expected.sessions, PATIENCE).await?;

    let books = settled_books(&pipeline, plays.len() as u64).await?;
    let counts: Vec<_> = expected.counts.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect();
    assert_eq!(books.dropped.into_iter().collect::<Vec<_>>(), counts);
    assert_eq!((books.received, books.settled), (plays.len() as u64, expected.in_sessions()));
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_all_plays_are_of_one_track() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let spec = PlaySpec {
        zipf_exponent: 1.7,
        timing: Timing { spread_ms: 500, ..Timing::default() },
        shares: Shares::NONE,
        ..PlaySpec::default()
    };
    let plays = made_now(&scene, spec, 20_000)?;
    let expected = scene.installation.oracle(roomy_rules())?.sessions(&plays, now_ms());
    let largest = expected.sessions.values().map(|session| session.listener_count).max();
    ensure!(largest > Some(4000), "the largest session has {largest:?} listeners");
    scene.installation.publish(&plays).await?;
    scene.until_published(&expected.sessions, PATIENCE).await?;
    let books = settled_books(&pipeline, plays.len() as u64).await?;
    assert_eq!((books.received, books.settled), (plays.len() as u64, expected.in_sessions()));
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_stream_closes_its_last_window() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&[("IDLE_TIMEOUT", "2s"), ("MAX_DISORDER", "1s")]).await?;
    let spec = PlaySpec {
        timing: Timing { spread_ms: 0, ..Timing::default() },
        shares: Shares::NONE,
        ..PlaySpec::default()
    };
    let plays = made_now(&scene, spec, 1)?;
    let played_at = v1::Play::decode(&plays[0][..])?.played_at.context("a play has a time")?;
    let window_end = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(played_at.seconds)? + 1);
    scene.installation.publish(&plays).await?;
    // Nobody listens along: the play is dropped as soon as its window closes.
    until("the window closed", PATIENCE, async || {
        let books = pipeline.metrics().await.map(|metrics| metrics.books());
        books.is_ok_and(|books| books.dropped.get("single_listener") == Some(&1))
    })
    .await?;
    let after = SystemTime::now().duration_since(window_end)?;
    ensure!(after <= Duration::from_secs(2 + 1 + 1), "it closed {after:?} after its end");
    settled_books(&pipeline, 1).await?;
    pipeline.terminate(END).await?;
    Ok(())
}
