//! Many connections, and slow and greedy ones.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::broker::Broker;
use crate::replica::{PATIENCE, Replica, alone};

/// Longer than any request may take beside whatever goes on.
const UNHARMED: Duration = Duration::from_secs(5);

async fn showing_slot_20() -> (Broker, Replica) {
    let broker = Broker::start().await;
    let mut replica = Replica::start(broker.address, &[]).await;
    broker.announce_two(20).await;
    replica.until_latest_has("\"slot\":20").await;
    (broker, replica)
}

/// Another client is answered as ever.
async fn assert_unharmed(replica: &Replica) {
    let start = Instant::now();
    let answer = replica.get("/api/latest").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(start.elapsed() < UNHARMED, "it took {:?}", start.elapsed());
}

/// So many connections, each of which was answered once and stays open.
async fn connect(api: SocketAddr, count: usize) -> Vec<TcpStream> {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits }).unwrap();
    let mut connections = Vec::with_capacity(count);
    while connections.len() < count {
        // As many at a time as the queue of any kernel takes.
        let batch: JoinSet<_> = (connections.len()..count).take(100).map(|_| answered_once(api)).collect();
        connections.extend(batch.join_all().await);
    }
    connections
}

async fn answered_once(api: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(api).await.expect("MAX_CONNECTIONS and nofile leave room");
    connection.write_all(b"GET /api/time HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(connection.read_buf(&mut answer).await.unwrap(), 0);
    }
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_harm_nobody() {
    const MANY: usize = 10_000;
    let _alone = alone().await;
    let (_broker, mut replica) = showing_slot_20().await;
    let before = replica.memory();
    // What a connection left behind would count again in each round.
    for round in 0..3 {
        let connections = connect(replica.api, MANY).await;
        assert_unharmed(&replica).await;
        let each = replica.memory().saturating_sub(before) * 1024 / MANY as u64;
        println!("round {round}: {each} bytes for each of {MANY} connections");
        assert!(each < 24 * 1024, "{each} bytes for each connection");
        drop(connections);
        replica.until("closed connections", async |replica| replica.open_files() < 100).await;
    }
    replica.assert_well("127.0.0.1:1");
}

/// Sends one byte a second until the server closes the connection; gives how long that took.
async fn trickle(mut connection: TcpStream, head: &'static str) -> Duration {
    let start = Instant::now();
    let mut answer = [0; 1024];
    for byte in head.bytes().cycle() {
        let is_open = connection.write_all(&[byte]).await.is_ok();
        let silence = tokio::time::timeout(Duration::from_secs(1), connection.read(&mut answer)).await;
        // An answer, a reset or an end, all of which mean that it has been given up.
        if !is_open || silence.is_ok() {
            break;
        }
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_trickle_in_are_given_up_and_harm_nobody() {
    let _alone = alone().await;
    let (_broker, mut replica) = showing_slot_20().await;
    let mut trickling = JoinSet::new();
    for connection in connect(replica.api, 300).await {
        trickling.spawn(trickle(connection, "GET /api/latest HTTP/1.1\\r\\nx: "));
        let first = TcpStream::connect(replica.api).await.unwrap();
        trickling.spawn(trickle(first, "GET /api/latest HTTP/1.1 "));
    }
    while let Some(took) = trickling.join_next().await {
        let took = took.unwrap();
        assert!((3..30).contains(&took.as_secs()), "given up after {took:?}");
        assert_unharmed(&replica).await;
    }
    replica.assert_well("127.0.0.1:1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_have_no_end_do_not_fill_the_memory() {
    const GREEDY: usize = 500;
    let _alone = alone().await;
    let (_broker, mut replica) = showing_slot_20().await;
    let before = replica.memory();
    let most = Cell::new(before);
    for _ in 0..3 {
        let greedy = (0..GREEDY).map(|_| begin_large_head(replica.api));
        let connections = greedy.collect::<JoinSet<_>>().join_all().await;
        assert_unharmed(&replica).await;
        replica
            .until("closed connections", async |replica| {
                most.set(most.get().max(replica.memory()));
                replica.open_files() < 100
            })
            .await;
        drop(connections);
    }
    let each = most.get().saturating_sub(before) / GREEDY as u64;
    println!("{each} KiB for each of {GREEDY} heads of 120 kB, in the third round as in the first");
    assert!(each < 256, "{each} KiB for each");
    replica.assert_well("yyyyyyyy");
}

async fn begin_large_head(api: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(api).await.unwrap();
    let head = format!("GET /api/latest?x={} HTTP/1.1\r\nx: ", "y".repeat(120_000));
    let _refused = connection.write_all(head.as_bytes()).await;
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_max_connections_clients_wait_for_their_turn() {
    let broker = Broker::start().await;
    let replica = Replica::start(broker.address, &[("MAX_CONNECTIONS", "20")]).await;
    let full = connect(replica.api, 20).await;
    let waiting = tokio::spawn(answered_once(replica.api));
    tokio::task::yield_now().await;
    drop(full);
    tokio::time::timeout(PATIENCE, waiting).await.expect("an answer once there is room").unwrap();
}
