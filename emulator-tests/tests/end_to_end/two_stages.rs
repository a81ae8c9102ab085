//! Two stages with the located-plays topic between them, however many processes locate, and one of them killed on the way:
//! the sessions are those of the recomputation. On local-pubsub: Google's emulator goes on feeding streams of clients that
//! are gone.

use std::collections::HashSet;
use std::time::Duration;

use emulator_tests::collect::until;
use emulator_tests::installation::{Installation, PATIENCE, now_ms, settled_books, slots, updates};
use emulator_tests::known_plays::known_plays;
use emulator_tests::oracle::{self, Rules, Ties};
use emulator_tests::services::Service;
use listening_together_proto::v1;
use local_pubsub::LocalPubSub;

/// What a process held that was killed comes back after ten seconds, and is still in time.
const SETTINGS: [(&str, &str); 5] = [
    ("MAX_DISORDER", "25s"),
    ("SLOT", "1s"),
    ("LEAD", "500ms"),
    ("MAX_SESSION_AGE", "120s"),
    ("SESSIONS_PER_SLOT", "0"),
];

/// The longest that a service may take to end.
const END: Duration = Duration::from_secs(10);

async fn received(process: &Service) -> u64 {
    process.metrics().await.map_or(0, |metrics| metrics.books().received)
}

/// `processes` locate, the first of which is killed once it has received something of `plays`; where it was the only one,
/// another takes over.
async fn sessions_survive_a_killed_process(processes: usize) -> anyhow::Result<()> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let sessions = installation.watch_sessions().await?;
    let mut curate = installation.curate(&SETTINGS)?;
    // Located plays wait long, so that a process that is killed holds some.
    let settings = [&SETTINGS[..], &[("LOCATED_BATCH_WAIT", "300ms")]].concat();
    let mut locating = Vec::new();
    for _ in 0..processes {
        locating.push(installation.locate(&settings)?);
    }
    curate.until_ready(PATIENCE).await?;
    for process in &mut locating {
        process.until_ready(PATIENCE).await?;
    }

    let plays = known_plays(3000, now_ms(), 13 + processes as u64);
    let (early, late) = plays.split_at(1500);
    installation.publish(early).await?;
    until("the first process has received plays", PATIENCE, async || received(&locating[0]).await > 0)
        .await?;
    locating.remove(0).kill(END).await?;
    if locating.is_empty() {
        locating.push(installation.locate(&SETTINGS)?);
    }
    installation.publish(late).await?;

    let oracle = installation.oracle(Rules { ties: Ties::ByPlace, ..Rules::default() })?;
    let expected = oracle.sessions(&plays, now_ms());
    assert!(expected.sessions.len() > 50, "the plays make many sessions: {}", expected.sessions.len());
    let messages = sessions
        .until("every session", 2 * PATIENCE, |messages| {
            let slots = slots(&updates(messages));
            let all = slots.values().flat_map(|slot| &slot.sessions);
            let seen: HashSet<_> = all.map(|session| &session.session_id).collect();
            expected.sessions.keys().all(|id| seen.contains(id))
        })
        .await?;
    let slots = slots(&updates(&messages));
    let all: Vec<_> = slots.values().flat_map(|slot| slot.sessions.clone()).collect();
    // What was published before and after the kill comes twice, perhaps in a later pane.
    let whatever_pane: Vec<_> = all.into_iter().map(|session| v1::Session { pane: 0, ..session }).collect();
    assert_eq!(oracle::compare_all(&expected.sessions, &whatever_pane), [""; 0]);

    let mut settled = 0;
    for process in &locating {
        settled += settled_books(process, 0).await?.settled;
    }
    let books = settled_books(&curate, settled).await?;
    assert!(books.settled >= expected.in_sessions(), "{books:?}");
    assert_eq!(books.dropped.get("late"), None, "{books:?}");
    for process in locating.into_iter().chain([curate]) {
        let ended = process.terminate(END).await?;
        assert!(ended.status.success(), "{ended:?}");
    }
    broker.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_locates_and_another_takes_over() -> anyhow::Result<()> {
    sessions_survive_a_killed_process(1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_processes_that_locate_is_killed() -> anyhow::Result<()> {
    sessions_survive_a_killed_process(2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_processes_that_locate_is_killed() -> anyhow::Result<()> {
    sessions_survive_a_killed_process(4).await
}
