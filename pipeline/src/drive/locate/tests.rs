//! What is published and acknowledged when, with a topic that takes everything, or nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use service_runtime::telemetry::Metrics;

use super::*;
use crate::batch::BatchRules;
use crate::engine::tests::{BERLIN, NO_CITY, message, rules};
use crate::ledger::DropReason;
use crate::located_plays;
use crate::publish::PublishError;
use crate::test_atlas::AtlasFixture;
use crate::user::{UserHash, UserHashKey};

const PATIENCE: Duration = Duration::from_secs(20);

/// Topics that keep what they are given, if they are open.
#[derive(Clone, Default)]
struct Topics {
    closed: Arc<AtomicBool>,
    published: Arc<Mutex<Vec<Bytes>>>,
    rejected: Arc<AtomicUsize>,
}

impl Topics {
    fn plays(&self) -> usize {
        let published = self.published.lock().unwrap().clone();
        published.into_iter().map(|data| located_plays::decode(data).ok().unwrap().plays.len()).sum()
    }
}

impl Outbox for Topics {
    async fn publish(&self, message: Bytes) -> Result<(), PublishError> {
        if self.closed.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.published.lock().unwrap().push(message);
        Ok(())
    }

    async fn reject(&self, _: Bytes, _: DropReason) -> Result<(), PublishError> {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// What became of deliveries.
#[derive(Clone, Default)]
struct Counts {
    acked: Arc<AtomicUsize>,
    handed_back: Arc<AtomicUsize>,
}

struct Ack(Option<Counts>);

impl Acknowledge for Ack {
    fn acknowledge(mut self) {
        self.0.take().unwrap().acked.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some(counts) = &self.0 {
            counts.handed_back.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A driver at work.
struct Scene {
    topics: Topics,
    plays: mpsc::Sender<Delivery<Ack>>,
    counts: Counts,
    stop: CancellationToken,
    working: tokio::task::JoinHandle<Result<(), DriveError>>,
}

impl Scene {
    fn begin(wait: Duration) -> Self {
        let users = UserHash::keyed(&UserHashKey::parse(&"00".repeat(32)).unwrap());
        let batches = BatchRules { most_plays: 10, wait };
        let locator = Locator::new(rules().intake(), users, AtlasFixture::new().open(), batches);
        let metrics = Metrics::new("test").unwrap();
        let telemetry = LocateTelemetry::new(&metrics.meter());
        let (topics, stop) = (Topics::default(), CancellationToken::new());
        let (plays, mut deliveries) = mpsc::channel(16);
        let driver = LocateDriver::new(locator, topics.clone(), telemetry, mpsc::channel(1).1);
        let stopping = stop.clone();
        let working = tokio::spawn(async move { driver.run(&mut deliveries, &stopping).await });
        Self { topics, plays, counts: Counts::default(), stop, working }
    }

    async fn play(&self, address: &str, count: usize) {
        for _ in 0..count {
            let data = message("ana", "song", address, now()).into();
            let delivery = Delivery { data, ack: Ack(Some(self.counts.clone())) };
            assert!(self.plays.send(delivery).await.is_ok());
        }
    }

    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "{what}: {} acked", self.acked());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn acked(&self) -> usize {
        self.counts.acked.load(Ordering::Relaxed)
    }

    /// How many deliveries were handed back.
    async fn end(self) -> usize {
        self.stop.cancel();
        self.working.await.unwrap().unwrap();
        drop(self.plays);
        self.counts.handed_back.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn plays_are_acknowledged_when_their_message_is_published() {
    let scene = Scene::begin(Duration::from_millis(10));
    scene.play(BERLIN, 25).await;
    scene.play(NO_CITY, 1).await;
    scene.until("all acknowledged", |scene| scene.acked() == 26).await;
    assert_eq!(scene.topics.plays(), 25);
    assert!(scene.topics.published.lock().unwrap().len() >= 3, "at most ten in a message");
    assert_eq!(scene.end().await, 0);
}

#[tokio::test]
async fn a_message_that_is_no_play_is_acknowledged_when_it_is_rejected() {
    let scene = Scene::begin(Duration::ZERO);
    let ack = Ack(Some(scene.counts.clone()));
    let delivery = Delivery { data: Bytes::from_static(b"\xff"), ack };
    assert!(scene.plays.send(delivery).await.is_ok());
    scene.until("acknowledged", |scene| scene.acked() == 1).await;
    assert_eq!(scene.topics.rejected.load(Ordering::Relaxed), 1);
    assert_eq!(scene.end().await, 0);
}

#[tokio::test]
async fn what_waits_for_others_is_published_in_the_end() {
    let scene = Scene::begin(Duration::from_secs(3600));
    scene.play(BERLIN, 12).await;
    scene.until("a full message", |scene| scene.acked() == 10).await;
    let (topics, counts) = (scene.topics.clone(), scene.counts.clone());
    assert_eq!(scene.end().await, 0);
    assert_eq!((topics.plays(), counts.acked.load(Ordering::Relaxed)), (12, 12));
}

#[tokio::test]
async fn what_cannot_be_published_is_not_acknowledged() {
    let scene = Scene::begin(Duration::from_millis(10));
    scene.topics.closed.store(true, Ordering::Relaxed);
    scene.play(BERLIN, 40).await;
    assert_eq!((scene.acked(), scene.end().await), (0, 40));
}
