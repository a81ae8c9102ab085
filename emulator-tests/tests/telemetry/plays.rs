//! Plays whose publishers trace them: one trace from a press of play to the replicas that show what came of it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use emulator_tests::brokers::Broker;
use emulator_tests::installation::{Installation, PATIENCE, now_ms};
use emulator_tests::known_plays::known_plays;
use emulator_tests::topology::PLAYS;
use google_cloud_pubsub::model::Message;
use tokio::time::{Instant, sleep};

use crate::assert_private;
use crate::collector::{Collector, Received, attribute};

/// A session's span never tells of more plays than this.
const MOST_LINKS: usize = 32;

/// The traceparent of the play with this number: its own trace, of which the span that published it is a part.
fn traceparent(number: usize, is_sampled: bool) -> String {
    format!("00-{:032x}-{:016x}-{:02x}", number + 1, number + 1, u8::from(is_sampled))
}

/// Publishes plays of which every other is traced; the ids of the spans of those.
async fn publish(installation: &Installation, plays: &[Bytes]) -> anyhow::Result<HashSet<Vec<u8>>> {
    let client = installation.topology.pubsub.publisher().await?;
    let publisher = client.publisher(installation.topology.pubsub.topic(PLAYS)).build();
    let messages = plays.iter().enumerate().map(|(number, data)| {
        let attributes = [("googclient_traceparent", traceparent(number, number % 2 == 0))];
        Message::new().set_data(data.clone()).set_attributes(attributes)
    });
    let sent: Vec<_> = messages.map(|message| publisher.publish(message)).collect();
    publisher.flush().await;
    for confirmation in sent {
        confirmation.await?;
    }
    Ok((0..plays.len()).step_by(2).map(|number| (number as u64 + 1).to_be_bytes().to_vec()).collect())
}

/// The span and those that it is within, outward, as far as they are known.
fn within<'a>(spans: &'a [Received], innermost: &'a Received) -> Vec<&'a Received> {
    let by_id: HashMap<_, _> = spans.iter().map(|it| (&it.span.span_id, it)).collect();
    std::iter::successors(Some(innermost), |it| by_id.get(&it.span.parent_span_id).copied()).collect()
}

fn names<'a>(chain: &[&'a Received]) -> Vec<&'a str> {
    chain.iter().map(|it| it.span.name.as_str()).collect()
}

/// What a replica shows is within all of this, when a traced play is the reason.
const FROM_SLOT: [&str; 4] = ["show slot", "process sessions", "send sessions", "announce slot"];
const FROM_PLAY: &str = "process plays-pipeline";
const BETWEEN_STAGES: [&str; 3] =
    ["process located-plays-curate", "send located-plays", "publish located plays"];

#[tokio::test(flavor = "multi_thread")]
async fn a_play_is_traced_from_its_receipt_to_the_replica_that_shows_it() -> anyhow::Result<()> {
    for between in [&[][..], &BETWEEN_STAGES] {
        let collector = Collector::start().await;
        let broker = Broker::local().await?;
        let installation = Installation::create(&broker.endpoint()).await?;
        let export = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address)),
            ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
        ];
        let mut settings: Vec<_> = export.iter().map(|(name, value)| (*name, value.as_str())).collect();
        settings.extend([("MAX_DISORDER", "3s"), ("SLOT", "1s"), ("MAX_SESSION_AGE", "60s")]);
        let mut services = if between.is_empty() {
            vec![installation.pipeline(&settings)?]
        } else {
            vec![installation.locate(&settings)?, installation.curate(&settings)?]
        };
        services.push(installation.replica_with("europe-west1", &export)?.service);
        for service in &mut services {
            service.until_ready(PATIENCE).await?;
        }
        let plays = known_plays(3000, now_ms(), 11);
        let sampled = publish(&installation, &plays).await?;

        let expected: Vec<_> = FROM_SLOT.iter().chain(between).chain([&FROM_PLAY]).copied().collect();
        let is_whole = |spans: &[Received]| {
            let mut shown = spans.iter().filter(|it| it.span.name == FROM_SLOT[0]);
            shown.any(|it| names(&within(spans, it)) == expected)
        };
        let deadline = Instant::now() + PATIENCE;
        let spans = loop {
            let spans = collector.spans();
            if is_whole(&spans) && spans.iter().any(|it| it.span.name == "share session") {
                break spans;
            }
            assert!(Instant::now() < deadline, "{spans:?}");
            for service in &mut services {
                service.check_running()?;
            }
            sleep(Duration::from_millis(100)).await;
        };

        let shown = spans.iter().filter(|it| it.span.name == FROM_SLOT[0]);
        for chain in shown.map(|it| within(&spans, it)).filter(|chain| names(chain) == expected) {
            let play = chain[chain.len() - 1];
            // The play was published within a span of ours, which samples it.
            assert!(sampled.contains(&play.span.parent_span_id), "{play:?}");
            assert!(chain.iter().all(|it| it.span.trace_id == play.span.trace_id), "one trace: {chain:?}");
            let of_play = |key| attribute(&play.span.attributes, key);
            assert_eq!(of_play("messaging.system").as_deref(), Some("gcp_pubsub"));
            let subscription = of_play("messaging.destination.subscription.name");
            assert_eq!(subscription.as_deref(), Some("plays-pipeline"));
            assert_eq!(of_play("messaging.destination.name"), None);
            assert_eq!(of_play("play.fate").as_deref(), Some("settled"));
        }
        let sessions: Vec<_> = spans.iter().filter(|it| it.span.name == "share session").collect();
        for session in &sessions {
            let links = &session.span.links;
            let distinct: HashSet<_> = links.iter().map(|link| (&link.trace_id, &link.span_id)).collect();
            assert!((1..=MOST_LINKS).contains(&links.len()) && distinct.len() == links.len(), "{session:?}");
            assert_eq!(attribute(&session.span.attributes, "session").map(|id| id.len()), Some(32));
        }
        // The largest sessions have more plays than that.
        assert!(spans.iter().any(|it| it.span.links.len() == MOST_LINKS), "{sessions:?}");

        for service in services {
            service.terminate(PATIENCE).await?;
        }
        let spans = collector.spans();
        let received = || spans.iter().filter(|it| it.span.name == FROM_PLAY);
        let fates: HashSet<_> =
            received().filter_map(|it| attribute(&it.span.attributes, "play.fate")).collect();
        // What hides where it is is dropped by whichever stage receives plays.
        assert!(fates.contains("anonymous"), "{fates:?}");
        let strangers = received().filter(|it| !sampled.contains(&it.span.parent_span_id)).count();
        assert_eq!(strangers, 0, "what a publisher does not sample is not traced here");
        // Each is looked for in megabytes of text: some of those that are traced will do.
        assert_private(&collector, &plays.into_iter().step_by(20).collect::<Vec<_>>());
        broker.stop().await;
    }
    Ok(())
}
