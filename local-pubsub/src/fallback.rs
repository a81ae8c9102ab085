//! What lies outside of the services: other gRPC methods, and the root, by which scripts see that the broker
//! answers.

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tonic::Status;

/// Answers `GET /` with `Ok`, as Google's emulator does; gRPC methods of other services (schemas, IAM) with
/// UNIMPLEMENTED and their name; everything else with 404.
pub(crate) fn add_to(router: Router) -> Router {
    router.route("/", get(|| async { "Ok\n" })).fallback(unknown)
}

async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    let is_grpc = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/grpc"));
    if is_grpc {
        let text = format!("local-pubsub does not support {}.", path.trim_start_matches('/'));
        return Status::unimplemented(text).into_http::<axum::body::Body>();
    }
    (StatusCode::NOT_FOUND, format!("local-pubsub has nothing at {path}\n")).into_response()
}
