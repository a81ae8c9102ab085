//! Slots for tests.

use listening_together_proto::{Programme, Slot, Timestamp, v1};
use prost::Message as _;

/// The instant at which slot `number` of five seconds starts, and some milliseconds more.
pub(crate) fn at(number: i64, millis: i64) -> Timestamp {
    Timestamp::from_millis(number * 5000 + millis)
}

/// A slot of five seconds as the pipeline announces it; `id` is its only session's.
pub(crate) fn slot(number: u64, id: u128) -> Slot {
    Slot::try_from(&wire_slot(number, id, at(i64::try_from(number).unwrap(), 0))).unwrap()
}

/// A slot of five seconds that starts whenever it is told to.
pub(crate) fn slot_from(starts_at: Timestamp, number: u64) -> Slot {
    Slot::try_from(&wire_slot(number, 7, starts_at)).unwrap()
}

/// A programme of these slots.
pub(crate) fn programme(slots: impl IntoIterator<Item = Slot>, now: Timestamp) -> Programme {
    let mut programme = Programme::default();
    for slot in slots {
        programme.insert(slot, now);
    }
    programme
}

/// The data of a message that announces these slots.
pub(crate) fn update(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let slots = numbers.into_iter().map(|number| v1::Slot::from(&slot(number, 7))).collect();
    v1::SessionsUpdate { slots }.encode_to_vec()
}

fn wire_slot(number: u64, id: u128, start: Timestamp) -> v1::Slot {
    let time = |millis: i64| Some(Timestamp::from_millis(start.as_millis() + millis).into());
    let session = v1::Session {
        session_id: format!("{id:032x}"),
        track: Some(v1::Track {
            track_id: format!("track-{id}"),
            title: "Harbour Lights".into(),
            artists: vec!["The Tides".into(), "Ana".into()],
            artwork_url: "https://example.org/a.png".into(),
        }),
        window_start: time(-4000),
        window_end: time(-3000),
        listener_count: 12,
        places: vec![
            v1::Place {
                geoname_id: 2_950_159,
                city_names: names(&[("en", "Berlin"), ("ja", "ベルリン"), ("pt-BR", "Berlim")]),
                country_code: "DE".into(),
                country_names: names(&[("en", "Germany"), ("ja", "ドイツ"), ("pt-BR", "Alemanha")]),
                latitude: 52.5,
                longitude: 13.4,
                accuracy_radius_km: 20,
                listener_count: 7,
                time_zone: "Europe/Berlin".into(),
            },
            v1::Place {
                geoname_id: 3_448_439,
                city_names: names(&[("en", "São Paulo"), ("ja", "サンパウロ")]),
                country_code: "BR".into(),
                country_names: names(&[("en", "Brazil"), ("ja", "ブラジル")]),
                latitude: -23.5475,
                longitude: -46.6361,
                accuracy_radius_km: 20,
                listener_count: 5,
                time_zone: "America/Sao_Paulo".into(),
            },
        ],
        distance_km: 10_236.43,
        pane: 0,
    };
    v1::Slot { number, starts_at: time(0), ends_at: time(5000), sessions: vec![session] }
}

fn names(names: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    names.iter().map(|(language, name)| ((*language).into(), (*name).into())).collect()
}
