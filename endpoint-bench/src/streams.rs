//! Thousands of idle streams of events: the memory that each takes, and when the last of them has a slot.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::BytesMut;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::process::Memory;
use crate::replica::{Replica, current};
use crate::statistics::Spread;

/// How many streams are open.
pub const STREAMS: usize = 5000;
/// How many slots are pushed to all of them.
pub const SLOTS: u64 = 20;
/// Idle streams are given so long to settle, and between two slots.
const PAUSE: Duration = Duration::from_millis(500);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Before the first stream.
    pub before: Memory,
    /// With all of them open and greeted.
    pub idle: Memory,
    /// After all slots have been pushed.
    pub after: Memory,
    /// Milliseconds from publishing a slot until the last stream had it.
    pub last_ms: Spread,
    /// Milliseconds from publishing a slot until half of the streams had it.
    pub median_ms: Spread,
}

impl Outcome {
    /// Resident bytes that an idle stream takes.
    #[must_use]
    pub fn bytes_each(&self) -> u64 {
        self.idle.resident.saturating_sub(self.before.resident) / STREAMS as u64
    }

    /// The same after slots were pushed.
    #[must_use]
    pub fn bytes_each_after(&self) -> u64 {
        self.after.resident.saturating_sub(self.before.resident) / STREAMS as u64
    }
}

/// A slot that has reached a stream as a whole.
struct Delivered {
    slot: u64,
    at: Instant,
}

/// Opens the streams and pushes slots of `length`, which are announced ahead.
///
/// # Errors
/// When the replica does not keep up.
pub async fn measure(replica: &Replica, length: Duration) -> anyhow::Result<Outcome> {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, ..limits })?;
    let before = Memory::of(replica.pid()?)?;
    let (delivered, mut deliveries) = mpsc::unbounded_channel();
    let mut streams = JoinSet::new();
    for _ in 0..STREAMS {
        let (address, delivered) = (replica.address, delivered.clone());
        streams.spawn(async move { listen(address, &delivered).await });
        // The next one connects when this one has been greeted: nobody comes in crowds here.
        timeout(PATIENCE, deliveries.recv()).await.context("a stream is not greeted")?;
    }
    tokio::time::sleep(PAUSE).await;
    let idle = Memory::of(replica.pid()?)?;
    let (mut last_ms, mut median_ms) = (Vec::new(), Vec::new());
    let first = current(length)? + 1;
    for number in first..first + SLOTS {
        let update = replica.encoded(number, length)?;
        let start = Instant::now();
        replica.publish(update).await?;
        let mut waits = Vec::with_capacity(STREAMS);
        while waits.len() < STREAMS {
            let next = timeout(PATIENCE, deliveries.recv()).await;
            let next =
                next.ok().flatten().with_context(|| format!("{} have the slot {number}", waits.len()))?;
            if next.slot == number {
                waits.push(next.at.duration_since(start).as_secs_f64() * 1e3);
            }
        }
        let spread = Spread::of(waits).context("nobody listens")?;
        last_ms.push(spread.most);
        median_ms.push(spread.median);
        tokio::time::sleep(PAUSE).await;
    }
    ensure!(streams.try_join_next().is_none(), "a stream has ended");
    let after = Memory::of(replica.pid()?)?;
    let spread = |values| Spread::of(values).context("no slot was pushed");
    Ok(Outcome { before, idle, after, last_ms: spread(last_ms)?, median_ms: spread(median_ms)? })
}

async fn listen(address: SocketAddr, delivered: &mpsc::UnboundedSender<Delivered>) -> anyhow::Result<()> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"GET /api/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut text = BytesMut::new();
    while connection.read_buf(&mut text).await? > 0 {
        let at = Instant::now();
        while let Some(event) = first_event(&mut text) {
            if let Some(slot) = slot_of(&event) {
                delivered.send(Delivered { slot, at })?;
            }
        }
    }
    Ok(())
}

/// What comes before the first blank line, if there is one.
fn first_event(text: &mut BytesMut) -> Option<BytesMut> {
    let end = text.windows(2).position(|two| two == b"\n\n")?;
    Some(text.split_to(end + 2))
}

fn slot_of(event: &[u8]) -> Option<u64> {
    let line = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"id: "))?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_they_are_cut() {
        let mut text = BytesMut::from(&b"retry: 3000\n\nid: 7\nevent: slot\ndata: {}"[..]);
        assert_eq!(first_event(&mut text).as_deref().map(slot_of), Some(None));
        assert_eq!(first_event(&mut text), None);
        text.extend_from_slice(b"\n\nid: 8");
        assert_eq!(first_event(&mut text).as_deref().map(slot_of), Some(Some(7)));
        assert_eq!(first_event(&mut text), None);
    }
}
