//! Plays whose publishers trace them: one trace from a press of play to the replicas that show what came of it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use emulator_tests::brokers::Broker;
use emulator_tests::installation::{Installation, PATIENCE, now_ms};
use emulator_tests::known_plays::known_plays;
use emulator_tests::topology::PLAYS;
use google_cloud_pubsub::model::Message;
use tokio::time::{Instant, sleep};

use crate::collector::{Collector, Received, attribute};

/// A session's span never tells of more plays than this.
const MOST_LINKS: usize = 32;

/// The traceparent of the play with this number: its own trace, of which the span that published it is a part.
fn traceparent(number: usize, is_sampled: bool) -> String {
    format!("00-{:032x}-{:016x}-{:02x}", number + 1, number + 1, u8::from(is_sampled))
}

/// Publishes plays of which every other is traced; the ids of the spans of those.
async fn publish(installation: &Installation, count: usize) -> anyhow::Result<HashSet<Vec<u8>>> {
    let client = installation.topology.pubsub.publisher().await?;
    let publisher = client.publisher(installation.topology.pubsub.topic(PLAYS)).build();
    let messages = known_plays(count, now_ms(), 11).into_iter().enumerate().map(|(number, data)| {
        let attributes = [("googclient_traceparent", traceparent(number, number % 2 == 0))];
        Message::new().set_data(data).set_attributes(attributes)
    });
    let sent: Vec<_> = messages.map(|message| publisher.publish(message)).collect();
    publisher.flush().await;
    for confirmation in sent {
        confirmation.await?;
    }
    Ok((0..count).step_by(2).map(|number| (number as u64 + 1).to_be_bytes().to_vec()).collect())
}

/// The spans of this name that have a parent of that one, and that parent.
fn pairs<'a>(spans: &'a [Received], child: &str, parent: &str) -> Vec<(&'a Received, &'a Received)> {
    let parents = spans.iter().filter(|it| it.span.name == parent);
    let by_id: HashMap<_, _> = parents.map(|it| (&it.span.span_id, it)).collect();
    let children = spans.iter().filter(|it| it.span.name == child);
    children.filter_map(|it| Some((it, *by_id.get(&it.span.parent_span_id)?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_play_is_traced_from_its_receipt_to_the_replica_that_shows_it() -> anyhow::Result<()> {
    let collector = Collector::start().await;
    let broker = Broker::local().await?;
    let installation = Installation::create(&broker.endpoint()).await?;
    let export = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address)),
        ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
    ];
    let mut settings: Vec<_> = export.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend([("MAX_DISORDER", "3s"), ("SLOT", "1s"), ("MAX_SESSION_AGE", "60s")]);
    let mut pipeline = installation.pipeline(&settings)?;
    let mut replica = installation.replica_with("europe-west1", &export)?;
    pipeline.until_ready(PATIENCE).await?;
    replica.service.until_ready(PATIENCE).await?;
    let sampled = publish(&installation, 3000).await?;

    let deadline = Instant::now() + PATIENCE;
    let spans = loop {
        let spans = collector.spans();
        let is_whole = {
            let announced = pairs(&spans, "announce slot", "process plays-pipeline");
            let traces: HashSet<_> = announced.iter().map(|(slot, _)| &slot.span.trace_id).collect();
            let mut shown = spans.iter().filter(|it| it.span.name == "show slot");
            shown.any(|it| traces.contains(&it.span.trace_id))
                && spans.iter().any(|it| it.span.name == "share session")
        };
        if is_whole {
            break spans;
        }
        assert!(Instant::now() < deadline, "{spans:?}\n{}", pipeline.log());
        pipeline.check_running()?;
        sleep(Duration::from_millis(100)).await;
    };

    // The play that a slot is because of was published within a span of ours, and sampled there.
    for (slot, play) in pairs(&spans, "announce slot", "process plays-pipeline") {
        assert_eq!((slot.service.as_str(), &slot.span.trace_id), ("pipeline", &play.span.trace_id));
        assert!(sampled.contains(&play.span.parent_span_id), "{play:?}");
        assert!(play.span.start_time_unix_nano <= slot.span.start_time_unix_nano);
        let system = attribute(&play.span.attributes, "messaging.system");
        assert_eq!(system.as_deref(), Some("gcp_pubsub"));
    }
    let sessions = pairs(&spans, "share session", "announce slot");
    assert!(!sessions.is_empty());
    for (session, _) in sessions {
        let links = &session.span.links;
        let distinct: HashSet<_> = links.iter().map(|link| (&link.trace_id, &link.span_id)).collect();
        assert!((1..=MOST_LINKS).contains(&links.len()) && distinct.len() == links.len(), "{session:?}");
        assert_eq!(attribute(&session.span.attributes, "session").map(|id| id.len()), Some(32));
    }
    let most = spans.iter().map(|it| it.span.links.len()).max();
    assert_eq!(most, Some(MOST_LINKS), "the largest sessions have more plays than that");

    pipeline.terminate(PATIENCE).await?;
    replica.service.terminate(PATIENCE).await?;
    let unsampled = collector.spans().into_iter().filter(|it| it.span.name == "process plays-pipeline");
    let strangers = unsampled.filter(|it| !sampled.contains(&it.span.parent_span_id)).count();
    assert_eq!(strangers, 0, "what a publisher does not sample is not traced here");
    broker.stop().await;
    Ok(())
}
