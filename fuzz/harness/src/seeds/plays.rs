//! Stories of plays.

use emulator_tests::known_plays::known_plays;
use listening_together_proto::v1;
use prost::Message as _;

use super::Seed;
use crate::clock;
use crate::plays::{ADDRESSES, PlayFields, Step, write};
use crate::updates::Announced;

/// Addresses, by their index: three cities far apart, and one with other records of the first.
const BERLIN: u8 = 0;
const BERLIN_TOO: u8 = 1;
const SAO_PAULO: u8 = 3;
const AUCKLAND: u8 = 4;

const fn play(user: u8, track: u8, address: u8, age_ms: i16) -> Step<'static> {
    Step::Play(PlayFields { user, track, address, age_ms })
}

/// Two seconds, enough for a window to fire and for some slots to be decided.
const WHILE: Step<'_> = Step::Tick(200);

/// All of them.
#[must_use]
pub fn plays() -> Vec<Seed> {
    let mut seeds = told();
    seeds.push(("known_messages", known_messages()));
    seeds.push(("odd_encodings", odd_encodings()));
    seeds.push(("programme_read_back", programme_read_back()));
    seeds.push(("many_sessions", many_sessions(0)));
    seeds.push(("one_session_a_slot", many_sessions(0b01 << 12)));
    seeds.push(("other_settings", many_sessions(0b01_00_01_10_01_10_10_10)));
    seeds.push(("sampled", many_sessions(0b01 << 10)));
    seeds
}

/// Stories of well-formed plays under default settings.
fn told() -> Vec<Seed> {
    let pair = [play(1, 1, BERLIN, 100), play(2, 1, SAO_PAULO, 50)];
    let everywhere: Vec<_> = (0..).zip(ADDRESSES).map(|(index, _)| play(index, 2, index, 300)).collect();
    let stories: [(&'static str, Vec<Step<'_>>); 10] =
        [
            ("session", [&pair[..], &[WHILE, WHILE, WHILE, Step::Confirm(0)]].concat()),
            ("alone", vec![play(1, 1, BERLIN, 0), WHILE]),
            ("one_place", vec![play(1, 1, BERLIN, 0), play(2, 1, BERLIN_TOO, 0), play(3, 1, 5, 0), WHILE]),
            ("every_address", [&everywhere[..], &[WHILE, WHILE, WHILE]].concat()),
            (
                "delivered_twice",
                [&pair[..], &[Step::Again(0), Step::Again(1), WHILE, Step::Again(0), WHILE]].concat(),
            ),
            (
                "late_panes",
                [
                    &pair[..],
                    &[
                        WHILE,
                        play(3, 1, AUCKLAND, 2050),
                        play(4, 9, BERLIN, 2050),
                        WHILE,
                        Step::Confirm(0),
                        WHILE,
                    ],
                    &[
                        play(1, 2, BERLIN, 0),
                        play(2, 2, SAO_PAULO, 0),
                        play(5, 1, BERLIN_TOO, 6050),
                        WHILE,
                        WHILE,
                    ],
                    &[Step::Confirm(0), Step::Clock(20_000), play(6, 1, SAO_PAULO, 32_000), WHILE],
                ]
                .concat(),
            ),
            (
                // Its window is the newest of the slot's, and it is not featured.
                "late_pane_of_the_newest_window",
                [
                    &[
                        WHILE,
                        Step::Tick(110),
                        play(1, 1, BERLIN, 0),
                        play(2, 1, SAO_PAULO, 0),
                        Step::Tick(100),
                    ][..],
                    &[play(1, 2, BERLIN, 0), Step::Tick(240), play(2, 2, SAO_PAULO, 2400), Step::Tick(160)],
                ]
                .concat(),
            ),
            (
                "clock_set_back",
                [
                    &pair[..],
                    &[WHILE, Step::Clock(-3_600_000)],
                    &pair,
                    &[WHILE, Step::Clock(7_200_000)],
                    &pair,
                    &[WHILE],
                ]
                .concat(),
            ),
            (
                "new_databases",
                [
                    &pair[..],
                    &[Step::NewDatabases],
                    &pair,
                    &[play(3, 1, AUCKLAND, 0), WHILE, Step::NewDatabases],
                    &pair,
                ]
                .concat(),
            ),
            (
                "fast_clock",
                vec![play(1, 1, BERLIN, -4900), play(2, 1, SAO_PAULO, -5100), WHILE, WHILE, WHILE],
            ),
        ];
    stories.map(|(name, steps)| (name, write(0, b"", &steps))).into()
}

