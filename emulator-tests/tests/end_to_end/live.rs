//! A stream that goes on, with the default slots: several replicas, one programme.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use emulator_tests::collect::until;
use emulator_tests::installation::{Installation, PATIENCE, Replica, now_ms, settled_books, slots, updates};
use emulator_tests::listeners::{
    Addresses, Catalogue, HidingRecords, PlaySource, PlaySpec, PlaysOut, Timing, publish_with, publisher,
};
use emulator_tests::oracle::{self, Oracle, Rules};
use emulator_tests::topology::PLAYS;
use google_cloud_pubsub::model::Message;
use maxminddb::Reader;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

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

    let client = installation.topology.pubsub.publisher().await?;
    let plays = publisher(&client, &installation.topology.pubsub.topic(PLAYS));
    let (stop, sent) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
    let (stopped, kept) = (stop.clone(), sent.clone());
    let send = move |bytes: Bytes| {
        kept.lock().unwrap().push(bytes.clone());
        plays.publish(Message::new().set_data(bytes))
    };
    let source = play_source(&installation)?;
    let listeners = tokio::spawn(async move {
        publish_with(source, 1000.0, send, Arc::new(PlaysOut::default()), stopped).await
    });
    let shown = watch_slots(&replicas, 3).await?;
    stop.cancel();
    let totals = listeners.await?;
    assert_eq!((totals.failed, totals.confirmed), (0, totals.sent()));

    let books = settled_books(&pipeline, totals.confirmed).await?;
    assert_eq!(books.received, totals.confirmed);
    let rules = Rules { ..Rules::default() };
    let updates = updates(&sessions.messages());
    assert_eq!(oracle::check_updates(&updates, &rules), [""; 0]);
    let oracle = Oracle::new(
        &installation.databases.city,
        Some(&installation.databases.anonymous_ip),
        Some(&installation.catalogue),
        rules,
    )?;
    let sent = sent.lock().unwrap().clone();
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

fn play_source(installation: &Installation) -> anyhow::Result<PlaySource> {
    let hiding = HidingRecords::index(Reader::open_readfile(&installation.databases.anonymous_ip)?)?;
    let city = Reader::open_readfile(&installation.databases.city)?;
    let addresses = Arc::new(Addresses::index(&city, 200, Some(hiding))?);
    let second = Duration::from_secs(1);
    // Plays are spread over the default disorder, and late ones are late by the pipeline's.
    let mut timing = Timing::for_pipeline(MAX_DISORDER, second, 30 * second, 5 * second);
    timing.spread_ms = 500;
    // So late that they fall into no window that the test is about, which the recomputation would give them.
    timing.late_by_ms = 600_000;
    let spec = PlaySpec { timing, ..PlaySpec::default() };
    Ok(PlaySource::new(spec, &Catalogue::invent(2000, 1), addresses, 1)?)
}

/// Compares the replicas in the middle of `count` slots; returns what they showed, once a slot.
async fn watch_slots(replicas: &[Replica], count: usize) -> anyhow::Result<Vec<Value>> {
    let mut shown: Vec<Value> = Vec::new();
    let mut known = None;
    while shown.len() < count {
        until("another slot", PATIENCE, async || {
            let Ok(answer) = reqwest::get(format!("{}/api/latest", replicas[0].url)).await else {
                return false;
            };
            let Ok(body) = answer.json::<Value>().await else { return false };
            let slot = body["current"]["slot"].as_u64();
            let is_new = slot.is_some() && slot != known;
            if is_new {
                known = slot;
            }
            is_new
        })
        .await?;
        // A replica may be a few milliseconds behind: they agree well before the next slot is announced.
        let mut bodies = Vec::new();
        until("all replicas alike", Duration::from_secs(2), async || {
            bodies.clear();
            for replica in replicas {
                let Ok(answer) = reqwest::get(format!("{}/api/latest?lang=en", replica.url)).await else {
                    return false;
                };
                let Ok(body) = answer.bytes().await else { return false };
                bodies.push(body);
            }
            bodies.iter().all(|body| *body == bodies[0])
        })
        .await?;
        shown.push(serde_json::from_slice(&bodies[0])?);
    }
    Ok(shown)
}
