//! Known plays in, recomputed sessions out: over the topic and over HTTP, field by field; in one process and in two stages.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use emulator_tests::collect::Collector;
use emulator_tests::installation::{Installation, PATIENCE, Replica, now_ms, settled_books, slots, updates};
use emulator_tests::known_plays::known_plays;
use emulator_tests::oracle::{self, Outcome, Rules, Ties};
use emulator_tests::services::{Books, Service};
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

fn rules(ties: Ties) -> Rules {
    Rules {
        ties,
        slot_ms: 3000,
        lead_ms: 1000,
        max_session_age_ms: 60_000,
        sessions_per_slot: 0,
        ..Rules::default()
    }
}

/// The processes of a pipeline: all of it in one, or those that locate and the one that curates.
enum Shape {
    OneProcess(Service),
    TwoStages { locate: Vec<Service>, curate: Service },
}

impl Shape {
    fn processes(&mut self) -> Vec<&mut Service> {
        match self {
            Self::OneProcess(process) => vec![process],
            Self::TwoStages { locate, curate } => locate.iter_mut().chain([curate]).collect(),
        }
    }

    const fn ties(&self) -> Ties {
        match self {
            Self::OneProcess(_) => Ties::ByAddress,
            Self::TwoStages { .. } => Ties::ByPlace,
        }
    }

    /// One account of all plays. That of two stages is the first's, with what the second made of what the first settled.
    async fn settled_books(&self, plays: u64) -> anyhow::Result<Books> {
        let (locate, curate) = match self {
            Self::OneProcess(process) => return settled_books(process, plays).await,
            Self::TwoStages { locate, curate } => (locate, curate),
        };
        emulator_tests::collect::until("every play located", PATIENCE, async || {
            let mut received = 0;
            for process in locate {
                received += process.metrics().await.map_or(0, |metrics| metrics.books().received);
            }
            received >= plays
        })
        .await?;
        let (mut received, mut settled, mut dropped) = (0, 0, BTreeMap::new());
        for process in locate {
            let books = settled_books(process, 0).await?;
            (received, settled) = (received + books.received, settled + books.settled);
            for (reason, count) in books.dropped {
                *dropped.entry(reason).or_default() += count;
            }
        }
        let books = settled_books(curate, settled).await?;
        assert_eq!(books.received, settled, "what one stage settled the other received, once");
        assert!(books.dropped.keys().all(|reason| !dropped.contains_key(reason)), "{books:?} {dropped:?}");
        dropped.extend(books.dropped);
        Ok(Books { received, dropped, ..books })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_those_of_an_independent_computation() -> anyhow::Result<()> {
    sessions_are_as_recomputed(|installation| Ok(Shape::OneProcess(installation.pipeline(&SETTINGS)?))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_two_stages_are_those_of_an_independent_computation() -> anyhow::Result<()> {
    sessions_are_as_recomputed(|installation| {
        let locate = [installation.locate(&SETTINGS)?, installation.locate(&SETTINGS)?];
        Ok(Shape::TwoStages { locate: locate.into(), curate: installation.curate(&SETTINGS)? })
    })
    .await
}

async fn sessions_are_as_recomputed(
    start: impl Fn(&Installation) -> anyhow::Result<Shape>,
) -> anyhow::Result<()> {
    let emulator = crate::emulator().await;
    let installation = Installation::create(&emulator).await?;
    let sessions = installation.watch_sessions().await?;
    let dead_letters = Collector::start(&installation.topology, DEAD_LETTERS, "watch-rejected").await?;
    let mut replica = installation.replica("test")?;
    let mut pipeline = start(&installation)?;
    for process in pipeline.processes() {
        process.until_ready(PATIENCE).await?;
    }
    let rules = rules(pipeline.ties());
    replica.service.until_ready(PATIENCE).await?;

    let plays = known_plays(3000, now_ms(), 7);
    installation.publish(&plays).await?;
    let oracle = installation.oracle(rules.clone())?;
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
    assert_eq!(oracle::check_updates(&updates, &rules), [""; 0]);
    assert_eq!(oracle::check_shown_once(&updates), [""; 0]);
    assert_eq!(over_http, [""; 0]);

    let books = pipeline.settled_books(plays.len() as u64).await?;
    assert_books(&books, &expected, plays.len() as u64);
    let rejected = expected.count("malformed") + expected.count("future");
    let letters =
        dead_letters.until("every rejected message", PATIENCE, |all| all.len() as u64 >= rejected).await?;
    assert_eq!(letters.len() as u64, rejected);
    for letter in &letters {
        assert!(plays.contains(&letter.data), "a rejected message is the original");
        assert!(["malformed", "future"].contains(&letter.attributes["reason"].as_str()));
    }
    let processes = match pipeline {
        Shape::OneProcess(process) => vec![process],
        Shape::TwoStages { locate, curate } => locate.into_iter().chain([curate]).collect(),
    };
    for process in processes {
        let ended = process.terminate(Duration::from_secs(10)).await?;
        assert!(ended.status.success(), "{ended:?}");
    }
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
