//! The stages put together: deliveries and the time go in, [`Effect`]s come out.
//!
//! ```text
//! receive -> decode -> sample -> locate -> window -> match -> curate -> publish
//! ```
//!
//! In one process it takes plays in ([`Engine::receive_all`]). As the second of two stages it begins at window and takes
//! plays in that the [first](crate::locator) has located ([`Engine::receive_located`]); all else is the same.
//!
//! No clock, no client, no runtime: whoever drives the engine says what time it is and carries the effects out. `A` is
//! what acknowledges a play; an engine never drops one unless told to [drain](Engine::drain).

mod located;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use listening_together_proto::{Slot, Timestamp, TrackId, Window, v1};

use crate::catalogue::Catalogue;
use crate::curate::{Candidate, CurateRules, Curator};
use crate::intake::{Answer, Decoded, Intake};
use crate::ledger::{Done, DropReason, Held, Ledger};
use crate::locate::{Atlas, Databases};
use crate::matching::{self, MatchRules};
use crate::sample::Sampler;
use crate::user::UserHash;
use crate::window::{LocatedPlay, Pane, Pending, WindowRules, Windows};

/// The settings of all stages.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How far ahead of the clock a play may be dated.
    pub max_future_skew: Duration,
    /// Which tracks are kept.
    pub sampler: Sampler,
    /// How plays are gathered.
    pub window: WindowRules,
    /// What makes a session.
    pub matching: MatchRules,
    /// What makes a slot.
    pub curate: CurateRules,
}

/// What the engine wants done.
pub enum Effect<A> {
    /// Acknowledge a delivery.
    Ack(Done<A>),
    /// Publish the original message to the dead-letter topic; when that is confirmed, [`Engine::rejected`].
    Reject {
        /// The message as it came.
        data: Bytes,
        /// Why.
        reason: DropReason,
        /// The play on the books.
        play: Held<A>,
    },
    /// Publish the update; when that is confirmed, [`Engine::published`].
    Announce {
        /// The news in it.
        slot: Arc<Slot>,
        /// The message.
        update: v1::SessionsUpdate,
        /// The plays that it settles, of each of its sessions.
        plays: Vec<Vec<Pending<A>>>,
    },
}

impl<A> From<Answer<A>> for Effect<A> {
    fn from(answer: Answer<A>) -> Self {
        match answer {
            Answer::Ack(done) => Self::Ack(done),
            Answer::Reject { data, reason, play } => Self::Reject { data, reason, play },
        }
    }
}

impl Rules {
    /// Those of what can be said of a play by itself.
    #[must_use]
    pub const fn intake(&self) -> Intake {
        Intake {
            max_future_skew: self.max_future_skew,
            sampler: self.sampler,
            window_length: self.window.length,
        }
    }
}

/// The pure core of the pipeline.
pub struct Engine<A> {
    rules: Rules,
    users: UserHash,
    atlas: Atlas,
    catalogue: Catalogue,
    windows: Windows<A>,
    curator: Curator<A>,
    ledger: Ledger,
    /// When the play that came last was played, until it is asked for.
    last_played_at: Option<Timestamp>,
    sessions_found: u64,
    /// The start of the newest window that may hold spots of the databases before those in use.
    newest_of_previous: Option<Timestamp>,
}

impl<A> Engine<A> {
    /// Begins a programme of its own; `now` is the time.
    #[must_use]
    pub fn new(rules: Rules, atlas: Atlas, catalogue: Catalogue, now: Timestamp) -> Self {
        Self {
            rules,
            users: UserHash::in_process(0),
            atlas,
            catalogue,
            // What is older cannot be shown.
            windows: Windows::new(rules.window, now - rules.curate.max_session_age),
            curator: Curator::new(rules.curate, Vec::new(), now),
            ledger: Ledger::default(),
            last_played_at: None,
            sessions_found: 0,
            newest_of_previous: None,
        }
    }

    /// Tells users apart by `users`: to be said before the first play. Otherwise by hashes with a seed that everybody knows.
    #[must_use]
    pub fn telling_users_apart_by(mut self, users: UserHash) -> Self {
        self.users = users;
        self
    }

    /// Goes on after the slots that were `announced` before it, in any order and with repeats. To be called before the first
    /// [`Engine::advance`]; plays may have been taken in and gathered.
    pub fn go_on_after(&mut self, announced: Vec<Slot>, now: Timestamp) {
        self.curator.go_on_after(announced, now);
    }

