//! What the world is shown in five minutes of the demo's stream: many countries, and nothing twice in a short time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use emulator_tests::geo_fixtures::write_demo_databases;
use emulator_tests::listeners::{Addresses, Catalogue, PlaySource, PlaySpec};
use listening_together_proto::{Kilometres, Session, Timestamp};
use maxminddb::Reader;
use pipeline::config::Config;
use pipeline::engine::{Effect, Engine};
use pipeline::locate::{Atlas, DatabaseSettings, KnownBy};

/// Plays a second: a fifth of the demo's, the less to choose from.
const RATE: u64 = 1000;
/// The clock at the beginning, in milliseconds since the epoch.
const START_MS: u64 = 1_700_000_000_000;
const SLOTS: usize = 90;

/// The slots that a pipeline with default settings announces, by their featured sessions.
fn featured() -> anyhow::Result<Vec<Arc<Session>>> {
    let directory = tempfile::TempDir::new()?;
    let databases = write_demo_databases(directory.path())?;
    let city = Reader::open_readfile(&databases.city)?;
    let addresses = Arc::new(Addresses::index(&city, 200, None)?);
    let catalogue = Catalogue::invent(50_000, 1);
    let mut listeners = PlaySource::new(PlaySpec::default(), &catalogue, addresses, 1)?;

    let settings = DatabaseSettings {
        city: databases.city,
        anonymous_ip: Some(databases.anonymous_ip),
        max_accuracy_radius_km: 200,
        known_by: KnownBy::Address,
    };
    let atlas = Atlas::new(settings.open()?);
    let at = |millis: u64| Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    let rules = default_rules()?;
    let mut engine = Engine::<()>::new(rules, atlas, Default::default(), at(START_MS));
    let (mut slots, mut effects) = (Vec::new(), Vec::new());
    for number in 0.. {
        let now = START_MS + number * 1000 / RATE;
        engine.receive(listeners.next(now).bytes, (), at(now), &mut effects);
        if number % (RATE / 50) == 0 {
            engine.advance(at(now), &mut effects);
        }
        for effect in effects.drain(..) {
            if let Effect::Announce { slot, .. } = effect {
                slots.push(slot.sessions[0].clone());
            }
        }
        if slots.len() == SLOTS {
            break;
        }
    }
    Ok(slots)
}

fn default_rules() -> anyhow::Result<pipeline::engine::Rules> {
    use clap::Parser as _;
    let flags = ["pipeline", "--google-cloud-project", "demo", "--geoip-city-db", "unused"];
    Ok(Config::try_parse_from(flags)?.rules()?)
}

fn countries(session: &Session) -> [String; 2] {
    [0, 1].map(|index| session.places[index].country_code.to_string())
}

fn cities(session: &Session) -> [u32; 2] {
    let mut cities = [0, 1].map(|index| session.places[index].geoname_id);
    cities.sort_unstable();
    cities
}

/// The fewest slots from one appearance of a key to the next, if any comes twice.
fn shortest_rest<K: std::hash::Hash + Eq>(keys: impl IntoIterator<Item = K>) -> Option<usize> {
    let mut last = HashMap::new();
    let rests = keys.into_iter().enumerate().filter_map(|(slot, key)| Some(slot - last.insert(key, slot)?));
    rests.min()
}

#[test]
fn the_programme_is_diverse() -> anyhow::Result<()> {
    let featured = featured()?;
    let fewest_countries = featured
        .windows(60)
        .map(|slots| slots.iter().flat_map(|session| countries(session)).collect::<HashSet<_>>().len())
        .min();
    assert!(fewest_countries >= Some(25), "countries in 60 consecutive slots: {fewest_countries:?}");
    let track_rest = shortest_rest(featured.iter().map(|session| session.track.id.clone()));
    assert!(track_rest.is_none_or(|slots| slots >= 20), "a track again after {track_rest:?} slots");
    let city_rest = shortest_rest(featured.iter().map(|session| cities(session)));
    assert!(city_rest.is_none_or(|slots| slots >= 60), "a pair of cities again after {city_rest:?} slots");
    let near = featured
        .iter()
        .map(|session| session.distance)
        .min_by(|one, other| one.as_f64().total_cmp(&other.as_f64()));
    assert!(near >= Kilometres::new(5000.0), "even the nearest pair is far apart: {near:?}");
    Ok(())
}
