//! Stories of updates.

use listening_together_proto::{Timestamp, v1};
use prost::Message as _;

use super::Seed;
use crate::clock;
use crate::updates::{Announced, Step, write};

const fn announced(first: i8, count: u8, shift: u8, id: u8) -> Step<'static> {
    Step::Announced(Announced { first, count, shift, id })
}

/// The length of a slot.
const SLOT: Step<'_> = Step::Clock(5000);

/// All of them.
#[must_use]
pub fn updates() -> Vec<Seed> {
    let render = [Step::Begin, Step::Finish, Step::Begin, Step::Finish];
    let minute = (0..12).map(|id| [&[announced(-9, 11, 0, id)][..], &render, &[SLOT]].concat());
    let overtaken = [
        &[announced(0, 2, 0, 7), Step::Begin, announced(0, 2, 0, 6)][..],
        &[Step::Finish, Step::Begin, SLOT, announced(0, 2, 0, 5)],
        &[Step::Finish, Step::Begin, Step::Finish, SLOT, Step::Finish],
    ]
    .concat();
    let flood = [
        &[announced(-20, 60, 0, 1), announced(-5, 70, 0, 0), announced(40, 70, 0, 2)][..],
        &[SLOT, announced(-1, 9, 0, 1)],
    ]
    .concat();
    // The current slot comes last, when the programme is full, and lets the oldest be forgotten.
    let full = vec![announced(-10, 10, 0, 1), announced(1, 54, 0, 1), announced(0, 55, 0, 1)];
    let stories: [(&'static str, Vec<Step<'_>>); 10] = [
        ("nothing", vec![SLOT]),
        ("one_slot", vec![announced(0, 1, 0, 1)]),
        ("announced_ahead", vec![announced(1, 1, 0, 1), Step::Begin, Step::Finish, SLOT, SLOT]),
        ("programme", minute.flatten().collect()),
        ("rendering_overtaken", overtaken),
        ("disagreement", vec![announced(0, 2, 0, 7), announced(0, 2, 0, 3), announced(0, 3, 0, 5), SLOT]),
        ("flood", flood),
        ("full", full),
        (
            "slots_that_overlap",
            vec![announced(-3, 6, 0, 1), announced(-3, 6, 100, 2), SLOT, announced(-1, 4, 3, 0)],
        ),
        (
            "clock_set_back",
            vec![announced(-5, 7, 0, 1), Step::Clock(-3_600_000), announced(-5, 7, 0, 1), SLOT],
        ),
    ];
    let mut seeds: Vec<Seed> = stories.map(|(name, steps)| (name, write(&steps))).into();
    seeds.push(("every_field", messages(&[update(|_| ())])));
    seeds.push(("impossible_fields", messages(&impossible_updates())));
    seeds.push(("odd_texts", messages(&odd_texts())));
    seeds.push(("far_away_times", messages(&far_away_times())));
    seeds.push(("not_updates", messages(&[b"\xff\xff".to_vec(), b"{}".to_vec(), Vec::new(), vec![0x0a, 0]])));
    seeds
}

fn messages(messages: &[Vec<u8>]) -> Vec<u8> {
    let steps = messages.iter().flat_map(|message| [Step::Message(message), Step::Begin, Step::Finish, SLOT]);
    write(&steps.collect::<Vec<_>>())
}

/// An update of one slot with every field set, and then changed.
fn update(change: impl FnOnce(&mut v1::Slot)) -> Vec<u8> {
    let time = |after: i64| Some(clock::moved(clock::START, after).into());
    let names = |names: &[(&str, &str)]| {
        names.iter().map(|(language, name)| ((*language).to_owned(), (*name).to_owned())).collect()
    };
    let berlin = v1::Place {
        geoname_id: 2_950_159,
        city_names: names(&[("en", "Berlin"), ("ja", "ベルリン"), ("pt-BR", "Berlim"), ("tlh", "?")]),
        country_code: "DE".into(),
        country_names: names(&[("en", "Germany"), ("ru", "Германия")]),
        latitude: 52.5,
        longitude: 13.4,
        accuracy_radius_km: 20,
        listener_count: 7,
        time_zone: "Europe/Berlin".into(),
    };
    let sao_paulo = v1::Place { latitude: -23.5, longitude: -46.6, ..v1::Place::default() };
    let session = v1::Session {
        session_id: "00ff17a0b1c2d3e4f5061728394a5b6c".into(),
        track: Some(v1::Track {
            track_id: "track".into(),
            title: "Harbour Lights".into(),
            artists: vec!["The Tides".into(), "Ana".into()],
            artwork_url: "https://example.org/a.png".into(),
        }),
        window_start: time(-4000),
        window_end: time(-3000),
        listener_count: 12,
        places: vec![berlin, sao_paulo],
        distance_km: 10_236.43,
        pane: 1,
    };
    let mut slot =
        v1::Slot { number: 340_000_000, starts_at: time(0), ends_at: time(5000), sessions: vec![session] };
    change(&mut slot);
    v1::SessionsUpdate { slots: vec![slot] }.encode_to_vec()
}

fn impossible_updates() -> Vec<Vec<u8>> {
    vec![
        update(|slot| slot.starts_at = None),
        update(|slot| slot.ends_at = slot.starts_at),
        update(|slot| slot.sessions.clear()),
        update(|slot| slot.sessions[0].session_id.push('0')),
        update(|slot| slot.sessions[0].track = None),
        update(|slot| slot.sessions[0].window_end = None),
        update(|slot| slot.sessions[0].places.truncate(1)),
        update(|slot| slot.sessions[0].distance_km = f64::NAN),
        update(|slot| slot.sessions[0].places[1].longitude = f64::INFINITY),
    ]
}

fn odd_texts() -> Vec<Vec<u8>> {
    let titled = |title: &'static str| {
        update(move |slot| {
            let session = &mut slot.sessions[0];
            session.places[0].time_zone = title.into();
            session.track =
                Some(v1::Track { track_id: title.into(), title: title.into(), ..Default::default() });
        })
    };
    ["\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}", "\u{2028}\u{feff}\u{202e}𝕊é́", "</script>&<!--"].map(titled).into()
}

fn far_away_times() -> Vec<Vec<u8>> {
    let at = |seconds: i64, nanos: i32| {
        let time = move |after: i64| Some(prost_types::Timestamp { seconds: seconds + after, nanos });
        update(move |slot| {
            (slot.starts_at, slot.ends_at) = (time(0), time(1));
            let session = &mut slot.sessions[0];
            (session.window_start, session.window_end) = (time(0), time(1));
        })
    };
    let soon = Timestamp::as_millis(clock::START) / 1000 + 600;
    vec![
        at(-62_135_596_800, 0),
        at(-1, 999_999_999),
        at(0, 0),
        at(soon, 0),
        at(soon, 1_000_000),
        at(253_402_300_798, 0),
    ]
}
