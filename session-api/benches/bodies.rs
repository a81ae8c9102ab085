//! Making the bodies of a slot: eight languages in four codings, which has to take less than 20 ms of CPU.
//!
//! `cargo bench -p session-api`. The slots are as full as the pipeline makes them at its defaults: five sessions each,
//! with three places, as is usual, or eight, the most. The levels in `coding.rs` were chosen by `coded`.

use divan::{Bencher, black_box};
use listening_together_proto::{Language, Programme, Slot, Timestamp, v1};
use session_api::coding::{Coding, Levels};
use session_api::render;
use session_api::snapshot::Snapshot;

const SLOT_MS: i64 = 5000;
const NOW: Timestamp = Timestamp::from_millis(20 * SLOT_MS);
const PLACES: [u64; 2] = [3, 8];

fn main() {
    divan::main();
}

/// All that is done for a slot.
#[divan::bench(args = PLACES)]
fn bodies_of_a_slot(bencher: Bencher<'_, '_>, places: u64) {
    let programme = programme(places);
    bencher.bench_local(|| Snapshot::render(black_box(&programme), NOW));
}

/// The JSON of one language.
#[divan::bench(args = PLACES)]
fn rendered(bencher: Bencher<'_, '_>, places: u64) {
    let programme = programme(places);
    bencher.bench_local(|| render::latest(black_box(&programme), NOW, Language::Ja));
}

/// One language in one coding.
#[divan::bench(args = [Coding::Brotli, Coding::Zstd, Coding::Gzip])]
fn coded(bencher: Bencher<'_, '_>, coding: Coding) {
    let body = render::latest(&programme(3), NOW, Language::Ja).expect("slot 20 is current");
    bencher.bench_local(|| coding.encode(black_box(&body), Levels::QUICK));
}

/// Slots 11 to 21, of which 20 is current.
fn programme(places: u64) -> Programme {
    let mut programme = Programme::default();
    for number in 11..=21 {
        programme.insert(Slot::try_from(&slot(number, places)).expect("a valid slot"), NOW);
    }
    programme
}

fn slot(number: u64, places: u64) -> v1::Slot {
    let start = i64::try_from(number).expect("a small number") * SLOT_MS;
    let sessions = (0..5).map(|index| session(number * 5 + index, start, places)).collect();
    v1::Slot { number, starts_at: time_at(start), ends_at: time_at(start + SLOT_MS), sessions }
}

fn time_at(millis: i64) -> Option<prost_types::Timestamp> {
    Some(Timestamp::from_millis(millis).into())
}

fn session(seed: u64, slot_start: i64, places: u64) -> v1::Session {
    let id = [0_u64, 1].map(|half| format!("{:016x}", scatter(seed * 2 + half))).concat();
    v1::Session {
        session_id: id,
        track: Some(v1::Track {
            track_id: format!("{:x}", scatter(seed)),
            title: text(seed, 4, ' '),
            artists: vec![text(seed + 1, 3, ' ')],
            artwork_url: format!("https://i.example.org/image/{:016x}{:016x}", scatter(seed), scatter(!seed)),
        }),
        window_start: time_at(slot_start - 4000),
        window_end: time_at(slot_start - 3000),
        listener_count: u32::try_from(2 + seed % 40).expect("small"),
        places: (0..places).map(|index| place(seed * 8 + index)).collect(),
        distance_km: 100.0 + (scatter(seed) % 200_000) as f64 / 10.0,
        pane: 0,
    }
}

fn place(seed: u64) -> v1::Place {
    let names = |salt: u64| {
        Language::ALL
            .map(|language| (language.tag().to_owned(), text(seed * 16 + language as u64 + salt, 2, ' ')))
    };
    v1::Place {
        geoname_id: u32::try_from(scatter(seed) % 9_000_000).expect("small"),
        city_names: names(1000).into(),
        country_code: "DE".into(),
        country_names: names(2000).into(),
        latitude: (scatter(seed) % 1_800_000) as f64 / 10_000.0 - 90.0,
        longitude: (scatter(!seed) % 3_600_000) as f64 / 10_000.0 - 180.0,
        accuracy_radius_km: 20,
        listener_count: u32::try_from(1 + seed % 9).expect("small"),
        time_zone: format!("Europe/{}", text(seed, 2, '_')),
    }
}

/// Syllables that look like a language, no two texts alike.
fn text(seed: u64, words: u64, between: char) -> String {
    const SYLLABLES: [&str; 16] = [
        "ka", "lo", "mi", "ren", "são", "tor", "ville", "burg", "ша", "нов", "東", "京", "grad", "pol", "ey",
        "u",
    ];
    let word = |index: u64| {
        let bits = scatter(seed.wrapping_mul(31) + index);
        (0..3)
            .map(|part| SYLLABLES[usize::try_from(bits >> (part * 4) & 15).expect("four bits")])
            .collect::<String>()
    };
    (0..words).map(word).collect::<Vec<_>>().join(&between.to_string())
}

/// SplitMix64: numbers that look random and are the same in every run.
fn scatter(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
