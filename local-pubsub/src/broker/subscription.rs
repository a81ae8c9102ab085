//! A subscription: its backlog, its leases and its subscribers.
//!
//! Delivery is at least once. A message is in exactly one place: waiting (in the queue, or in its ordering
//! key), leased, backing off, or settled. Settled messages are kept only where `retain_acked` asks for it. A
//! stream that closes gives nothing back: what it holds can still be acknowledged by other calls, and returns
//! when its deadline passes, as with Google's service.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    config::SubscriptionConfig,
    delayed::{Backoffs, Delayed},
    leases::{DeliveryId, Lease, Leases},
    message::{Message, MessageId},
    name::TopicName,
    ordered::OrderedKeys,
    streams::{Room, StreamId, StreamOptions, Streams},
    time::{Monotonic, Now, UnixMillis},
};

/// Most messages of one batch. Large batches are what makes delivery cheap.
const MAX_BATCH_MESSAGES: usize = 1000;

/// Most bytes of one batch, unless its only message is larger: below the 4 MiB that gRPC clients accept by
/// default.
const MAX_BATCH_BYTES: u64 = 1 << 20;

/// A waiting stream is worth waking for this many messages; a smaller backlog goes to fewer streams.
const FAIR_SHARE: usize = 64;

/// One message on its way to a subscriber.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) message: Arc<Message>,
    /// 1 for the first delivery; absent unless the subscription has a dead-letter policy.
    pub(crate) attempt: Option<u32>,
}

/// A message that has failed as often as its subscription allows.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    pub(crate) message: Arc<Message>,
    pub(crate) deliveries: u32,
}

/// One subscription of the broker.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) config: SubscriptionConfig,
    /// `None` when the topic has been deleted.
    pub(crate) topic: Option<TopicName>,
    /// Tells this subscription from an earlier one of the same name.
    pub(crate) incarnation: u64,
    waiting: VecDeque<(Arc<Message>, u32)>,
    keys: OrderedKeys,
    leases: Leases,
    backoffs: Backoffs,
    streams: Streams,
    acked: BTreeMap<MessageId, Arc<Message>>,
    dead: Vec<DeadLetter>,
    last_used: Monotonic,
}

impl Subscription {
    pub(crate) fn new(config: SubscriptionConfig, topic: TopicName, incarnation: u64, now: Now) -> Self {
        Self {
            config,
            topic: Some(topic),
            incarnation,
            waiting: VecDeque::new(),
            keys: OrderedKeys::default(),
            leases: Leases::default(),
            backoffs: Backoffs::default(),
            streams: Streams::default(),
            acked: BTreeMap::new(),
            dead: Vec::new(),
            last_used: now.monotonic,
        }
    }

    /// Adds published messages, in the order of publishing.
    pub(crate) fn enqueue_all(&mut self, messages: &[Arc<Message>]) {
        for message in messages {
            self.enqueue(Arc::clone(message), 0);
        }
        self.wake();
    }

    /// Adds published messages as often as each has `copies`, each after its delay. Messages with an order
    /// are not delayed.
    pub(crate) fn enqueue_copies(
        &mut self,
        messages: &[Arc<Message>],
        copies: impl Fn(MessageId) -> Vec<Duration>,
        now: Now,
    ) {
        for message in messages {
            for delay in copies(message.id()) {
                if delay.is_zero() || self.is_ordered(message) {
                    self.enqueue(Arc::clone(message), 0);
                } else {
                    let end = now.monotonic.after(delay);
                    self.backoffs.add(end, Delayed::Message(Arc::clone(message), 0));
                }
            }
        }
        self.wake();
    }

    pub(crate) fn open_stream(&mut self, id: StreamId, options: StreamOptions, now: Now) {
        self.last_used = now.monotonic;
        self.streams.open(id, options);
        self.keys.open_stream(id);
    }

    pub(crate) fn set_stream_deadline(&mut self, id: StreamId, deadline: Duration) {
        self.streams.set_ack_deadline(id, deadline);
    }

