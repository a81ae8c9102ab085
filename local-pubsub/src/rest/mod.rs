//! The administrative calls as REST, on the same port: `PUT /v1/projects/p/topics/plays` with a JSON body.
//!
//! Google's Rust client speaks gRPC for data and REST for administration, so a broker for it needs both.
//! Publishing and pulling exist over gRPC only; over REST they answer 501.

mod error;
mod json;
mod route;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::Method,
    response::{IntoResponse, Response},
    routing::any,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tonic::Status;

use crate::{admin, hub::Hub, pb};
use error::RestError;
use route::Route;

/// The REST calls as a router.
pub(crate) fn router(hub: Arc<Hub>) -> Router {
    Router::new().route("/v1/{*path}", any(handle)).with_state(hub)
}

/// The paging of a list call.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    page_size: i32,
    page_token: String,
}

async fn handle(
    State(hub): State<Arc<Hub>>,
    method: Method,
    Path(path): Path<String>,
    Query(page): Query<Page>,
    body: Bytes,
) -> Response {
    match answer(&hub, &method, &path, page, &body) {
        Ok(value) => Json(value).into_response(),
        Err(status) => RestError::from(status).into_response(),
    }
}

fn answer(
    hub: &Hub,
    method: &Method,
    path: &str,
    page: Page,
    body: &[u8],
) -> Result<serde_json::Value, Status> {
    match Route::find(method, path)? {
        Route::CreateTopic(name) => {
            let topic = read::<json::Topic>(body)?.into_pb(name)?;
            Ok(json::topic(&admin::create_topic(hub, topic)?))
        }
        Route::GetTopic(topic) => Ok(json::topic(&admin::get_topic(hub, &pb::GetTopicRequest { topic })?)),
        Route::UpdateTopic(name) => {
            let update: json::UpdateTopic = read(body)?;
            let update_mask = json::mask(update.update_mask.as_deref());
            let topic = Some(update.topic.into_pb(name)?);
            Ok(json::topic(&admin::patch_topic(hub, pb::UpdateTopicRequest { topic, update_mask })?))
        }
        Route::DeleteTopic(topic) => {
            admin::delete_topic(hub, &pb::DeleteTopicRequest { topic })?;
            Ok(json!({}))
        }
        Route::ListTopics(project) => {
            let Page { page_size, page_token } = page;
            let list = admin::list_topics(hub, &pb::ListTopicsRequest { project, page_size, page_token })?;
            let topics: Vec<_> = list.topics.iter().map(json::topic).collect();
            Ok(json!({ "topics": topics, "nextPageToken": list.next_page_token }))
        }
        Route::ListTopicSubscriptions(topic) => {
            let Page { page_size, page_token } = page;
            let request = pb::ListTopicSubscriptionsRequest { topic, page_size, page_token };
            let list = admin::list_topic_subscriptions(hub, &request)?;
            Ok(json!({ "subscriptions": list.subscriptions, "nextPageToken": list.next_page_token }))
        }
        Route::CreateSubscription(name) => {
            let wanted = read::<json::Subscription>(body)?.into_pb(name)?;
            Ok(json::subscription(&admin::create_subscription(hub, wanted)?))
        }
        Route::GetSubscription(subscription) => {
            let request = pb::GetSubscriptionRequest { subscription };
            Ok(json::subscription(&admin::get_subscription(hub, &request)?))
        }
        Route::UpdateSubscription(name) => {
            let update: json::UpdateSubscription = read(body)?;
            let update_mask = json::mask(update.update_mask.as_deref());
            let subscription = Some(update.subscription.into_pb(name)?);
            let request = pb::UpdateSubscriptionRequest { subscription, update_mask };
            Ok(json::subscription(&admin::patch_subscription(hub, request)?))
        }
        Route::DeleteSubscription(subscription) => {
            admin::delete_subscription(hub, &pb::DeleteSubscriptionRequest { subscription })?;
            Ok(json!({}))
        }
        Route::ListSubscriptions(project) => {
            let Page { page_size, page_token } = page;
            let request = pb::ListSubscriptionsRequest { project, page_size, page_token };
            let list = admin::list_subscriptions(hub, &request)?;
            let subscriptions: Vec<_> = list.subscriptions.iter().map(json::subscription).collect();
            Ok(json!({ "subscriptions": subscriptions, "nextPageToken": list.next_page_token }))
        }
        Route::Seek(subscription) => {
            let target = Some(read::<json::Seek>(body)?.into_target()?);
            admin::seek(hub, &pb::SeekRequest { subscription, target })?;
            Ok(json!({}))
        }
    }
}

/// Reads a body; an absent one counts as `{}`.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Status> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Status::invalid_argument(format!("Invalid JSON payload received. {error}")))
}
