//! The broker itself: topics, subscriptions, deliveries and leases, as an ordinary synchronous data
//! structure.
//!
//! No task, no clock, no socket: time is an argument ([`Now`]), and what the world has to do is a return
//! value: which streams to wake ([`Broker::take_woken`]) and when to call again ([`Broker::next_due`]). The
//! layers around it hold it behind one lock. Every operation costs in proportion to the messages it names,
//! never to those that are retained; a message's bytes are shared, never copied.
//!
//! Invariants that the tests pin: an accepted message reaches every subscription of its topic and comes back
//! until it is acknowledged, dead-lettered, sought past or outlived; messages of one ordering key are never
//! delivered out of order; no stream holds more than its flow control allows; a waiting message and an idle
//! stream never sit side by side.

mod ack_id;
mod config;
mod deadlines;
mod delayed;
mod error;
mod leases;
mod message;
mod name;
mod ordered;
mod publish;
mod resources;
mod streams;
mod subscription;
#[cfg(test)]
mod tests;
mod time;
mod topic;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use ack_id::AckId;
pub use config::{DeadLetterPolicy, Limits, RetryPolicy, SubscriptionConfig, TopicConfig};
pub use error::BrokerError;
pub use leases::DeliveryId;
pub use name::{SubscriptionName, TopicName, parse_project};
pub use resources::{SubscriptionView, TopicView};
pub use streams::{StreamId, StreamOptions};
pub use time::{Monotonic, Now, UnixMillis};

use crate::{
    faults::Decisions,
    pb::{PubsubMessage, ReceivedMessage},
};
use message::{Gauge, Message, MessageId};
use subscription::{DeadLetter, Delivery, Subscription};
use topic::Topic;

/// A full broker looks for outlived messages once in this time: that walks every subscription.
const TRIM_PAUSE: Duration = Duration::from_secs(1);

/// All topics and subscriptions of all projects.
#[derive(Debug, Default)]
pub struct Broker {
    limits: Limits,
    faults: Option<Arc<Decisions>>,
    retained: Arc<Gauge>,
    topics: BTreeMap<TopicName, Topic>,
    subscriptions: BTreeMap<SubscriptionName, Subscription>,
    messages: u64,
    incarnations: u64,
    streams: u64,
    last_published: UnixMillis,
    woken: Vec<StreamId>,
    next_due: Option<Monotonic>,
    last_trim: Option<Monotonic>,
}

/// An open stream: what its owner needs to ask for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHandle {
    subscription: SubscriptionName,
    incarnation: u64,
    id: StreamId,
}

impl StreamHandle {
    /// The stream's number, which [`Broker::take_woken`] calls.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.id
    }
}

/// Messages leased to one stream. Turning them into wire messages needs no lock.
#[derive(Debug, Default)]
pub struct Batch {
    incarnation: u64,
    deliveries: Vec<Delivery>,
}

impl Batch {
    /// Whether there is nothing to deliver.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }

    /// The messages as a response carries them.
    #[must_use]
    pub fn into_received(self) -> Vec<ReceivedMessage> {
        let incarnation = self.incarnation;
        let received = |delivery: Delivery| ReceivedMessage {
            ack_id: AckId { incarnation, delivery: delivery.id }.to_string(),
            message: Some(delivery.message.content().clone()),
            delivery_attempt: delivery
                .attempt
                .map_or(0, |attempt| i32::try_from(attempt).unwrap_or(i32::MAX)),
        };
        self.deliveries.into_iter().map(received).collect()
    }
}

impl Broker {
    /// An empty broker.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Lets messages be published under these faults from now on. Where they begin a redelivery storm all
    /// leases end.
    pub(crate) fn set_faults(&mut self, faults: Option<Arc<Decisions>>, now: Now) {
        let before = std::mem::replace(&mut self.faults, faults.clone());
        let Some(faults) = faults else { return };
        let begins = |name: &SubscriptionName| faults.begins_storm(before.as_deref(), name.as_str());
        let names: Vec<_> = self.subscriptions.keys().filter(|name| begins(name)).cloned().collect();
        for name in names {
            drop(self.with(&name, now, |found, dead_letters| found.fail_all(dead_letters, now)));
        }
    }

