//! `pipeline explain` and `session-api explain`: they say what the services would do, by text and by exit code.

use std::path::Path;
use std::process::Output;

use emulator_tests::installation::Installation;
use emulator_tests::services::binary;
use emulator_tests::topology::SESSIONS;
use local_pubsub::LocalPubSub;
use tokio::process::Command;

/// Asks a service with these settings and no others.
async fn explain(
    service: &str,
    arguments: &[&str],
    settings: &[(&str, String)],
) -> anyhow::Result<(Option<i32>, String)> {
    let Output { status, stdout, stderr } = Command::new(binary(service)?)
        .arg("explain")
        .args(arguments)
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()
        .await?;
    assert_eq!(String::from_utf8(stderr)?, "", "an explanation is all that is said");
    Ok((status.code(), String::from_utf8(stdout)?))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_say_what_they_would_do() -> anyhow::Result<()> {
    let broker = LocalPubSub::new().bind("127.0.0.1:0").await?;
    let installation = Installation::create(&broker.local_addr().to_string()).await?;
    let (databases, topology) = (&installation.databases, &installation.topology);
    let key = "0123456789abcdef".repeat(4);
    let with = |more: &[(&'static str, String)]| {
        let mut all = topology.settings();
        all.push(("ADMIN_ADDR", "127.0.0.1:0".to_owned()));
        all.push(("BIND_ADDR", "127.0.0.1:0".to_owned()));
        all.push(("GEOIP_CITY_DB", text(&databases.city)));
        all.push(("GEOIP_ANONYMOUS_IP_DB", text(&databases.anonymous_ip)));
        all.extend_from_slice(more);
        all
    };
    let nobody = ("PUBSUB_EMULATOR_HOST", "127.0.0.1:1".to_owned());
    let no_topic = ("SESSIONS_TOPIC", "no-such-topic".to_owned());
    let long_lead = ("LEAD", "11min".to_owned());
    let no_database = ("GEOIP_CITY_DB", "/no/such/file.mmdb".to_owned());
    let zipkin = ("OTEL_TRACES_EXPORTER", "zipkin".to_owned());
    let missing = "no-such-topic does not exist";
    let cases = [
        (
            "pipeline",
            "",
            vec![],
            0,
            vec!["would start", "default      WINDOW", "GEOIP_CITY_DB: ", "can be used", "can be read back"],
        ),
        (
            "pipeline",
            "",
            vec![("TRACK_CATALOG", text(&installation.catalogue))],
            0,
            vec!["attention", "40 of 200 tracks are not shown quite as written"],
        ),
        ("pipeline", "--window=2s", vec![], 0, vec!["flag         WINDOW"]),
        ("pipeline", "", vec![no_topic.clone()], 1, vec!["waits", missing, "would wait for Pub/Sub"]),
        ("pipeline", "", vec![nobody.clone()], 1, vec!["cannot look"]),
        ("pipeline", "", vec![long_lead, no_topic.clone()], 2, vec!["refuses", "LEAD: expected at most"]),
        ("pipeline", "", vec![no_database], 2, vec!["GEOIP_CITY_DB: cannot use"]),
        (
            "pipeline",
            "",
            vec![zipkin],
            2,
            vec!["OTEL_TRACES_EXPORTER: expected otlp or none", "environment  OTEL_TRACES_EXPORTER"],
        ),
        (
            "session-api",
            "",
            vec![("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization={key}"))],
            0,
            vec!["environment  OTEL_EXPORTER_OTLP_HEADERS", "(set, not shown)"],
        ),
        ("pipeline", "locate", vec![], 2, vec!["USER_HASH_KEY: required to locate"]),
        (
            "pipeline",
            "locate",
            vec![("USER_HASH_KEY", key.clone())],
            0,
            vec!["(set, not shown)", "topics/located-plays"],
        ),
        ("pipeline", "curate", vec![], 0, vec!["subscriptions/located-plays-curate", "topics/sessions"]),
        ("session-api", "", vec![], 0, vec!["would start", "REGION", "can be made and deleted"]),
        ("session-api", "", vec![no_topic], 1, vec!["waits", missing]),
        ("session-api", "", vec![nobody], 1, vec!["waits"]),
        ("session-api", "", vec![("RUST_LOG", "a=b=c".to_owned())], 2, vec!["RUST_LOG: expected a level"]),
    ];
    for (service, argument, settings, code, expected) in cases {
        let arguments: Vec<_> = argument.split_whitespace().collect();
        let (found, told) = explain(service, &arguments, &with(&settings)).await?;
        let case = format!("{service} {argument} {settings:?}:\n{told}");
        assert_eq!(found, Some(code), "{case}");
        for text in expected {
            assert!(told.contains(text), "{text}: {case}");
        }
        assert!(!told.contains(&key), "a key is not told: {case}");
    }
    assert_eq!(topology.session_subscriptions().await?, [""; 0], "nothing of it stays on {SESSIONS}");
    broker.shutdown().await;
    Ok(())
}
