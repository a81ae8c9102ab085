//! `/api/latest`: languages, codings, entity tags.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, IF_NONE_MATCH};
use serde_json::Value;

use crate::support::{Answer, Fed, ask, get};

fn city(answer: &Answer) -> Value {
    answer.json()["current"]["sessions"][0]["places"][0]["city"].clone()
}

#[actix_web::test]
async fn the_latest_sessions() {
    let answer = get(&Fed::with_slots([19, 20, 21]), "/api/latest").await;
    assert_eq!(answer.status, StatusCode::OK);
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-language", "en"),
        ("cache-control", "public, max-age=0, s-maxage=1, stale-while-revalidate=1"),
        ("vary", "Accept-Encoding, Accept-Language"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let body = answer.json();
    assert_eq!(body["slot_ms"], 5000);
    assert_eq!(body["current"]["slot"], 20);
    assert_eq!(body["next"]["slot"], 21);
    assert_eq!(body["recent"][0]["slot"], 19);
}

#[actix_web::test]
async fn every_replica_answers_with_the_same_bytes() {
    let one = get(&Fed::with_slots([19, 20, 21]), "/api/latest?lang=ja").await;
    let another = get(&Fed::with_slots([21, 20, 19, 20]), "/api/latest?lang=ja").await;
    assert_eq!(one.body, another.body);
    assert_eq!(one.header("etag"), another.header("etag"));
}

#[actix_web::test]
async fn the_language_is_negotiated() {
    let fed = Fed::with_slots([20]);
    let cases = [
        ("neither", "", "", "en", "Berlin"),
        ("the header", "", "ja, en;q=0.5", "ja", "ベルリン"),
        ("the parameter wins", "?lang=pt-BR", "ja", "pt-BR", "Berlim"),
        ("a family", "?lang=pt-PT", "", "pt-BR", "Berlim"),
        ("a missing name falls back to english", "?lang=ru", "", "ru", "Berlin"),
        ("an unknown language", "?lang=nl", "ja", "en", "Berlin"),
        ("an escaped parameter", "?x=1&lang=pt%2DBR", "", "pt-BR", "Berlim"),
    ];
    for (name, query, header, language, expected) in cases {
        let answer = ask(&fed, &format!("/api/latest{query}"), &[(ACCEPT_LANGUAGE, header)]).await;
        assert_eq!(answer.header("content-language"), Some(language), "{name}");
        assert_eq!(city(&answer), expected, "{name}");
    }
}

#[actix_web::test]
async fn a_malformed_language_is_a_bad_request() {
    let fed = Fed::with_slots([20]);
    for query in ["lang=", "lang=pt_BR", "lang=en-", "lang=%C3%9F", "lang=%FF", "lang=de&lang=fr"] {
        let answer = get(&fed, &format!("/api/latest?{query}")).await;
        answer.assert_problem(StatusCode::BAD_REQUEST, query);
        assert!(answer.json()["detail"].as_str().unwrap().starts_with("lang must be"), "{query}");
    }
}

#[actix_web::test]
async fn what_a_client_has_is_not_sent_again() {
    let fed = Fed::with_slots([20]);
    let answer = get(&fed, "/api/latest").await;
    let etag = answer.header("etag").unwrap();
    let (weak, list) = (format!("W/{etag}"), format!("\"x\", {etag}"));
    for value in [etag, &weak, &list, "*"] {
        let again = ask(&fed, "/api/latest", &[(IF_NONE_MATCH, value)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{value}");
        assert!(again.body.is_empty(), "{value}");
        for name in ["etag", "cache-control", "vary", "access-control-allow-origin"] {
            assert_eq!(again.header(name), answer.header(name), "{value}: {name}");
        }
    }
    for query in ["/api/latest?lang=ja", "/api/latest?lang=ru"] {
        let other = ask(&fed, query, &[(IF_NONE_MATCH, etag)]).await;
        assert_eq!(other.status, StatusCode::OK, "{query} has a tag of its own");
    }
}

#[actix_web::test]
async fn the_coding_is_negotiated() {
    let fed = Fed::with_slots([20]);
    let identity = get(&fed, "/api/latest").await;
    assert_eq!(identity.header("content-encoding"), None);
    let mut tags = vec![identity.header("etag").unwrap().to_owned()];
    for (accepted, expected) in
        [("gzip, deflate, br, zstd", "br"), ("gzip, zstd", "zstd"), ("gzip;q=1.0, *;q=0", "gzip")]
    {
        let answer = ask(&fed, "/api/latest", &[(ACCEPT_ENCODING, accepted)]).await;
        assert_eq!(answer.header("content-encoding"), Some(expected));
        assert_eq!(answer.header("vary"), Some("Accept-Encoding, Accept-Language"));
        assert_eq!(answer.decoded(), identity.body, "{expected}");
        let tag = answer.header("etag").unwrap().to_owned();
        let again = ask(&fed, "/api/latest", &[(ACCEPT_ENCODING, accepted), (IF_NONE_MATCH, &tag)]).await;
        assert_eq!((again.status, again.header("content-encoding")), (StatusCode::NOT_MODIFIED, None));
        assert!(!tags.contains(&tag), "{expected} has a tag of its own");
        tags.push(tag);
    }
    for accepted in ["identity;q=0", "*;q=0", "deflate, identity;q=0"] {
        let answer = ask(&fed, "/api/latest", &[(ACCEPT_ENCODING, accepted)]).await;
        answer.assert_problem(StatusCode::NOT_ACCEPTABLE, accepted);
        assert_eq!(answer.header("vary"), Some("Accept-Encoding, Accept-Language"));
    }
}

#[actix_web::test]
async fn before_the_first_session_the_service_is_unavailable() {
    let answer = get(&Fed::with_slots([]), "/api/latest").await;
    answer.assert_problem(StatusCode::SERVICE_UNAVAILABLE, "/api/latest");
    assert_eq!(answer.header("retry-after"), Some("1"));
}