    /// Bytes of all retained messages, as [`Limits`] counts them.
    #[must_use]
    pub fn retained_bytes(&self) -> u64 {
        self.retained.bytes()
    }

    /// Publishes messages in their order, and returns their ids: decimal numbers that only grow.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] without the topic, [`BrokerError::InvalidArgument`] beyond Google's limits,
    /// [`BrokerError::Full`] when the broker retains as much as it may. Then nothing is published.
    pub fn publish(
        &mut self,
        topic: &TopicName,
        messages: Vec<PubsubMessage>,
        now: Now,
    ) -> Result<Vec<String>, BrokerError> {
        if !self.topics.contains_key(topic) {
            return Err(BrokerError::NotFound(topic.to_string()));
        }
        publish::check(&messages)?;
        self.make_room(&messages, now)?;
        Ok(self.append(topic, messages, now))
    }

    /// Opens a stream on a subscription. Its owner asks for messages at once, and again whenever the stream
    /// is woken.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] without the subscription.
    pub fn open_stream(
        &mut self,
        subscription: &SubscriptionName,
        options: StreamOptions,
        now: Now,
    ) -> Result<StreamHandle, BrokerError> {
        self.streams += 1;
        let id = StreamId(self.streams);
        let incarnation = self.with(subscription, now, |found, _| {
            found.open_stream(id, options, now);
            found.incarnation
        })?;
        Ok(StreamHandle { subscription: subscription.clone(), incarnation, id })
    }

    /// Leases the next messages to a stream. After an empty batch the stream is woken when there is more.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] when the subscription has been deleted.
    pub fn next_batch(&mut self, stream: &StreamHandle, now: Now) -> Result<Batch, BrokerError> {
        let id = stream.id;
        let deliveries = self.with_stream(stream, now, |found| found.next_batch(id, now))?;
        Ok(Batch { incarnation: stream.incarnation, deliveries })
    }

    /// Tells that a stream cannot take messages until it asks for its next batch, so that others are given
    /// them.
    pub fn pause_stream(&mut self, stream: &StreamHandle, now: Now) {
        let id = stream.id;
        // A deleted subscription has no streams to pause.
        drop(self.with_stream(stream, now, |found| found.pause_stream(id)));
    }

    /// Changes how long a stream may hold the messages that it is given from now on.
    pub fn set_stream_deadline(&mut self, stream: &StreamHandle, deadline: Duration, now: Now) {
        let id = stream.id;
        drop(self.with_stream(stream, now, |found| found.set_stream_deadline(id, deadline)));
    }

    /// Closes a stream. What it holds stays leased until it is acknowledged or its deadline passes.
    pub fn close_stream(&mut self, stream: &StreamHandle, now: Now) {
        let id = stream.id;
        drop(self.with_stream(stream, now, |found| found.close_stream(id, now)));
    }

    /// Settles deliveries for good. Those that have ended otherwise are passed over, as Google does.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] without the subscription, [`BrokerError::InvalidArgument`] when an id
    /// belongs to another one; then none is acknowledged.
    pub fn acknowledge(
        &mut self,
        subscription: &SubscriptionName,
        ids: &[AckId],
        now: Now,
    ) -> Result<(), BrokerError> {
        let incarnation = self.check_owner(subscription, ids.iter())?;
        let own = ids.iter().filter(|id| id.incarnation == incarnation);
        let deliveries: Vec<DeliveryId> = own.map(|id| id.delivery).collect();
        self.with(subscription, now, |found, _| found.acknowledge(&deliveries, now))
    }

    /// Lets deliveries be held for the given time from now on; a time of zero gives them back at once.
    ///
    /// # Errors
    ///
    /// As [`acknowledge`](Self::acknowledge).
    pub fn modify_deadlines(
        &mut self,
        subscription: &SubscriptionName,
        changes: &[(AckId, Duration)],
        now: Now,
    ) -> Result<(), BrokerError> {
        let incarnation = self.check_owner(subscription, changes.iter().map(|(id, _)| id))?;
        let own = changes.iter().filter(|(id, _)| id.incarnation == incarnation);
        let deliveries: Vec<_> = own.map(|(id, span)| (id.delivery, *span)).collect();
        self.with(subscription, now, |found, dead_letters| {
            found.modify_deadlines(&deliveries, dead_letters, now)
        })
    }

