//! The static site, if there is one, and what is found nowhere.

use std::borrow::Cow;

use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, PERMISSIONS_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;

use super::{method, request};
use crate::coding::Coding;
use crate::negotiate::coding::coding_for_accept;
use crate::problem;
use crate::site::{File, Site};
use crate::snapshot::Representation;

/// Nothing but the site's own files: a picture from where the catalogue says would tell its host who visits. Nothing inline, no
/// frames, no forms.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; \
     img-src 'self' data:; media-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// Adds the files of `site`, and the answer to everything that no route knows.
pub(super) fn configure(config: &mut web::ServiceConfig, site: Option<Site>) {
    match site {
        Some(site) => config.app_data(web::Data::new(site)).default_service(web::to(file)),
        None => config.default_service(web::to(not_found)),
    };
}

async fn file(asked: HttpRequest, site: web::Data<Site>) -> HttpResponse {
    let path = percent_decode_str(asked.path()).decode_utf8().unwrap_or(Cow::Borrowed(""));
    match (site.file(&path), asked.method()) {
        (Some(file), &Method::GET | &Method::HEAD) => answer(&asked, file),
        (Some(_), &Method::OPTIONS) => method::options().await,
        (Some(_), _) => method::not_allowed().await,
        (None, _) => not_found(asked).await,
    }
}

fn answer(asked: &HttpRequest, file: &File) -> HttpResponse {
    let Some(representation) = acceptable(asked, file) else {
        return problem::response(StatusCode::NOT_ACCEPTABLE, "Accept-Encoding excludes all that there is");
    };
    let mut response = if request::is_known(asked, &representation.etag) {
        HttpResponse::new(StatusCode::NOT_MODIFIED)
    } else {
        let mut response = HttpResponse::with_body(StatusCode::OK, representation.body.clone());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, file.media_type.clone());
        if representation.coding != Coding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(representation.coding.token()));
        }
        response.map_into_boxed_body()
    };
    let headers: [(HeaderName, HeaderValue); 7] = [
        (ETAG, representation.etag.clone()),
        (CACHE_CONTROL, file.caching.clone()),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (PERMISSIONS_POLICY, HeaderValue::from_static("camera=(), geolocation=(), microphone=()")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    headers.into_iter().for_each(|(name, value)| {
        response.headers_mut().insert(name, value);
    });
    if file.is_coded() {
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}

/// The file in the coding that the client likes best of those that it is there in.
fn acceptable<'a>(asked: &HttpRequest, file: &'a File) -> Option<&'a Representation> {
    let is_there = |coding| file.representation(coding).is_some();
    coding_for_accept(request::values(asked, &ACCEPT_ENCODING), is_there)
        .and_then(|coding| file.representation(coding))
}

async fn not_found(asked: HttpRequest) -> HttpResponse {
    // `OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7).
    if asked.method() == Method::OPTIONS && asked.path() == "*" {
        return method::options().await;
    }
    problem::response(StatusCode::NOT_FOUND, "there is nothing here; the sessions are at /api/latest")
}
