//! What Pub/Sub's PERMISSION_DENIED and NOT_FOUND mean to whoever has to mend them.
//!
//! Pub/Sub itself answers "User not authorized to perform this action.", without the action and without the role that
//! allows it.

use google_cloud_gax::error::rpc::Code;

use crate::service::with_sources;

/// A right to something of Pub/Sub, and the narrowest of Google's own roles that gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its name in IAM, such as `pubsub.topics.publish`.
    pub name: &'static str,
    /// A role that has it, such as `roles/pubsub.publisher`.
    pub role: &'static str,
}

/// To receive and acknowledge what comes through a subscription.
pub const RECEIVE: Permission =
    Permission { name: "pubsub.subscriptions.consume", role: "roles/pubsub.subscriber" };
/// To publish to a topic.
pub const PUBLISH: Permission = Permission { name: "pubsub.topics.publish", role: "roles/pubsub.publisher" };
/// To see that a subscription is there.
pub const SEE_SUBSCRIPTION: Permission =
    Permission { name: "pubsub.subscriptions.get", role: "roles/pubsub.viewer" };
/// To see that a topic is there.
pub const SEE_TOPIC: Permission = Permission { name: "pubsub.topics.get", role: "roles/pubsub.viewer" };

impl Permission {
    /// What to do where the right to `resource` (a full name) is lacking.
    #[must_use]
    pub fn denied(self, resource: &str) -> String {
        let Self { name, role } = self;
        format!(
            "permission denied: the service account of this process lacks {name} on {resource}; grant it {role} there, as deploy/terraform does"
        )
    }

    /// What an error says that came of using the right to `resource` (a full name), and what to do about it.
    #[must_use]
    pub fn explain(self, resource: &str, error: &google_cloud_gax::error::Error) -> String {
        match error.status().map(|status| status.code) {
            Some(Code::PermissionDenied) => self.denied(resource),
            Some(Code::NotFound) => missing(resource),
            _ => with_sources(error),
        }
    }
}

/// What to do where `resource` (a full name) does not exist. Pub/Sub answers the same for a project that does not.
#[must_use]
pub fn missing(resource: &str) -> String {
    format!(
        "{resource} does not exist: create it (deploy/terraform does), or correct its name or the project in the settings"
    )
}

/// What to do where no subscription to `topic` may be made as `subscription` (full names). Two rights are needed, on two
/// things, and Pub/Sub does not say which is lacking.
#[must_use]
pub fn may_not_subscribe(subscription: &str, topic: &str) -> String {
    let project = subscription.split("/subscriptions/").next().unwrap_or(subscription);
    format!(
        "permission denied: the service account of this process needs pubsub.subscriptions.create on {project} and pubsub.topics.attachSubscription on {topic}; grant it roles that have them, as deploy/terraform does"
    )
}

#[cfg(test)]
mod tests {
    use google_cloud_gax::error::Error;
    use google_cloud_gax::error::rpc::Status;

    use super::*;

    #[test]
    fn what_is_lacking_is_named_with_what_to_do() {
        let topic = "projects/demo/topics/sessions";
        let cases = [
            (
                Code::PermissionDenied,
                ["pubsub.topics.publish on projects/demo/topics/sessions", "roles/pubsub.publisher"],
            ),
            (Code::NotFound, ["projects/demo/topics/sessions does not exist", "or the project"]),
            (Code::Unavailable, ["UNAVAILABLE", "closed"]),
        ];
        for (code, expected) in cases {
            let error = Error::service(Status::default().set_code(code).set_message("closed"));
            let told = PUBLISH.explain(topic, &error);
            assert!(expected.iter().all(|text| told.contains(text)), "{code:?}: {told}");
        }
    }

    #[test]
    fn subscribing_needs_rights_to_the_project_and_the_topic() {
        let told = may_not_subscribe("projects/replicas/subscriptions/s", "projects/demo/topics/sessions");
        for expected in
            ["create on projects/replicas and", "attachSubscription on projects/demo/topics/sessions;"]
        {
            assert!(told.contains(expected), "{told}");
        }
    }
}
