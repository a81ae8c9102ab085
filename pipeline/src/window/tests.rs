//! The stage told as scripts: plays and watermarks in, panes and late plays out. Names such as F-WO 13 point to the tests
//! of Beam (B-) and Flink (F-) that a row restates.
//!
//! Where the two differ, or we differ from both:
//! - A late pane holds the earlier plays too, as with Beam's accumulating panes; Flink's test 14 purges.
//! - Late panes are made when a slot is decided, not for each late play: only then can anyone see them, and a popular track
//!   would be matched anew for every late play.
//! - The first pane of a group that had nothing on time is number 1, not 0 as in Beam: 0 always means on time here.
//! - There is one watermark for all streams, that of the newest play, and not the smallest of several sources': Pub/Sub
//!   balances plays over streams, so that none of them stands for a source of its own. It follows the clock when plays stop
//!   coming, and never runs ahead of it.
//! - Windows have neither offset nor slide and do not merge: the cases of sliding and session windows do not apply.
//! - Beam's Pub/Sub source (B-PS) holds its watermark at the oldest message that it has not passed on, and waits for ten
//!   messages before it believes one. Ours is Flink's bounded disorder (F-BO), which a single play moves.
//! - Flink counts idleness from the first quiet check (F-ID), we from the last play, as Beam does (B-PS 38); like Beam's,
//!   the watermark of a stream that never had a play stays where it began.
//!
//! What Beam's source promises of acks is shown where there is a broker, in emulator-tests: an ack deadline that passes and
//! one that is extended, an ack that is late, nacks and what is queued at the end (conformance, end_to_end), and that what
//! was not acknowledged comes back after a crash (faults).

use std::net::IpAddr;

use bytes::Bytes;
use listening_together_proto::v1;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::decode::{self, Address};
use crate::ledger::Ledger;
use crate::test_atlas::AtlasFixture;
use crate::user::{UserHash, UserKey};

