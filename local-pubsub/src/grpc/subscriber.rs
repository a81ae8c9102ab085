//! `google.pubsub.v1.Subscriber`.

use std::{sync::Arc, time::Duration};

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{pull::pull, streaming_pull::streaming_pull};
use crate::{
    admin,
    broker::{AckId, BrokerError, SubscriptionName},
    hub::Hub,
    pb,
    pb::subscriber_service::Subscriber,
};

/// The longest deadline that ModifyAckDeadline may set; zero gives the message back.
const MAX_ACK_DEADLINE_SECONDS: u64 = 600;

/// The service over a broker.
pub(crate) struct SubscriberApi {
    hub: Arc<Hub>,
}

impl SubscriberApi {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub }
    }
}

/// Acknowledges deliveries by the ids that a client sends back, but for those that a planned fault loses.
///
/// # Errors
///
/// [`BrokerError::InvalidArgument`] for an id that no delivery had; [`BrokerError::NotFound`] without the
/// subscription.
pub(super) fn acknowledge(
    hub: &Hub,
    subscription: &SubscriptionName,
    ids: &[String],
) -> Result<(), BrokerError> {
    let mut ids = ids.iter().map(|id| AckId::parse(id)).collect::<Result<Vec<_>, _>>()?;
    if let Some(faults) = hub.faults() {
        ids.retain(|id| !faults.loses_ack(subscription.as_str(), id.delivery.0));
    }
    hub.with(|broker, now| broker.acknowledge(subscription, &ids, now))
}

/// Sets the deadlines of deliveries, each in seconds from now.
///
/// # Errors
///
/// As [`acknowledge`], and [`BrokerError::InvalidArgument`] for a deadline outside 0 to 600 s.
pub(super) fn modify_deadlines<'a>(
    hub: &Hub,
    subscription: &SubscriptionName,
    changes: impl Iterator<Item = (&'a String, i32)>,
) -> Result<(), BrokerError> {
    let changes = changes.map(|(id, seconds)| Ok((AckId::parse(id)?, deadline(seconds)?)));
    let changes = changes.collect::<Result<Vec<_>, BrokerError>>()?;
    hub.with(|broker, now| broker.modify_deadlines(subscription, &changes, now))
}

fn deadline(seconds: i32) -> Result<Duration, BrokerError> {
    match u64::try_from(seconds) {
        Ok(valid) if valid <= MAX_ACK_DEADLINE_SECONDS => Ok(Duration::from_secs(valid)),
        _ => Err(BrokerError::InvalidArgument(format!(
            "Invalid ack deadline given (ack_deadline={seconds}): it must be between 0 and {MAX_ACK_DEADLINE_SECONDS} seconds."
        ))),
    }
}

#[tonic::async_trait]
impl Subscriber for SubscriberApi {
    type StreamingPullStream = ReceiverStream<Result<pb::StreamingPullResponse, Status>>;

    async fn streaming_pull(
        &self,
        request: Request<Streaming<pb::StreamingPullRequest>>,
    ) -> Result<Response<Self::StreamingPullStream>, Status> {
        streaming_pull(&self.hub, request.into_inner()).await.map(Response::new)
    }

    async fn pull(&self, request: Request<pb::PullRequest>) -> Result<Response<pb::PullResponse>, Status> {
        pull(&self.hub, request.get_ref()).await.map(Response::new)
    }

    async fn acknowledge(&self, request: Request<pb::AcknowledgeRequest>) -> Result<Response<()>, Status> {
        let request = request.get_ref();
        let subscription = SubscriptionName::parse(&request.subscription)?;
        self.hub.permit(subscription.as_str())?;
        acknowledge(&self.hub, &subscription, &request.ack_ids)?;
        Ok(Response::new(()))
    }

    async fn modify_ack_deadline(
        &self,
        request: Request<pb::ModifyAckDeadlineRequest>,
    ) -> Result<Response<()>, Status> {
        let request = request.get_ref();
        let subscription = SubscriptionName::parse(&request.subscription)?;
        self.hub.permit(subscription.as_str())?;
        let changes = request.ack_ids.iter().map(|id| (id, request.ack_deadline_seconds));
        modify_deadlines(&self.hub, &subscription, changes)?;
        Ok(Response::new(()))
    }

    async fn create_subscription(
        &self,
        request: Request<pb::Subscription>,
    ) -> Result<Response<pb::Subscription>, Status> {
        admin::create_subscription(&self.hub, request.into_inner()).map(Response::new)
    }

    async fn get_subscription(
        &self,
        request: Request<pb::GetSubscriptionRequest>,
    ) -> Result<Response<pb::Subscription>, Status> {
        admin::get_subscription(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn update_subscription(
        &self,
        request: Request<pb::UpdateSubscriptionRequest>,
    ) -> Result<Response<pb::Subscription>, Status> {
        admin::patch_subscription(&self.hub, request.into_inner()).map(Response::new)
    }

    async fn list_subscriptions(
        &self,
        request: Request<pb::ListSubscriptionsRequest>,
    ) -> Result<Response<pb::ListSubscriptionsResponse>, Status> {
        admin::list_subscriptions(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn delete_subscription(
        &self,
        request: Request<pb::DeleteSubscriptionRequest>,
    ) -> Result<Response<()>, Status> {
        admin::delete_subscription(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn seek(&self, request: Request<pb::SeekRequest>) -> Result<Response<pb::SeekResponse>, Status> {
        admin::seek(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn modify_push_config(
        &self,
        _: Request<pb::ModifyPushConfigRequest>,
    ) -> Result<Response<()>, Status> {
        Err(admin::unsupported("push subscriptions"))
    }

    async fn get_snapshot(
        &self,
        _: Request<pb::GetSnapshotRequest>,
    ) -> Result<Response<pb::Snapshot>, Status> {
        Err(admin::unsupported("snapshots"))
    }

    async fn list_snapshots(
        &self,
        _: Request<pb::ListSnapshotsRequest>,
    ) -> Result<Response<pb::ListSnapshotsResponse>, Status> {
        Err(admin::unsupported("snapshots"))
    }

    async fn create_snapshot(
        &self,
        _: Request<pb::CreateSnapshotRequest>,
    ) -> Result<Response<pb::Snapshot>, Status> {
        Err(admin::unsupported("snapshots"))
    }

    async fn update_snapshot(
        &self,
        _: Request<pb::UpdateSnapshotRequest>,
    ) -> Result<Response<pb::Snapshot>, Status> {
        Err(admin::unsupported("snapshots"))
    }

    async fn delete_snapshot(&self, _: Request<pb::DeleteSnapshotRequest>) -> Result<Response<()>, Status> {
        Err(admin::unsupported("snapshots"))
    }
}
