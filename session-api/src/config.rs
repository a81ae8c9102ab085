//! The settings of session-api.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use service_runtime::settings::{CommonSettings, duration, positive_duration, socket_address, topic_name};

use crate::clock::ClockOffset;

/// Keeps the latest sessions in memory and answers GET /api/latest.
///
/// `session-api explain`, with the same arguments, prints the settings in effect and says what the service would do with
/// them.
#[derive(Clone, Debug, Parser)]
#[command(name = "session-api", version)]
pub struct Config {
    /// What every service is told.
    #[command(flatten)]
    pub common: CommonSettings,

    /// The topic that the pipeline publishes sessions to: its id, or its full name.
    #[arg(long, default_value = "sessions", value_parser = topic_name)]
    pub sessions_topic: String,

    /// The region or cluster of this replica. It is part of the name of its subscription, in which characters other
    /// than letters, digits, - . and _ become -.
    #[arg(long, default_value = "local")]
    pub region: String,

    /// What tells this replica from the others of its region; part of its subscription's name like the region.
    #[arg(long, default_value_t = host_name(), hide_default_value = true)]
    #[arg(
        help = "What tells this replica from the others of its region; part of its subscription's name like the \
                  region [default: the host name]"
    )]
    pub replica_id: String,

    /// ip:port that the API (and the site, if there is one) is served on.
    #[arg(long, default_value = "0.0.0.0:8080", value_parser = socket_address)]
    pub bind_addr: SocketAddr,

    /// ip:port that /livez, /readyz and /metrics are served on.
    #[arg(long, default_value = "0.0.0.0:9090", value_parser = socket_address)]
    pub admin_addr: SocketAddr,

    /// A directory of static files to serve beside the API; they are read once, at start. Unset: none are served.
    #[arg(long, value_parser = directory)]
    pub site_dir: Option<PathBuf>,

    /// Without an update for so long, the replica calls itself stale in its log, metrics and /readyz?verbose.
    #[arg(long, default_value = "30s", value_parser = positive_duration)]
    pub stale_after: Duration,

    /// How many connections may be open at a time; others wait until one is closed. One takes about 16 KiB, and a file
    /// of the process's limit of open files.
    #[arg(long, default_value = "16000")]
    pub max_connections: NonZeroUsize,

    /// How many streams of events (/api/stream) may be open at a time; others are refused. One takes about 16 KiB.
    #[arg(long, default_value = "10000")]
    pub max_streams: usize,

    /// A stream of events is ended when it has lasted for so long or up to a fifth less: clients connect again by
    /// themselves, and so find replicas that were added.
    #[arg(long, default_value = "1h", value_parser = positive_duration)]
    pub max_stream_age: Duration,

    /// How long a replica that was told to stop (SIGTERM) goes on serving. It says at once that it is not ready, and
    /// closes each connection with its next answer, until whoever sends requests sends them elsewhere. The process may
    /// take up to 7s more to end.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub shutdown_delay: Duration,

    /// For tests only, and therefore not in the help: this replica's clock is ahead of the machine's by so much
    /// (`20ms`), or behind it (`-20ms`), in all that it decides and tells.
    #[arg(long, hide = true, allow_hyphen_values = true, default_value = "0ms")]
    pub clock_offset: ClockOffset,
}

fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

fn directory(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    path.is_dir().then(|| path.to_owned()).ok_or_else(|| "expected a directory that exists".to_owned())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use service_runtime::settings::{Invocation, read};

    use super::*;

    fn config(environment: &[(&str, &str)]) -> Result<Config, String> {
        let lookup = |name: &str| {
            let all = [("GOOGLE_CLOUD_PROJECT", "demo")].iter().chain(environment);
            all.rev().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        };
        match read([OsString::from("session-api")], lookup) {
            Ok(Invocation::Run(config)) => Ok(config),
            Ok(Invocation::Print(text)) => Err(text),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn defaults() {
        let config = config(&[]).unwrap();
        assert_eq!(config.sessions_topic, "sessions");
        assert_eq!(config.region, "local");
        assert_eq!(config.replica_id, host_name());
        assert_eq!(config.bind_addr, "0.0.0.0:8080".parse().unwrap());
        assert_eq!(config.admin_addr, "0.0.0.0:9090".parse().unwrap());
        assert_eq!(config.site_dir, None);
        assert_eq!(config.stale_after, Duration::from_secs(30));
        assert_eq!(config.max_connections.get(), 16_000);
        assert_eq!((config.max_streams, config.max_stream_age), (10_000, Duration::from_secs(3600)));
        assert_eq!(config.shutdown_delay, Duration::from_secs(2));
        assert_eq!(config.clock_offset, ClockOffset::default());
    }

    #[test]
    fn a_wrong_value_names_the_setting_and_what_is_accepted() {
        let cases = [
            ("BIND_ADDR", "8080", "expected ip:port"),
            ("ADMIN_ADDR", "localhost:http", "expected ip:port"),
            ("SITE_DIR", "/nowhere/at/all", "expected a directory"),
            ("STALE_AFTER", "0s", "expected a duration above zero"),
            ("MAX_CONNECTIONS", "0", "invalid"),
            ("MAX_STREAMS", "-1", "invalid"),
            ("MAX_STREAM_AGE", "0s", "expected a duration above zero"),
            ("SHUTDOWN_DELAY", "soon", "expected a duration"),
            ("CLOCK_OFFSET", "20", "expected a duration"),
            ("SESSIONS_TOPIC", "2fast", "expected a topic's id"),
            ("SESSIONS_TOPIC", "a/b", "expected a topic's id"),
            ("SESSIONS_TOPIC", "google-sessions", "expected a topic's id"),
            ("SESSIONS_TOPIC", "projects//topics/sessions", "expected a topic's id"),
        ];
        for (name, value, expected) in cases {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(error.contains(&format!("<{name}>")) && error.contains(expected), "{name}: {error}");
            assert!(!error.contains('\n'), "{name}: {error}");
        }
    }

    #[test]
    fn a_clock_can_be_set_off_for_tests_which_the_help_does_not_tell_of() {
        let behind = ClockOffset::Behind(Duration::from_millis(20));
        assert_eq!(config(&[("CLOCK_OFFSET", "-20ms")]).unwrap().clock_offset, behind);
        let arguments = ["session-api", "--help"].map(OsString::from);
        let Ok(Invocation::Print(help)) = read::<Config>(arguments, |_| None) else { panic!("no help") };
        assert!(help.contains("STALE_AFTER") && !help.to_lowercase().contains("clock"), "{help}");
    }

    #[test]
    fn a_topic_may_be_given_by_its_full_name() {
        let name = "projects/other/topics/sessions";
        assert_eq!(config(&[("SESSIONS_TOPIC", name)]).unwrap().sessions_topic, name);
    }
}
