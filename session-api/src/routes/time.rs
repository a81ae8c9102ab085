//! `GET /api/time`: this server's clock, `{"now_ms":1795510805000}` since the epoch.
//!
//! Clients learn from it by how much their own clock is off, and can switch to the next slot at its start all at once.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::method::read_only;
use crate::clock::Clock;

/// A clock's time.
#[derive(Serialize, ToSchema)]
pub(super) struct Time {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    now_ms: i64,
}

/// Adds the resource.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(read_only("/api/time", time));
}

/// The server's clock
///
/// Clients learn by how much their own is off, and switch to the next slot at its start, all at once.
#[utoipa::path(
    get,
    path = "/api/time",
    tag = "time",
    responses((status = 200, description = "The time at which this was answered", body = Time)),
)]
pub(super) async fn time(clock: web::Data<Clock>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(serde_json::to_vec(&Time { now_ms: clock.now().as_millis() }).expect("a number serialises"))
}
