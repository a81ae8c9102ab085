//! The gRPC services `google.pubsub.v1.Publisher` and `google.pubsub.v1.Subscriber`.

mod pull;
mod publisher;
mod streaming_pull;
mod subscriber;

use std::sync::Arc;

use tonic::service::{Routes, RoutesBuilder};

use crate::{
    hub::Hub,
    pb::{publisher_service::PublisherServer, subscriber_service::SubscriberServer},
};

/// Google takes 10 MB of messages in one call; their framing comes on top. An Acknowledge of thousands of ids
/// is smaller.
const MAX_REQUEST_BYTES: usize = 20 << 20;

/// Both services over one broker.
pub(crate) fn routes(hub: &Arc<Hub>) -> Routes {
    let publisher = publisher::PublisherApi::new(Arc::clone(hub));
    let subscriber = subscriber::SubscriberApi::new(Arc::clone(hub));
    let mut routes = RoutesBuilder::default();
    routes.add_service(PublisherServer::new(publisher).max_decoding_message_size(MAX_REQUEST_BYTES));
    routes.add_service(SubscriberServer::new(subscriber).max_decoding_message_size(MAX_REQUEST_BYTES));
    routes.routes()
}
