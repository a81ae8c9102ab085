//! Google's JSON error body.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tonic::{Code, Status};

/// A status on its way out as `{"error":{"code":404,"message":"…","status":"NOT_FOUND"}}`.
#[derive(Debug)]
pub(super) struct RestError(Status);

impl From<Status> for RestError {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let (http, name) = names(self.0.code());
        let body = json!({ "error": { "code": http.as_u16(), "message": self.0.message(), "status": name } });
        (http, Json(body)).into_response()
    }
}

/// The HTTP status and the name of a code, for the codes that administrative calls end with.
fn names(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Code::AlreadyExists => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
    }
}
