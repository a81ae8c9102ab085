//! Drives the engine: deliveries and the clock in, its effects carried out, until told to stop. The first of two stages
//! has a driver of its own, [`locate`].
//!
//! Plays are taken in from the start; nothing is announced until it is known what was announced before.
//!
//! Announcements and rejected messages are published beside one another; the engine goes on meanwhile. What they hold
//! counts against the messages that Pub/Sub lets us hold, which bounds them.

pub mod locate;
mod rejecting;
mod spans;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use listening_together_proto::{Slot, Timestamp, v1};
use prost::Message as _;
use service_runtime::backoff::Seldom;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::engine::{Effect, Engine};
use crate::locate::Databases;
use crate::publish::{Outbox, until_confirmed};
use crate::receive::{Acknowledge, Delivery};
use crate::telemetry::{Books, Progress, Telemetry};
use crate::window::Pending;

use rejecting::Rejecting;

/// Deliveries that are taken in at a time, and bytes: a message of located plays is hundreds of plays, and time passes for
/// the engine only between two batches.
const BATCH: usize = 2048;
const BATCH_BYTES: usize = 512 * 1024;
/// The longest sleep: a clock that is set while we sleep is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often windows are looked at while nothing may be announced.
const GATHER_EVERY: Duration = Duration::from_millis(50);
/// How long messages that are being published when we are told to stop may take to be confirmed.
const LAST_CONFIRMATIONS: Duration = Duration::from_secs(4);

/// How often an update is published before its slot begins. A message that comes late or never would leave a replica
/// behind the others until the next slot is announced; of four, spread over the lead, one comes in time.
const TIMES_ANNOUNCED: u32 = 4;
/// How often a topic that cannot be published to is told of.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

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

/// An announcement that is confirmed as published.
struct Announced<A> {
    slot: Arc<Slot>,
    plays: Vec<Vec<Pending<A>>>,
}

/// The engine at work.
pub struct Driver<A, O> {
    engine: Engine<A>,
    outbox: O,
    telemetry: Telemetry,
    publishing: JoinSet<Announced<A>>,
    /// The newest update is published again.
    repeating: JoinSet<()>,
    rejecting: Rejecting<A, O>,
    /// How often it is told that announcements fail.
    complaint: Arc<Mutex<Seldom>>,
    /// Deliveries acknowledged so far: counted here, where it is done, to be held against the engine's books.
    acked: u64,
    /// What a pipeline before this one announced, until it is known.
    announced_before: Option<oneshot::Receiver<Vec<Slot>>>,
    /// New editions of the databases; one waits here until the engine can take it.
    editions: Option<mpsc::Receiver<Databases>>,
}

/// How an engine takes deliveries in.
type Receive<A, D> = fn(&mut Engine<A>, Vec<(Bytes, D)>, Timestamp, &mut Vec<Effect<A>>);

/// The first delivery and those that wait behind it, as many as are taken in at a time.
fn take_waiting<D>(
    first: Option<Delivery<D>>,
    deliveries: &mut mpsc::Receiver<Delivery<D>>,
) -> Vec<(Bytes, D)> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    let mut next = first;
    while let Some(delivery) = next {
        bytes += delivery.data.len();
        taken.push((delivery.data, delivery.ack));
        let is_full = taken.len() >= BATCH || bytes >= BATCH_BYTES;
        next = if is_full { None } else { deliveries.try_recv().ok() };
    }
    taken
}

