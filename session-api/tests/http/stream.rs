//! `/api/stream`.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::support::{Fed, Listening, get};

#[actix_web::test]
async fn slots_are_pushed_as_they_are_announced() {
    let fed = Fed::with_slots([18, 19, 20]);
    let server = Listening::start(fed.clone()).await;
    let mut events = server.listen("/api/stream?lang=ja", "").await;
    let first = events.until("\n\n\r\n").await;
    assert!(first.ends_with("retry: 3000\n\n\r\n"), "{first}");
    assert_eq!(events.ids_until(20).await, [20], "the current one is there at once");
    let event = events.until("\n\n").await;
    assert!(event.starts_with("event: slot\ndata: {\"slot\":20,\"starts_at\":\""), "{event}");
    assert!(event.contains("ベルリン"), "{event}");
    fed.announce([21]);
    assert_eq!(events.ids_until(21).await, [21]);
    fed.0.feed.beat();
    assert!(events.until("\n:\n\n").await.ends_with("\n:\n\n"), "a comment is a sign of life");
    fed.announce([23, 22]);
    assert_eq!(events.ids_until(23).await, [22, 23]);
    server.stop().await;
}

#[actix_web::test]
async fn a_client_that_comes_back_is_told_what_it_missed() {
    let fed = Fed::with_slots(11..=21);
    let server = Listening::start(fed).await;
    for (name, header, expected) in [
        ("two were missed", "last-event-id: 19\r\n", vec![20, 21]),
        ("more than are known", "Last-Event-ID: 3\r\n", (11..=21).collect()),
        ("an id that is none of ours", "last-event-id: x\r\n", vec![20, 21]),
    ] {
        let mut events = server.listen("/api/stream", header).await;
        assert_eq!(events.ids_until(21).await, expected, "{name}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn its_head_says_that_it_is_not_to_be_kept_or_buffered() {
    let server = Listening::start(Fed::with_slots([20])).await;
    let mut events = server.listen("/api/stream?lang=pt", "").await;
    let heads = [server.request("HEAD", "/api/stream?lang=pt").await, events.head.clone()];
    for (method, head) in ["HEAD", "GET"].into_iter().zip(heads) {
        for line in [
            "HTTP/1.1 200 OK",
            "content-type: text/event-stream",
            "content-language: pt-BR",
            "cache-control: no-store",
            "access-control-allow-origin: *",
            "x-accel-buffering: no",
        ] {
            assert!(head.contains(line), "{method}: {line} in {head}");
        }
        assert!(head.ends_with("\r\n\r\n"), "{method}: {head}");
        assert!(!head.contains("content-length"), "{method}: a stream has no length: {head}");
    }
    events.until("retry").await;
    server.stop().await;
}

#[actix_web::test]
async fn a_malformed_language_is_refused() {
    get(&Fed::with_slots([20]), "/api/stream?lang=_").await.assert_problem(StatusCode::BAD_REQUEST, "lang");
}

#[actix_web::test]
async fn there_are_only_so_many_streams() {
    let fed = Fed::with_slots([20]);
    let server = Listening::start(fed.clone()).await;
    let one = server.listen("/api/stream", "").await;
    let _other = server.listen("/api/stream", "").await;
    let refused = server.request("GET", "/api/stream").await;
    let (head, body) = refused.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(head.contains("retry-after: 10") && head.contains("application/problem+json"), "{head}");
    assert!(body.contains("\"status\":503"), "{body}");
    assert!(server.request("GET", "/api/latest").await.starts_with("HTTP/1.1 200"), "others are unharmed");
    drop(one);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while fed.0.feed.seat().is_none() {
        assert!(tokio::time::Instant::now() < deadline, "the seat of a client that has left is not free");
        tokio::task::yield_now().await;
    }
    server.listen("/api/stream", "").await.until("retry").await;
    server.stop().await;
}

#[actix_web::test]
async fn streams_end_when_the_replica_does() {
    let fed = Fed::with_slots([20]);
    let server = Listening::start(fed.clone()).await;
    let mut events = server.listen("/api/stream", "").await;
    events.ids_until(20).await;
    fed.0.feed.close();
    let (rest, ()) = tokio::join!(events.rest(), server.stop());
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
}

#[actix_web::test]
async fn a_replica_that_is_ending_begins_no_stream() {
    let fed = Fed::with_slots([20]);
    let server = Listening::start(fed.clone()).await;
    fed.0.feed.close();
    let start = tokio::time::Instant::now();
    let refused = server.request("GET", "/api/stream").await;
    assert!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(
        refused.contains("retry-after: 1\r\n") && refused.contains("application/problem+json"),
        "{refused}"
    );
    server.stop().await;
}

#[actix_web::test]
async fn before_anything_is_shown_there_is_nothing_that_is_over() {
    // By this machine's clock, slot 20 is over since 1970.
    let fed = Fed::with_slots([]);
    fed.announce([19, 20]);
    let server = Listening::start(fed.clone()).await;
    let mut events = server.listen("/api/stream", "").await;
    events.until("retry: 3000\n\n").await;
    fed.announce([21]);
    assert_eq!(events.ids_until(21).await, [21]);
    server.stop().await;
}

#[actix_web::test]
async fn an_update_may_have_many_slots() {
    let fed = Fed::with_slots([20]);
    let server = Listening::start(fed.clone()).await;
    let mut events = server.listen("/api/stream", "").await;
    events.ids_until(20).await;
    fed.announce(21..61);
    assert_eq!(events.ids_until(60).await, (21..61).collect::<Vec<_>>());
    let mut later = server.listen("/api/stream", "").await;
    assert_eq!(later.ids_until(60).await, (20..61).collect::<Vec<_>>());
    server.stop().await;
}

#[actix_web::test]
async fn streams_end_when_they_are_old() {
    let server = Listening::start(Fed::with_slots([20]).and_max_stream_age(Duration::from_millis(50))).await;
    let text = server.listen("/api/stream", "").await.rest().await;
    assert!(text.contains("id: 20\n"), "{text}");
    server.stop().await;
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_dropped() {
    let fed = Fed::with_slots([20]);
    let server = Listening::start(fed.clone()).await;
    let mut stalled = server.listen_with_little_room("/api/stream").await;
    let mut reading = server.listen("/api/stream", "").await;
    // More than the kernel buffers; one client takes everything all the while.
    for number in 21..600 {
        fed.announce_at_length(number, 20_000);
        reading.ids_until(number).await;
    }
    stalled.ids_until(20).await;
    let rest = stalled.rest().await;
    assert!(rest.contains("id: 21\n") && !rest.contains("id: 599\n"), "{} bytes", rest.len());
    server.stop().await;
}