    /// Leaves a stream out until it asks for its next batch: its client does not keep up.
    pub(crate) fn pause_stream(&mut self, id: StreamId) {
        self.streams.pause(id);
        self.wake();
    }

    pub(crate) fn close_stream(&mut self, id: StreamId, now: Now) {
        self.last_used = now.monotonic;
        self.streams.close(id);
        self.keys.close_stream(id);
        self.wake();
    }

    /// Leases as much to a stream as there is and as its flow control allows, in one batch. An empty batch
    /// parks the stream: it will be woken.
    pub(crate) fn next_batch(&mut self, stream: StreamId, now: Now) -> Vec<Delivery> {
        self.last_used = now.monotonic;
        self.streams.run(stream);
        let mut batch = Batch::new(self.streams.room(stream), self.share());
        let deadline = self.deadline_of(stream, now);
        self.take_ordered(stream, deadline, now, &mut batch);
        self.take_unordered(stream, deadline, now, &mut batch);
        if batch.deliveries.is_empty() {
            self.streams.park(stream);
            self.wake();
        }
        batch.deliveries
    }

    pub(crate) fn acknowledge(&mut self, deliveries: &[DeliveryId], now: Now) {
        self.last_used = now.monotonic;
        for delivery in deliveries {
            if let Some(lease) = self.end_lease(*delivery) {
                self.settle(&lease);
            }
        }
        self.trim_acked(now.wall);
        self.wake();
    }

    /// Lets leases run for `span` from now on. A span of zero gives the messages back at once.
    pub(crate) fn modify_deadlines(
        &mut self,
        deliveries: &[(DeliveryId, Duration)],
        dead_letters: bool,
        now: Now,
    ) {
        self.last_used = now.monotonic;
        for (delivery, span) in deliveries {
            if span.is_zero() {
                self.fail(*delivery, dead_letters, now.monotonic);
            } else {
                self.leases.extend(*delivery, now.monotonic, *span);
            }
        }
        self.wake();
    }

    /// Takes back everything that is leased, as if all deadlines had passed.
    pub(crate) fn fail_all(&mut self, dead_letters: bool, now: Now) {
        for delivery in self.leases.deliveries() {
            self.fail(delivery, dead_letters, now.monotonic);
        }
        self.wake();
    }

    /// Takes back what has run out, and delivers what has backed off long enough.
    pub(crate) fn advance(&mut self, dead_letters: bool, now: Now) {
        for delivery in self.leases.run_out(now.monotonic) {
            self.fail(delivery, dead_letters, now.monotonic);
        }
        while let Some(delayed) = self.backoffs.pop_due(now.monotonic) {
            match delayed {
                Delayed::Message(message, failures) => self.waiting.push_back((message, failures)),
                Delayed::Key(key) => self.keys.release(&key),
            }
        }
        self.wake();
    }

    /// When [`advance`](Self::advance) may have something to do next.
    pub(crate) fn next_due(&self) -> Option<Monotonic> {
        [self.leases.next(), self.backoffs.next()].into_iter().flatten().min()
    }

    /// When the subscription expires if nobody uses it until then.
    pub(crate) fn expires_at(&self, now: Monotonic) -> Option<Monotonic> {
        let last_used = if self.streams.is_empty() { self.last_used } else { now };
        self.config.expires_after.map(|ttl| last_used.after(ttl))
    }

