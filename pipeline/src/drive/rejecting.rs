//! Rejected messages on their way to the dead-letter topic.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use service_runtime::backoff::Seldom;
use tokio::task::{JoinError, JoinSet};

use super::COMPLAIN_EVERY;
use crate::ledger::{DropReason, Held};
use crate::publish::{Outbox, until_confirmed};

/// How many are being published at once: a topic that is missing must not cost a task and a retry for each.
const MOST_AT_ONCE: usize = 256;

/// Publishes rejected messages, a bounded number at a time.
pub(super) struct Rejecting<A, O> {
    outbox: O,
    waiting: VecDeque<Rejection<A>>,
    publishing: JoinSet<Confirmed<A>>,
    /// How often failures are told, of all of them together.
    complaint: Arc<Mutex<Seldom>>,
}

struct Rejection<A> {
    data: Bytes,
    confirmed: Confirmed<A>,
}

/// A play whose message is in the dead-letter topic, and why.
pub(super) type Confirmed<A> = (Held<A>, DropReason);

impl<A: Send + 'static, O: Outbox> Rejecting<A, O> {
    pub(super) fn new(outbox: O) -> Self {
        Self {
            outbox,
            waiting: VecDeque::new(),
            publishing: JoinSet::new(),
            complaint: Arc::new(Mutex::new(Seldom::new(COMPLAIN_EVERY))),
        }
    }

    pub(super) fn add(&mut self, data: Bytes, reason: DropReason, play: Held<A>) {
        self.waiting.push_back(Rejection { data, confirmed: (play, reason) });
        self.publish();
    }

    /// Waits for the next that is confirmed as published; none when there is none. It may be given up and called again.
    pub(super) async fn confirmed(&mut self) -> Option<Result<Confirmed<A>, JoinError>> {
        let confirmed = self.publishing.join_next().await;
        self.publish();
        confirmed
    }

    /// Lets go of those that wait for their turn: they are handed back.
    pub(super) fn give_up(&mut self) {
        self.waiting.clear();
    }

    fn publish(&mut self) {
        while self.publishing.len() < MOST_AT_ONCE
            && let Some(Rejection { data, confirmed }) = self.waiting.pop_front()
        {
            let (outbox, complaint) = (self.outbox.clone(), self.complaint.clone());
            let reason = confirmed.1;
            self.publishing.spawn(async move {
                until_confirmed(&complaint, || outbox.reject(data.clone(), reason)).await;
                confirmed
            });
        }
    }
}
