//! Pub/Sub that is away, or half away.

use std::time::Duration;

use anyhow::{Result, ensure};
use emulator_tests::collect::until;
use emulator_tests::installation::{PATIENCE, Replica, now_ms, settled_books, updates};
use emulator_tests::known_plays::known_plays;
use emulator_tests::oracle;
use emulator_tests::services::{Books, Service};
use emulator_tests::topology::{PLAYS_SUBSCRIPTION, SESSIONS};
use listening_together_proto::v1;
use local_pubsub::{Fault, FaultPlan, PlannedFault, Share};

use crate::scene::{END, ROOMY, Scene, ordinary_plays, roomy_rules, wrong};

/// A fault that ends by itself.
fn for_a_while(on: Option<&str>, fault: Fault, lasts: Duration) -> FaultPlan {
    let on = on.map(str::to_owned);
    FaultPlan::seeded(1).with_planned(PlannedFault { on, lasts: Some(lasts), ..PlannedFault::new(fault) })
}

async fn until_books(
    what: &str,
    pipeline: &Service,
    patience: Duration,
    enough: impl Fn(&Books) -> bool,
) -> Result<()> {
    until(what, patience, async || pipeline.metrics().await.is_ok_and(|metrics| enough(&metrics.books())))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_fails_for_ten_seconds() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let outage = Fault::RefusePublish { share: Share::ALL };
    scene.broker.set_faults(for_a_while(Some(SESSIONS), outage, Duration::from_secs(10)));
    let plays = known_plays(3000, now_ms(), 31);
    scene.installation.publish(&plays).await?;
    let expected = scene.installation.oracle(roomy_rules())?.sessions(&plays, now_ms());
    // Nothing is acknowledged that is not published: until then they are held, and not delivered again.
    until_books("every play decided", &pipeline, PATIENCE, |books| {
        books.received == plays.len() as u64 && books.held == expected.in_sessions() && books.settled == 0
    })
    .await?;
    assert_eq!(scene.updates().len(), 0);
    scene.until_published(&expected.sessions, PATIENCE).await?;

    let books = settled_books(&pipeline, plays.len() as u64).await?;
    assert_eq!((books.received, books.settled), (plays.len() as u64, expected.in_sessions()), "{books:?}");
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}

