//! Declares the server halves of `google.pubsub.v1` by hand.
//!
//! The registry crate that carries the message types generates clients only. Its proto files need not be
//! copied here: a gRPC service is a list of method names and types, and tonic's manual builder takes exactly
//! that.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let publisher = service("Publisher")
        .method(unary("create_topic", "CreateTopic", "Topic", "Topic"))
        .method(unary("update_topic", "UpdateTopic", "UpdateTopicRequest", "Topic"))
        .method(unary("publish", "Publish", "PublishRequest", "PublishResponse"))
        .method(unary("get_topic", "GetTopic", "GetTopicRequest", "Topic"))
        .method(unary("list_topics", "ListTopics", "ListTopicsRequest", "ListTopicsResponse"))
        .method(unary(
            "list_topic_subscriptions",
            "ListTopicSubscriptions",
            "ListTopicSubscriptionsRequest",
            "ListTopicSubscriptionsResponse",
        ))
        .method(unary(
            "list_topic_snapshots",
            "ListTopicSnapshots",
            "ListTopicSnapshotsRequest",
            "ListTopicSnapshotsResponse",
        ))
        .method(unary("delete_topic", "DeleteTopic", "DeleteTopicRequest", "Empty"))
        .method(unary(
            "detach_subscription",
            "DetachSubscription",
            "DetachSubscriptionRequest",
            "DetachSubscriptionResponse",
        ))
        .build();
    let subscriber = service("Subscriber")
        .method(unary("create_subscription", "CreateSubscription", "Subscription", "Subscription"))
        .method(unary("get_subscription", "GetSubscription", "GetSubscriptionRequest", "Subscription"))
        .method(unary(
            "update_subscription",
            "UpdateSubscription",
            "UpdateSubscriptionRequest",
            "Subscription",
        ))
        .method(unary(
            "list_subscriptions",
            "ListSubscriptions",
            "ListSubscriptionsRequest",
            "ListSubscriptionsResponse",
        ))
        .method(unary("delete_subscription", "DeleteSubscription", "DeleteSubscriptionRequest", "Empty"))
        .method(unary("modify_ack_deadline", "ModifyAckDeadline", "ModifyAckDeadlineRequest", "Empty"))
        .method(unary("acknowledge", "Acknowledge", "AcknowledgeRequest", "Empty"))
        .method(unary("pull", "Pull", "PullRequest", "PullResponse"))
        .method(
            method("streaming_pull", "StreamingPull", "StreamingPullRequest", "StreamingPullResponse")
                .client_streaming()
                .server_streaming()
                .build(),
        )
        .method(unary("modify_push_config", "ModifyPushConfig", "ModifyPushConfigRequest", "Empty"))
        .method(unary("get_snapshot", "GetSnapshot", "GetSnapshotRequest", "Snapshot"))
        .method(unary("list_snapshots", "ListSnapshots", "ListSnapshotsRequest", "ListSnapshotsResponse"))
        .method(unary("create_snapshot", "CreateSnapshot", "CreateSnapshotRequest", "Snapshot"))
        .method(unary("update_snapshot", "UpdateSnapshot", "UpdateSnapshotRequest", "Snapshot"))
        .method(unary("delete_snapshot", "DeleteSnapshot", "DeleteSnapshotRequest", "Empty"))
        .method(unary("seek", "Seek", "SeekRequest", "SeekResponse"))
        .build();
    Builder::new().build_client(false).compile(&[publisher, subscriber]);
}

fn service(name: &str) -> tonic_build::manual::ServiceBuilder {
    Service::builder().name(name).package("google.pubsub.v1")
}

/// `Empty` stands for `google.protobuf.Empty`, which the messages module names.
fn method(name: &str, route: &str, input: &str, output: &str) -> tonic_build::manual::MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("crate::pb::{input}"))
        .output_type(format!("crate::pb::{output}"))
        .codec_path("tonic_prost::ProstCodec")
}

fn unary(name: &str, route: &str, input: &str, output: &str) -> Method {
    method(name, route, input, output).build()
}
