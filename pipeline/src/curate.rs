//! curate: sessions -> the next slot of the programme.
//!
//! The slot that starts at T is decided at T - lead, from the candidates that have come since the decision before:
//! newest window first, then by an editorial [score](crate::score). What found no room is given up then, and earlier where it
//! is certain to find none: once a newer window alone fills the slot. A late play for a window that is [too
//! old](Curator::is_too_old) for any slot does not get so far.
//!
//! The score is a pure function of the candidates and of the programme so far, so that two pipelines that have seen the
//! same plays and the same programme choose alike.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use listening_together_proto::programme::{Inserted, stands_instead};
use listening_together_proto::{Programme, Session, SessionId, Slot, Timestamp, TrackId, Window, v1};
use prost::Message as _;

use crate::catalogue::Catalogue;
use crate::locate::Atlas;
use crate::matching::Match;
use crate::score::{History, Score};
use crate::window::Pending;

/// An update stays below this; Pub/Sub's limit for a message is 10 MB.
const MAX_UPDATE_BYTES: usize = 9_000_000;

/// What the sessions of one slot may take of an update, so that the news itself always fits.
const MAX_SLOT_BYTES: usize = 8_000_000;

/// A slot may be decided so much later than it should be, whatever the lead.
const LEAST_GRACE: Duration = Duration::from_millis(500);

/// The settings of the stage.
#[derive(Clone, Copy, Debug)]
pub struct CurateRules {
    /// Length of a slot.
    pub slot: Duration,
    /// How long before its start a slot is decided.
    pub lead: Duration,
    /// A session whose window ended longer before the decision is given up.
    pub max_session_age: Duration,
    /// At most so many sessions a slot; `None` is no limit.
    pub sessions_per_slot: Option<usize>,
}

/// A session that may be shown, with the plays that wait for it.
#[derive(Debug)]
pub struct Candidate<A> {
    /// The track and window's id.
    pub id: SessionId,
    /// When.
    pub window: Window,
    /// What.
    pub track: TrackId,
    /// Who and where.
    pub shared: Match,
    /// 0 is the on-time pane.
    pub pane: u32,
    /// The plays of this pane.
    pub pending: Vec<Pending<A>>,
}

impl<A> Candidate<A> {
    const fn is_late_pane(&self) -> bool {
        self.pane > 0
    }
}

/// A slot that has been decided.
#[derive(Debug)]
pub struct Announcement<A> {
    /// What was decided.
    pub slot: Arc<Slot>,
    /// The message that announces it.
    pub update: v1::SessionsUpdate,
    /// The plays of each of its sessions: they are settled when the message is confirmed as published.
    pub pending: Vec<Vec<Pending<A>>>,
}

/// Chooses what is shown.
#[derive(Debug)]
pub struct Curator<A> {
    rules: CurateRules,
    candidates: Vec<Candidate<A>>,
    programme: Programme,
    history: History,
    /// The start of the slot that is decided next.
    next_slot: Timestamp,
}

impl<A> Curator<A> {
    /// Goes on after the slots that were `announced` before it, in any order and with repeats; `now` is the time.
    #[must_use]
    pub fn new(rules: CurateRules, announced: Vec<Slot>, now: Timestamp) -> Self {
        let mut programme = Programme::default();
        // Older than what a programme keeps, but not than what the score remembers.
        let mut remembered: BTreeMap<Timestamp, Slot> = BTreeMap::new();
        for slot in announced {
            programme.insert(slot.clone(), now);
            let stands = remembered.get(&slot.starts_at).is_none_or(|known| stands_instead(&slot, known));
            if stands {
                remembered.insert(slot.starts_at, slot);
            }
        }
        let mut history = History::default();
        remembered.values().for_each(|slot| history.add(slot.featured()));
        let mut curator =
            Self { rules, candidates: Vec::new(), programme, history, next_slot: Timestamp::MIN };
        curator.next_slot = curator.first_slot_decidable_from(now);
        curator
    }

    /// Goes on after the slots that were `announced` before it, as [`Curator::new`] does; keeps its candidates.
    pub fn go_on_after(&mut self, announced: Vec<Slot>, now: Timestamp) {
        let candidates = std::mem::take(&mut self.candidates);
        *self = Self { candidates, ..Self::new(self.rules, announced, now) };
    }

    /// When the next slot is to be decided.
    #[must_use]
    pub fn next_decision(&self) -> Timestamp {
        self.next_slot - self.rules.lead
    }

    /// Whether a session of `window` is too old for the next slot, and so for all.
    #[must_use]
    pub fn is_too_old(&self, window: Window) -> bool {
        window.end < self.next_decision() - self.rules.max_session_age
    }

    /// Takes in what may be shown.
    pub fn add(&mut self, candidate: Candidate<A>) {
        self.candidates.push(candidate);
    }

