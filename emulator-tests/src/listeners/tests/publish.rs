use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::brokers::Broker;
use crate::collect::Collector;
use crate::topology::{PLAYS, Topology};

/// What a topic would have received.
#[derive(Default)]
struct Received(Mutex<Vec<Bytes>>);

impl Received {
    fn take(&self, bytes: Bytes) {
        self.0.lock().unwrap().push(bytes);
    }

    fn len(&self) -> u64 {
        self.0.lock().unwrap().len() as u64
    }
}

fn stop_after(duration: Duration) -> CancellationToken {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(duration).await;
        stopping.cancel();
    });
    stop
}

/// Runs for `seconds` of a paused clock against a topic that takes `delay` to confirm a message.
async fn run(per_second: f64, seconds: u64, delay: Duration) -> (Totals, Arc<Received>) {
    let received = Arc::new(Received::default());
    let send = |bytes: Bytes| {
        received.take(bytes);
        let confirmed = tokio::time::sleep(delay);
        async move {
            confirmed.await;
            Ok::<_, std::io::Error>("1".to_owned())
        }
    };
    let source = source(PlaySpec::default(), &demo_addresses(), 1);
    let stop = stop_after(Duration::from_secs(seconds));
    let totals = publish_with(source, per_second, send, Arc::default(), stop).await;
    (totals, received)
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_kept_and_all_is_confirmed() {
    for rate in [20.0, 1000.0, 5000.0] {
        let (totals, received) = run(rate, 10, Duration::from_millis(30)).await;
        assert_eq!(totals.sent(), received.len());
        assert_eq!((totals.confirmed, totals.failed, totals.skipped), (totals.sent(), 0, 0));
        let expected = (rate * 10.0) as u64;
        assert!(
            (expected - expected / 100 - 1..=expected).contains(&totals.sent()),
            "{} at {rate}",
            totals.sent()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_counts_are_of_what_was_sent() {
    let (totals, received) = run(2000.0, 5, Duration::ZERO).await;
    let mut again = source(PlaySpec::default(), &demo_addresses(), 1);
    let mut expected = [0_u64; 6];
    let mut duplicates = 0;
    // The kinds do not depend on the time at which they are asked for.
    for _ in 0..received.len() {
        let play = again.next(NOW_MS);
        expected[play.kind as usize] += 1;
        duplicates += u64::from(play.duplicate);
    }
    assert_eq!((totals.by_kind, totals.duplicates), (expected, duplicates));
    assert_eq!(totals.of(PlayKind::Located), expected[0]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_topic_gets_fewer_plays_not_older_ones() {
    // 2 s worth of plays are on their way at most, and each takes 4 s: half of the rate.
    let (totals, received) = run(1000.0, 20, Duration::from_secs(4)).await;
    assert_eq!(totals.sent(), received.len());
    assert!((9_000..=13_000).contains(&totals.sent()), "{}", totals.sent());
    assert_eq!(totals.confirmed, totals.sent(), "the last are waited for");
    assert!(totals.skipped > 6_000, "{} skipped", totals.skipped);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_topic_does_not_keep_the_simulation_from_ending() {
    let started = Instant::now();
    let (totals, _) = run(1000.0, 5, Duration::from_secs(86_400)).await;
    assert_eq!(totals.confirmed, 0);
    assert!(totals.sent() <= 2000, "{} on their way", totals.sent());
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted() {
    let mut count = 0;
    let send = |_| {
        count += 1;
        let fails = count % 4 == 0;
        async move { if fails { Err(std::io::Error::other("refused")) } else { Ok("1".to_owned()) } }
    };
    let source = source(PlaySpec::default(), &demo_addresses(), 1);
    let stop = stop_after(Duration::from_secs(2));
    let totals = publish_with(source, 1000.0, send, Arc::default(), stop).await;
    assert_eq!(totals.failed, totals.sent() / 4);
    assert_eq!(totals.confirmed + totals.failed, totals.sent());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_arrives() -> anyhow::Result<()> {
    let broker = Broker::local().await?;
    let topology = Topology::create(&broker.endpoint(), "listeners").await?;
    let arrived = Collector::start(&topology, PLAYS, "watch-plays").await?;
    let client = topology.pubsub.publisher().await?;
    let plays = publisher(&client, &topology.pubsub.topic(PLAYS));
    let (out, stop) = (Arc::new(PlaysOut::default()), CancellationToken::new());
    let source = source(PlaySpec::default(), &demo_addresses(), 1);
    let publishing = tokio::spawn({
        let (out, stop) = (Arc::clone(&out), stop.clone());
        async move { publish(source, 2000.0, &plays, out, stop).await }
    });
    arrived.until("a second's plays", Duration::from_secs(30), |messages| messages.len() >= 2000).await?;
    stop.cancel();
    let totals = publishing.await?;
    assert_eq!((totals.confirmed, totals.failed), (totals.sent(), 0));
    assert_eq!(out.totals(), totals);
    let all = |messages: &[google_cloud_pubsub::model::Message]| messages.len() as u64 >= totals.sent();
    let messages = arrived.until("all plays", Duration::from_secs(30), all).await?;

    let mut again = self::source(PlaySpec::default(), &demo_addresses(), 1);
    let malformed = (0..totals.sent()).filter(|_| again.next(NOW_MS).decode().is_none()).count();
    let decode = |bytes: &Bytes| listening_together_proto::v1::Play::decode(bytes.clone());
    assert_eq!(messages.iter().filter(|message| decode(&message.data).is_err()).count(), malformed);
    arrived.stop().await;
    broker.stop().await;
    Ok(())
}
