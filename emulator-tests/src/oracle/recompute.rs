//! From the plays that were delivered to the sessions they make.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use listening_together_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::catalog::{self, Catalog};
use super::places::{self, Database};
use super::{Rules, Ties, time};

/// The farthest pair of a session is looked for among so many places, those with most listeners.
const PLACES_COMPARED: usize = 64;

/// Computes sessions from plays, by the rules and nothing else.
pub struct Oracle {
    rules: Rules,
    city: Database,
    anonymous_ip: Option<Database>,
    catalog: Catalog,
}

/// What became of a set of deliveries: each is either behind a session or has a reason not to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The sessions by `session_id`, all of them on-time (pane 0).
    pub sessions: BTreeMap<String, v1::Session>,
    /// How many deliveries are behind each session, duplicates and plays that do not count included; by `session_id`.
    pub deliveries: BTreeMap<String, u64>,
    /// How many deliveries are behind no session, by reason: `malformed`, `future`, `unsampled`, `anonymous`,
    /// `unlocated`, `single_listener`, `single_place`. A reason that did not occur is absent.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Outcome {
    /// How many deliveries are behind some session.
    pub fn in_sessions(&self) -> u64 {
        self.deliveries.values().sum()
    }

    /// How many deliveries are not behind a session for `reason`.
    pub fn count(&self, reason: &str) -> u64 {
        self.counts.get(reason).copied().unwrap_or(0)
    }
}

/// Why a delivery is behind no session.
type Reason = &'static str;

/// A play that may count. It names a person: no `Debug`.
struct LocatedPlay {
    track_id: String,
    window_start_ms: i64,
    user_id: String,
    played_at_ms: i64,
    ip: Vec<u8>,
    place: v1::Place,
}

impl Oracle {
    /// Reads the databases and the catalogue.
    ///
    /// # Errors
    ///
    /// When one of the files cannot be read; the error names it.
    pub fn new(
        city_db: &Path,
        anonymous_ip_db: Option<&Path>,
        track_catalog: Option<&Path>,
        rules: Rules,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            rules,
            city: Database::open(city_db)?,
            anonymous_ip: anonymous_ip_db.map(Database::open).transpose()?,
            catalog: track_catalog.map(catalog::read).transpose()?.unwrap_or_default(),
        })
    }

    /// What `deliveries` make: the data of every message that was delivered, duplicates included, in any order.
    ///
    /// All are taken to arrive at `received_at_ms` (which only tells the plays of the future), and none too late.
    pub fn sessions<B: AsRef<[u8]>>(&self, deliveries: &[B], received_at_ms: i64) -> Outcome {
        let mut outcome = Outcome::default();
        let mut groups: BTreeMap<(i64, String), Vec<LocatedPlay>> = BTreeMap::new();
        for delivery in deliveries {
            match self.locate(delivery.as_ref(), received_at_ms) {
                Ok(play) => {
                    groups.entry((play.window_start_ms, play.track_id.clone())).or_default().push(play)
                }
                Err(reason) => *outcome.counts.entry(reason).or_default() += 1,
            }
        }
        for ((window_start_ms, track_id), plays) in groups {
            match self.session(&track_id, window_start_ms, &plays) {
                Ok(session) => {
                    outcome.deliveries.insert(session.session_id.clone(), plays.len() as u64);
                    outcome.sessions.insert(session.session_id.clone(), session);
                }
                Err(reason) => *outcome.counts.entry(reason).or_default() += plays.len() as u64,
            }
        }
        outcome
    }

    /// Rules 1 to 4: reject, find the window, sample, drop.
    fn locate(&self, delivery: &[u8], received_at_ms: i64) -> Result<LocatedPlay, Reason> {
        let (play, played_at_ms, ip) = decode(delivery).ok_or("malformed")?;
        if played_at_ms > received_at_ms + self.rules.max_future_skew_ms {
            return Err("future");
        }
        let window_start_ms = played_at_ms.div_euclid(self.rules.window_ms) * self.rules.window_ms;
        if !is_sampled(&play.track_id, window_start_ms, self.rules.sample_rate) {
            return Err("unsampled");
        }
        if self.anonymous_ip.as_ref().is_some_and(|database| places::is_anonymous(database, ip)) {
            return Err("anonymous");
        }
        let place = places::place(&self.city, ip, self.rules.max_accuracy_radius_km).ok_or("unlocated")?;
        let ip = ip_bytes(ip);
        Ok(LocatedPlay {
            track_id: play.track_id,
            window_start_ms,
            user_id: play.user_id,
            played_at_ms,
            ip,
            place,
        })
    }

    /// Rules 5 to 7, for all plays of one track in one window.
    fn session(
        &self,
        track_id: &str,
        window_start_ms: i64,
        plays: &[LocatedPlay],
    ) -> Result<v1::Session, Reason> {
        let listeners = one_play_per_listener(plays, self.rules.ties);
        if listeners.len() < self.rules.min_listeners {
            return Err("single_listener");
        }
        let by_listeners = places_by_listeners(&listeners);
        let (a, b) = farthest_pair(&by_listeners).ok_or("single_place")?;
        let distance_km = places::distance_km(&a, &b);
        if distance_km < self.rules.min_distance_km {
            return Err("single_place");
        }
        let pair = [a.geoname_id, b.geoname_id];
        let others = by_listeners.into_iter().filter(|place| !pair.contains(&place.geoname_id));
        Ok(v1::Session {
            session_id: session_id(track_id, window_start_ms),
            track: Some(catalog::track(&self.catalog, track_id)),
            window_start: Some(time::from_ms(window_start_ms)),
            window_end: Some(time::from_ms(window_start_ms + self.rules.window_ms)),
            listener_count: listeners.len() as u32,
            places: [a, b].into_iter().chain(others).take(self.rules.max_places).collect(),
            distance_km,
            pane: 0,
        })
    }
}