    /// Gives up candidates that cannot find room any more, because the on-time panes of newer windows alone fill the
    /// slot: each of them is another session, and the newest window's may be featured.
    pub fn give_up_crowded_out(&mut self, give_up: &mut impl FnMut(Pending<A>)) {
        let Some(limit) = self.rules.sessions_per_slot else { return };
        let on_time = self.candidates.iter().filter(|candidate| !candidate.is_late_pane());
        let mut starts: Vec<_> = on_time.map(|candidate| candidate.window.start).collect();
        starts.sort_unstable_by_key(|start| Reverse(*start));
        let Some(oldest_with_room) = starts.get(limit.saturating_sub(1)).copied() else { return };
        let crowded_out = self.candidates.extract_if(.., |one| one.window.start < oldest_with_room);
        crowded_out.flat_map(|candidate| candidate.pending).for_each(give_up);
    }

    /// Decides the next slot if it is time to. The plays of candidates that found no room are given up.
    pub fn decide(
        &mut self,
        now: Timestamp,
        atlas: &Atlas,
        catalogue: &Catalogue,
        give_up: &mut impl FnMut(Pending<A>),
    ) -> Option<Announcement<A>> {
        if now < self.next_decision() {
            return None;
        }
        let starts_at = self.next_slot;
        if now >= self.next_decision() + self.grace() || self.is_announced(starts_at) {
            // Overslept, or announced by a pipeline before this one: the candidates wait for the next slot.
            self.next_slot = self.first_slot_decidable_from(now).max(starts_at + self.rules.slot);
            return None;
        }
        self.next_slot = starts_at + self.rules.slot;
        let chosen = self.choose(now, give_up);
        let (sessions, pending) = build_sessions(chosen, atlas, catalogue, give_up);
        self.announce(starts_at, sessions, pending, now, give_up)
    }

    /// The starts of the oldest and of the newest window that a candidate is of.
    #[must_use]
    pub fn candidate_windows(&self) -> Option<(Timestamp, Timestamp)> {
        let starts = || self.candidates.iter().map(|candidate| candidate.window.start);
        Some((starts().min()?, starts().max()?))
    }

    /// Gives up every candidate.
    pub fn drain(&mut self) -> impl Iterator<Item = Pending<A>> {
        std::mem::take(&mut self.candidates).into_iter().flat_map(|candidate| candidate.pending)
    }

    /// Takes note of a clock that was set back: slots are not waited for that are far ahead of it now.
    pub fn heed_clock(&mut self, now: Timestamp) {
        // The next decision is never further away than a slot is long, however many slots the lead spans.
        if self.next_decision() > now + self.rules.slot {
            self.next_slot = self.first_slot_decidable_from(now);
        }
    }

    /// How late a decision may be: the slot should not have begun, or the world would switch to it in disorder; but a
    /// lead that is hardly longer than a timer is exact gets a little more.
    fn grace(&self) -> Duration {
        self.rules.lead.max(LEAST_GRACE.min(self.rules.slot))
    }

    /// The candidates that are shown, the featured one first; none when there is nothing to feature.
    fn choose(&mut self, now: Timestamp, give_up: &mut impl FnMut(Pending<A>)) -> Vec<Candidate<A>> {
        let oldest_end = now - self.rules.max_session_age;
        // The plays of a session that is shown come again where a pipeline before this one could not acknowledge them, all or
        // some: only a late pane that tells of more is news.
        let shown: HashMap<_, _> = self.shown().collect();
        let is_shown = |one: &Candidate<A>| {
            let known = shown.get(&one.id);
            known.is_some_and(|count| !one.is_late_pane() || one.shared.listener_count <= *count)
        };
        let (candidates, deferred) = defer_late_panes(std::mem::take(&mut self.candidates));
        self.candidates = deferred;
        let ranked = self.rank(candidates);
        let (mut chosen, rest): (Vec<_>, Vec<_>) =
            ranked.into_iter().partition(|one| one.window.end >= oldest_end && !is_shown(one));
        let mut given_up = rest;
        match chosen.iter().position(|candidate| !candidate.is_late_pane()) {
            Some(featured) => {
                chosen[..=featured].rotate_right(1);
                let limit = self.rules.sessions_per_slot.unwrap_or(usize::MAX);
                given_up.extend(chosen.split_off(chosen.len().min(limit)));
            }
            None => given_up.append(&mut chosen),
        }
        given_up.into_iter().flat_map(|candidate| candidate.pending).for_each(give_up);
        chosen
    }

    /// Newest window first, then by score, then by id; of one session's panes only the newest is left, with the plays
    /// of all.
    fn rank(&self, candidates: Vec<Candidate<A>>) -> Vec<Candidate<A>> {
        let mut scored: Vec<_> =
            candidates.into_iter().map(|one| (self.history.score(&one.track, &one.shared), one)).collect();
        scored.sort_by(|(score, one), (other_score, other)| {
            let key = |score: &Score, one: &Candidate<A>| {
                (Reverse(one.window.start), Reverse(*score), one.id, Reverse(one.pane))
            };
            key(score, one).cmp(&key(other_score, other))
        });
        merge_panes(scored.into_iter().map(|(_, candidate)| candidate))
    }

