//! Thousands of streams of events at a time.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::broker::Broker;
use crate::replica::{Replica, alone};

const MANY: usize = 5000;

/// The most of resident memory that an idle stream may take.
const MEMORY_EACH: u64 = 16 * 1024;

/// What the slowest client may wait for a slot on a machine that has other work, such as being the clients. On an idle
/// one it is 250 ms.
const LAST: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_streams_are_small_fast_and_ended_in_order() {
    let _alone = alone().await;
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits }).unwrap();
    let broker = Broker::start().await;
    let mut replica = Replica::start(broker.address, &[]).await;
    broker.announce_two(20).await;
    replica.until_latest_has("\"slot\":20").await;
    let before = replica.memory();
    let mut streams = JoinSet::new();
    for _ in 0..MANY {
        let connection = TcpStream::connect(replica.api).await.unwrap();
        streams.spawn(until_event(
            connection,
            Some("GET /api/stream HTTP/1.1\r\nhost: test\r\n\r\n"),
            "id: 21\n",
        ));
        if streams.len() % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let connections: Vec<_> =
        streams.join_all().await.into_iter().map(|(connection, _)| connection).collect();
    replica.until_metric(&format!("session_api_streams_open {MANY}")).await;
    let each = replica.memory().saturating_sub(before) * 1024 / MANY as u64;

    let mut streams = JoinSet::new();
    for connection in connections {
        streams.spawn(until_event(connection, None, "id: 40\n"));
    }
    let start = Instant::now();
    broker.announce_two(40).await;
    let (connections, times): (Vec<_>, Vec<_>) = streams.join_all().await.into_iter().unzip();
    let last = times.into_iter().max().unwrap() - start;
    println!("{each} bytes for each of {MANY} streams; the last had a slot {last:?} after it was published");
    assert!(each <= MEMORY_EACH, "{each} bytes for each stream");
    assert!(last < LAST, "the last client had to wait for {last:?}");

    replica.assert_well("127.0.0.1:1");
    let ended = replica.terminate().await;
    assert!(ended < Duration::from_secs(9), "it took {ended:?} to end");
    let mut whole = JoinSet::new();
    for connection in connections {
        whole.spawn(is_ended_in_order(connection));
    }
    assert!(whole.join_all().await.into_iter().all(|is_whole| is_whole), "every stream has its end");
}

/// When `event` came, after the request if there is one.
async fn until_event(mut connection: TcpStream, request: Option<&str>, event: &str) -> (TcpStream, Instant) {
    connection.write_all(request.unwrap_or_default().as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !text.windows(event.len()).any(|found| found == event.as_bytes()) {
        assert_ne!(connection.read_buf(&mut text).await.unwrap(), 0, "an end instead of {event}");
    }
    (connection, Instant::now())
}

/// Whether the last chunk has come before the connection was closed.
async fn is_ended_in_order(mut connection: TcpStream) -> bool {
    let mut text = Vec::new();
    connection.read_to_end(&mut text).await.is_ok() && text.ends_with(b"0\r\n\r\n")
}
