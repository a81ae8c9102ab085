//! Creating, reading, changing and deleting topics and subscriptions.

use std::{ops::Bound, time::Duration};

use super::{
    Broker,
    config::{SubscriptionConfig, TopicConfig},
    error::BrokerError,
    name::{SubscriptionName, TopicName},
    subscription::Subscription,
    time::Now,
    topic::Topic,
};

/// A topic as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicView {
    /// Its name.
    pub name: TopicName,
    /// Its settings.
    pub config: TopicConfig,
}

/// A subscription as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionView {
    /// Its name.
    pub name: SubscriptionName,
    /// Its topic; `None` when that has been deleted.
    pub topic: Option<TopicName>,
    /// How long its topic keeps messages for seeks.
    pub topic_retention: Option<Duration>,
    /// Its settings.
    pub config: SubscriptionConfig,
}

impl Broker {
    /// Creates a topic.
    ///
    /// # Errors
    ///
    /// [`BrokerError::AlreadyExists`].
    pub fn create_topic(&mut self, name: &TopicName, config: TopicConfig) -> Result<TopicView, BrokerError> {
        if self.topics.contains_key(name) {
            return Err(BrokerError::AlreadyExists(name.to_string()));
        }
        self.topics.insert(name.clone(), Topic::new(config));
        self.topic(name)
    }

    /// Reads a topic.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`].
    pub fn topic(&self, name: &TopicName) -> Result<TopicView, BrokerError> {
        let topic = self.topics.get(name).ok_or_else(|| BrokerError::NotFound(name.to_string()))?;
        Ok(TopicView { name: name.clone(), config: topic.config.clone() })
    }

    /// Changes a topic's settings.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`].
    pub fn update_topic(
        &mut self,
        name: &TopicName,
        config: TopicConfig,
        now: Now,
    ) -> Result<TopicView, BrokerError> {
        let topic = self.topics.get_mut(name).ok_or_else(|| BrokerError::NotFound(name.to_string()))?;
        topic.config = config;
        topic.trim(now.wall);
        self.topic(name)
    }

    /// The topics of a project by name, those after `after`, at most `limit`.
    #[must_use]
    pub fn topics(&self, project: &str, after: &str, limit: usize) -> Vec<TopicView> {
        let later = self.topics.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
        let own = later.filter(|(name, _)| name.project() == project);
        let view = |(name, topic): (&TopicName, &Topic)| TopicView {
            name: name.clone(),
            config: topic.config.clone(),
        };
        own.take(limit).map(view).collect()
    }

    /// The names of a topic's subscriptions, those after `after`, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`].
    pub fn topic_subscriptions(
        &self,
        name: &TopicName,
        after: &str,
        limit: usize,
    ) -> Result<Vec<SubscriptionName>, BrokerError> {
        let topic = self.topics.get(name).ok_or_else(|| BrokerError::NotFound(name.to_string()))?;
        let mut names: Vec<_> =
            topic.subscriptions.iter().filter(|name| name.as_str() > after).cloned().collect();
        names.sort_unstable();
        names.truncate(limit);
        Ok(names)
    }

    /// Deletes a topic. Its subscriptions live on with what they hold.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`].
    pub fn delete_topic(&mut self, name: &TopicName) -> Result<(), BrokerError> {
        let topic = self.topics.remove(name).ok_or_else(|| BrokerError::NotFound(name.to_string()))?;
        for subscription in &topic.subscriptions {
            if let Some(found) = self.subscriptions.get_mut(subscription) {
                found.topic = None;
            }
        }
        Ok(())
    }

    /// Creates a subscription, which gets what is published from now on.
    ///
    /// # Errors
    ///
    /// [`BrokerError::AlreadyExists`]; [`BrokerError::NotFound`] without the topic, or the dead-letter topic.
    pub fn create_subscription(
        &mut self,
        name: &SubscriptionName,
        topic: &TopicName,
        config: SubscriptionConfig,
        now: Now,
    ) -> Result<SubscriptionView, BrokerError> {
        if self.subscriptions.contains_key(name) {
            return Err(BrokerError::AlreadyExists(name.to_string()));
        }
        self.check_dead_letter_topic(&config)?;
        let Some(parent) = self.topics.get_mut(topic) else {
            return Err(BrokerError::NotFound(topic.to_string()));
        };
        parent.subscriptions.push(name.clone());
        self.incarnations += 1;
        let created = Subscription::new(config, topic.clone(), self.incarnations, now);
        if let Some(at) = created.expires_at(now.monotonic) {
            self.note_due(at);
        }
        self.subscriptions.insert(name.clone(), created);
        self.subscription(name)
    }

    /// Reads a subscription.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`].
    pub fn subscription(&self, name: &SubscriptionName) -> Result<SubscriptionView, BrokerError> {
        let found = self.subscriptions.get(name).ok_or_else(|| BrokerError::NotFound(name.to_string()))?;
        Ok(self.view(name, found))
    }

    /// Changes a subscription's settings. Leases that are out keep their deadlines.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] without the subscription, or the dead-letter topic;
    /// [`BrokerError::InvalidArgument`] when the ordering is to change.
    pub fn update_subscription(
        &mut self,
        name: &SubscriptionName,
        config: SubscriptionConfig,
        now: Now,
    ) -> Result<SubscriptionView, BrokerError> {
        self.check_dead_letter_topic(&config)?;
        self.with(name, now, |found, _| {
            if found.config.ordering != config.ordering {
                let text = "enable_message_ordering cannot be changed after the subscription was created.";
                return Err(BrokerError::InvalidArgument(text.to_owned()));
            }
            found.config = config;
            found.trim(now.wall);
            Ok(())
        })??;
        if let Some(at) = self.subscriptions.get(name).and_then(|found| found.expires_at(now.monotonic)) {
            self.note_due(at);
        }
        self.subscription(name)
    }

    /// The subscriptions of a project by name, those after `after`, at most `limit`.
    #[must_use]
    pub fn subscriptions(&self, project: &str, after: &str, limit: usize) -> Vec<SubscriptionView> {
        let later = self.subscriptions.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
        let own = later.filter(|(name, _)| name.project() == project);
        own.take(limit).map(|(name, found)| self.view(name, found)).collect()
    }

    /// Deletes a subscription with all that it holds. Its streams are woken, to find it gone.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`].
    pub fn delete_subscription(&mut self, name: &SubscriptionName) -> Result<(), BrokerError> {
        let found = self.subscriptions.remove(name).ok_or_else(|| BrokerError::NotFound(name.to_string()))?;
        self.woken.extend(found.stream_ids());
        if let Some(topic) = found.topic.as_ref().and_then(|topic| self.topics.get_mut(topic)) {
            topic.subscriptions.retain(|subscription| subscription != name);
        }
        Ok(())
    }

    fn check_dead_letter_topic(&self, config: &SubscriptionConfig) -> Result<(), BrokerError> {
        match &config.dead_letter {
            Some(policy) if !self.topics.contains_key(&policy.topic) => {
                Err(BrokerError::NotFound(policy.topic.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn view(&self, name: &SubscriptionName, found: &Subscription) -> SubscriptionView {
        let topic = found.topic.as_ref().and_then(|topic| self.topics.get(topic));
        SubscriptionView {
            name: name.clone(),
            topic: found.topic.clone(),
            topic_retention: topic.and_then(|topic| topic.config.retention),
            config: found.config.clone(),
        }
    }
}
