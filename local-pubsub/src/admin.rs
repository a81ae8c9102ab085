//! The administrative calls, written once for gRPC and REST: messages of `google.pubsub.v1` in and out.

use tonic::Status;

use crate::{
    broker::{BrokerError, SubscriptionName, TopicName, parse_project},
    convert::{
        parse_subscription, parse_topic, render_subscription, render_topic, unix_millis, update_subscription,
        update_topic,
    },
    hub::Hub,
    pb,
};

/// Most entries of one page of a list; also what a request without a page size gets.
const MAX_PAGE: usize = 1000;

pub(crate) fn create_topic(hub: &Hub, topic: pb::Topic) -> Result<pb::Topic, Status> {
    let (name, config) = parse_topic(topic)?;
    hub.permit(name.as_str())?;
    let view = hub.with(|broker, _| broker.create_topic(&name, config))?;
    Ok(render_topic(view))
}

pub(crate) fn get_topic(hub: &Hub, request: &pb::GetTopicRequest) -> Result<pb::Topic, Status> {
    let name = TopicName::parse(&request.topic)?;
    hub.permit(name.as_str())?;
    let view = hub.with(|broker, _| broker.topic(&name))?;
    Ok(render_topic(view))
}

pub(crate) fn patch_topic(hub: &Hub, request: pb::UpdateTopicRequest) -> Result<pb::Topic, Status> {
    let wanted = request.topic.ok_or_else(|| missing("topic"))?;
    let name = TopicName::parse(&wanted.name)?;
    hub.permit(name.as_str())?;
    let view = hub.with(|broker, now| {
        let current = render_topic(broker.topic(&name)?);
        let (_, config) = parse_topic(update_topic(current, wanted, request.update_mask.as_ref())?)?;
        broker.update_topic(&name, config, now)
    })?;
    Ok(render_topic(view))
}

pub(crate) fn list_topics(
    hub: &Hub,
    request: &pb::ListTopicsRequest,
) -> Result<pb::ListTopicsResponse, Status> {
    let project = parse_project(&request.project)?;
    let limit = page(request.page_size)?;
    let views = hub.with(|broker, _| broker.topics(project, &request.page_token, limit));
    let topics: Vec<_> = views.into_iter().map(render_topic).collect();
    let next_page_token = next_page(&topics, limit, |topic| &topic.name);
    Ok(pb::ListTopicsResponse { topics, next_page_token })
}

pub(crate) fn list_topic_subscriptions(
    hub: &Hub,
    request: &pb::ListTopicSubscriptionsRequest,
) -> Result<pb::ListTopicSubscriptionsResponse, Status> {
    let name = TopicName::parse(&request.topic)?;
    hub.permit(name.as_str())?;
    let limit = page(request.page_size)?;
    let names = hub.with(|broker, _| broker.topic_subscriptions(&name, &request.page_token, limit))?;
    let subscriptions: Vec<_> = names.iter().map(ToString::to_string).collect();
    let next_page_token = next_page(&subscriptions, limit, |name| name);
    Ok(pb::ListTopicSubscriptionsResponse { subscriptions, next_page_token })
}

pub(crate) fn delete_topic(hub: &Hub, request: &pb::DeleteTopicRequest) -> Result<(), Status> {
    let name = TopicName::parse(&request.topic)?;
    hub.permit(name.as_str())?;
    Ok(hub.with(|broker, _| broker.delete_topic(&name))?)
}

pub(crate) fn create_subscription(hub: &Hub, wanted: pb::Subscription) -> Result<pb::Subscription, Status> {
    let (name, topic, config) = parse_subscription(wanted)?;
    hub.permit(name.as_str())?;
    hub.permit(topic.as_str())?;
    let view = hub.with(|broker, now| broker.create_subscription(&name, &topic, config, now))?;
    Ok(render_subscription(view))
}

pub(crate) fn get_subscription(
    hub: &Hub,
    request: &pb::GetSubscriptionRequest,
) -> Result<pb::Subscription, Status> {
    let name = SubscriptionName::parse(&request.subscription)?;
    hub.permit(name.as_str())?;
    let view = hub.with(|broker, _| broker.subscription(&name))?;
    Ok(render_subscription(view))
}

pub(crate) fn patch_subscription(
    hub: &Hub,
    request: pb::UpdateSubscriptionRequest,
) -> Result<pb::Subscription, Status> {
    let wanted = request.subscription.ok_or_else(|| missing("subscription"))?;
    let name = SubscriptionName::parse(&wanted.name)?;
    hub.permit(name.as_str())?;
    let view = hub.with(|broker, now| {
        let current = render_subscription(broker.subscription(&name)?);
        let config = update_subscription(current, wanted, request.update_mask.as_ref())?;
        broker.update_subscription(&name, config, now)
    })?;
    Ok(render_subscription(view))
}

pub(crate) fn list_subscriptions(
    hub: &Hub,
    request: &pb::ListSubscriptionsRequest,
) -> Result<pb::ListSubscriptionsResponse, Status> {
    let project = parse_project(&request.project)?;
    let limit = page(request.page_size)?;
    let views = hub.with(|broker, _| broker.subscriptions(project, &request.page_token, limit));
    let subscriptions: Vec<_> = views.into_iter().map(render_subscription).collect();
    let next_page_token = next_page(&subscriptions, limit, |subscription| &subscription.name);
    Ok(pb::ListSubscriptionsResponse { subscriptions, next_page_token })
}

pub(crate) fn delete_subscription(hub: &Hub, request: &pb::DeleteSubscriptionRequest) -> Result<(), Status> {
    let name = SubscriptionName::parse(&request.subscription)?;
    hub.permit(name.as_str())?;
    Ok(hub.with(|broker, _| broker.delete_subscription(&name))?)
}

pub(crate) fn seek(hub: &Hub, request: &pb::SeekRequest) -> Result<pb::SeekResponse, Status> {
    let name = SubscriptionName::parse(&request.subscription)?;
    hub.permit(name.as_str())?;
    match &request.target {
        Some(pb::seek_request::Target::Time(at)) => {
            hub.with(|broker, now| broker.seek(&name, unix_millis(at), now))?;
            Ok(pb::SeekResponse {})
        }
        Some(pb::seek_request::Target::Snapshot(_)) => Err(unsupported("snapshots")),
        None => Err(missing("time")),
    }
}

/// The answer to a call for a feature that this broker lacks.
pub(crate) fn unsupported(feature: &'static str) -> Status {
    BrokerError::Unsupported(feature).into()
}

fn missing(field: &str) -> Status {
    Status::invalid_argument(format!("The request does not have the required field {field}."))
}

fn page(size: i32) -> Result<usize, Status> {
    match usize::try_from(size) {
        Ok(0) => Ok(MAX_PAGE),
        Ok(size) => Ok(size.min(MAX_PAGE)),
        Err(_) => Err(Status::invalid_argument(format!("Invalid page_size given (page_size={size})."))),
    }
}

/// The token of a page is the name that it ends with: pages stay right while resources come and go.
fn next_page<T>(entries: &[T], limit: usize, name: impl Fn(&T) -> &String) -> String {
    if entries.len() < limit { String::new() } else { entries.last().map(name).cloned().unwrap_or_default() }
}
