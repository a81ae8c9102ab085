//! window: event-time windows per track, of who listened where.
//!
//! Time is event time, the time at which play was pressed. The **watermark** says how far it has come: no play older
//! than it is waited for. It follows the newest play seen, less the disorder that is allowed for, and the clock when
//! plays stop coming. It never goes back (but where the clock was fast at the start and is set right), and never runs ahead
//! of the clock by what a reporter's clock is fast: plays dated in the future would otherwise close windows that everyone
//! else is still filling.
//!
//! - A window **fires** once, when the watermark reaches its last instant: its on-time pane, pane 0.
//! - A play for a window that has fired joins it as long as lateness is allowed; [`Windows::fire_late`] then makes the
//!   group's next pane, which holds the earlier plays too (accumulating panes).
//! - A play later than that is **late** and does not enter.
//!
//! Event time does not begin with the first play seen, but with the **start of what can still be shown** when the pipeline
//! starts. After an outage the backlog comes first, oldest plays first; what nobody can be shown any more is late at
//! once, or given up as too old for a slot, instead of being gathered in windows.
//!
//! Plays that are delivered twice or out of order change nothing: one listener is kept for each user, see [`Listener`].
//!
//! Memory: about 40 bytes for each listener of the windows that are kept, which is `length + allowed lateness` of event
//! time, beside the ack handles of the plays that are still held.

mod listener;
mod tie_break;
mod tracks;

use std::collections::BTreeMap;
use std::time::Duration;

use listening_together_proto::{Timestamp, Window};

use crate::ledger::Held;
use crate::locate::SpotRef;
use crate::user::UserKey;

pub use listener::Listener;
pub use tie_break::TieBreak;
use tracks::WindowTracks;

/// The settings of the stage.
#[derive(Clone, Copy, Debug)]
pub struct WindowRules {
    /// Length of a window.
    pub length: Duration,
    /// How much older than the newest play one may come and still be on time.
    pub max_disorder: Duration,
    /// For how long after it fired a window takes plays in.
    pub allowed_lateness: Duration,
    /// After how long without a play the watermark follows the clock.
    pub idle_timeout: Duration,
}

/// A play whose place is known.
#[derive(Clone, Copy, Debug)]
pub struct LocatedPlay {
    /// Who.
    pub user: UserKey,
    /// When.
    pub played_at: Timestamp,
    /// What counts where the user has played the track twice in this millisecond.
    pub tie_break: TieBreak,
    /// Where.
    pub spot: SpotRef,
}

/// A play that waits for its session to be published or given up.
#[derive(Debug)]
pub struct Pending<A> {
    /// The right to ack it.
    pub held: Held<A>,
    /// When it was played.
    pub played_at: Timestamp,
}

/// One pane of one track in one window.
#[derive(Debug)]
pub struct Pane<'a, A> {
    /// When.
    pub window: Window,
    /// What.
    pub track: &'a str,
    /// Everyone who listened, once each.
    pub listeners: &'a [Listener],
    /// 0 is the on-time pane.
    pub number: u32,
    /// The plays that came since the pane before.
    pub pending: Vec<Pending<A>>,
}

/// The windows that are open or may still take in late plays.
#[derive(Debug)]
pub struct Windows<A> {
    rules: WindowRules,
    watermark: Timestamp,
    newest_play: Timestamp,
    /// When a play came in last, by the clock.
    last_arrival: Option<Timestamp>,
    /// By their start.
    windows: BTreeMap<Timestamp, WindowTracks<A>>,
    /// Every window that ends by then has fired.
    fired_to: Timestamp,
    /// The start of what could still be shown when this started: the watermark before it has reached that by plays.
    begins_at: Timestamp,
}

impl<A> Windows<A> {
    /// No windows yet, and a watermark before `begins_at`.
    #[must_use]
    pub const fn new(rules: WindowRules, begins_at: Timestamp) -> Self {
        Self {
            rules,
            watermark: Timestamp::MIN,
            newest_play: Timestamp::MIN,
            last_arrival: None,
            windows: BTreeMap::new(),
            fired_to: Timestamp::MIN,
            begins_at,
        }
    }

    /// The window that a play of `played_at` belongs to.
    #[must_use]
    pub fn window_of(&self, played_at: Timestamp) -> Window {
        Window::holding(played_at, self.rules.length)
    }

    /// How far event time has come.
    #[must_use]
    pub fn watermark(&self) -> Timestamp {
        self.watermark.max(self.begins_at - Duration::from_millis(1))
    }

    /// Takes note that a play was seen `now`, whether it is kept or not.
    pub fn observe(&mut self, played_at: Timestamp, now: Timestamp) {
        self.heed_clock(now);
        self.last_arrival = Some(now);
        self.newest_play = self.newest_play.max(played_at);
        self.advance_watermark(self.newest_play.min(now));
    }

