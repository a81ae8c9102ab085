//! Which sessions a slot has, and when it is announced.

use super::*;

#[test]
fn newer_windows_come_first_and_what_finds_no_room_is_given_up() {
    let curate = CurateRules { sessions_per_slot: Some(1), ..rules().curate };
    let mut story = Story::new(Rules { curate, ..rules() });
    for (track, time) in [("old", 100), ("new", 1100)] {
        story.play("ana", track, BERLIN, time).play("bo", track, LIMA, time);
    }
    story.time(2600);
    assert_eq!(
        story.dropped(),
        [("not_chosen", 2)],
        "a newer window fills the slot: given up before it is decided"
    );
    story.time(3000).confirm_all();
    assert_eq!(story.announced, ["1: new #0"]);
    assert_eq!(story.acked, [1, 2, 3, 4]);
}

#[test]
fn sessions_that_are_too_old_are_given_up() {
    let curate = CurateRules { max_session_age: Duration::from_millis(600), ..rules().curate };
    let mut story = Story::new(Rules { curate, ..rules() });
    story.play("ana", "song", BERLIN, 900).play("bo", "song", LIMA, 900);
    story.time(3000);
    assert_eq!(story.announced, [""; 0], "its window ended two seconds ago");
    assert_eq!(story.dropped(), [("not_chosen", 2)]);
}

#[test]
fn without_a_lead_slots_are_decided_as_they_begin() {
    let curate = CurateRules { lead: Duration::ZERO, ..rules().curate };
    let mut story = Story::new(Rules { curate, ..rules() });
    story.play("ana", "song", BERLIN, 3200).play("bo", "song", LIMA, 3300);
    story.time(5003).confirm_all();
    assert_eq!(story.announced, ["1: song #0"]);
}

#[test]
fn a_clock_that_was_set_back_stops_nothing() {
    let mut story = Story::after(rules(), vec![], at(600_000));
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300);
    story.time(2900).time(3000).confirm_all();
    assert_eq!(story.announced, ["1: song #0"]);
}

#[test]
fn an_update_repeats_the_slots_before() {
    let mut story = Story::new(rules());
    for round in 0..15 {
        let time = round * 5000 + 1200;
        story.play("ana", "song", BERLIN, time).play("bo", "song", LIMA, time);
        story.time(round * 5000 + 3000);
    }
    let numbers =
        |update: &v1::SessionsUpdate| update.slots.iter().map(|slot| slot.number).collect::<Vec<_>>();
    let first = START as u64 / 5000;
    assert_eq!(numbers(&story.updates[1]), [first + 2, first + 1]);
    assert_eq!(numbers(&story.updates[14]), (first + 5..=first + 15).rev().collect::<Vec<_>>());
}

#[test]
fn a_slot_that_a_pipeline_before_announced_is_left_alone() {
    let mut before = Story::new(rules());
    before.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300);
    before.time(3000);
    let announced = before.updates[0].slots.iter().map(|slot| Slot::try_from(slot).unwrap()).collect();
    let mut story = Story::after(rules(), announced, at(2500));
    story.play("ana", "other", BERLIN, 1200).play("bo", "other", LIMA, 1300);
    story.time(3100);
    assert_eq!(story.announced, [""; 0]);
    story.time(8000);
    assert_eq!(story.announced, ["2: other #0"], "its plays wait for the next slot");
    assert_eq!(story.updates[0].slots.len(), 2, "and the programme goes on");
}

/// A message of many plays is acknowledged as a whole: a second stage that starts again is given plays that are shown.
#[test]
fn a_session_that_a_pipeline_before_showed_is_not_shown_again() {
    let curate = CurateRules { max_session_age: seconds(20), ..rules().curate };
    let mut before = Story::new(Rules { curate, ..rules() });
    before.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300).play("cy", "song", OSAKA, 1400);
    before.time(3000);
    let announced = before.updates[0].slots.iter().map(|slot| Slot::try_from(slot).unwrap()).collect();
    let mut story = Story::after(Rules { curate, ..rules() }, announced, at(4000));
    // Two of the three come again, beside others.
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300);
    story.play("ana", "other", BERLIN, 5200).play("bo", "other", LIMA, 5300);
    story.time(8000).confirm_all();
    assert_eq!(story.announced, ["2: other #0"]);
    assert_eq!(story.dropped(), [("not_chosen", 2)]);
    // The third makes a late pane, which tells nothing that was not shown; a fourth one does.
    story.play("cy", "song", OSAKA, 1400);
    story.play("ana", "third", BERLIN, 11_200).play("bo", "third", LIMA, 11_300);
    story.time(13_000).confirm_all();
    assert_eq!(story.announced[1..], ["3: third #0"]);
    story.play("dee", "song", OSAKA, 1500);
    story.play("ana", "fourth", BERLIN, 16_200).play("bo", "fourth", LIMA, 16_300);
    story.time(18_000).confirm_all();
    assert_eq!(story.announced[2..], ["4: fourth #0, song #2"]);
}

#[test]
fn plays_may_come_before_it_is_known_what_was_announced() {
    let mut before = Story::new(rules());
    before.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300).time(3000);
    let announced = before.updates[0].slots.iter().map(|slot| Slot::try_from(slot).unwrap()).collect();
    let mut story = Story::new(rules());
    story.play("ana", "other", BERLIN, 1200).play("bo", "other", LIMA, 1300);
    story.engine.go_on_after(announced, at(4000));
    story.time(8000).confirm_all();
    assert_eq!(story.announced, ["2: other #0"]);
    assert_eq!(story.updates[0].slots.len(), 2);
    assert_eq!(story.acked, [1, 2]);
}

#[test]
fn a_lead_may_span_several_slots() {
    let curate = CurateRules { slot: seconds(1), lead: seconds(3), ..rules().curate };
    let mut story = Story::new(Rules { curate, ..rules() });
    let mut decided = Vec::new();
    for second in 0..8 {
        let track = format!("song-{second}");
        story.play("ana", &track, BERLIN, second * 1000 + 100).play("bo", &track, LIMA, second * 1000 + 200);
        for millis in (second * 1000 + 700..=second * 1000 + 1500).step_by(100) {
            let before = story.updates.len();
            story.time(millis);
            let slots = story.updates[before..].iter().map(|update| update.slots[0].number);
            decided.extend(slots.map(|number| number as i64 * 1000 - (START + millis)));
        }
    }
    assert!(decided.len() > 4 && decided.iter().all(|lead| *lead == 3000), "{decided:?}");
}

#[test]
fn a_slot_that_was_overslept_is_not_announced() {
    let mut story = Story::new(rules());
    story.play("ana", "song", BERLIN, 3600).play("bo", "song", LIMA, 3700);
    story.time(5001);
    assert_eq!(story.announced, [""; 0]);
    story.time(8000);
    assert_eq!(story.announced, ["2: song #0"]);
}
