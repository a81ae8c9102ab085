//! Pipelines that end, in order or not, and pipelines that take over.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use emulator_tests::collect::until;
use emulator_tests::installation::{PATIENCE, now_ms, settled_books, slots, updates};
use emulator_tests::known_plays::known_plays;
use emulator_tests::oracle;
use emulator_tests::replicas::watch_slots;
use emulator_tests::services::Service;
use google_cloud_pubsub::model::Message;

use crate::scene::{END, ROOMY, Scene, ordinary_plays, roomy_rules};

async fn until_received(pipeline: &Service, plays: u64) -> Result<()> {
    until("plays received", PATIENCE, async || {
        pipeline.metrics().await.is_ok_and(|metrics| metrics.books().received >= plays)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_killed_in_mid_window() -> Result<()> {
    let scene = Scene::set().await?;
    let patient = [("MAX_DISORDER", "60s"), ("MAX_SESSION_AGE", "120s"), ("IDLE_TIMEOUT", "60s")];
    let first = scene.pipeline(&patient).await?;
    let before = known_plays(3000, now_ms(), 41);
    scene.installation.publish(&before).await?;
    until_received(&first, before.len() as u64).await?;
    first.kill(END).await?;

    // What it held comes back when its leases have run out.
    let second = scene.pipeline(&ROOMY).await?;
    let oracle = scene.installation.oracle(roomy_rules())?;
    let expected = oracle.sessions(&before, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    let after = known_plays(3000, now_ms(), 42);
    scene.installation.publish(&after).await?;
    let expected_after = oracle.sessions(&after, now_ms());
    scene.until_published(&expected_after.sessions, PATIENCE).await?;
    let books = settled_books(&second, expected.in_sessions() + after.len() as u64).await?;
    ensure!(books.settled >= expected.in_sessions() + expected_after.in_sessions(), "{books:?}");
    second.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_killed_under_load() -> Result<()> {
    let scene = Scene::set().await?;
    let first = scene.pipeline(&ROOMY).await?;
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    let is_publishing = |updates: usize| move |messages: &[Message]| messages.len() >= updates;
    scene.sessions.until("slots", PATIENCE, is_publishing(2)).await?;
    first.kill(END).await?;
    let second = scene.pipeline(&ROOMY).await?;
    // What the first held comes back among newer plays: late, and with the same sessions.
    until("leases have run out", PATIENCE, async || {
        let books = second.metrics().await.map(|metrics| metrics.books());
        books.is_ok_and(|books| books.settled > 3000)
    })
    .await?;
    let sent = listeners.stop().await?;

    let expected = scene.installation.oracle(roomy_rules())?.sessions(&sent, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    let books = settled_books(&second, 3000).await?;
    assert_eq!(books.dropped.get("late"), None, "{books:?}");
    second.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_terminated_under_load() -> Result<()> {
    let scene = Scene::set().await?;
    let first = scene.pipeline(&ROOMY).await?;
    let listeners = scene.installation.listeners(ordinary_plays(), 500.0).await?;
    until_received(&first, 2000).await?;
    let ended = first.terminate(END).await?;
    ensure!(ended.status.success(), "{ended:?}");
    let second = scene.pipeline(&ROOMY).await?;
    // What the first handed back may come late, on a busy machine: it is shown beside plays that are in time, so that the
    // listeners go on until it is.
    until("what was handed back is shown", PATIENCE, async || {
        second.metrics().await.is_ok_and(|metrics| metrics.books().settled > 3000)
    })
    .await?;
    let sent = listeners.stop().await?;

    let expected = scene.installation.oracle(roomy_rules())?.sessions(&sent, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    settled_books(&second, 2000).await?;
    second.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_with_the_programme() -> Result<()> {
    let scene = Scene::set().await?;
    // Ten slots are half a minute, in which a busy machine can start a pipeline.
    let settings = [("MAX_DISORDER", "3s"), ("SLOT", "3s"), ("LEAD", "1500ms")];
    let first = scene.pipeline(&settings).await?;
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    let are_three = |messages: &[Message]| slots(&updates(messages)).len() >= 3;
    let before = scene.sessions.until("some slots", PATIENCE, are_three).await?;
    first.kill(END).await?;
    let before = updates(&before).pop().context("there are slots")?.slots;

    let second = scene.pipeline(&settings).await?;
    let is_by_the_second = |messages: &[Message]| {
        let newest = updates(&messages[messages.len() - 1..]).pop();
        let newest = newest.into_iter().flat_map(|update| update.slots).next();
        // The first may have announced one more before it was gone.
        newest.is_some_and(|slot| slot.number > before[0].number + 1)
    };
    let after = scene.sessions.until("a slot of the second", PATIENCE, is_by_the_second).await?;
    let after = updates(&after).pop().context("there are slots")?.slots;
    let forgotten: Vec<_> = before.iter().filter(|slot| !after.contains(slot)).collect();
    ensure!(forgotten.is_empty(), "the second does not repeat {forgotten:?}");
    let rules = oracle::Rules { slot_ms: 3000, lead_ms: 1500, ..oracle::Rules::default() };
    assert_eq!(oracle::check_updates(&scene.updates(), &rules), [""; 0]);

    let sent = listeners.stop().await?;
    ensure!(!sent.is_empty(), "nobody listened");
    second.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pipelines_during_a_change_over() -> Result<()> {
    let scene = Scene::set().await?;
    let settings = [("MAX_DISORDER", "3s"), ("SLOT", "3s"), ("LEAD", "1500ms")];
    let mut replicas = Vec::new();
    for region in ["europe", "america", "asia"] {
        replicas.push(scene.installation.replica(region)?);
    }
    let first = scene.pipeline(&settings).await?;
    for replica in &mut replicas {
        replica.service.until_ready(PATIENCE).await?;
    }
    let listeners = scene.installation.listeners(ordinary_plays(), 500.0).await?;
    watch_slots(&replicas, 1).await?;
    let second = scene.pipeline(&settings).await?;
    until_received(&second, 500).await?;
    let shown = watch_slots(&replicas, 3).await?;
    let first_books = first.metrics().await?.books();
    ensure!(first_books.add_up(), "{first_books:?}");
    let ended = first.terminate(END).await?;
    ensure!(ended.status.success(), "{ended:?}");
    watch_slots(&replicas, 2).await?;

    let sent = listeners.stop().await?;
    let books = settled_books(&second, 500).await?;
    ensure!(first_books.received + books.received > sent.len() as u64 / 2, "{first_books:?} {books:?}");
    let numbers: Vec<_> = shown.iter().filter_map(|body| body["current"]["slot"].as_u64()).collect();
    ensure!(numbers.is_sorted_by(|earlier, later| earlier < later), "{numbers:?}");
    second.terminate(Duration::from_secs(10)).await?;
    Ok(())
}