/// What was announced before, once it is known; never, if it is not waited for.
async fn known(announced: &mut Option<oneshot::Receiver<Vec<Slot>>>) -> Vec<Slot> {
    match announced {
        Some(announced) => announced.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

impl<A: Acknowledge, O: Outbox> Driver<A, O> {
    /// Nothing happens before [`Driver::run`].
    #[must_use]
    pub fn new(engine: Engine<A>, outbox: O, telemetry: Telemetry) -> Self {
        Self {
            engine,
            rejecting: Rejecting::new(outbox.clone()),
            outbox,
            telemetry,
            publishing: JoinSet::new(),
            repeating: JoinSet::new(),
            complaint: Arc::new(Mutex::new(Seldom::new(COMPLAIN_EVERY))),
            acked: 0,
            announced_before: None,
            editions: None,
        }
    }

    /// Goes on after the slots that come from `announced`, and announces nothing before they do. Where they cannot be had,
    /// their sender is dropped.
    #[must_use]
    pub fn going_on_after(mut self, announced: oneshot::Receiver<Vec<Slot>>) -> Self {
        self.announced_before = Some(announced);
        self
    }

    /// Takes over each new edition of the databases that comes from `editions`.
    #[must_use]
    pub fn with_databases(mut self, editions: mpsc::Receiver<Databases>) -> Self {
        self.editions = Some(editions);
        self
    }

    /// Works until `stop`, then waits a little for what is being published, and hands everything else back. `receive` is how
    /// the engine takes deliveries in: [`Engine::receive_all`] or [`Engine::receive_located`].
    ///
    /// # Errors
    /// When the deliveries end, or a publishing task panics.
    pub async fn run<D>(
        mut self,
        deliveries: &mut mpsc::Receiver<Delivery<D>>,
        receive: Receive<A, D>,
        stop: &CancellationToken,
    ) -> Result<(), DriveError> {
        let outcome = self.work(deliveries, receive, stop).await;
        let last = tokio::time::timeout(LAST_CONFIRMATIONS, self.finish_publishing()).await;
        if last.is_err() {
            let unconfirmed = self.publishing.len();
            tracing::warn!(
                unconfirmed,
                "gave up on messages that were being published, their plays come back"
            );
        }
        self.rejecting.give_up();
        self.engine.drain();
        self.show_books();
        outcome
    }

    async fn work<D>(
        &mut self,
        deliveries: &mut mpsc::Receiver<Delivery<D>>,
        receive: Receive<A, D>,
        stop: &CancellationToken,
    ) -> Result<(), DriveError> {
        let mut effects = Vec::new();
        loop {
            let mut first = None;
            // A decision that is due waits until it is known what was announced, which wakes us.
            let shortest = self.announced_before.as_ref().map_or(Duration::ZERO, |_| GATHER_EVERY);
            let sleep = self.engine.next_deadline(now()).since(now()).clamp(shortest, LONGEST_SLEEP);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(announced) = self.publishing.join_next() => self.confirm(announced?, &mut effects),
                Some(rejected) = self.rejecting.confirmed() => {
                    let (play, reason) = rejected?;
                    self.engine.rejected(play, reason, &mut effects);
                }
                announced = known(&mut self.announced_before) => {
                    self.announced_before = None;
                    self.engine.go_on_after(announced, now());
                }
                delivery = deliveries.recv() => first = Some(delivery.ok_or(DriveError::SourceEnded)?),
                () = tokio::time::sleep(sleep) => {}
            }
            // Whatever woke us: plays that have come count before time passes, or a process that was stalled would
            // take its own backlog for an idle stream.
            let clock = now();
            receive(&mut self.engine, take_waiting(first, deliveries), clock, &mut effects);
            if let Some(played_at) = self.engine.take_last_played_at() {
                self.telemetry.received(played_at, clock);
            }
            self.take_new_databases();
            match self.announced_before {
                Some(_) => self.engine.gather(now(), &mut effects),
                None => self.engine.advance(now(), &mut effects),
            }
            self.carry_out(&mut effects);
            self.show_books();
        }
    }

    /// A new edition is not urgent: it is looked for whenever something else woke us, at least once a second.
    fn take_new_databases(&mut self) {
        if self.engine.can_replace_databases()
            && let Some(databases) = self.editions.as_mut().and_then(|editions| editions.try_recv().ok())
        {
            self.engine.replace_databases(databases);
        }
    }

    async fn finish_publishing(&mut self) {
        let mut effects = Vec::new();
        loop {
            tokio::select! {
                // Of one that panicked the plays come back; the others are waited for all the same.
                Some(announced) = self.publishing.join_next() => {
                    if let Ok(announced) = announced {
                        self.confirm(announced, &mut effects);
                    }
                }
                Some(rejected) = self.rejecting.confirmed() => {
                    if let Ok((play, reason)) = rejected {
                        self.engine.rejected(play, reason, &mut effects);
                    }
                }
                else => return,
            }
            self.carry_out(&mut effects);
        }
    }

    fn confirm(&mut self, Announced { slot, plays }: Announced<A>, effects: &mut Vec<Effect<A>>) {
        let now = now();
        self.telemetry.published(&slot);
        plays.iter().flatten().for_each(|play| self.telemetry.settled(play.played_at, now));
        self.engine.published(plays, effects);
    }

    fn carry_out(&mut self, effects: &mut Vec<Effect<A>>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Ack(done) => {
                    done.acknowledge();
                    self.acked += 1;
                }
                Effect::Reject { data, reason, play } => self.rejecting.add(data, reason, play),
                Effect::Announce { slot, update, plays } => self.announce(slot, &update, plays),
            }
        }
    }

    fn announce(&mut self, slot: Arc<Slot>, update: &v1::SessionsUpdate, plays: Vec<Vec<Pending<A>>>) {
        let update = Bytes::from(update.encode_to_vec());
        tracing::debug!(slot = slot.number, bytes = update.len(), "announcing a slot");
        let span = spans::announcement(&slot, &plays);
        // A newer update has the slots of the one before it: that one need not be repeated any more.
        self.repeating = JoinSet::new();
        let repeating = repeat(self.outbox.clone(), update.clone(), slot.starts_at);
        self.repeating.spawn(repeating.instrument(span.clone()));
        let (outbox, complaint) = (self.outbox.clone(), self.complaint.clone());
        let announcing = async move {
            until_confirmed(&complaint, || outbox.publish(update.clone())).await;
            Announced { slot, plays }
        };
        self.publishing.spawn(announcing.instrument(span));
    }

    fn show_books(&self) {
        self.telemetry.show(Books {
            ledger: *self.engine.ledger(),
            acked: self.acked,
            unreadable_records: self.engine.unreadable_records(),
            databases_built_at: self.engine.databases_built_at(),
        });
        self.telemetry.show_progress(Progress {
            watermark: self.engine.watermark(),
            sessions_found: self.engine.sessions_found(),
        });
    }
}

/// Publishes an update again, evenly over the time until its slot begins. One that fails is made up for by the others.
async fn repeat(outbox: impl Outbox, update: Bytes, starts_at: Timestamp) {
    let pause = starts_at.since(now()) / TIMES_ANNOUNCED;
    for _ in 1..TIMES_ANNOUNCED {
        tokio::time::sleep(pause).await;
        let _made_up_for = outbox.publish(update.clone()).await;
    }
}

/// The clock.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

#[cfg(test)]
mod tests;
