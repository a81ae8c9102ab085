//! Starts, stops and restarts. On local-pubsub: Google's emulator goes on feeding streams of clients that are gone.

use std::collections::HashSet;
use std::time::Duration;

use emulator_tests::collect::until;
use emulator_tests::installation::{Installation, PATIENCE, now_ms, settled_books, slots, updates};
use emulator_tests::known_plays::known_plays;
use emulator_tests::oracle::{self, Rules};
use emulator_tests::services::free_address;
use emulator_tests::topology::{SESSIONS, Topology};
use local_pubsub::LocalPubSub;

/// Every session finds room, however late the second pipeline is.
const SETTINGS: [(&str, &str); 5] = [
    ("MAX_DISORDER", "3s"),
    ("SLOT", "1s"),
    ("LEAD", "500ms"),
    ("MAX_SESSION_AGE", "60s"),
    ("SESSIONS_PER_SLOT", "0"),
];

/// The longest that a service may take to end.
const END: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_pipeline_held_comes_back_to_the_next() -> anyhow::Result<()> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let sessions = installation.watch_sessions().await?;
    let mut first = installation.pipeline(&[
        ("MAX_DISORDER", "60s"),
        ("MAX_SESSION_AGE", "60s"),
        ("IDLE_TIMEOUT", "60s"),
    ])?;
    first.until_ready(PATIENCE).await?;
    let plays = known_plays(2000, now_ms(), 11);
    installation.publish(&plays).await?;
    until("every play received", PATIENCE, async || {
        first.metrics().await.is_ok_and(|metrics| metrics.books().received >= plays.len() as u64)
    })
    .await?;
    let ended = first.terminate(END).await?;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(sessions.messages().len(), 0, "it publishes nothing half");

    // What is handed back while a stream is being closed may be delivered to it once more, and is seen when that lease is over,
    // ten seconds later.
    let mut second = installation.pipeline(&[&SETTINGS[..], &[("MAX_DISORDER", "15s")]].concat())?;
    second.until_ready(PATIENCE).await?;
    let oracle = installation.oracle(Rules::default())?;
    let expected = oracle.sessions(&plays, now_ms());
    let messages = sessions
        .until("every session", PATIENCE, |messages| {
            let slots = slots(&updates(messages));
            let all = slots.values().flat_map(|slot| &slot.sessions);
            let seen: HashSet<_> = all.map(|session| &session.session_id).collect();
            expected.sessions.keys().all(|id| seen.contains(id))
        })
        .await?;
    let slots = slots(&updates(&messages));
    let all = slots.values().flat_map(|slot| &slot.sessions);
    assert_eq!(oracle::compare_all(&expected.sessions, all), [""; 0]);
    let books = settled_books(&second, expected.in_sessions()).await?;
    assert_eq!(books.settled, expected.in_sessions());
    second.terminate(END).await?;
    broker.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn services_wait_for_pubsub() -> anyhow::Result<()> {
    let address = free_address()?;
    // The topology is made on another broker and again on this one: the names are what counts.
    let elsewhere = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let mut installation = Installation::create(&elsewhere.local_addr().to_string()).await?;
    installation.topology.endpoint = address.to_string();
    let mut pipeline = installation.pipeline(&[])?;
    let mut replica = installation.replica("waiting")?;
    until("both say that they wait", PATIENCE, async || {
        [pipeline.log(), replica.service.log()].iter().all(|log| log.contains("WARN"))
    })
    .await?;
    assert!(!pipeline.is_ready().await, "{}", pipeline.log());
    let unanswered = reqwest::get(format!("{}/api/latest", replica.url)).await?;
    assert_eq!(unanswered.status(), 503);

    let broker = LocalPubSub::new().bind(address).await?;
    Topology::create(&address.to_string(), &installation.topology.project).await?;
    pipeline.until_ready(PATIENCE).await?;
    replica.service.until_ready(PATIENCE).await?;
    for service in [pipeline, replica.service] {
        let ended = service.terminate(END).await?;
        assert!(ended.status.success(), "{ended:?}");
    }
    broker.shutdown().await;
    elsewhere.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_takes_its_subscription_with_it() -> anyhow::Result<()> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let mut one = installation.replica("europe")?;
    let mut other = installation.replica("asia")?;
    one.service.until_ready(PATIENCE).await?;
    other.service.until_ready(PATIENCE).await?;
    let names = installation.topology.session_subscriptions().await?;
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("session-api-europe-")), "{names:?}");
    let ended = one.service.terminate(END).await?;
    assert!(ended.status.success(), "{ended:?}");
    let names = installation.topology.session_subscriptions().await?;
    assert!(names.len() == 1 && names[0].starts_with("session-api-asia-"), "{names:?}");
    other.service.terminate(END).await?;
    assert_eq!(installation.topology.session_subscriptions().await?, [""; 0]);
    broker.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_follows_a_topic_that_is_made_anew() -> anyhow::Result<()> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let mut replica = installation.replica("europe")?;
    replica.service.until_ready(PATIENCE).await?;
    let pubsub = &installation.topology.pubsub;
    pubsub.topic_admin().await?.delete_topic().set_topic(pubsub.topic(SESSIONS)).send().await?;
    Topology::create(&broker.local_addr().to_string(), &installation.topology.project).await?;
    assert_eq!(installation.topology.session_subscriptions().await?, [""; 0], "its subscription is detached");
    until("a new subscription", PATIENCE, async || {
        installation.topology.session_subscriptions().await.is_ok_and(|names| names.len() == 1)
    })
    .await?;
    replica.service.terminate(END).await?;
    broker.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_replaces_a_subscription_that_was_deleted() -> anyhow::Result<()> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let mut replica = installation.replica("europe")?;
    replica.service.until_ready(PATIENCE).await?;
    let before = installation.topology.session_subscriptions().await?;
    let pubsub = &installation.topology.pubsub;
    let admin = pubsub.subscription_admin().await?;
    admin.delete_subscription().set_subscription(pubsub.subscription(&before[0])).send().await?;
    until("another subscription", PATIENCE, async || {
        let names = installation.topology.session_subscriptions().await.unwrap_or_default();
        names.len() == 1 && names != before
    })
    .await?;
    // What is announced from now on comes through it.
    let mut pipeline = installation.pipeline(&SETTINGS)?;
    pipeline.until_ready(PATIENCE).await?;
    installation.publish(&known_plays(500, now_ms(), 1)).await?;
    until("a slot", PATIENCE, async || {
        let answer = reqwest::get(format!("{}/api/latest", replica.url)).await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await?;
    pipeline.terminate(END).await?;
    replica.service.terminate(END).await?;
    broker.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pipeline_goes_on_with_the_programme() -> anyhow::Result<()> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let sessions = installation.watch_sessions().await?;
    let mut first = installation.pipeline(&SETTINGS)?;
    first.until_ready(PATIENCE).await?;
    installation.publish(&known_plays(500, now_ms(), 1)).await?;
    let before = sessions.until("a slot", PATIENCE, |messages| !messages.is_empty()).await?;
    first.terminate(END).await?;
    let announced: Vec<_> = slots(&updates(&before)).into_keys().collect();

    let mut second = installation.pipeline(&SETTINGS)?;
    second.until_ready(PATIENCE).await?;
    let seen = sessions.messages().len();
    installation.publish(&known_plays(500, now_ms(), 2)).await?;
    let after = sessions.until("another slot", PATIENCE, |messages| messages.len() > seen).await?;
    let repeated: Vec<_> = slots(&updates(&after[seen..])).into_keys().collect();
    assert!(announced.iter().all(|number| repeated.contains(number)), "{announced:?} in {repeated:?}");
    second.terminate(END).await?;
    assert_eq!(installation.topology.session_subscriptions().await?, ["watch-sessions"], "{SESSIONS}");
    broker.shutdown().await;
    Ok(())
}
