//! Drives the engine: deliveries and the clock in, its effects carried out, until told to stop.
//!
//! Announcements and rejected messages are published beside one another; the engine goes on meanwhile. What they hold
//! counts against the messages that Pub/Sub lets us hold, which bounds them.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use listening_together_proto::{Slot, Timestamp};
use prost::Message as _;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engine::{Effect, Engine};
use crate::ledger::{DropReason, Held};
use crate::publish::{Outbox, until_confirmed};
use crate::receive::{Acknowledge, Delivery};
use crate::telemetry::{Books, Telemetry};
use crate::window::Pending;

/// Deliveries that are taken in at a time.
const BATCH: usize = 2048;
/// The longest sleep: a clock that is set while we sleep is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long messages that are being published when we are told to stop may take to be confirmed.
const LAST_CONFIRMATIONS: Duration = Duration::from_secs(4);

/// Why driving ended other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The source of plays ended by itself.
    #[error("the source of plays ended")]
    SourceEnded,
    /// A publishing task panicked.
    #[error("a publishing task ended")]
    Publisher(#[from] tokio::task::JoinError),
}

/// A message that is confirmed as published.
enum Confirmed<A> {
    Announcement { slot: Arc<Slot>, plays: Vec<Pending<A>> },
    Rejection { play: Held<A>, reason: DropReason },
}

/// The engine at work.
pub struct Driver<A, O> {
    engine: Engine<A>,
    outbox: O,
    telemetry: Telemetry,
    publishing: JoinSet<Confirmed<A>>,
}

impl<A: Acknowledge, O: Outbox> Driver<A, O> {
    /// Nothing happens before [`Driver::run`].
    #[must_use]
    pub fn new(engine: Engine<A>, outbox: O, telemetry: Telemetry) -> Self {
        Self { engine, outbox, telemetry, publishing: JoinSet::new() }
    }

    /// Works until `stop`, then waits a little for what is being published, and hands everything else back.
    ///
    /// # Errors
    /// When the deliveries end, or a publishing task panics.
    pub async fn run(
        mut self,
        deliveries: &mut mpsc::Receiver<Delivery<A>>,
        stop: &CancellationToken,
    ) -> Result<(), DriveError> {
        let outcome = self.work(deliveries, stop).await;
        let last = tokio::time::timeout(LAST_CONFIRMATIONS, self.finish_publishing()).await;
        if last.is_err() {
            let unconfirmed = self.publishing.len();
            tracing::warn!(
                unconfirmed,
                "gave up on messages that were being published, their plays come back"
            );
        }
        self.engine.drain();
        self.show_books();
        outcome
    }

    async fn work(
        &mut self,
        deliveries: &mut mpsc::Receiver<Delivery<A>>,
        stop: &CancellationToken,
    ) -> Result<(), DriveError> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut effects = Vec::new();
        loop {
            let sleep = self.engine.next_deadline(now()).since(now()).min(LONGEST_SLEEP);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(confirmed) = self.publishing.join_next() => self.confirm(confirmed?, &mut effects),
                received = deliveries.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        return Err(DriveError::SourceEnded);
                    }
                    let now = now();
                    for delivery in batch.drain(..) {
                        self.engine.receive(delivery.data, delivery.ack, now, &mut effects);
                    }
                }
                () = tokio::time::sleep(sleep) => {}
            }
            self.engine.advance(now(), &mut effects);
            self.carry_out(&mut effects);
            self.show_books();
        }
    }

    async fn finish_publishing(&mut self) {
        let mut effects = Vec::new();
        while let Some(Ok(confirmed)) = self.publishing.join_next().await {
            self.confirm(confirmed, &mut effects);
            self.carry_out(&mut effects);
        }
    }

    fn confirm(&mut self, confirmed: Confirmed<A>, effects: &mut Vec<Effect<A>>) {
        match confirmed {
            Confirmed::Announcement { slot, plays } => {
                let now = now();
                self.telemetry.published(&slot);
                plays.iter().for_each(|play| self.telemetry.settled(play.played_at, now));
                self.engine.published(plays, effects);
            }
            Confirmed::Rejection { play, reason } => self.engine.rejected(play, reason, effects),
        }
    }

    fn carry_out(&mut self, effects: &mut Vec<Effect<A>>) {
        for effect in effects.drain(..) {
            let outbox = self.outbox.clone();
            match effect {
                Effect::Ack(ack) => ack.acknowledge(),
                Effect::Reject { data, reason, play } => {
                    self.publishing.spawn(async move {
                        until_confirmed(|| outbox.reject(data.clone(), reason)).await;
                        Confirmed::Rejection { play, reason }
                    });
                }
                Effect::Announce { slot, update, plays } => {
                    let update = Bytes::from(update.encode_to_vec());
                    tracing::debug!(slot = slot.number, bytes = update.len(), "announcing a slot");
                    self.publishing.spawn(async move {
                        until_confirmed(|| outbox.announce(update.clone())).await;
                        Confirmed::Announcement { slot, plays }
                    });
                }
            }
        }
    }

    fn show_books(&self) {
        self.telemetry.show(Books {
            ledger: *self.engine.ledger(),
            watermark: self.engine.watermark(),
            sessions_found: self.engine.sessions_found(),
            failed_lookups: self.engine.failed_lookups(),
        });
    }
}

/// The clock.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}
