//! `GET /api/time`: this server's clock, `{"now_ms":1795510805000}` since the epoch.
//!
//! Clients learn from it by how much their own clock is off, and can switch to the next slot at its start all at once.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, web};

use super::method::read_only;
use crate::clock::Clock;

/// Adds the resource.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(read_only("/api/time", time));
}

async fn time(clock: web::Data<Clock>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(format!(r#"{{"now_ms":{}}}"#, clock.now().as_millis()))
}
