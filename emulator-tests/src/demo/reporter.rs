//! Watches the replicas as a visitor would and prints one line a slot.

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;

use super::console::{grouped, say};
use super::installation::Installation;
use crate::installation::now_ms;
use crate::latency::{Latencies, parse_ms};
use crate::services::Books;
use crate::services::Usage;

/// How often the first replica is asked. A slot that becomes current is noticed so much later at most.
const POLL: Duration = Duration::from_millis(20);
/// How long after the start of a slot all replicas are compared.
const COMPARE_AFTER_MS: i64 = 500;
/// An account of all plays is printed every so many slots.
const SLOTS_PER_ACCOUNT: u64 = 6;

/// What has been seen so far.
pub(super) struct Reporter {
    client: reqwest::Client,
    urls: Vec<String>,
    slot: u64,
    pub(super) slots: u64,
    pub(super) slots_alike: u64,
    /// From pressing play to being current on the first replica.
    pub(super) latencies: Latencies,
    /// The most plays that were held at an account.
    pub(super) most_held: u64,
}

#[derive(Deserialize)]
struct Latest {
    current: Slot,
}

#[derive(Deserialize)]
struct Slot {
    slot: u64,
    sessions: Vec<Session>,
}

#[derive(Deserialize)]
struct Session {
    track: Track,
    window: Window,
    listeners: u64,
    distance_km: f64,
    places: Vec<Place>,
}

#[derive(Deserialize)]
struct Track {
    id: String,
    title: Option<String>,
    #[serde(default)]
    artists: Vec<String>,
}

#[derive(Deserialize)]
struct Window {
    start: String,
    end: String,
}

impl Window {
    /// In milliseconds since the epoch.
    fn range(&self) -> Range<i64> {
        parse_ms(&self.start).unwrap_or_default()..parse_ms(&self.end).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Place {
    city: String,
    country_code: String,
}

impl Reporter {
    pub(super) fn new(installation: &Installation) -> Self {
        let urls = installation.replicas.iter().map(|replica| format!("{}/api/latest?lang=en", replica.url));
        Self {
            client: reqwest::Client::new(),
            urls: urls.collect(),
            slot: 0,
            slots: 0,
            slots_alike: 0,
            latencies: Latencies::default(),
            most_held: 0,
        }
    }

    /// Prints lines until a service ends by itself.
    pub(super) async fn report(&mut self, installation: &mut Installation) -> anyhow::Result<()> {
        loop {
            installation.check_running()?;
            if let Some(latest) = self.ask(0).await
                && latest.current.slot != self.slot
            {
                self.slot = latest.current.slot;
                let seen_at = now_ms();
                let latency = self.note_latencies(&latest.current, seen_at);
                tokio::time::sleep(Duration::from_millis(COMPARE_AFTER_MS.unsigned_abs())).await;
                let alike = self.replicas_alike().await;
                self.slots += 1;
                self.slots_alike += u64::from(alike == self.urls.len());
                say(line(&latest.current, latency, alike, self.urls.len()));
                if self.slots.is_multiple_of(SLOTS_PER_ACCOUNT) {
                    self.account(installation).await?;
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn ask(&self, replica: usize) -> Option<Latest> {
        let answer = self.client.get(&self.urls[replica]).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// How many replicas answer as the first does, byte for byte.
    async fn replicas_alike(&self) -> usize {
        let mut bodies = Vec::new();
        for url in &self.urls {
            let Ok(answer) = self.client.get(url).send().await else { continue };
            bodies.extend(answer.bytes().await.ok());
        }
        bodies.iter().filter(|body| Some(*body) == bodies.first()).count()
    }

    /// Takes the latencies of a slot down; returns that of the featured session's first listeners.
    fn note_latencies(&mut self, slot: &Slot, seen_at: i64) -> i64 {
        for session in &slot.sessions {
            self.latencies.shown(&session.window.range(), session.listeners, seen_at);
        }
        slot.sessions.first().map_or(0, |session| seen_at - session.window.range().start)
    }

    async fn account(&mut self, installation: &Installation) -> anyhow::Result<()> {
        let books = installation.pipeline.metrics().await?.books();
        self.most_held = self.most_held.max(books.held);
        let usage = Usage::of(installation.pipeline.pid());
        say(format_args!("  {}  [pipeline {:.0} MB]", account(&books), usage.megabytes()));
        Ok(())
    }
}

/// The account of all plays in one line.
pub(super) fn account(books: &Books) -> String {
    let dropped = books.dropped.iter().map(|(reason, count)| format!("{reason} {}", grouped(*count)));
    format!(
        "plays: received {} = settled {} + held {} + dropped {} ({}){}",
        grouped(books.received),
        grouped(books.settled),
        grouped(books.held),
        grouped(books.dropped.values().sum()),
        dropped.collect::<Vec<_>>().join(", "),
        if books.add_up() { "" } else { "  DOES NOT ADD UP" },
    )
}

fn line(slot: &Slot, latency_ms: i64, alike: usize, replicas: usize) -> String {
    let Some(session) = slot.sessions.first() else { return String::new() };
    let song = match &session.track.title {
        Some(title) => format!("{title} by {}", session.track.artists.join(", ")),
        None => session.track.id.clone(),
    };
    let [one, other] = [0, 1].map(|index| {
        session
            .places
            .get(index)
            .map_or_else(String::new, |place| format!("{} ({})", place.city, place.country_code))
    });
    format!(
        "{}  {song}: {one} and {other}, {:.0} km, {} listening, at most {:.1} s from play to screen, {alike} of {replicas} replicas alike",
        slot.slot,
        session.distance_km,
        session.listeners,
        latency_ms as f64 / 1000.0,
    )
}
