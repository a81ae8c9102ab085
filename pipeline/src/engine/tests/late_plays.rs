//! Plays that come late, again, or after an outage.

use super::*;

#[test]
fn a_late_pane_is_shown_but_never_featured() {
    let curate = CurateRules { max_session_age: seconds(20), ..rules().curate };
    let mut story = Story::new(Rules { curate, ..rules() });
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300);
    story.time(3000).confirm_all();
    story.play("cy", "song", OSAKA, 1400);
    story.time(8000);
    assert_eq!(story.announced, ["1: song #0"], "a late pane alone makes no slot");
    assert_eq!(story.dropped(), [("not_chosen", 1)]);
    story.play("cy", "song", OSAKA, 1400);
    story.play("ana", "other", BERLIN, 11_200).play("bo", "other", LIMA, 11_300);
    story.time(13_000).confirm_all();
    assert_eq!(story.announced[1..], ["3: other #0, song #2"]);
    let late = &story.updates[1].slots[0].sessions[1];
    assert_eq!(late.listener_count, 3, "late panes accumulate");
    assert_eq!(late.session_id, story.updates[0].slots[0].sessions[0].session_id);
    assert_eq!(story.engine.ledger().held(), 0);
}

#[test]
fn a_play_that_comes_again_or_a_little_late_takes_nothing_away() {
    let mut story = Story::new(rules());
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300).time(2900);
    story.play("bo", "song", LIMA, 1300).play("cy", "song", OSAKA, 1400);
    story.time(3000).confirm_all();
    assert_eq!(story.announced, ["1: song #0"], "the on-time pane is featured");
    assert_eq!(story.acked, [1, 2]);
    story.play("ana", "other", BERLIN, 6200).play("bo", "other", LIMA, 6300);
    story.time(8000).confirm_all();
    assert_eq!(story.announced[1..], ["2: other #0, song #1"], "the late pane waits for the next slot");
    assert_eq!(story.engine.ledger().held(), 0);
}

#[test]
fn a_late_pane_crowds_nothing_out() {
    let curate = CurateRules { sessions_per_slot: Some(1), ..rules().curate };
    let mut story = Story::new(Rules { curate, ..rules() });
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300).time(2900);
    story.play("cy", "song", OSAKA, 1400).time(3000).confirm_all();
    story.play("ana", "other", BERLIN, 5200).play("bo", "other", LIMA, 5300);
    story.time(8000).confirm_all();
    assert_eq!(story.announced, ["1: song #0", "2: other #0"]);
    assert_eq!(story.dropped(), [("not_chosen", 1)]);
}

/// Two minutes without a pipeline: the oldest plays come first, and among them some that are fresh.
#[test]
fn a_backlog_that_nobody_can_be_shown_is_late_at_once() {
    let mut story = Story::after(rules(), vec![], at(120_000));
    let mut both = |played_at: i64, received_at: i64| {
        let song = format!("song of {played_at}");
        story.deliver(message("ana", &song, BERLIN, at(played_at)), received_at);
        story.deliver(message("bo", &song, LIMA, at(played_at)), received_at);
    };
    both(500, 120_010);
    // Its window ended 40 s before the start: at the limit of 30 s behind what can still be shown.
    both(79_999, 120_010);
    both(80_000, 120_010);
    both(113_000, 120_010);
    both(120_100, 120_200);
    both(1_500, 120_300);
    let reasons = [("late", 6), ("not_chosen", 2)];
    assert_eq!(story.dropped(), reasons, "lateness was allowed, but what is too old to be shown is not held");
    story.time(121_700).time(123_000).confirm_all();
    assert_eq!(story.announced, ["25: song of 120100 #0, song of 113000 #0"]);
    assert_eq!(story.dropped(), reasons);
}

#[test]
fn a_late_play_that_no_slot_can_show_is_given_up_at_once() {
    // The next slot starts at 125 s, is decided at 123 s, and shows what ended at 113 s or later.
    let cases = [
        ("too old", 111_999, vec![("not_chosen", 2)], 0),
        ("old, but not too old", 112_000, vec![], 2),
        ("late", 79_999, vec![("late", 2)], 0),
    ];
    for (name, played_at, dropped, held) in cases {
        let mut story = Story::after(rules(), Vec::new(), at(120_000));
        story.deliver(message("zoe", "newest", BERLIN, at(120_000)), 120_000);
        for (user, address) in [("ana", BERLIN), ("bo", LIMA)] {
            story.deliver(message(user, "song", address, at(played_at)), 120_010);
        }
        assert_eq!((story.dropped(), story.engine.ledger().held()), (dropped, held + 1), "{name}");
    }
}

#[test]
fn a_play_that_is_on_time_has_its_own_reason_however_soon_sessions_are_too_old() {
    let curate = CurateRules { max_session_age: seconds(1), ..rules().curate };
    let mut story = Story::new(Rules { curate, ..rules() });
    story.play("ana", "song", BERLIN, 100).time(1600);
    assert_eq!(story.dropped(), [("single_listener", 1)]);
}
