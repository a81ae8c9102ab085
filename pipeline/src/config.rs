//! The settings of the pipeline.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use listening_together_proto::Kilometres;
use listening_together_proto::programme::{MAX_AHEAD, MAX_SLOTS, RECENT_SLOTS};
use service_runtime::pubsub::full_name;
use service_runtime::settings::{
    CommonSettings, Secret, SettingError, duration, number_between, positive_duration, socket_address,
    subscription_name, topic_name,
};

use crate::curate::CurateRules;
use crate::engine::Rules;
use crate::locate::{DatabaseSettings, KnownBy};
use crate::matching::MatchRules;
use crate::sample::Sampler;
use crate::user::{InvalidUserHashKey, UserHash, UserHashKey};
use crate::window::WindowRules;

/// What a process does of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// Everything, in one process.
    All,
    /// The first of two stages, in any number of processes: receive, decode, sample, locate, and publish what is left to
    /// LOCATED_PLAYS_TOPIC.
    Locate,
    /// The second of two stages, in one process: receive from LOCATED_PLAYS_SUBSCRIPTION, window, match, curate, publish.
    Curate,
}

/// Turns a stream of plays into sessions: who pressed play on one song in the same second, in cities far apart.
///
/// Both stages may be given all settings: what a stage has no use for is left alone. WINDOW must be the same in
/// both, SAMPLE_RATE and USER_HASH_KEY in all processes that locate.
///
/// `pipeline explain`, with the same arguments, prints the settings in effect and says what the pipeline would do with them.
#[derive(Clone, Debug, Parser)]
#[command(name = "pipeline", version)]
pub struct Config {
    /// What this process does.
    #[arg(value_enum, default_value = "all")]
    pub stage: Stage,

    /// What both services are told.
    #[command(flatten)]
    pub common: CommonSettings,

    /// The subscription that plays are received from.
    #[arg(long, default_value = "plays-pipeline", value_parser = subscription_name)]
    pub plays_subscription: String,

    /// The topic that sessions are published to.
    #[arg(long, default_value = "sessions", value_parser = topic_name)]
    pub sessions_topic: String,

    /// The topic that messages go to which are no plays, with the attribute `reason`.
    #[arg(long, default_value = "plays-rejected", value_parser = topic_name)]
    pub dead_letter_topic: String,

    /// Two stages: the topic that located plays are published to, many in a message.
    #[arg(long, default_value = "located-plays", value_parser = topic_name)]
    pub located_plays_topic: String,

    /// Two stages: the subscription that located plays are received from.
    #[arg(long, default_value = "located-plays-curate", value_parser = subscription_name)]
    pub located_plays_subscription: String,

    /// Two stages, required to locate: the key that users are told apart by, of 64 hexadecimal digits (openssl rand -hex 32),
    /// the same in all processes that locate. Better given as a variable than as a flag, which other users of a machine see.
    #[arg(long)]
    pub user_hash_key: Option<Secret>,

    /// Two stages: at most so many located plays a message, 1 to 10000.
    #[arg(long, default_value = "500", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub located_batch_plays: u16,

    /// Two stages: how long a located play waits for others to share its message. MAX_DISORDER has to cover it.
    #[arg(long, default_value = "20ms", value_parser = duration)]
    pub located_batch_wait: Duration,

    /// A MaxMind DB file of cities, such as GeoLite2-City.mmdb. To curate it is asked for the names of cities alone.
    #[arg(long)]
    pub geoip_city_db: PathBuf,

    /// A MaxMind DB file of anonymous addresses, such as GeoIP2-Anonymous-IP.mmdb. Unset: no address is dropped as
    /// anonymous.
    #[arg(long)]
    pub geoip_anonymous_ip_db: Option<PathBuf>,

    /// How often the databases' files are looked at for a new edition.
    #[arg(long, default_value = "30s", value_parser = positive_duration)]
    pub geoip_reload_interval: Duration,

    /// A CSV file of track_id,title,artists joined by ;,artwork_url. Unset: tracks are shown by their id.
    #[arg(long)]
    pub track_catalog: Option<PathBuf>,

    /// How long a window of event time is: plays of one track in it count as the same moment.
    #[arg(long, default_value = "1s", value_parser = positive_duration)]
    pub window: Duration,

    /// How much older than the newest play one may come and still be on time.
    #[arg(long, default_value = "500ms", value_parser = duration)]
    pub max_disorder: Duration,

    /// For how long after it fired a window takes plays in.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub allowed_lateness: Duration,

    /// After how long without a play event time follows the clock.
    #[arg(long, default_value = "1s", value_parser = positive_duration)]
    pub idle_timeout: Duration,

    /// How far ahead of the clock a play may be dated before it is rejected.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub max_future_skew: Duration,

    /// Which share of the tracks is kept, drawn anew for each window: 0 to 1.
    #[arg(long, default_value = "1.0", value_parser = |text: &str| number_between(text, 0.0, 1.0))]
    pub sample_rate: f64,

