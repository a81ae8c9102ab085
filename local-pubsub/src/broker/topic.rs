//! A topic: its settings, who subscribes to it, and the messages that it keeps for seeks.

use std::{collections::VecDeque, sync::Arc};

use super::{config::TopicConfig, message::Message, name::SubscriptionName, time::UnixMillis};

/// One topic of the broker.
#[derive(Debug, Default)]
pub(crate) struct Topic {
    pub(crate) config: TopicConfig,
    pub(crate) subscriptions: Vec<SubscriptionName>,
    log: VecDeque<Arc<Message>>,
}

impl Topic {
    pub(crate) fn new(config: TopicConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Keeps a message for as long as the topic's retention says.
    pub(crate) fn retain(&mut self, message: &Arc<Message>) {
        if self.config.retention.is_some() {
            self.log.push_back(Arc::clone(message));
        }
    }

    /// Whether somebody needs a message that is published now.
    pub(crate) fn is_heard(&self) -> bool {
        self.config.retention.is_some() || !self.subscriptions.is_empty()
    }

    /// Forgets the messages that have outlived the retention.
    pub(crate) fn trim(&mut self, now: UnixMillis) {
        let Some(retention) = self.config.retention else {
            self.log.clear();
            return;
        };
        while self.log.front().is_some_and(|message| message.published().outlived(retention, now)) {
            self.log.pop_front();
        }
    }

    /// The kept messages that were published at `from` or later, oldest first.
    pub(crate) fn since(&self, from: UnixMillis) -> impl Iterator<Item = &Arc<Message>> {
        let start = self.log.partition_point(|message| message.published() < from);
        self.log.range(start..)
    }
}
