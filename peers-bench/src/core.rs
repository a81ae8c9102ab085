//! Our answer: the stages window and match, as the pipeline runs them.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use hashbrown::HashMap;
use listening_together_proto::{Kilometres, Timestamp};
use pipeline::ledger::Ledger;
use pipeline::matching::{MatchRules, match_listeners};
use pipeline::user::{UserHash, UserId};
use pipeline::window::{LocatedPlay, WindowRules, Windows};

use crate::plays::{DISORDER, World};

/// As often as a busy pipeline does, it is looked what is complete: after so many plays.
const BATCH: usize = 1000;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Plays that were read.
    pub plays: u64,
    /// Lines that were written.
    pub answers: u64,
}

/// Reads plays and writes answers; `on_first` is called when the first is there.
///
/// # Errors
/// When a file cannot be read or written, or holds what is no play.
pub fn run(plays: &Path, answers: &Path, mut on_first: impl FnMut()) -> anyhow::Result<Outcome> {
    let world = World::open()?;
    let cities: HashMap<u32, _> = world.cities()?.into_iter().collect();
    let rules = MatchRules {
        min_listeners: 2,
        // All cities of a group, and any two.
        min_distance: Kilometres::default(),
        max_places: usize::MAX,
    };
    let mut out = BufWriter::new(std::fs::File::create(answers)?);
    let mut outcome = Outcome { plays: 0, answers: 0 };
    let (mut windows, mut ledger) = (Windows::new(window_rules(), Timestamp::MIN), Ledger::default());
    let mut fire = |windows: &mut Windows<()>, answers: &mut u64| {
        let mut written = Ok(());
        windows.fire(|pane| {
            let Ok(found) = match_listeners(pane.listeners, &world.atlas, &rules) else { return };
            if *answers == 0 {
                on_first();
            }
            *answers += 1;
            let (window, places) = (pane.window.start.as_millis(), found.places.len());
            let line = writeln!(out, "{window},{},{},{places}", pane.track, found.listener_count);
            written = std::mem::replace(&mut written, Ok(())).and(line);
        });
        written
    };
    let mut reader = csv::Reader::from_path(plays)?;
    let mut record = csv::StringRecord::new();
    let mut newest = Timestamp::MIN;
    while reader.read_record(&mut record)? {
        let field = |index: usize| record.get(index).context("a line with too few fields");
        let played_at = Timestamp::from_millis(field(0)?.parse()?);
        let city: u32 = field(3)?.parse()?;
        let (address, spot) = *cities.get(&city).context("an unknown city")?;
        let play = LocatedPlay {
            user: UserHash::in_process(0).of(UserId::new(field(1)?)),
            played_at,
            tie_break: address.into(),
            spot,
        };
        // Event time alone: a clock that is never behind the plays.
        newest = newest.max(played_at);
        windows.observe(played_at, newest);
        windows.insert(field(2)?, &play, ledger.receive(()));
        outcome.plays += 1;
        if outcome.plays.is_multiple_of(BATCH as u64) {
            fire(&mut windows, &mut outcome.answers)?;
        }
    }
    windows.advance(newest + window_rules().length + 2 * DISORDER + window_rules().idle_timeout);
    fire(&mut windows, &mut outcome.answers)?;
    out.flush()?;
    Ok(outcome)
}

const fn window_rules() -> WindowRules {
    WindowRules {
        length: Duration::from_secs(1),
        max_disorder: DISORDER,
        allowed_lateness: Duration::ZERO,
        idle_timeout: Duration::from_secs(1),
    }
}
