//! The API as clients see it: the application that `main` serves, fed with a programme.
//!
//! Most tests call it without a socket; what only a connection shows (HEAD, keep-alive, draining) goes through a port
//! that the system chose.

#[cfg(test)]
#[expect(dead_code, reason = "the unit tests use the rest")]
#[path = "../src/fixtures.rs"]
mod fixtures;
#[cfg(test)]
mod support;

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, IF_NONE_MATCH};
use serde_json::{Value, json};
use session_api::clock::Clock;
use support::{Answer, Fed, Listening, ask, get};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

fn city(answer: &Answer) -> Value {
    answer.json()["current"]["sessions"][0]["places"][0]["city"].clone()
}

#[actix_web::test]
async fn the_latest_sessions() {
    let answer = get(&Fed::with_slots([19, 20, 21]), "/api/latest").await;
    assert_eq!(answer.status, StatusCode::OK);
    for (name, value) in [
        ("content-type", JSON),
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

#[actix_web::test]
async fn the_time_is_told() {
    let before = Clock::default().now().as_millis();
    let answer = get(&Fed::with_slots([]), "/api/time").await;
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        (Some(JSON), Some("no-store"))
    );
    let told = answer.json()["now_ms"].as_i64().unwrap();
    assert!((before..=Clock::default().now().as_millis()).contains(&told), "{told}");
}

#[actix_web::test]
async fn other_paths_are_not_found() {
    let fed = Fed::with_slots([20]);
    for path in ["/", "/api", "/api/latest/", "/api/latest/1", "/index.html"] {
        get(&fed, path).await.assert_problem(StatusCode::NOT_FOUND, path);
    }
}

#[actix_web::test]
async fn other_methods_are_not_allowed() {
    let fed = Fed::with_slots([20]);
    for path in ["/api/latest", "/api/time"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            let answer = fed.call(method, path, &[]).await;
            answer.assert_problem(StatusCode::METHOD_NOT_ALLOWED, method);
            assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{method} {path}");
        }
        let answer = fed.call("OPTIONS", path, &[]).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
    }
}

#[actix_web::test]
async fn a_site_is_served_beside_the_api() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("index.html"), "<!doctype html>").unwrap();
    std::fs::write(directory.path().join("globe.js"), "export {}").unwrap();
    std::fs::write(directory.path().join(".secret"), "no").unwrap();
    let fed = Fed::with_slots([20]).and_site(directory.path());
    for (path, kind) in [("/", "text/html; charset=utf-8"), ("/globe.js", "text/javascript")] {
        let answer = get(&fed, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, Some(kind)), "{path}");
    }
    assert_eq!(get(&fed, "/api/latest").await.header("content-type"), Some(JSON));
    for path in ["/nowhere.js", "/api/nowhere"] {
        get(&fed, path).await.assert_problem(StatusCode::NOT_FOUND, path);
    }
    for path in ["/.secret", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        assert!(get(&fed, path).await.status.is_client_error(), "{path}");
    }
    let answer = fed.call("POST", "/index.html", &[]).await;
    answer.assert_problem(StatusCode::METHOD_NOT_ALLOWED, "POST");
}

#[actix_web::test]
async fn head_is_get_without_a_body() {
    let server = Listening::start(Fed::with_slots([20])).await;
    let [get, head] =
        [server.request("GET", "/api/latest").await, server.request("HEAD", "/api/latest").await];
    assert!(get.starts_with("HTTP/1.1 200 OK\r\n"), "{get}");
    let (get_head, body) = get.split_once("\r\n\r\n").unwrap();
    let (head_head, nothing) = head.split_once("\r\n\r\n").unwrap();
    let without_date = |head: &str| {
        let mut lines: Vec<_> =
            head.lines().filter(|line| !line.starts_with("date")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(without_date(head_head), without_date(get_head));
    assert!(get_head.contains(&format!("content-length: {}\r\n", body.len())), "{get_head}");
    assert_eq!(nothing, "");
    for path in ["/api/time", "/nowhere", "/api/latest?lang=_"] {
        let answer = server.request("HEAD", path).await;
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn an_idle_connection_does_not_hold_the_end_up() {
    let server = Listening::start(Fed::with_slots([20])).await;
    let _idle = server.connect_and_ask("/api/latest").await;
    let ended = tokio::time::timeout(Duration::from_secs(8), server.stop()).await;
    assert!(ended.is_ok(), "the server waits for an idle connection");
}

#[actix_web::test]
async fn problems_say_what_is_wrong_in_the_words_of_rfc_9457() {
    let answer = get(&Fed::with_slots([20]), "/api/latest?lang=_").await;
    assert_eq!(answer.header("content-type"), Some(PROBLEM));
    let expected = json!({
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "lang must be a well-formed BCP 47 language tag of at most 100 bytes, such as en or pt-BR",
    });
    assert_eq!(answer.json(), expected);
}