    fn announce(
        &mut self,
        starts_at: Timestamp,
        sessions: Vec<Arc<Session>>,
        pending: Vec<Vec<Pending<A>>>,
        now: Timestamp,
        give_up: &mut impl FnMut(Pending<A>),
    ) -> Option<Announcement<A>> {
        let featured = sessions.first()?.clone();
        let slot = Slot {
            number: u64::try_from(starts_at.div_floor(self.rules.slot)).unwrap_or(0),
            starts_at,
            ends_at: starts_at + self.rules.slot,
            sessions,
        };
        if self.programme.insert(slot.clone(), now) != Inserted::Changed {
            // The programme is full of slots that others announced far ahead: this one would not be in the update.
            pending.into_iter().flatten().for_each(give_up);
            return None;
        }
        self.history.add(&featured);
        let update = self.programme.update_at(now, MAX_UPDATE_BYTES);
        Some(Announcement { slot: Arc::new(slot), update, pending })
    }

    /// The sessions of the slots that are announced, with the listeners of their newest panes.
    fn shown(&self) -> impl Iterator<Item = (SessionId, u32)> {
        let slots: Vec<_> = self.programme.newest_first().collect();
        let sessions = slots.into_iter().rev().flat_map(|slot| &slot.sessions);
        sessions.map(|session| (session.id, session.listener_count))
    }

    fn is_announced(&self, starts_at: Timestamp) -> bool {
        self.programme.newest_first().any(|slot| slot.starts_at == starts_at)
    }

    /// The start of the first slot that can still be decided `now`, or later.
    fn first_slot_decidable_from(&self, now: Timestamp) -> Timestamp {
        let earliest = now + self.rules.lead - self.grace() + Duration::from_millis(1);
        let floored = earliest.floor_to(self.rules.slot);
        if floored < earliest { floored + self.rules.slot } else { floored }
    }
}

/// Sets late panes apart whose session is waiting with its on-time pane, which alone may be featured: they wait for the
/// next slot, so that a play that comes twice or a little late takes nothing away.
fn defer_late_panes<A>(candidates: Vec<Candidate<A>>) -> (Vec<Candidate<A>>, Vec<Candidate<A>>) {
    let on_time = candidates.iter().filter(|candidate| !candidate.is_late_pane());
    let on_time: HashSet<_> = on_time.map(|candidate| candidate.id).collect();
    candidates.into_iter().partition(|one| !one.is_late_pane() || !on_time.contains(&one.id))
}

/// Of the panes of one session keeps the newest, at the place of the first, with the plays of all.
fn merge_panes<A>(ranked: impl Iterator<Item = Candidate<A>>) -> Vec<Candidate<A>> {
    let mut merged: Vec<Candidate<A>> = Vec::new();
    let mut index_by_id = HashMap::new();
    for mut candidate in ranked {
        let index = *index_by_id.entry(candidate.id).or_insert(merged.len());
        let Some(known) = merged.get_mut(index) else {
            merged.push(candidate);
            continue;
        };
        if candidate.pane > known.pane {
            std::mem::swap(known, &mut candidate);
        }
        known.pending.append(&mut candidate.pending);
    }
    merged
}

/// Gives the chosen candidates their names and texts. What does not fit into a message is given up.
fn build_sessions<A>(
    chosen: Vec<Candidate<A>>,
    atlas: &Atlas,
    catalogue: &Catalogue,
    give_up: &mut impl FnMut(Pending<A>),
) -> (Vec<Arc<Session>>, Vec<Vec<Pending<A>>>) {
    let (mut sessions, mut pending) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for candidate in chosen {
        let session = build_session(&candidate, atlas, catalogue);
        let size = v1::Session::from(&session).encoded_len() + 6;
        if bytes + size < MAX_SLOT_BYTES || sessions.is_empty() {
            bytes += size;
            sessions.push(Arc::new(session));
            pending.push(candidate.pending);
        } else {
            candidate.pending.into_iter().for_each(&mut *give_up);
        }
    }
    (sessions, pending)
}

fn build_session<A>(candidate: &Candidate<A>, atlas: &Atlas, catalogue: &Catalogue) -> Session {
    let places = &candidate.shared.places;
    Session {
        id: candidate.id,
        track: catalogue.describe(&candidate.track),
        window: candidate.window,
        listener_count: candidate.shared.listener_count,
        places: places.iter().map(|place| atlas.place(place.spot, place.listener_count)).collect(),
        distance: candidate.shared.distance,
        pane: candidate.pane,
    }
}
