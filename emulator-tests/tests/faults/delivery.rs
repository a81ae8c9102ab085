//! Messages that come late, twice, out of order or again.

use std::time::Duration;

use anyhow::{Result, ensure};
use emulator_tests::collect::until;
use emulator_tests::installation::{PATIENCE, now_ms, settled_books};
use emulator_tests::known_plays::known_plays;
use emulator_tests::oracle;
use emulator_tests::topology::PLAYS_SUBSCRIPTION;
use local_pubsub::{Fault, FaultPlan, Share};

use crate::scene::{END, ROOMY, Scene, roomy_rules, unlike, wrong};

#[tokio::test(flavor = "multi_thread")]
async fn delays_duplicates_and_reordering_change_nothing() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let delays = Fault::DelayMessages {
        median: Duration::from_millis(20),
        sigma: 1.0,
        stalls: Share::new(0.02)?,
        at_most: Duration::from_secs(1),
    };
    let plan = FaultPlan::seeded(1)
        .with_on(PLAYS_SUBSCRIPTION, delays)
        .with_on(PLAYS_SUBSCRIPTION, Fault::Duplicate { share: Share::new(0.2)? })
        .with_on(
            PLAYS_SUBSCRIPTION,
            Fault::Reorder { share: Share::new(0.3)?, within: Duration::from_millis(300) },
        );
    scene.broker.set_faults(plan);
    let plays = known_plays(3000, now_ms(), 21);
    scene.installation.publish(&plays).await?;
    let expected = scene.installation.oracle(roomy_rules())?.sessions(&plays, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;

    let books = settled_books(&pipeline, plays.len() as u64).await?;
    let doubled = books.received - plays.len() as u64;
    ensure!((400..800).contains(&doubled), "a fifth of {} came twice: {doubled}", plays.len());
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    assert_eq!(oracle::check_updates(&scene.updates(), &roomy_rules()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn plays_with_lost_acks_come_back_and_change_nothing() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let loss = Fault::LoseAcks { share: Share::new(0.3)? };
    scene.broker.set_faults(FaultPlan::seeded(2).with_on(PLAYS_SUBSCRIPTION, loss));
    let plays = known_plays(3000, now_ms(), 22);
    scene.installation.publish(&plays).await?;
    let expected = scene.installation.oracle(roomy_rules())?.sessions(&plays, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    until("plays come back", PATIENCE, async || {
        let books = pipeline.metrics().await.map(|metrics| metrics.books());
        books.is_ok_and(|books| books.received > plays.len() as u64 + 500)
    })
    .await?;
    scene.broker.set_faults(FaultPlan::default());

    let books = settled_books(&pipeline, plays.len() as u64).await?;
    ensure!(books.received > plays.len() as u64, "{books:?}");
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivery_storm_changes_nothing() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let plays = known_plays(3000, now_ms(), 23);
    scene.installation.publish(&plays).await?;
    until("every play received", PATIENCE, async || {
        let books = pipeline.metrics().await.map(|metrics| metrics.books());
        books.is_ok_and(|books| books.received >= plays.len() as u64)
    })
    .await?;
    scene.broker.set_faults(FaultPlan::seeded(3).with(Fault::RedeliverAll));
    let expected = scene.installation.oracle(roomy_rules())?.sessions(&plays, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    let books = settled_books(&pipeline, plays.len() as u64 + 1).await?;
    ensure!(books.received > plays.len() as u64 + expected.in_sessions() / 2, "they came again: {books:?}");
    assert_eq!(unlike(&expected.sessions, &scene.updates()), [""; 0]);
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}
