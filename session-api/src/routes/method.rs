//! What a resource that can only be read answers to other methods.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderValue,
};
use actix_web::http::{Method, header::HeaderName};
use actix_web::{HttpResponse, Resource, web};

use crate::problem;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// A resource that `handler` answers GET and HEAD of (the server leaves the body out of the latter).
///
/// Routes of an application instead of a resource would answer 404 to a method that is not theirs.
pub(super) fn read_only<F, Args>(path: &str, handler: F) -> Resource
where
    F: actix_web::Handler<Args> + Copy,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler))
        .route(web::head().to(handler))
        .route(web::method(Method::OPTIONS).to(options))
        .default_service(web::to(not_allowed))
}

/// Also answers the preflight requests of browsers: anybody may read.
pub(super) async fn options() -> HttpResponse {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (ALLOW, METHODS),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*")),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ];
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    headers.into_iter().for_each(|(name, value)| {
        response.headers_mut().insert(name, value);
    });
    response
}

/// 405, with the methods that are.
pub(super) async fn not_allowed() -> HttpResponse {
    let detail = "this resource can only be read, by GET or HEAD";
    let mut response = problem::response(StatusCode::METHOD_NOT_ALLOWED, detail);
    response.headers_mut().insert(ALLOW, METHODS);
    response
}
