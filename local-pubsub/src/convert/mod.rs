//! Between the messages of `google.pubsub.v1` and the broker's own types. Validation and defaults live here,
//! so that gRPC and REST cannot differ; what the broker cannot do is refused here, never accepted and
//! ignored.

mod mask;
mod subscription;
mod time;
mod topic;

pub(crate) use subscription::{parse_subscription, render_subscription, update_subscription};
pub(crate) use time::{stream_deadline, unix_millis};
pub(crate) use topic::{parse_topic, render_topic, update_topic};
