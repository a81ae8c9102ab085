//! `GET /openapi.json`: the API as OpenAPI 3.1 describes it, made from the handlers and from the types they answer with.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::{IntoParams, OpenApi};

use super::method::read_only;
use super::{latest, request, stream, time};
use crate::coding::Coding;
use crate::snapshot::Representation;

/// The media type of problems.
pub(super) const PROBLEM: &str = "application/problem+json";

/// The language of the answer.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `request::language` reads")]
pub(super) struct Lang {
    /// A BCP 47 language tag, such as `pt-BR`. `de`, `en`, `es`, `fr`, `ja`, `pt-BR`, `ru` and `zh-CN` are there, and
    /// each serves its whole family; others are answered in English.
    #[param(
        max_length = 100,
        pattern = "^([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[xX](-[A-Za-z0-9]{1,8})+)?|[xX](-[A-Za-z0-9]{1,8})+)$",
        example = "pt-BR"
    )]
    lang: Option<String>,
}

/// What a client accepts, and what it has.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what the handlers read")]
pub(super) struct Negotiation {
    /// Languages that the client would have, as RFC 9110 (section 12.5.4) has them; `lang` wins over them.
    #[param(rename = "Accept-Language", nullable = false, example = "pt-BR, en;q=0.5")]
    accept_language: Option<String>,
    /// Content codings that the client takes: `br`, `zstd`, `gzip` and `identity` are there.
    #[param(rename = "Accept-Encoding", nullable = false, example = "br, gzip;q=0.5")]
    accept_encoding: Option<String>,
    /// ETags that the client has representations of.
    #[param(rename = "If-None-Match", nullable = false)]
    if_none_match: Option<String>,
}

/// Where a client goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what the handler reads")]
pub(super) struct Resumption {
    /// The `id` of the last event that the client had.
    #[param(rename = "Last-Event-ID", nullable = false)]
    last_event_id: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Listening Together",
        description = "People in cities far apart who started the same song at the same moment.",
    ),
    paths(latest::latest, stream::stream, time::time),
    tags(
        (name = "sessions", description = "Who listens together"),
        (name = "time", description = "What time it is"),
    ),
)]
struct Description;

/// Made once in the life of the process.
static DESCRIPTION: LazyLock<Representation> = LazyLock::new(|| {
    let text = Description::openapi().to_json().expect("a description serialises");
    Representation::new(text.into(), Coding::Identity, "openapi")
});

/// Adds the resource.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(read_only("/openapi.json", openapi));
}

async fn openapi(asked: HttpRequest) -> HttpResponse {
    let mut response = if request::is_known(&asked, &DESCRIPTION.etag) {
        HttpResponse::new(StatusCode::NOT_MODIFIED)
    } else {
        HttpResponse::with_body(StatusCode::OK, DESCRIPTION.body.clone()).map_into_boxed_body()
    };
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ETAG, DESCRIPTION.etag.clone()),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    headers.into_iter().for_each(|(name, value)| {
        response.headers_mut().insert(name, value);
    });
    response
}

#[cfg(test)]
mod tests {
    use proptest::string::string_regex;
    use proptest::test_runner::TestRunner;
    use serde_json::Value;

    use super::*;
    use crate::negotiate::language::language_for_tag;

    fn description() -> Value {
        serde_json::from_slice(&DESCRIPTION.body).unwrap()
    }

    #[test]
    fn it_is_openapi_3_1_and_describes_every_resource() {
        let description = description();
        assert!(description["openapi"].as_str().unwrap().starts_with("3.1."), "{description}");
        for path in ["/api/latest", "/api/stream", "/api/time"] {
            assert!(description["paths"][path]["get"]["responses"]["200"].is_object(), "{path}");
        }
        let session = &description["components"]["schemas"]["Session"]["properties"];
        for field in ["id", "track", "window", "listeners", "distance_km", "places"] {
            assert!(session[field].is_object(), "{field} in {session}");
        }
    }

    #[test]
    fn what_a_client_may_negotiate_is_described_and_optional() {
        let parameters = &description()["paths"]["/api/latest"]["get"]["parameters"];
        for name in ["Accept-Language", "Accept-Encoding", "If-None-Match"] {
            let found = parameters.as_array().unwrap().iter().find(|found| found["name"] == name).unwrap();
            assert_eq!((&found["in"], &found["required"]), (&"header".into(), &false.into()), "{name}");
        }
    }

    #[test]
    fn every_tag_that_is_described_is_accepted() {
        let parameters = &description()["paths"]["/api/latest"]["get"]["parameters"];
        let lang = parameters.as_array().unwrap().iter().find(|found| found["name"] == "lang").unwrap();
        let pattern = lang["schema"]["pattern"].as_str().unwrap().trim_matches(['^', '$']);
        let longest = usize::try_from(lang["schema"]["maxLength"].as_u64().unwrap()).unwrap();
        let described = |tag: String| {
            assert!(tag.len() > longest || language_for_tag(&tag).is_ok(), "{tag}");
            Ok(())
        };
        TestRunner::deterministic().run(&string_regex(pattern).unwrap(), described).unwrap();
    }
}