    /// Makes exactly the messages published at `from` or later wait: what the subscription holds, and
    /// `retained` by the topic. Leases end; acknowledgements for them come to nothing.
    pub(crate) fn seek<'a>(
        &mut self,
        from: UnixMillis,
        retained: impl Iterator<Item = &'a Arc<Message>>,
        now: Now,
    ) {
        self.last_used = now.monotonic;
        let mut messages: BTreeMap<MessageId, (Arc<Message>, u32)> =
            retained.map(|message| (message.id(), (Arc::clone(message), 0))).collect();
        self.trim_acked(now.wall);
        messages.extend(self.acked.iter().map(|(id, message)| (*id, (Arc::clone(message), 0))));
        for (message, failures) in self.drain() {
            if message.published() < from && self.config.retain_acked {
                self.acked.insert(message.id(), Arc::clone(&message));
            }
            messages.insert(message.id(), (message, failures));
        }
        for (message, failures) in messages.into_values().filter(|(message, _)| message.published() >= from) {
            self.acked.remove(&message.id());
            self.enqueue(message, failures);
        }
        self.wake();
    }

    /// Drops what has outlived the subscription's retention.
    pub(crate) fn trim(&mut self, now: UnixMillis) {
        let retention = self.config.retention;
        let outlived = |message: &Message| message.published().outlived(retention, now);
        while self.waiting.front().is_some_and(|(message, _)| outlived(message)) {
            self.waiting.pop_front();
        }
        self.keys.discard_outlived(outlived);
        self.trim_acked(now);
    }

    pub(crate) fn take_woken(&mut self, into: &mut Vec<StreamId>) {
        self.streams.take_woken(into);
    }

    pub(crate) fn take_dead(&mut self) -> Vec<DeadLetter> {
        std::mem::take(&mut self.dead)
    }

    pub(crate) fn stream_ids(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.streams.ids()
    }

    fn is_ordered(&self, message: &Message) -> bool {
        self.config.ordering && !message.ordering_key().is_empty()
    }

    fn enqueue(&mut self, message: Arc<Message>, failures: u32) {
        if self.is_ordered(&message) {
            self.keys.enqueue(message, failures);
        } else {
            self.waiting.push_back((message, failures));
        }
    }

    fn deadline_of(&self, stream: StreamId, now: Now) -> Monotonic {
        let own = self.streams.options(stream).and_then(|options| options.ack_deadline);
        now.monotonic.after(own.unwrap_or(self.config.ack_deadline))
    }

    /// A running stream leaves something for the other running ones.
    fn share(&self) -> usize {
        self.waiting.len().div_ceil(self.streams.running().max(1)).clamp(FAIR_SHARE, MAX_BATCH_MESSAGES)
    }

    fn take_ordered(&mut self, stream: StreamId, deadline: Monotonic, now: Now, batch: &mut Batch) {
        while !batch.is_full()
            && let Some(key) = self.keys.next_key(stream)
        {
            while let Some(taken) = self.keys.take(&key, |message| batch.wants(message)) {
                if taken.message.published().outlived(self.config.retention, now.wall) {
                    self.keys.discard_next(&key);
                    continue;
                }
                let delivery = self.lease(taken.message, taken.failures, stream, deadline, batch);
                self.keys.note_lease(&key, stream, delivery);
            }
            self.keys.put_back(&key);
        }
    }

    fn take_unordered(&mut self, stream: StreamId, deadline: Monotonic, now: Now, batch: &mut Batch) {
        while let Some((message, _)) = self.waiting.front()
            && batch.wants(message)
            && let Some((message, failures)) = self.waiting.pop_front()
        {
            if !message.published().outlived(self.config.retention, now.wall) {
                self.lease(message, failures, stream, deadline, batch);
            }
        }
    }

    fn lease(
        &mut self,
        message: Arc<Message>,
        failures: u32,
        stream: StreamId,
        deadline: Monotonic,
        batch: &mut Batch,
    ) -> DeliveryId {
        let id = self.leases.grant(Arc::clone(&message), failures, stream, deadline);
        self.streams.charge(stream, message.content_bytes());
        let attempt = self.config.dead_letter.is_some().then_some(failures + 1);
        batch.push(Delivery { id, message, attempt });
        id
    }

    fn end_lease(&mut self, delivery: DeliveryId) -> Option<Lease> {
        let lease = self.leases.end(delivery)?;
        self.streams.release(lease.stream, lease.message.content_bytes());
        Some(lease)
    }

    fn settle(&mut self, lease: &Lease) {
        if self.is_ordered(&lease.message) {
            self.keys.acknowledge(&lease.message);
        }
        if self.config.retain_acked {
            self.acked.insert(lease.message.id(), Arc::clone(&lease.message));
        }
    }

    /// A delivery was nacked or has run out: dead-letter the message, or deliver it again.
    fn fail(&mut self, delivery: DeliveryId, dead_letters: bool, now: Monotonic) {
        let Some(lease) = self.end_lease(delivery) else { return };
        let deliveries = lease.failures + 1;
        let spent =
            self.config.dead_letter.as_ref().is_some_and(|policy| deliveries >= policy.max_delivery_attempts);
        if spent && dead_letters {
            self.settle(&lease);
            self.dead.push(DeadLetter { message: lease.message, deliveries });
        } else {
            self.retry(lease.message, deliveries, now);
        }
    }

    fn retry(&mut self, message: Arc<Message>, failures: u32, now: Monotonic) {
        let end = self.config.retry.map(|policy| now.after(policy.backoff(failures)));
        if self.is_ordered(&message) {
            let Some((key, ended)) = self.keys.fail(&message, end.is_some()) else { return };
            for delivery in ended {
                self.end_lease(delivery);
            }
            if let Some(end) = end {
                self.backoffs.add(end, Delayed::Key(key));
            }
        } else if let Some(end) = end {
            self.backoffs.add(end, Delayed::Message(message, failures));
        } else {
            self.waiting.push_back((message, failures));
        }
    }

    /// Wakes the owners of keys that got work, those that got room for such work, and as many idle streams as
    /// the shared backlog is worth.
    fn wake(&mut self) {
        for stream in self.streams.take_roomier() {
            if self.keys.has_own_work(stream) {
                self.streams.wake(stream);
            }
        }
        for stream in self.keys.take_called() {
            self.streams.wake(stream);
        }
        let worth = self.waiting.len().div_ceil(FAIR_SHARE).max(self.keys.shared_keys());
        self.streams.wake_idle(worth.saturating_sub(self.streams.running()));
    }

    fn trim_acked(&mut self, now: UnixMillis) {
        let keep = self.config.retain_acked;
        while let Some(first) = self.acked.first_entry() {
            if keep && !first.get().published().outlived(self.config.retention, now) {
                return;
            }
            first.remove();
        }
    }

    /// Empties the backlog, leases and back-offs included, in no order.
    fn drain(&mut self) -> Vec<(Arc<Message>, u32)> {
        let mut all: Vec<_> = self.waiting.drain(..).collect();
        for lease in self.leases.drain() {
            self.streams.release(lease.stream, lease.message.content_bytes());
            if !self.config.ordering || lease.message.ordering_key().is_empty() {
                all.push((lease.message, lease.failures));
            }
        }
        all.extend(self.keys.drain().map(|taken| (taken.message, taken.failures)));
        all.extend(self.backoffs.drain());
        all
    }
}

/// A batch in the making.
struct Batch {
    deliveries: Vec<Delivery>,
    bytes: u64,
    room: Room,
    share: usize,
    /// A message was refused because it would make the batch too large.
    closed: bool,
}

impl Batch {
    fn new(room: Room, share: usize) -> Self {
        Self { deliveries: Vec::new(), bytes: 0, room, share, closed: false }
    }

    fn is_full(&self) -> bool {
        self.closed || self.deliveries.len() >= self.share || self.room.is_empty()
    }

    fn wants(&mut self, message: &Message) -> bool {
        let fits = self.deliveries.is_empty() || self.bytes + message.content_bytes() <= MAX_BATCH_BYTES;
        self.closed |= !fits;
        !self.is_full()
    }

    fn push(&mut self, delivery: Delivery) {
        let bytes = delivery.message.content_bytes();
        self.bytes += bytes;
        self.room.messages = self.room.messages.saturating_sub(1);
        self.room.bytes = self.room.bytes.saturating_sub(bytes);
        self.deliveries.push(delivery);
    }
}
