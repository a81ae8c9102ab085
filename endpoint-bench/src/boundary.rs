//! From the start of a slot until the first answer that carries it as current.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use listening_together_proto::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::replica::{Replica, current};
use crate::update::start_of;

/// Short slots, to see many.
const LENGTH: Duration = Duration::from_millis(500);
/// How long before its start a slot is published.
const LEAD: Duration = Duration::from_millis(250);
/// Asking begins so long before the start.
const EARLY: Duration = Duration::from_millis(15);
/// How long a slot may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Milliseconds between the start of a slot and the end of the first answer with it, for so many slots; sorted.
///
/// # Errors
/// When a slot is not shown, or before its start.
pub async fn measure(replica: &Replica, count: u64) -> anyhow::Result<Vec<f64>> {
    let mut connection = Connection::open(replica.address).await?;
    let mut delays = Vec::new();
    let first = current(LENGTH)? + 2;
    for number in first..first + count {
        let start = start_of(number, LENGTH)?;
        tokio::time::sleep((start - LEAD).since(now())).await;
        replica.publish(replica.encoded(number, LENGTH)?).await?;
        tokio::time::sleep((start - EARLY).since(now())).await;
        let shows = format!("\"current\":{{\"slot\":{number},");
        while !connection.ask().await?.contains(&shows) {
            ensure!(now() < start + PATIENCE, "the slot {number} is not shown");
        }
        let delay = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64() * 1e3
            - start.as_millis() as f64;
        ensure!(delay >= 0.0, "the slot {number} is shown too early");
        delays.push(delay);
    }
    delays.sort_by(f64::total_cmp);
    Ok(delays)
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// A connection that is kept.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// The answer to a request for `/api/latest`, with its head.
    async fn ask(&mut self) -> anyhow::Result<String> {
        self.stream.write_all(b"GET /api/latest HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        self.answer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the connection was closed");
            if length(&self.answer)
                .context("an answer without content-length")?
                .is_some_and(|length| length <= self.answer.len())
            {
                return Ok(String::from_utf8_lossy(&self.answer).into_owned());
            }
        }
    }
}

/// How long an answer is with its head; `Some(None)` while its head is not there, `None` when the head does not say.
fn length(answer: &[u8]) -> Option<Option<usize>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Some(None) };
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some(Some(head + 4 + line.parse::<usize>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_long_it_is() {
        assert_eq!(length(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"), Some(None));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"), Some(Some(40)));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
