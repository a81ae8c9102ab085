//! The numbers in the rules.

/// Which of the plays of one user, of one track and millisecond, counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// That with the smallest address: where one process knows addresses and listeners.
    ByAddress,
    /// That at the smallest place, by geoname_id, accuracy radius, latitude and longitude: where plays are located in one
    /// stage and counted in another, which knows no addresses.
    ByPlace,
}

/// The settings that decide what becomes a session and what a slot may hold; [`Rules::default`] has the defaults of
/// the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Length of a window, ms.
    pub window_ms: i64,
    /// How far ahead of its arrival a play may claim to be, ms.
    pub max_future_skew_ms: i64,
    /// Share of the tracks that are kept, anew in each window; 0.0 to 1.0.
    pub sample_rate: f64,
    /// Fewest listeners of a session.
    pub min_listeners: usize,
    /// Smallest distance between the two farthest places of a session, km.
    pub min_distance_km: f64,
    /// Greatest accuracy radius of a city record that is believed, km.
    pub max_accuracy_radius_km: u32,
    /// Most places that a session lists; at least 2.
    pub max_places: usize,
    /// Length of a slot, ms.
    pub slot_ms: i64,
    /// How long before its start a slot is decided, ms.
    pub lead_ms: i64,
    /// Greatest age of a session when its slot is decided, ms.
    pub max_session_age_ms: i64,
    /// Most sessions in a slot; 0 is no limit.
    pub sessions_per_slot: usize,
    /// Which of a user's plays of one millisecond counts.
    pub ties: Ties,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            window_ms: 1_000,
            max_future_skew_ms: 5_000,
            sample_rate: 1.0,
            min_listeners: 2,
            min_distance_km: 100.0,
            max_accuracy_radius_km: 200,
            max_places: 8,
            slot_ms: 5_000,
            lead_ms: 2_000,
            max_session_age_ms: 10_000,
            sessions_per_slot: 5,
            ties: Ties::ByAddress,
        }
    }
}
