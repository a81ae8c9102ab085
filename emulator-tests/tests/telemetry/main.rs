//! What a collector is sent by the real binaries: one trace from the announcement of a slot to every replica that shows
//! it, the instruments, and nothing of who listens.

mod collector;
mod plays;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use emulator_tests::brokers::Broker;
use emulator_tests::installation::{Installation, PATIENCE};
use emulator_tests::listeners::PlaySpec;
use listening_together_proto::v1;
use prost::Message as _;
use tokio::time::{Instant, sleep};

use collector::{Collector, Received, attribute};

/// A trace that is whole: a slot's announcement, a message, and its arrival and show on both replicas.
struct Trace {
    announce: Received,
    send: Received,
    processed: Vec<Received>,
    shown: Vec<Received>,
}

fn traces(spans: &[Received]) -> Vec<Trace> {
    let named = |name: &'static str| spans.iter().filter(move |received| received.span.name == name);
    let children = |name: &'static str, parent: &Received| -> Vec<Received> {
        let is_child = |received: &&Received| {
            received.span.parent_span_id == parent.span.span_id
                && received.span.trace_id == parent.span.trace_id
        };
        named(name).filter(is_child).cloned().collect()
    };
    let mut traces = Vec::new();
    for announce in named("announce slot") {
        for send in children("send sessions", announce) {
            let processed = children("process sessions", &send);
            let shown: Vec<_> = processed.iter().flat_map(|process| children("show slot", process)).collect();
            traces.push(Trace { announce: announce.clone(), send, processed, shown });
        }
    }
    traces
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_traced_from_its_announcement_to_the_replicas_that_show_it() {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}", collector.address);
    let broker = Broker::local().await.unwrap();
    let installation = Installation::create(&broker.endpoint()).await.unwrap();
    let export = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "info,pipeline=debug,session_api=debug"),
        ("SLOT", "1s"),
    ];
    let mut pipeline = installation.pipeline(&export).unwrap();
    let owned: Vec<_> = export[..5].iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let mut replicas = Vec::new();
    for region in ["europe-west1", "us-central1"] {
        replicas.push(installation.replica_with(region, &owned).unwrap());
    }
    pipeline.until_ready(PATIENCE).await.unwrap();
    let listeners = installation.listeners(PlaySpec::default(), 500.0).await.unwrap();

    let deadline = Instant::now() + PATIENCE;
    let whole = loop {
        let whole = traces(&collector.spans()).into_iter().find(|trace| trace.shown.len() == 2);
        let metrics = collector.has_metric("pipeline", "pipeline.slots.published")
            && collector.has_metric("session-api", "session_api.current_slot");
        if metrics && let Some(trace) = whole {
            break trace;
        }
        assert!(Instant::now() < deadline, "{:?}", collector.spans());
        pipeline.check_running().unwrap();
        sleep(Duration::from_millis(100)).await;
    };

    assert_eq!(whole.announce.service, "pipeline");
    assert!(whole.announce.span.parent_span_id.is_empty(), "a slot begins a trace");
    assert_eq!(whole.processed.len(), 2, "each replica takes a message in once");
    let slot = attribute(&whole.announce.span.attributes, "slot").unwrap();
    for shown in &whole.shown {
        assert_eq!(shown.service, "session-api");
        assert_eq!(attribute(&shown.span.attributes, "slot").unwrap(), slot);
    }
    let sent = &whole.send.span.attributes;
    for (key, value) in [
        ("messaging.system", "gcp_pubsub"),
        ("messaging.operation.name", "send"),
        ("messaging.destination.name", "sessions"),
    ] {
        assert_eq!(attribute(sent, key).as_deref(), Some(value), "{key}");
    }
    let trace_id: String = whole.announce.span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(replicas.iter().all(|replica| replica.service.log().contains(&trace_id)), "{trace_id}");

    let ours = ["announce slot", "send sessions", "process sessions", "show slot"];
    let strange: Vec<_> = collector
        .spans()
        .into_iter()
        .map(|it| it.span.name)
        .filter(|name| !ours.contains(&name.as_str()))
        .collect();
    assert!(strange.is_empty(), "spans of libraries are not sent: {strange:?}");

    let plays = listeners.stop().await.unwrap();
    pipeline.terminate(PATIENCE).await.unwrap();
    for replica in replicas {
        replica.service.terminate(PATIENCE).await.unwrap();
    }
    assert_private(&collector, &plays);
    broker.stop().await;
}

/// Nothing that was sent to the collector tells who listened, or where.
fn assert_private(collector: &Collector, plays: &[Bytes]) {
    let text = collector.text();
    let plays: Vec<_> = plays.iter().filter_map(|play| v1::Play::decode(&play[..]).ok()).collect();
    assert!(!plays.is_empty());
    for play in plays {
        assert!(play.user_id.is_empty() || !text.contains(&play.user_id), "a user id was sent");
        if let Some(address) = address(&play.ip_address) {
            assert!(!text.contains(&address.to_string()), "an address was sent");
        }
    }
}

/// A collector that accepts and never answers keeps nobody from working, or from ending.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_keeps_no_service_from_ending() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let broker = Broker::local().await.unwrap();
    let installation = Installation::create(&broker.endpoint()).await.unwrap();
    let mut replica =
        installation.replica_with("europe-west1", &[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).unwrap();
    replica.service.until_ready(PATIENCE).await.unwrap();
    replica.service.terminate(Duration::from_secs(10)).await.unwrap();
    broker.stop().await;
}
