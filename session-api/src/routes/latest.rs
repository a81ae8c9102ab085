//! `GET /api/latest`: what the world listens to together now, in the client's language.
//!
//! A request chooses a representation and clones counted references to it; nothing is made for it.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_NONE_MATCH, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use listening_together_proto::Language;

use super::method::read_only;
use crate::coding::Coding;
use crate::negotiate::coding::coding_for_accept;
use crate::negotiate::language::{language_for_accept, language_for_tag};
use crate::snapshot::{Representation, Screen};
use crate::{etag, problem};

/// Caches ask again after a second; a browser asks each time, and is mostly answered 304.
const CACHE: HeaderValue =
    HeaderValue::from_static("public, max-age=0, s-maxage=1, stale-while-revalidate=1");

const VARIES: HeaderValue = HeaderValue::from_static("Accept-Encoding, Accept-Language");

/// Adds the resource.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(read_only("/api/latest", latest));
}

async fn latest(request: HttpRequest, screen: web::Data<Screen>) -> HttpResponse {
    let language = match requested_language(&request) {
        Ok(language) => language,
        Err(detail) => return problem::response(StatusCode::BAD_REQUEST, &detail),
    };
    let Some(coding) = coding_for_accept(values(&request, &ACCEPT_ENCODING)) else { return not_acceptable() };
    match screen.shown().as_deref() {
        Some(snapshot) => answer(&request, snapshot.representation(language, coding), language),
        None => not_yet(),
    }
}

fn answer(request: &HttpRequest, representation: &Representation, language: Language) -> HttpResponse {
    let mut response = if is_known(request, &representation.etag) {
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

/// Whether the client has this very representation.
fn is_known(request: &HttpRequest, etag: &HeaderValue) -> bool {
    let mut known = values(request, &IF_NONE_MATCH).peekable();
    known.peek().is_some() && etag.to_str().is_ok_and(|etag| etag::none_match(known, etag))
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

/// `lang` wins over `Accept-Language`. The error is what is wrong with `lang`.
fn requested_language(request: &HttpRequest) -> Result<Language, String> {
    let mut tags =
        form_urlencoded::parse(request.query_string().as_bytes()).filter(|(name, _)| name == "lang");
    match (tags.next(), tags.next()) {
        (None, _) => Ok(language_for_accept(values(request, &ACCEPT_LANGUAGE))),
        (Some((_, tag)), None) => language_for_tag(&tag).map_err(|error| error.to_string()),
        (Some(_), Some(_)) => Err("lang must be given once".to_owned()),
    }
}

/// The values of a header, one for each of its lines; lines that are not plain ASCII are passed over.
fn values<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a str> + Clone {
    request.headers().get_all(name).filter_map(|value| value.to_str().ok())
}
