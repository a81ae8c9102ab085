//! What must hold of the updates on the sessions topic, whatever the plays were.

use std::collections::{BTreeMap, BTreeSet};

use listening_together_proto::v1;
use prost::Message as _;
use prost_types::Timestamp;

use super::{Rules, time};

/// How many announced slots before the current one an update may repeat.
const SLOTS_BEFORE_CURRENT: i64 = 9;

/// An update has to leave room below Pub/Sub's limit of 10 MB.
const MAX_UPDATE_BYTES: usize = 9_000_000;

/// What is wrong with `updates`, the messages of one pipeline in any order; empty when nothing is.
///
/// - An update has slots, newest first, no more than may be repeated, and stays below 9 MB.
/// - A slot starts at `number` times the slot's length and is as long; it is the same bytes wherever it is repeated.
/// - It shows sessions: no more than allowed, none twice, none too old when the slot was decided, and the featured
///   one is not a late pane.
pub fn check_updates(updates: &[v1::SessionsUpdate], rules: &Rules) -> Vec<String> {
    let mut lines = Vec::new();
    let mut slots: BTreeMap<u64, &v1::Slot> = BTreeMap::new();
    for (index, update) in updates.iter().enumerate() {
        let problems = update_problems(update, rules);
        lines.extend(problems.into_iter().map(|problem| format!("update {index}: {problem}")));
        for slot in &update.slots {
            let first = slots.entry(slot.number).or_insert(slot);
            if first.encode_to_vec() != slot.encode_to_vec() {
                lines.push(format!("update {index}: slot {} is not what it was", slot.number));
            }
        }
    }
    for slot in slots.into_values() {
        let problems = slot_problems(slot, rules);
        lines.extend(problems.into_iter().map(|problem| format!("slot {}: {problem}", slot.number)));
    }
    lines
}

/// The panes that are in more than one slot. A pipeline that was never restarted shows a pane of a session once.
pub fn check_shown_once(updates: &[v1::SessionsUpdate]) -> Vec<String> {
    let mut shown_in: BTreeMap<(&str, u32), BTreeSet<u64>> = BTreeMap::new();
    for slot in updates.iter().flat_map(|update| &update.slots) {
        for session in &slot.sessions {
            shown_in.entry((&session.session_id, session.pane)).or_default().insert(slot.number);
        }
    }
    let line = |((id, pane), slots): (_, _)| format!("session {id} pane {pane} is in slots {slots:?}");
    shown_in.into_iter().filter(|(_, slots)| slots.len() > 1).map(line).collect()
}

fn update_problems(update: &v1::SessionsUpdate, rules: &Rules) -> Vec<String> {
    let mut problems = Vec::new();
    let numbers: Vec<u64> = update.slots.iter().map(|slot| slot.number).collect();
    if numbers.is_empty() {
        problems.push("has no slot".to_owned());
    }
    if !numbers.is_sorted_by(|newer, older| newer > older) {
        problems.push(format!("slots are not newest first: {numbers:?}"));
    }
    // Those that have not begun when the last of them is decided, the current one, and those before it.
    let not_begun = (rules.lead_ms + rules.slot_ms - 1) / rules.slot_ms;
    let most = not_begun + 1 + SLOTS_BEFORE_CURRENT;
    if numbers.len() as i64 > most {
        problems.push(format!("has {} slots, may have {most}", numbers.len()));
    }
    if update.encoded_len() >= MAX_UPDATE_BYTES {
        problems.push(format!("has {} bytes, must have fewer than {MAX_UPDATE_BYTES}", update.encoded_len()));
    }
    problems
}

fn slot_problems(slot: &v1::Slot, rules: &Rules) -> Vec<String> {
    let (Some(starts_at_ms), Some(ends_at_ms)) = (ms(&slot.starts_at), ms(&slot.ends_at)) else {
        return vec!["has no start or no end".to_owned()];
    };
    let mut problems = Vec::new();
    if starts_at_ms != slot.number as i64 * rules.slot_ms {
        problems.push(format!("starts at {starts_at_ms} ms, which is not number x {} ms", rules.slot_ms));
    }
    if ends_at_ms - starts_at_ms != rules.slot_ms {
        problems.push(format!("lasts {} ms, not {} ms", ends_at_ms - starts_at_ms, rules.slot_ms));
    }
    match slot.sessions.first() {
        None => problems.push("shows no session".to_owned()),
        Some(featured) if featured.pane != 0 => problems.push(format!("features pane {}", featured.pane)),
        Some(_) => {}
    }
    if rules.sessions_per_slot != 0 && slot.sessions.len() > rules.sessions_per_slot {
        problems.push(format!(
            "shows {} sessions, more than {}",
            slot.sessions.len(),
            rules.sessions_per_slot
        ));
    }
    let mut seen = BTreeSet::new();
    for session in &slot.sessions {
        if !seen.insert(&session.session_id) {
            problems.push(format!("shows session {} twice", session.session_id));
        }
        problems.extend(age_problem(session, starts_at_ms - rules.lead_ms, rules));
    }
    problems
}

/// A session is as old as the end of its window.
fn age_problem(session: &v1::Session, decided_at_ms: i64, rules: &Rules) -> Option<String> {
    let Some(window_end_ms) = ms(&session.window_end) else {
        return Some(format!("session {} has no window", session.session_id));
    };
    let age_ms = decided_at_ms - window_end_ms;
    (age_ms > rules.max_session_age_ms)
        .then(|| format!("session {} is {age_ms} ms old when it is decided", session.session_id))
}

