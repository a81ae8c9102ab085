//! `google.pubsub.v1.Publisher`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::{
    admin, broker::TopicName, hub::Hub, pb, pb::publisher_service::Publisher, status::planned_fault,
};

/// The service over a broker.
pub(crate) struct PublisherApi {
    hub: Arc<Hub>,
}

impl PublisherApi {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub }
    }
}

#[tonic::async_trait]
impl Publisher for PublisherApi {
    async fn publish(
        &self,
        request: Request<pb::PublishRequest>,
    ) -> Result<Response<pb::PublishResponse>, Status> {
        let request = request.into_inner();
        let topic = TopicName::parse(&request.topic)?;
        self.hub.permit(topic.as_str())?;
        if self.hub.refuses_publish(topic.as_str()) {
            return Err(planned_fault());
        }
        let message_ids = self.hub.with(|broker, now| broker.publish(&topic, request.messages, now))?;
        Ok(Response::new(pb::PublishResponse { message_ids }))
    }

    async fn create_topic(&self, request: Request<pb::Topic>) -> Result<Response<pb::Topic>, Status> {
        admin::create_topic(&self.hub, request.into_inner()).map(Response::new)
    }

    async fn update_topic(
        &self,
        request: Request<pb::UpdateTopicRequest>,
    ) -> Result<Response<pb::Topic>, Status> {
        admin::patch_topic(&self.hub, request.into_inner()).map(Response::new)
    }

    async fn get_topic(&self, request: Request<pb::GetTopicRequest>) -> Result<Response<pb::Topic>, Status> {
        admin::get_topic(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn list_topics(
        &self,
        request: Request<pb::ListTopicsRequest>,
    ) -> Result<Response<pb::ListTopicsResponse>, Status> {
        admin::list_topics(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn list_topic_subscriptions(
        &self,
        request: Request<pb::ListTopicSubscriptionsRequest>,
    ) -> Result<Response<pb::ListTopicSubscriptionsResponse>, Status> {
        admin::list_topic_subscriptions(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn list_topic_snapshots(
        &self,
        _: Request<pb::ListTopicSnapshotsRequest>,
    ) -> Result<Response<pb::ListTopicSnapshotsResponse>, Status> {
        Err(admin::unsupported("snapshots"))
    }

    async fn delete_topic(&self, request: Request<pb::DeleteTopicRequest>) -> Result<Response<()>, Status> {
        admin::delete_topic(&self.hub, request.get_ref()).map(Response::new)
    }

    async fn detach_subscription(
        &self,
        _: Request<pb::DetachSubscriptionRequest>,
    ) -> Result<Response<pb::DetachSubscriptionResponse>, Status> {
        Err(admin::unsupported("detached subscriptions"))
    }
}