    /// Takes a delivery in.
    pub fn receive(&mut self, data: Bytes, ack: A, now: Timestamp, effects: &mut Vec<Effect<A>>) {
        self.receive_all([(data, ack)], now, effects);
    }

    /// Takes deliveries in, in their order: faster than one by one.
    pub fn receive_all(
        &mut self,
        deliveries: impl IntoIterator<Item = (Bytes, A)>,
        now: Timestamp,
        effects: &mut Vec<Effect<A>>,
    ) {
        let Self { rules, users, atlas, windows, curator, ledger, last_played_at, .. } = self;
        curator.heed_clock(now);
        rules.intake().receive_all(deliveries, now, atlas, |data, ack, decoded| {
            let held = ledger.receive(ack);
            let located = decoded.and_then(|decoded| {
                windows.observe(decoded.play.played_at, now);
                *last_played_at = Some(decoded.play.played_at);
                let located = examine(&decoded, users, atlas, windows, curator)?;
                Ok((decoded.play.track, located))
            });
            match located {
                Ok((track, located)) => windows.insert(track, &located, held),
                Err(reason) => effects.push(Answer::to(data, held, reason, ledger).into()),
            }
        });
    }

    /// When the play that came last was played; none where none came since this was asked.
    pub const fn take_last_played_at(&mut self) -> Option<Timestamp> {
        self.last_played_at.take()
    }

    /// Does what is due `now`: call it after deliveries, and when [`Engine::next_deadline`] has come.
    pub fn advance(&mut self, now: Timestamp, effects: &mut Vec<Effect<A>>) {
        self.gather(now, effects);
        while now >= self.curator.next_decision() {
            self.fire_late(effects);
            self.decide(now, effects);
        }
        self.forget_previous_databases();
    }

    /// The part of [`Engine::advance`] that announces nothing: windows that are due `now` fire, and what is no session is
    /// dropped.
    pub fn gather(&mut self, now: Timestamp, effects: &mut Vec<Effect<A>>) {
        self.curator.heed_clock(now);
        self.windows.advance(now);
        self.fire(effects);
    }

    /// When there may be something to do if nothing is received before.
    #[must_use]
    pub fn next_deadline(&self, now: Timestamp) -> Timestamp {
        let decision = self.curator.next_decision();
        self.windows.next_deadline(now).map_or(decision, |deadline| deadline.min(decision))
    }

    /// An announcement is confirmed as published: its plays are settled.
    pub fn published(&mut self, plays: Vec<Vec<Pending<A>>>, effects: &mut Vec<Effect<A>>) {
        let done = plays.into_iter().flatten().map(|play| self.ledger.settle(play.held));
        effects.extend(done.map(Effect::Ack));
    }

    /// A rejected play is confirmed as published to the dead-letter topic.
    pub fn rejected(&mut self, play: Held<A>, reason: DropReason, effects: &mut Vec<Effect<A>>) {
        effects.push(Effect::Ack(self.ledger.drop_play(play, reason)));
    }

    /// Lets go of every play that waits for a window or a slot: dropping its handle hands the delivery back. The plays
    /// stay on the books as held.
    pub fn drain(&mut self) {
        self.windows.drain().for_each(drop);
        self.curator.drain().for_each(drop);
    }

    /// Whether [`Engine::replace_databases`] can take a new edition: not before the edition before the one in use is
    /// forgotten, which takes as long as its windows are kept.
    #[must_use]
    pub const fn can_replace_databases(&self) -> bool {
        !self.atlas.has_previous()
    }

    /// Locates the plays that come in `databases`.
    pub fn replace_databases(&mut self, databases: Databases) {
        self.atlas.replace(databases);
        self.newest_of_previous = self.windows_in_use().map(|(_, newest)| newest);
    }

    /// When the city database in use was built.
    #[must_use]
    pub fn databases_built_at(&self) -> Option<Timestamp> {
        self.atlas.databases().built_at()
    }

    /// The account of all plays.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How far event time has come.
    #[must_use]
    pub fn watermark(&self) -> Timestamp {
        self.windows.watermark()
    }

    /// How many panes were sessions, chosen or not.
    #[must_use]
    pub const fn sessions_found(&self) -> u64 {
        self.sessions_found
    }

    /// Records of the databases in use that cannot be read.
    #[must_use]
    pub fn unreadable_records(&self) -> u64 {
        self.atlas.databases().unreadable_records()
    }

