//! The messages of `google.pubsub.v1` from the registry, and the server halves that `build.rs` declares for
//! them.

pub(crate) use google_cloud_googleapis::pubsub::v1::*;

/// `google.protobuf.Empty`.
pub(crate) type Empty = ();

pub(crate) use generated::publisher_server as publisher_service;
pub(crate) use generated::subscriber_server as subscriber_service;

#[expect(unreachable_pub, reason = "generated code; its visibility is tonic-build's")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/google.pubsub.v1.Publisher.rs"));
    include!(concat!(env!("OUT_DIR"), "/google.pubsub.v1.Subscriber.rs"));
}