fn ms(timestamp: &Option<Timestamp>) -> Option<i64> {
    timestamp.as_ref().map(time::to_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(session_id: &str, window_end_ms: i64) -> v1::Session {
        v1::Session {
            session_id: session_id.into(),
            window_end: Some(time::from_ms(window_end_ms)),
            ..v1::Session::default()
        }
    }

    /// With one session, as old as may be: a slot of 5 s is decided 2 s before its start, a session lives for 10 s.
    fn slot(number: u64) -> v1::Slot {
        let starts_at_ms = number as i64 * 5_000;
        v1::Slot {
            number,
            starts_at: Some(time::from_ms(starts_at_ms)),
            ends_at: Some(time::from_ms(starts_at_ms + 5_000)),
            sessions: vec![session(&number.to_string(), starts_at_ms - 12_000)],
        }
    }

    fn update(slots: impl IntoIterator<Item = v1::Slot>) -> v1::SessionsUpdate {
        v1::SessionsUpdate { slots: slots.into_iter().collect() }
    }

    #[test]
    fn a_programme_with_a_gap_and_repeats_is_right() {
        let updates = [
            update([slot(100)]),
            update([slot(103), slot(100)]),
            update((103..=113).rev().map(slot)),
            update([slot(103), slot(100)]),
        ];
        assert_eq!(check_updates(&updates, &Rules::default()), [""; 0]);
        assert_eq!(check_shown_once(&updates), [""; 0]);
    }

    #[test]
    fn what_is_wrong_with_an_update() {
        let large = v1::Track { title: "x".repeat(MAX_UPDATE_BYTES), ..v1::Track::default() };
        let mut large_slot = slot(100);
        large_slot.sessions[0].track = Some(large);
        let mut other = slot(100);
        other.sessions[0].listener_count = 9;
        for (name, updates, expected) in [
            ("no slot", vec![update([])], "update 0: has no slot"),
            (
                "oldest first",
                vec![update([slot(1), slot(2)])],
                "update 0: slots are not newest first: [1, 2]",
            ),
            (
                "the same twice",
                vec![update([slot(2), slot(2)])],
                "update 0: slots are not newest first: [2, 2]",
            ),
            ("too many", vec![update((1..=12).rev().map(slot))], "update 0: has 12 slots, may have 11"),
            (
                "too large",
                vec![update([large_slot])],
                // The title, and 42 bytes of everything else.
                "update 0: has 9000042 bytes, must have fewer than 9000000",
            ),
            (
                "a slot changes",
                vec![update([slot(100)]), update([slot(101), other])],
                "update 1: slot 100 is not what it was",
            ),
        ] {
            assert_eq!(check_updates(&updates, &Rules::default()), [expected], "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_slot() {
        type Change = fn(&mut v1::Slot);
        let cases: [(&str, Change, &str); 12] = [
            ("no start", |s| s.starts_at = None, "has no start or no end"),
            ("no end", |s| s.ends_at = None, "has no start or no end"),
            ("number", |s| s.number = 99, "starts at 500000 ms, which is not number x 5000 ms"),
            ("long", |s| s.ends_at = Some(time::from_ms(505_001)), "lasts 5001 ms, not 5000 ms"),
            ("empty", |s| s.sessions.clear(), "shows no session"),
            ("late pane is featured", |s| s.sessions[0].pane = 1, "features pane 1"),
            ("late pane is shown", |s| s.sessions.push(v1::Session { pane: 1, ..session("x", 500_000) }), ""),
            ("twice", |s| s.sessions.push(s.sessions[0].clone()), "shows session 100 twice"),
            ("five", |s| s.sessions.extend((0..4).map(|id| session(&id.to_string(), 500_000))), ""),
            (
                "six",
                |s| s.sessions.extend((0..5).map(|id| session(&id.to_string(), 500_000))),
                "shows 6 sessions, more than 5",
            ),
            (
                "old",
                |s| s.sessions[0].window_end = Some(time::from_ms(487_999)),
                "session 100 is 10001 ms old when it is decided",
            ),
            ("no window", |s| s.sessions[0].window_end = None, "session 100 has no window"),
        ];
        for (name, change, problem) in cases {
            let mut slot = slot(100);
            change(&mut slot);
            let expected = match problem {
                "" => vec![],
                problem => vec![format!("slot {}: {problem}", slot.number)],
            };
            assert_eq!(check_updates(&[update([slot])], &Rules::default()), expected, "{name}");
        }
    }

    #[test]
    fn settings_allow_more_sessions_and_more_repeats() {
        let mut full = slot(100);
        full.sessions.extend((0..50).map(|id| session(&id.to_string(), 500_000)));
        let no_limit = Rules { sessions_per_slot: 0, ..Rules::default() };
        assert_eq!(check_updates(&[update([full])], &no_limit), [""; 0]);

        let early = Rules { lead_ms: 7_000, max_session_age_ms: 5_000, ..Rules::default() };
        assert_eq!(check_updates(&[update((1..=12).rev().map(slot))], &early), [""; 0]);
    }

    #[test]
    fn a_pane_in_two_slots_is_told() {
        let mut again = slot(101);
        again.sessions = slot(100).sessions;
        let mut late = slot(102);
        late.sessions[0] = v1::Session { pane: 1, ..slot(100).sessions[0].clone() };
        assert_eq!(
            check_shown_once(&[update([slot(100)]), update([late, again, slot(100)])]),
            ["session 100 pane 0 is in slots {100, 101}"]
        );
    }
}
