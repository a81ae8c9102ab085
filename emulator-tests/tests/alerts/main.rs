//! The alerts, fired by their symptoms: Prometheus scrapes real services that something is wrong with.
//!
//! Each symptom has an installation of its own, which is a namespace to the rules. Two are well, and have to be quiet. Two
//! alerts tell of faults of our own, which cannot be caused from outside: promtool tests them on series that are made up.

mod prometheus;
mod symptoms;

use std::collections::BTreeSet;
use std::time::Duration;

use emulator_tests::brokers::Broker;
use emulator_tests::installation::PATIENCE;
use tokio::time::{Instant, sleep};

use prometheus::{Prometheus, Target, promtool, rules};
use symptoms::{STAGES, Scenes, WELL};

/// What a replica exports only when it has run for a whole minute; this test does not last as long.
const AFTER_A_WHOLE_MINUTE: &str = "session_api_shown_fingerprint";

/// The series that the dashboard shows and the rules ask for.
fn shown_or_alerted() -> BTreeSet<String> {
    let texts = ["alerts.yaml", "listening-together.json"]
        .map(|name| std::fs::read_to_string(rules().with_file_name(name)).expect("it is in this repository"));
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = texts.iter().flat_map(|text| text.split(|character| !is_of_name(character)));
    let series = words.filter(|word| word.starts_with("pipeline_") || word.starts_with("session_api_"));
    series.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_rules_are_valid_and_each_alert_is_in_the_runbook_and_in_a_test() {
    let path = rules();
    promtool(&["check", "rules", path.to_str().unwrap()], None).await.unwrap();
    let rules = std::fs::read_to_string(&path).unwrap();
    let runbook = std::fs::read_to_string(path.with_file_name("../../docs/runbook.md")).unwrap();
    let named = |prefix: &str, text: &str| -> BTreeSet<String> {
        text.lines().filter_map(|line| line.trim().strip_prefix(prefix)).map(str::to_owned).collect()
    };
    let alerts = named("- alert: ", &rules);
    assert!(!alerts.is_empty());
    assert_eq!(alerts, named("## ", &runbook), "a chapter for each alert, and no other");
    let links = named("runbook: docs/runbook.md#", &rules);
    assert_eq!(links, alerts.iter().map(|alert| alert.to_lowercase()).collect());

    let made_up = path.with_file_name("alerts-test.yaml");
    promtool(&["test", "rules", made_up.to_str().unwrap()], None).await.unwrap();
    let mut fired: BTreeSet<_> = symptoms::expected().into_iter().map(|firing| firing.alert).collect();
    fired.extend(named("alertname: ", &std::fs::read_to_string(made_up).unwrap()));
    assert_eq!(fired, alerts, "each alert is made to fire by a test");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_fires_by_its_symptom_and_none_where_all_is_well() {
    let broker = Broker::local().await.unwrap();
    let scenes = Scenes::set(&broker.endpoint()).await.unwrap();
    let targets: Vec<Target<'_>> = scenes.targets().collect();
    let mut expected: BTreeSet<_> = symptoms::expected();
    let prometheus = Prometheus::start(&targets).await.unwrap();
    let deadline = Instant::now() + 2 * PATIENCE;
    while !expected.is_empty() {
        for firing in prometheus.firing().await.unwrap() {
            assert!(![WELL, STAGES].contains(&&*firing.namespace), "{firing:?}");
            expected.remove(&firing);
        }
        scenes.go_on().await.unwrap();
        assert!(Instant::now() < deadline, "did not fire: {expected:?}");
        sleep(Duration::from_millis(200)).await;
    }
    // What a service exports passes the checks of names, units and descriptions.
    let mut exported = String::new();
    for target in &targets {
        let scrape = target.service.scrape().await.unwrap();
        promtool(&["check", "metrics"], Some(&scrape)).await.unwrap();
        exported.push_str(&scrape);
    }
    for name in shown_or_alerted().into_iter().filter(|name| name != AFTER_A_WHOLE_MINUTE) {
        assert!(exported.contains(&format!("\n{name}")), "{name} is not exported");
    }
    drop(scenes);
    broker.stop().await;
}
