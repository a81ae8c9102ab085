//! What is published and acknowledged when, with a topic that takes everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use service_runtime::telemetry::Metrics;

use super::*;
use crate::catalogue::Catalogue;
use crate::curate::CurateRules;
use crate::engine::Rules;
use crate::engine::tests::{BERLIN, LIMA, message, rules};
use crate::ledger::DropReason;
use crate::publish::PublishError;
use crate::test_atlas::AtlasFixture;
use crate::window::WindowRules;

const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps what it is to publish.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Bytes>>>);

impl Kept {
    fn updates(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Outbox for Kept {
    async fn publish(&self, update: Bytes) -> Result<(), PublishError> {
        self.0.lock().unwrap().push(update);
        Ok(())
    }

    async fn reject(&self, _: Bytes, _: DropReason) -> Result<(), PublishError> {
        unreachable!("nothing is rejected")
    }
}

#[tokio::test]
async fn an_update_is_published_again_until_its_slot_begins() {
    let (kept, lead) = (Kept::default(), Duration::from_millis(80));
    let start = Instant::now();
    repeat(kept.clone(), Bytes::from_static(b"update"), now() + lead).await;
    assert!(start.elapsed() >= lead / 2, "spread over the lead");
    let repeats = TIMES_ANNOUNCED as usize - 1;
    assert_eq!(*kept.0.lock().unwrap(), vec![Bytes::from_static(b"update"); repeats]);
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

/// A driver at work that waits to know what was announced, and who plays.
struct Scene {
    found: Option<oneshot::Sender<Vec<Slot>>>,
    plays: mpsc::Sender<Delivery<Ack>>,
    sent: usize,
    counts: Counts,
    kept: Kept,
    stop: CancellationToken,
    working: tokio::task::JoinHandle<Result<(), DriveError>>,
}

impl Scene {
    fn begin() -> Self {
        let millis = Duration::from_millis;
        let window = WindowRules {
            length: millis(100),
            max_disorder: millis(20),
            idle_timeout: millis(100),
            ..rules().window
        };
        let curate = CurateRules { slot: millis(200), lead: millis(100), ..rules().curate };
        let engine = Engine::new(
            Rules { window, curate, ..rules() },
            AtlasFixture::new().open(),
            Catalogue::default(),
            now(),
        );
        let metrics = Metrics::new("test").unwrap();
        let (kept, stop) = (Kept::default(), CancellationToken::new());
        let (found, announced) = oneshot::channel();
        let (plays, mut deliveries) = mpsc::channel(16);
        let driver =
            Driver::new(engine, kept.clone(), Telemetry::new(&metrics.meter())).going_on_after(announced);
        let stopping = stop.clone();
        let working =
            tokio::spawn(async move { driver.run(&mut deliveries, Engine::receive_all, &stopping).await });
        Self { found: Some(found), plays, sent: 0, counts: Counts::default(), kept, stop, working }
    }

    /// Two far apart play one song, and one plays another, again and again.
    async fn play_until(&mut self, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "{} sent, {} acked", self.sent, self.acked());
            for (user, track, address) in
                [("ana", "song", BERLIN), ("bo", "song", LIMA), ("cy", "other", BERLIN)]
            {
                let data = message(user, track, address, now()).into();
                let delivery = Delivery { data, ack: Ack(Some(self.counts.clone())) };
                assert!(self.plays.send(delivery).await.is_ok());
                self.sent += 1;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn acked(&self) -> usize {
        self.counts.acked.load(Ordering::Relaxed)
    }

    /// Three windows have gone by, and who listened alone is dropped.
    async fn play_for_some_windows(&mut self) {
        self.play_until(|scene| scene.acked() >= 20).await;
        assert_eq!(self.kept.updates(), 0, "nothing is announced before it is known what was");
    }

    async fn end(self) -> usize {
        self.stop.cancel();
        self.working.await.unwrap().unwrap();
        drop(self.plays);
        assert_eq!(
            self.counts.acked.load(Ordering::Relaxed) + self.counts.handed_back.load(Ordering::Relaxed),
            self.sent
        );
        self.counts.handed_back.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn what_was_announced_is_waited_for() {
    let mut scene = Scene::begin();
    scene.play_for_some_windows().await;
    scene.found.take().unwrap().send(Vec::new()).unwrap();
    scene.play_until(|scene| scene.kept.updates() > 0).await;
    scene.end().await;
}

#[tokio::test]
async fn what_cannot_be_known_is_not_waited_for() {
    let mut scene = Scene::begin();
    scene.play_for_some_windows().await;
    drop(scene.found.take());
    scene.play_until(|scene| scene.kept.updates() > 0).await;
    scene.end().await;
}

#[tokio::test]
async fn plays_are_handed_back_that_no_slot_was_decided_for() {
    let mut scene = Scene::begin();
    scene.play_for_some_windows().await;
    assert!(scene.end().await > 0);
}
