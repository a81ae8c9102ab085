//! What only a connection shows.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::support::{Fed, Listening};

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
async fn a_server_that_has_to_go_ends_connections_with_their_next_answer() {
    let fed = Fed::with_slots([20]);
    let (leaving, stop) = (fed.0.leaving.clone(), CancellationToken::new());
    let server = Listening::start(fed).await;
    let kept = server.connect_and_ask("/api/latest").await;
    stop.cancel();
    leaving.run(stop, Duration::ZERO, CancellationToken::new()).await;
    for path in ["/api/latest", "/api/time", "/nowhere"] {
        let answer = server.exchange(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        assert!(answer.contains("\r\nconnection: close\r\n"), "{path}: {answer}");
    }
    drop(kept);
    server.stop().await;
}

/// The status and the media type of an answer.
fn status_and_type(answer: &str) -> (&str, bool) {
    let status = answer.split(' ').nth(1).unwrap_or("none");
    (status, answer.contains("content-type: application/problem+json\r\n"))
}

#[actix_web::test]
async fn what_is_too_large_is_refused_and_its_connection_closed() {
    let server = Listening::start(Fed::with_slots([20])).await;
    let kept = server.connect_and_ask("/api/latest").await;
    let target =
        |bytes: usize| format!("GET /api/latest?x={} HTTP/1.1\r\nhost: t\r\n\r\n", "x".repeat(bytes));
    let header =
        |bytes: usize| format!("GET /api/latest HTTP/1.1\r\nx: {}\r\nhost: t\r\n\r\n", "x".repeat(bytes));
    let headers = |count: usize| {
        let lines: String = (0..count).map(|index| format!("x{index}: y\r\n")).collect();
        format!("GET /api/latest HTTP/1.1\r\n{lines}\r\n")
    };
    let cases = [
        ("a query of 8 kB", target(8100), "414", true),
        ("a query of 60 kB", target(60_000), "414", true),
        ("a query of 100 kB: no URI to actix", target(100_000), "400", false),
        ("a header of 17 kB", header(17_000), "431", true),
        ("a header of 100 kB", header(100_000), "431", true),
        ("a header of 1 MB: too much for actix", header(1_000_000), "431", false),
        ("97 headers: too many for actix", headers(97), "431", false),
    ];
    for (name, request, status, is_problem) in cases {
        let answer = server.exchange(&request).await;
        // What is still being sent when the server closes may cost the client the answer; buffers take what is smaller.
        if request.len() < 100_000 || !answer.is_empty() {
            assert_eq!(status_and_type(&answer), (status, is_problem), "{name}: {answer}");
        }
        assert!(server.request("GET", "/api/latest").await.starts_with("HTTP/1.1 200"), "after {name}");
    }
    drop(kept);
    server.stop().await;
}

#[actix_web::test]
async fn what_is_no_http_is_refused_and_harms_nobody() {
    let server = Listening::start(Fed::with_slots([20])).await;
    let cases = [
        ("no request", "\x16\x03\x01\x02\r\n\r\n", "400"),
        ("no version", "GET /api/latest\r\n\r\n", "400"),
        ("a version to come", "GET /api/latest HTTP/9.9\r\nhost: t\r\n\r\n", "400"),
        ("a bad header", "GET /api/latest HTTP/1.1\r\nhost: t\r\n: x\r\n\r\n", "400"),
        ("a bad length", "GET /api/latest HTTP/1.1\r\nhost: t\r\ncontent-length: x\r\n\r\n", "400"),
        ("two lengths", "GET / HTTP/1.1\r\nhost: t\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "400"),
        (
            "length and chunks",
            "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "400",
        ),
        (
            "a body that does not come",
            "POST /api/latest HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 9\r\n\r\n",
            "405",
        ),
        (
            "a proxy is asked for",
            "CONNECT example.org:443 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n",
            "404",
        ),
        ("a whole URI", "GET http://t/api/latest HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n", "200"),
        ("the server's options", "OPTIONS * HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n", "204"),
        ("the old version", "GET /api/latest HTTP/1.0\r\n\r\n", "200"),
    ];
    for (name, request, expected) in cases {
        let answer = server.exchange(request).await;
        assert_eq!(status_and_type(&answer).0, expected, "{name}: {answer}");
        assert!(server.request("GET", "/api/latest").await.starts_with("HTTP/1.1 200"), "after {name}");
    }
    server.stop().await;
}