    /// Once every window and candidate that may refer to them is gone.
    fn forget_previous_databases(&mut self) {
        if !self.atlas.has_previous() {
            return;
        }
        if self.windows_in_use().is_none_or(|(oldest, _)| Some(oldest) > self.newest_of_previous) {
            self.atlas.forget_previous();
        }
    }

    /// The starts of the oldest and of the newest window whose spots may be asked for: those that are kept, and those of
    /// sessions that wait for their slot, which may be longer than their window is kept.
    fn windows_in_use(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = [self.windows.kept(), self.curator.candidate_windows()].into_iter().flatten();
        spans.reduce(|(oldest, newest), (start, end)| (oldest.min(start), newest.max(end)))
    }

    fn fire(&mut self, effects: &mut Vec<Effect<A>>) {
        let Self { windows, curator, atlas, rules, ledger, sessions_found, .. } = self;
        let mut fired = false;
        windows.fire(|pane| {
            fired = true;
            *sessions_found += u64::from(take_pane(pane, atlas, &rules.matching, curator, ledger, effects));
        });
        if fired {
            curator.give_up_crowded_out(&mut |pending| give_up(pending, ledger, effects));
        }
    }

    fn fire_late(&mut self, effects: &mut Vec<Effect<A>>) {
        let Self { windows, curator, atlas, rules, ledger, sessions_found, .. } = self;
        windows.fire_late(|pane| {
            *sessions_found += u64::from(take_pane(pane, atlas, &rules.matching, curator, ledger, effects));
        });
    }

    fn decide(&mut self, now: Timestamp, effects: &mut Vec<Effect<A>>) {
        let Self { curator, atlas, catalogue, ledger, .. } = self;
        let decided = curator.decide(now, atlas, catalogue, &mut |pending| give_up(pending, ledger, effects));
        if let Some(announcement) = decided {
            effects.push(Effect::Announce {
                slot: announcement.slot,
                update: announcement.update,
                plays: announcement.pending,
            });
        }
    }
}

/// Who listens where, or why the play is dropped. The cheap questions come first: a backlog of late plays costs no look-ups.
fn examine<A>(
    decoded: &Decoded<'_>,
    users: &UserHash,
    atlas: &Atlas,
    windows: &Windows<A>,
    curator: &Curator<A>,
) -> Result<LocatedPlay, DropReason> {
    if !decoded.sampled {
        return Err(DropReason::Unsampled);
    }
    admit(decoded.window, windows, curator)?;
    let play = &decoded.play;
    let spot = atlas.locate(play.address)?;
    Ok(LocatedPlay {
        user: users.of(play.user),
        played_at: play.played_at,
        tie_break: play.address.into(),
        spot,
    })
}

/// Whether a play of `window` comes in time to be shown.
fn admit<A>(window: Window, windows: &Windows<A>, curator: &Curator<A>) -> Result<(), DropReason> {
    if windows.is_late(window) {
        return Err(DropReason::Late);
    }
    // In a backlog there are many of them: held, they would be in the way of those that can be shown.
    if windows.has_fired(window) && curator.is_too_old(window) {
        return Err(DropReason::NotChosen);
    }
    Ok(())
}

/// Matches a pane: a session becomes a candidate, the plays of any other group are dropped. Whether it is a session.
fn take_pane<A>(
    pane: Pane<'_, A>,
    atlas: &Atlas,
    rules: &MatchRules,
    curator: &mut Curator<A>,
    ledger: &mut Ledger,
    effects: &mut Vec<Effect<A>>,
) -> bool {
    match matching::match_listeners(pane.listeners, atlas, rules) {
        Ok(shared) => {
            curator.add(Candidate {
                id: matching::session_id(pane.track, pane.window.start),
                window: pane.window,
                track: TrackId::new(pane.track).expect("decode checks the length of a track id"),
                shared,
                pane: pane.number,
                pending: pane.pending,
            });
            true
        }
        Err(reason) => {
            let done = pane.pending.into_iter().map(|pending| ledger.drop_play(pending.held, reason));
            effects.extend(done.map(Effect::Ack));
            false
        }
    }
}

fn give_up<A>(pending: Pending<A>, ledger: &mut Ledger, effects: &mut Vec<Effect<A>>) {
    effects.push(Effect::Ack(ledger.drop_play(pending.held, DropReason::NotChosen)));
}

#[cfg(test)]
pub(crate) mod tests;