/// What the end-to-end tests publish.
fn known_messages() -> Vec<u8> {
    let messages = known_plays(60, clock::START.as_millis(), 1);
    let messages = messages.iter().map(|message| Step::Message(message));
    let steps: Vec<_> = messages.chain([WHILE, WHILE, Step::Confirm(0), WHILE]).collect();
    write(0, b"", &steps)
}

/// One play in encodings that protobuf allows, and that it does not.
fn odd_encodings() -> Vec<u8> {
    let play = v1::Play {
        user_id: "user-1".into(),
        track_id: "track-1".into(),
        ip_address: vec![198, 18, 0, 1].into(),
        played_at: Some(clock::START.into()),
    };
    let usual = play.encode_to_vec();
    let with = |more: &[u8]| [&usual, more].concat();
    let messages = [
        ("empty", Vec::new()),
        ("fields twice", [&usual[..], &usual].concat()),
        ("only the user again", with(b"\x0a\x01x")),
        ("part of the time again", with(b"\x22\x02\x10\x01")),
        ("an empty time again", with(b"\x22\x00")),
        ("an absurd time", with(b"\x22\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
        ("unknown fields", with(b"\x28\x01\x31abcdefgh\x3a\x01x\x45abcd")),
        ("a group", with(b"\x2b\x30\x01\x2c")),
        ("a group that does not end", with(b"\x2b\x30\x01")),
        ("the end of another group", with(b"\x2c")),
        ("no UTF-8, overridden", [b"\x0a\x01\xff", &usual[..]].concat()),
        ("a number as the user, which could be a length", with(b"\x08\x01x")),
        ("a length in many bytes", with(b"\x0a\x81\x80\x00y")),
        ("a length beyond the end", with(b"\x12\x7f")),
        ("a length of ten bytes and more", with(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")),
        ("field 0", with(b"\x02\x00")),
        ("wire type 7", with(b"\x0f")),
    ];
    let steps: Vec<_> = messages.iter().map(|(_, message)| Step::Message(message)).collect();
    write(0, b"", &steps)
}

/// Slots that a pipeline before this one has announced, some of them not begun.
fn programme_read_back() -> Vec<u8> {
    let announced = Announced { first: -4, count: 7, shift: 0, id: 9 }.message(clock::START);
    let pair = [play(1, 1, BERLIN, 100), play(2, 1, AUCKLAND, 50)];
    let wait = [WHILE; 4];
    write(0, &announced, &[&pair[..], &wait, &pair, &wait, &pair, &wait, &[Step::Confirm(1)]].concat())
}

/// More sessions than a slot takes, over some slots.
fn many_sessions(settings: u16) -> Vec<u8> {
    let mut steps = Vec::new();
    for second in 0..8 {
        for track in 0..7 {
            let cities = [BERLIN, SAO_PAULO, AUCKLAND, BERLIN_TOO];
            let city = |index: u8| cities[usize::from((index + track + second) % 4)];
            steps.extend(
                (0..3).map(|user| play(user * 10 + second, track, city(user), i16::from(user) * 200)),
            );
        }
        steps.extend([Step::Tick(100), Step::Confirm(second)]);
    }
    write(settings, b"", &steps)
}
