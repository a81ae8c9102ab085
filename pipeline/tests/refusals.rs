//! The binary refuses what it cannot work with: one line that names the setting and what is accepted, exit code 2.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends at what it does not expect; helpers of tests are not recognised as such"
)]

use std::net::TcpListener;
use std::process::{Command, Output};

use clap::CommandFactory as _;
use ipnet::IpNet;
use mmdb_writer::{Value, Writer};
use pipeline::config::Config;
use tempfile::TempDir;

/// A key that is none, for it is too short.
const SECRET: &str = "0123456789abcdef";

/// A directory with a city database that is fine and one that is not.
struct Databases(TempDir);

impl Databases {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let good = database("GeoLite2-City");
        std::fs::write(directory.path().join("city.mmdb"), &good).unwrap();
        std::fs::write(directory.path().join("broken.mmdb"), &good[..good.len() / 2]).unwrap();
        std::fs::write(directory.path().join("asn.mmdb"), database("GeoLite2-ASN")).unwrap();
        std::fs::write(directory.path().join("tracks.csv"), b"id,\xff\n").unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

fn database(kind: &str) -> Vec<u8> {
    let mut writer = Writer::builder(kind).languages(["en"]).description(&[("en", "test")]).build();
    let network: IpNet = "198.18.0.0/24".parse().unwrap();
    let city = Value::map([("geoname_id", Value::from(1u32))]);
    writer.insert_value(network, Value::map([("city", city)])).unwrap();
    writer.to_bytes().unwrap()
}

/// Runs the pipeline with these variables and no others.
fn run(settings: &[(&str, &str)], flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pipeline"))
        .env_clear()
        .envs(settings.iter().copied())
        .args(flags)
        .output()
        .unwrap()
}

#[test]
fn wrong_settings_are_refused_in_one_line() {
    let databases = Databases::new();
    let city = databases.path("city.mmdb");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let good = |more: &[(&'static str, &str)]| {
        let mut all = vec![
            ("GOOGLE_CLOUD_PROJECT", "demo".to_owned()),
            ("PUBSUB_EMULATOR_HOST", "127.0.0.1:1".to_owned()),
            ("ADMIN_ADDR", "127.0.0.1:0".to_owned()),
            ("GEOIP_CITY_DB", city.clone()),
        ];
        all.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        all
    };
    let (missing, broken) = (databases.path("none.mmdb"), databases.path("broken.mmdb"));
    let (asn, tracks) = (databases.path("asn.mmdb"), databases.path("tracks.csv"));
    let cases = [
        ("no settings", vec![], vec![], "GOOGLE_CLOUD_PROJECT"),
        ("an unknown flag", good(&[]), vec!["--windo=1s"], "'--windo'"),
        ("a bad duration", good(&[("WINDOW", "soon")]), vec![], "<WINDOW>': expected a duration"),
        ("a zero window", good(&[("WINDOW", "0s")]), vec![], "<WINDOW>': expected a duration above zero"),
        ("a zero slot", good(&[("SLOT", "0s")]), vec![], "<SLOT>': expected a duration above zero"),
        ("a flag wins", good(&[("WINDOW", "1s")]), vec!["--window=x"], "invalid value 'x' for '--window"),
        (
            "a rate above 1",
            good(&[("SAMPLE_RATE", "1.5")]),
            vec![],
            "<SAMPLE_RATE>': expected a number from 0 to 1",
        ),
        ("one listener", good(&[("MIN_LISTENERS", "1")]), vec![], "<MIN_LISTENERS>': 1 is not in 2.."),
        (
            "a negative distance",
            good(&[("MIN_DISTANCE_KM", "-1")]),
            vec![],
            "<MIN_DISTANCE_KM>': expected a number",
        ),
        ("one place", good(&[("MAX_PLACES", "1")]), vec![], "<MAX_PLACES>': 1 is not in 2..=64"),
        (
            "sessions never young",
            good(&[("MAX_SESSION_AGE", "0s")]),
            vec![],
            "MAX_SESSION_AGE: expected at least",
        ),
        ("a long lead", good(&[("LEAD", "11min")]), vec![], "LEAD: expected at most 265000ms"),
        (
            "a bad topic",
            good(&[("SESSIONS_TOPIC", "a/b")]),
            vec![],
            "<SESSIONS_TOPIC>': expected a topic's id",
        ),
        ("a bad log format", good(&[("LOG_FORMAT", "xml")]), vec![], "[possible values: text, json]"),
        ("a bad log filter", good(&[("RUST_LOG", "a=b=c")]), vec![], "RUST_LOG: expected a level"),
        (
            "no emulator port",
            good(&[("PUBSUB_EMULATOR_HOST", "localhost")]),
            vec![],
            "PUBSUB_EMULATOR_HOST: expected host:port",
        ),
        ("no city database", good(&[("GEOIP_CITY_DB", "")]), vec![], "<GEOIP_CITY_DB>"),
        ("a missing database", good(&[("GEOIP_CITY_DB", &missing)]), vec![], "GEOIP_CITY_DB: cannot use"),
        ("a corrupt database", good(&[("GEOIP_CITY_DB", &broken)]), vec![], "GEOIP_CITY_DB: cannot use"),
        (
            "another database",
            good(&[("GEOIP_CITY_DB", &asn)]),
            vec![],
            "expected cities, such as GeoLite2-City",
        ),
        (
            "no anonymous database",
            good(&[("GEOIP_ANONYMOUS_IP_DB", &missing)]),
            vec![],
            "GEOIP_ANONYMOUS_IP_DB: cannot use",
        ),
        (
            "cities as anonymous",
            good(&[("GEOIP_ANONYMOUS_IP_DB", &city)]),
            vec![],
            "expected anonymous addresses",
        ),
        ("a bad catalogue", good(&[("TRACK_CATALOG", &tracks)]), vec![], "TRACK_CATALOG: cannot read"),
        ("an unknown stage", good(&[]), vec!["window"], "[possible values: all, locate, curate]"),
        ("two stages", good(&[]), vec!["locate", "curate"], "unexpected argument 'curate'"),
        ("no key to locate", good(&[]), vec!["locate"], "USER_HASH_KEY: required to locate; expected 64 hex"),
        ("a bad key", good(&[("USER_HASH_KEY", SECRET)]), vec!["locate"], "USER_HASH_KEY: expected 64 hex"),
        (
            "located plays among rejected ones",
            good(&[("LOCATED_PLAYS_TOPIC", "plays-rejected")]),
            vec!["locate"],
            "LOCATED_PLAYS_TOPIC: expected another topic",
        ),
        (
            "located plays among rejected ones, by the full name",
            good(&[
                ("GOOGLE_CLOUD_PROJECT", "demo"),
                ("LOCATED_PLAYS_TOPIC", "located-plays"),
                ("DEAD_LETTER_TOPIC", "projects/demo/topics/located-plays"),
            ]),
            vec!["locate"],
            "LOCATED_PLAYS_TOPIC: expected another topic",
        ),
        (
            "no plays a message",
            good(&[("LOCATED_BATCH_PLAYS", "0")]),
            vec![],
            "<LOCATED_BATCH_PLAYS>': 0 is not in 1..=10000",
        ),
        ("a taken port", good(&[("ADMIN_ADDR", &taken)]), vec![], "ADMIN_ADDR: cannot listen on"),
        ("no address", good(&[("ADMIN_ADDR", "9090")]), vec![], "<ADMIN_ADDR>': expected ip:port"),
    ];
    for (name, settings, flags, expected) in cases {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let output = run(&settings, &flags);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        // Warnings may come before the refusal, which is the last line.
        let refusal = text.lines().last().unwrap_or_default();
        assert!(refusal.starts_with("error: ") && refusal.contains(expected), "{name}: {text}");
        assert!(!text.contains(SECRET), "{name}: a secret is told");
    }
}

#[test]
fn help_names_every_setting_and_its_default() {
    let output = run(&[], &["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for argument in Config::command().get_arguments() {
        let name = argument.get_id().as_str().to_uppercase();
        let named = if argument.is_positional() { format!("[{name}]") } else { format!("<{name}>") };
        assert!(help.contains(&named), "{name} in {help}");
        let defaults = argument.get_default_values();
        for default in defaults.iter().filter_map(|value| value.to_str()) {
            assert!(help.contains(&format!("[default: {default}]")), "{name}: {default} in {help}");
        }
    }
}

#[test]
fn it_lives_and_is_not_ready_while_pubsub_is_unreachable() {
    let databases = Databases::new();
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = databases.0.path().join("log");
    let mut pipeline = Command::new(env!("CARGO_BIN_EXE_pipeline"))
        .env_clear()
        .env("GOOGLE_CLOUD_PROJECT", "demo")
        .env("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
        .env("ADMIN_ADDR", admin.to_string())
        .env("GEOIP_CITY_DB", databases.path("city.mmdb"))
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let told =
        wait_for(|| std::fs::read_to_string(&log).is_ok_and(|text| text.contains("waiting for Pub/Sub")));
    let alive = pipeline.try_wait().unwrap().is_none();
    let ready = answer(admin, "/readyz?verbose");
    let live = answer(admin, "/livez");
    pipeline.kill().unwrap();
    pipeline.wait().unwrap();
    assert!(told && alive, "{}", std::fs::read_to_string(&log).unwrap());
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("plays-pipeline"), "{ready}");
}

fn wait_for(condition: impl Fn() -> bool) -> bool {
    let start = std::time::Instant::now();
    while !condition() {
        if start.elapsed() > std::time::Duration::from_secs(60) {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    true
}

/// The answer to a GET, as it comes over the wire.
fn answer(address: std::net::SocketAddr, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
