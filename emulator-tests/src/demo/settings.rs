//! The settings of the demo.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use service_runtime::settings::{number_between, positive_duration};

/// Runs the whole system on this machine: a Pub/Sub broker, the pipeline, three replicas of the API, and simulated
/// listeners.
#[derive(Clone, Debug, Parser)]
#[command(name = "demo")]
pub struct DemoSettings {
    /// Plays a second.
    #[arg(long, default_value = "5000", value_parser = |text: &str| number_between(text, 1.0, 1e6))]
    pub rate: f64,

    /// The broker: local (in this process) or emulator (Google's, which needs Java and the gcloud SDK).
    #[arg(long, value_enum, default_value = "local")]
    pub pubsub: BrokerChoice,

    /// A MaxMind DB file of cities of your own. Unset: a made-up one on reserved address ranges.
    #[arg(long)]
    pub geoip_city_db: Option<PathBuf>,

    /// A MaxMind DB file of anonymous addresses of your own.
    #[arg(long)]
    pub geoip_anonymous_ip_db: Option<PathBuf>,

    /// How many tracks the invented catalogue has.
    #[arg(long, default_value = "50000", value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub tracks: u32,

    /// How many different people listen.
    #[arg(long, default_value = "1000000", value_parser = clap::value_parser!(u32).range(1..))]
    pub users: u32,

    /// Which share of the tracks the pipeline keeps, drawn anew for each window.
    #[arg(long, default_value = "1.0", value_parser = |text: &str| number_between(text, 0.0, 1.0))]
    pub sample_rate: f64,

    /// End by itself after so long. Unset: go on until Ctrl-C.
    #[arg(long, value_parser = positive_duration)]
    pub duration: Option<Duration>,

    /// The port of the first replica; the other two take the ports after it.
    #[arg(long, default_value = "8080", value_parser = clap::value_parser!(u16).range(1..=65533))]
    pub port: u16,

    /// The directory of the built site, which all replicas serve. Unset: there is only the API.
    #[arg(long)]
    pub site_dir: Option<PathBuf>,

    /// Where databases, catalogue and logs are written.
    #[arg(long, default_value = "target/demo")]
    pub demo_dir: PathBuf,
}

/// Which broker the demo runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BrokerChoice {
    /// local-pubsub, in this process.
    Local,
    /// Google's emulator.
    Emulator,
}
