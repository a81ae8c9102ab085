//! Drives the first of two stages: plays and the clock in, messages of located plays out, until told to stop.
//!
//! Messages are published beside one another, a bounded number at a time. A play is acknowledged when its message is
//! confirmed. While the topic takes nothing, plays wait in full messages, and what Pub/Sub lets us hold bounds them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use service_runtime::backoff::Seldom;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::rejecting::Rejecting;
use super::{COMPLAIN_EVERY, DriveError, LAST_CONFIRMATIONS, LONGEST_SLEEP, now, spans, take_waiting};
use crate::batch::Batch;
use crate::intake::Answer;
use crate::ledger::{Done, Held};
use crate::locate::Databases;
use crate::locator::Locator;
use crate::publish::{Outbox, until_confirmed};
use crate::receive::{Acknowledge, Delivery};
use crate::telemetry::{Books, LocateTelemetry};

/// How many messages are being published at once. Those that come meanwhile grow, until they are full.
const MOST_AT_ONCE: usize = 64;

/// The first stage at work.
pub struct LocateDriver<A, O> {
    locator: Locator<A>,
    outbox: O,
    telemetry: LocateTelemetry,
    publishing: JoinSet<Vec<Held<A>>>,
    rejecting: Rejecting<A, O>,
    complaint: Arc<Mutex<Seldom>>,
    /// Deliveries acknowledged so far: counted here, where it is done, to be held against the books.
    acked: u64,
    /// New editions of the databases.
    editions: mpsc::Receiver<Databases>,
}

impl<A: Acknowledge, O: Outbox> LocateDriver<A, O> {
    /// Nothing happens before [`LocateDriver::run`]. Each new edition of the databases that comes from `editions` takes over.
    #[must_use]
    pub fn new(
        locator: Locator<A>,
        outbox: O,
        telemetry: LocateTelemetry,
        editions: mpsc::Receiver<Databases>,
    ) -> Self {
        Self {
            locator,
            rejecting: Rejecting::new(outbox.clone()),
            outbox,
            telemetry,
            publishing: JoinSet::new(),
            complaint: Arc::new(Mutex::new(Seldom::new(COMPLAIN_EVERY))),
            acked: 0,
            editions,
        }
    }

    /// Works until `stop`, then publishes what it has, and hands back what is not confirmed soon.
    ///
    /// # Errors
    /// When the deliveries end, or a publishing task panics.
    pub async fn run(
        mut self,
        deliveries: &mut mpsc::Receiver<Delivery<A>>,
        stop: &CancellationToken,
    ) -> Result<(), DriveError> {
        let outcome = self.work(deliveries, stop).await;
        let last = tokio::time::timeout(LAST_CONFIRMATIONS, self.publish_the_rest()).await;
        if last.is_err() {
            let unconfirmed = self.publishing.len();
            tracing::warn!(
                unconfirmed,
                "gave up on messages that were being published, their plays come back"
            );
        }
        self.rejecting.give_up();
        self.show_books();
        outcome
    }

    async fn work(
        &mut self,
        deliveries: &mut mpsc::Receiver<Delivery<A>>,
        stop: &CancellationToken,
    ) -> Result<(), DriveError> {
        let mut answers = Vec::new();
        loop {
            let mut first = None;
            let sleep = self.sleep();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(published) = self.publishing.join_next() => self.confirm(published?),
                Some(rejected) = self.rejecting.confirmed() => {
                    let (play, reason) = rejected?;
                    let done = self.locator.rejected(play, reason);
                    self.acknowledge(done);
                }
                delivery = deliveries.recv() => first = Some(delivery.ok_or(DriveError::SourceEnded)?),
                () = tokio::time::sleep(sleep) => {}
            }
            let clock = now();
            self.locator.receive_all(take_waiting(first, deliveries), clock, &mut answers);
            if let Some(played_at) = self.locator.take_last_played_at() {
                self.telemetry.received(played_at, clock);
            }
            // Not urgent: looked for whenever something else woke us, at least once a second.
            if let Ok(databases) = self.editions.try_recv() {
                self.locator.replace_databases(databases);
            }
            self.carry_out(&mut answers);
            while self.publishing.len() < MOST_AT_ONCE
                && let Some(batch) = self.locator.take_due(now())
            {
                self.publish(batch);
            }
            self.show_books();
        }
    }

    /// How long there is nothing to do, given that nothing comes.
    fn sleep(&self) -> Duration {
        let next = self.locator.next_due().filter(|_| self.publishing.len() < MOST_AT_ONCE);
        next.map_or(LONGEST_SLEEP, |due| due.since(now()).min(LONGEST_SLEEP))
    }

    async fn publish_the_rest(&mut self) {
        loop {
            while self.publishing.len() < MOST_AT_ONCE
                && let Some(batch) = self.locator.take_any()
            {
                self.publish(batch);
            }
            tokio::select! {
                // Of one that panicked the plays come back; the others are waited for all the same.
                Some(plays) = self.publishing.join_next() => {
                    if let Ok(plays) = plays {
                        self.confirm(plays);
                    }
                }
                Some(rejected) = self.rejecting.confirmed() => {
                    if let Ok((play, reason)) = rejected {
                        let done = self.locator.rejected(play, reason);
                        self.acknowledge(done);
                    }
                }
                else => return,
            }
        }
    }

    fn publish(&mut self, Batch { data, plays, begun }: Batch<A>) {
        let (outbox, complaint) = (self.outbox.clone(), self.complaint.clone());
        let telemetry = self.telemetry.clone();
        let span = spans::batch(&plays);
        let publishing = async move {
            until_confirmed(&complaint, || outbox.publish(data.clone())).await;
            telemetry.published(plays.len(), now().since(begun));
            plays
        };
        self.publishing.spawn(publishing.instrument(span));
    }

    fn confirm(&mut self, plays: Vec<Held<A>>) {
        for done in self.locator.published(plays) {
            done.acknowledge();
            self.acked += 1;
        }
    }

    fn carry_out(&mut self, answers: &mut Vec<Answer<A>>) {
        for answer in answers.drain(..) {
            match answer {
                Answer::Ack(done) => self.acknowledge(done),
                Answer::Reject { data, reason, play } => self.rejecting.add(data, reason, play),
            }
        }
    }

    fn acknowledge(&mut self, done: Done<A>) {
        done.acknowledge();
        self.acked += 1;
    }

    fn show_books(&self) {
        let databases = self.locator.databases();
        self.telemetry.show(Books {
            ledger: *self.locator.ledger(),
            acked: self.acked,
            unreadable_records: databases.unreadable_records(),
            databases_built_at: databases.built_at(),
        });
    }
}

#[cfg(test)]
mod tests;
