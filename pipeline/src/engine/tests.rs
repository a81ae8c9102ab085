//! The whole core, told as stories: plays and the clock in, announcements, acks and rejections out.

use std::collections::BTreeMap;
use std::net::IpAddr;

use listening_together_proto::Kilometres;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::test_atlas::AtlasFixture;

const BERLIN: &str = "198.18.0.1";
const OSAKA: &str = "198.18.4.1";
const LIMA: &str = "198.18.3.1";
const TOR_EXIT: &str = "198.18.2.1";
const NO_CITY: &str = "198.18.10.1";

/// The instant at which the stories begin: the start of a slot.
const START: i64 = 1_700_000_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The defaults of the design.
fn rules() -> Rules {
    Rules {
        max_future_skew: seconds(5),
        sampler: Sampler::new(1.0),
        window: WindowRules {
            length: seconds(1),
            max_disorder: Duration::from_millis(500),
            allowed_lateness: seconds(30),
            idle_timeout: seconds(1),
        },
        matching: MatchRules {
            min_listeners: 2,
            min_distance: Kilometres::new(100.0).unwrap(),
            max_places: 8,
        },
        curate: CurateRules {
            slot: seconds(5),
            lead: seconds(2),
            max_session_age: seconds(10),
            sessions_per_slot: Some(5),
        },
    }
}

/// An engine whose acks are numbers, with everything that it wanted done so far.
struct Story {
    engine: Engine<u32>,
    next_ack: u32,
    acked: Vec<u32>,
    rejected: Vec<DropReason>,
    /// Announcements that are not confirmed yet.
    unconfirmed: Vec<Vec<Pending<u32>>>,
    /// `slot number: track #pane, ...`
    announced: Vec<String>,
    updates: Vec<v1::SessionsUpdate>,
}

impl Story {
    fn new(rules: Rules) -> Self {
        Self::after(rules, vec![], at(0))
    }

    fn after(rules: Rules, announced: Vec<Slot>, now: Timestamp) -> Self {
        let atlas = AtlasFixture::new().open();
        Self {
            engine: Engine::new(rules, atlas, Catalogue::default(), announced, now),
            next_ack: 0,
            acked: vec![],
            rejected: vec![],
            unconfirmed: vec![],
            announced: vec![],
            updates: vec![],
        }
    }

    /// `user` plays `track` from `address` at `played_at`, received half a second later.
    fn play(&mut self, user: &str, track: &str, address: &str, played_at: i64) -> &mut Self {
        self.deliver(message(user, track, address, at(played_at)), played_at + 500)
    }

    fn deliver(&mut self, data: Vec<u8>, now: i64) -> &mut Self {
        let mut effects = vec![];
        self.next_ack += 1;
        self.engine.receive(data.into(), self.next_ack, at(now), &mut effects);
        self.carry_out(effects)
    }

    fn time(&mut self, now: i64) -> &mut Self {
        let mut effects = vec![];
        self.engine.advance(at(now), &mut effects);
        self.carry_out(effects)
    }

    fn confirm_all(&mut self) -> &mut Self {
        for plays in std::mem::take(&mut self.unconfirmed) {
            let mut effects = vec![];
            self.engine.published(plays, &mut effects);
            self.carry_out(effects);
        }
        self
    }

    fn carry_out(&mut self, effects: Vec<Effect<u32>>) -> &mut Self {
        for effect in effects {
            match effect {
                Effect::Ack(ack) => self.acked.push(ack),
                Effect::Reject { reason, play, .. } => {
                    self.rejected.push(reason);
                    let mut acks = vec![];
                    self.engine.rejected(play, reason, &mut acks);
                    self.carry_out(acks);
                }
                Effect::Announce { slot, update, plays } => {
                    self.announced.push(text(&slot));
                    self.updates.push(update);
                    self.unconfirmed.push(plays);
                }
            }
        }
        let ledger = self.engine.ledger();
        let accounted = ledger.settled() + ledger.held() + ledger.dropped_in_all();
        assert_eq!(ledger.received(), accounted, "the account is kept at every step");
        assert_eq!(self.acked.len() as u64, ledger.settled() + ledger.dropped_in_all());
        self
    }

    fn dropped(&self) -> Vec<(&'static str, u64)> {
        let ledger = self.engine.ledger();
        let counts = DropReason::ALL.map(|reason| (reason.as_str(), ledger.dropped(reason)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

fn message(user: &str, track: &str, address: &str, played_at: Timestamp) -> Vec<u8> {
    let octets = match address.parse().unwrap() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    v1::Play {
        user_id: user.into(),
        track_id: track.into(),
        ip_address: octets.into(),
        played_at: Some(played_at.into()),
    }
    .encode_to_vec()
}

fn text(slot: &Slot) -> String {
    let session =
        |session: &Arc<listening_together_proto::Session>| format!("{} #{}", session.track.id, session.pane);
    let number = slot.number - START as u64 / 5000;
    format!("{number}: {}", slot.sessions.iter().map(session).collect::<Vec<_>>().join(", "))
}

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
    assert_eq!(story.dropped(), [("late", 6)]);
    story.time(121_700).time(123_000).confirm_all();
    assert_eq!(story.announced, ["25: song of 120100 #0, song of 113000 #0"]);
    assert_eq!(
        story.dropped(),
        [("late", 6), ("not_chosen", 2)],
        "lateness was allowed, but it is too old to be shown"
    );
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

#[test]
fn plays_located_in_two_editions_of_the_databases_meet() {
    let mut story = Story::new(rules());
    let fixture = AtlasFixture::new();
    story.play("ana", "song", BERLIN, 1200);
    story.engine.replace_databases(fixture.databases());
    assert!(!story.engine.can_replace_databases(), "the window still refers to the edition before");
    story.play("bo", "song", LIMA, 1300);
    story.time(3000).confirm_all();
    assert_eq!(story.announced, ["1: song #0"]);
    story.time(31_500);
    assert!(!story.engine.can_replace_databases());
    story.time(33_000);
    assert!(story.engine.can_replace_databases(), "the window has expired");
}

#[test]
fn an_edition_is_kept_for_a_session_whose_window_has_expired() {
    let window = WindowRules { allowed_lateness: Duration::ZERO, ..rules().window };
    let mut story = Story::new(Rules { window, ..rules() });
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300).time(2900);
    story.engine.replace_databases(AtlasFixture::new().databases());
    story.time(2950);
    assert!(!story.engine.can_replace_databases(), "the session waits for its slot");
    story.time(3000);
    assert_eq!(story.announced, ["1: song #0"]);
    assert!(story.engine.can_replace_databases());
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