/// A step of a script; times are milliseconds of event time.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A play of the track, by a user of its own.
    Play(&'static str, i64),
    /// A play of track k by this user.
    By(&'static str, i64),
    /// The watermark comes to stand here.
    Watermark(i64),
    /// The late panes are made.
    Late,
}
use Step::{By, Late, Play, Watermark};

/// The clock of the scripts: far after everything, so that only plays move the watermark.
const NOW: Timestamp = Timestamp::from_millis(1 << 50);

struct Script {
    windows: Windows<()>,
    ledger: Ledger,
    users: usize,
    spot: SpotRef,
    /// `track [start,end) #pane =listeners`
    panes: Vec<String>,
    late: Vec<i64>,
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn rules(length: u64, lateness: u64) -> WindowRules {
    WindowRules {
        length: millis(length),
        max_disorder: Duration::ZERO,
        allowed_lateness: millis(lateness),
        idle_timeout: millis(1000),
    }
}

fn message(track: &str, user: &str, time: Timestamp) -> Vec<u8> {
    let wire = v1::Play {
        user_id: user.into(),
        track_id: track.into(),
        ip_address: Bytes::from_static(&[198, 18, 0, 1]),
        played_at: Some(prost_types::Timestamp::from(time)),
    };
    wire.encode_to_vec()
}

impl Script {
    fn new(rules: WindowRules) -> Self {
        let atlas = AtlasFixture::new().open_city_only();
        let spot = atlas.locate(Address::from("198.18.0.1".parse::<IpAddr>().unwrap())).unwrap();
        Self {
            windows: Windows::new(rules, Timestamp::MIN),
            ledger: Ledger::default(),
            users: 0,
            spot,
            panes: vec![],
            late: vec![],
        }
    }

    fn run(mut self, steps: &[Step]) -> Self {
        for step in steps {
            match *step {
                Play(track, time) => {
                    self.users += 1;
                    self.play(track, &format!("user {}", self.users), time);
                }
                By(user, time) => self.play("k", user, time),
                Watermark(watermark) => {
                    self.windows.observe(Timestamp::from_millis(watermark + 1), NOW);
                    assert_eq!(self.windows.watermark().as_millis(), watermark);
                    self.fire();
                }
                Late => {
                    let panes = &mut self.panes;
                    self.windows.fire_late(|pane| panes.push(text(&pane)));
                }
            }
        }
        self
    }

    fn play(&mut self, track: &str, user: &str, time: i64) {
        let time = Timestamp::from_millis(time);
        if self.windows.is_late(self.windows.window_of(time)) {
            self.late.push(time.as_millis());
            return;
        }
        let data = message(track, user, time);
        let play = decode::decode(&data, NOW, Duration::ZERO).unwrap_or_else(|_| panic!("{track} is a play"));
        let user = UserHash::in_process(0).of(play.user);
        let located = LocatedPlay { user, played_at: time, tie_break: play.address.into(), spot: self.spot };
        let held = self.ledger.receive(());
        self.windows.insert(play.track, &located, held);
    }

    fn fire(&mut self) {
        let panes = &mut self.panes;
        self.windows.fire(|pane| panes.push(text(&pane)));
    }
}

fn text(pane: &Pane<'_, ()>) -> String {
    let (start, end) = (pane.window.start.as_millis(), pane.window.end.as_millis());
    format!("{} [{start},{end}) #{} ={}", pane.track, pane.number, pane.listeners.len())
}

#[test]
fn panes_and_late_plays() {
    let cases: [(&str, WindowRules, &[Step], &[&str], &[i64]); 11] = [
        (
            "B-FW 2: half-open windows, no empty ones between",
            rules(10, 0),
            &[Play("k", 9), Play("k", 10), Play("k", 100), Watermark(109)],
            &["k [0,10) #0 =1", "k [10,20) #0 =1", "k [100,110) #0 =1"],
            &[],
        ),
        (
            "6: windows before the epoch are floored",
            rules(2000, 0),
            &[Play("k", -1), Play("k", -2000), Play("k", -2001), Watermark(0)],
            &["k [-4000,-2000) #0 =1", "k [-2000,0) #0 =2"],
            &[],
        ),
        (
            "F-WO 13: fires when the watermark reaches end - 1; behind the watermark in an open window is not late",
            rules(2000, 0),
            &[
                Play("k", 1000),
                Watermark(1985),
                Play("k", 1980),
                Watermark(1999),
                Play("k", 1998),
                Play("k", 2001),
                Watermark(2999),
                Watermark(3999),
            ],
            &["k [0,2000) #0 =2", "k [2000,4000) #0 =1"],
            &[1998],
        ),
        (
            "F-WO 14 and 15: a late pane accumulates; late at end - 1 + lateness <= watermark",
            rules(2000, 500),
            &[
                Play("k", 500),
                Watermark(1500),
                Play("k", 1300),
                Watermark(2300),
                Play("k", 1997),
                Late,
                Watermark(6000),
                Play("k", 1998),
                Watermark(7000),
                Late,
            ],
            &["k [0,2000) #0 =2", "k [0,2000) #1 =3"],
            &[1998],
        ),
        (
            "the last watermark at which a play still enters, and the first at which it does not",
            rules(2000, 500),
            &[Watermark(2498), Play("k", 1998), Watermark(2499), Play("k", 1999), Late],
            &["k [0,2000) #1 =1"],
            &[1999],
        ),
        (
            "F-TW 1: a play exactly at the end belongs to the next window",
            rules(5000, 0),
            &[Play("k", 0), Play("k", 4999), Play("k", 5000), Watermark(4999), Watermark(9999)],
            &["k [0,5000) #0 =2", "k [5000,10000) #0 =1"],
            &[],
        ),
        (
            "B-LD 19: drops by window, not by watermark",
            rules(10, 0),
            &[Watermark(15), Play("k", 13), Play("k", 5), Play("k", 16), Play("k", 18), Watermark(19)],
            &["k [10,20) #0 =3"],
            &[5],
        ),
        (
            "B-RF 20: a late pane is pane 1, the on-time one pane 0",
            rules(10, 100),
            &[Watermark(0), Play("k", 1), Watermark(10), Play("k", 3), Late],
            &["k [0,10) #0 =1", "k [0,10) #1 =2"],
            &[],
        ),
        (
            "B-RF 24: a watermark past end and lateness at once makes one pane",
            rules(100, 1),
            &[Play("k", 2), Play("k", 5), Watermark(1000), Late],
            &["k [0,100) #0 =2"],
            &[],
        ),
        (
            "tracks fire in the order in which they came; only those with late plays make a late pane",
            rules(10, 100),
            &[Play("b", 1), Play("a", 2), Watermark(20), Play("b", 3), Late, Late],
            &["b [0,10) #0 =1", "a [0,10) #0 =1", "b [0,10) #1 =2"],
            &[],
        ),
        (
            "B-RF 22: late plays that wait for their pane are not lost when their window expires",
            rules(10, 100),
            &[Play("k", 1), Watermark(20), Play("k", 2), Watermark(1000), Late],
            &["k [0,10) #0 =1", "k [0,10) #1 =2"],
            &[],
        ),
    ];
    for (name, rules, steps, panes, late) in cases {
        let script = Script::new(rules).run(steps);
        assert_eq!(script.panes, panes, "{name}");
        assert_eq!(script.late, late, "{name}");
    }
}

#[test]
fn the_last_window_of_time_is_not_wrapped_round() {
    let mut script = Script::new(rules(1000, 2000));
    let end = Timestamp::from_millis(i64::MAX);
    let window = script.windows.window_of(end - millis(1750));
    assert!(!script.windows.is_late(window));
    script.windows.observe(end - millis(1500), end);
    assert!(!script.windows.is_late(window), "F-WO 17: the sum saturates");
}

#[test]
fn a_user_counts_once_at_the_earliest_play() {
    let mut script = Script::new(rules(1000, 1000));
    for time in [700, 300, 500] {
        script.play("k", "ana", time);
    }
    script.play("k", "bo", 100);
    script.windows.observe(Timestamp::from_millis(1500), NOW);
    let mut seen = vec![];
    script.windows.fire(|pane| {
        seen = pane.listeners.iter().map(|one| one.played_at(pane.window.start).as_millis()).collect();
        assert_eq!(pane.pending.len(), 4, "every delivery waits, also of a user who counts once");
    });
    seen.sort_unstable();
    assert_eq!(seen, [100, 300]);
}

#[test]
fn a_redelivered_play_makes_a_pane_with_the_same_listeners() {
    let script = Script::new(rules(1000, 5000)).run(&[By("ana", 10), Watermark(1000), By("ana", 10), Late]);
    assert_eq!(script.panes, ["k [0,1000) #0 =1", "k [0,1000) #1 =1"]);
}

/// What a watermark is after plays, each `(played_at, now)`.
fn watermark_after(disorder: u64, plays: &[(i64, i64)]) -> i64 {
    let mut windows =
        Windows::<()>::new(WindowRules { max_disorder: millis(disorder), ..rules(1000, 0) }, Timestamp::MIN);
    for (played_at, now) in plays {
        windows.observe(Timestamp::from_millis(*played_at), Timestamp::from_millis(*now));
    }
    windows.watermark().as_millis()
}

#[test]
fn watermarks() {
    let late_clock = 1 << 50;
    let cases: [(&str, &[(i64, i64)], i64); 5] = [
        ("F-BO 26: before any play", &[], i64::MIN),
        ("F-BO 27: newest play - disorder - 1", &[(1337, late_clock)], 1326),
        (
            "F-BO 28: older plays never lower it",
            &[(12345, late_clock), (12300, late_clock), (12340, late_clock), (12280, late_clock)],
            12334,
        ),
        ("a play dated in the future does not run ahead of the clock", &[(9000, 5000)], 4989),
        ("but moves on with the clock", &[(9000, 5000), (4000, 6000)], 5989),
    ];
    for (name, plays, expected) in cases {
        assert_eq!(watermark_after(10, plays), expected, "{name}");
    }
}

#[test]
fn an_idle_stream_follows_the_clock() {
    let mut windows = Windows::<()>::new(rules(1000, 0), Timestamp::MIN);
    let at = Timestamp::from_millis;
    windows.advance(at(100_000));
    assert_eq!(windows.watermark(), Timestamp::MIN, "B-PS 38: nothing was ever received");
    windows.observe(at(4000), at(5000));
    for (now, expected, name) in [
        (5999, 3999, "not idle yet"),
        (6000, 5999, "F-ID 35: idle from the time-out on"),
        (7000, 6999, "and for as long as it lasts"),
    ] {
        windows.advance(at(now));
        assert_eq!(windows.watermark().as_millis(), expected, "{name}");
    }
    windows.observe(at(6500), at(7100));
    windows.advance(at(7200));
    assert_eq!(windows.watermark().as_millis(), 6999, "F-MX 32: it never goes back");
}

/// The clock was 20 s fast at the start, and one reporter's is still 5 s fast when it has been set right.
#[test]
fn a_clock_that_is_set_right_leaves_no_window_behind() {
    let mut script = Script::new(rules(1000, 2000));
    let at = Timestamp::from_millis;
    script.windows =
        Windows::new(WindowRules { max_disorder: millis(3000), ..rules(1000, 2000) }, at(110_000));
    script.windows.observe(at(105_500), at(120_000));
    script.play("k", "hasty", 105_500);
    assert_eq!(script.late, [105_500], "of before what could be shown, by that clock");
    script.play("k", "hasty", 108_500);
    script.fire();
    for time in [101_000, 103_000, 104_000, 107_000] {
        script.windows.observe(at(time), at(time));
        script.play("k", "ana", time);
    }
    script.windows.advance(at(120_000));
    script.fire();
    let panes = &mut script.panes;
    script.windows.fire_late(|pane| panes.push(text(&pane)));
    script.windows.advance(at(130_000));
    script.fire();
    assert_eq!(script.windows.kept(), None, "every window fires and is forgotten");
    let in_panes = script.panes.len() + script.late.len();
    assert_eq!(in_panes, 6, "{:?} {:?}", script.panes, script.late);
}

#[test]
fn the_deadline_is_when_the_open_window_can_fire() {
    let mut script = Script::new(rules(1000, 0));
    let at = Timestamp::from_millis;
    assert_eq!(script.windows.next_deadline(at(0)), None);
    script.windows.observe(at(500), at(600));
    script.play("k", "ana", 500);
    assert_eq!(script.windows.next_deadline(at(600)), Some(at(1600)), "idle from then on");
    script.windows.observe(at(1700), at(900));
    assert_eq!(script.windows.next_deadline(at(900)), Some(at(1000)), "the clock catches up with the play");
    script.windows.advance(at(1000));
    script.fire();
    assert_eq!(script.panes, ["k [0,1000) #0 =1"]);
    assert_eq!(script.windows.next_deadline(at(1000)), None);
}

#[test]
fn windows_are_forgotten_when_lateness_has_passed() {
    let script = Script::new(rules(10, 100)).run(&[Play("k", 1), Watermark(108)]);
    assert_eq!(script.windows.windows.len(), 1);
    let script = script.run(&[Watermark(109)]);
    assert_eq!(script.windows.windows.len(), 0);
}

/// Who listened to what, in the newest pane of each group.
type Panes = std::collections::BTreeMap<(String, i64), Vec<(UserKey, i64)>>;

/// The newest panes after `plays`, each `(track, user, time)`, all of them within `disorder` of their neighbours.
fn newest_panes(plays: &[(u8, u8, i64)], disorder: u64) -> Panes {
    let mut script = Script::new(WindowRules { max_disorder: millis(disorder), ..rules(100, 10_000) });
    let mut panes = Panes::new();
    let mut note = |pane: Pane<'_, ()>| {
        let listeners = pane
            .listeners
            .iter()
            .map(|one| (one.user, one.played_at(pane.window.start).as_millis()))
            .collect();
        panes.insert((pane.track.to_string(), pane.window.start.as_millis()), listeners);
    };
    for (track, user, time) in plays {
        script.windows.observe(Timestamp::from_millis(*time), NOW);
        script.play(&format!("track {track}"), &format!("user {user}"), *time);
        script.windows.fire(&mut note);
    }
    script.windows.observe(Timestamp::from_millis(1_000_000), NOW);
    script.windows.fire(&mut note);
    script.windows.fire_late(&mut note);
    assert_eq!(script.late, [0; 0]);
    panes
}

proptest! {
    /// Any order, with any repeats: the same listeners in the end.
    #[test]
    fn order_and_repeats_change_nothing(
        plays in prop::collection::vec((0u8..3, 0u8..6, 0i64..400), 1..60)
            .prop_flat_map(|plays| (Just(plays.clone()), Just(plays).prop_shuffle())),
        disorder in 0u64..500,
    ) {
        let (in_one_order, in_another) = plays;
        let repeated: Vec<_> = in_another.iter().chain(&in_one_order).copied().collect();
        prop_assert_eq!(newest_panes(&in_one_order, disorder), newest_panes(&repeated, disorder));
    }
}
