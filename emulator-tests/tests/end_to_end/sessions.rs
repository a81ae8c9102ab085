//! Known plays in, recomputed sessions out: over the topic and over HTTP, field by field.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use emulator_tests::collect::Collector;
use emulator_tests::installation::{Installation, PATIENCE, Replica, now_ms, settled_books, slots, updates};
use emulator_tests::known_plays::known_plays;
use emulator_tests::oracle::{self, Outcome, Rules};
use emulator_tests::services::Books;
use emulator_tests::topology::DEAD_LETTERS;
use listening_together_proto::v1;
use serde_json::Value;

/// Every session finds room, and no play comes too late, however busy the machine is.
const SETTINGS: [(&str, &str); 5] = [
    ("MAX_DISORDER", "8s"),
    ("SLOT", "3s"),
    ("LEAD", "1s"),
    ("MAX_SESSION_AGE", "60s"),
    ("SESSIONS_PER_SLOT", "0"),
];

fn rules() -> Rules {
    Rules {
        slot_ms: 3000,
        lead_ms: 1000,
        max_session_age_ms: 60_000,
        sessions_per_slot: 0,
        ..Rules::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_those_of_an_independent_computation() -> anyhow::Result<()> {
    let emulator = crate::emulator().await;
    let installation = Installation::create(&emulator).await?;
    let sessions = installation.watch_sessions().await?;
    let dead_letters = Collector::start(&installation.topology, DEAD_LETTERS, "watch-rejected").await?;
    let mut replica = installation.replica("test")?;
    let mut pipeline = installation.pipeline(&SETTINGS)?;
    pipeline.until_ready(PATIENCE).await?;
    replica.service.until_ready(PATIENCE).await?;

    let plays = known_plays(3000, now_ms(), 7);
    installation.publish(&plays).await?;
    let oracle = installation.oracle(rules())?;
    let expected = oracle.sessions(&plays, now_ms());
    assert!(expected.sessions.len() > 50, "the plays make many sessions: {}", expected.sessions.len());

    let over_http = watch_http(&replica, &expected.sessions).await?;
    let messages = sessions
        .until("every session on the topic", PATIENCE, |messages| {
            let slots = slots(&updates(messages));
            let seen: HashSet<_> = sessions_of(&slots).map(|session| &session.session_id).collect();
            expected.sessions.keys().all(|id| seen.contains(id))
        })
        .await?;
    let updates = updates(&messages);
    let slots = slots(&updates);
    assert_eq!(oracle::compare_all(&expected.sessions, sessions_of(&slots)), [""; 0]);
    assert_eq!(oracle::check_updates(&updates, &rules()), [""; 0]);
    assert_eq!(oracle::check_shown_once(&updates), [""; 0]);
    assert_eq!(over_http, [""; 0]);

    let books = settled_books(&pipeline, plays.len() as u64).await?;
    assert_books(&books, &expected, plays.len() as u64);
    let rejected = expected.count("malformed") + expected.count("future");
    let letters =
        dead_letters.until("every rejected message", PATIENCE, |all| all.len() as u64 >= rejected).await?;
    assert_eq!(letters.len() as u64, rejected);
    for letter in &letters {
        assert!(plays.contains(&letter.data), "a rejected message is the original");
        assert!(["malformed", "future"].contains(&letter.attributes["reason"].as_str()));
    }
    let ended = pipeline.terminate(Duration::from_secs(10)).await?;
    assert!(ended.status.success(), "{ended:?}");
    Ok(())
}

fn sessions_of(slots: &BTreeMap<u64, v1::Slot>) -> impl Iterator<Item = &v1::Session> {
    slots.values().flat_map(|slot| &slot.sessions)
}

/// Every delivery was counted as the recomputation says, and nothing is held.
fn assert_books(books: &Books, expected: &Outcome, deliveries: u64) {
    let dropped: BTreeMap<_, _> =
        expected.counts.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect();
    assert_eq!(books.dropped, dropped);
    assert_eq!((books.received, books.settled, books.held), (deliveries, expected.in_sessions(), 0));
}

/// Follows what the replica shows until it has shown every session of `expected` as current; returns what differs.
async fn watch_http(
    replica: &Replica,
    expected: &BTreeMap<String, v1::Session>,
) -> anyhow::Result<Vec<String>> {
    let mut shown = HashSet::new();
    let mut differences = Vec::new();
    let languages = ["en", "ja", "pt-BR", "ru"];
    let client = reqwest::Client::new();
    emulator_tests::collect::until("every session over HTTP", PATIENCE, async || {
        for language in languages {
            let url = format!("{}/api/latest?lang={language}", replica.url);
            let Ok(answer) = client.get(url).send().await else { return false };
            let Ok(body) = answer.json::<Value>().await else { return false };
            for session in body["current"]["sessions"].as_array().into_iter().flatten() {
                let id = session["id"].as_str().unwrap_or_default();
                if let Some(expected) = expected.get(id)
                    && shown.insert((id.to_owned(), language))
                {
                    differences.extend(oracle::check_json(expected, session, language));
                }
            }
        }
        shown.len() == expected.len() * languages.len()
    })
    .await?;
    Ok(differences)
}
