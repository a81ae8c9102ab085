//! `GET /api/latest`: what the world listens to together now, in the client's language.
//!
//! A request chooses a representation and clones counted references to it; nothing is made for it.

use actix_web::dev::RequestHead;
use actix_web::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL,
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use listening_together_proto::Language;

use super::method::read_only;
use super::openapi::{Lang, Negotiation, PROBLEM};
use super::request;
use crate::coding::Coding;
use crate::negotiate::coding::coding_for_accept;
use crate::problem::{self, Problem};
use crate::render::LatestView;
use crate::snapshot::{Representation, Screen};

const PATH: &str = "/api/latest";

/// Caches ask again after a second; a browser asks each time, and is mostly answered 304.
const CACHE: HeaderValue =
    HeaderValue::from_static("public, max-age=0, s-maxage=1, stale-while-revalidate=1");

const VARIES: HeaderValue = HeaderValue::from_static("Accept-Encoding, Accept-Language");

/// Adds the resource.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(read_only(PATH, latest));
}

/// The latest sessions
///
/// What the world listens to together now, in the client's language. `lang` wins over `Accept-Language`; a language
/// that is not there is answered in English.
#[utoipa::path(
    get,
    path = "/api/latest",
    tag = "sessions",
    params(Lang, Negotiation),
    responses(
        (status = 200, description = "The latest sessions", body = LatestView<'_>, headers(
            ("ETag" = String, description = "Strong; of this language and coding"),
            ("Content-Language" = String, description = "Which language the names are in"),
        )),
        (status = 304, description = "The client has them: If-None-Match names their ETag"),
        (status = 400, description = "`lang` is no language tag", body = Problem<'_>, content_type = PROBLEM),
        (status = 406, description = "Accept-Encoding excludes every coding", body = Problem<'_>,
            content_type = PROBLEM),
        (status = 503, description = "No session has been announced yet", body = Problem<'_>,
            content_type = PROBLEM, headers(("Retry-After" = u32, description = "Seconds"))),
    ),
)]
pub(super) async fn latest(asked: HttpRequest, screen: web::Data<Screen>) -> HttpResponse {
    respond(&asked, &screen)
}

/// Whether [`respond`] answers this request: what nearly all requests are, which need no routing.
pub(super) fn is_asked_for(head: &RequestHead) -> bool {
    head.uri.path() == PATH && matches!(head.method, Method::GET | Method::HEAD)
}

/// The answer to a request for the latest sessions.
pub(super) fn respond(asked: &HttpRequest, screen: &Screen) -> HttpResponse {
    let language = match request::language(asked) {
        Ok(language) => language,
        Err(detail) => return problem::response(StatusCode::BAD_REQUEST, &detail),
    };
    let Some(coding) = coding_for_accept(request::values(asked, &ACCEPT_ENCODING), |_| true) else {
        return not_acceptable();
    };
    match screen.shown().as_deref() {
        Some(snapshot) => answer(asked, snapshot.representation(language, coding), language),
        None => not_yet(),
    }
}

fn answer(asked: &HttpRequest, representation: &Representation, language: Language) -> HttpResponse {
    let mut response = if request::is_known(asked, &representation.etag) {
        HttpResponse::new(StatusCode::NOT_MODIFIED)
    } else {
        let mut response = HttpResponse::with_body(StatusCode::OK, representation.body.clone());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        if representation.coding != Coding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(representation.coding.token()));
        }
        response.map_into_boxed_body()
    };
    insert_common_headers(response.headers_mut(), representation);
    response
}

/// What a 304 repeats of the 200 (RFC 9110, section 15.4.5), and what any site's script may see.
fn insert_common_headers(headers: &mut HeaderMap, representation: &Representation) {
    headers.insert(ETAG, representation.etag.clone());
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(VARY, VARIES);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn not_acceptable() -> HttpResponse {
    let detail = "Accept-Encoding excludes all that there is: br, zstd, gzip, identity";
    let mut response = problem::response(StatusCode::NOT_ACCEPTABLE, detail);
    response.headers_mut().insert(VARY, VARIES);
    response
}

fn not_yet() -> HttpResponse {
    let mut response =
        problem::response(StatusCode::SERVICE_UNAVAILABLE, "no session has been announced yet");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