    /// A session has at least so many listeners, 2 or more.
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u32).range(2..))]
    pub min_listeners: u32,

    /// A session has two places at least so many kilometres apart: 0 to 20038.
    #[arg(long, default_value = "100", value_parser = kilometres)]
    pub min_distance_km: Kilometres,

    /// A city record less accurate than so many kilometres locates nobody.
    #[arg(long, default_value = "200")]
    pub max_accuracy_radius_km: u32,

    /// A session names at most so many places, 2 to 64.
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u16).range(2..=64))]
    pub max_places: u16,

    /// How long a slot of the programme is.
    #[arg(long, default_value = "5s", value_parser = positive_duration)]
    pub slot: Duration,

    /// How long before its start a slot is decided and announced.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub lead: Duration,

    /// A session whose window ended longer before the decision is given up.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub max_session_age: Duration,

    /// At most so many sessions a slot; 0 is no limit.
    #[arg(long, default_value = "5")]
    pub sessions_per_slot: u32,

    /// Where /livez, /readyz and /metrics are answered.
    #[arg(long, default_value = "0.0.0.0:9090", value_parser = socket_address)]
    pub admin_addr: SocketAddr,

    /// How many streams plays, or located plays, are pulled through, 1 to 256.
    #[arg(long, default_value = "4", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub streams: u16,

    /// How many messages may be held unacknowledged: at least the rate of plays times the seconds for which they wait for
    /// window and slot. More stay in Pub/Sub. To curate, where a message is of many plays, MAX_OUTSTANDING_BYTES is the
    /// limit that counts.
    #[arg(long, default_value = "500000", value_parser = clap::value_parser!(u32).range(1000..))]
    pub max_outstanding_messages: u32,

    /// How many bytes of unacknowledged messages may be held.
    #[arg(long, default_value = "268435456", value_parser = clap::value_parser!(u64).range(20_000_000..))]
    pub max_outstanding_bytes: u64,
}

fn kilometres(text: &str) -> Result<Kilometres, String> {
    let km = number_between(text, 0.0, 20_038.0)?;
    Kilometres::new(km).ok_or_else(|| "expected kilometres".to_owned())
}

impl Config {
    /// Where the databases are.
    #[must_use]
    pub fn databases(&self) -> DatabaseSettings {
        DatabaseSettings {
            city: self.geoip_city_db.clone(),
            // Who hides is dropped where plays are located.
            anonymous_ip: self.geoip_anonymous_ip_db.clone().filter(|_| self.stage != Stage::Curate),
            max_accuracy_radius_km: self.max_accuracy_radius_km,
            known_by: match self.stage {
                Stage::All | Stage::Locate => KnownBy::Address,
                Stage::Curate => KnownBy::Record,
            },
        }
    }

    /// What users are told apart by in what is published to the located-plays topic.
    ///
    /// # Errors
    /// When there is no key, or it is none. The text does not repeat it.
    pub fn user_hash(&self) -> Result<UserHash, SettingError> {
        let refused = |problem: &dyn std::fmt::Display| SettingError::new("USER_HASH_KEY", problem);
        let key = self.user_hash_key.as_ref();
        let key = key.ok_or_else(|| refused(&format_args!("required to locate; {InvalidUserHashKey}")))?;
        let key = UserHashKey::parse(key.expose()).map_err(|error| refused(&error))?;
        Ok(UserHash::keyed(&key))
    }

    /// How far ahead slots can be announced without crowding one another out of a programme.
    fn longest_lead(&self) -> Duration {
        let slots_ahead = MAX_SLOTS - RECENT_SLOTS - 2;
        (self.slot * u32::try_from(slots_ahead).unwrap_or(u32::MAX)).min(MAX_AHEAD)
    }

    /// The rules of the stages.
    ///
    /// # Errors
    /// When settings contradict one another.
    pub fn rules(&self) -> Result<Rules, SettingError> {
        if self.max_session_age < self.max_disorder {
            let least = self.max_disorder.as_millis();
            let problem =
                format_args!("expected at least MAX_DISORDER ({least}ms), or no session is young enough");
            return Err(SettingError::new("MAX_SESSION_AGE", problem));
        }
        let full = |name: &String| full_name(&self.common.google_cloud_project, "topics", name);
        let [sessions, dead_letters, located] =
            [&self.sessions_topic, &self.dead_letter_topic, &self.located_plays_topic].map(full);
        if dead_letters == sessions {
            // Rejected messages carry addresses and user ids, and every replica reads the sessions topic.
            let problem = "expected another topic than SESSIONS_TOPIC";
            return Err(SettingError::new("DEAD_LETTER_TOPIC", problem));
        }
        if self.lead > self.longest_lead() {
            let most = self.longest_lead().as_millis();
            let problem =
                format_args!("expected at most {most}ms with this SLOT, or replicas keep too few slots");
            return Err(SettingError::new("LEAD", problem));
        }
        if self.stage != Stage::All && [sessions, dead_letters].contains(&located) {
            let problem = "expected another topic than SESSIONS_TOPIC and DEAD_LETTER_TOPIC";
            return Err(SettingError::new("LOCATED_PLAYS_TOPIC", problem));
        }
        Ok(Rules {
            max_future_skew: self.max_future_skew,
            sampler: Sampler::new(self.sample_rate),
            window: WindowRules {
                length: self.window,
                max_disorder: self.max_disorder,
                allowed_lateness: self.allowed_lateness,
                idle_timeout: self.idle_timeout,
            },
            matching: MatchRules {
                min_listeners: self.min_listeners,
                min_distance: self.min_distance_km,
                max_places: self.max_places.into(),
            },
            curate: CurateRules {
                slot: self.slot,
                lead: self.lead,
                max_session_age: self.max_session_age,
                sessions_per_slot: (self.sessions_per_slot > 0).then_some(self.sessions_per_slot as usize),
            },
        })
    }
}
