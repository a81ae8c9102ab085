//! Two stages, with a topic between them that fails as well.

use std::time::Duration;

use anyhow::{Result, ensure};
use emulator_tests::collect::until;
use emulator_tests::installation::{PATIENCE, now_ms, settled_books};
use emulator_tests::oracle::{self, Rules, Ties};
use emulator_tests::services::Service;
use emulator_tests::topology::{LOCATED_PLAYS, LOCATED_PLAYS_SUBSCRIPTION, PLAYS_SUBSCRIPTION};
use local_pubsub::{Fault, FaultPlan, PlannedFault, Share};

use crate::scene::{END, ROOMY, Scene, ordinary_plays, roomy_rules, wrong};

fn rules() -> Rules {
    Rules { ties: Ties::ByPlace, ..roomy_rules() }
}

/// Starts two processes that locate and the one that curates, and waits until all are ready.
async fn two_stages(scene: &Scene, max_disorder: &str) -> Result<([Service; 2], Service)> {
    let settings = [&ROOMY[..], &[("MAX_DISORDER", max_disorder)]].concat();
    let mut curate = scene.installation.curate(&settings)?;
    let mut locate = [scene.installation.locate(&ROOMY)?, scene.installation.locate(&ROOMY)?];
    for process in locate.iter_mut().chain([&mut curate]) {
        process.until_ready(PATIENCE).await?;
    }
    Ok((locate, curate))
}

async fn until_settled(curate: &Service, plays: u64) -> Result<()> {
    until("plays settled", PATIENCE, async || {
        curate.metrics().await.is_ok_and(|metrics| metrics.books().settled > plays)
    })
    .await
}

/// The books of both stages add up, nothing is held, and the second has received whatever the first has settled.
async fn check_books(locate: &[Service], curate: &Service) -> Result<()> {
    let mut settled = 0;
    for process in locate {
        settled += settled_books(process, 1).await?.settled;
    }
    let books = settled_books(curate, settled).await?;
    ensure!(books.received >= settled && settled > 0, "{books:?}, {settled} located");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_fails_now_and_then_between_two_stages() -> Result<()> {
    let scene = Scene::set().await?;
    let (locate, curate) = two_stages(&scene, "4s").await?;
    let share = Share::new(0.1)?;
    let delays = Fault::DelayMessages {
        median: Duration::from_millis(10),
        sigma: 1.0,
        stalls: Share::new(0.01)?,
        at_most: Duration::from_secs(1),
    };
    let mut plan = FaultPlan::seeded(6).with(Fault::RefusePublish { share });
    for subscription in [PLAYS_SUBSCRIPTION, LOCATED_PLAYS_SUBSCRIPTION] {
        plan = plan
            .with_on(subscription, delays)
            .with_on(subscription, Fault::Duplicate { share })
            .with_on(subscription, Fault::LoseAcks { share })
            .with_on(subscription, Fault::ResetStreams { mean_life: Duration::from_secs(2) });
    }
    scene.broker.set_faults(plan);
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    until_settled(&curate, 3000).await?;
    let sent = listeners.stop().await?;
    scene.broker.set_faults(FaultPlan::default());

    let expected = scene.installation.oracle(rules())?.sessions(&sent, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    check_books(&locate, &curate).await?;
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    assert_eq!(oracle::check_updates(&scene.updates(), &rules()), [""; 0]);
    for process in locate.into_iter().chain([curate]) {
        process.terminate(END).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_locates_is_killed_under_load() -> Result<()> {
    let scene = Scene::set().await?;
    let ([killed, other], curate) = two_stages(&scene, "4s").await?;
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    until_settled(&curate, 500).await?;
    killed.kill(END).await?;
    // What it held comes back to the other after ten seconds, among newer plays: late, and with the same sessions.
    until_settled(&curate, 4000).await?;
    let sent = listeners.stop().await?;

    let expected = scene.installation.oracle(rules())?.sessions(&sent, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    check_books(std::slice::from_ref(&other), &curate).await?;
    for process in [other, curate] {
        process.terminate(END).await?;
    }
    Ok(())
}

/// A message of located plays is acknowledged as a whole: the next process is given plays that are shown already.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_curates_is_replaced_under_load() -> Result<()> {
    let scene = Scene::set().await?;
    let (locate, first) = two_stages(&scene, "4s").await?;
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    until_settled(&first, 1000).await?;
    let ended = first.terminate(END).await?;
    ensure!(ended.status.success(), "{ended:?}");
    let settings = [&ROOMY[..], &[("MAX_DISORDER", "4s")]].concat();
    let second = scene.installation.curate(&settings)?;
    until_settled(&second, 1500).await?;
    let sent = listeners.stop().await?;

    let expected = scene.installation.oracle(rules())?.sessions(&sent, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    assert_eq!(oracle::check_shown_once(&scene.updates()), [""; 0]);
    for process in locate.into_iter().chain([second]) {
        process.terminate(END).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topic_between_two_stages_takes_nothing_for_ten_seconds() -> Result<()> {
    let scene = Scene::set().await?;
    // Nothing comes for so long that event time follows the clock: what waits must be in time by it.
    let (locate, curate) = two_stages(&scene, "15s").await?;
    let outage = PlannedFault {
        on: Some(LOCATED_PLAYS.to_owned()),
        lasts: Some(Duration::from_secs(10)),
        ..PlannedFault::new(Fault::RefusePublish { share: Share::ALL })
    };
    scene.broker.set_faults(FaultPlan::seeded(7).with_planned(outage));
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    // Until then the first stage holds what it has located.
    until_settled(&curate, 1500).await?;
    let sent = listeners.stop().await?;

    let expected = scene.installation.oracle(rules())?.sessions(&sent, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    check_books(&locate, &curate).await?;
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    for process in locate.into_iter().chain([curate]) {
        process.terminate(END).await?;
    }
    Ok(())
}