/// A play with its time and its address, unless it is malformed.
fn decode(delivery: &[u8]) -> Option<(v1::Play, i64, IpAddr)> {
    let play = v1::Play::decode(delivery).ok()?;
    let played_at = play.played_at.filter(time::is_valid)?;
    let ip = canonical_ip(&play.ip_address)?;
    let has_id_size = |id: &str| (1..=128).contains(&id.len());
    (has_id_size(&play.user_id) && has_id_size(&play.track_id)).then(|| (play, time::to_ms(&played_at), ip))
}

fn canonical_ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()),
        _ => None,
    }
}

fn ip_bytes(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// Rule 3: `h < sample_rate * 2^64`. In 128 bits, since 2^64 itself has to fit.
pub(super) fn is_sampled(track_id: &str, window_start_ms: i64, sample_rate: f64) -> bool {
    let hash = xxh3_64(&[track_id.as_bytes(), &[0], &window_start_ms.to_le_bytes()].concat());
    let bound = sample_rate * 2f64.powi(64);
    u128::from(hash) < bound.ceil() as u128
}

/// Rule 5: of each user the earliest play, of equally early ones that with the smallest address, or place.
fn one_play_per_listener(plays: &[LocatedPlay], ties: Ties) -> Vec<&LocatedPlay> {
    let mut plays: Vec<&LocatedPlay> = plays.iter().collect();
    plays.sort_by(|a, b| {
        let tie = match ties {
            Ties::ByAddress => a.ip.cmp(&b.ip),
            Ties::ByPlace => by_place(&a.place, &b.place),
        };
        a.user_id.cmp(&b.user_id).then(a.played_at_ms.cmp(&b.played_at_ms)).then(tie)
    });
    plays.dedup_by_key(|play| &play.user_id);
    plays
}

fn by_place(a: &v1::Place, b: &v1::Place) -> Ordering {
    a.geoname_id
        .cmp(&b.geoname_id)
        .then(a.accuracy_radius_km.cmp(&b.accuracy_radius_km))
        .then(a.latitude.total_cmp(&b.latitude))
        .then(a.longitude.total_cmp(&b.longitude))
}

/// The cities of the listeners, most listeners first, then by geoname_id.
fn places_by_listeners(listeners: &[&LocatedPlay]) -> Vec<v1::Place> {
    let mut records: BTreeMap<u32, Vec<&v1::Place>> = BTreeMap::new();
    for listener in listeners {
        records.entry(listener.place.geoname_id).or_default().push(&listener.place);
    }
    let mut places: Vec<v1::Place> = records.values().map(|records| city(records)).collect();
    places.sort_by_key(|place| (Reverse(place.listener_count), place.geoname_id));
    places
}

/// The most accurate of the records of a city stands for it; each record is that of one listener.
fn city(records: &[&v1::Place]) -> v1::Place {
    let mut records = records.to_vec();
    records.sort_by(|a, b| {
        a.accuracy_radius_km
            .cmp(&b.accuracy_radius_km)
            .then(a.latitude.total_cmp(&b.latitude))
            .then(a.longitude.total_cmp(&b.longitude))
    });
    v1::Place { listener_count: records.len() as u32, ..records[0].clone() }
}

/// The two places farthest apart, the smaller geoname_id first; of equally far pairs the one with the smaller ids.
fn farthest_pair(by_listeners: &[v1::Place]) -> Option<(v1::Place, v1::Place)> {
    let mut places: Vec<&v1::Place> = by_listeners.iter().take(PLACES_COMPARED).collect();
    places.sort_by_key(|place| place.geoname_id);
    let mut farthest = None;
    let mut farthest_km = -1.0;
    for (i, &a) in places.iter().enumerate() {
        for &b in &places[i + 1..] {
            let km = places::distance_km(a, b);
            if km > farthest_km {
                farthest_km = km;
                farthest = Some((a.clone(), b.clone()));
            }
        }
    }
    farthest
}

/// Rule 7.
pub(super) fn session_id(track_id: &str, window_start_ms: i64) -> String {
    let digest = Sha256::digest(format!("{track_id}\0{window_start_ms}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