    /// Takes note that it is `now`.
    pub fn advance(&mut self, now: Timestamp) {
        self.heed_clock(now);
        let idle = self.last_arrival.is_some_and(|last| now.since(last) >= self.rules.idle_timeout);
        let seen = if idle { now } else { self.newest_play.min(now) };
        self.advance_watermark(seen);
    }

    /// When [`Windows::advance`] may have something to do next, given that no play comes before.
    #[must_use]
    pub fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let mut unfired = self.windows.range(self.fired_to - self.rules.length..).map(|(_, tracks)| tracks);
        let open = unfired.find(|tracks| !tracks.has_fired())?;
        // The newest play seen lets the window fire as soon as the clock has caught up with it, an idle stream when
        // the clock has.
        let complete_at = self.fires_when_seen(open.window());
        let idle_from = self.last_arrival? + self.rules.idle_timeout;
        let by_plays = (self.newest_play >= complete_at).then_some(complete_at);
        let by_clock = complete_at.max(idle_from);
        Some(by_plays.map_or(by_clock, |by_plays| by_plays.min(by_clock)).max(now))
    }

    /// Whether a play for `window` comes too late to enter.
    #[must_use]
    pub fn is_late(&self, window: Window) -> bool {
        self.expires_at(window) <= self.watermark()
    }

    /// Whether a play for `window` joins a group that has its on-time pane, or would have.
    #[must_use]
    pub fn has_fired(&self, window: Window) -> bool {
        // What lies before a window that has fired is never looked at again.
        window.end <= self.fired_to || self.is_complete(window)
    }

    /// Takes a play in. It must not be late.
    pub fn insert(&mut self, track: &str, play: &LocatedPlay, held: Held<A>) {
        let window = self.window_of(play.played_at);
        let fired = self.has_fired(window);
        let entry = self.windows.entry(window.start);
        let tracks = entry.or_insert_with(|| WindowTracks::new(window, fired));
        let listener = Listener::of(play, window);
        tracks.insert(track, listener, Pending { held, played_at: play.played_at });
    }

    /// Makes the on-time panes of the windows that are complete and forgets the windows that have expired; windows in
    /// order of time, tracks in the order in which they came.
    pub fn fire(&mut self, mut make: impl FnMut(Pane<'_, A>)) {
        let watermark = self.watermark();
        for (_, tracks) in self.windows.range_mut(self.fired_to - self.rules.length..) {
            if tracks.window().last_instant() > watermark {
                break;
            }
            tracks.fire(&mut make);
            self.fired_to = tracks.window().end;
        }
        self.forget_expired();
    }

    /// Makes the late panes of the groups that have taken plays in since their last pane.
    pub fn fire_late(&mut self, mut make: impl FnMut(Pane<'_, A>)) {
        for tracks in self.windows.values_mut() {
            tracks.fire_late(&mut make);
        }
    }

    /// The starts of the oldest and of the newest window that is kept.
    #[must_use]
    pub fn kept(&self) -> Option<(Timestamp, Timestamp)> {
        Some((*self.windows.first_key_value()?.0, *self.windows.last_key_value()?.0))
    }

    /// Gives up every play that waits for its window.
    pub fn drain(&mut self) -> impl Iterator<Item = Pending<A>> {
        let windows = std::mem::take(&mut self.windows);
        windows.into_values().flat_map(WindowTracks::into_pending)
    }

    /// A clock that was fast at the start and is set right must not make plays late until it is there again: the one case
    /// in which the watermark goes back.
    fn heed_clock(&mut self, now: Timestamp) {
        if now < self.begins_at {
            self.begins_at = Timestamp::MIN;
        }
    }

    fn advance_watermark(&mut self, seen: Timestamp) {
        let watermark = seen - self.rules.max_disorder - Duration::from_millis(1);
        self.watermark = self.watermark.max(watermark);
    }

    fn is_complete(&self, window: Window) -> bool {
        window.last_instant() <= self.watermark()
    }

    /// The newest play (or the clock, when idle) at which the watermark reaches the window's last instant.
    fn fires_when_seen(&self, window: Window) -> Timestamp {
        window.end + self.rules.max_disorder
    }

    /// The watermark at which a window takes in no more plays.
    fn expires_at(&self, window: Window) -> Timestamp {
        window.last_instant() + self.rules.allowed_lateness
    }

    /// Forgets windows that take in no more plays. Those whose late plays still wait for their pane stay until it is
    /// made, so that no play is lost between the two.
    fn forget_expired(&mut self) {
        let watermark = self.watermark();
        while let Some(oldest) = self.windows.first_entry() {
            let tracks = oldest.get();
            let expires_at = tracks.window().last_instant() + self.rules.allowed_lateness;
            if !tracks.has_fired() || expires_at > watermark || tracks.has_late_plays() {
                break;
            }
            oldest.remove();
        }
    }
}

#[cfg(test)]
mod tests;