    /// Rewinds or winds forward a subscription: messages published before `from` count as acknowledged, those
    /// published at `from` or later, and still retained, are delivered again.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] without the subscription.
    pub fn seek(
        &mut self,
        subscription: &SubscriptionName,
        from: UnixMillis,
        now: Now,
    ) -> Result<(), BrokerError> {
        let Some(found) = self.subscriptions.get_mut(subscription) else {
            return Err(BrokerError::NotFound(subscription.to_string()));
        };
        match found.topic.as_ref().and_then(|topic| self.topics.get_mut(topic)) {
            Some(topic) => {
                topic.trim(now.wall);
                found.seek(from, topic.since(from), now);
            }
            None => found.seek(from, [].into_iter(), now),
        }
        self.after(subscription, now);
        Ok(())
    }

    /// Lets time pass: leases run out, back-offs end, unused subscriptions expire. To be called at
    /// [`next_due`](Self::next_due).
    pub fn advance(&mut self, now: Now) {
        let expired =
            |found: &Subscription| found.expires_at(now.monotonic).is_some_and(|at| at <= now.monotonic);
        let names: Vec<_> =
            self.subscriptions.iter().map(|(name, found)| (name.clone(), expired(found))).collect();
        self.next_due = None;
        for (name, expired) in names {
            let done = if expired {
                self.delete_subscription(&name)
            } else {
                self.with(&name, now, |found, dead_letters| found.advance(dead_letters, now))
            };
            done.expect("the name was listed a moment ago");
            if let Some(at) = self.subscriptions.get(&name).and_then(|found| found.expires_at(now.monotonic))
            {
                self.note_due(at);
            }
        }
    }

    /// When [`advance`](Self::advance) has something to do next, as far as is known now; any call may bring
    /// it forward.
    #[must_use]
    pub fn next_due(&self) -> Option<Monotonic> {
        self.next_due
    }

    /// Takes the streams that have to ask for messages, since the last call.
    pub fn take_woken(&mut self) -> Vec<StreamId> {
        std::mem::take(&mut self.woken)
    }

    fn make_room(&mut self, messages: &[PubsubMessage], now: Now) -> Result<(), BrokerError> {
        let limit = self.limits.max_retained_bytes;
        let needed: u64 = messages.iter().map(message::cost).sum();
        let trimmed_lately = self.last_trim.is_some_and(|last| now.monotonic < last.after(TRIM_PAUSE));
        if self.retained.bytes() + needed > limit && !trimmed_lately {
            self.last_trim = Some(now.monotonic);
            self.topics.values_mut().for_each(|topic| topic.trim(now.wall));
            self.subscriptions.values_mut().for_each(|found| found.trim(now.wall));
        }
        let retained = self.retained.bytes();
        if retained + needed > limit {
            return Err(BrokerError::Full { retained, limit });
        }
        Ok(())
    }

    /// Gives messages to a topic's subscriptions.
    fn append(&mut self, name: &TopicName, contents: Vec<PubsubMessage>, now: Now) -> Vec<String> {
        self.last_published = self.last_published.max(now.wall);
        let published = self.last_published;
        let first = self.messages + 1;
        self.messages += contents.len() as u64;
        let ids = (first..=self.messages).map(|id| id.to_string()).collect();
        let Some(topic) = self.topics.get_mut(name) else { return ids };
        topic.trim(published);
        if !topic.is_heard() {
            return ids;
        }
        let store = |(content, id)| Message::store(content, MessageId(id), published, &self.retained);
        let messages: Vec<Arc<Message>> = contents.into_iter().zip(first..).map(store).collect();
        messages.iter().for_each(|message| topic.retain(message));
        let faults = self.faults.clone();
        for subscription in topic.subscriptions.clone() {
            drop(self.with(&subscription, now, |found, _| match &faults {
                None => found.enqueue_all(&messages),
                Some(faults) => {
                    let copies = |id: MessageId| faults.copies(subscription.as_str(), id.0);
                    found.enqueue_copies(&messages, copies, now);
                }
            }));
        }
        ids
    }

