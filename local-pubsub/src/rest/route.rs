//! Which call a method and a path mean.

use axum::http::Method;
use tonic::Status;

use crate::admin::unsupported;

/// A call, with the full name of its resource (or of the project for a list).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    CreateTopic(String),
    GetTopic(String),
    UpdateTopic(String),
    DeleteTopic(String),
    ListTopics(String),
    ListTopicSubscriptions(String),
    CreateSubscription(String),
    GetSubscription(String),
    UpdateSubscription(String),
    DeleteSubscription(String),
    ListSubscriptions(String),
    Seek(String),
}

impl Route {
    /// Finds the call for a path below `/v1/`.
    ///
    /// # Errors
    ///
    /// UNIMPLEMENTED for calls that Google has and this broker has not; NOT_FOUND for paths that mean
    /// nothing.
    pub(super) fn find(method: &Method, path: &str) -> Result<Self, Status> {
        let (resource, verb) = split_verb(path);
        let parts: Vec<&str> = resource.split('/').collect();
        let name = || resource.to_owned();
        let project = || parts[..2].join("/");
        let topic = || parts[..4].join("/");
        Ok(match (method.as_str(), parts.as_slice(), verb) {
            ("PUT", ["projects", _, "topics", _], None) => Self::CreateTopic(name()),
            ("GET", ["projects", _, "topics", _], None) => Self::GetTopic(name()),
            ("PATCH", ["projects", _, "topics", _], None) => Self::UpdateTopic(name()),
            ("DELETE", ["projects", _, "topics", _], None) => Self::DeleteTopic(name()),
            ("GET", ["projects", _, "topics"], None) => Self::ListTopics(project()),
            ("GET", ["projects", _, "topics", _, "subscriptions"], None) => {
                Self::ListTopicSubscriptions(topic())
            }
            ("PUT", ["projects", _, "subscriptions", _], None) => Self::CreateSubscription(name()),
            ("GET", ["projects", _, "subscriptions", _], None) => Self::GetSubscription(name()),
            ("PATCH", ["projects", _, "subscriptions", _], None) => Self::UpdateSubscription(name()),
            ("DELETE", ["projects", _, "subscriptions", _], None) => Self::DeleteSubscription(name()),
            ("GET", ["projects", _, "subscriptions"], None) => Self::ListSubscriptions(project()),
            ("POST", ["projects", _, "subscriptions", _], Some("seek")) => Self::Seek(name()),
            _ => return Err(refusal(method, path, &parts, verb)),
        })
    }
}

fn refusal(method: &Method, path: &str, parts: &[&str], verb: Option<&str>) -> Status {
    match (parts.get(2).copied(), parts.get(4).copied(), verb) {
        (_, _, Some("publish" | "pull" | "acknowledge" | "modifyAckDeadline")) => {
            unsupported("publishing and pulling over REST (they work over gRPC)")
        }
        (_, _, Some("modifyPushConfig")) => unsupported("push subscriptions"),
        (_, _, Some("detach")) => unsupported("detached subscriptions"),
        (_, _, Some("getIamPolicy" | "setIamPolicy" | "testIamPermissions")) => unsupported("IAM policies"),
        (Some("snapshots"), _, _) | (_, Some("snapshots"), _) => unsupported("snapshots"),
        (Some("schemas" | "schemas:validate" | "schemas:validateMessage"), _, _) => unsupported("schemas"),
        _ => Status::not_found(format!(
            "The requested URL was not found on this server ({method} /v1/{path})."
        )),
    }
}

/// `projects/p/subscriptions/s:seek` is a resource and a verb. Ids have no colon.
fn split_verb(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once(':') {
        Some((resource, verb)) if !verb.contains('/') => (resource, Some(verb)),
        _ => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn calls_are_found_by_method_and_path() {
        let topic = || "projects/p/topics/t".to_owned();
        let subscription = || "projects/p/subscriptions/s".to_owned();
        let project = || "projects/p".to_owned();
        let cases = [
            ("PUT", topic(), Route::CreateTopic(topic())),
            ("GET", topic(), Route::GetTopic(topic())),
            ("PATCH", topic(), Route::UpdateTopic(topic())),
            ("DELETE", topic(), Route::DeleteTopic(topic())),
            ("GET", "projects/p/topics".to_owned(), Route::ListTopics(project())),
            ("GET", format!("{}/subscriptions", topic()), Route::ListTopicSubscriptions(topic())),
            ("PUT", subscription(), Route::CreateSubscription(subscription())),
            ("GET", subscription(), Route::GetSubscription(subscription())),
            ("PATCH", subscription(), Route::UpdateSubscription(subscription())),
            ("DELETE", subscription(), Route::DeleteSubscription(subscription())),
            ("GET", "projects/p/subscriptions".to_owned(), Route::ListSubscriptions(project())),
            ("POST", format!("{}:seek", subscription()), Route::Seek(subscription())),
        ];
        for (method, path, expected) in cases {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(Route::find(&method, &path).ok(), Some(expected), "{method} {path}");
        }
    }

    #[test]
    fn what_is_missing_says_so() {
        let cases = [
            ("POST", "projects/p/topics/t:publish", Code::Unimplemented),
            ("POST", "projects/p/subscriptions/s:pull", Code::Unimplemented),
            ("POST", "projects/p/subscriptions/s:acknowledge", Code::Unimplemented),
            ("POST", "projects/p/subscriptions/s:modifyPushConfig", Code::Unimplemented),
            ("POST", "projects/p/subscriptions/s:detach", Code::Unimplemented),
            ("GET", "projects/p/topics/t:getIamPolicy", Code::Unimplemented),
            ("GET", "projects/p/topics/t/snapshots", Code::Unimplemented),
            ("PUT", "projects/p/snapshots/s", Code::Unimplemented),
            ("POST", "projects/p/schemas", Code::Unimplemented),
            ("POST", "projects/p/schemas:validate", Code::Unimplemented),
            ("POST", "projects/p/topics/t", Code::NotFound),
            ("GET", "projects/p", Code::NotFound),
            ("GET", "nonsense", Code::NotFound),
        ];
        for (method, path, expected) in cases {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(
                Route::find(&method, path).map_err(|status| status.code()),
                Err(expected),
                "{method} {path}"
            );
        }
    }
}