/// The ids of the sessions that a replica shows as current.
async fn shown(replica: &Replica) -> Vec<String> {
    let Ok(answer) = reqwest::get(format!("{}/api/latest", replica.url)).await else { return Vec::new() };
    let Ok(body) = answer.json::<serde_json::Value>().await else { return Vec::new() };
    let sessions = body["current"]["sessions"].as_array().cloned().unwrap_or_default();
    sessions.iter().filter_map(|session| Some(session["id"].as_str()?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pubsub_is_away_for_twenty_seconds() -> Result<()> {
    let scene = Scene::set().await?;
    let mut replica = scene.installation.replica("away")?;
    replica.service.until_live(PATIENCE).await?;
    let mut pipeline = scene.pipeline(&ROOMY).await?;
    let before = known_plays(3000, now_ms(), 32);
    scene.installation.publish(&before).await?;
    let oracle = scene.installation.oracle(roomy_rules())?;
    let expected = oracle.sessions(&before, now_ms());
    until_books("every play received", &pipeline, PATIENCE, |books| books.received == before.len() as u64)
        .await?;
    scene.broker.set_faults(for_a_while(None, Fault::RefuseConnections, Duration::from_secs(20)));
    until("it notices", Duration::from_secs(15), async || !pipeline.is_ready().await).await?;
    // Their leases have run out meanwhile: they come again when the streams are back.
    until_books("it receives again", &pipeline, PATIENCE, |books| books.received > before.len() as u64)
        .await?;
    pipeline.until_ready(PATIENCE).await?;

    let after = known_plays(3000, now_ms(), 33);
    scene.installation.publish(&after).await?;
    let expected_after = oracle.sessions(&after, now_ms());
    // It looks Pub/Sub up every ten seconds, and the plays wait as long for their windows.
    until("the replica shows a session of the time after", Duration::from_secs(40), async || {
        shown(&replica).await.iter().any(|id| expected_after.sessions.contains_key(id))
    })
    .await?;
    // The test's own stream may wait for up to a minute before it tries again: that is the client's limit.
    scene.until_published(&expected.sessions, 2 * PATIENCE).await?;
    scene.until_published(&expected_after.sessions, PATIENCE).await?;
    settled_books(&pipeline, (before.len() + after.len()) as u64).await?;
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_stall_for_thirty_seconds() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let stall = Fault::StallStreams { share: Share::ALL };
    scene.broker.set_faults(for_a_while(Some(PLAYS_SUBSCRIPTION), stall, Duration::from_secs(30)));
    let plays = known_plays(3000, now_ms(), 34);
    scene.installation.publish(&plays).await?;
    let expected = scene.installation.oracle(roomy_rules())?.sessions(&plays, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    let books = settled_books(&pipeline, plays.len() as u64).await?;
    assert_eq!((books.received, books.settled), (plays.len() as u64, expected.in_sessions()), "{books:?}");
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_slots_come_soon_after_a_stall() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    scene.sessions.until("a slot", PATIENCE, |messages| !messages.is_empty()).await?;
    let (stall, lasts) = (Fault::StallStreams { share: Share::ALL }, Duration::from_secs(10));
    let stall_ends = now_ms() + i64::try_from(lasts.as_millis())?;
    scene.broker.set_faults(for_a_while(Some(PLAYS_SUBSCRIPTION), stall, lasts));
    // The backlog comes at once, and late: event time has followed the clock.
    let is_fresh =
        |session: &v1::Session| session.window_start.is_some_and(|start| start.seconds * 1000 >= stall_ends);
    scene
        .sessions
        .until("a fresh slot", PATIENCE, |messages| {
            let newest = updates(&messages[messages.len() - 1..]);
            newest.iter().flat_map(|update| &update.slots).flat_map(|slot| &slot.sessions).any(is_fresh)
        })
        .await?;
    let after_ms = now_ms() - stall_ends;
    ensure!(after_ms < 10_000, "a fresh slot came {after_ms} ms after the stall");

    let sent = listeners.stop().await?;
    let books = settled_books(&pipeline, sent.len() as u64).await?;
    assert_eq!((books.received, books.dropped.get("late")), (sent.len() as u64, None), "{books:?}");
    assert_eq!(oracle::check_updates(&scene.updates(), &roomy_rules()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_fails_now_and_then() -> Result<()> {
    let scene = Scene::set().await?;
    let pipeline = scene.pipeline(&ROOMY).await?;
    let share = Share::new(0.1)?;
    let delays = Fault::DelayMessages {
        median: Duration::from_millis(10),
        sigma: 1.0,
        stalls: Share::new(0.01)?,
        at_most: Duration::from_secs(1),
    };
    let plan = FaultPlan::seeded(5)
        .with_on(PLAYS_SUBSCRIPTION, delays)
        .with_on(PLAYS_SUBSCRIPTION, Fault::Duplicate { share })
        .with_on(PLAYS_SUBSCRIPTION, Fault::LoseAcks { share })
        .with_on(PLAYS_SUBSCRIPTION, Fault::ResetStreams { mean_life: Duration::from_secs(2) })
        .with(Fault::RefusePublish { share });
    scene.broker.set_faults(plan);
    let listeners = scene.installation.listeners(ordinary_plays(), 300.0).await?;
    until_books("plays settled", &pipeline, PATIENCE, |books| books.settled > 4000).await?;
    let sent = listeners.stop().await?;
    scene.broker.set_faults(FaultPlan::default());

    let expected = scene.installation.oracle(roomy_rules())?.sessions(&sent, now_ms());
    scene.until_published(&expected.sessions, PATIENCE).await?;
    let books = settled_books(&pipeline, sent.len() as u64).await?;
    ensure!(books.received > sent.len() as u64, "some came again: {books:?}, {} sent", sent.len());
    assert_eq!(wrong(&expected.sessions, &scene.updates()), [""; 0]);
    pipeline.terminate(END).await?;
    Ok(())
}