    /// Runs an operation on a subscription, told whether dead letters can be forwarded, and gathers what it
    /// leads to.
    fn with<R>(
        &mut self,
        name: &SubscriptionName,
        now: Now,
        operation: impl FnOnce(&mut Subscription, bool) -> R,
    ) -> Result<R, BrokerError> {
        let Some(found) = self.subscriptions.get_mut(name) else {
            return Err(BrokerError::NotFound(name.to_string()));
        };
        let policy = found.config.dead_letter.as_ref();
        let dead_letters = policy.is_some_and(|policy| self.topics.contains_key(&policy.topic));
        let result = operation(found, dead_letters);
        self.after(name, now);
        Ok(result)
    }

    fn with_stream<R>(
        &mut self,
        stream: &StreamHandle,
        now: Now,
        operation: impl FnOnce(&mut Subscription) -> R,
    ) -> Result<R, BrokerError> {
        match self.subscriptions.get(&stream.subscription) {
            Some(found) if found.incarnation == stream.incarnation => {
                self.with(&stream.subscription, now, |found, _| operation(found))
            }
            _ => Err(BrokerError::NotFound(stream.subscription.to_string())),
        }
    }

    /// Gathers what an operation on a subscription leads to: streams to wake, dead letters, the next
    /// deadline.
    fn after(&mut self, name: &SubscriptionName, now: Now) {
        let Some(found) = self.subscriptions.get_mut(name) else { return };
        found.take_woken(&mut self.woken);
        let due = found.next_due();
        let dead = found.take_dead();
        if let Some(due) = due {
            self.note_due(due);
        }
        if !dead.is_empty() {
            self.forward(name, dead, now);
        }
    }

    fn note_due(&mut self, at: Monotonic) {
        self.next_due = Some(self.next_due.map_or(at, |known| known.min(at)));
    }

    /// Publishes dead letters to the topic of their subscription's policy. They pass the limit on retained
    /// bytes: each takes the place of the message that it was.
    fn forward(&mut self, name: &SubscriptionName, dead: Vec<DeadLetter>, now: Now) {
        let Some(found) = self.subscriptions.get(name) else { return };
        let Some(policy) = &found.config.dead_letter else { return };
        let target = policy.topic.clone();
        let letters = dead.iter().map(|letter| dead_letter(name, letter)).collect();
        self.append(&target, letters, now);
    }

    fn check_owner<'a>(
        &self,
        subscription: &SubscriptionName,
        mut ids: impl Iterator<Item = &'a AckId>,
    ) -> Result<u64, BrokerError> {
        let Some(found) = self.subscriptions.get(subscription) else {
            return Err(BrokerError::NotFound(subscription.to_string()));
        };
        // An id of an earlier subscription of this name, since deleted, is as good as expired.
        let foreign = |id: &AckId| {
            id.incarnation != found.incarnation
                && self.subscriptions.values().any(|other| other.incarnation == id.incarnation)
        };
        match ids.find(|id| foreign(id)) {
            None => Ok(found.incarnation),
            Some(id) => Err(BrokerError::InvalidArgument(format!(
                "You have passed a subscription that does not belong to the given ack ID (ack_id={id}, \
                 resource={subscription})."
            ))),
        }
    }
}

/// A failed message as its dead-letter topic gets it, with the attributes that Google adds.
fn dead_letter(source: &SubscriptionName, letter: &DeadLetter) -> PubsubMessage {
    let mut content = letter.message.content().clone();
    let id = source.as_str().rsplit('/').next().unwrap_or_default();
    let published = content.publish_time.as_ref().map(ToString::to_string).unwrap_or_default();
    content.attributes.extend([
        ("CloudPubSubDeadLetterSourceDeliveryCount".to_owned(), letter.deliveries.to_string()),
        ("CloudPubSubDeadLetterSourceSubscription".to_owned(), id.to_owned()),
        ("CloudPubSubDeadLetterSourceSubscriptionProject".to_owned(), source.project().to_owned()),
        ("CloudPubSubDeadLetterSourceTopicPublishTime".to_owned(), published),
    ]);
    content
}
