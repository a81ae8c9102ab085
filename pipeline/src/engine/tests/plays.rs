//! What becomes of a play: announced, dropped with a reason, or handed back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[test]
fn two_far_apart_are_announced_and_acked_once_that_is_confirmed() {
    let mut story = Story::new(rules());
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300);
    story.time(2999);
    assert_eq!(story.announced, [""; 0], "the slot is decided two seconds before its start");
    story.time(3000);
    assert_eq!(story.announced, ["1: song #0"]);
    assert_eq!(story.acked, [0; 0], "not confirmed yet");
    story.confirm_all();
    assert_eq!(story.acked, [1, 2]);
    assert_eq!(story.engine.ledger().settled(), 2);
}

#[test]
fn every_play_that_is_of_no_use_is_acked_at_once_with_its_reason() {
    let mut story = Story::new(rules());
    story.deliver(vec![0xff], 0);
    story.deliver(message("ana", "song", BERLIN, at(5501)), 500);
    story.play("ana", "song", TOR_EXIT, 100);
    story.play("ana", "song", NO_CITY, 100);
    story.play("ana", "song", BERLIN, 60_000).play("ana", "song", BERLIN, 100);
    assert_eq!(story.rejected, [DropReason::Malformed, DropReason::Future]);
    let expected = [("malformed", 1), ("future", 1), ("late", 1), ("anonymous", 1), ("unlocated", 1)];
    assert_eq!(story.dropped(), expected);
    assert_eq!(story.acked, [1, 2, 3, 4, 6]);
}

#[test]
fn what_nobody_shares_is_dropped_when_its_window_fires() {
    let mut story = Story::new(rules());
    story.play("ana", "alone", BERLIN, 100);
    story.play("ana", "one city", BERLIN, 200).play("bo", "one city", BERLIN, 300);
    story.time(1499);
    assert_eq!(story.acked, [0; 0]);
    story.time(1800);
    assert_eq!(story.dropped(), [("single_listener", 1), ("single_place", 2)]);
}

#[test]
fn an_idle_stream_still_closes_its_last_window() {
    let mut story = Story::new(rules());
    story.play("ana", "alone", BERLIN, 100);
    assert_eq!(story.engine.next_deadline(at(700)), at(1600), "received at 600, idle a second later");
    story.time(1600);
    assert_eq!(story.dropped(), [("single_listener", 1)]);
}

#[test]
fn the_sample_keeps_or_drops_a_track_whole() {
    let mut story = Story::new(Rules { sampler: Sampler::new(0.0), ..rules() });
    story.play("ana", "song", BERLIN, 100).play("bo", "song", LIMA, 100);
    assert_eq!(story.dropped(), [("unsampled", 2)]);
}

#[test]
fn draining_hands_every_play_back() {
    let mut story = Story::new(rules());
    story.play("ana", "song", BERLIN, 100).play("bo", "song", LIMA, 100).play("cy", "song", LIMA, 1900);
    story.time(2600);
    story.engine.drain();
    assert_eq!(story.acked, [0; 0]);
    assert_eq!(story.engine.ledger().held(), 3);
}

/// One play of a random stream: user, track, place, and played how long after the start.
type RandomPlay = (u8, u8, u8, i64);

/// Each session's newest pane by its id: listeners, and how many are at its first two places.
fn sessions_of(plays: &[RandomPlay]) -> BTreeMap<String, (u32, Vec<u32>)> {
    let curate = CurateRules { sessions_per_slot: None, max_session_age: seconds(60), ..rules().curate };
    let window = WindowRules { max_disorder: seconds(4), ..rules().window };
    let mut story = Story::new(Rules { curate, window, ..rules() });
    let places = [BERLIN, LIMA, OSAKA, NO_CITY];
    for (user, track, place, time) in plays {
        let place = places[usize::from(*place)];
        let data = message(&format!("u{user}"), &format!("t{track}"), place, at(*time));
        story.deliver(data, 4000).time(4000);
    }
    story.time(13_000).confirm_all().time(23_000).confirm_all();
    assert_eq!(story.engine.ledger().held(), 0);
    assert_eq!(story.acked.len(), plays.len());
    let sessions = story.updates.iter().flat_map(|update| &update.slots).flat_map(|slot| &slot.sessions);
    sessions
        .map(|session| {
            let counts = session.places.iter().map(|place| place.listener_count).collect();
            (session.session_id.clone(), (session.listener_count, counts))
        })
        .collect()
}

proptest! {
    /// Within the disorder that is allowed for, order and duplicates change no session.
    #[test]
    fn order_and_duplicates_change_no_session(
        plays in prop::collection::vec((0u8..8, 0u8..3, 0u8..4, 0i64..3000), 0..40)
            .prop_flat_map(|plays| (Just(plays.clone()), Just(plays).prop_shuffle())),
    ) {
        let (in_one_order, in_another) = plays;
        let repeated: Vec<_> = in_another.iter().chain(&in_one_order).copied().collect();
        prop_assert_eq!(sessions_of(&in_one_order), sessions_of(&repeated));
    }
}
