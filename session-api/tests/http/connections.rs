//! What only a connection shows.

use std::time::Duration;

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
